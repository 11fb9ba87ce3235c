# Where a block is dear: the effect of two blocks on MACs, unit by unit.
ds-sample ofa-mbv3 -n 20 | ds-affix --all | ds-measure-cost |
    ds-aggregate --effect --by unit,block |
    ds-show --columns unit,block,macs,macs:lo,macs:hi,macs:n,macs:bases | grep -e unit -e e3_k3 -e e6_k7

# What a block costs: every block affixed at every location of 20 architectures, then the mean
# change of MACs (M) against the same architectures without it, and its 95% interval.
ds-sample ofa-mbv3 -n 20 | ds-affix --all | ds-measure-cost |
    ds-aggregate --effect --by expand,kernel | ds-plot heatmap --metric macs

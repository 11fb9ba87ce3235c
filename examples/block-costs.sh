# What a block costs: every block affixed at every location of 20 architectures, then the mean
# difference of MACs (M) from all nine blocks at the same place.
ds-sample ofa-mbv3 -n 20 | ds-affix --all | ds-measure-cost |
    ds-aggregate --effect --by expand,kernel | ds-plot heatmap --metric macs

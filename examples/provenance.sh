# How was this file made? Every tool leaves its name and arguments in the stream.
ds-sample ofa-mbv3 -n 100 --max macs=300 | ds-affix --depth 0,4 --resolution 224 |
    ds-measure-cost | ds-show --heads

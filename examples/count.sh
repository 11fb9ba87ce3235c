# Three random architectures of OFA-MBv3 and what they cost.
ds-sample ofa-mbv3 -n 3 | ds-measure-cost | ds-show

# The same records from one job and from four, in any order.
cd "$(dirname "$0")/.." || exit 1
pipelines/fan-out ofa-mbv3 20 1 4 | ds-show --json | LC_ALL=C sort | cksum
ds-sample ofa-mbv3 -n 20 | ds-affix --all | ds-measure-cost | ds-show --json | LC_ALL=C sort | cksum

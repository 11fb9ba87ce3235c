# The same records from one job and from four shards on two cores, in any order.
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d) && trap 'rm -r "$dir"' EXIT
pipelines/campaign --shards 4 --jobs 2 -n 20 "$dir" ofa-mbv3 'ds-affix --all | ds-measure-cost' 2>/dev/null
pipelines/campaign --merge "$dir" | ds-show --json | cksum
ds-sample ofa-mbv3 -n 20 | ds-affix --all | ds-measure-cost | ds-show --json | cksum

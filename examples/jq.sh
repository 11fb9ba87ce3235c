# JSON for other programs: one object a line.
ds-sample ofa-mbv3 -n 1 | ds-affix --block 4,1,mbconv3_e6_k7 | ds-measure-cost | ds-show --json |
    python3 -c 'import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(r["id"], r.get("affix", "the base"), r["arch"]["units"][4]["blocks"], r["metrics"]["macs"])'

bats_require_minimum_version 1.5.0
load needs

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    mapfile -t spaces < <(cd "$DSTOOLS_SCHEMAS/spaces" && ls ./*.json | sed 's|./||; s|\.json$||')
}

rows() { # COLUMNS: of a stream, without the head line
    ds-show -t -c "$1" | tail -n +2
}

@test "ds-space lists all shipped spaces, and describes each" {
    [ "$(ds-space | awk '{ print $1 }' | sort)" = "$(printf '%s\n' "${spaces[@]}" | sort)" ]
    [ "$(ds-space --table | tail -n +2 | wc -l)" -eq "${#spaces[@]}" ]
    for s in "${spaces[@]}"; do
        ds-space "$s" >out
        grep -q "^space  *$s$" out
        grep -q '^description  *[A-Z]' out
        grep -q '^source  *[A-Z]' out
        grep -qE '^architectures  *[1-9][0-9]*$' out
    done
}

@test "ds-space: one line for layers that choose from the same blocks, long lines broken" {
    cat >s.json <<'END'
{"dstools_space": 1, "name": "s", "resolution": 32, "stem": [],
 "blocks": [{"name": "a", "type": "skip"}, {"name": "b", "type": "mbconv", "expand": 1, "kernel": 3}],
 "units": [{"width": 8, "depth": [3, 1], "blocks": [["a", "b"], ["a", "b"], ["b"]]}], "head": []}
END
    cat >expected <<'END'
space            s
architectures    6
macs             0.024576 to 0.330752 M
params           4e-05 to 0.000409 M
peakmem          0.045056 to 0.098304 MB

resolution       32
unit0.depth      3 1
unit0.width      8
unit0.layer0-1   a b
unit0.layer2     b
END
    diff expected <(ds-space s.json)
    [ "$(ds-space ofa-mbv3 | sed -n '/^resolution/,$p' | wc -L)" -le 100 ]
    ds-space ofa-mbv3 | grep -A1 '^unit0.layer0-3' | tail -1 | grep -qE '^ {17}mbconv3_e6_k3 mbconv3_e6_k5 mbconv3_e6_k7$'
}

@test "ds-space: the range of one network is what ds-measure-cost counts" {
    for s in mobilenet-v2 mobilenet-v3-large ofa-230m ofa-595m resnet-50; do
        ds-sample "$s" -n 1 | ds-measure-cost | ds-show -t -c macs,params | tail -1 |
            awk '{ printf "%.6g %.6g %.6g %.6g\n", $1, $1, $2, $2 }' >cost
        diff cost <(ds-space -t "$s" | tail -1 | awk '{ print $3, $4, $5, $6 }')
    done
}

@test "ds-space --json is the file" {
    cmp <(ds-space --json resnet50) "$DSTOOLS_SCHEMAS/spaces/resnet50.json"
    ds-space --json resnet50 -o mine.json
    [ "$(ds-space mine.json)" = "$(ds-space resnet50)" ]
}

@test "ds-space: what cannot be built, bad files, bad usage" {
    sed 's/"groups": 2/"groups": 3/' "$DSTOOLS_SCHEMAS/spaces/fbnet.json" >g3.json
    run -1 ds-space g3.json
    [ "$output" = "ds-space: space fbnet: unit0.layer0: fb_k3_e1_g2 of 16x112x112: 3 groups do not divide 16 input and 16 output channels" ]
    run -1 ds-space nowhere
    [[ "$output" == "ds-space: no 'nowhere' among the spaces (fbnet, "* ]]
    echo '{' >bad.json
    run -1 ds-space bad.json
    [[ "$output" == "ds-space: bad.json: not JSON: "* ]]
    run -2 ds-space --json
    [ "$output" = "ds-space: --json wants one SPACE, and no --table" ]
    run -2 ds-space --json ofa-mbv3 resnet50
    run -2 ds-space --json --table ofa-mbv3
    run -1 bash -c 'DSTOOLS_SCHEMAS=/nonexistent; cp "$(command -v ds-space)" elsewhere; ./elsewhere'
    [[ "$output" == *"no design spaces found: is dstools installed?" ]]
}

@test "every choice of every site of every space can be affixed and costs something" {
    for s in "${spaces[@]}"; do
        ds-sample "$s" -n 3 |
            ds-affix --all --all-depths --all-widths --all-options --all-resolutions >"$s.dss"
        # the base, and each choice of each site
        choices=$(ds-space --json "$s" | python3 -c '
import json, sys
s = json.load(sys.stdin)
n = lambda v: len(v) if isinstance(v, list) else 1
count = n(s["resolution"])
for step in s["stem"] + s["head"]:
    count += sum(len(step[k]) for k in ("width", "repeat") if isinstance(step.get(k), list))
for u in s["units"]:
    depth = max(u["depth"]) if isinstance(u["depth"], list) else u["depth"]
    blocks = u.get("blocks", [b["name"] for b in s["blocks"]])
    layers = sum(map(len, blocks)) if isinstance(blocks[0], list) else depth * len(blocks)
    count += n(u["depth"]) + n(u["width"]) + layers
print(count)')
        [ "$(ds-measure-cost "$s.dss" | rows macs,params | awk '$1 > 0 && $2 > 0' | wc -l)" -eq $((3 * (1 + choices))) ]
    done
}

@test "what was affixed is there: widths and options of ResNet50 change its cost" {
    ds-sample resnet50 -n 20 | ds-affix --all-widths --all-options | ds-measure-cost >w.dss
    ds-aggregate --effect --by site,choice w.dss | ds-show -t >table
    # wider costs more, at every site: the last choice of a site above the first
    ds-aggregate --by site,choice w.dss | ds-export json | python3 -c '
import json, sys
sites = {}
for line in sys.stdin:
    r = json.loads(line)
    key = r.get("key") or r.get("group") or r
    site, choice = key["site"], key["choice"]
    m = r["metrics"]["macs"]
    sites.setdefault(site, []).append((int(str(choice).split("=")[-1]), m["value"] if isinstance(m, dict) else m))
assert len(sites) == 3 + 4, sites
for site, values in sites.items():
    values = [m for _, m in sorted(values)]
    assert values == sorted(values) and values[0] < values[-1], (site, values)
'
}

@test "groups by the sites that a space has" {
    ds-sample resnet50 -n 5 | ds-affix --all --all-depths --all-widths --all-options --all-resolutions |
        ds-measure-cost >r.dss
    for by in unit,width unit,depth resolution site unit,expand expand unit,layer,block; do
        [ "$(ds-aggregate --by "$by" r.dss 2>/dev/null | rows macs | wc -l)" -ge 3 ]
    done
}

@test "mutation and pruning keep to the space" {
    for s in fbnet resnet50 proxylessnas; do
        ds-sample "$s" -n 5 | ds-measure-cost | ds-mutate "$s" -n 40 | ds-measure-cost | rows macs >macs
        [ "$(wc -l <macs)" -ge 40 ]
    done
    ds-prune resnet50 --drop 'expand==0.35' --max-depth 2=5 >small.json
    ds-space small.json | grep -q '^unit2.depth  *4 5$'
    [ "$(ds-space small.json | grep -c 'e0.35')" -eq 0 ]
    ds-prune fbnet --drop 'block==fb_k5_e6' --drop "type==skip" >f.json
    [ "$(ds-space -t f.json | awk 'END { print $2 }')" = "$(python3 -c 'print(7 ** 22)')" ]
}

@test "the space made in the manual is the one shipped, in one file" {
    # the displays of BLOCKS and UNITS, one after the other
    awk '/^\.Sh/ { inside = $2 == "BLOCKS" || $2 == "UNITS" }
        /^\.Bd -literal -offset indent/ { show = inside; next } /^\.Ed/ { show = 0 } show' \
        "$BATS_TEST_DIRNAME/../tools/dstools-space.7" >page.json
    cmp page.json "$DSTOOLS_SCHEMAS/spaces/fbnet.json"
    [ "$(ds-space ./page.json)" = "$(ds-space fbnet)" ]
}

@test "pipelines/spaces: a line a space, with the range of what was measured" {
    eng=$(ds-measure-cpu --help | sed -n 's/.*--engine NAME *\([a-z]*\) (default).*/\1/p')
    needs_engine "$eng"
    pipelines=$BATS_TEST_DIRNAME/../pipelines
    ENGINES=$eng MEASURE='--max-runs 3' "$pipelines/spaces" 2 fbnet mobilenet-v2 >table
    awk -F'\t' 'NR == 1 { exit !($6 ~ /min$/ && $7 ~ /max$/) }' table
    awk -F'\t' 'NR > 1 && !(NF == 7 && $6 > 0 && $7 >= $6 && $5 == (NR == 2 ? 2 : 1)) { bad = 1 }
        END { exit bad || NR != 3 }' table
    run -2 "$pipelines/spaces"
    run -1 "$pipelines/spaces" 2 nowhere
}

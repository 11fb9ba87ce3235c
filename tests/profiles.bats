bats_require_minimum_version 1.5.0

# The family chain of ds-fit, the shipped profiles and their list.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ref=$BATS_TEST_DIRNAME/../../shared/reference
}

@test "chain learns how layers that follow one another act together, and is read back" {
    ds-prune ofa-mbv3 -r 224 --drop 'expand==4' --drop 'kernel==5' --max-depth 3 >small.json
    ds-sample ./small.json -n 2500 | ds-export ofa | python3 -c '
import json, sys
for line in sys.stdin:
    net = json.loads(line)
    stride = len(net["ks"]) // 5
    layers = [net["ks"][stride * u + l] for u in range(5) for l in range(net["d"][u])]
    net["y"] = 100.0 + sum(a == 7 and b == 7 for a, b in zip(layers, layers[1:]))
    print(json.dumps(net))' | ds-import ofa --space ./small.json -o y.dss
    fit() { ds-fit y --as latency.npu --device d --name c "$@" y.dss; }
    fit --family resolution -q -o sum.json
    OPENBLAS_NUM_THREADS=1 fit --family chain -q -o chain.json
    OPENBLAS_NUM_THREADS=2 fit --family chain -q -o chain2.json
    cmp chain.json chain2.json
    python3 -c 'import json
sums, chain = (json.load(open(f)) for f in ("sum.json", "chain.json"))
assert chain["error"]["rmse"] < 0.25 * sums["error"]["rmse"], (chain["error"], sums["error"])'
    ds-measure-npu --profile ./chain.json y.dss | ds-show --json | head -30 >got.jsonl
    python3 "$BATS_TEST_DIRNAME/chain_model.py" chain.json <got.jsonl >want
    python3 -c 'import json
for line, want in zip(open("got.jsonl"), open("want")):
    got = json.loads(line)["metrics"]["latency.npu"]["value"]
    assert abs(got - float(want)) < 1e-4, (got, want)'
    [ "$(wc -l <want)" -eq 30 ]

    damage() { # STATEMENT MESSAGE
        python3 -c 'import json, sys
p = json.load(open("chain.json")); net = p["model"]["network"]; exec(sys.argv[1])
json.dump(p, open("p.json", "w"))' "$1"
        run -1 ds-measure-npu --profile ./p.json -o x y.dss
        [[ "${lines[0]}" == *"$2" ]] || { echo "$output"; return 1; }
    }
    damage 'net["window"][1]["unit0.layer1"]["mbconv3_e3_k3"] = "1 2"' \
        "model.network.window[1].unit0.layer1.mbconv3_e3_k3: must be a text of 56 finite numbers"
    damage 'del net["window"][2]["unit0.layer0"]["mbconv3_e3_k3"]' \
        "profile c has no entry for mbconv3_e3_k3 at unit0.layer0"
    damage 'net["window"] = {}' "model.network.window: must be an array of 1 to 8 tables"
    damage 'net["window"][0] = 3' "model.network.window[0]: must be an object"
    damage 'net["top"] = 0' "model.network.top: must be 1 to 256"
    damage 'net["top_first"].pop()' "model.network.top_first: must be an array of 32 texts"
    damage 'net["top_bias"] = "nan"' "model.network.top_bias: must be a text of 32 finite numbers"
    damage 'net["hidden"] = 512' "model.network.hidden: must be 1 to 256"
}

@test "a chain of five layers, as of a million networks, is read as schemas/profile.md says" {
    file=$DSTOOLS_SCHEMAS/devices/amd2990wx-proxylessnas.json
    python3 -c 'import json, sys
p = json.load(open(sys.argv[1])); net = p["model"]["network"]
assert (len(net["window"]), net["hidden"], net["top"]) == (5, 128, 64), len(net["window"])
assert p["provenance"]["records"] >= 1000000 and p["error"]["folds"] == 1, p["error"]' "$file"
    ds-sample proxylessnas -n 30 | ds-measure-cpu --profile amd2990wx-proxylessnas | ds-show --json >got.jsonl
    python3 "$BATS_TEST_DIRNAME/chain_model.py" "$file" <got.jsonl >want
    python3 -c 'import json
for line, want in zip(open("got.jsonl"), open("want")):
    got = json.loads(line)["metrics"]["latency.cpu"]["value"]
    assert abs(got / float(want) - 1) < 1e-5, (got, want)'
    [ "$(wc -l <want)" -eq 30 ]
}

@test "ds-space --profiles: every shipped profile, its space, metric, error and device" {
    ds-space --profiles >list
    [ "$(tail -n +2 list | wc -l)" -eq "$(ls "$DSTOOLS_SCHEMAS"/devices/*.json | wc -l)" ]
    for name in $(tail -n +2 list | awk '{ print $1 }'); do
        [ -f "$DSTOOLS_SCHEMAS/devices/$name.json" ]
        ds-space "$(awk -v p="$name" '$1 == p { print $2 }' list)" >/dev/null # its space is shipped
    done
    grep -qE '^note10 +ofa-mbv3 +latency.cpu +- +- +Samsung Note10$' list
    grep -qE '^top1-proxylessnas +proxylessnas +top1 +0\.[0-9]+ +0\.99[0-9]+ +ImageNet' list
    ds-space --profiles note10 >one
    grep -qE '^metric +latency.cpu, ms$' one
    grep -qE '^description +Once-for-All' one
    [ "$(ds-space -pt note10 | wc -l)" -eq 2 ]
    run -1 ds-space --profiles nowhere
    [[ "$output" == "ds-space: no 'nowhere' among the devices ("* ]]
    run -2 ds-space --profiles --json note10
}

@test "profiles of the paper's devices state both errors and what they cannot know" {
    for device in top1 rtx2080ti amd2990wx kirin9000; do
        for space in ofa-mbv3 proxylessnas; do
            ds-space --profiles $device-$space >about
            grep -qE "^space +$space$" about
            grep -qE '^error +[0-9.]+ % \(mean absolute, held out\), Spearman 0\.9[0-9]+$' about
            grep -qE 'errs against measurements, .* by [0-9.]+ (ms|points) \([0-9.]+%; Spearman 0\.9[0-9]+\)\.' about
            grep -q 'it knows no other resolution' about
        done
    done
    ds-sample ofa-mbv3 -n 20 >all.dss
    run -1 ds-measure-npu --profile kirin9000-ofa-mbv3 -o x all.dss
    [[ "${lines[0]}" =~ "profile kirin9000-ofa-mbv3 has no entry for 1"[67][06]" at resolution" ]]
}

# Spearman's rank correlation of two columns.
spearman() {
    python3 -c '
import sys
def ranks(x):
    r = [0] * len(x)
    for i, k in enumerate(sorted(range(len(x)), key=x.__getitem__)):
        r[k] = i
    return r
a, b = (ranks(c) for c in zip(*(map(float, line.split()) for line in sys.stdin)))
n = len(a)
print(1 - 6 * sum((x - y) ** 2 for x, y in zip(a, b)) / (n * (n * n - 1)))'
}

@test "on fresh networks each ranks as the predictor that it was fitted to" {
    [ -z "${SANITIZE:-}" ] || skip "numbers only; their tools have tests of their own"
    [ -d "$ref/autobuild" ] || skip "no reference data"
    ds-prune ofa-mbv3 -r 192 -r 208 -r 224 >three.json
    ds-sample ./three.json -n 2000 --seed 99 -o ofa-mbv3.dss
    ds-sample proxylessnas -n 2000 --seed 99 -o proxylessnas.dss
    local bad=0
    for space in ofa-mbv3 proxylessnas; do
        family=mbv3
        [ $space = proxylessnas ] && family=pn
        for pair in top1:acc rtx2080ti:gpu amd2990wx:cpu kirin9000:npu; do
            name=${pair%:*}-$space class=${pair#*:}
            metric=latency.$class
            [ "$class" = acc ] && metric=top1
            rank=$(paste <(ds-measure-"$class" --profile "$name" $space.dss | ds-show -t -c $metric | tail -n +2) \
                <(ds-measure-"$class" --predictor "$ref/autobuild/ofa_$family-$class.pt" $space.dss |
                    ds-show -t -c $metric | tail -n +2) | spearman)
            echo "$name $rank"
            awk -v r="$rank" 'BEGIN { exit !(r > 0.995) }' || bad=1
        done
    done
    [ $bad -eq 0 ]
}

@test "a network's latency on the i7-8700K is the sum of its entries in the table" {
    [ -z "${SANITIZE:-}" ] || skip "numbers only; their tools have tests of their own"
    [ -d "$ref/i7-8700k" ] || skip "no reference data"
    ds-sample ofa-mbv3 -n 40 -o a.dss
    ds-export ofa a.dss | python3 -c '
import json, re, sys
table, key = {}, ""
for line in open(sys.argv[1]):
    if not line.startswith(" "):
        key = line.strip().rstrip(":")
    elif line.startswith("  mean:"):
        table[re.sub("-idskip.*", "", key)] = float(line.split()[1])
half = lambda n: (n + 1) // 2
for line in sys.stdin:
    net = json.loads(line)
    size, width = half(net["r"]), 24
    total = table["first_conv-input:%dx%dx3-output:%dx%dx24" % (net["r"], net["r"], size, size)]
    total += table["MBConv-input:%dx%dx24-output:%dx%dx24-expand:1-kernel:3-stride:1" % (4 * (size,))]
    for u, (out, stride) in enumerate(((32, 2), (48, 2), (96, 2), (136, 1), (192, 2))):
        for l in range(net["d"][u]):
            s = stride if l == 0 else 1
            after = half(size) if s == 2 else size
            total += table["MBConv-input:%dx%dx%d-output:%dx%dx%d-expand:%d-kernel:%d-stride:%d" % (
                size, size, width, after, after, out, net["e"][4 * u + l], net["ks"][4 * u + l], s)]
            size, width = after, out
    total += table["final_expand_layer-input:%dx%dx192-output:%dx%dx1152" % (4 * (size,))]
    total += table["feature_mix_layer-input:1x1x1152-output:1x1x1536"]
    print(total + table["classifier-input:1536-output:1000"])' "$ref/i7-8700k/i7-8700K_lut.yaml" >want
    ds-measure-cpu --profile i7-8700k a.dss | ds-show -t -c latency.cpu | tail -n +2 | paste want - |
        awk '{ d = $1 / $2 - 1; if (d < -1e-6 || d > 1e-6) { print; bad = 1 } } END { exit bad || NR != 40 }'
}

@test "NSGANetV2's names of entries: the ratio, steps without pixels, no pool" {
    cat >t.yaml <<'END'
first_conv-input:8x8x3-output:4x4x8:
  mean: 1
MBConv-input:4x4x8-output:4x4x8-expand:2-kernel:3-stride:1-idskip:1-se:0:
  mean: 10
final_expand_layer-input:4x4x8-output:4x4x16:
  mean: 100
feature_mix_layer-input:1x1x16-output:1x1x32:
  mean: 1000
classifier-input:32-output:5:
  mean: 10000
END
    cat >s.json <<'END'
{"dstools_space": 1, "name": "s", "resolution": 8,
 "blocks": [{"name": "b", "type": "mbconv", "expand": 2, "kernel": 3}],
 "stem": [{"op": "conv", "kernel": 3, "stride": 2, "width": 8, "act": "relu"}],
 "units": [{"width": 8, "depth": [2, 1]}],
 "head": [{"op": "conv", "kernel": 1, "width": 16, "act": "relu"}, {"op": "pool"},
          {"op": "conv", "kernel": 1, "width": 32, "act": "relu"}, {"op": "linear", "width": 5}]}
END
    ds-import lut --space ./s.json --name t --device t --class cpu -o p.json t.yaml
    ds-sample ./s.json -n 2 --unique | ds-measure-cpu --profile ./p.json | ds-show -t -c latency.cpu |
        tail -n +2 | sort -n | xargs >got
    [ "$(cat got)" = "11111 11121" ]
}

@test "OFA-MBv3 of width 1.0: MACs and parameters of every network as its measurers count them" {
    [ -z "${SANITIZE:-}" ] || skip "numbers only; their tools have tests of their own"
    [ -d "$ref/ofa_w1.0" ] || skip "no reference data"
    ds-import ofa --space ofa-mbv3-w1.0 "$ref/ofa_w1.0/measured_top1.jsonl" | ds-measure-cost |
        ds-show -t -c macs,macs_published,params,params_published | tail -n +2 |
        awk '$1 != $2 || $3 != $4 { print; bad = 1 } END { exit bad || NR != 1582 }'
}

@test "the accuracy of OFA-MBv3 of width 1.0 as measured, and what crowding does is said" {
    [ -z "${SANITIZE:-}" ] || skip "numbers only; their tools have tests of their own"
    ds-space --profiles top1-ofa-mbv3-w1.0 | grep -q 'they crowd at the good end'
    [ -d "$ref/ofa_w1.0" ] || skip "no reference data"
    ds-import ofa --space ofa-mbv3-w1.0 "$ref/ofa_w1.0/measured_top1.jsonl" -o m.dss
    ds-show -t -c top1 m.dss | tail -n +2 >measured
    ds-measure-acc --replace --profile top1-ofa-mbv3-w1.0 m.dss | ds-show -t -c top1 | tail -n +2 | paste - measured >both
    [ "$(spearman <both | cut -c1-4)" = 0.99 ]
    best=$(sort -g -k2 both | tail -316 | spearman)
    echo "within the best fifth: $best"
    awk -v r="$best" 'BEGIN { exit !(r < 0.8) }'
}

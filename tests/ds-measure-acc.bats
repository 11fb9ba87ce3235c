bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    make_pth() { python3 "$BATS_TEST_DIRNAME/make_pth.py" "$@"; }
}

@test "a predictor gives what its weights say" {
    make_pth p.pth 128
    ds-sample ofa-mbv3 -n 50 | ds-measure-acc --predictor p.pth | ds-export ofa >got
    python3 - <<'END'
import json
weights = lambda count, start: [((start + 7 * i) % 23 - 11) / 50 for i in range(count)]
sizes = [(4, 128), (3, 4), (1, 3)]
rows = [json.loads(line) for line in open("got")]
assert len(rows) == 50
for r in rows:
    x = [0.0] * 128
    for u in range(5):
        for l in range(r["d"][u]):
            i = 4 * u + l
            x[3 * i + [3, 5, 7].index(r["ks"][i])] = 1
            x[60 + 3 * i + [3, 4, 6].index(r["e"][i])] = 1
    x[120 + (r["r"] - 112) // 16] = 1
    for n, (out, into) in enumerate(sizes):
        w, b = weights(out * into, 3 * n), weights(out, 3 * n + 1)
        x = [b[o] + sum(w[o * into + i] * x[i] for i in range(into)) for o in range(out)]
        if n < 2:
            x = [max(0, v) for v in x]
    assert abs(100 * x[0] - r["top1"]) < 1e-3, (100 * x[0], r["top1"])
assert len({r["top1"] for r in rows}) > 10
END
}

@test "blocks of the stream stay as they are, and order too" {
    make_pth p.pth 128
    ds-sample ofa-mbv3 -n 9000 -q >many.dss
    cmp <(ds-measure-acc -q --predictor p.pth many.dss | ds-show -t -c id) <(ds-show -t -c id many.dss)
    ds-sample ofa-mbv3 -n 0 | ds-measure-acc --predictor p.pth | ds-show --heads | grep -q ds-measure-acc
}

@test "OFA-ResNet50: a predictor of 82 inputs gives what its weights say" {
    make_pth r.pth 82
    ds-sample resnet50 -n 50 | ds-measure-acc --predictor r.pth | ds-export ofa >got
    python3 - <<'END'
import json
weights = lambda count, start: [((start + 7 * i) % 23 - 11) / 50 for i in range(count)]
sizes = [(4, 82), (3, 4), (1, 3)]
rows = [json.loads(line) for line in open("got")]
assert len(rows) == 50
for r in rows:
    x = [0.0] * 82
    x[[128, 144, 160, 176, 192, 224, 240, 256].index(r["r"])] = 1
    x[8 + (r["d"][0] > 0)] = 1
    for i in range(6):
        x[10 + 3 * i + r["w"][i]] = 1
    start = 0
    for base, more in zip((2, 2, 4, 2), r["d"][1:]):
        for j in range(start, start + base + more):
            x[28 + 3 * j + [0.2, 0.25, 0.35].index(r["e"][j])] = 1
        start += base + 2
    for n, (out, into) in enumerate(sizes):
        w, b = weights(out * into, 3 * n), weights(out, 3 * n + 1)
        x = [b[o] + sum(w[o * into + i] * x[i] for i in range(into)) for o in range(out)]
        if n < 2:
            x = [max(0, v) for v in x]
    assert abs(100 * x[0] - r["top1"]) < 1e-3, (100 * x[0], r["top1"])
assert len({r["top1"] for r in rows}) > 10
END
    run -1 bash -c 'ds-sample resnet-50 -n 3 | ds-measure-acc --predictor r.pth -o x'
    [[ "$output" == *"the predictor is of OFA-ResNet50; space resnet-50 has other sites or choices" ]]
    run -1 bash -c 'ds-sample ofa-mbv3 -n 3 | ds-measure-acc --predictor r.pth -o x'
    sed 's/"resolution": .*/"resolution": [208],/' "$DSTOOLS_SCHEMAS/spaces/resnet50.json" >r208.json
    run -1 bash -c 'ds-sample ./r208.json -n 3 | ds-measure-acc --predictor r.pth -o x'
    [[ "$output" == *"the predictor has no slot for 208 at resolution" ]]
}

@test "Once-for-All's predictor for ResNet50: better with resolution, depth and width, on average" {
    ref=$BATS_TEST_DIRNAME/../../shared/reference/ofa_resnet50_acc_predictor.pth
    [ -f "$ref" ] || skip "no reference data"
    ds-sample resnet50 -n 300 | ds-affix --all-resolutions --all-depths --all-widths |
        ds-measure-acc --predictor "$ref" >acc.dss
    ds-aggregate --by site,choice acc.dss | ds-show -t -c site,choice,top1 | tail -n +2 >table
    # choices stand in order, from less to more
    awk '{ if ($1 == site && $3 <= last) exit 1; if ($3 < 75 || $3 > 83) exit 1; site = $1; last = $3 }
        END { exit NR != 6 + 3 * 8 }' table
    # the largest network, the smallest, and the ceiling that the larger ones share
    dict() { echo "{\"d\":$1,\"e\":$2,\"w\":$3,\"r\":$4}"; }
    { dict 0 0.2 0 128; dict 2 0.35 2 224; dict '[2,1,2,2,1]' 0.25 2 224; } | ds-import ofa --space resnet50 |
        ds-measure-acc --predictor "$ref" | ds-show -t -c top1 | tail -n +2 | xargs >three
    awk '{ exit !($1 > 74 && $1 < 75.5 && $2 > 82.98 && $2 < 82.99 && $3 == $2) }' three
}

@test "Once-for-All's own predictor: plausible, and better with resolution" {
    ref=$BATS_TEST_DIRNAME/../../shared/reference/ofa_mbv3_acc_predictor.pth
    [ -f "$ref" ] || skip "no reference data"
    ds-sample ofa-mbv3 -n 500 | ds-affix --all-resolutions | ds-measure-acc --predictor "$ref" >acc.dss
    ds-aggregate --by resolution acc.dss | ds-show -t -c resolution,top1 |
        awk 'NR > 1 { if ($2 <= last || $2 < 76 || $2 > 84) exit 1; last = $2; n++ } END { exit n != 5 }'
}

@test "wrong files, wrong shapes, NaN weights" {
    ds-sample ofa-mbv3 -n 2 >a.dss
    refuses() { # FILE MESSAGE
        run -1 ds-measure-acc --predictor "$1" -o x a.dss
        # shellcheck disable=SC2053 # a pattern
        [[ "$output" == "ds-measure-acc: "$2 ]] || { echo "$output"; return 1; }
    }
    make_pth nan.pth 128 nan
    refuses nan.pth '*tensor 2.weight: it holds a value that is not finite'
    make_pth double.pth 128 double
    refuses double.pth '*double.pth: no tensors of float32'
    make_pth short.pth 128 short
    refuses short.pth "*tensor 4.bias: its numbers are not there: is the file cut off[?]"
    make_pth shape.pth 128 shape
    refuses shape.pth '*shape.pth: tensor 2.weight is of a shape that does not fit the layer before'
    make_pth bias.pth 128 bias
    refuses bias.pth '*bias.pth: tensor 2.weight is of a shape that does not fit *'
    make_pth two.pth 128 two
    refuses two.pth '*two.pth: no predictor: it must have two layers or more, the last of one output'
    make_pth whole.pth 128
    for size in 5 40 600 1200; do
        head -c $size whole.pth >cut.pth
        refuses cut.pth '*cut.pth: *'
    done
    make_pth other.pth 77
    refuses other.pth '*the predictor has 77 inputs; known are*'
    echo text >text.pth
    refuses text.pth '*text.pth: no state dict of PyTorch: *'
    printf 'PK\003\004' >zip.pth
    refuses zip.pth '*zip.pth: no state dict of PyTorch: a zip without its end: is the file cut off[?]'
    printf 'c\0\n\n' >zero.pth # a report: strchr after an embedded zero byte
    refuses zero.pth "*zero.pth: no state dict of PyTorch: a zero byte in a pickle's text"
    refuses nowhere.pth '*nowhere.pth: No such file or directory'
}

@test "a resolution without a slot is refused" {
    make_pth p.pth 128
    sed 's/"resolution": .*/"resolution": [200],/' "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >r200.json
    run -1 bash -c 'ds-sample ./r200.json -n 3 | ds-measure-acc --predictor p.pth -o x'
    [[ "$output" == *"the predictor has no slot for 200 at resolution" ]]
    sed 's/"width": 48/"width": 40/' "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >thin.json
    run -1 bash -c 'ds-sample ./thin.json -n 3 | ds-measure-acc --predictor p.pth -o x'
    [[ "$output" == *"the predictor is of OFA-MBv3 w1.2, unit1.width 48; space ofa-mbv3 has 40" ]]
    run -1 bash -c 'ds-sample proxylessnas -n 3 | ds-measure-acc --predictor p.pth -o x'
    [[ "$output" == *"ds-measure-acc: "* ]]
}

@test "by profile; usage" {
    ds-sample ofa-mbv3 -n 20 | ds-measure-acc --profile acc-ofa-mbv3 | ds-show -t -c top1 |
        awk 'NR > 1 && ($1 < 74 || $1 > 84) { bad = 1 } END { exit bad || NR != 21 }'
    run -2 ds-measure-acc
    run -2 ds-measure-acc --profile a --predictor b
    run -1 ds-measure-acc --profile note10 -o x </dev/null
    [[ "$output" == *"note10 is a profile of class cpu (latency.cpu), not acc" ]]
}

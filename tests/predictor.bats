bats_require_minimum_version 1.5.0

# AutoBuild's predictors of the paper's own devices.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ref=$BATS_TEST_DIRNAME/../../shared/reference/autobuild
    ds-prune ofa-mbv3 -r 192 -r 208 -r 224 --name three >three.json
}

predictor() {
    python3 "$BATS_TEST_DIRNAME/graph_predictor.py" "$@"
}

# Compares the second of two columns with the first, to $2 (1e-5) of it, of $1 lines.
same() {
    awk -v n="$1" -v e="${2-1e-5}" '{ d = $1 - $2; if ((d < 0 ? -d : d) > e * ($1 < 0 ? -$1 : $1)) { print; bad = 1 } }
        END { exit bad || NR != n }'
}

@test "a graph predictor says what the rules say, of both families and of every class" {
    local family space class metric
    for family in mbv3 pn; do
        [ $family = pn ] && space=proxylessnas || space=./three.json
        ds-sample "$space" -n 150 -o a.dss
        ds-export ofa a.dss | predictor values $family >want
        for class in acc cpu gpu npu; do
            predictor write p.pt minMAE_ofa_${family}_custom_$class
            metric=latency.$class
            [ $class = acc ] && metric=top1
            ds-measure-$class --predictor p.pt a.dss | ds-show -t -c $metric | tail -n +2 >got
            [ $class = acc ] && sed -i 's/$/ * 0.01/' got
            paste -d ' ' want <(sed 's/ \* 0.01/e-2/' got) | same 150
        done
    done
}

@test "the same of a network alone as among others, and blocks end where they ended" {
    predictor write p.pt ofa_mbv3_npu
    ds-sample ./three.json -n 3000 -o a.dss
    ds-measure-npu --predictor p.pt a.dss -o b.dss
    for i in 1 2 3; do ds-sample ./three.json -n 3000 --shard $i/3; done | ds-measure-npu --predictor p.pt |
        ds-show -t -c id,latency.npu | sort >parts
    ds-show -t -c id,latency.npu b.dss | sort >whole
    cmp <(cut -f 1 parts) <(cut -f 1 whole)
    # BLAS rounds a row of a matrix by where it stands among others
    paste -d ' ' <(grep -v latency whole | cut -f 2) <(grep -v latency parts | cut -f 2) | same 3000 1e-6
    [ "$(ds-show --heads b.dss | grep -c records)" -eq "$(ds-show --heads a.dss | grep -c records)" ]
    ds-show --json b.dss | head -1 | grep -q '"predictor":"p.pt"'
}

@test "what a predictor is not of is refused by name: class, family, space, resolution, block" {
    predictor write npu.pt ofa_mbv3_latency_npu_custom
    refuses() { # MESSAGE COMMAND ...
        local want=$1
        shift
        run -1 "$@"
        # shellcheck disable=SC2053 # a pattern
        [[ "$output" == $want ]] || { echo "$output"; return 1; }
    }
    ds-sample ./three.json -n 3 -o a.dss
    refuses "*npu.pt is a predictor of class npu, of OFA-MBv3 w1.2: ds-measure-npu reads it" \
        ds-measure-acc --predictor npu.pt -o x a.dss
    [ ! -e x ]
    ds-sample proxylessnas -n 3 -o pn.dss
    refuses "*the predictor is of OFA-MBv3 w1.2, of 5 units; space proxylessnas has 6" \
        ds-measure-npu --predictor npu.pt -o x pn.dss
    predictor write pn.pt ofa_pn_gpu
    refuses "*the predictor is of OFA-ProxylessNAS w1.3, of 6 units; space three has 5" \
        ds-measure-gpu --predictor pn.pt -o x a.dss
    ds-sample proxylessnas-w1.0 -n 3 -o thin.dss
    refuses "*of OFA-ProxylessNAS w1.3, unit0.width 32; space proxylessnas-w1.0 has 24" \
        ds-measure-gpu --predictor pn.pt -o x thin.dss
    ds-prune ofa-mbv3 -r 176 | ds-sample /dev/stdin -n 3 -o low.dss
    refuses "*the predictor is of resolutions 192, 208 and 224, not of 176" \
        ds-measure-npu --predictor npu.pt -o x low.dss
    sed 's/"expand": 6, "kernel": 7/"expand": 6, "kernel": 9/' three.json >k9.json
    ds-sample ./k9.json -n 20 -o k9.dss
    refuses "*the predictor of OFA-MBv3 w1.2 does not know mbconv3_e6_k7 at unit?.layer?" \
        ds-measure-npu --predictor npu.pt -o x k9.dss
}

@test "records before one that cannot be predicted are passed on" {
    predictor write p.pt ofa_mbv3_npu
    ds-sample ./three.json -n 5 -o a.dss
    ds-prune ofa-mbv3 -r 192 -r 176 --name two >two.json
    ds-sample ./two.json -n 40 -o b.dss
    before=$(ds-show --json b.dss | grep -o '"resolution":[0-9]*' | grep -n -m1 176 | cut -d: -f1)
    run -1 bash -c 'ds-measure-npu --predictor p.pt a.dss b.dss >c.dss'
    [ "$(ds-show -t -c latency.npu c.dss 2>/dev/null | tail -n +2 | grep -c .)" -eq $((4 + before)) ]
}

@test "a predictor's name, where its archive says nothing, and files of other tensors" {
    ds-sample ./three.json -n 3 -o a.dss
    predictor write ofa_mbv3-cpu.pt archive
    ds-measure-cpu --predictor ofa_mbv3-cpu.pt a.dss >/dev/null
    cp ofa_mbv3-cpu.pt mine.pt
    run -1 ds-measure-cpu --predictor mine.pt -o x a.dss
    [[ "$output" == *"mine.pt: neither the archive in it nor its name says what it predicts: "* ]]
    predictor write bad.pt ofa_mbv3_cpu missing
    run -1 ds-measure-cpu --predictor bad.pt -o x a.dss
    [[ "$output" == *"bad.pt: tensor post_proj.3.bias is missing" ]]
    predictor write bad.pt ofa_mbv3_cpu shape
    run -1 ds-measure-cpu --predictor bad.pt -o x a.dss
    [[ "$output" == *"tensor encoder.gnn_layers.2.lin_rel.weight is of another shape than an AutoBuild predictor's" ]]
    run -2 ds-measure-cpu --predictor a --profile b
    run -2 ds-measure-npu --predictor a --model b
}

@test "the published predictors say what they say in double precision" {
    [ -d "$ref" ] || skip "no reference data"
    local family space class
    for family in mbv3 pn; do
        [ $family = pn ] && space=proxylessnas || space=ofa-mbv3
        for class in acc cpu gpu npu; do
            key=$class metric=latency.$class
            [ $class = acc ] && key=top1 metric=top1
            python3 -c 'import json, sys
for line in open(sys.argv[1]):
    print(json.loads(line)[sys.argv[2]])' "$ref/ofa_${family}_values.jsonl" $key >want
            ds-import ofa --space $space "$ref/ofa_${family}_values.jsonl" |
                ds-measure-$class --replace --predictor "$ref/ofa_$family-$class.pt" |
                ds-show -t -c $metric | tail -n +2 >got
            paste -d ' ' want got | same 300
        done
    done
}

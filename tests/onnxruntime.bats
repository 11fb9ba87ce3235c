bats_require_minimum_version 1.5.0

# The exported models in a runtime that is not ours.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    DSTOOLS_ONNXRUNTIME=$("$BATS_TEST_DIRNAME/onnxruntime" 2>reason) || skip "$(cat reason)"
    export DSTOOLS_ONNXRUNTIME
    runner=$BATS_TEST_DIRNAME/../examples/runners/onnxruntime
}

# Fails unless the two columns of numbers differ by less than 1e-3 of the largest.
agree() { # EXPECTED GOT
    [ "$(wc -l <"$1")" -eq "$(wc -l <"$2")" ]
    paste "$1" "$2" | awk '{ d = $1 - $2; d = d < 0 ? -d : d; a = $1 < 0 ? -$1 : $1
            if (d > worst || d != d) worst = d
            if (a > largest) largest = a }
        END { print "worst", worst / largest, "of", largest; exit !(NR > 1 && largest > 0 && worst < 1e-3 * largest) }'
}

compare() { # SPACE N ENGINE ...: adds to `compared`
    ds-sample "$1" -n "$2" --seed 3 >in.dss
    rm -rf models && mkdir models
    ds-export onnx -d models in.dss >paths
    for engine in "${@:3}"; do
        status=0
        "$BUILD/tests/logits" $engine models <in.dss || status=$?
        [ "$status" -ne 2 ] || continue # not built in, or no device
        [ "$status" -eq 0 ]
        while read -r model; do
            "$runner" --logits="${model%.onnx}.input" "$model" >got
            echo "$1 $model $engine"
            agree "${model%.onnx}.logits" got
            compared=$((compared + 1))
        done <paths
    done
}

@test "logits of every space are those of our engines" {
    compared=0
    for space in "$DSTOOLS_SCHEMAS"/spaces/*.json; do
        compare "$space" 2 onednn xnnpack # test_spaces compares opencl with these
    done
    [ "$compared" -gt 0 ] || skip "no engine is built in"
}

@test "logits of networks of odd sizes that have every kind of layer" {
    cat >odd.json <<'END'
{"dstools_space": 1, "name": "odd", "resolution": [33, 47],
 "blocks": [
   {"name": "a", "type": "mbconv", "expand": 3, "kernel": 5},
   {"name": "b", "type": "bottleneck", "expand": 0.25, "kernel": 3},
   {"name": "c", "type": "bottleneck", "expand": 0.5, "kernel": 3, "shortcut": "conv"},
   {"name": "g", "type": "mbconv", "expand": 1, "kernel": 3, "groups": 2, "expand_conv": true,
    "shuffle": true},
   {"name": "s", "type": "skip"}],
 "stem": [{"op": "conv", "kernel": 3, "stride": 2, "width": 8, "act": "relu6"}],
 "units": [
   {"width": 16, "depth": [1, 2, 3], "stride": 2, "act": "relu", "se": true},
   {"width": [16, 24], "depth": [1, 2], "stride": 2, "act": "hswish"}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
    compared=0
    compare ./odd.json 12 onednn xnnpack opencl
    [ "$compared" -gt 0 ] || skip "no engine is built in"
    cat models/*.onnx >all
    for op in AveragePool Transpose Clip HardSigmoid Relu Gemm; do
        grep -q "$op" all
    done
}

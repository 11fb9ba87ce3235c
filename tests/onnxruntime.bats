bats_require_minimum_version 1.5.0

# The exported models in a runtime that is not ours.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    DSTOOLS_ONNXRUNTIME=$("$BATS_TEST_DIRNAME/onnxruntime" 2>reason) || skip "$(cat reason)"
    export DSTOOLS_ONNXRUNTIME
    runner=$BATS_TEST_DIRNAME/../examples/runners/onnxruntime
    load logits
    export tolerance=1e-4 # a network with logits near 1,000 differs by 1.3e-5
}

run_model() {
    "$runner" --logits="${1%.onnx}.input" "$1"
}

@test "logits of every space are those of our engines" {
    compared=0
    for space in "$DSTOOLS_SCHEMAS"/spaces/*.json; do
        compare onnx "$space" 2 onednn xnnpack # test_spaces compares opencl with these
    done
    [ "$compared" -gt 0 ] || skip "no engine is built in"
}

@test "logits of networks of odd sizes that have every kind of layer" {
    odd_space
    compared=0
    compare onnx ./odd.json 12 onednn xnnpack opencl
    [ "$compared" -gt 0 ] || skip "no engine is built in"
    cat models/*.onnx >all
    for op in AveragePool Transpose Clip HardSigmoid Relu Gemm; do
        grep -q "$op" all
    done
}

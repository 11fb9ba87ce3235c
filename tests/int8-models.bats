bats_require_minimum_version 1.5.0

# The exported models in int8, in runtimes that are not ours, against the definition in
# lib/quantize/quantize.h run in integers (tests/blocks).

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    load logits
    runner=$BATS_TEST_DIRNAME/../examples/runners/tflite
    mkdir b
}

need_onnxruntime() {
    DSTOOLS_ONNXRUNTIME=$("$BATS_TEST_DIRNAME/onnxruntime" 2>reason) || skip "$(cat reason)"
    export DSTOOLS_ONNXRUNTIME
}

need_tflite() {
    DSTOOLS_TFLITE=$("$BATS_TEST_DIRNAME/tflite" 2>reason) || skip "$(cat reason)"
    export DSTOOLS_TFLITE
}

# Six networks of odd sizes, and one of each of these spaces at 64, unless under the sanitizers.
networks() { # SPACE ...
    odd_space
    small_spaces
    [ -z "${SANITIZE:-}" ] || set --
    { ds-sample ./odd.json -n 6 --seed 3 && for space in "$@"; do ds-sample "./small/$space.json" -n 1; done; } >in.dss
}

quanta() { # A B MOST SHARE
    python3 "$BATS_TEST_DIRNAME/quanta.py" "$@" <lines
}

# Where an average pool gives an exact half, it is rounded up or down as the scale falls out; what
# reads that may be off by one more.
@test "ONNX Runtime: every block of every space, at 64, gives the integers of the definition" {
    need_onnxruntime
    networks fbnet mobilenet-v2 mobilenet-v3-large ofa-230m ofa-595m ofa-mbv3 ofa-mbv3-w1.0 proxylessnas \
        proxylessnas-w1.0 resnet-50 resnet50
    "$BUILD/tests/blocks" onnx-int8 b <in.dss >lines
    node "$BATS_TEST_DIRNAME/outputs.js" <lines
    quanta expected onnx.got 2 0.005
    [ -n "${SANITIZE:-}" ] || [ "$(wc -l <lines)" -gt 200 ]
}

@test "ONNX Runtime: without average pools no block is off by more than one" {
    need_onnxruntime
    networks mobilenet-v2 ofa-mbv3 proxylessnas
    "$BUILD/tests/blocks" onnx-int8 b <in.dss | grep -v '\.unit[01].layer0 ' >lines # odd.json has them there
    node "$BATS_TEST_DIRNAME/outputs.js" <lines
    quanta expected onnx.got 1 0.001
}

# These round a convolution's result before its residual is added and before a hard-swish.
@test "TensorFlow Lite, and ONNX Runtime on models that round as it does: near it, and each other" {
    need_onnxruntime
    need_tflite
    networks fbnet mobilenet-v2 ofa-mbv3
    "$BUILD/tests/blocks" onnx-int8-each b <in.dss >lines
    node "$BATS_TEST_DIRNAME/outputs.js" <lines
    "$BUILD/tests/blocks" tflite-int8 b <in.dss | cmp - lines
    for xnnpack in 0 1; do
        python3 "$BATS_TEST_DIRNAME/outputs.py" "$runner" $xnnpack <lines 2>/dev/null
        quanta expected tflite.got 5 0.25
        quanta onnx.got tflite.got 4 0.05
    done
    quanta expected onnx.got 5 0.25
}

@test "TensorFlow Lite in int8: networks of odd sizes that have every kind of layer" {
    need_tflite
    odd_space
    pools_space
    { ds-sample ./odd.json -n 12 --seed 3 && ds-sample ./pools.json -n 12 --seed 3; } >in.dss
    ds-export tflite --int8 -d models in.dss >paths
    cat models/*.tflite >all
    for tensor in quantize dequantize pool average shuffle split group pad lowest; do
        grep -q "$tensor" all
    done
    "$BUILD/tests/blocks" tflite-int8 b whole <in.dss >lines
    python3 "$BATS_TEST_DIRNAME/outputs.py" "$runner" 0 <lines
    quanta expected tflite.got 10 1 # logits: a tenth of the largest
    "$BUILD/tests/blocks" tflite-int8 b <in.dss >lines
    python3 "$BATS_TEST_DIRNAME/outputs.py" "$runner" 0 <lines
    quanta expected tflite.got 8 0.1
}

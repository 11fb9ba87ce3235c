bats_require_minimum_version 1.5.0

# The exported models of TensorFlow Lite in runtimes that are not ours.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    runner=$BATS_TEST_DIRNAME/../examples/runners/tflite
    load logits
}

need_tflite() {
    DSTOOLS_TFLITE=$("$BATS_TEST_DIRNAME/tflite" 2>reason) || skip "$(cat reason)"
    export DSTOOLS_TFLITE
}

need_armnn() {
    # Debian 13's Arm NN 23.08 did not run these from Python
    grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || skip "tried with Debian 12's Arm NN only"
    status=0
    /usr/bin/python3 "$BATS_TEST_DIRNAME/armnn.py" >/dev/null 2>reason || status=$?
    [ "$status" -ne 2 ] || skip "$(tail -1 reason)"
    [ "$status" -eq 0 ]
}

compare_spaces() { # [FOLDER]
    # networks of full size take minutes there; those of odd sizes have every kind of layer
    [ -z "${SANITIZE:-}" ] || skip "large networks; runs without the sanitizers"
    compared=0
    for space in "${1:-$DSTOOLS_SCHEMAS/spaces}"/*.json; do
        compare tflite "$space" 1 onednn xnnpack
    done
    [ "$compared" -gt 0 ] || skip "no engine is built in"
}

compare_odd() {
    odd_space
    pools_space
    compared=0
    compare tflite ./odd.json 12 onednn xnnpack
    compare tflite ./pools.json 12 onednn xnnpack
    [ "$compared" -gt 0 ] || skip "no engine is built in"
    cat models/*.tflite >all
    grep -q shares all && grep -q lowest all # both were met
}

@test "TensorFlow Lite, plain: logits of every space are those of our engines" {
    need_tflite
    run_model() { "$runner" --xnnpack=0 --logits="${1%.*}.nhwc" "$1"; }
    compare_spaces
}

@test "TensorFlow Lite with XNNPACK: logits of every space are those of our engines" {
    need_tflite
    run_model() { "$runner" --xnnpack=1 --logits="${1%.*}.nhwc" "$1" 2>/dev/null; }
    compare_spaces
}

# Arm NN's reference takes half a minute for a network at 224.
@test "Arm NN: logits of every space, at 64, are those of our engines" {
    need_armnn
    small_spaces
    run_model() { /usr/bin/python3 "$BATS_TEST_DIRNAME/armnn.py" "$1" "${1%.*}.nhwc" 2>/dev/null; }
    compare_spaces small
}

@test "TensorFlow Lite: logits of networks of odd sizes that have every kind of layer" {
    need_tflite
    run_model() { "$runner" --xnnpack=0 --logits="${1%.*}.nhwc" "$1"; }
    compare_odd
    run_model() { "$runner" --xnnpack=1 --logits="${1%.*}.nhwc" "$1" 2>/dev/null; }
    compare_odd
}

@test "the arena of ds-measure-cost is what TensorFlow Lite allocates, to the byte" {
    need_tflite
    small_spaces
    odd_space
    for space in small/*.json ./odd.json; do
        ds-sample "./$space" -n 3 --seed 5
    done | ds-measure-cost --per-block -o in.dss
    for form in tflite tflite-int8; do
        metric=arena
        [ $form = tflite ] || metric=arena.int8
        ds-measure-npu --exec "$runner" --serve --arg=--serve --format $form --arg=--arena --arg=--xnnpack=0 \
            --arg=--runs=1 --arg=--warmup=0 in.dss | ds-show -t -c $metric,arena.tflite >both
        awk 'NR > 1 && $1 != $2 { print; bad = 1 } END { exit bad || NR < 30 }' both
        [ "$(sort -u both | wc -l)" -gt 10 ]
    done
    run -1 "$runner" --arena in.dss
    [[ "$output" == *"--arena wants --xnnpack=0"* ]]
}

@test "the runner times a model, and says what is wrong" {
    need_tflite
    ds-sample mobilenet-v2 -n 1 >in.dss
    ds-export tflite -o m.tflite in.dss
    run -0 --separate-stderr "$runner" --runs=3 --warmup=1 m.tflite 1,224,224,3
    python3 -c 'import json, sys; a = json.load(sys.stdin)["latency"]; assert len(a["value"]) == 3 and min(a["value"]) > 0
assert a["engine"].startswith("TensorFlow Lite 2"), a' <<<"$output"
    run -1 "$runner" m.tflite 1,3,224,224
    [[ "$output" == *"m.tflite reads 1,224,224,3, not 1,3,224,224"* ]]
    head -c 100 m.tflite >cut.tflite
    run ! "$runner" cut.tflite
    run -1 "$runner" --threads=x m.tflite
    [[ "$output" == *"--threads: 'x' is not a whole number"* ]]
    DSTOOLS_TFLITE=/nowhere run -1 "$runner" m.tflite
    [[ "$output" == *"cannot load TensorFlow Lite"* ]]
}

@test "ds-export tflite: the same bytes each time; batch and input's name; options of the other formats" {
    ds-sample ofa-mbv3 -n 1 >in.dss
    ds-export tflite in.dss >a
    ds-export tflite in.dss >b
    cmp a b
    ds-export tflite -b 2 --input image -d two in.dss >paths
    [ "$(cat paths)" = "two/$(ds-show -t -c id in.dss | tail -1).tflite" ]
    grep -q image "$(cat paths)"
    run -2 ds-export tflite --opset 12 in.dss
    [[ "$output" == "ds-export: --opset is for onnx" ]]
}

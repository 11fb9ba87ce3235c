bats_require_minimum_version 1.5.0

# The example whose numbers are all measured here, in a short form; and its supernet against PyTorch.

setup() {
    # its tools have tests of their own under the sanitizers, which make this run take minutes
    [ -z "${SANITIZE:-}" ] || skip "composes tools; runs without the sanitizers"
    cd "$BATS_TEST_DIRNAME/.." || exit 1
    data=/usr/share/datasets/fashion-mnist
    [ -e $data/t10k-images-idx3-ubyte.gz ] || skip "dataset-fashion-mnist is not installed"
    example=examples/fashion
}

need_torch() {
    /usr/bin/python3 -c 'import torch' 2>/dev/null || skip "python3-torch is not installed"
    export OMP_NUM_THREADS=1
}

@test "the whole method: evidence, pruning, searches, the best network as a model" {
    out=$BATS_TEST_TMPDIR/out
    short=(N=1 SEEDS='1 2' INIT=3 ITERATIONS=1 BUDGET=2 TAKE=60 CALIBRATE=32 MEASURE='--max-runs 3')
    make -s -f $example/fashion.mk OUT="$out" "${short[@]}" \
        "$out/table.txt" "$out/accuracy.png" "$out/latency.png" "$out/best/done"
    [ -s "$out/accuracy.png" ] && [ -s "$out/latency.png" ] && [ -s "$out/front.png" ]
    grep -q '^hypervolume' "$out/table.txt"
    ds-show --json "$out/evidence.dss" | python3 -c 'import json, sys
rows = [json.loads(line)["metrics"] for line in sys.stdin]
assert len(rows) > 80 and all("top1" in row and "latency.cpu" in row for row in rows)'
    # measured on all images, well above what another example of ten classes would give by chance
    ds-show --json "$out/best.dss" | python3 -c 'import json, sys
top1 = json.loads(next(sys.stdin))["metrics"]["top1"]
assert top1["images"] == 10000 and top1["value"] > 85, top1'
    [ "$(ls "$out"/best/*.onnx | wc -l)" -eq 1 ]

    # the same number by a runtime that is not ours
    export DSTOOLS_ONNXRUNTIME=${DSTOOLS_ONNXRUNTIME:-$PWD/build/onnxruntime}
    [ -d "$DSTOOLS_ONNXRUNTIME/node_modules" ] || skip "the model is there, but no ONNX Runtime"
    make -s -f $example/fashion.mk OUT="$out" "${short[@]}" "$out/confirmed.txt"
    python3 - "$out/confirmed.txt" <<'END'
import re, sys
ours, theirs = map(float, re.findall(r"([0-9.]+)% right", open(sys.argv[1]).read()))
assert abs(ours - theirs) <= 0.02, (ours, theirs) # ties
END
}

@test "the labels are PyTorch's" {
    need_torch
    examples/fashion/against-pytorch 1 1000 >"$BATS_TEST_TMPDIR/said"
    cat "$BATS_TEST_TMPDIR/said"
    [[ "$(tail -1 "$BATS_TEST_TMPDIR/said")" == [01]" labels differ" ]] # one may be a tie
}

@test "a runner that evaluates a PyTorch supernet agrees with --supernet" {
    need_torch
    ds-sample ./$example/fashion.json -n 2 -o "$BATS_TEST_TMPDIR/in.dss"
    cd "$BATS_TEST_TMPDIR" || exit 1
    fashion=$BATS_TEST_DIRNAME/../$example
    ds-measure-acc --serve --format none --exec "$BATS_TEST_DIRNAME/../examples/runners/pytorch-supernet" \
        --arg "$fashion/fashion.json" --arg "$fashion/fashion.pth" --arg $data --arg 500 in.dss -o torch.dss
    ds-measure-acc --supernet "$fashion/fashion.pth" --images $data/t10k-images-idx3-ubyte.gz \
        --calibrate $data/train-images-idx3-ubyte.gz --mean 0.286 --std 0.353 in.dss -o ours.dss
    python3 - <(ds-show --json torch.dss) <(ds-show --json ours.dss) <<'END'
import json, sys
for theirs, ours in zip(*([json.loads(line)["metrics"] for line in open(path)] for path in sys.argv[1:])):
    assert theirs["top1"]["images"] == 500 and theirs["top1"]["engine"].startswith("PyTorch"), theirs
    # other images, and batch norm calibrated on others: a share of 500 images is 1.3% off (sd)
    assert abs(theirs["top1"]["value"] - ours["top1"]["value"]) < 5, (theirs, ours)
    assert abs(theirs["loss"]["value"] if isinstance(theirs["loss"], dict) else theirs["loss"]
               - ours["loss"]["value"]) < 0.2
END
}

@test "a slip of the pen is no variable" {
    run -2 make -s -f $example/fashion.mk OUT="$BATS_TEST_TMPDIR/out" TAKES=5
    [[ "$output" == *"fashion: no variable TAKES; there are "* ]]
}

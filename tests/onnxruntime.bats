bats_require_minimum_version 1.5.0
load needs

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

@test "subnets of supernets: the logits of Once-for-All's code" {
    needs_engine onednn
    ref=$(realpath "$BATS_TEST_DIRNAME/../../shared/reference/supernet")
    [ -d "$ref" ] || skip "no reference data"
    for net in mbv3 proxyless; do
        python3 - "$ref" $net <<'END' >archs
import json, struct, sys
ref, net = sys.argv[1:]
rows = [json.loads(line) for line in open(f"{ref}/{net}.float64.jsonl")]
rows = [r for r in rows if r["r"] == 80][:4]
data = open(f"{ref}/input_80.npy", "rb").read()
header = 10 + struct.unpack_from("<H", data, 8)[0]
open("image", "wb").write(data[header:header + 4 * 3 * 80 * 80])
for i, r in enumerate(rows):
    print(json.dumps(r["arch"] | {"r": 80}))
    open(f"{net}{i}.logits", "w").write("".join(f"{x}\n" for x in r["logits"][0]))
END
        rm -rf models
        ds-import ofa --space "$BATS_TEST_DIRNAME/spaces/small-$net.json" archs |
            ds-export onnx --supernet "$ref/$net.pth" --calibrate none -d models >paths
        i=0
        while read -r model; do
            "$runner" --logits=image "$model" >got
            agree $net$i.logits got
            i=$((i + 1))
        done <paths
        [ "$i" -gt 1 ]
    done
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

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

@test "a subnet in int8, ranges from the images to calibrate with: near its logits in f32" {
    needs_engine onednn
    ref=$(realpath "$BATS_TEST_DIRNAME/../../shared/reference/supernet")
    [ -d "$ref" ] || skip "no reference data"
    # a smooth image: noise is beyond the ranges that images have
    python3 -c 'import array, math, sys
array.array("f", [math.sin(c + y / 9) * math.cos(x / 11)
                  for c in range(3) for y in range(80) for x in range(80)]).tofile(sys.stdout.buffer)' >image
    sed 's/"resolution": [^]]*\]/"resolution": [80]/' "$BATS_TEST_DIRNAME/spaces/small-mbv3.json" >small.json
    ds-sample ./small.json -n 1 >one.dss
    for int8 in "" --int8; do
        ds-export onnx $int8 --supernet "$ref/mbv3.pth" --calibrate "$ref/images" one.dss -o model.onnx
        "$runner" --logits=image model.onnx >logits$int8
    done
    run ! cmp -s logits logits--int8
    tolerance=0.3 agree logits logits--int8
    # normalised pixels end at 2.64, seeded ones at 1
    python3 - <<'END'
import struct
model, name = open("model.onnx", "rb").read(), b"stem0.input0.quantize.scale"
at = model.rindex(name + b"\x4a\x04") + len(name) + 2
scale = struct.unpack_from("<f", model, at)[0]
assert 1.5 < 127 * scale < 2.65, 127 * scale
END
    run -2 ds-export onnx --int8 --supernet "$ref/mbv3.pth" --calibrate none one.dss
    [ "$output" = "ds-export: --int8: wants --calibrate DIR, images that tell the ranges of tensors" ]
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

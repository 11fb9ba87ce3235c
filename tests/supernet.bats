bats_require_minimum_version 1.5.0
load needs

# Accuracy measured: subnets of a supernet on images, against what Once-for-All's code computed.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ref=$(realpath "$BATS_TEST_DIRNAME/../../shared/reference/supernet")
    spaces=$BATS_TEST_DIRNAME/spaces
    [ -d "$ref" ] || skip "no reference data"
    needs_engine onednn
    true
}

# The images of the reference as a list, labelled by their folders.
list() {
    for file in "$ref"/images/class*/*; do
        class=${file%/*}
        echo "$file ${class##*class}"
    done >list
}

small() { # NET N: architectures of its space
    ds-sample "$spaces/small-$1.json" -n "$2" "${@:3}"
}

# Architectures 0, 1 and 5 of the reference at the sizes that logits of images are there for.
reference_archs() { # NET
    python3 - "$ref" "$1" <<'END'
import json, sys
ref, net = sys.argv[1:]
archs = {}
for line in open(f"{ref}/{net}.float64.jsonl"):
    row = json.loads(line)
    archs[row["id"]] = row["arch"]
for line in open(f"{ref}/{net}.images.float64.jsonl"):
    row = json.loads(line)
    print(json.dumps(archs[row["id"]] | {"r": row["r"]}))
END
}

@test "top1, top5 and loss are those of Once-for-All's logits" {
    list
    for net in mbv3 proxyless; do
        reference_archs $net | ds-import ofa --space "$spaces/small-$net.json" >in.dss
        ds-measure-acc --supernet "$ref/$net.pth" --images list --calibrate none in.dss >out.dss
        ds-export ofa out.dss >got
        python3 - "$ref" $net <<'END'
import json, math, sys
ref, net = sys.argv[1:]
labels = [int(line.split()[1]) for line in open("list")]
got = [json.loads(line) for line in open("got")]
expected = [json.loads(line) for line in open(f"{ref}/{net}.images.float64.jsonl")]
assert len(got) == len(expected) == 9
for g, e in zip(got, expected):
    assert g["r"] == e["r"]
    top1 = top5 = loss = 0
    for logit, label in zip(e["logits"], labels):
        order = sorted(range(len(logit)), key=lambda i: -logit[i])
        top1 += order[0] == label
        top5 += label in order[:5]
        loss += math.log(sum(math.exp(x - max(logit)) for x in logit)) + max(logit) - logit[label]
    n = len(labels)
    assert g["top1"] == 100 * top1 / n, (g["top1"], top1)
    assert abs(g["top5"] - 100 * top5 / n) < 1e-9, (g["top5"], top5)
    assert abs(g["loss"] - loss / n) < 1e-3 * loss / n, (g["loss"], loss / n)
END
    done
}

@test "how it was got stands on the record" {
    list
    small mbv3 1 | ds-measure-acc --supernet "$ref/mbv3.pth" --images list --calibrate list \
        --calibrate-batch 5 | ds-show --json >got
    python3 - <<'END'
import json
m = json.load(open("got"))["metrics"]
for name in "top1", "top5", "loss":
    assert m[name]["images"] == 12 and m[name]["calibrated"] == "12 images in batches of 5", m
    assert m[name]["engine"].startswith("oneDNN") and m[name]["precision"] == "fp32", m
    assert m[name]["supernet"].startswith("OFA-MobileNetV3 "), m
t = m["top1"]
assert 0 <= t["lo"] <= t["value"] <= t["hi"] <= 100 and t["hi"] - t["lo"] > 10, t
END
    # XNNPACK gives the same labels
    if small mbv3 3 | ds-measure-acc --engine xnnpack --supernet "$ref/mbv3.pth" --images list --calibrate list >x.dss; then
        small mbv3 3 | ds-measure-acc --supernet "$ref/mbv3.pth" --images list --calibrate list >o.dss
        cmp <(ds-show -t -c id,top1,top5 x.dss) <(ds-show -t -c id,top1,top5 o.dss)
    fi
}

@test "supernets unlike Once-for-All's own: kernels, heads, stems, channels" {
    for case in bare leap crop; do
        mkdir $case
        python3 "$BATS_TEST_DIRNAME/family.py" $case $case
        ds-import ofa --space ./$case/space.json $case/archs |
            ds-measure-acc --supernet $case/supernet.pth --images $case/t-images-idx3-ubyte --calibrate none \
                --mean 0.25 --std 0.5 | ds-show -t -c loss | tail -n +2 >got
        paste got $case/expected
        paste got $case/expected | awk '{ d = $1 - $2; if (d < 0) d = -d; if (!(d < 1e-5 * $2)) exit 1; n++ } END { exit n != 4 }'
    done
    # a kernel that no matrix leads to
    sed 's/\("expand": [24], "kernel": \)3/\15/g; s/_k3"/_k5"/g' leap/space.json >five.json
    run -1 bash -c "ds-sample ./five.json -n 1 | ds-measure-acc --supernet leap/supernet.pth --images leap/t-images-idx3-ubyte --calibrate none --mean 0 --std 1 -o x"
    [[ "$output" == *"no matrix makes a 7x7 kernel into one of 5x5"* ]] || { echo "$output"; return 1; }
}

@test "an affixed network says which images its base has right and it has not" {
    list
    small proxyless 2 | ds-affix --all >in.dss
    ds-measure-acc --supernet "$ref/proxyless.pth" --images list --calibrate list --cache cache in.dss >out.dss
    ds-show --json out.dss >got
    python3 - <<'END'
import json
rows = [json.loads(line) for line in open("got")]
base = {r["id"]: r["metrics"]["top1"] for r in rows if "affix" not in r}
differ = 0
for r in rows:
    t = r["metrics"]["top1"]
    if "affix" not in r:
        assert "lost" not in t
        continue
    change = t["gained"] - t["lost"]
    assert abs(12 * (t["value"] - base[r["base"]]["value"]) / 100 - change) < 1e-9, r
    differ += t["gained"] + t["lost"] > 0
assert differ > 5, differ
END
    # copies whose base is not in the stream: the cache knows it; without one, nothing is said of it
    ds-measure-cost in.dss | ds-pareto --better macs --top 9 >most.dss
    ds-show -t -c affix most.dss | tail -n +2 >affixed
    [ "$(wc -l <affixed)" -eq 9 ] && ! grep -qxF -- - affixed
    ds-measure-acc --supernet "$ref/proxyless.pth" --images list --calibrate list --cache cache most.dss |
        ds-show -t -c id,top1:lost,top1:gained | tail -n +2 | sort >got
    ds-show -t -c id,top1:lost,top1:gained out.dss | grep -Ff <(cut -f1 got) | sort -u | cmp - <(sort -u got)
    ds-measure-acc --supernet "$ref/proxyless.pth" --images list --calibrate list most.dss | ds-show --json >got
    [ "$(grep -c lost got)" -eq 0 ]
    # all of it again, from the cache
    ds-measure-acc --supernet "$ref/proxyless.pth" --images list --calibrate list --cache cache in.dss | cmp - out.dss
}

@test "effects on accuracy are paired by image: McNemar's variance, bases as clusters" {
    list
    for bases in 1 4; do
        small proxyless $bases --seed 3 | ds-affix --all |
            ds-measure-acc --supernet "$ref/proxyless.pth" --images list --calibrate list >out.dss
        ds-show --json out.dss >rows
        ds-aggregate --effect --against base --by unit out.dss | ds-show --json >groups
        python3 - $bases <<'END'
import json, math, sys
bases = int(sys.argv[1])
rows = [json.loads(line) for line in open("rows")]
base = {r["id"]: r["metrics"]["top1"]["value"] for r in rows if "affix" not in r}
groups = {}
for r in rows:
    if "affix" in r:
        t = r["metrics"]["top1"]
        b, c, n = t["lost"] + 0.5, t["gained"] + 0.5, t["images"] + 2
        se = 100 * math.sqrt(((b + c) / n - ((c - b) / n) ** 2) / n)
        of = groups.setdefault(int(r["affix"]["site"][4]), {}).setdefault(r["base"], [])
        of.append((t["value"] - base[r["base"]], se))
for line in open("groups"):
    g = json.loads(line)
    m, clusters = g["metrics"]["top1"], groups[g["group"]["unit"]]
    n = sum(map(len, clusters.values()))
    mean = sum(x for c in clusters.values() for x, _ in c) / n
    image = math.sqrt(sum(sum(se for _, se in c) ** 2 for c in clusters.values())) / n
    assert m["bases"] == bases and abs(m["value"] - mean) < 1e-9
    assert abs(m["image_se"] - image) < 1e-5 * image, (m["image_se"], image)
    half = 1.959963985 * image
    if bases > 1:
        t = 3.182446305 * math.sqrt(bases / (bases - 1) * sum(
            sum(x - mean for x, _ in c) ** 2 for c in clusters.values())) / n
        half = max(half, t)
    assert abs((m["hi"] - m["lo"]) / 2 - half) < 1e-5 * half, (m, half)
    assert "image_se" not in g["metrics"]["loss"]
END
    done
}

@test "a cache: interrupted runs go on, and give the same bytes" {
    list
    small mbv3 6 >in.dss
    run_it() { ds-measure-acc --supernet "$ref/mbv3.pth" --images list --calibrate list --cache cache "$@"; }
    small mbv3 3 | run_it >/dev/null
    [ "$(find cache -type f | wc -l)" -eq 3 ]
    run_it in.dss -o first.dss
    [ "$(find cache -type f | wc -l)" -eq 6 ]
    find cache -type f -printf '%p %T@\n' | sort >before
    run_it in.dss -o second.dss
    cmp first.dss second.dss
    find cache -type f -printf '%p %T@\n' | sort | cmp - before # none was made again
    # a damaged file is made again; other images, calibration or eps are other entries
    file=$(find cache -type f | head -1)
    truncate -s 40 "$file"
    run_it in.dss -o third.dss
    cmp first.dss third.dss
    run_it --take 11 in.dss -o /dev/null
    run_it --bn-eps 0.01 in.dss -o /dev/null
    [ "$(find cache -type f | wc -l)" -eq 18 ]
}

@test "jobs that run at once share a cache" {
    list
    ds-sample "$spaces/small-mbv3.json" -n 8 >in.dss
    run_it() { ds-measure-acc --supernet "$ref/mbv3.pth" --images list --calibrate none "$@"; }
    for k in 1 2 3; do
        # each shard, and some of it twice
        ds-sample "$spaces/small-mbv3.json" -n 8 --shard $k/3 | run_it --cache cache -o $k.dss &
        ds-sample "$spaces/small-mbv3.json" -n 8 --shard $k/3 | run_it --cache cache -o again$k.dss &
    done
    wait
    [ "$(find cache -type f | wc -l)" -eq 8 ]
    cmp <(ds-cat [123].dss | ds-show -t | sort) <(run_it in.dss | ds-show -t | sort)
    cmp <(ds-cat [123].dss | ds-show -t) <(ds-cat again[123].dss | ds-show -t)
}

@test "a pruned space is a part of the supernet" {
    list
    small mbv3 8 --max macs=12 >whole.dss
    ds-prune "$spaces/small-mbv3.json" --max-depth 0=3 --max-depth 2=2 --drop 'kernel==7' >pruned.json
    grep -q '"supernet_depth": 4' pruned.json
    ds-sample ./pruned.json -n 8 >pruned.dss
    measure() { ds-measure-acc --supernet "$ref/mbv3.pth" --images list --calibrate none "$@"; }
    measure pruned.dss | ds-show -t -c id,loss >got
    # the same architectures in the whole space
    ds-export ofa --space "$spaces/small-mbv3.json" pruned.dss |
        ds-import ofa --space "$spaces/small-mbv3.json" | measure | ds-show -t -c id,loss >expected
    cmp got expected
    # without being told, the blocks of units of one width could be either's
    sed 's/, "supernet_depth": 4//' pruned.json >silent.json
    run -1 bash -c "ds-sample ./silent.json -n 1 | ds-measure-acc --supernet $ref/mbv3.pth --images list --calibrate none -o x"
    [[ "$output" == *'give the units of the space "supernet_depth"'* ]]
    # units of different widths tell it
    ds-prune "$spaces/small-resnet50.json" --max-depth 0=2 --max-depth 1=3 --drop 'expand==0.35' |
        sed 's/, "supernet_depth": 4//' >pruned-resnet.json
    ds-sample ./pruned-resnet.json -n 2 |
        ds-measure-acc --supernet "$ref/resnet50.pth" --images list --calibrate none | ds-show -c loss
}

@test "a ResNet's widths below the supernet's are said" {
    list
    ds-prune "$spaces/small-resnet50.json" --drop 'width==144' >thin.json
    ds-sample ./thin.json -n 1 | ds-measure-acc --supernet "$ref/resnet50.pth" --images list --calibrate none 2>err >out.dss
    grep -q 'unit3.layer0 has at most 112 of 144 channels' err
}

refuses() { # MESSAGE, then arguments: of a space's two architectures
    space=$2
    small "$space" 2 >a.dss
    run -1 ds-measure-acc -o x "${@:3}" a.dss
    # shellcheck disable=SC2053 # a pattern
    [[ "$output" == "ds-measure-acc: "$1 ]] || { echo "$output"; return 1; }
}

@test "files that are no supernets, or not the space's" {
    list
    on=(--images list --calibrate none)
    echo text >text.pth
    refuses '*text.pth: *' mbv3 --supernet text.pth "${on[@]}"
    head -c 300000 "$ref/mbv3.pth" >cut.pth
    refuses '*cut.pth: *' mbv3 --supernet cut.pth "${on[@]}"
    head -c 300000 "$ref/mbv3_legacy.pth" >cut.pth
    refuses '*cut.pth: *' mbv3 --supernet cut.pth "${on[@]}"
    python3 "$BATS_TEST_DIRNAME/make_pth.py" predictor.pth 128
    refuses '*predictor.pth: no supernet of the Once-for-All family: it has neither first_conv nor input_stem.0; its first tensor is *' \
        mbv3 --supernet predictor.pth "${on[@]}"
    refuses '*the supernet is an OFA-ResNet50, whose blocks are all bottleneck without groups; space small-mbv3 has mbconv3_e3_k3 at unit0.layer0' \
        mbv3 --supernet "$ref/resnet50.pth" "${on[@]}"
    refuses "*OFA-MobileNetV3, whose blocks are all mbconv*small-resnet50 has bottleneck_e0.2 at unit0.layer0" \
        resnet50 --supernet "$ref/mbv3.pth" "${on[@]}"
    refuses '*mbv3.pth: *' proxyless --supernet "$ref/mbv3.pth" "${on[@]}"
    refuses '*proxyless.pth: *' mbv3 --supernet "$ref/proxyless.pth" "${on[@]}"
}

@test "tensors that do not fit name themselves, both shapes and the place" {
    list
    fits_not() { # NET SED MESSAGE
        sed "$2" "$spaces/small-$1.json" >other.json
        run ! cmp -s other.json "$spaces/small-$1.json"
        run -1 bash -c "ds-sample ./other.json -n 1 | ds-measure-acc --supernet $ref/$1.pth --images list --calibrate none -o x"
        [[ "$output" == *"$3"* ]] || { echo "$output"; return 1; }
    }
    fits_not mbv3 's/"linear", "width": 10/"linear", "width": 12/' \
        "tensor classifier.linear.weight is 10x256, but space small-mbv3 needs 12x256 at head3"
    fits_not mbv3 's/"linear", "width": 10/"linear", "width": 9/' \
        "tensor classifier.linear.weight is 10x256, but space small-mbv3 needs 9x256 at head3"
    fits_not mbv3 's/"resolution"/"input_channels": 1, "resolution"/' \
        "tensor first_conv.conv.weight is 8x3x3x3, but space small-mbv3 needs 8x1x3x3 at stem0"
    fits_not mbv3 's/"width": 24/"width": 16/' \
        "tensor blocks.13.conv.point_linear.conv.conv.weight is 24x96x1x1, but space small-mbv3 needs 16x96x1x1 at unit3.layer0"
    fits_not mbv3 's/"expand": 6/"expand": 8/' \
        "tensor blocks.1.conv.inverted_bottleneck.conv.conv.weight is 48x8x1x1, but space small-mbv3 needs 64x8x1x1 at unit0.layer0"
    fits_not mbv3 's/"kernel": 7/"kernel": 9/' "needs 24x1x9x9 at unit0.layer0"
    fits_not mbv3 '0,/"se": true/s//"se": false/' \
        "unit1.layer0: tensor blocks.5.conv.depth_conv.se.fc.reduce is in the file, but the block chosen has no squeeze-excite"
    fits_not mbv3 's/"expand": 3/"expand": 1/' \
        "unit0.layer0: tensor blocks.1.conv.inverted_bottleneck is in the file, but the block chosen has no first 1x1 (\"expand_conv\": true gives it one)"
    fits_not mbv3 '0,/"se": false/s//"se": true/' \
        "tensor weight of blocks.1.conv.depth_conv.se.fc.reduce is missing, which unit0.layer0 needs"
    fits_not mbv3 's/"depth": \[2, 3, 4\]/"depth": [2, 3, 5]/' "the supernet has 21 blocks, and space small-mbv3 has up to"
    fits_not resnet50 's/144\]/152]/' "needs 152x"
}

@test "weights that are no numbers" {
    list
    python3 - "$ref/mbv3.pth" <<'END'
import struct, sys, zipfile
data = bytearray(open(sys.argv[1], "rb").read())
info = next(i for i in zipfile.ZipFile(sys.argv[1]).infolist() if i.filename.endswith("data/0"))
name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
struct.pack_into("<f", data, info.header_offset + 30 + name + extra + 8, float("nan"))
open("nan.pth", "wb").write(data)
END
    refuses '*nan.pth: *' mbv3 --supernet nan.pth --images list --calibrate none
    [[ "$output" == *finite* ]] || [[ "$output" == *checksum* ]]
}

@test "images that do not do" {
    list
    with=(--supernet "$ref/mbv3.pth")
    refuses "--images: *nowhere*" mbv3 "${with[@]}" --images nowhere --calibrate none
    refuses "--calibrate: *nowhere*" mbv3 "${with[@]}" --images list --calibrate nowhere
    mkdir empty
    refuses "--images: *empty*" mbv3 "${with[@]}" --images empty --calibrate none
    : >none
    refuses "--images: *none*" mbv3 "${with[@]}" --images none --calibrate none
    refuses "*: --images $ref/images has 3 folders, one for each class, and the network tells 10 apart*" mbv3 \
        "${with[@]}" --images "$ref/images" --calibrate none
    sed '$s/ 2$/ 10/' list >far
    refuses "*: --images far has labels up to 10, and the network has classes 0 to 9" mbv3 \
        "${with[@]}" --images far --calibrate none
    head -c 2000 "$(head -1 list | cut -d' ' -f1)" >broken.jpg
    { cat list; echo "$PWD/broken.jpg 0"; } >damaged
    refuses "--images: *broken.jpg*" mbv3 "${with[@]}" --images damaged --calibrate none
    refuses "--images: *MB*" mbv3 "${with[@]}" --images list --calibrate none --memory 0.1
    small mbv3 1 | ds-measure-acc "${with[@]}" --images damaged --skip-broken --calibrate none 2>err | ds-show -t -c top1:images | grep -qx 12
    grep -q '1 images left out' err
    # one image is enough, also to calibrate with
    head -1 list >one
    small mbv3 2 | ds-measure-acc "${with[@]}" --images one --calibrate one | ds-show -t -c top1:calibrated |
        grep -qx '1 images in batches of 1'
    if [ "$(id -u)" -ne 0 ]; then
        mkdir locked && chmod 0 locked
        refuses "--images: *locked*" mbv3 "${with[@]}" --images locked --calibrate none
    fi
}

@test "usage" {
    list
    usage() { # MESSAGE, arguments
        run -2 ds-measure-acc "${@:2}" </dev/null
        # shellcheck disable=SC2053 # a pattern
        [[ "$output" == "ds-measure-acc: "$1 ]] || { echo "$output"; return 1; }
    }
    usage "--supernet: wants --calibrate *" --supernet "$ref/mbv3.pth" --images list
    usage "--supernet: wants --images *" --supernet "$ref/mbv3.pth" --calibrate none
    usage "--images is for --supernet" --profile acc-ofa-mbv3 --images list
    usage "--calibrate is for --supernet" --profile acc-ofa-mbv3 --calibrate none
    usage "wants one of *" --supernet "$ref/mbv3.pth" --images list --calibrate none --profile acc-ofa-mbv3
    small mbv3 1 >a.dss
    run -2 ds-measure-acc --supernet "$ref/mbv3.pth" --images list --calibrate none --mean 0.5,0.5 -o x a.dss
    [[ "$output" == *"--mean: '0.5,0.5' is not 3 numbers separated by commas, one a channel" ]]
}

@test "ds-measure-cpu runs the supernet's weights, and says so" {
    small mbv3 2 | ds-measure-cpu --max-runs 6 --supernet "$ref/mbv3.pth" 2>/dev/null >cpu.dss
    ds-show -t -c latency.cpu:weights cpu.dss | tail -n +2 | sort -u >got
    [[ "$(cat got)" == "OFA-MobileNetV3 "* ]]
    run -1 bash -c "ds-sample ofa-mbv3 -n 1 | ds-measure-cpu --supernet $ref/mbv3.pth -o x"
    [[ "$output" == *"--supernet: tensor first_conv.conv.weight is 8x3x3x3"* ]]
    run -2 ds-measure-cpu --supernet "$ref/mbv3.pth" --profile note10
}

@test "accuracy in bf16 and int8: near that of f32, and kept apart in the cache" {
    list
    small mbv3 3 >in.dss
    evaluate=(ds-measure-acc --supernet "$ref/mbv3.pth" --images list --calibrate list --cache cache)
    "${evaluate[@]}" in.dss | ds-show --json >f32
    for dtype in bf16 int8; do
        run "${evaluate[@]}" --dtype $dtype in.dss -o $dtype.dss
        if [ "$status" -ne 0 ]; then
            [[ "$output" == "ds-measure-acc: --dtype: oneDNN "*": $dtype wants a processor with "* ]]
            skip "$output"
        fi
        ds-show --json $dtype.dss >$dtype
        "${evaluate[@]}" --dtype $dtype in.dss | cmp - $dtype.dss # from the cache
    done
    python3 - <<'END'
import json
f32, bf16, int8 = ([json.loads(line)["metrics"]["loss"] for line in open(f)] for f in ("f32", "bf16", "int8"))
for a, b, c in zip(f32, bf16, int8):
    assert (a["precision"], b["precision"], c["precision"]) == ("fp32", "bf16", "int8")
    assert c["scales"] == "12 calibration images" and "scales" not in b and c["isa"] == a["isa"], c
    assert 0 < abs(b["value"] - a["value"]) < 0.02 * a["value"], (a, b)
    assert 0 < abs(c["value"] - a["value"]) < 0.2 * a["value"], (a, c)
END
    run -2 ds-measure-acc --supernet "$ref/mbv3.pth" --images list --calibrate none --dtype int8 in.dss
    [ "$output" = "ds-measure-acc: --dtype int8: wants --calibrate DIR, images that tell the ranges of activations" ]
    run -2 ds-measure-acc --profile top1 --dtype int8 in.dss
    [ "$output" = "ds-measure-acc: --dtype is for --supernet" ]
    # the same images tell the scales where latency is measured
    ds-measure-cpu -q --max-runs 2 --dtype int8 --supernet "$ref/mbv3.pth" --calibrate list in.dss | ds-show --json >cpu
    python3 - <<'END'
import json
for line in open("cpu"):
    m = json.loads(line)["metrics"]["latency.cpu"]
    assert m["scales"] == "12 calibration images" and m["weights"].startswith("OFA-MobileNetV3 "), m
    assert 1e-4 < m["logits_error"] < 1, m # its weights are random
END
}

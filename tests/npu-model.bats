bats_require_minimum_version 1.5.0

# The cost model of NPUs: devices, ds-measure-npu --model, ds-fit-npu.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ref=$BATS_TEST_DIRNAME/../../shared/reference
}

# A device with one edit: python on d, the file, and p, its parameters.
device() { # NAME EDIT
    python3 - "$DSTOOLS_SCHEMAS/npus/$1.json" "$2" >edited.json <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
p = d["parameters"]
exec(sys.argv[2])
print(json.dumps(d))
END
}

@test "every shipped NPU serves every shipped space, and the record says which model it was" {
    for npu in "$DSTOOLS_SCHEMAS"/npus/*.json; do
        for space in "$DSTOOLS_SCHEMAS"/spaces/*.json; do
            ds-sample "$space" -n 5 | ds-measure-cost | ds-measure-npu --model "$npu" | ds-show --json >shown
            python3 - "$npu" <<'END'
# Between what the arithmetic units or the memory need alone, and 8 times that.
import json, sys
p = {k: v["value"] for k, v in json.load(open(sys.argv[1]))["parameters"].items()}
rate = p["clock_mhz"] * 1e6 * (p["vector_pixels"] * p["vector_channels"] +
                               p["cube_m"] * p["cube_k"] * p["cube_n"] / p["cube_cycles"])
for line in open("shown"):
    m = json.loads(line)["metrics"]
    weights = m["params"] * 1e6 * p["element_bytes"] / (p["weights_gb_s"] * 1e9)
    least = 1000 * max(m["macs"] * 1e6 / rate, weights)
    assert least <= m["latency.npu"]["value"] <= 8 * least, (sys.argv[1], least, m)
END
        done
    done
    ds-sample ofa-mbv3 -n 1 | ds-measure-npu --model dpu-b2304 | ds-show --json >shown
    python3 - <<'END'
import json
m = json.loads(open("shown").read().splitlines()[-1])["metrics"]["latency.npu"]
assert m["model"] == "dpu-b2304" and len(m["model_hash"]) == 16 and m["value"] > 0, m
END
    device dpu-b2304 'p["clock_mhz"]["value"] = 300'
    ds-sample ofa-mbv3 -n 1 | ds-measure-npu --model ./edited.json | ds-show --json >other
    run -1 grep -qF "$(grep -o '"model_hash": *"[0-9a-f]*"' shown)" other
}

@test "a larger kernel, expansion, resolution or depth never costs less" {
    for npu in dpu-b2304 kirin9000-lite; do
        for d in '"ks":3,"e":3,"d":2,"r":160' '"ks":5,"e":3,"d":2,"r":160' '"ks":7,"e":3,"d":2,"r":160' \
            '"ks":7,"e":4,"d":2,"r":160' '"ks":7,"e":6,"d":2,"r":160' '"ks":7,"e":6,"d":3,"r":160' \
            '"ks":7,"e":6,"d":4,"r":160' '"ks":7,"e":6,"d":4,"r":192' '"ks":7,"e":6,"d":4,"r":224'; do
            echo "{$d}"
        done | ds-import ofa --space ofa-mbv3 | ds-measure-npu --model $npu |
            ds-show -t -c latency.npu | tail -n +2 >ms
        [ "$(wc -l <ms)" -eq 9 ]
        sort -g -c ms
    done
}

@test "what a device file lacks, or has too much, is named" {
    refuses() { # EDIT MESSAGE
        device dpu-b2304 "$1"
        run -1 bash -c 'ds-sample ofa-mbv3 -n 1 | ds-measure-npu --model ./edited.json -o x'
        [ "$output" = "ds-measure-npu: --model: ./edited.json: $2" ] || { echo "$output"; return 1; }
    }
    refuses 'del p["l1_kb"]' 'parameters.l1_kb: missing'
    refuses 'p["l3_kb"] = p["l1_kb"]' 'parameters.l3_kb: no such parameter'
    refuses 'd["clock"] = 1' 'clock: no such key'
    refuses 'p["clock_mhz"]["unit"] = "MHz"' 'parameters.clock_mhz: unknown key unit'
    refuses 'p["clock_mhz"] = 200' 'parameters.clock_mhz: must be an object with value and from'
    refuses 'p["clock_mhz"]["value"] = -200' 'parameters.clock_mhz: value: must be above 0, not -200'
    refuses 'p["keep_kb"]["value"] = -1' 'parameters.keep_kb: value: must be 0 or more, not -1'
    refuses 'p["cube_m"]["value"] = 1.5' 'parameters.cube_m: value: must be a whole number from 1 on, not 1.5'
    refuses 'p["cube_efficiency"]["value"] = 1.5; del p["cube_efficiency"]["fit"]' \
        'parameters.cube_efficiency: value: must be above 0 and at most 1, not 1.5'
    refuses 'p["pixels_in_row"]["value"] = 2' 'parameters.pixels_in_row: value: must be 0 or 1, not 2'
    refuses 'p["clock_mhz"]["value"] = "200"' 'parameters.clock_mhz: value: must be a number'
    refuses 'del p["clock_mhz"]["from"]' \
        'parameters.clock_mhz: from: missing: where the number comes from'
    refuses 'p["clock_mhz"]["fit"] = [300, 400]' \
        'parameters.clock_mhz: value 200 is outside fit, [300, 400]'
    refuses 'p["clock_mhz"]["fit"] = [0, 400]' 'parameters.clock_mhz: fit: [0, 400] is no range above 0'
    refuses 'p["cube_m"]["fit"] = [1, 16]' 'parameters.cube_m: fit: only what is not counted can be fitted'
    refuses 'p["depthwise_on_vector"]["value"] = 0' \
        'parameters.depthwise_on_cube, depthwise_on_vector: one must be 1'
    refuses 'd["dstools_npu"] = 2' 'dstools_npu: version 2 is not one that this dstools reads (1)'
    refuses 'd.pop("description")' 'description: missing'
    echo '{' >bad.json
    run -1 bash -c 'ds-sample ofa-mbv3 -n 1 | ds-measure-npu --model bad.json -o x'
    [[ "$output" == "ds-measure-npu: --model: bad.json: not JSON: line "* ]]
    run -1 bash -c 'ds-sample ofa-mbv3 -n 1 | ds-measure-npu --model none -o x'
    [[ "$output" == "ds-measure-npu: --model: no 'none' among the npus (dpu-b2304, kirin9000-lite); "* ]]
    run -1 bash -c 'ds-sample ofa-mbv3 -n 1 | ds-measure-npu --model '"$DSTOOLS_SCHEMAS"'/devices/dpu.json -o x'
    [[ "$output" == *"this is no device of the NPU cost model but a device profile: give it to --profile" ]]
    run -2 bash -c 'ds-sample ofa-mbv3 -n 1 | ds-measure-npu --model dpu-b2304 --profile dpu -o x'
    [ "$output" = "ds-measure-npu: --profile, --predictor, --model and --exec: one of them" ]
    run -2 bash -c 'ds-sample ofa-mbv3 -n 1 | ds-measure-npu --model dpu-b2304 --exec true -o x'
    [ "$output" = "ds-measure-npu: --profile, --predictor, --model and --exec: one of them" ]
}

@test "a layer that fits no buffer: which, where, and on what" {
    device dpu-b2304 'p["l1_kb"]["value"] = 0.5'
    run -1 bash -c 'ds-sample ofa-mbv3 -n 1 | ds-measure-npu --model ./edited.json -o x'
    [[ "$output" == *"record 1, byte "*": no tiling of a 3x3 convolution of 3x"*" fits the buffers of dpu-b2304 (l0a_kb, l0b_kb, l0c_kb, l1_kb, ub_kb)" ]]
}

# 24 blocks with times of no device.
table() {
    echo 'Kernel Name,Average Time (ms)'
    for in in 48x28x28 96x14x14; do
        for k in 3 5 7; do
            for e in 3 4 5 6; do
                echo "ResidualBlock-in_$in-out_96-k_$k-e_$e-s_1-act_relu-use_se_False,$((k + 2 * e)).5"
            done
        done
    done
}

@test "ds-fit-npu: a device with what it fitted; the same input gives the same device" {
    table >t.csv
    ds-fit-npu dpu-b2304 t.csv --splits 2 -o a.json 2>said
    grep -q '^ds-fit-npu: mean of 2 splits ' said
    ds-fit-npu ./a.json t.csv --splits 2 -o b.json -q
    cmp a.json b.json # whatever the values were before
    ds-fit-npu a.json t.csv --as-is 2>&1 >/dev/null | grep 'split 0' >again
    cmp again <(grep 'split 0' said)
    python3 - "$DSTOOLS_SCHEMAS/npus/dpu-b2304.json" <<'END'
import json, sys
a, b = json.load(open("a.json")), json.load(open(sys.argv[1]))
for k, v in a["parameters"].items():
    free = "fit" in v
    assert free or v == b["parameters"][k], k
    assert not free or v["fit"][0] <= v["value"] <= v["fit"][1], (k, v)
p = a["provenance"]
assert p["table"] == "t.csv" and p["blocks"] == 24 and p["fitted_to"] == 12, p
assert p["unseen"]["blocks"] == 12 and p["unseen_over_splits"]["splits"] == 2, p
END
    ds-fit-npu a.json t.csv --as-is --list -q | awk -F'\t' 'NF != 6 { exit 1 }
        $2 == "first" { n++ } END { exit !(NR == 25 && n == 12) }'
}

@test "ds-fit-npu: what is wrong with a table or a device" {
    table >t.csv
    refuses() { # MESSAGE ARGUMENT ...
        run -1 ds-fit-npu "${@:2}"
        [ "$output" = "ds-fit-npu: $1" ] || { echo "$output"; return 1; }
    }
    refuses "none.csv: No such file or directory" dpu-b2304 none.csv
    printf 'Kernel Name,Average Time (ms)\nLinear_in-8_out-8,1\n' >none.csv
    refuses "none.csv: no block, as ResidualBlock-in_96x14x14-out_136-k_7-e_3-s_1-act_h_swish-use_se_True" \
        dpu-b2304 none.csv
    sed 's/relu/gelu/' t.csv >gelu.csv
    refuses "gelu.csv: ResidualBlock-in_48x28x28-out_96-k_3-e_3-s_1-act_gelu-use_se_False: activation gelu is neither relu nor h_swish" \
        dpu-b2304 gelu.csv
    sed '2s/k_3/k_4/' t.csv >even.csv
    refuses "even.csv: ResidualBlock-in_48x28x28-out_96-k_4-e_3-s_1-act_relu-use_se_False: no such block can be" \
        dpu-b2304 even.csv
    sed '2s/,.*/,-1/' t.csv >negative.csv
    run -1 ds-fit-npu dpu-b2304 negative.csv
    [[ "$output" == *"-1 is no latency"* ]]
    head -9 t.csv >few.csv
    refuses "4 blocks are too few for 8 free parameters" dpu-b2304 few.csv
    refuses "kirin9000-lite has no parameter with a range to fit it in" kirin9000-lite t.csv
    run -2 ds-fit-npu dpu-b2304
    run -2 ds-fit-npu dpu-b2304 t.csv --splits 0
}

@test "reference data: dpu-b2304 predicts the half it has not seen as well as it says" {
    table=$ref/dpu/ofa_mbv3_blocks.csv
    [ -f "$table" ] || skip "no reference data"
    ds-fit-npu dpu-b2304 "$table" --as-is -o none.json 2>&1 | awk '/split 0/ { print $4, $5, $6 }' >got
    python3 - "$DSTOOLS_SCHEMAS/npus/dpu-b2304.json" <<'END'
import json, sys
says = json.load(open(sys.argv[1]))["provenance"]["unseen"]
mape, spearman, kendall = map(float, open("got").read().split())
assert abs(mape - says["mape_percent"]) < 0.01, (mape, says)
assert abs(spearman - says["spearman"]) < 0.001 and abs(kendall - says["kendall"]) < 0.001
assert mape < 8 and spearman > 0.97
END
}

@test "pipelines/npu-check.py says what it skips" {
    run -0 python3 -B "$BATS_TEST_DIRNAME/../pipelines/npu-check.py" nowhere
    [ "${lines[0]}" = "skipped: no nowhere/dpu/ofa_mbv3_blocks.csv" ]
    [ "${lines[1]}" = "skipped: no nowhere/published.json" ]
}

@test "reference data: the model next to Kirin 9000's published responses" {
    [ -f "$ref/published.json" ] || skip "no reference data"
    mkdir r && ln -s "$(realpath "$ref/published.json")" r/published.json
    python3 -B "$BATS_TEST_DIRNAME/../pipelines/npu-check.py" r 1 100 >got
    [ "$(grep -c '^2[0-9]*	[346]	[357]	' got)" -eq 18 ]
    awk '/^224: Spearman/ { found = $3 + 0 > 0.9 } END { exit !found }' got
}

@test "a search on a modelled NPU" {
    make -s -f "$BATS_TEST_DIRNAME/../pipelines/search.mk" OUT=out DEVICE=kirin9000-lite ITERATIONS=1 BUDGET=20
    ds-show -t -c latency.npu,top1 out/1/01.dss | awk 'NR > 1 && !($1 > 0 && $2 > 70) { exit 1 } END { exit NR < 10 }'
}

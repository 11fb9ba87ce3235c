bats_require_minimum_version 1.5.0
load needs

# Device profiles: fitted, imported, shipped.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ref=$BATS_TEST_DIRNAME/../../shared/reference
}

@test "a fit finds a sum of blocks, and says how well it predicts what it has not seen" {
    ds-sample ofa-mbv3 -n 3000 | ds-measure-cost |
        ds-fit macs --family resolution --as latency.npu --name sum --device none -o sum.json
    ds-sample ofa-mbv3 -n 300 --seed 9 | ds-measure-cost | ds-measure-npu --profile ./sum.json |
        ds-show -t -c macs,latency.npu | awk 'NR > 1 { d = ($2 - $1) / $1; s += d < 0 ? -d : d }
            END { print 100 * s / (NR - 1); exit !(s / (NR - 1) < 0.005) }'
    python3 -c 'import json
p = json.load(open("sum.json"))
assert p["error"]["spearman"] > 0.999 and p["error"]["mape_percent"] < 0.5, p["error"]
assert p["provenance"]["records"] == 3000 and p["provenance"]["made_by"][0].startswith("ds-sample")'
}

@test "cross-validation picks the family, and the same input gives the same profile" {
    ds-sample ofa-mbv3 -n 400 | ds-measure-cost >a.dss
    run -0 ds-fit macs --class cpu --name m --device none -o m.json a.dss
    [[ "${lines[0]}" == "ds-fit: family "*"Spearman"* ]]
    [[ "$output" == *"coefficients are too many for 400 records"* ]]
    python3 -c 'import json; f = json.load(open("m.json"))["model"]["family"]; assert f in ("cost", "shared"), f'
    ds-fit macs --class cpu --name m --device none -q -o m2.json a.dss
    cmp m.json m2.json
}

@test "30 networks are enough for what MACs tell, 60 for a profile; blocks no network has are known by others" {
    for space in ofa-mbv3 proxylessnas fbnet; do
        ds-sample $space -n 60 | ds-measure-cost >60.dss
        ds-fit macs --as latency.npu --name m --device none -q -o m.json 60.dss
        ds-sample $space -n 300 --seed 9 | ds-measure-cost | ds-measure-npu --profile ./m.json |
            ds-show -t -c macs,latency.npu | awk 'NR > 1 { d = ($2 - $1) / $1; s += d < 0 ? -d : d }
                END { print 100 * s / (NR - 1); exit !(NR == 301 && s / (NR - 1) < 0.002) }'
    done
    ds-sample ofa-mbv3 -n 30 | ds-measure-cpu --profile note10 >30.dss
    run -0 ds-fit latency.cpu --name m --device none -o m.json 30.dss
    [[ "$output" == *"additive           201 coefficients are too many for 30 records"* ]]
    python3 -c 'import json
p = json.load(open("m.json"))
assert p["model"]["family"].startswith("shared") and p["error"]["mape_percent"] < 5, p["error"]'
}

@test "--curve: the error by the number of networks, at random and near a front, which may be given" {
    ds-sample ofa-mbv3 -n 200 | ds-measure-cpu --profile note10 | ds-measure-acc --profile acc-ofa-mbv3 >a.dss
    ds-fit latency.cpu --curve a.dss >curve
    [ "$(awk 'NR > 2 { print $1 }' curve | tr '\n' ' ')" = "30 60 120 160 " ]
    # networks, family, (k, of, 10): then MAPE, RMSE, bias, Spearman, twice
    awk 'NR > 2 { if (NF != 13 || ($6 >= before && NR > 3) || $10 > 10) exit 1; before = $6 }' curve
    cmp curve <(ds-fit latency.cpu --curve a.dss)
    run ! cmp -s curve <(ds-fit latency.cpu --curve --seed 2 a.dss)
    # the other objective: parameters unless given
    run ! cmp -s curve <(ds-fit latency.cpu --curve --better top1 a.dss)
    cmp curve <(ds-measure-cost a.dss | ds-fit latency.cpu --curve --better params)
    ds-prune ofa-mbv3 --resolution 224 >at224.json
    ds-sample ./at224.json -n 40 --seed 5 | ds-measure-cpu --profile note10 >front.dss
    ds-fit latency.cpu --curve --front front.dss --family shared a.dss >given
    awk 'NR > 2 && $2 != "shared" { exit 1 }' given
    cmp <(cut -c 1-69 given) <(ds-fit latency.cpu --curve --family shared a.dss | cut -c 1-69)
    ds-fit top1 --curve --family cost a.dss | grep -q '^ *30  cost (10 of 10) '

    ds-sample ofa-mbv3 -n 37 | ds-measure-cost >few.dss
    run -1 ds-fit macs --class cpu --curve few.dss
    [ "$output" = "ds-fit: --curve: 37 networks are too few: it begins with 30, and holds out a fifth of all, so 38 at least" ]
    run -2 ds-fit macs --curve few.dss
    run -2 ds-fit latency.cpu --curve --family chain a.dss
    run -2 ds-fit latency.cpu --name x --device y --front front.dss a.dss
    [ "$output" = "ds-fit: --better, --worse and --front belong to --curve" ]
}

@test "a network learns what no sum of choices tells, whatever the threads, and is read back" {
    ds-sample ofa-mbv3 -n 1000 | ds-measure-cost >a.dss
    fit() { ds-fit macs --as latency.npu --device d --name n "$@" a.dss; }
    fit --family additive -q -o sum.json
    OPENBLAS_NUM_THREADS=1 fit --family neural -q -o net.json
    OPENBLAS_NUM_THREADS=2 fit --family neural -q -o net2.json
    cmp net.json net2.json
    ds-measure-npu --profile ./net.json a.dss | ds-show --json >got
    python3 - <<'END'
import json
sums, net = (json.load(open(f)) for f in ("sum.json", "net.json"))
# resolution multiplies what the blocks cost
assert net["error"]["rmse"] < 0.8 * sums["error"]["rmse"], (net["error"], sums["error"])
m = net["model"]
assert m["family"] == "neural"
floats = lambda text: [float(x) for x in text.split(" ")]
bias, last = floats(m["network"]["bias"]), floats(m["network"]["last"])
assert len(bias) == len(last) == m["network"]["hidden"]
n = 0
for line in list(open("got"))[:20]:
    r = json.loads(line)
    chosen = {"resolution": r["arch"]["resolution"]}
    for u, unit in enumerate(r["arch"]["units"]):
        chosen["unit%d.depth" % u] = unit["depth"]
        chosen["unit%d.width" % u] = unit["width"]
        for l, block in enumerate(unit["blocks"]):
            chosen["unit%d.layer%d" % (u, l)] = block
    want, hidden = m["intercept"], bias
    for site, choice in chosen.items():
        want += m["terms"][site][str(choice)]
        row = m["network"]["first"].get(site, {}).get(str(choice))
        hidden = [a + b for a, b in zip(hidden, floats(row))] if row else hidden
    want += sum(w * max(0, h) for w, h in zip(last, hidden))
    assert abs(want - r["metrics"]["latency.npu"]["value"]) < 1e-5 * want, (want, r)
    n += 1
assert n == 20
END
}

@test "networks are not tried unasked on few records, and it says so" {
    ds-sample ofa-mbv3 -n 60 | ds-measure-cost >a.dss
    run ds-fit macs --class cpu --name m --device d -o m.json a.dss
    [[ "$output" == *"neural             passed over, unless --family asks for it: 60 records are below 10000"* ]]
}

@test "a pruned space is served; another space is refused, and what is missing is named" {
    sed 's/"resolution": .*/"resolution": [224],/; s/"name": "ofa-mbv3"/"name": "pruned"/' \
        "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >pruned.json
    ds-sample ./pruned.json -n 5 | ds-measure-cpu --profile note10 | ds-show -t -c latency.cpu >got
    [ "$(wc -l <got)" -eq 6 ]
    sed -i 's/\[224\]/[208]/' pruned.json
    run -1 bash -c 'ds-sample ./pruned.json -n 5 | ds-measure-npu --profile dpu -o x'
    [[ "$output" == *"record 1, byte "*": profile dpu has no entry for 208 at resolution" ]]
    run -1 bash -c 'ds-sample proxylessnas -n 5 | ds-measure-cpu --profile note10 -o x'
    [[ "$output" == "ds-measure-cpu: profile note10 is of space ofa-mbv3 and knows no block of space proxylessnas" ]]
}

@test "nothing is taken to cost nothing: layers, widths and choices that the profile has not seen" {
    mbv3=$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json
    refuses() { # SPACE PROFILE MESSAGE
        ds-sample "./$1" -n 300 >in.dss
        run -1 ds-measure-cpu --profile "$2" -o x in.dss
        [[ "${lines[0]}" == *"$3" ]] || { echo "$output"; return 1; }
    }
    sed 's/"depth": \[2, 3, 4\]/"depth": [2, 3, 4, 5]/' "$mbv3" >deep.json
    refuses deep.json note10 \
        "profile note10 is of space ofa-mbv3 and does not know unit0.layer4 of space ofa-mbv3"
    sed 's/"width": 136/"width": 128/' "$mbv3" >thin.json
    refuses thin.json note10 "profile note10 has no entry for 128 at unit3.width"
    sed 's/"resolution": .*/"resolution": [224],/' "$DSTOOLS_SCHEMAS/spaces/proxylessnas.json" |
        grep -v mbconv2_e4 >w13.json # the table is of width 1.0
    refuses w13.json pixel1 "profile pixel1 has no entry for 32 at unit0.width"

    sed 's/"resolution": .*/"resolution": [224],/' "$mbv3" >r224.json
    ds-sample ./r224.json -n 300 | ds-measure-cost |
        ds-fit macs --family additive --as latency.cpu --name one --device d -q -o one.json
    cp "$mbv3" all.json
    refuses all.json ./one.json " at resolution"
    # seen at 208 and 224 only, in a space of five
    ds-sample ofa-mbv3 -n 900 | ds-export ofa | grep -E '"r":(208|224)' | ds-import ofa --space ofa-mbv3 |
        ds-measure-cost | ds-fit macs --family additive --as latency.cpu --name two --device d -q -o two.json
    refuses all.json ./two.json " at resolution"
}

@test "every shipped profile measures its space and no other class" {
    for f in "$DSTOOLS_SCHEMAS"/devices/*.json; do
        read -r name space class metric < <(python3 -c 'import json, sys
p = json.load(open(sys.argv[1])); print(p["name"], p["space"], p["class"], p["metric"])' "$f")
        [ "$name" = "$(basename "$f" .json)" ]
        sed 's/"resolution": .*/"resolution": [224],/' "$DSTOOLS_SCHEMAS/spaces/$space.json" >s.json
        ds-sample ./s.json -n 20 | "ds-measure-$class" --profile "$name" | ds-show -t -c "$metric" |
            awk 'NR > 1 && !($1 > 0) { bad = 1 } END { exit bad || NR != 21 }'
        other=gpu
        [ "$class" != gpu ] || other=npu
        run -1 "ds-measure-$other" --profile "$name" -o x
        [[ "$output" == *"$name is a profile of class $class ($metric), not $other" ]]
    done
}

@test "a table's network is the sum of its entries" {
    [ -d "$ref/note10" ] || skip "no reference data"
    python3 - "$ref/note10/224_lookup_table.yaml" <<'END' >want
import sys
key, table = None, {}
for line in open(sys.argv[1]):
    if not line.startswith(" "):
        key = line.rstrip().rstrip(":")
    elif line.split(":")[0].strip() == "mean":
        table[key] = float(line.split(":")[1])
blocks = [(24, 32, 112, 56, 2), (32, 32, 56, 56, 1), (32, 48, 56, 28, 2), (48, 48, 28, 28, 1),
          (48, 96, 28, 14, 2), (96, 96, 14, 14, 1), (96, 136, 14, 14, 1), (136, 136, 14, 14, 1),
          (136, 192, 14, 7, 2), (192, 192, 7, 7, 1)]
total = sum(v for k, v in table.items() if not k.startswith("expanded_conv"))
total += [v for k, v in table.items() if "output:112x112x24-expand:24-" in k][0]
for cin, cout, a, b, s in blocks:  # all e3 k3, depth 2
    begin = "expanded_conv-input:%dx%dx%d-output:%dx%dx%d-expand:%d-kernel:3-stride:%d-" % (
        a, a, cin, b, b, cout, 3 * cin, s)
    total += [v for k, v in table.items() if k.startswith(begin)][0]
print("%.6f" % total)
END
    echo '{"ks":3,"e":3,"d":2,"r":224}' | ds-import ofa --space ofa-mbv3 |
        ds-measure-cpu --profile note10 | ds-show -t -c latency.cpu | awk 'NR > 1 { printf "%.6f\n", $1 }' >got
    diff want got
}

@test "a table for a space with skips: nothing where the shape stays, else its 1x1 convolution" {
    space() { # NAME BLOCKS WIDTH
        printf '{"dstools_space": 1, "name": "%s", "resolution": 32, "stem": [], "head": [],
 "blocks": [{"name": "a", "type": "skip"}, {"name": "b", "type": "mbconv", "expand": 2, "kernel": 3}],
 "units": [{"width": %d, "depth": [2, 1], "blocks": [%s]}]}' "$1" "$3" "$2" >"$1.json"
    }
    cat >t.yaml <<'END'
expanded_conv-input:32x32x3-output:32x32x8-expand:8-kernel:3-stride:1:
  mean: 5
Conv-input:32x32x3-output:32x32x8:
  mean: 3
expanded_conv-input:32x32x8-output:32x32x8-expand:16-kernel:3-stride:1:
  mean: 7
END
    lut() { ds-import lut --space "./$1.json" --name t --device t --class cpu -o p.json t.yaml; }
    space both '"a", "b"' 8
    lut both
    ds-sample ./both.json -n 6 --unique | ds-measure-cpu --profile ./p.json | ds-show -t -c arch,latency.cpu |
        tail -n +2 | sort | tr '\t\n' '= ' >got
    [ "$(cat got)" = "a=3 a,a=3 a,b=10 b=5 b,a=5 b,b=12 " ]
    space one '"a"' 3 # one skip, no stem, no head: nothing that a table could say
    run -1 lut one
    [ "$output" = "ds-import: the table has no block of space one" ]
}

@test "tables that lack a block, or are none" {
    cat >t.yaml <<'END'
expanded_conv-input:112x112x24-output:56x56x32-expand:72-kernel:3-stride:2-idskip:0:
  mean: 1.5
END
    lut() { ds-import lut --space ofa-mbv3 --name t --device t --class cpu -o x "$@"; }
    run -1 lut t.yaml
    [[ "$output" == "ds-import: the table lacks "*" of space ofa-mbv3 at resolution 224" ]]
    echo 'just: text' >u.yaml
    run -1 lut u.yaml
    [[ "$output" == *"u.yaml: no table: no entry with a mean" ]]
    printf 'a:\n  mean: [\n' >v.yaml
    run -1 lut v.yaml
    [[ "$output" == *"v.yaml: not YAML: line "* ]]
    printf 'a:\n  mean: fast\n' >w.yaml
    run -1 lut w.yaml
    [[ "$output" == *"w.yaml: line 2: 'fast' is not a number" ]]
    printf 'a,b\n1,2\n' >t.csv
    run -1 lut t.csv
    [[ "$output" == *"t.csv: line 1 names no columns"* ]]
    run -2 ds-import lut --space ofa-mbv3 t.yaml
}

@test "wrong profiles" {
    wrong() { # JSON MESSAGE
        echo "$1" >p.json
        run -1 ds-measure-cpu --profile ./p.json -o x
        [[ "$output" == *"$2"* ]] || { echo "$output"; return 1; }
    }
    wrong '{' 'not JSON'
    wrong '{}' 'dstools_profile: missing: this is no device profile'
    wrong '{"dstools_profile":9}' 'version 9 is newer'
    wrong '{"dstools_profile":1}' 'name: missing'
    head='"dstools_profile":1,"name":"p","metric":"m","unit":"ms","device":"d","space":"s"'
    wrong "{$head,\"class\":\"tpu\"}" 'class: must be cpu, gpu, npu or acc'
    wrong "{$head,\"class\":\"cpu\"}" 'model: missing'
    wrong "{$head,\"class\":\"cpu\",\"model\":{\"link\":\"cube\"}}" 'model.link: must be identity or log'
    wrong "{$head,\"class\":\"cpu\",\"model\":{\"link\":\"log\",\"intercept\":NaN}}" 'not JSON'
    wrong "{$head,\"class\":\"cpu\",\"model\":{\"link\":\"log\",\"intercept\":1,\"terms\":{\"a\":{\"b\":\"c\"}}}}" \
        'model.terms.a.b: must be a number'
    net="$head,\"class\":\"cpu\",\"model\":{\"link\":\"log\",\"intercept\":1,\"network\":"
    wrong "{$net{}}}" 'model.network.hidden: must be 1 to 1024'
    wrong "{$net{\"hidden\":4096}}}" 'model.network.hidden: must be 1 to 1024'
    wrong "{$net{\"hidden\":2}}}" 'model.network.first: must be an object'
    net+='{"hidden":2,"first":{},'
    wrong "{$net\"bias\":[0,0]}}}" 'model.network.bias: must be a text of 2 finite numbers'
    wrong "{$net\"bias\":\"0 nan\"}}}" 'model.network.bias: must be a text of 2 finite numbers'
    wrong "{$net\"bias\":\"0 1e99\"}}}" 'model.network.bias: must be a text of 2 finite numbers'
    wrong "{$net\"bias\":\"0 1\",\"last\":\"1 2 3\"}}}" 'model.network.last: must be a text of 2 finite numbers'
    run -1 ds-measure-npu -o x
    [[ "$output" == "ds-measure-npu: no npu is measured live by this dstools yet: give --profile NAME, a device profile, --predictor FILE, --model NPU or --exec PROGRAM" ]]
    run -1 ds-measure-npu --profile no-such -o x
    [[ "$output" == *"no 'no-such' among the devices ("*"note10"* ]]
}

@test "a network's weights that are damaged, or not there" {
    ds-sample ofa-mbv3 -n 20 >a.dss
    damage() { # STATEMENT MESSAGE
        python3 -c 'import json, sys
p = json.load(open(sys.argv[1])); first = p["model"]["network"]["first"]; exec(sys.argv[2])
json.dump(p, open("p.json", "w"))' "$DSTOOLS_SCHEMAS/devices/acc-ofa-mbv3.json" "$1"
        run -1 ds-measure-acc --profile ./p.json -o x a.dss
        [[ "${lines[0]}" == *"$2" ]] || { echo "$output"; return 1; }
    }
    e3k3='first["unit0.layer0"]["mbconv3_e3_k3"]'
    damage "$e3k3 = $e3k3.replace(' ', ' nan ', 1)" \
        "profile acc-ofa-mbv3: model.network.first.unit0.layer0.mbconv3_e3_k3: must be a text of 256 finite numbers"
    damage "$e3k3 = 'no'" "first.unit0.layer0.mbconv3_e3_k3: must be a text of 256 finite numbers"
    damage "del first['resolution']['224']" "profile acc-ofa-mbv3 has no entry for 224 at resolution"
}

@test "fits refuse what they cannot use" {
    ds-sample ofa-mbv3 -n 10 | ds-measure-cost >few.dss
    run -1 ds-fit macs --class cpu --name m --device d -q -o x few.dss
    [[ "$output" == "ds-fit: 10 records are too few: 20 at least" ]]
    run -1 ds-fit latency.cpu --name m --device d -q -o x few.dss
    [[ "$output" == *"few.dss: record 1, byte "*": no metric latency.cpu" ]]
    run -2 ds-fit macs --name m --device d few.dss
    run -2 ds-fit macs --class cpu --name m --device d --family magic few.dss
}

@test "latencies of several devices in one stream, each by a name of its own" {
    ds-sample ofa-mbv3 -n 5 >s.dss
    ds-measure-cpu --profile note10 s.dss | ds-show -t -c latency.cpu >note10
    ds-measure-gpu --profile rtx2080ti-b1 s.dss | ds-show -t -c latency.gpu >rtx
    ds-measure-cpu --profile note10 --as latency.note10 s.dss |
        ds-measure-gpu --profile rtx2080ti-b1 --as latency.rtx |
        ds-measure-npu --model dpu-b2304 --as latency.dpu >all.dss
    cmp <(ds-show -t -c latency.note10 all.dss | tail -n +2) <(tail -n +2 note10)
    cmp <(ds-show -t -c latency.rtx all.dss | tail -n +2) <(tail -n +2 rtx)
    [ "$(ds-show -t all.dss | head -1 | tr '\t' '\n' | grep latency | tr '\n' ' ')" = "latency.note10 latency.rtx latency.dpu " ]
    run -2 ds-measure-cpu --profile note10 --as note10 s.dss
    [ "$output" = "ds-measure-cpu: --as: 'note10' is not latency.NAME" ]
    run -2 ds-measure-cpu --profile note10 --as latency. s.dss
    [ "$output" = "ds-measure-cpu: --as: 'latency.' is not latency.NAME" ]
    run -2 ds-measure-gpu --profile rtx2080ti-b1 --as latency.a:lo s.dss
    [[ "$output" == "ds-measure-gpu: --as: 'latency.a:lo' has a "* ]]
    printf '#!/bin/sh\necho 3\n' >three && chmod +x three
    ds-measure-npu --exec ./three --as latency.three s.dss | ds-show -t -c latency.three | grep -cx 3 | grep -qx 5
    needs_engine onednn
    [ "$(ds-measure-cpu -q --as latency.here --max-runs 1 <(ds-sample ofa-mbv3 -n 1 | cat) | ds-show -t -c latency.here | wc -l)" = 2 ]
}

@test "a fit to several devices is refused, to several settings told" {
    cd "$BATS_TEST_TMPDIR"
    ds-sample ofa-mbv3 -n 40 >in.dss
    for p in note10 i7-8700k; do ds-measure-cpu --profile $p -o $p.dss in.dss; done
    fit() { ds-fit latency.cpu --family cost --name x --device x -o x.json "$@"; }
    run -1 fit note10.dss i7-8700k.dss
    [ "${lines[0]}" = "ds-fit: latency.cpu mixes values of profile 'note10' and 'i7-8700k': fit them apart, or measure under names of their own (--as)" ]
    [ ! -e x.json ]
    for n in 1 2; do
        ds-show --json note10.dss | jq -c ".metrics[\"latency.cpu\"].threads = $n" |
            ds-import json --space ofa-mbv3 -o threads$n.dss
    done
    run -0 fit threads1.dss threads2.dss
    [ "${lines[0]}" = "ds-fit: latency.cpu mixes values of threads '1' and '2': fit them apart" ]
    run -0 fit threads1.dss
    [[ "${lines[0]}" == "ds-fit: family "* ]]
}

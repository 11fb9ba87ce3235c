# shellcheck disable=SC2154 # stderr is set by run
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    reference=$BATS_TEST_DIRNAME/../../shared/reference
}

# The names of a table, sorted.
names() {
    grep -hv '^[ #]' "$@" | sort
}

# A space of few blocks, and two networks of it whose blocks were measured.
tiny() {
    cat >tiny.json <<'JSON'
{"dstools_space": 1, "name": "tiny", "resolution": [32],
 "stem": [{"op": "conv", "kernel": 3, "stride": 2, "width": 8, "act": "hswish"}],
 "blocks": [{"name": "a", "type": "mbconv", "expand": 3, "kernel": 3}, {"name": "b", "type": "mbconv", "expand": 6, "kernel": 5}],
 "units": [{"stride": 2, "width": 16, "depth": [2, 3], "act": "hswish", "se": true}],
 "head": [{"op": "conv", "kernel": 1, "width": 32, "act": "hswish"}, {"op": "pool"},
          {"op": "conv", "kernel": 1, "width": 40, "act": "hswish", "bn": false}, {"op": "linear", "width": 10}]}
JSON
    cat >tiny.jsonl <<'JSON'
{"arch":{"units":[["a","b"]]},"metrics":{"latency.cpu":{"value":9,"device":"one"},"latency.cpu.stem0":1,"latency.cpu.unit0.layer0":2,"latency.cpu.unit0.layer1":3,"latency.cpu.head0":0.5,"latency.cpu.head1":0.25,"latency.cpu.head2":0.00001,"latency.cpu.head3":1.5}}
{"arch":{"units":[["b","a","b"]]},"metrics":{"latency.cpu":{"value":9,"device":"one"},"latency.cpu.stem0":1.5,"latency.cpu.unit0.layer0":4,"latency.cpu.unit0.layer1":1,"latency.cpu.unit0.layer2":4,"latency.cpu.head0":0.5,"latency.cpu.head1":0.25,"latency.cpu.head2":0.00001,"latency.cpu.head3":1.5}}
JSON
    ds-import json --space ./tiny.json tiny.jsonl -o tiny.dss
}

@test "there and back: the table of a profile gives the same latency on 1,000 networks" {
    ds-export lut --profile note10 -d n10 >paths
    [ "$(cat paths)" = "$(printf 'n10/%s_lookup_table.yaml\n' 160 176 192 208 224)" ]
    ds-import lut --space ofa-mbv3 --name back --device x --class cpu -o back.json n10/*
    ds-sample ofa-mbv3 -n 1000 | ds-measure-cpu --profile note10 --as latency.there |
        ds-measure-cpu --profile ./back.json --as latency.back |
        ds-show -t -c latency.there,latency.back >both
    awk 'NR > 1 { d = $1 / $2 - 1; if (d > 1e-8 || d < -1e-8) bad++ } END { exit bad || NR != 1001 }' both
}

@test "asked in Once-for-All's way, by names made of its published numbers, it answers the same" {
    ds-export lut --profile note10 -d n10 >/dev/null
    ds-sample ofa-mbv3 -n 200 --seed 3 | ds-measure-cpu --profile note10 >a.dss
    ds-export ofa a.dss | python3 "$BATS_TEST_DIRNAME/ofa_table.py" n10 >asked
    ds-show -t -c latency.cpu a.dss | tail -n +2 | paste - asked |
        awk '{ d = $1 / $2 - 1; if (d > 1e-8 || d < -1e-8) bad++ } END { exit bad || NR != 200 }'
}

@test "the names are those of the tables that are published" {
    [ -d "$reference" ] || skip "no reference data"
    ds-export lut --profile note10 -d n10 >/dev/null
    for r in 160 176 192 208 224; do
        cmp <(names n10/${r}_lookup_table.yaml) <(names "$reference/note10/${r}_lookup_table.yaml")
    done
    # the published one has two first blocks besides, which the space has not
    ds-export lut --profile pixel1 -o pixel1.yaml
    [ "$(comm -3 <(names pixel1.yaml) <(names "$reference/pixel1/mobile_trim.yaml") | wc -l)" -eq 2 ]
    [ -z "$(comm -23 <(names pixel1.yaml) <(names "$reference/pixel1/mobile_trim.yaml"))" ]
}

@test "measured blocks: mean, number and deviation of those of one shape" {
    tiny
    ds-export lut -o tiny.yaml tiny.dss
    cat >want <<'END'
# latency.cpu of blocks in 2 networks: device one; ms
Conv-input:32x32x3-output:16x16x8:
  count: 2
  mean: 1.25
  std: 0.353553390593274
expanded_conv-input:16x16x8-output:8x8x16-expand:24-kernel:3-stride:2-idskip:0-se:1-hs:1:
  count: 1
  mean: 2.0
expanded_conv-input:8x8x16-output:8x8x16-expand:48-kernel:3-stride:1-idskip:1-se:1-hs:1:
  count: 1
  mean: 1.0
Conv_1-input:8x8x16-output:8x8x32:
  count: 2
  mean: 0.5
  std: 0.0
AvgPool2D-input:8x8x32-output:1x1x32:
  count: 2
  mean: 0.25
  std: 0.0
Conv_2-input:1x1x32-output:1x1x40:
  count: 2
  mean: 1.0e-05
  std: 0.0
Logits-input:1x1x40-output:10:
  count: 2
  mean: 1.5
  std: 0.0
expanded_conv-input:16x16x8-output:8x8x16-expand:48-kernel:5-stride:2-idskip:0-se:1-hs:1:
  count: 1
  mean: 4.0
expanded_conv-input:8x8x16-output:8x8x16-expand:96-kernel:5-stride:1-idskip:1-se:1-hs:1:
  count: 2
  mean: 3.5
  std: 0.707106781186548
END
    diff <(sed 's/\(std: 0\.[0-9]\{8\}\)[0-9]*/\1/' want) <(sed 's/\(std: 0\.[0-9]\{8\}\)[0-9]*/\1/' tiny.yaml)
    # networks of another space, which was cut from it, are its networks too
    ds-prune ./tiny.json --drop 'depth==2' >deep.json
    sed 1d tiny.jsonl | ds-import json --space ./deep.json -o deep.dss
    sed 2d tiny.jsonl | ds-import json --space ./tiny.json -o shallow.dss
    ds-export lut --space ./tiny.json shallow.dss deep.dss | diff - tiny.yaml
}

@test "what is measured live, with --per-block, is a table of this machine" {
    [ -z "$SANITIZE" ] || skip "composes tools only"
    tiny
    ds-sample ./tiny.json -n 30 | ds-measure-cpu -q --per-block --max-runs 3 >live.dss || skip "no engine"
    ds-export lut -o live.yaml live.dss
    cmp <(names live.yaml) <(ds-export lut tiny.dss | grep -v '^[ #]' | sort)
    grep -q '^# latency.cpu of blocks in 30 networks: .*device ' live.yaml
    ds-import lut --space ./tiny.json --name live --device x --class cpu -o live.json live.yaml
    ds-measure-cpu --profile ./live.json --as latency.sum live.dss | ds-show -t -c latency.sum >sums
    awk 'NR > 1 && $1 > 0 { n++ } END { exit n != 30 }' sums
}

@test "a block that no network had, and blocks of several devices, are refused" {
    tiny
    sed 2d tiny.jsonl | ds-import json --space ./tiny.json -o one.dss
    run -1 ds-export lut -o none.yaml one.dss
    [ "$output" = "ds-export: no network has expanded_conv-input:8x8x16-output:8x8x16-expand:48-kernel:3-stride:1-idskip:1-se:1-hs:1 at resolution 32; ds-affix --all reaches every block" ]
    [ ! -e none.yaml ]
    sed '2s/"one"/"two"/' tiny.jsonl | ds-import json --space ./tiny.json -o two.dss
    run -1 ds-export lut two.dss
    [ "$output" = "ds-export: latency.cpu mixes values of device 'one' and 'two': export them apart, or measure under names of their own (--as)" ]
    sed 's/"latency.cpu.unit0.layer0":2,//' tiny.jsonl | ds-import json --space ./tiny.json -o lacks.dss
    run -1 ds-export lut --metric latency.cpu lacks.dss
    [[ "$output" == "ds-export: lacks.dss: record 1, byte "*": "*latency.cpu.unit0.layer0* ]] || { echo "$output"; false; }
    sed 's/\.unit0/.x0/g' tiny.jsonl | ds-import json --space ./tiny.json -o without.dss
    run -1 ds-export lut without.dss
    [[ "$output" == *": no latency of its blocks, as ds-measure-cpu --per-block gives; or give --profile" ]]
    sed 's/"latency.cpu.unit0.layer0":2/&,"latency.x.unit0.layer0":2/' tiny.jsonl | ds-import json --space ./tiny.json -o several.dss
    run -2 ds-export lut several.dss
    [[ "$output" == *": blocks of latency."*", and of another metric: choose by --metric" ]]
    ds-export lut --metric latency.cpu several.dss | diff - <(ds-export lut tiny.dss)
}

@test "a record that could not be measured is passed over, and told" {
    tiny
    { cat tiny.jsonl; echo '{"arch":{"units":[["a","a"]]},"metrics":{},"errors":{"latency.cpu":"it burnt"}}'; } |
        ds-import json --space ./tiny.json -o burnt.dss
    run -0 --separate-stderr ds-export lut -o burnt.yaml burnt.dss
    [[ "$stderr" == *"1 record"* ]] || { echo "$stderr"; false; }
    diff burnt.yaml <(ds-export lut tiny.dss)
}

@test "a fitted profile: layers of one shape share an entry, and what is always there is told apart" {
    [ -z "$SANITIZE" ] || skip "composes tools only"
    ds-prune ofa-mbv3 --resolution 192 >at.json
    ds-sample ./at.json -n 1500 | ds-measure-cpu --profile note10 |
        ds-fit latency.cpu --family additive --name fit --device x -o fit.json 2>/dev/null
    run -0 --separate-stderr ds-export lut --profile ./fit.json --space ./at.json -d fit
    [[ -z "$stderr" || "$stderr" == *"differ from those of profile fit by 0.0"* ]] || { echo "$stderr"; false; }
    ds-import lut --space ./at.json --name back --device x --class cpu -o back.json fit/*
    ds-sample ./at.json -n 200 --seed 9 | ds-measure-cpu --profile note10 --as latency.a |
        ds-measure-cpu --profile ./back.json --as latency.b | ds-show -t -c latency.a,latency.b >both
    awk 'NR > 1 { d = $1 / $2 - 1; if (d > 0.002 || d < -0.002) bad++ } END { exit bad || NR != 201 }' both
    # a layer that may be absent is known by itself: the truth's entry
    ds-export lut --profile note10 -d n10 >/dev/null
    entry='input:12x12x96-output:12x12x96-expand:576-kernel:7-'
    paste <(grep -A1 -- "$entry" fit/192_lookup_table.yaml) <(grep -A1 -- "$entry" n10/192_lookup_table.yaml) |
        awk '/mean/ { n++; if ($2 / $4 > 1.02 || $2 / $4 < 0.98) bad++ } END { exit bad || n != 1 }'
}

@test "what is no sum of blocks, or no network of these tables, is refused by name" {
    run -1 ds-export lut --profile rtx2080ti-b64 -d x
    [[ "$output" == "ds-export: profile rtx2080ti-b64 is no sum of blocks: it gives the logarithm; "* ]]
    run -1 ds-export lut --profile kirin9000-ofa-mbv3 -d x
    [[ "$output" == *"is no sum of blocks: what a block adds depends on other blocks; "* ]]
    run -1 ds-export lut --profile top1-ofa-mbv3 -d x
    [ "$output" = "ds-export: profile top1-ofa-mbv3 gives top1 in %: it is no latency in ms" ]
    [ ! -e x ]
    ds-sample fbnet -n 1 >f.dss
    run -1 ds-export lut --metric m f.dss
    [[ "$output" == "ds-export: unit0.layer0 of space fbnet is no MBConv: Once-for-All's tables have no other block" ]] || { echo "$output"; false; }
    ds-sample resnet50 -n 1 >r.dss
    run -1 ds-export lut --metric m r.dss
    [[ "$output" == "ds-export: space resnet50 has a choice at "*", which these tables do not have" ]] || { echo "$output"; false; }
    ds-sample resnet-50 -n 1 >r.dss
    run -1 ds-export lut --metric m r.dss
    [[ "$output" == *"linear; those of space resnet-50 do not" ]] || { echo "$output"; false; }
}

@test "usage" {
    run -2 ds-export lut --profile note10
    [ "$output" = "ds-export: 5 resolutions, a table each: give --dir DIR, or by --space a space of one (ds-prune --resolution)" ]
    ds-prune ofa-mbv3 --resolution 224 >at224.json
    ds-export lut --profile note10 -d n10 >/dev/null
    ds-export lut --profile note10 --space ./at224.json | cmp - n10/224_lookup_table.yaml
    run -2 ds-export lut --profile note10 x.dss
    run -2 ds-export lut --profile note10 --metric latency.cpu
    run -2 ds-export ofa --profile note10
    [ "$output" = "ds-export: --profile and --metric are for lut" ]
    run -2 ds-export json --dir x
    [ "$output" = "ds-export: --dir is for onnx, tflite and lut" ]
    run -2 ds-export lut --batch 2 --profile note10
    run -1 bash -c ': | ds-export lut'
}

@test "the example, in a short form: blocks that take what their work says" {
    [ -z "$SANITIZE" ] || skip "composes tools only"
    ds-prune ofa-mbv3 --keep 'expand==3 && kernel==3 || expand==6 && kernel==5' --resolution 160 >two.json
    mkdir out
    # in place of a live measurement, which is noise on a busy machine: a network is the sum of its blocks
    ds-sample ./two.json -n 100 | ds-measure-cost --per-block | ds-show --json | jq -c '
        .metrics |= (with_entries(select(.key | startswith("macs.")) | .key |= sub("macs"; "latency.cpu") |
                                  .value = .value / 20 + 0.01) |
                     .["latency.cpu"] = ([.[]] | add))' |
        ds-import json --space ./two.json -o out/all.dss
    SPACE=$PWD/two.json RESOLUTION=160 FEW=40 "$BATS_TEST_DIRNAME/../examples/latency-table/run" out >said
    grep -q '^latency.cpu  *latency.blocks  *40  *+1.000 .* +1.000$' said
    grep -qE '^latency.cpu +latency.whole +40 +[+](1.000|0.99)' said
    grep -qE '^latency.cpu +latency.few +40 +[+](1.000|0.99)' said
    grep -qE '^40 unseen networks, [0-9.]+ ms in the mean$' said
    grep -qE '^latency.blocks +off by 0.00% in the mean; sums are [+-]0.00% from what whole networks take$' said
    grep -qE '^latency.whole +off by 0.[0-4][0-9]% in the mean' said
    [ "$(names out/blocks/*.yaml | wc -l)" -eq 26 ]
    cmp <(names out/blocks/*.yaml) <(names out/whole/*.yaml)
}

bats_require_minimum_version 1.5.0

ofa() {
    echo "{\"ks\":$1,\"e\":$2,\"d\":$3,\"r\":$4}" | ds-import ofa --space ofa-mbv3
}

@test "the published range of OFA-MBv3 at 224" {
    run bash -c '{ echo "{\"ks\":3,\"e\":3,\"d\":2,\"r\":224}"; echo "{\"ks\":7,\"e\":6,\"d\":4,\"r\":224}"; } |
        ds-import ofa --space ofa-mbv3 | ds-measure-cost | ds-show -t -c macs'
    printf -v rounded '%.0f %.0f' "${lines[1]}" "${lines[2]}"
    [ "$rounded" = "193 843" ]
}

@test "measuring again replaces, and keeps the order" {
    cmp <(ds-sample ofa-mbv3 -n 50 | ds-measure-cost | ds-show --json) \
        <(ds-sample ofa-mbv3 -n 50 | ds-measure-cost | ds-measure-cost | ds-show --json)
}

@test "memory grows with resolution alone when the network is the same" {
    a=$(ofa 3 3 2 160 | ds-measure-cost | ds-show -t -c peakmem | tail -1)
    b=$(ofa 3 3 2 224 | ds-measure-cost | ds-show -t -c peakmem | tail -1)
    awk -v a="$a" -v b="$b" 'BEGIN { r = b / a; exit !(r > 1.9 && r < 2.0) }' # (224/160)^2 = 1.96
}

@test "an aggregated stream has no architectures" {
    ds-sample ofa-mbv3 -n 2 | ds-affix --all | ds-measure-cost | ds-aggregate --by block \
        >"$BATS_TEST_TMPDIR/g.dss"
    run -1 ds-measure-cost -o /dev/null "$BATS_TEST_TMPDIR/g.dss"
    [[ "$output" == *"g.dss: record 1, byte "*": no architecture; is this an aggregated stream?" ]]
}

@test "by hand: a small network, layer by layer" {
    cat >"$BATS_TEST_TMPDIR/one.json" <<'END'
{"dstools_space": 1, "name": "one", "resolution": 9,
 "blocks": [{"name": "a", "type": "mbconv", "expand": 2, "kernel": 3}],
 "stem": [{"op": "conv", "kernel": 3, "stride": 2, "width": 8}],
 "units": [{"width": 16, "depth": 1, "stride": 2}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
    # 9x9 -> 5x5 -> 3x3
    macs=$((3*9*8*25 + 8*16*25 + 9*16*9 + 16*16*9 + 16*10))
    params=$((3*9*8+2*8 + 8*16+2*16 + 9*16+2*16 + 16*16+2*16 + 16*10+10))
    peak=$((4 * (8*25 + 16*25))) # the expansion: its input and output
    run bash -c "ds-sample $BATS_TEST_TMPDIR/one.json -n 1 | ds-measure-cost | ds-show --json |
        python3 -c 'import json, sys; m = json.load(sys.stdin)[\"metrics\"]
print(*(round(m[k] * 1e6) for k in (\"macs\", \"params\", \"peakmem\")))'"
    [ "$output" = "$macs $params $peak" ]
}

@test "by hand: every block of a small network, and the memory of the whole" {
    cd "$BATS_TEST_TMPDIR" || exit 1
    cat >two.json <<'END'
{"dstools_space": 1, "name": "two", "resolution": 9,
 "blocks": [{"name": "a", "type": "mbconv", "expand": 2, "kernel": 3}],
 "stem": [{"op": "conv", "kernel": 3, "stride": 2, "width": 8}],
 "units": [{"width": 8, "depth": 1, "se": true}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
    # 9x9 -> 5x5; the block has a residual, and squeeze-excite of 16 -> 8 -> 16 channels
    ds-sample ./two.json -n 1 | ds-measure-cost --per-block | ds-show --json >rec
    python3 - rec <<'END'
import json, sys
m = json.load(open(sys.argv[1]))["metrics"]
def of(metric): return round(m[metric] * 1e6)
assert of("macs.stem0") == 27 * 8 * 25 and of("macs.head0") == 0 and of("macs.head1") == 80
assert of("macs.unit0.layer0") == (8 * 16 + 9 * 16 + 16 * 8) * 25 + 2 * 16 * 8
assert of("params.unit0.layer0") == 8*16 + 2*16 + 9*16 + 2*16 + 16*8 + 8 + 8*16 + 16 + 16*8 + 2*8
# batch norm is folded: a bias in place of its two numbers
assert of("weights.unit0.layer0") == 4 * (8*16 + 16 + 9*16 + 16 + 16*8 + 8 + 8*16 + 16 + 16*8 + 8)
# expanded, depthwise, pooled, squeezed, gates, scaled, projected
assert of("activations.unit0.layer0") == 4 * (16*25 + 16*25 + 16 + 8 + 16 + 16*25 + 8*25)
# in int8: a scale beside each bias; squeeze-excite stays f32, as do pooled, squeezed and gates
assert of("weights.int8.unit0.layer0") == 8*16 + 8*16 + 9*16 + 8*16 + 16*8 + 8*8 + 4 * (16*8 + 8 + 8*16 + 16)
assert of("activations.int8.unit0.layer0") == 16*25 + 16*25 + 4 * (16 + 8 + 16) + 16*25 + 8*25
for metric in "macs", "params", "weights", "activations", "weights.int8", "activations.int8":
    parts = [v for k, v in m.items()
             if k.startswith(metric + ".") and k[len(metric) + 1:].split(".")[0] in ("stem0", "unit0", "head0", "head1")]
    assert len(parts) == 4 and abs(sum(parts) - m[metric]) < 1e-9, metric
# aligned to 64 bytes: the input, all the time; depthwise and scaled; the residual; the gate
assert of("arena") == 1024 + 2 * 1600 + 832 + 16 * 4, of("arena")
END
    ds-sample ./two.json -n 1 | ds-measure-cost | ds-show --json >without
    run -1 grep -E 'stem0|arena|weights' without
}

@test "what cannot be built is told with its place, after what can" {
    cd "$BATS_TEST_TMPDIR" || exit 1
    cat >groups.json <<'END'
{"dstools_space": 1, "name": "groups", "resolution": 32,
 "blocks": [{"name": "a", "type": "mbconv", "expand": 2, "kernel": 3},
            {"name": "g3", "type": "mbconv", "expand": 2, "kernel": 3, "groups": 3}],
 "stem": [], "units": [{"width": 8, "depth": 1, "blocks": ["a", "g3"]}], "head": []}
END
    ds-sample groups.json -n 20 --seed 2 -o g.dss
    good=$(ds-show -t -c arch g.dss | tail -n +2 | awk '$1 == "g3" { exit } { n++ } END { print n + 0 }')
    [ "$good" -gt 0 ]
    run -1 ds-measure-cost g.dss -o out.dss
    [[ "${lines[0]}" == "ds-measure-cost: g.dss: record $((good + 1)), byte "*": unit0.layer0: g3 of 3x32x32: 3 groups do not divide 3 input and 8 output channels" ]]
    [ ! -e out.dss ]
    [ "$(ds-show --piece -t -c id out.dss.part.* | tail -n +2 | wc -l)" -eq "$good" ]
}

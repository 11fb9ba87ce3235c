bats_require_minimum_version 1.5.0
load needs

# The example of number formats, in a short form: small networks of Fashion-MNIST.

setup() {
    [ -z "${SANITIZE:-}" ] || skip "composes tools; runs without the sanitizers"
    needs_engine onednn
    command -v gnuplot >/dev/null || skip "no gnuplot"
    cd "$BATS_TEST_DIRNAME/.." || exit 1
    out=$BATS_TEST_TMPDIR/out
}

# The formats that this processor has.
formats() {
    for dtype in f32 bf16 int8; do
        ds-sample ./examples/fashion/fashion.json -n 1 |
            ds-measure-cpu -q --max-runs 1 --dtype $dtype >/dev/null 2>&1 && echo $dtype
    done
}

@test "ranks, speeds and accuracies by number format" {
    list=$(formats | xargs)
    [[ "$list" == f32* ]]
    make -s -f examples/dtypes/dtypes.mk OUT="$out" FORMATS="$list" SPACE=./examples/fashion/fashion.json \
        RESOLUTION=28 N=2 MEASURE='--max-runs 2' SPACES=./examples/fashion/fashion.json NETWORKS=2 ROUNDS=2 \
        TAKE=200 CALIBRATE=64 >"$out.said"
    cat "$out.said"
    [ -s "$out/ranks.png" ] && [ -s "$out/f32.png" ]
    # 3 units of 9 blocks, ranks 1 to 9 in each format
    [ "$(grep -cE '^ +[0-2] mbconv3_e' "$out/ranks.txt")" -eq 27 ]
    for unit in 0 1 2; do
        [ "$(awk -v u=$unit '$1 == u { print $4 }' "$out/ranks.txt" | sort -n | xargs)" = "1 2 3 4 5 6 7 8 9" ]
    done
    [ "$(grep -c "^fashion " "$out/speed.txt")" -eq "$(wc -w <<<"$list")" ]
    grep -qE '^fashion +f32 +[0-9.]+ +1\.00 +1\.00 +1\.00 +0\.000$' "$out/speed.txt"
    [ ! -e /usr/share/datasets/fashion-mnist ] || [ "$(grep -cE '^[0-9a-f]{16} ' "$out/accuracy.txt")" -eq 8 ]
}

@test "a run is not gone on with under other settings, nor with a variable that is none" {
    make -s -f examples/dtypes/dtypes.mk OUT="$out" N=2 "$out/space.json"
    run -2 make -s -f examples/dtypes/dtypes.mk OUT="$out" N=3 "$out/space.json"
    [[ "$output" == "dtypes: $out holds a run with other settings: take another OUT"* ]]
    run -2 make -s -f examples/dtypes/dtypes.mk OUT="$out" NETWORK=3 "$out/space.json"
    [[ "$output" == *"dtypes: no variable NETWORK; there are "* ]]
}

@test "blocks change rank only where the difference is certain" {
    python3 - >"$BATS_TEST_TMPDIR/records" <<'END'
import json
def line(base, choice, f32, int8):
    site = "unit0.layer1"
    r = {"id": f"{base}{choice}", "metrics": {f"latency.f32.{site}": f32, f"latency.int8.{site}": int8}}
    if choice:
        r |= {"base": str(base), "affix": {"site": site, "choice": choice}}
    print(json.dumps(r))
for base in 0, 1, 2:
    line(base, "", 9, 9)
    line(base, "a", 1, 2 + base)
    line(base, "b", 3 + base / 100, 1 + base) # slower than a in f32, faster in int8
    line(base, "c", 1 + 2 * base, 8)          # ordered with none in f32
END
    examples/dtypes/ranks f32 int8 <"$BATS_TEST_TMPDIR/records" >"$BATS_TEST_TMPDIR/said"
    cat "$BATS_TEST_TMPDIR/said"
    grep -qF 'int8: of 1 pairs in an order in both formats 1 are in another' "$BATS_TEST_TMPDIR/said"
    grep -qF 'unit 0: a is faster than b in f32 (by 2.010 ms), slower in int8 (by 1.000)' "$BATS_TEST_TMPDIR/said"
    grep -qE '^ +0 b +3\.010   3 +2\.000   1$' "$BATS_TEST_TMPDIR/said"
    [ "$(grep -c faster "$BATS_TEST_TMPDIR/said")" -eq 1 ]
}

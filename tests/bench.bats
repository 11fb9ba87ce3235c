bats_require_minimum_version 1.5.0

# `make bench`, in short: that it runs to its end; its numbers mean nothing here.

@test "every bench runs, with every engine of this processor" {
    [ -z "${SANITIZE:-}" ] || skip "measures nothing of use under the sanitizers"
    cd "$BATS_TEST_DIRNAME/.."
    run -0 --separate-stderr tests/bench/run --short
    [ "$(grep -c 'records/s$' <<<"$output")" -ge 8 ]
    # the most memory of each tool that needs no device, and none more than its manual page says
    [ "$(grep -cE 'records/s +[0-9.]+ MB of [0-9]+$' <<<"$output")" -ge 25 ]
    grep -qF "$(. /etc/os-release && echo "$PRETTY_NAME"), " <<<"$output"
    grep -qE '^accuracy on images(: left out|, 224 x 224)' <<<"$output"
    for engine in $(sed 's/ .*//' "$BUILD/engines"); do
        [ "$engine" != opencl ] || continue # of another class of devices
        [ "$(grep -cE "^(smallest|mixed|all e6 k5|all e6 k7), r(160|224) +$engine +[0-9.]+ +[0-9.]+ " <<<"$output")" -eq 4 ]
    done
}

@test "repeats.py, in short: a second measurement beside the first, also in parts" {
    . "$BATS_TEST_DIRNAME/needs.bash"
    needs_engine onednn
    [ -z "${SANITIZE:-}" ] || skip "measures nothing of use under the sanitizers"
    repeats() { "$BATS_TEST_DIRNAME/bench/repeats.py" --networks 3 --keep "$BATS_TEST_TMPDIR/kept" --max-runs 6 "$@"; }
    run -0 --separate-stderr repeats --processes 2 --busy
    [[ "${lines[0]}" == "3 networks, 2 processes: "*", oneDNN "*", 1 thread" ]]
    [ "$(grep -cE '^(as they are|relative to (ref|the median)) +[0-9.]+% +[0-9.]+%$' <<<"$output")" -eq 3 ]
    [ "$(grep -E '^seconds ' <<<"$output" | wc -w)" -eq 3 ]
    run -0 --separate-stderr repeats --processes 3
    [ "$(grep -E '^seconds ' <<<"$output" | wc -w)" -eq 2 ] # the first two were there
    run -0 ds-correlate --tsv "$BATS_TEST_TMPDIR/kept/3.dss"
    [ "$(grep -c $'^latency.r[12]\tlatency.r[23]\t' <<<"$output")" -eq 3 ]
}

@test "runtimes.py and overhead.py, in short: a row of a small space, a row without a model" {
    . "$BATS_TEST_DIRNAME/needs.bash"
    needs_engine onednn
    needs_engine xnnpack
    [ -z "${SANITIZE:-}" ] || skip "measures nothing of use under the sanitizers"
    small=$BATS_TEST_DIRNAME/../examples/fashion/fashion.json
    run -0 --separate-stderr "$BATS_TEST_DIRNAME/bench/runtimes.py" "$small"
    awk -F ' *[|] *' 'NR == 3 { small = $2 == "fashion.json" && $3 > 0 && $3 < 1e-5 && NF == 13 }
        END { exit !(NR == 3 && small) }' <<<"$output"
    run -0 --separate-stderr "$BATS_TEST_DIRNAME/bench/overhead.py" -n 3 "$small"
    grep -qE '^\| `none` \| none \| [0-9.]+ \| [0-9.]+ \| 0\.0 \|$' <<<"$output"
}

@test "the helper of latency.py refuses what it has not, instead of waiting" {
    ds-sample ofa-mbv3 -n 1 -o "$BATS_TEST_TMPDIR/a.dss"
    run -1 "$BUILD/tests/bench/engines" "$BATS_TEST_TMPDIR/a.dss" <<<"run opencl 0 1"
    [ "$output" = "engines: there is no engine opencl" ]
}

bats_require_minimum_version 1.5.0
load needs

# Every tool with a call that fails: tests/faults. FAULTS=N tries the first N calls of each function one
# by one, and later ones by steps.

setup_file() {
    [ -z "${SANITIZE:-}" ] || return 0
    cd "$BATS_FILE_TMPDIR" || exit 1
    ${CC:-cc} -Wall -Wextra -shared -fPIC -O1 -o shim.so "$BATS_TEST_DIRNAME/faults/shim.c" -ldl
    ${CC:-cc} -Wall -Wextra -shared -fPIC -O1 -o clock.so "$BATS_TEST_DIRNAME/faults/clock.c"
    sed -e 's/"resolution": .*/"resolution": [160, 224],/' "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >tiny.json
}

setup() {
    [ -z "${SANITIZE:-}" ] || skip "the sanitizers replace the same functions"
    mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || exit 1
    cp "$BATS_FILE_TMPDIR/tiny.json" .
}

@test "a failed read, write, open, close, rename or fsync: no crash, no hang, no half a result" {
    run -0 python3 "$BATS_TEST_DIRNAME/faults/run.py" "$BATS_FILE_TMPDIR/shim.so" read,write,open,close,rename,fsync "${FAULTS:-3}"
    [[ "${lines[-1]}" =~ ^([0-9]+)\ faults,\ 0\ wrong$ ]]
    [ "${BASH_REMATCH[1]}" -gt 150 ]
}

@test "memory that is short: no crash, no hang, no wrong data" {
    run -0 python3 "$BATS_TEST_DIRNAME/faults/run.py" "$BATS_FILE_TMPDIR/shim.so" malloc "${FAULTS:-5}"
    [[ "${lines[-1]}" =~ ^([0-9]+)\ faults,\ 0\ wrong$ ]]
    [ "${BASH_REMATCH[1]}" -gt 300 ]
}

# Runs with a clock that jumps by days.
jumping() {
    env LD_PRELOAD="$BATS_FILE_TMPDIR/clock.so" "$@"
}

@test "a clock that jumps: measuring tools, time-outs and progress go by another" {
    [ "$(for _ in 1 2 3 4 5 6; do jumping date +%j; done | sort -u | wc -l)" -gt 1 ] # it does jump
    ds-sample -q tiny.json -n 3 -o s.dss
    jumping ds-measure-npu -q --timeout 60 --exec sh --arg -c --arg 'sleep 0.1; echo 5' s.dss >npu.dss
    [ "$(ds-show -t -c latency.npu npu.dss | grep -c '^5$')" -eq 3 ]
    run -1 jumping ds-measure-npu --timeout 0.2 --exec sh --arg -c --arg 'sleep 100; echo 5' s.dss -o late.dss
    [[ "$output" == *"took more than 0.2 s"* ]]
    jumping ds-sample tiny.json -n 200000 --progress >/dev/null 2>said
    run ! grep -q -- '-[0-9]' said
    tr '\r' '\n' <said | grep -oE '[0-9.e+]+/s' | tail -1 | awk -F/ '{ exit !($1 > 100) }'
}

@test "a clock that jumps: live latencies are those of the machine" {
    needs_engine
    ds-sample -q tiny.json -n 2 -o s.dss
    jumping ds-measure-cpu -q --precision 10 --max-runs 8 s.dss -o cpu.dss || true
    ds-show -t -c latency.cpu cpu.dss | awk 'NR > 1 { n++; bad += !($1 > 0.1 && $1 < 60000) } END { exit bad || n != 2 }'
}

@test "a clock that jumps: a campaign loses nothing, and says no nonsense" {
    campaign=$BATS_TEST_DIRNAME/../pipelines/campaign
    # shellcheck disable=SC2016
    run -0 jumping "$campaign" -n 200 --shards 6 --jobs 2 d ofa-mbv3 'if [ {shard} = 3 ] && mkdir hit 2>/dev/null; then exit 1; fi; ds-measure-cost -q'
    [ "$output" = "done     6 of 6 shards" ]
    "$campaign" --merge d | ds-show -t -c id,macs | cmp - <(ds-sample -q ofa-mbv3 -n 200 | ds-measure-cost -q | ds-show -t -c id,macs)
    [ "$(wc -l <d/work/log)" -eq 6 ]
    awk -F '\t' '$3 < 0 || $3 > 3600 { exit 1 }' d/work/log
}

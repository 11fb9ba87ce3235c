bats_require_minimum_version 1.5.0

# Every tool with a call that fails: tests/faults. FAULTS=N tries the first N calls of each function one
# by one, and later ones by steps.

setup_file() {
    [ -z "${SANITIZE:-}" ] || return 0
    cd "$BATS_FILE_TMPDIR" || exit 1
    ${CC:-cc} -Wall -Wextra -shared -fPIC -O1 -o shim.so "$BATS_TEST_DIRNAME/faults/shim.c" -ldl
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

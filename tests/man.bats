bats_require_minimum_version 1.5.0

@test "the examples of the manual pages print what the pages say" {
    [ -z "${SANITIZE:-}" ] || skip "composes tools that other tests try"
    cd "$BATS_TEST_DIRNAME/.." || exit 1
    # live measurements differ from run to run
    mapfile -t pages < <(grep -L 'Nm ds-measure-[cgn]pu$' tools/*.1; printf '%s\n' tools/dstools-space.7 tools/dstools-exec.7)
    [ "${#pages[@]}" -ge 8 ]
    python3 tests/man_examples.py "${pages[@]}"
}

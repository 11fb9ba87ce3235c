bats_require_minimum_version 1.5.0

# Every example prints what stands beside it. To renew: for f in examples/*.sh; do bash $f >${f%.sh}.out; done

@test "examples print what they say" {
    cd "$BATS_TEST_DIRNAME/../examples" || exit 1
    for f in *.sh; do
        bash "$f" >"$BATS_TEST_TMPDIR/out"
        diff -u "${f%.sh}.out" "$BATS_TEST_TMPDIR/out" || { echo "examples/$f"; return 1; }
    done
}

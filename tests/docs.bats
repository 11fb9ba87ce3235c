bats_require_minimum_version 1.5.0

@test "the space in schemas/space.md is one" {
    sed -n '/^```json/,/^```/p' "$BATS_TEST_DIRNAME/../schemas/space.md" | grep -v '```' >"$BATS_TEST_TMPDIR/s.json"
    run -0 bash -c "ds-sample $BATS_TEST_TMPDIR/s.json -n 100 | ds-affix --all --all-widths --all-depths |
        ds-measure-cost | ds-show --json | wc -l"
    # the base, and each choice of each layer, width and depth
    [ "$output" -eq $((100 * (1 + (2 + 2 + 2 + 1) + (1 + 2) + (2 + 1)))) ]
}

@test "every shipped space draws, counts, and comes back from its stream" {
    for f in "$DSTOOLS_SCHEMAS"/spaces/*.json; do
        run -0 bash -c "ds-sample $f -n 20 | ds-affix --all | ds-measure-cost | ds-show -t -c macs | awk 'NR > 1 && !(\$1 > 0) { exit 1 }'"
        [ "$(ds-sample "$f" -n 20 | ds-show -t -c id)" = "$(ds-sample "$(basename "$f" .json)" -n 20 | ds-show -t -c id)" ]
    done
}

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

@test "the pruning in schemas/space.md: a space within the other, with the same ids" {
    cd "$BATS_TEST_TMPDIR" || exit 1
    python3 - "$BATS_TEST_DIRNAME/../schemas/space.md" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
space = re.search(r"^```json\n(.*?)^```", text, re.S | re.M).group(1)
diff = re.search(r"^```diff\n(.*?)^```", text, re.S | re.M).group(1)
old = re.findall(r"^-(.*)\n", diff, re.M)
new = re.findall(r"^\+(.*)\n", diff, re.M)
open("whole.json", "w").write(space)
assert len(old) == len(new) == 2
for a, b in zip(old, new):
    assert space.count(a) == 1, a
    space = space.replace(a, b)
open("pruned.json", "w").write(space)
PY
    ds-sample whole.json -n 48 --unique | ds-show -t -c id | tail -n +2 | sort >whole # (1: 2, 2: 4) x 2 x 2 x 2
    ds-sample pruned.json -n 8 --unique | ds-show -t -c id | tail -n +2 | sort >pruned
    [ "$(wc -l <whole)" -eq 48 ]
    [ "$(comm -12 whole pruned | wc -l)" -eq 8 ]
    run -1 ds-sample whole.json -n 49 --unique -o none
    run -1 ds-sample pruned.json -n 9 --unique -o none
}

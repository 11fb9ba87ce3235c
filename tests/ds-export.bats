bats_require_minimum_version 1.5.0

@test "ofa: one dictionary a line, metrics as keys" {
    ds-sample ofa-mbv3 -n 5 | ds-measure-cost | ds-export ofa | python3 -c 'import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert len(rows) == 5
for r in rows:
    assert len(r["ks"]) == len(r["e"]) == 20 and len(r["d"]) == 5, r
    assert set(r["ks"]) <= {3, 5, 7} and set(r["e"]) <= {3, 4, 6} and r["r"] in (160, 176, 192, 208, 224)
    assert r["macs"] > 90'
}

@test "json and tsv are those of ds-show" {
    ds-sample ofa-mbv3 -n 5 | ds-measure-cost >"$BATS_TEST_TMPDIR/a.dss"
    cd "$BATS_TEST_TMPDIR"
    cmp <(ds-export json a.dss) <(ds-show --json a.dss)
    cmp <(ds-export tsv a.dss) <(ds-show --tsv --details a.dss)
}

@test "errors" {
    run -2 ds-export
    [[ "$output" == "ds-export: wants a format first: ofa, json or tsv" ]]
    ds-sample ofa-mbv3 -n 2 | ds-affix --all | ds-measure-cost | ds-aggregate --by block >"$BATS_TEST_TMPDIR/g.dss"
    run -1 ds-export ofa "$BATS_TEST_TMPDIR/g.dss"
    [[ "$output" == *"g.dss: record 1, byte "*": no architecture; is this an aggregated stream?" ]]
}

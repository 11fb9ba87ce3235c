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

@test "a pruned space: lists as long as it says, or as the space it was cut from has them" {
    cd "$BATS_TEST_TMPDIR"
    python3 - "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >pruned.json <<'END'
import json, sys
space = json.load(open(sys.argv[1]))
space["name"] = "pruned"
space["units"][1]["depth"] = [2, 3]
json.dump(space, sys.stdout)
END
    ds-sample ./pruned.json -n 20 >p.dss
    [ "$(ds-export ofa p.dss | python3 -c 'import json, sys
print({len(json.loads(line)["ks"]) for line in sys.stdin})')" = "{19}" ]
    ds-export ofa --space ofa-mbv3 p.dss >whole
    cmp <(ds-import ofa --space ofa-mbv3 whole | ds-show -t -c id,arch) <(ds-show -t -c id,arch p.dss)
    run -1 bash -c 'ds-sample ofa-mbv3 -n 20 | ds-export ofa --space ./pruned.json 2>&1 >/dev/null'
    [[ "$output" == "ds-export: standard input: record "*": space pruned does not allow 4 at unit1.depth" ]]
    run -2 ds-export json --space ofa-mbv3 p.dss
    [ "$output" = "ds-export: --space is for ofa" ]
}

@test "what a dictionary cannot tell is refused, not left out" {
    cd "$BATS_TEST_TMPDIR"
    sed -n '/^```json/,/^```/p' "$BATS_TEST_DIRNAME/../schemas/space.md" | grep -v '```' >widths.json
    run -1 bash -c 'ds-sample ./widths.json -n 1 | ds-export ofa'
    [[ "$output" == *": space tiny has a choice at unit1.width, which these dictionaries do not have" ]]
    echo '{"ks":3,"e":3,"d":2,"r":160,"x":1}' | ds-import ofa --space ofa-mbv3 --rename x=ks >ks.dss
    run -1 ds-export ofa ks.dss
    [[ "$output" == *"ks.dss: record 1, byte "*": metric \"ks\" would stand in the place of another key" ]]
}

@test "errors" {
    run -2 ds-export
    [[ "$output" == "ds-export: wants a format first: ofa, json or tsv" ]]
    ds-sample ofa-mbv3 -n 2 | ds-affix --all | ds-measure-cost | ds-aggregate --by block >"$BATS_TEST_TMPDIR/g.dss"
    run -1 ds-export ofa "$BATS_TEST_TMPDIR/g.dss"
    [[ "$output" == *"g.dss: record 1, byte "*": no architecture; is this an aggregated stream?" ]]
}

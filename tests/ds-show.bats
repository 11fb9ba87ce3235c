bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ds-sample ofa-mbv3 -n 4 | ds-affix --depth 0,4 | ds-measure-cost >a.dss
}

@test "a table is aligned, with - where there is nothing" {
    ds-show a.dss >table
    [ "$(wc -l <table)" -eq 9 ]
    [ "$(cut -c1-16 table | sed -n 2p)" = "$(ds-show -t -c id a.dss | sed -n 2p)" ]
    [ "$(ds-show -c id,affix,macs a.dss | awk '{ print length }' | sort -u | wc -l)" -eq 1 ]
    ds-show -c affix a.dss | sed -n 2p | grep -qx -- '-'
}

@test "TSV numbers read back as they were" {
    ds-show -t -c macs,params a.dss | tail -n +2 >tsv
    ds-show --json a.dss | python3 -c 'import json, sys
for line in sys.stdin:
    m = json.loads(line)["metrics"]
    print(repr(m["macs"]), repr(m["params"]))' >json
    python3 - <<'END'
for a, b in zip(open("tsv"), open("json")):
    assert [float(x) for x in a.split()] == [float(x) for x in b.split()], (a, b)
END
    [ "$(wc -l <tsv)" -eq 8 ]
}

@test "JSON holds everything" {
    ds-aggregate --by depth a.dss | ds-show --json | python3 -c 'import json, sys
r = json.loads(sys.stdin.readline())
assert r["group"] == {"depth": 4}, r
assert r["metrics"]["macs"]["n"] == 4 and r["metrics"]["macs"]["of"] == "response"'
    ds-show --json a.dss | python3 -c 'import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert len(rows) == 8
for r in rows:
    assert len(r["id"]) == 16 and len(r["arch"]["units"]) == 5
    for u in r["arch"]["units"]:
        assert u["depth"] == len(u["blocks"])
assert [r for r in rows if r.get("affix")][0]["affix"] == {"site": "unit0.depth", "choice": 4}
assert rows[1]["base"] == rows[0]["id"]'
}

@test "details are columns on request" {
    ds-aggregate --by depth a.dss >g.dss
    ds-show g.dss | head -1 | grep -qv macs:n
    ds-show -d g.dss | head -1 | grep -q 'macs:n .*macs:hi'
    [ "$(ds-show -t -c depth,macs:n g.dss | tail -1)" = "4	4" ]
}

@test "a metric that first shows late is not lost silently" {
    ds-sample ofa-mbv3 -n 1500 >many.dss
    cat many.dss a.dss >late.dss
    run -1 bash -c 'ds-show late.dss 2>&1 >/dev/null'
    [[ "$output" == "ds-show: late.dss: record 1501, byte "*"'macs' is not among the columns"* ]]
    [ "$(ds-show -t -c id,macs late.dss | wc -l)" -eq 1509 ]
    [ "$(ds-show --json late.dss | grep -c macs)" -eq 8 ]
}

@test "two values of one name are not laid over each other" {
    echo '{"ks":3,"e":3,"d":2,"r":160,"m":1}' | ds-import ofa --space ofa-mbv3 --rename m=kernel |
        ds-aggregate --occurring --by kernel >k.dss
    run -1 ds-show -t k.dss
    [[ "$output" == *"k.dss: record 1, byte "*": two values are called 'kernel', which is one column: use --json" ]]
    [ "$(ds-show --json k.dss | grep -c '"group":{"kernel":3},"metrics":{"kernel":{')" -eq 1 ]
}

@test "long and odd names and numbers come through" {
    name=$(head -c 100 /dev/zero | tr '\0' n)
    echo "{\"ks\":3,\"e\":3,\"d\":2,\"r\":160,\"$name\":0.1,\"a\tb\":1e-300,\"big\":123456789012}" |
        ds-import ofa --space ofa-mbv3 >n.dss
    ds-show -t -d n.dss >n.tsv
    [ "$(cut -f4- n.tsv)" = "$name	a b	big
0.1	1e-300	123456789012" ]
    ds-show --json n.dss | python3 -c 'import json, sys
assert json.loads(sys.stdin.read())["metrics"] == {"n" * 100: 0.1, "a\tb": 1e-300, "big": 123456789012}'
}

@test "a stream without records" {
    ds-sample ofa-mbv3 -n 0 >none.dss
    for as in --tsv --json ''; do
        run -0 ds-show $as none.dss
        [ -z "$output" ]
    done
    run -0 ds-show -c id,macs --tsv none.dss
    [ "$output" = "id	macs" ]
    run -0 ds-show --heads none.dss
    [[ "$output" == *"  0 records in 1 blocks" ]]
}

@test "an argument is shown as a shell would take it" {
    cp "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" "it's mine.json"
    ds-sample "./it's mine.json" -n 1 | ds-show --heads >heads
    grep -qxF "  ds-sample $(ds-show --version | cut -d' ' -f3): --number 1 './it'\\''s mine.json'" heads
}

@test "--sync is what every block begins with" {
    ds-show --sync | cmp - <(head -c 18 a.dss)
    [ "$(ds-show --sync | wc -c)" -eq 18 ]
    marker=$(ds-show --sync) # as an argument of parallel
    cmp <(ds-show --sync) <(printf %s "$marker")
}

@test "options that exclude each other" {
    run -2 ds-show --json --tsv a.dss
    [[ "$output" == "ds-show: --json, --tsv, --heads and --sync exclude each other" ]]
    run -2 ds-show -c 'id,,macs' a.dss
    run -2 ds-show -c id,macs,id a.dss
    [ "$output" = "ds-show: --columns: 'id' stands there twice" ]
}

@test "a column that nothing fills is told" {
    run -0 bash -c 'ds-show -t -c id,mcas a.dss 2>&1 >/dev/null'
    [ "$output" = "ds-show: --columns: no record has 'mcas'" ]
    ds-sample ofa-mbv3 -n 1 >b.dss
    run -0 bash -c 'ds-show -t -c id,base,affix b.dss 2>&1 >/dev/null'
    [ -z "$output" ]
}

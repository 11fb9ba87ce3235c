#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is set by run
# ds-mutate: new children inside the space, the same bytes again, and an end when there are none.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

ids() {
    ds-show --tsv --columns id "$@" | tail -n +2
}

# A space of so few architectures that they can all be had: 2 depths, 2 blocks.
tiny() {
    cat >tiny.json <<'END'
{"dstools_space": 1, "name": "tiny", "resolution": 32,
 "blocks": [{"name": "a", "type": "mbconv", "expand": 3, "kernel": 3},
            {"name": "b", "type": "mbconv", "expand": 3, "kernel": 5}],
 "stem": [{"op": "conv", "kernel": 3, "stride": 2, "width": 8}],
 "units": [{"stride": 2, "width": 16, "depth": [1, 2]}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
}

@test "children are new: not parents, not seen, not each other" {
    ds-sample ofa-mbv3 -n 20 >p.dss
    ds-mutate ofa-mbv3 -n 300 p.dss >a.dss
    ds-mutate ofa-mbv3 -n 300 --seed 2 --seen a.dss <p.dss >b.dss
    [ "$(ids a.dss | wc -l)" = 300 ]
    [ "$(ids p.dss a.dss b.dss | sort -u | wc -l)" = 620 ]
}

@test "the same seed gives the same bytes; another seed or --first gives others" {
    ds-sample ofa-mbv3 -n 20 >p.dss
    ds-mutate ofa-mbv3 -n 100 --seed 5 p.dss >a.dss
    ds-mutate ofa-mbv3 -n 100 --seed 5 p.dss >b.dss
    cmp a.dss b.dss
    [ "$(ds-mutate ofa-mbv3 -n 100 --seed 6 p.dss | ids | sort - <(ids a.dss) | uniq -d | wc -l)" -lt 50 ]
    ds-mutate ofa-mbv3 -n 60 --seed 5 --first 40 p.dss | ids >last
    [ "$(ids a.dss | tail -n 60 | sort - last | uniq -d | wc -l)" -gt 50 ]
    [ "$(ids a.dss | head -n 40 | sort - last | uniq -d | wc -l)" -lt 10 ]
}

@test "parents have their turns alike, and are on record" {
    ds-sample ofa-mbv3 -n 7 >p.dss
    ds-mutate ofa-mbv3 -n 70 p.dss >c.dss
    ds-show --tsv --columns parent c.dss | tail -n +2 | sort | uniq -c >turns
    [ "$(awk '{ print $1 }' turns | sort -u)" = 10 ]
    [ "$(awk '{ print $2 }' turns)" = "$(ids p.dss | sort)" ]
}

@test "each child differs from its parent in at least one unit and keeps the others' layers" {
    ds-sample ofa-mbv3 -n 1 >p.dss
    ds-mutate ofa-mbv3 -n 50 --rate 0.05 p.dss >c.dss
    parent=$(ds-show --tsv --columns resolution,arch p.dss | tail -n +2 | tr '\t' '|')
    ds-show --tsv --columns resolution,arch c.dss | tail -n +2 | tr '\t' '|' |
        awk -F'|' -v parent="$parent" '{ n = split(parent, p, "|"); d = 0
            for (i = 1; i <= n; i++) d += $i != p[i]; print d }' | sort | uniq -c >differ
    [ "$(awk '$2 == 0' differ | wc -l)" = 0 ]
    [ "$(awk '$2 == 1 { print $1 }' differ)" -gt 35 ]
}

@test "crossover takes each unit from one of two parents, both on record" {
    ds-sample ofa-mbv3 -n 30 >p.dss
    ds-mutate ofa-mbv3 -n 100 --crossover 1 p.dss >c.dss
    ds-show --json c.dss | grep -c '"mate"' | grep -x 100
    ds-show --tsv --columns arch p.dss | tail -n +2 >parents
    ds-show --tsv --columns arch c.dss | tail -n +2 | awk -F'|' '
        NR == FNR { for (i = 1; i <= NF; i++) known[i, $i] = 1; next }
        { for (i = 1; i <= NF; i++) if (!((i, $i) in known)) bad++ }
        END { exit bad > 0 }' parents -
    run ds-mutate ofa-mbv3 -n 10 --crossover 0.5 p.dss -o mixed.dss
    [ "$status" = 0 ]
    mixed=$(ds-mutate ofa-mbv3 -n 200 --crossover 0.5 p.dss | ds-show --json | grep -c '"mate"')
    [ "$mixed" -gt 60 ] && [ "$mixed" -lt 140 ]
}

@test "an exhausted space: what there is, then a message, status 1" {
    tiny
    ds-sample tiny.json -n 1 >p.dss
    run -1 --separate-stderr ds-mutate tiny.json -n 10 p.dss -o c.dss
    [ "$stderr" = "ds-mutate: wrote 5 of 10 children: all 6 architectures of space tiny are known" ]
    [ "$(ids p.dss c.dss | sort -u | wc -l)" = 6 ]
    run -1 --separate-stderr ds-mutate tiny.json -n 1 --seen c.dss p.dss -o d.dss
    [ "$stderr" = "ds-mutate: wrote 0 of 1 children: all 6 architectures of space tiny are known" ]
    [ "$(ids d.dss | wc -l)" = 0 ]
    run -0 --separate-stderr ds-mutate tiny.json -n 1 --exhaust --seen c.dss p.dss -o d.dss
    [ "$stderr" = "ds-mutate: wrote 0 of 1 children: all 6 architectures of space tiny are known" ]
    run -1 ds-mutate tiny.json -n 3 --exhaust --rate 0 p.dss -o d.dss
}

@test "parents too few to bring anything new: a message that says so" {
    ds-sample ofa-mbv3 -n 1 >p.dss
    run -1 --separate-stderr ds-mutate ofa-mbv3 -n 3 --max macs=1 p.dss -o c.dss
    [[ "$stderr" == "ds-mutate: wrote 0 of 3 children: nothing new within the limits in 10000 attempts; 1 of the 108793277462862429255 architectures of space ofa-mbv3 are known: give more parents or looser limits" ]]
    run -1 --separate-stderr ds-mutate ofa-mbv3 -n 3 --rate 0 p.dss -o c.dss
    [[ "$stderr" == *"nothing to mutate"* ]]
}

@test "--max and --min hold for every child" {
    ds-sample ofa-mbv3 -n 20 >p.dss
    ds-mutate ofa-mbv3 -n 200 --max macs=400 --min params=7 p.dss | ds-measure-cost |
        ds-show --tsv --columns macs,params | tail -n +2 | awk '$1 > 400 || $2 < 7 { bad = 1 }
            END { exit bad || NR != 200 }'
}

@test "parents of the original space in a smaller one" {
    sed -e 's/"name": "ofa-mbv3"/"name": "small"/' -e 's/"resolution": .*/"resolution": 224,/' \
        "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >small.json
    ds-sample ofa-mbv3 -n 30 >p.dss
    run -1 --separate-stderr ds-mutate small.json -n 5 p.dss -o c.dss
    [[ "$stderr" =~ ^ds-mutate:\ p.dss:\ record\ [0-9]+,\ byte\ [0-9]+:\ space\ small\ does\ not\ allow\ [0-9]+\ at\ resolution\;\ --skip ]]
    run -0 --separate-stderr ds-mutate small.json -n 5 --skip p.dss -o c.dss
    [[ "$stderr" =~ ^ds-mutate:\ left\ out\ [0-9]+\ parents\ that\ space\ small\ lacks$ ]]
    [ "$(ds-show --tsv --columns resolution c.dss | tail -n +2 | sort -u)" = 224 ]
    ds-show --heads c.dss | grep -q small
}

@test "no parents, aggregated parents, damaged parents, bad usage" {
    ds-sample ofa-mbv3 -n 0 >e.dss
    run ds-mutate ofa-mbv3 -n 5 e.dss -o c.dss
    [ "$status" = 1 ]
    [ "$output" = "ds-mutate: no parents: the stream is empty" ]
    ds-sample ofa-mbv3 -n 2 | ds-affix -b 0,0,mbconv3_e3_k3 | ds-measure-cost >m.dss
    ds-aggregate --by block m.dss >g.dss
    run ds-mutate ofa-mbv3 -n 5 g.dss -o c.dss
    [ "$status" = 1 ]
    [[ "$output" == *"record 1, "*"no architecture"* ]]
    ds-sample ofa-mbv3 -n 40 | head -c 3000 >cut.dss
    run ds-mutate ofa-mbv3 -n 5 cut.dss -o c.dss
    [ "$status" = 1 ]
    [[ "$output" == *"cut off"* ]]
    run ds-mutate -n 5
    [ "$status" = 2 ]
    run ds-mutate ofa-mbv3
    [ "$status" = 2 ]
    [ "$output" = "ds-mutate: wants -n N: how many children" ]
    run ds-mutate ofa-mbv3 -n 5 --rate 2 e.dss
    [ "$status" = 2 ]
    run ds-mutate no-such-space -n 5 e.dss
    [ "$status" = 1 ]
}

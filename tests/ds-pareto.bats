#!/usr/bin/env bats
# ds-pareto: fronts, bounds, the best of one metric, hypervolume.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# Architectures with the metrics a and b of the rows given ("a b"), one a line.
points() {
    local i=0
    while read -r a b; do
        i=$((i + 1))
        printf '{"ks":[3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3],"e":[%s],"d":[2,2,2,2,2],"r":224,"a":%s,"b":%s}\n' \
            "$(digits $i)" "$a" "$b"
    done | ds-import ofa --space ofa-mbv3 -
}

# Twenty expansions that spell the number i in the layers that are active.
digits() {
    local n=$1 l e=(3 4 6) out=()
    for ((l = 0; l < 20; l++)); do
        if [ $((l % 4)) -lt 2 ]; then
            out+=("${e[$((n % 3))]}")
            n=$((n / 3))
        else
            out+=(3)
        fi
    done
    (IFS=, && echo "${out[*]}")
}

values() {
    ds-show --tsv --columns a,b "$@" | tail -n +2 | tr '\t' ' '
}

@test "the front of two metrics, ties kept, in the order of the input" {
    printf '%s\n' '3 3' '1 5' '3 4' '5 1' '1 5' '4 4' '6 1' | points >p.dss
    run values <(ds-pareto --worse a --worse b p.dss)
    [ "$output" = "$(printf '%s\n' '3 3' '1 5' '5 1' '1 5')" ]
}

@test "directions turn the front" {
    printf '%s\n' '3 3' '1 5' '3 4' '5 1' '6 1' | points >p.dss
    run values <(ds-pareto --better a --worse b p.dss)
    [ "$output" = "6 1" ]
    run values <(ds-pareto --better a --better b p.dss)
    [ "$output" = "$(printf '%s\n' '1 5' '3 4' '6 1')" ]
}

@test "the records come out as they came in, with space and provenance" {
    ds-sample ofa-mbv3 -n 40 | ds-measure-cost >c.dss
    ds-pareto --better params --worse macs c.dss >front.dss
    ds-show --json c.dss | sort >all
    ds-show --json front.dss | sort >front
    [ -s front ]
    [ "$(comm -13 all front | wc -l)" = 0 ]
    ds-measure-cost front.dss | ds-pareto --better params --worse macs >again.dss
    [ "$(ds-show --json again.dss | sort)" = "$(cat front)" ]
}

@test "the front of parts is the front of the whole; files are read one after another" {
    ds-sample ofa-mbv3 -n 600 | ds-measure-cost >c.dss
    for k in 1 2 3; do ds-sample ofa-mbv3 -n 600 --shard $k/3 | ds-measure-cost >part$k.dss; done
    for m in '--worse peakmem' ''; do
        # shellcheck disable=SC2086
        ds-pareto --better params --worse macs $m c.dss | ds-show --tsv >whole
        # shellcheck disable=SC2086
        for k in 1 2 3; do ds-pareto --better params --worse macs $m part$k.dss >f$k.dss; done
        # shellcheck disable=SC2086
        ds-pareto --better params --worse macs $m f1.dss f2.dss f3.dss | ds-show --tsv >joint
        [ "$(wc -l <whole)" -gt 3 ]
        cmp whole joint
    done
}

@test "a front by all pairs, written independently in awk, is the same" {
    ds-sample ofa-mbv3 -n 500 | ds-measure-cost >c.dss
    ds-show --tsv --columns id,params,macs,peakmem c.dss | tail -n +2 | awk '
        { id[NR] = $1; p[NR] = -$2; m[NR] = $3; k[NR] = $4 }
        END { for (i = 1; i <= NR; i++) { bad = 0
            for (j = 1; j <= NR; j++) if (p[j] <= p[i] && m[j] <= m[i] && k[j] <= k[i] &&
                (p[j] < p[i] || m[j] < m[i] || k[j] < k[i])) bad = 1
            if (!bad) print id[i] } }' >want
    ds-pareto --better params --worse macs --worse peakmem c.dss |
        ds-show --tsv --columns id | tail -n +2 >got
    cmp want got
}

@test "more records than are held at once" {
    ds-sample ofa-mbv3 -n 150000 | ds-measure-cost >c.dss
    best=$(ds-show --tsv --columns params c.dss | tail -n +2 | sort -g | tail -3 | head -1)
    ds-pareto --better params --top 3 c.dss | ds-show --tsv --columns params | tail -n +2 |
        sort -g >top
    [ "$(wc -l <top)" = 3 ]
    [ "$(head -1 top)" = "$best" ]
    ds-pareto --better params --worse macs c.dss | ds-pareto --better params --worse macs |
        ds-show --tsv >twice
    ds-pareto --better params --worse macs c.dss | ds-show --tsv >once
    cmp once twice
}

@test "--max and --min bound, the bound itself being inside" {
    printf '%s\n' '3 3' '1 5' '5 1' '7 0' | points >p.dss
    run values <(ds-pareto --worse a --worse b --max a=5 --min b=1 --max b=4 p.dss)
    [ "$output" = "$(printf '%s\n' '3 3' '5 1')" ]
}

@test "none within the bounds: an error that says so, or the nearest" {
    printf '%s\n' '30 3' '10 5' '20 1' | points >p.dss
    run ds-pareto --worse b --max a=5 p.dss
    [ "$status" = 1 ]
    [ "$output" = "ds-pareto: none of 3 records keeps --max and --min; --nearest gives those that come nearest" ]
    run values <(ds-pareto --worse b --max a=5 --nearest p.dss)
    [ "$output" = "10 5" ]
    run values <(ds-pareto --worse b --top 2 --max a=5 --nearest p.dss)
    [ "$output" = "$(printf '%s\n' '10 5' '20 1')" ]
    run values <(ds-pareto --worse b --max a=25 --nearest p.dss)
    [ "$output" = "20 1" ]
}

@test "--top K keeps what ties with the last" {
    printf '%s\n' '3 3' '9 5' '7 1' '7 0' '1 1' | points >p.dss
    run values <(ds-pareto --better a --top 2 p.dss)
    [ "$output" = "$(printf '%s\n' '9 5' '7 1' '7 0')" ]
    run values <(ds-pareto --better a --top 99 p.dss)
    [ "${#lines[@]}" = 5 ]
}

@test "--hypervolume: a staircase counted by hand" {
    printf '%s\n' '1 4' '2 2' '4 1' '4 4' | points >p.dss
    run ds-pareto --worse a --worse b --hypervolume a=5,b=5 p.dss
    [ "$output" = 11 ]
    run ds-pareto --better a --worse b --hypervolume b=5,a=1 p.dss
    [ "$output" = 12 ] # (4,1) alone: 3 x 4
    run ds-pareto --worse a --worse b --hypervolume a=1,b=1 p.dss
    [ "$output" = 0 ]
}

@test "an empty stream has an empty front" {
    ds-sample ofa-mbv3 -n 0 | ds-pareto --worse macs >e.dss
    [ "$(ds-show --json e.dss | wc -l)" = 0 ]
    ds-sample ofa-mbv3 -n 0 | cmp -n 2 - e.dss
}

@test "a missing metric and one that is not a number are errors with their place" {
    ds-sample ofa-mbv3 -n 3 | ds-measure-cost >c.dss
    run ds-pareto --worse latency.cpu c.dss
    [ "$status" = 1 ]
    [[ "$output" =~ ^ds-pareto:\ c.dss:\ record\ 1,\ byte\ [0-9]+:\ no\ metric\ latency.cpu$ ]]
    run ds-pareto --worse macs --max top1=3 c.dss
    [ "$status" = 1 ]
    [[ "$output" == *"record 1, "*": no metric top1" ]]
}

@test "damaged input gives no front" {
    ds-sample ofa-mbv3 -n 300 | ds-measure-cost >c.dss
    head -c 9000 c.dss >cut.dss
    run ds-pareto --worse macs -o out.dss cut.dss
    [ "$status" = 1 ]
    [[ "$output" == *"cut off"* ]]
    [ ! -s out.dss ]
}

@test "bad usage" {
    run ds-pareto x.dss
    [ "$status" = 2 ]
    [[ "$output" == "ds-pareto: wants metrics to choose by: --better METRIC"* ]]
    run ds-pareto --better a --worse a
    [ "$status" = 2 ]
    [[ "$output" == *"a is there twice" ]]
    run ds-pareto --better a --worse b --top 3
    [ "$status" = 2 ]
    run ds-pareto --better a --max b
    [ "$status" = 2 ]
    [ "$output" = "ds-pareto: --max: 'b' is not METRIC=V" ]
    run ds-pareto --better a --max b=x
    [ "$status" = 2 ]
    run ds-pareto --better a --worse b --hypervolume a=1
    [ "$status" = 2 ]
    [ "$output" = "ds-pareto: --hypervolume: no value for b" ]
    run ds-pareto --better a --hypervolume a=1,c=2
    [ "$status" = 2 ]
    run ds-pareto --better a --top 0
    [ "$status" = 2 ]
}

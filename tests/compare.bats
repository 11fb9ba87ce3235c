#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is set by run
# pipelines/compare.mk: from two spaces to a table and a picture.

bats_require_minimum_version 1.5.0

setup() {
    [ -z "${SANITIZE:-}" ] || skip "composes tools that other tests try"
    cd "$BATS_TEST_TMPDIR" || return
    mk=$BATS_TEST_DIRNAME/../pipelines/compare.mk
}

compare() {
    make -s -f "$mk" OUT=out SEEDS='1 2 3' INIT=20 BUDGET=20 ITERATIONS=2 "$@"
}

@test "by hand and by evidence: table, pictures, reasons; again, the same" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    compare PRUNE="--drop 'kernel==7'" AUTO='--better params --worse macs --worth 0' N=5 >table 2>log
    cmp table out/table.txt
    grep -q 'original (3) *pruned (3)' table
    grep -q 'original (3) *auto (3)' table
    grep -q '^hypervolume ' table
    [ "$(grep -c '^params at macs <= ' table)" = 10 ]
    head -c 300 out/front.svg | grep -q '<svg\|<?xml'
    head -c 8 out/front.png | grep -q PNG
    grep -q '^unit 0: no mbconv3_e6_k3: with mbconv3_e4_k7' out/auto.txt
    for g in original pruned auto; do
        [ "$(ds-show --tsv --columns id out/$g/?/0?.dss | tail -n +2 | wc -l)" = 180 ]
        [ "$(ds-show --tsv --columns resolution out/$g/1/01.dss | tail -n +2 | sort -u)" = 224 ]
    done
    ds-show --json out/pruned/?/0?.dss | grep -c k7 | grep -x 0
    before=$(sha256sum out/*/?/*.dss out/table.txt)
    compare PRUNE="--drop 'kernel==7'" AUTO='--better params --worse macs --worth 0' N=5
    [ "$(sha256sum out/*/?/*.dss out/table.txt)" = "$before" ]
    rm out/auto/2/02.dss out/table.txt
    compare PRUNE="--drop 'kernel==7'" AUTO='--better params --worse macs --worth 0' N=5
    [ "$(sha256sum out/*/?/*.dss out/table.txt)" = "$before" ]
}

@test "accuracy searches are compared by their best" {
    compare KIND=accuracy PRUNE='--min-depth 4' >table 2>log
    [ "$(wc -l <table)" = 2 ]
    grep -q '^highest params' table
    [ ! -e out/front.svg ]
}

@test "nothing to compare with, other settings, a rule that is wrong" {
    run compare
    [ "$status" = 2 ]
    [[ "$output" == *"nothing to compare with: give PRUNE or AUTO"* ]]
    compare KIND=accuracy PRUNE='--min-depth 4' >/dev/null 2>&1
    run compare KIND=accuracy PRUNE='--min-depth 3'
    [ "$status" = 2 ]
    [[ "$output" == *"compare: out holds a run with other settings: take another OUT"* ]]
    run compare OUT=other KIND=accuracy PRUNE='--drop kernle==3'
    [ "$status" = 2 ]
    [[ "$output" == *"'kernle' is no variable"* ]]
    [ ! -e other/pruned.json ]
}

@test "the summary of a table gives its numbers" {
    cat >t.tsv <<'END'
quantity	original	original:sd	original:n	pruned	pruned:sd	pruned:n	pruned:difference	pruned:lo	pruned:hi	pruned:p_welch	pruned:p
hypervolume	200	1	5	210	1	5	10	8	12	0.001	0.0079
top1 at macs <= 1	70	1	5	71	1	5	1	0	2	0.1	0.11
top1 at macs <= 2	72	1	5	73.5	1	5	1.5	0	2	0.1	0.12
top1 at macs <= 3	74	1	5	74	1	5	0	-1	1	1	1
highest top1	80	1	5	79.5	1	5	-0.5	-1	1	0.3	0.4
lowest macs	1	1	5	1	1	5	0	-1	1	1	1
END
    run "${mk%/*}/summary" d t.tsv
    [ "$(tr -s ' ' <<<"$output")" = "d pruned hypervolume +5.0% (p 0.0079) top1 at macs <= 1, 2, 3: +1 (p 0.1100) +1.5 (p 0.1200) +0 (p 1.0000) highest -0.5 (p 0.4000)" ]
    # with random spaces: more columns, of which the rank is told
    awk -F'\t' -v OFS='\t' '{ print $0, NR == 1 ? "pruned:rank\tpruned:among\tpruned:p_rank" : NR "\t21\t0.1" }' t.tsv >r.tsv
    run "${mk%/*}/summary" d r.tsv
    [[ "$(tr -s ' ' <<<"$output")" == "d pruned hypervolume +5.0% (p 0.0079, 2 of 21) "*"highest -0.5 (p 0.4000, 6 of 21)" ]]
}

@test "the thesis, device by device" {
    [ -e "$DSTOOLS_SCHEMAS/devices/acc-ofa-mbv3.json" ] || skip "no profile of the accuracy here"
    make -s -f "${mk%/*}/thesis.mk" OUT=out DEVICES='note10 dpu' SEEDS='1 2' INIT=20 BUDGET=20 \
        ITERATIONS=1 N=5 >summary 2>log
    [ "$(awk '{ print $1, $2 }' summary)" = "$(printf '%s\n' 'note10 pruned' 'note10 auto' 'dpu pruned' 'dpu auto')" ]
    [ -s out/dpu/front.svg ]
}

@test "random spaces of the same size, and the rank among them; more of them go on" {
    compare PRUNE='--min-depth 3' RANDOM=2 >table 2>log
    [ "$(grep -c '^  out/' log)" = $((4 * 3 * 3)) ]
    grep -q '^highest params .* [123].* of 3 *$' table
    [ "$(grep -c ' of 3 *$' table)" = 8 ]
    for k in 1 2; do
        cmp out/pruned~$k.json <(ds-prune out/original.json --like out/pruned.json --seed $k \
            --name ofa-mbv3-pruned~$k)
        [ -s out/pruned~$k/3/best.dss ]
    done
    compare PRUNE='--min-depth 3' RANDOM=3 >table 2>log
    [ "$(grep -c '^  out/' log)" = $((3 * 3)) ]
    grep -q '^highest params .* of 4 *$' table
    # a control for what was cut by evidence alone
    compare OUT=both PRUNE='--min-depth 3' AUTO='--better params --worse macs' N=5 RANDOM=2 \
        LIKE=auto >table 2>log
    [ "$(echo both/*~?.json)" = "both/auto~1.json both/auto~2.json" ]
    [ "$(grep -c '^hypervolume .* of 3' table)" = 1 ]
}

# 20 repeats, NULL_REPEATS=100 with more time: each takes five searches.
@test "null: a random space in the place of the insight has any rank" {
    local n=${NULL_REPEATS:-20}
    make -s -j2 -f "$mk" OUT=out SEEDS=1 KIND=accuracy INIT=10 BUDGET=10 ITERATIONS=1 \
        PRUNE="--keep 'expand==6'" RANDOM=$((5 * n)) >table 2>log
    best() { echo "out/pruned~$1/1/best.dss"; }
    for r in $(seq 0 5 $((5 * n - 1))); do
        ds-compare --tsv --better params "original=out/original/1/best.dss" \
            "null=$(best $((r + 1)))" "null~1=$(best $((r + 2)))" "null~2=$(best $((r + 3)))" \
            "null~3=$(best $((r + 4)))" "null~4=$(best $((r + 5)))" |
            awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "null:rank") at = i }
                        NR == 2 { print $at }'
    done >ranks
    # chi square of five ranks, as many expected of each: 18.5 or more in one case of 1000
    awk -v n="$n" '{ of[$1]++ } END { for (r = 1; r <= 5; r++) chi += (of[r] - n / 5) ^ 2 / (n / 5)
         print chi, of[1], of[2], of[3], of[4], of[5]; exit !(NR == n && chi < 18.5) }' ranks
    # what helps is found: all blocks of the highest expansion are the first of all
    grep -q "^highest params .* 1 of $((5 * n + 1)) *\$" table
}

#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is set by run
# ds-compare, and ds-plot front: fronts of repeated searches, from points put in by hand.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# A stream with metrics "top1 cost" as given, a record for each pair.
front() {
    local i=2
    for pair in "$@"; do
        printf '{"ks":[3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3],"e":[3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3],"d":[2,2,2,2,%d],"r":224,"top1":%s,"cost":%s}\n' \
            $((i++ % 3 + 2)) "${pair%,*}" "${pair#*,}"
    done | ds-import ofa --space ofa-mbv3 -
}

# Three runs of search a, and three of b, which is 1 better everywhere; the runs of a differ.
six() {
    for i in 0 1 3; do
        front "7$i,10" "8$i,20" "60,30" >a$i.dss
        front "7$((i + 1)),10" "8$((i + 1)),20" >b$i.dss
    done
}

compare() {
    ds-compare --better top1 --worse cost "$@" a=a0.dss a=a1.dss a=a3.dss b=b0.dss b=b1.dss b=b3.dss
}

field() { # row column of the TSV
    awk -F'\t' -v row="$1" -v col="$2" '$1 == row { print $col }'
}

@test "means, deviations, differences and p of values worked out by hand" {
    six
    compare --tsv --at cost=10,15,25 --reference top1=50,cost=40 >t
    # run a0: (70,10), (80,20): (70-50)*(40-10) + (80-70)*(40-20) = 600 + 200
    # a1: 630 + 200, a3: 690 + 200; b is higher by 1 all along its 30: +30
    [ "$(field hypervolume 2 <t)" = 840 ]
    [ "$(field hypervolume 4 <t)" = 3 ]
    [ "$(field hypervolume 5 <t)" = 870 ]
    [ "$(field hypervolume 8 <t)" = 30 ]
    [ "$(field 'top1 at cost <= 10' 2 <t)" = 71.3333333333 ]
    [ "$(field 'top1 at cost <= 15' 5 <t)" = 72.3333333333 ]
    [ "$(field 'top1 at cost <= 25' 8 <t)" = 1 ]
    [ "$(field 'highest top1' 2 <t)" = 81.3333333333 ]
    [ "$(field 'highest top1' 3 <t)" = 1.52752523165 ] # sd of 0, 1, 3
    [ "$(field 'lowest cost' 5 <t)" = 10 ]
    # {0,1,3} and {1,2,4}: of 20 ways, the means differ by 1 or more in 14 (Python's itertools)
    want=$(python3 -c 'from itertools import combinations as c
x = [0, 1, 3, 1, 2, 4]
far = [abs(sum(x) - 2 * sum(x[i] for i in s)) >= 3 for s in c(range(6), 3)]
print("%.6g" % (sum(far) / len(far)))')
    [ "$(field 'highest top1' 12 <t)" = "$want" ]
}

@test "the table on a terminal" {
    six
    run compare --at cost=25
    [ "$status" = 0 ]
    [[ "${lines[0]}" =~ ^\ +a\ \(3\)\ +b\ \(3\)\ +difference\ \(95%\)\ +p\ *$ ]]
    [[ "$output" == *"top1 at cost <= 25"*"81.3333 ± 1.5"*"82.3333 ± 1.5"*"+1 ("* ]]
    [[ "$output" == *"Hypervolume up to top1="*", cost=20. Differences from a: "* ]]
}

@test "levels are chosen where every run has something" {
    six
    compare --tsv | grep -c '^top1 at cost' | grep -x 5
    [ "$(compare --tsv | grep '^top1 at cost' | cut -f 4,7 | sort -u)" = "$(printf '3\t3')" ]
}

@test "what not every run attains is said" {
    six
    front 90,5 >b1.dss
    run compare --at cost=7
    [[ "$output" == *"top1 at cost <= 7"*" - "*"90 (1 of 3)"* ]]
}

@test "one metric: the best of each run" {
    six
    run ds-compare --better top1 a=a0.dss a=a1.dss b=b0.dss
    [ "${#lines[@]}" = 2 ]
    [[ "${lines[1]}" =~ ^highest\ top1\ +80.5\ ±\ 0.71\ +81\ +\+0.5\ +-\ *$ ]]
}

@test "files with no label stand for themselves; a metric that grows better along the axis" {
    six
    run ds-compare --tsv --better top1 --better cost ./a0.dss ./b0.dss
    [[ "${lines[0]}" == *"./a0.dss"*"./b0.dss"* ]]
    [[ "$output" == *"highest cost"* ]]
    [[ "$(ds-compare --tsv --better top1 --better cost --at cost=15 a=a0.dss |
        field 'top1 at cost >= 15' 2)" == 80 ]]
}

@test "bad input and usage" {
    six
    run ds-compare --better top1 --worse latency.npu a=a0.dss
    [ "$status" = 1 ]
    [[ "$output" == "ds-compare: a0.dss: record 1, byte "*": no metric latency.npu" ]]
    run ds-compare --better top1 a=missing.dss
    [ "$status" = 1 ]
    ds-sample ofa-mbv3 -n 0 >e.dss
    run ds-compare --better top1 a=e.dss
    [ "$status" = 1 ]
    [ "$output" = "ds-compare: e.dss: no records" ]
    run ds-compare a=a0.dss
    [ "$status" = 2 ]
    run ds-compare --better top1 --at cost=3 a=a0.dss
    [ "$status" = 2 ]
    run compare --at speed=3
    [ "$status" = 2 ]
    run compare --reference top1=3
    [ "$status" = 2 ]
}

@test "ds-plot front: as text, what half of the runs attain, and the range" {
    six
    run ds-plot front --better top1 --worse cost a=a0.dss a=a1.dss a=a3.dss b=b0.dss
    [ "$status" = 0 ]
    [ "${lines[0]}" = "top1 by cost: median, worst to best of the runs" ]
    [[ "$output" == *"15            71  (70 to 73)                71  (71 to 71)"* ]]
    [[ "${lines[-1]}" == "20            81  (80 to 83)"* ]]
}

@test "ds-plot front: pictures, blue and red" {
    six
    ds-plot front --better top1 --worse cost -o f.svg --title 'a & b' a=a0.dss a=a1.dss b=b0.dss
    head -c 200 f.svg | grep -q '<svg\|<?xml'
    grep -qi '#1f5fc4\|rgb( *31, *95, *196)' f.svg
    grep -qi '#d0202f\|rgb(208, *32, *47)' f.svg
    grep -q 'a: median and range of 2 runs' f.svg
    grep -q 'a &amp; b' f.svg
    ds-plot front --better top1 --worse cost -o f.png a=a0.dss b=b0.dss
    head -c 8 f.png | grep -q PNG
    run ds-plot front --better top1 a=a0.dss
    [ "$status" = 2 ]
    run ds-plot front --better top1 --worse cost -o f.gif a=a0.dss
    [ "$status" = 2 ]
}

@test "controls: the rank of a label's mean among theirs, ties half way, what is not attained last" {
    six
    front "72,10" "82,20" >c1.dss   # between the means of a (71.3, 81.3) and b (72.3, 82.3)
    front "74,10" "84,20" >c2.dss   # better than b
    front "60,10" >c3.dss           # nothing at 20, and worse
    front "95,20" >c4.dss           # nothing at 10
    controlled() {
        ds-compare --better top1 --worse cost "$@" a=a0.dss a=a1.dss a=a3.dss b=b0.dss b=b1.dss \
            b=b3.dss b~1=c1.dss b~2=c2.dss b~3=c3.dss b~4=c4.dss
    }
    controlled --tsv --at cost=10,20 >t
    rank() { python3 -c 'import csv, sys
for r in csv.DictReader(open("t"), delimiter="\t"):
    if r["quantity"] == sys.argv[1]: print(r["b:rank"], r["b:among"], r["b:p_rank"])' "$1"; }
    [ "$(rank 'top1 at cost <= 10')" = "2 5 0.4" ]
    [ "$(rank 'top1 at cost <= 20')" = "3 5 0.6" ]
    [ "$(rank 'lowest cost')" = "2.5 5 0.8" ] # c1, c2 and c3 are as good, c4 is not
    [ "$(head -1 t | tr '\t' '\n' | grep -c 'b~')" = 0 ]
    controlled --at cost=10 >text
    grep -q '^ *a (3) .* b (3) .* p  *rank' text
    grep -q '^top1 at cost <= 10 .* 2 of 5' text
    grep -q '^Rank of the mean among those of random spaces' text
    run -2 ds-compare --better top1 b~1=c1.dss b=b0.dss
    [[ "$output" == *"b~1 is a control: give first what the others are compared with" ]]
    run -2 ds-compare --better top1 a=a0.dss b~1=c1.dss
    [[ "$output" == *"NAME~K is a control of NAME: some are given without it" ]]
}

#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is set by run
# pipelines/search.mk: the searches, from start to end, interrupted, continued.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mk=$BATS_TEST_DIRNAME/../pipelines/search.mk
}

search() {
    make -s -f "$mk" OUT=out "$@"
}

ids() {
    ds-show --tsv --columns id "$@" | tail -n +2
}

# All files of a search but its half-made ones, with their checksums.
sums() {
    (cd "$1" && find . -type f ! -name '*.part*' -exec sha256sum {} + | sort -k 2)
}

@test "the budgets of the paper are the defaults: 100 and 10 times 200, 20 and 4 times 50" {
    search
    [ "$(ids out/1/00.dss | wc -l)" = 100 ]
    [ "$(ids out/1/??.dss | sort -u | wc -l)" = 2100 ]
    search OUT=acc KIND=accuracy
    [ "$(ids acc/1/??.dss | sort -u | wc -l)" = 220 ]
    [ "$(ids acc/1/best.dss | wc -l)" = 10 ]
}

@test "the result is the front of all that was evaluated, and better than at the start" {
    search ITERATIONS=4 BUDGET=100
    ds-pareto --better params --worse macs out/1/??.dss >front.dss
    cmp <(ds-show --json front.dss) <(ds-show --json out/1/best.dss)
    start=$(ds-pareto --better params --worse macs --hypervolume params=3,macs=900 out/1/00.dss)
    end=$(ds-pareto --better params --worse macs --hypervolume params=3,macs=900 out/1/best.dss)
    awk -v a="$start" -v b="$end" 'BEGIN { exit !(b > 1.05 * a) }'
}

@test "children are of parents that were the best then" {
    search ITERATIONS=3 BUDGET=50
    ds-pareto --better params --worse macs out/1/00.dss out/1/01.dss out/1/02.dss | ids | sort >best
    ds-show --tsv --columns parent out/1/03.dss | tail -n +2 | sort -u >parents
    [ -s parents ]
    [ "$(comm -13 best parents | wc -l)" = 0 ]
}

@test "seeds are searches of their own, alike in parallel and one by one" {
    search SEEDS='1 2 3' ITERATIONS=2 BUDGET=30
    mkdir other && cd other
    make -s -j3 -f "$mk" OUT=out SEEDS='3 1 2' ITERATIONS=2 BUDGET=30
    cd ..
    [ "$(sums out)" = "$(sums other/out)" ]
    run ! cmp out/1/02.dss out/2/02.dss
}

@test "killed in the middle, however, the same command goes on to the same bytes" {
    # where a file `wait` is, iteration 3 goes on only when it is gone
    slow='EVALUATE=ds-measure-cost -q | { while [ -e wait ] && [ -e out/1/02.dss ]; do sleep .05; done; cat; }'
    undisturbed() { make -s -f "$mk" OUT=out ITERATIONS=5 BUDGET=40 "$slow"; }
    undisturbed
    for what in make all; do
        mkdir $what && cd $what
        touch wait
        setsid make -s -f "$mk" OUT=out ITERATIONS=5 BUDGET=40 "$slow" >log 2>&1 &
        job=$!
        while kill -0 $job && [ ! -e out/1/02.dss ]; do sleep .05; done
        # make alone, whose children live on; or everything at once
        if [ $what = make ]; then kill -9 $job; else kill -9 -- -$job; fi
        wait $job || true
        [ ! -e out/1/03.dss ]
        rm wait
        make -s -f "$mk" OUT=out ITERATIONS=5 BUDGET=40 "$slow"
        cd ..
        [ "$(sums out)" = "$(sums $what/out)" ]
    done
}

@test "half a file left by another run is not taken for a whole one" {
    search ITERATIONS=2 BUDGET=30
    before=$(sums out)
    rm out/1/02.dss out/1/best.dss
    head -c 1000 out/1/01.dss >out/1/02.dss.part.12345
    search ITERATIONS=2 BUDGET=30
    [ "$(sums out)" = "$before" ]
    [ ! -e out/1/02.dss.part.12345 ]
}

@test "more iterations and fewer: from what is there" {
    search ITERATIONS=2 BUDGET=30
    two=$(sums out)
    search ITERATIONS=3 BUDGET=30
    [ "$(ids out/1/??.dss | wc -l)" = 190 ]
    search ITERATIONS=2 BUDGET=30
    rm out/1/03.dss
    [ "$(sums out)" = "$two" ]
}

@test "other settings in the same place are refused" {
    search ITERATIONS=1 BUDGET=30
    run search ITERATIONS=1 BUDGET=31
    [ "$status" = 2 ]
    [[ "$output" == *"search: out holds a run with other settings: take another OUT"* ]]
    [[ "$output" == *"is: "*"BUDGET=31"*"was: "*"BUDGET=30"* ]]
    run search KIND=fastest
    [ "$status" = 2 ]
    [[ "$output" == *"KIND is pareto or accuracy, not 'fastest'"* ]]
}

@test "a path that Make cannot take is refused" {
    run ! --separate-stderr search OUT=a=b
    [[ $stderr == *"OUT is one path without blanks and '=', not 'a=b'"* ]]
    run ! --separate-stderr search OUT='a b'
    [[ $stderr == *"not 'a b'"* ]]
}

@test "highest accuracy under a constraint that no first architecture keeps" {
    search KIND=accuracy CONSTRAINT=macs=150 ITERATIONS=8
    ds-show --tsv --columns macs out/1/00.dss | tail -n +2 | awk '$1 <= 150 { exit 1 }'
    ds-show --tsv --columns macs,params out/1/best.dss | tail -n +2 >best
    [ "$(wc -l <best)" -ge 10 ]
    awk '$1 > 150 { exit 1 }' best
}

@test "a failing measurement stops the search and leaves whole files only" {
    run search EVALUATE='ds-measure-cost -q | false'
    [ "$status" = 2 ]
    [ "$(find out -name '*.dss' | wc -l)" = 0 ]
}

@test "a space too small for the budget is evaluated as a whole" {
    ds-prune ofa-mbv3 --resolution 224 --max-depth 2 --keep 'block==mbconv3_e3_k3 || unit==0' \
        >small.json # 81 architectures
    run search SPACE=./small.json INIT=50 BUDGET=20 ITERATIONS=3
    [ "$status" = 0 ]
    [ "$(ids out/1/??.dss | sort -u | wc -l)" = 81 ]
    [ "$(ids out/1/03.dss | wc -l)" = 0 ]
    cmp <(ds-show --json out/1/best.dss) <(ds-pareto --better params --worse macs out/1/??.dss | ds-show --json)
    run search OUT=none SPACE=./small.json INIT=90
    [ "$status" = 2 ]
    [[ "$output" == *"holds only 81 architectures"* ]]
}

@test "devices: engines, shipped profiles, one's own" {
    run search -n DEVICE=dpu ACCURACY=x.pth
    [[ "$output" == *"| ds-measure-acc -q --predictor x.pth | ds-measure-npu -q --profile dpu >"* ]]
    [[ "$output" == *"ds-pareto -q --better top1 --worse latency.npu "* ]]
    run search -n DEVICE=xnnpack
    [[ "$output" == *"--profile acc-ofa-mbv3 | ds-measure-cpu -q --engine xnnpack >"* ]]
    run search -n DEVICE=opencl
    [[ "$output" == *"| ds-measure-gpu -q >"* || "$output" == *"| ds-measure-gpu -q  >"* ]]
    [[ "$output" == *"ds-pareto -q --better top1 --worse latency.gpu "* ]]
    run search -n DEVICE=opencl GPU='RTX 3090'
    [[ "$output" == *"| ds-measure-gpu -q --device \"RTX 3090\" >"* ]]
    run search -n DEVICE=kirin9000-proxylessnas ACCURACY=x.pt
    [[ "$output" == *"| ds-measure-acc -q --predictor x.pt | ds-measure-npu -q --profile kirin9000-proxylessnas >"* ]]
    run search -n DEVICE=mine.json CLASS=gpu
    [[ "$output" == *"| ds-measure-gpu -q --profile mine.json >"* ]]
    run search DEVICE=abacus
    [ "$status" = 2 ]
    [[ "$output" == *"DEVICE=abacus is no engine and no shipped profile"* ]]
}

@test "a program measures: a search that it failed goes on with what it answered" {
    cat >runner <<'END'
#!/bin/sh
echo x >>calls
[ "$(wc -l <calls)" -ne 7 ] || exit 1
echo "$1.$(($(wc -c <"$2") / 1000))"
END
    chmod +x runner
    run -2 make -s -f "$mk" OUT=out DEVICE=exec RUNNER=./runner
    [[ "$output" == *"DEVICE=exec wants RUNNER='PROGRAM [ARG ...]' and CLASS=cpu, gpu or npu"* ]]
    settings=(DEVICE=exec CLASS=npu RUNNER='./runner 1' INIT=5 BUDGET=3 ITERATIONS=2)
    run -2 search "${settings[@]}"
    [[ "$output" == *"ds-measure-npu: 1 of 3 records got no latency.npu: 'errors' on them says why"* ]]
    [ "$(wc -l <calls)" -eq 8 ]
    search "${settings[@]}"
    [ "$(ids out/1/??.dss | sort -u | wc -l)" -eq 11 ]
    [ "$(wc -l <calls)" -eq 12 ] # 11 networks, one of them twice
}

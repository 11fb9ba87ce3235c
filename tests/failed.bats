#!/usr/bin/env bats
# Records that say that a metric could not be measured: all who need it pass over them, and tell.

bats_require_minimum_version 1.5.0

# Three architectures with blocks and depths affixed; latency.npu of two different ones failed.
setup() {
    cd "$BATS_TEST_TMPDIR" || return
    ds-sample ofa-mbv3 -n 3 | ds-affix -b 0,0,mbconv3_e3_k3 -b 0,0,mbconv3_e6_k7 --depth 0,2 --depth 0,4 |
        ds-measure-cost >cost.dss
    ds-show -t -c id cost.dss | tail -n +2 | sort | uniq -u | head -n 2 >bad
    # shellcheck disable=SC2016 # for the runner
    printf '%s\n' '#!/bin/sh' 'grep -q "$DSTOOLS_ID" bad && exit 1' \
        'echo "$DSTOOLS_ID" | cksum | cut -c 1-3' >runner
    chmod +x runner
    run -1 ds-measure-npu --exec ./runner --format none -o some.dss cost.dss
    run -1 ds-measure-npu --exec ./runner --format none -q --drop-failed -o good.dss cost.dss
    [ "$(ds-show --json some.dss | grep -c '"errors"')" = 2 ]
}

told="left out 2 records on which a metric could not be measured (ds-show --json: errors)"

@test "ds-pareto: the front of the others" {
    run -0 ds-pareto --worse latency.npu --worse macs -o front.dss some.dss
    [ "$output" = "ds-pareto: $told" ]
    run -0 ds-pareto --better macs --max latency.npu=1000 -o bound.dss some.dss
    [ "$output" = "ds-pareto: $told" ]
    run -0 ds-pareto --worse macs --top 100 --max latency.npu=1000 some.dss -o all.dss
    [ "$(ds-show --json all.dss | wc -l)" = 13 ]
    # a metric that is merely not there stops it still
    run -1 ds-pareto --worse top1 some.dss
}

@test "ds-pareto: where all failed there is no front" {
    printf '#!/bin/sh\nexit 1\n' >runner
    run -1 ds-measure-npu --exec ./runner -o none.dss cost.dss
    run -1 ds-pareto --worse latency.npu none.dss
    [[ $output == *"no record is left" ]]
}

@test "ds-prune: the evidence of the others" {
    run -0 ds-prune ofa-mbv3 --worse latency.npu=1000 -o p.json some.dss
    [[ $output == "ds-prune: 2 records have metrics that could not be measured (ds-show --json: errors); these are left out"* ]]
}

@test "ds-fit: a profile of the others" {
    ds-sample ofa-mbv3 -n 250 >many.dss
    ds-show -t -c id many.dss | sed -n '3p;30p' >bad
    run -1 ds-measure-npu --exec ./runner --format none -o some.dss many.dss
    run -0 ds-fit latency.npu --family additive --name n --device d -o p.json some.dss
    [[ $output == *"ds-fit: $told"* ]]
    grep -q ': *248' p.json
}

@test "ds-compare and ds-plot front: the fronts of the others, by file" {
    run -0 ds-compare --tsv --worse latency.npu --better macs a=some.dss b=good.dss -o t
    [ "$output" = "ds-compare: some.dss: $told" ]
    if command -v gnuplot >/dev/null; then
        run -0 ds-plot front --worse latency.npu --better macs -o f.svg some.dss
        [ "$output" = "ds-plot: some.dss: $told" ]
    fi
}

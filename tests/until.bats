#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is set by run
# pipelines/until.mk: measuring until what ds-prune decides is settled.

bats_require_minimum_version 1.5.0
load needs

setup() {
    [ -z "${SANITIZE-}" ] || skip "only composes tools: the plain run is enough"
    cd "$BATS_TEST_TMPDIR" || return
    mk=$BATS_TEST_DIRNAME/../pipelines/until.mk
}

until_settled() {
    make -s -f "$mk" OUT=out DEVICE=dpu FIRST=6 LOOKS=4
}

records() {
    ds-show --tsv --columns id "$@" | tail -n +2 | wc -l
}

@test "what is open is measured on more bases, what is settled is not; it says how much" {
    until_settled >told 2>log
    # 20 layers with 9 blocks, 5 units with 3 depths, and the base itself
    [ "$(records out/1.dss)" = $((6 * (180 + 15 + 1))) ]
    [ "$(records out/2.dss)" = $((6 * ($(wc -l <out/1.open) + 1))) ]
    [ "$(wc -l <out/1.open)" -gt 0 ] && [ "$(wc -l <out/1.open)" -lt 150 ]
    [ "$(head -1 told)" = "$(head -1 out/1.log)" ]
    [[ "$(head -1 told)" == "after 6 bases of at most 48: of 55 choices that might go, "* ]]
    # what was settled so is told as such, and every choice has its fate
    [ "$(tail -n +2 out/settled.txt | wc -l)" = 55 ]
    [ "$(awk -F'\t' 'NR > 1 && $4 == "goes"' out/settled.txt | wc -l)" = "$(tail -1 told | sed 's/.*might go, \([0-9]*\) go.*/\1/')" ]
    # what went once stays gone, with its reason
    gone() { awk -F'\t' '$4 == "goes" { print $1, $3 }' "$1" | sort; }
    [ "$(gone out/3.txt | wc -l)" -gt 0 ]
    [ "$(comm -23 <(gone out/3.txt) <(gone out/settled.txt) | wc -l)" = 0 ]
    grep -o '"unit [^"]*"' out/3.json | while read -r why; do grep -qF "$why" out/space.json; done
    [ "$(grep -c '^unit .*: no ' <(python3 -c 'import json
print(*json.load(open("out/space.json"))["reasons"], sep="\n")'))" = "$(gone out/settled.txt | wc -l)" ]
    ds-sample ./out/space.json -n 10 >/dev/null
    # again, nothing is done; with other settings, nothing is mixed
    before=$(sha256sum out/*)
    until_settled 2>log
    [ "$(sha256sum out/*)" = "$before" ] && [ ! -s log ]
    run ! make -s -f "$mk" OUT=out DEVICE=dpu FIRST=6 LOOKS=4 SEED=2
    [[ "$output" == *"until: out holds a run with other settings: take another OUT"* ]]
}

@test "an interrupted run goes on to the same; once nothing is open nothing is measured" {
    # all but one block are beyond doubt the worse: there is nothing left to ask after a look or two
    settled() {
        make -s -f "$mk" OUT=out EVALUATE='ds-measure-cost -q' BETTER= WORSE=macs FIRST=10 LOOKS=4
    }
    settled >told 2>log
    [ "$(tail -1 told | sed 's/.*, \([0-9]*\) open/\1/')" = 0 ]
    for k in $(seq 4); do [ -s out/$k.dss ] || break; done
    [ "$k" -lt 4 ] && [ ! -s out/4.dss ]
    cmp out/4.json out/$((k - 1)).json
    before=$(sha256sum out/*)
    rm out/1.json out/[2-4]* out/space.json
    settled >again 2>log
    cmp told again
    [ "$(sha256sum out/*)" = "$before" ]
}

@test "live: an engine measures what is open, look after look" {
    needs_engine onednn
    ds-prune ofa-mbv3 -r 160 --keep 'kernel==3 && expand>=4' --max-depth 3 -d 'unit>0 && depth==3' --name tiny -o tiny.json
    make -s -f "$mk" OUT=live SPACE=./tiny.json RESOLUTION=160 DEVICE=onednn MEASURE='ds-measure-cpu -q -m 2' \
        FIRST=2 LOOKS=2 >told 2>log
    [ "$(grep -c '^after [24] bases of at most 4: of [0-9]* choices that might go, ' told)" = 2 ]
    ds-show --heads live/1.dss | grep -q 'ds-measure-cpu .*--max-runs 2'
    # 11 layers of 2 blocks, 6 depths, of which one unit has two, and the base
    [ "$(records live/1.dss)" = $((2 * (22 + 6 + 1))) ]
}

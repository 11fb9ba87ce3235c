#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is set by run
# ds-prune: smaller spaces by rule and by evidence, never empty ones.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# The value of a key of the JSON on standard input, by a path as "units/0/depth".
get() {
    python3 -c 'import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("/"):
    v = v[int(k) if isinstance(v, list) else k]
print(json.dumps(v).replace("\"", "").replace("mbconv3_", ""))' "$1"
}

@test "the paper's spaces, one line each" {
    # Kirin 9000 NPU: no kernel 7, the later units mutated more
    ds-prune ofa-mbv3 --drop 'kernel==7' --mutate-weight 0=.5 --mutate-weight 1=.5 \
        --mutate-weight 2=.5 >npu.json
    # RTX 2080 Ti: no e3_k3, e3_k7, e4_k3; three layers in units 1, 3 and 4
    ds-prune ofa-mbv3 --drop 'expand==3 && kernel!=5 || expand==4 && kernel==3' \
        --max-depth 1=3 --max-depth 3=3 --max-depth 4=3 >gpu.json
    # AMD 2990WX: three layers in units 0 to 2
    ds-prune ofa-mbv3 --drop 'unit<=2 && depth==4' >cpu.json
    # Note10: no e3_k7, e4_k7; three layers in unit 0
    ds-prune ofa-mbv3 --drop 'kernel==7 && expand<6' --max-depth 0=3 >note10.json
    # highest accuracy: no e3, no e4_k3
    ds-prune ofa-mbv3 --keep 'expand==6 || expand==4 && kernel>3' >acc.json
    [ "$(get units/3/blocks <npu.json)" = "[e3_k3, e3_k5, e4_k3, e4_k5, e6_k3, e6_k5]" ]
    [ "$(get units/2/mutate_weight <npu.json)" = 0.5 ]
    [ "$(get units/0/blocks <gpu.json)" = "[e3_k5, e4_k5, e4_k7, e6_k3, e6_k5, e6_k7]" ]
    [ "$(get units/3/depth <gpu.json)" = "[2, 3]" ]
    [ "$(get units/2/depth <gpu.json)" = "[2, 3, 4]" ]
    [ "$(get units/2/depth <cpu.json)" = "[2, 3]" ]
    [ "$(get units/3/depth <cpu.json)" = "[2, 3, 4]" ]
    [ "$(get units/4/blocks <note10.json)" = "[e3_k3, e3_k5, e4_k3, e4_k5, e6_k3, e6_k5, e6_k7]" ]
    [ "$(get units/0/blocks <acc.json)" = "[e4_k5, e4_k7, e6_k3, e6_k5, e6_k7]" ]
    for s in npu gpu cpu note10 acc; do
        ds-sample ./$s.json -n 50 | ds-affix --all | ds-measure-cost >/dev/null
    done
}

@test "what is left is the same architectures: ids are kept" {
    ds-prune ofa-mbv3 --drop 'kernel==7' --max-depth 3 --name no7 >no7.json
    ds-sample ./no7.json -n 100 >a.dss
    ds-show --heads a.dss | grep -q no7
    ds-mutate ofa-mbv3 -n 1 a.dss >/dev/null # every one is in the original
    ds-show --json a.dss | grep -c k7 | grep -x 0
}

@test "a rule for one layer, resolutions, least depths, weights for all" {
    ds-prune ofa-mbv3 --drop 'unit==1 && layer==2 && expand<6' -r 192 -r 224 --min-depth 0=3 \
        --mutate-weight 0.25 --max-depth 2=2 >s.json
    [ "$(get units/1/blocks/2 <s.json)" = "[e6_k3, e6_k5, e6_k7]" ]
    [ "$(get units/1/blocks/1 <s.json | wc -w)" = 9 ]
    [ "$(get resolution <s.json)" = "[192, 224]" ]
    [ "$(get units/0/depth <s.json)" = "[3, 4]" ]
    [ "$(get units/4/mutate_weight <s.json)" = 0.25 ]
    [ "$(get units/2/depth <s.json)" = "[2]" ]
    run ds-prune ./s.json --drop 'kernel==3' -o t.json
    [ "$status" = 0 ]
    [ "$(get name <t.json)" = ofa-mbv3-pruned-pruned ]
    [ "$(get reasons <t.json | wc -c)" -gt "$(get reasons <s.json | wc -c)" ]
}

@test "options of the stem" {
    cat >s.json <<'END'
{"dstools_space": 1, "name": "s", "resolution": 32,
 "blocks": [{"name": "a", "type": "bottleneck", "expand": 0.2, "kernel": 3},
            {"name": "b", "type": "bottleneck", "expand": 0.35, "kernel": 3}],
 "stem": [{"op": "conv", "kernel": 3, "stride": 2, "width": [8, 16]},
          {"op": "conv", "kernel": 3, "width": 8, "repeat": [0, 1]}],
 "units": [{"stride": 2, "width": [16, 24, 32], "depth": [1, 2]}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
    ds-prune ./s.json --drop 'site==stem1.repeat && value==0' --keep 'width>16' \
        --drop 'type==bottleneck && expand>.3' -e >t.json 2>explained
    [ "$(get stem/1/repeat <t.json)" = "[1]" ]
    [ "$(get stem/0/width <t.json)" = "[8, 16]" ]
    [ "$(get units/0/width <t.json)" = "[24, 32]" ]
    [ "$(get units/0/blocks <t.json)" = "[a]" ]
    grep -x 's: 72 architectures' explained # 2 stem widths, 2 repeats, 3 widths, 2 + 4 layers
    grep -x 's-pruned: 8 architectures' explained # 2 stem widths, 2 widths, 1 + 1 layers
}

@test "never to nothing, nor for nothing; errors point at the column" {
    run ds-prune ofa-mbv3 --drop 'kernel>=3'
    [ "$status" = 1 ]
    [ "$output" = "ds-prune: nothing would be left at unit0.layer0" ]
    run ds-prune ofa-mbv3 --max-depth 1
    [ "$status" = 1 ]
    [ "$output" = "ds-prune: nothing would be left at unit0.depth" ]
    run ds-prune ofa-mbv3 --drop 'kernel==9'
    [ "$status" = 1 ]
    [ "$output" = "ds-prune: --drop 'kernel==9': drops nothing from space ofa-mbv3" ]
    run ds-prune ofa-mbv3 --drop 'kernel==7 && unti==0'
    [ "$status" = 2 ]
    [[ "$output" == "ds-prune: --drop 'kernel==7 && unti==0': column 14: 'unti' is no variable"* ]]
    run ds-prune ofa-mbv3 --max-depth 7=3
    [ "$status" = 2 ]
    [[ "$output" == *"has units 0 to 4" ]]
    run ds-prune ofa-mbv3 --resolution 225
    [ "$status" = 1 ]
    run ds-prune ofa-mbv3 --mutate-weight 0=2
    [ "$status" = 2 ]
    run ds-prune ofa-mbv3 --drop 'kernel==7' evidence.dss
    [ "$status" = 2 ]
    run ds-prune
    [ "$status" = 2 ]
    run ds-prune ofa-mbv3 --drop 'kernel==7' --name 'two words'
    [ "$status" = 1 ]
    run ds-prune ofa-mbv3 --drop 'kernel==7' -o /dev/full
    [ "$status" = 1 ]
}

# What the policy should do on MACs and parameters can be said from the arithmetic of the blocks: a
# block of expansion 4 and kernel 7 in unit 0 has more parameters and fewer MACs than one of
# expansion 6 and kernel 3, whatever else the network has.
@test "by evidence: a block goes where another has less cost and more gain" {
    ds-sample ofa-mbv3 -n 12 | ds-affix --all | ds-measure-cost >m.dss
    ds-prune ofa-mbv3 --better params --worse macs -e m.dss >s.json 2>explained
    [ "$(get units/0/blocks <s.json)" = "[e3_k3, e3_k5, e3_k7, e4_k3, e4_k5, e4_k7, e6_k5, e6_k7]" ]
    grep -q '^unit 0: no mbconv3_e6_k3: with mbconv3_e4_k7 in its place, params +' explained
    [ "$(get reasons/0 <s.json)" = "$(head -1 explained | sed s/mbconv3_//g)" ]
    run ! grep '^unit 4: no' explained
    # gains that are tolerated do not count, but then the other metric's does; losses always do
    ds-prune ofa-mbv3 --better params=100 --worse macs -e m.dss >t.json 2>explained
    [ "$(get units/0/blocks <t.json)" = "$(get units/0/blocks <s.json)" ]
    run -0 ds-prune ofa-mbv3 --better params=100 --worse macs=100 m.dss -o t.json
    [ "$output" = "ds-prune: the evidence speaks against nothing: the space stays as it was" ]
}

# With depths in the evidence a loss in one metric may be made up for by the other, at all rates
# from F to 1/F times what depth costs. Here by hand: one unit of two depths, and 40 architectures.
@test "by evidence: a block goes where what it gains does not pay, at any rate that counts" {
    cat >s.json <<'END'
{"dstools_space": 1, "name": "s", "resolution": 32,
 "blocks": [{"name": "a", "type": "mbconv", "expand": 3, "kernel": 3},
            {"name": "b", "type": "mbconv", "expand": 6, "kernel": 3}],
 "stem": [], "units": [{"width": 16, "depth": [1, 2]}, {"width": 16, "depth": [1, 2]}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
    # Each layer gains 1 and costs 1 ms, so 1 ms pays for 1 on average; in unit 0, block b gains 0.1
    # more than a, and costs more by the argument.
    evidence() {
        python3 - "$1" <<'END'
import json, sys
def profile(name, kind, metric, unit, more):
    layer = {"a": 1, "b": 1 + more}
    terms = {"resolution": {"32": 0}}
    for u in "01":
        terms["unit%s.width" % u] = {"16": 0}
        for l in "01":
            terms["unit%s.layer%s" % (u, l)] = layer if u == "0" else {"a": 1, "b": 1}
    json.dump({"dstools_profile": 1, "name": name, "description": "", "metric": metric,
               "unit": unit, "class": kind, "device": "none", "space": "s", "provenance": {},
               "model": {"family": "additive", "link": "identity", "intercept": 0,
                         "terms": terms, "pairs": {}}}, open(name + ".json", "w"))
profile("gain", "acc", "top1", "%", 0.1)
profile("time", "cpu", "latency.cpu", "ms", float(sys.argv[1]))
END
        ds-sample ./s.json -n 40 | ds-affix --all --all-depths |
            ds-measure-acc --profile ./gain.json | ds-measure-cpu --profile ./time.json
    }
    decide() { # COST [F]: the blocks that stay in unit 0
        evidence "$1" >e.dss
        ds-prune ./s.json --better top1 --worse latency.cpu --worth "${2-0.25}" -q e.dss | python3 -c '
import json, sys
print(*json.load(sys.stdin)["units"][0].get("blocks", ["both"]))'
    }
    [ "$(decide 0.5)" = a ]  # 0.1 for 0.5: less than a quarter of the average
    [ "$(decide 0.3)" = both ]   # a third of it
    [ "$(decide 0.02)" = b ] # five times the average
    [ "$(decide 0.03)" = both ]
    [ "$(decide 0.3 0.5)" = a ]
    [ "$(decide 0.02 0.1)" = both ]
    [ "$(decide -0.02 0)" = b ] # better in both
    # a gain counts by what exceeds the tolerance: 0.1 less 0.05, for 0.02
    evidence 0.02 >e.dss
    ds-prune ./s.json --better top1=0.05 --worse latency.cpu --worth 0.25 -q e.dss | grep -c '"b"' | grep -qx 1
    run ds-prune ./s.json --better top1 --worse latency.cpu --worth 0.25 -e e.dss -o t.json
    # 0.1 of the 2.05 that depth brings in both units, 0.02 of the 2.01 that it costs
    [[ "${lines[0]}" == "unit 0: no a: with b in its place, top1 +0.1 (at least +0.1), latency.cpu +0.02 (at most +0.02): worth at least +4.6"*"% and +0.22"*"%" ]]
}

@test "by evidence: numbers in the reasons are those of the records" {
    ds-sample ofa-mbv3 -n 12 | ds-affix --all | ds-measure-cost >m.dss
    ds-prune ofa-mbv3 --better params --worse macs -e m.dss 2>&1 >/dev/null |
        sed -n 's/^unit 0: no mbconv3_e6_k3: .*macs \([-+.0-9]*\) .*/\1/p' >got
    ds-show --json m.dss | python3 -c 'import json, sys
base, sums = None, {}
for line in sys.stdin:
    r = json.loads(line)
    if "affix" not in r:
        continue
    a = r["affix"]
    site, choice = (a["site"], a["choice"]) if isinstance(a, dict) else a
    if str(site).startswith("unit0.layer"):
        sums.setdefault(choice, []).append(r["metrics"]["macs"])
d = [y - x for x, y in zip(sums["mbconv3_e6_k3"], sums["mbconv3_e4_k7"])]
print("%+.4g" % (sum(d) / len(d)))' >want
    cmp got want
}

@test "by evidence: depth is limited where layers cost more than they bring" {
    ds-sample ofa-mbv3 -n 12 | ds-affix --all-depths | ds-measure-cost >m.dss
    # layers of unit 0 have few parameters and many MACs
    ds-prune ofa-mbv3 --better params --worse macs m.dss >s.json
    [ "$(get units/0/depth <s.json)" = "[2]" ]
    [ "$(get units/4/depth <s.json)" = "[2, 3, 4]" ]
    ds-prune ofa-mbv3 --better params --worse macs --worth 0.001 m.dss -q >s.json
    [ "$(get units/0/depth <s.json)" = "[2, 3, 4]" ]
    ds-prune ofa-mbv3 --worse macs m.dss >s.json # all cost, no gain
    [ "$(get units/4/depth <s.json)" = "[2]" ]
}

@test "from an aggregated profile: the same cuts, where they stand out from the noise" {
    ds-sample ofa-mbv3 -n 150 | ds-affix --all --all-depths | ds-measure-cost >m.dss
    ds-aggregate -q --effect --by unit,block m.dss >block.dss
    ds-aggregate -q --effect --by unit,depth m.dss >depth.dss
    ds-prune ofa-mbv3 --better params --worse macs block.dss depth.dss >s.json
    # expansion 6 costs so much more than 3 that it shows
    [[ "$(get units/0/blocks <s.json)" != *e6* ]]
    [[ "$(get units/0/blocks <s.json)" == *e3_k3* ]]
    [ "$(get units/0/depth <s.json)" = "[2]" ]
    ds-aggregate -q --effect --against base --by unit,layer,block m.dss >layer.dss
    ds-prune ofa-mbv3 --worse macs --by-layer layer.dss >s.json
    [[ "$(get units/0/blocks/0 <s.json)" == "["*"]" ]]
    ds-prune ofa-mbv3 --better params --worse macs --worth 0 --by-layer m.dss >s.json
    [[ "$(get units/0/blocks/0 <s.json)" != *e6_k3* ]]
    [[ "$(get units/0/blocks/1 <s.json)" == *e6_k3* ]]
}

@test "by evidence: too few bases say nothing" {
    ds-sample ofa-mbv3 -n 1 | ds-affix --all --all-depths | ds-measure-cost >m.dss
    run -0 --separate-stderr ds-prune ofa-mbv3 --better params --worse macs m.dss
    [ "$stderr" = "ds-prune: the evidence speaks against nothing: the space stays as it was" ]
    ds-aggregate -q --effect --by unit,block m.dss >g.dss
    run -0 --separate-stderr ds-prune ofa-mbv3 --better params --worse macs g.dss
    [ "$stderr" = "ds-prune: the evidence speaks against nothing: the space stays as it was" ]
}

@test "by evidence of the original for a space already smaller" {
    ds-sample ofa-mbv3 -n 12 | ds-affix --all | ds-measure-cost >m.dss
    ds-prune ofa-mbv3 --drop 'block==mbconv3_e4_k7' >no47.json
    ds-prune ./no47.json --better params --worse macs m.dss >s.json
    # e6_k3 stays in unit 0: what pushed it out is not there
    [[ "$(get units/0/blocks <s.json)" == *e6_k3* ]]
}

@test "evidence that is none, or of two kinds, or lacks a metric" {
    ds-sample ofa-mbv3 -n 3 | ds-measure-cost >plain.dss
    run ds-prune ofa-mbv3 --worse macs plain.dss
    [ "$status" = 1 ]
    [[ "$output" == "ds-prune: no evidence: "* ]]
    ds-sample ofa-mbv3 -n 3 | ds-affix --all | ds-measure-cost >m.dss
    ds-aggregate -q --effect --by unit,block m.dss >g.dss
    run ds-prune ofa-mbv3 --worse macs m.dss g.dss
    [ "$status" = 1 ]
    [[ "$output" == "ds-prune: g.dss: record 1, "*"give one or the other" ]]
    run ds-prune ofa-mbv3 --worse latency.npu m.dss
    [ "$status" = 1 ]
    [[ "$output" == *"no metric latency.npu" ]]
    run ds-prune ofa-mbv3 --worse macs=-1 m.dss
    [ "$status" = 2 ]
}

# What a space lets choose: a line for each site, with the number of its choices.
counts() {
    python3 -c 'import json, sys
s = json.load(open(sys.argv[1]))
every = [b["name"] for b in s["blocks"]]
print(len(s["resolution"]))
for u in s["units"]:
    lists = u.get("blocks", every)
    lists = lists if isinstance(lists[0], list) else [lists]
    print(len(u["depth"]), sorted({len(l) for l in lists}), u.get("mutate_weight", 1))' "$1"
}

@test "a random space as large as a pruned one: as many choices everywhere, each as likely" {
    ds-prune ofa-mbv3 -r 192 -r 224 --drop 'unit>0 && kernel==7' --drop 'unit==3 && expand==3' \
        --max-depth 0=3 --mutate-weight 2=.5 >pruned.json
    for s in $(seq 300); do
        ds-prune ofa-mbv3 --like ./pruned.json --seed "$s" >r"$s".json
    done
    for s in 1 2 3 4 5; do
        cmp <(counts pruned.json) <(counts r$s.json)
    done
    python3 - <<'END'
import json
n, blocks, depths = 300, {}, {}
for s in range(1, n + 1):
    space = json.load(open("r%d.json" % s))
    for b in space["units"][1]["blocks"]:
        blocks[b] = blocks.get(b, 0) + 1
    for d in space["units"][0]["depth"]:
        depths[d] = depths.get(d, 0) + 1
# six of nine blocks, two of three depths: each in 2/3 of the spaces, give or take 4.5 deviations
far = 4.5 * (n * 2 / 9) ** .5
assert len(blocks) == 9 and len(depths) == 3
assert all(abs(k - n * 2 / 3) < far for k in list(blocks.values()) + list(depths.values()))
# units are drawn on their own
assert len({str(json.load(open("r%d.json" % s))["units"][2]["blocks"]) for s in range(1, 99)}) > 40
same = [json.load(open("r%d.json" % s))["units"] for s in range(1, 99)]
assert sum(u[1]["blocks"] == u[2]["blocks"] for u in same) < 10
END
    cmp r7.json <(ds-prune ofa-mbv3 --like ./pruned.json --seed 7)
    [ "$(get reasons <r7.json)" = "[--like ofa-mbv3-pruned --seed 7: as many choices at every site, at random]" ]
}

@test "a random space: layers pruned apart are drawn apart, those beyond the greatest depth too" {
    ds-prune ofa-mbv3 --drop 'unit==1 && layer==1 && expand<6' --max-depth 1=3 >pruned.json
    for s in 1 2 3 4 5 6 7 8; do
        ds-prune ofa-mbv3 --like ./pruned.json --seed $s >r.json
        [ "$(get units/0 <r.json)" = "$(ds-prune ofa-mbv3 -r 224 | get units/0)" ]
        [ "$(get units/1/blocks/1 <r.json | wc -w)" = 3 ]
        [ "$(get units/1/blocks/0 <r.json | wc -w)" = 9 ]
        ds-sample ./r.json -n 20 | ds-measure-cost >/dev/null
    done
}

@test "a random space is none of a space that was not pruned of it, and takes no rules" {
    ds-prune ofa-mbv3 --drop 'kernel==7' >pruned.json
    run -1 ds-prune ./pruned.json --like ofa-mbv3
    [[ "$output" == "ds-prune: --like: ofa-mbv3 is not ofa-mbv3-pruned pruned: at unit0.layer0 it has mbconv3_e3_k7, which ofa-mbv3-pruned has not" ]]
    run -1 ds-prune resnet50 --like ./pruned.json
    [[ "$output" == *"ofa-mbv3-pruned is not resnet50 pruned: it has 5 units instead of 4"* ]]
    run -2 ds-prune ofa-mbv3 --like ./pruned.json --drop 'kernel==3'
    [[ "$output" == *"--like draws at random"* ]]
}

@test "names and reasons that are no UTF-8, which JSON must be" {
    run -1 ds-prune ofa-mbv3 --drop 'kernel==7' --name $'\xff' -o x
    [ "$output" = "ds-prune: name: must be UTF-8" ]
    run -1 ds-prune ofa-mbv3 --keep $'block!="\xff" && kernel<7' -o x
    [[ $output == "ds-prune: a reason that is not UTF-8 cannot be written: --keep"* ]]
    ds-prune ofa-mbv3 --drop 'kernel==7' --name 'größer' >x
    grep -q '"name": "größer"' x
}

@test "evidence of several devices is refused" {
    cd "$BATS_TEST_TMPDIR"
    ds-prune ofa-mbv3 --resolution 224 >at224.json
    ds-sample ./at224.json -n 3 | ds-affix --all | ds-measure-acc --profile acc-ofa-mbv3 >acc.dss
    for p in dpu kirin9000-ofa-mbv3; do
        ds-measure-npu --profile $p -o $p.dss acc.dss
        ds-aggregate --by unit,block -o $p.groups $p.dss
    done
    judge() { ds-prune ./at224.json --better top1 --worse latency.npu -o pruned.json "$@"; }
    run -1 judge dpu.dss kirin9000-ofa-mbv3.dss
    [ "$output" = "ds-prune: latency.npu mixes values of profile 'dpu' and 'kirin9000-ofa-mbv3': judge by them apart, or measure under names of their own (--as)" ]
    run -1 judge dpu.groups kirin9000-ofa-mbv3.groups
    [[ "$output" == "ds-prune: latency.npu mixes values of profile 'dpu' and "* ]]
    [ ! -e pruned.json ]
    judge dpu.dss
}

@test "looking again: each look is the stricter, what went stays gone, and what is open is told" {
    for i in 1 2; do
        ds-sample ofa-mbv3 -n 8 --seed $i | ds-affix --all --all-depths | ds-measure-cost >$i.dss
    done
    cuts() { grep -c '^unit ' "$1"; }
    prune() { ds-prune ofa-mbv3 --better params --worse macs --explain "$@"; }
    prune 1.dss -o s1.json 2>one
    prune --looks 1000 1.dss -o s2.json 2>many
    [ "$(cuts many)" -gt 0 ] && [ "$(cuts many)" -lt "$(cuts one)" ]

    prune --looks 2 --most 16 --settled fates --open open 1.dss -o first.json 2>told
    [[ "$(head -1 told)" == "after 8 bases of at most 16: of 55 choices that might go, $(cuts told) go, "* ]]
    [ "$(awk -F'\t' '$4 == "goes"' fates | wc -l)" = "$(cuts told)" ]
    awk -F'\t' 'NF != 5 || (NR > 1 && ($4 == "open") && $5 == "-" && $3 !~ /depth/) { exit 1 }' fates
    # what is open, and what it is open against, is what ds-affix is to measure
    [ -s open ]
    mapfile -t options <open
    ds-sample ofa-mbv3 -n 8 --seed 3 | ds-affix "${options[@]}" | ds-measure-cost >3.dss
    [ "$(ds-show -t 3.dss | tail -n +2 | wc -l)" = $((8 * ($(wc -l <open) + 1))) ]
    prune --looks 2 --most 16 --settled fates2 --earlier first.json 1.dss 3.dss -o second.json 2>told2
    [[ "$(grep ^after told2)" == "after 16 bases of at most 16: "*", 0 open" ]]
    gone() { awk -F'\t' '$4 == "goes" { print $1, $3 }' "$1" | sort; }
    [ "$(comm -23 <(gone fates) <(gone fates2) | wc -l)" = 0 ]
    [ "$(cuts told2)" = "$(gone fates2 | wc -l)" ]
    # even where the later evidence alone would not say it
    prune --earlier first.json 2.dss -o third.json 2>told3
    [ "$(comm -23 <(grep ^unit told | sort) <(grep ^unit told3 | sort) | wc -l)" = 0 ]

    ds-aggregate -q --effect --by unit,block 1.dss >g.dss
    run -1 ds-prune ofa-mbv3 --worse macs --most 20 g.dss
    [[ "$output" == "ds-prune: --most: groups do not say how many bases "* ]]
    run -2 ds-prune ofa-mbv3 --worse macs --settled x 1.dss
    run -2 ds-prune ofa-mbv3 --drop 'kernel==7' --looks 2
    run -1 ds-prune ofa-mbv3 --worse macs --earlier none.json 1.dss
}

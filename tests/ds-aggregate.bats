# shellcheck disable=SC2154 # stderr is set by run
bats_require_minimum_version 1.5.0
load needs

# Streams with known answers: metrics come in through ds-import, affixes by ds-affix.
setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ds-sample ofa-mbv3 -n 8 | ds-affix --all | ds-measure-cost >all.dss
    ds-show --json all.dss >all.json
}

# statistics KEY...: n, mean and the clustered interval of macs for each group, by another program
statistics() {
    python3 - "$@" <<'END'
import collections, json, math, sys
T = {7: 2.364624251592785}  # Student's t, 95%, 7 degrees of freedom (tables)
what, keys = sys.argv[1], sys.argv[2:]
base, groups = {}, collections.defaultdict(list)
rows = [json.loads(line) for line in open("all.json")]
for r in rows:
    if "affix" not in r:
        base[r["id"]] = r["metrics"]["macs"]
place, whole = collections.defaultdict(list), []
for r in rows:
    if "affix" in r:
        place[r["base"], r["affix"]["site"]].append(r["metrics"]["macs"])
        whole.append((r["base"], r["metrics"]["macs"]))
of_all = math.fsum(x for _, x in whole) / len(whole)
for r in rows:
    if "affix" not in r:
        continue
    site, block = r["affix"]["site"], r["affix"]["choice"]
    unit, layer = site[4:].split(".layer")
    _, e, k = block.split("_")
    have = dict(unit=unit, layer=layer, block=block, expand=e[1:], kernel=k[1:],
                resolution=str(r["arch"]["resolution"]))
    siblings = place[r["base"], site]
    x = r["metrics"]["macs"] - {"response": 0, "base": base[r["base"]], "mean": 0,
                                "siblings": math.fsum(siblings) / len(siblings)}[what]
    groups[tuple(have[key] for key in keys)].append((r["base"], x))
for key, values in groups.items():
    n = len(values)
    mean = math.fsum(x for _, x in values) / n
    clusters = collections.defaultdict(float)
    for b, x in values:
        clusters[b] += (x - mean) / n
    for b, x in whole if what == "mean" else []:
        clusters[b] -= (x - of_all) / len(whole)
    g = len(clusters)
    half = T[g - 1] * math.sqrt(g / (g - 1) * sum(s * s for s in clusters.values())) if g == 8 else 0
    print(*key, n, g, "%.6f" % (mean - (of_all if what == "mean" else 0)), "%.6f" % half)
END
}

ours() {
    ds-show -t -c "$1,macs:n,macs:bases,macs,macs:lo,macs:hi" |
        awk -F'\t' -v k="$(tr -cd , <<<"$1" | wc -c)" 'NR > 1 {
            for (i = 1; i <= k + 3; i++) printf "%s ", $i
            printf "%.6f %.6f\n", $(k + 4), ($(k + 6) - $(k + 5)) / 2 }'
}

# same A B: the same lines, numbers within a millionth
same() {
    paste -d' ' <(sort "$1") <(sort "$2") | awk '{ if (NF % 2) exit 1
        for (i = 1; i <= NF / 2; i++) { a = $i; b = $(i + NF / 2)
            if (a != b && !(a ~ /[.]/ && (a - b) ^ 2 < 1e-10)) { print; exit 1 } } }' && [ -s "$1" ] &&
        [ "$(wc -l <"$1")" -eq "$(wc -l <"$2")" ]
}

@test "responses and their clustered intervals against another program" {
    for keys in expand,kernel unit,block unit,layer,block; do
        # shellcheck disable=SC2086
        statistics response ${keys//,/ } >theirs
        ds-aggregate --by $keys all.dss | ours $keys >ours
        same theirs ours
    done
}

@test "effects and their intervals against another program: from base, siblings and mean" {
    for keys in expand,kernel unit,block; do
        for what in base siblings mean; do
            # shellcheck disable=SC2086
            statistics $what ${keys//,/ } >theirs
            ds-aggregate --effect --against $what --by $keys all.dss >$what.dss
            ours $keys <$what.dss >ours
            same theirs ours
            ds-show --json $what.dss | head -1 | grep -q '"against": *"'$what'"'
        done
        # unless given: from siblings
        cmp <(ds-show --json siblings.dss) <(ds-aggregate --effect --by $keys all.dss | ds-show --json)
    done
    # parts are joined to the same
    for what in siblings mean; do
        for k in 1 2; do
            ds-sample ofa-mbv3 -n 8 --shard $k/2 | ds-affix --all | ds-measure-cost |
                ds-aggregate --effect --against $what --by unit,block --partial -o part$k.dss
        done
        cmp <(ds-aggregate --merge part1.dss part2.dss | ds-show --json) \
            <(ds-sample ofa-mbv3 -n 8 | ds-affix --all | ds-measure-cost |
                ds-aggregate --effect --against $what --by unit,block | ds-show --json)
    done
}

@test "siblings: what is not all there, or could not be measured, is left out and told; in little memory too" {
    ds-sample ofa-mbv3 -n 40 | ds-affix --all | ds-measure-cost >forty.dss
    # 7280 values wait: with --keep 1000 they are taken off along the way, to the same
    effects() { ds-aggregate --effect --by unit,block "$@" | ds-show -t -c unit,block,macs,macs:lo,macs:hi,macs:n; }
    effects forty.dss >all
    effects --keep 1000 forty.dss >little
    # but for random groups, the means and counts
    cmp <(cut -f 1-3,6 all) <(cut -f 1-3,6 little)
    ds-cat --shuffle forty.dss >shuffled.dss
    effects shuffled.dss | cmp all -
    run -1 ds-aggregate --effect --by unit,block --keep 1000 shuffled.dss
    [[ "$output" == *"do not come together: more of them have to be kept than --keep says" ]]

    # one copy less, and its eight siblings have none
    id=$(ds-show --json forty.dss | python3 -c 'import json, sys
print(next(r["id"] for r in map(json.loads, sys.stdin) if r.get("affix", {}).get("site") == "unit2.layer1"))')
    ds-show --json forty.dss | grep -v "\"id\": *\"$id\"" | ds-import json --space ofa-mbv3 >less.dss
    run -0 --separate-stderr ds-aggregate --effect --by layer,kernel less.dss -o less
    [[ "$stderr" == "ds-aggregate: left out: "*" values have no siblings: not all that is affixed at their site to other bases is there, and measured" ]]
    # depth 2 alone has no alternative
    ds-sample ofa-mbv3 -n 3 | ds-affix --depth 0,2 | ds-measure-cost >only.dss
    run -1 ds-aggregate --effect --by depth only.dss
    [[ "$output" == "ds-aggregate: all values have no siblings: "*"; run ds-affix with --all, or give --against base" ]]
    run -2 ds-aggregate --effect --against me --by depth only.dss
    run -2 ds-aggregate --effect --by unit,layer all.dss
    [[ "$output" == *"--by unit,layer: siblings are in one group"* ]]
    run -2 ds-aggregate --against base --by depth only.dss
}

@test "a base may come after what was affixed to it" {
    ds-sample ofa-mbv3 -n 1 | ds-measure-cost >base.dss
    ds-affix --depth 0,2 base.dss | ds-measure-cost >pair.dss
    # a copy of the copy, under a base that only comes in the next file
    ds-affix --depth 0,4 pair.dss | ds-measure-cost >chain.dss
    copy=$(ds-show -t -c base chain.dss | tail -1)
    arch=$(ds-export ofa pair.dss | tail -1)
    echo "$arch" | ds-import ofa --space ofa-mbv3 >control.dss
    [ "$(ds-show -t -c id control.dss | tail -1)" = "$copy" ]
    run -0 ds-aggregate --effect --against base --by depth chain.dss control.dss -o late.dss
    [ "$(ds-show -t -c macs:n late.dss | tail -1)" -eq 2 ]
}

@test "a missing base is an error that names it" {
    # what is affixed to a copy has the copy as its base, which is no control in the stream
    ds-sample ofa-mbv3 -n 1 | ds-affix --depth 0,2 | ds-affix --depth 0,4 | ds-measure-cost >chain.dss
    id=$(ds-show -t -c base chain.dss | tail -1)
    run -1 ds-aggregate --effect --against base --by depth chain.dss
    [ "$output" = "ds-aggregate: an effect needs the base: the record of base $id is not in the stream" ]
}

@test "--occurring counts what is in each architecture" {
    ds-sample ofa-mbv3 -n 300 | ds-measure-cost >plain.dss
    ds-aggregate --occurring --by resolution plain.dss | ds-show -t -c resolution,macs:n,macs >got
    ds-show -t -c resolution,macs plain.dss | awk 'NR > 1 { n[$1]++; s[$1] += $2 }
        END { for (r in n) printf "%s\t%d\t%.6f\n", r, n[r], s[r] / n[r] }' | sort >want
    diff <(awk 'NR > 1 { printf "%s\t%d\t%.6f\n", $1, $2, $3 }' got | sort) want
    [ "$(ds-aggregate --occurring --by unit,depth plain.dss | ds-show --json | wc -l)" -eq 15 ]
}

@test "groups are in the space's order, kernels and expansions ascending" {
    [ "$(ds-aggregate --by expand,kernel all.dss | ds-show -t -c expand,kernel | tail -n +2 | tr '\t\n' ': ')" = \
        "3:3 3:5 3:7 4:3 4:5 4:7 6:3 6:5 6:7 " ]
}

@test "one base gives no interval, rather than a made-up one" {
    ds-sample ofa-mbv3 -n 1 | ds-affix --all | ds-measure-cost | ds-aggregate --by block | ds-show --json >one
    run ! grep -q '"lo"' one
    grep -q '"bases":1' one
}

@test "mixing devices is told" {
    needs_engine onednn
    [ "$(nproc)" -gt 1 ] || skip "one processor"
    printf '%s\n' '{"ks":3,"e":3,"d":2,"r":160,"m":1}' | ds-import ofa --space ofa-mbv3 >a.dss
    ds-measure-cpu --max-runs 1 --burst 1 -q a.dss >b.dss
    ds-measure-cpu --max-runs 1 --burst 1 -q --threads 2 a.dss >c.dss
    run -0 ds-aggregate --occurring --by resolution -o x b.dss c.dss
    [[ "$output" == "ds-aggregate: latency.cpu mixes values of threads '1' and '2': aggregate them apart" ]]
    # the result says what is true of all values, and only that
    ds-aggregate --occurring --by resolution b.dss | ds-show --json | grep -q '"threads":1[,}]'
    ds-show --json x >x.json
    run ! grep -q '"threads"' x.json
    grep -q '"batch":1[,}]' x.json
    grep -q '"engine":"' x.json

    # a latency of nobody knows where is none of this engine's
    echo '{"ks":3,"e":3,"d":2,"r":160,"latency.cpu":5}' | ds-import ofa --space ofa-mbv3 >d.dss
    run -1 ds-aggregate --occurring --by resolution -o y b.dss d.dss
    [[ "$output" == "ds-aggregate: latency.cpu: only some of its values say their "*": aggregate them apart"* ]]
    [ ! -e y ]
}

@test "values of different profiles, models and programs are not averaged" {
    ds-prune ofa-mbv3 --resolution 224 >at224.json
    ds-sample ./at224.json -n 2 | ds-affix -b 0,0,mbconv3_e3_k3 >in.dss
    for p in dpu kirin9000-ofa-mbv3; do ds-measure-npu --profile $p -o $p.dss in.dss; done
    ds-measure-npu --model dpu-b2304 -o model.dss in.dss
    printf '#!/bin/sh\necho 5\n' >five
    chmod +x five
    ds-measure-npu --exec ./five --format none -o five.dss in.dss
    run -1 ds-aggregate --by block dpu.dss kirin9000-ofa-mbv3.dss -o x
    [ "$output" = "ds-aggregate: latency.npu mixes values of profile 'dpu' and 'kirin9000-ofa-mbv3': aggregate them apart, or measure under names of their own (--as)" ]
    run -1 ds-aggregate --by block dpu.dss model.dss -o x
    [[ $output == "ds-aggregate: latency.npu: only some of its values say their "* ]]
    run -1 ds-aggregate --effect --by block dpu.dss five.dss -o x
    [[ $output == "ds-aggregate: latency.npu: only some of its values say their "* ]]
    [ ! -e x ]
    # a profile of the same name, but other numbers
    sed 's/"intercept": /&1/' "$DSTOOLS_SCHEMAS/devices/dpu.json" >other.json
    ds-measure-npu --profile ./other.json -o other.dss in.dss
    run -1 ds-aggregate --by block dpu.dss other.dss -o x
    [[ $output == *"mixes values of profile_hash "* ]]
    # what all have in common is kept
    ds-aggregate --by block dpu.dss | ds-show --json | grep -q '"profile":"dpu"'
}

@test "of several runs in one stream none is compared with another's base" {
    needs_engine onednn
    ds-sample ofa-mbv3 -n 2 | ds-affix -b 0,0,mbconv3_e3_k3 -b 0,0,mbconv3_e6_k7 >pairs.dss
    for run in 1 2; do
        ds-measure-cpu -q --max-runs 1 --burst 1 pairs.dss >run$run.dss
        ds-aggregate --effect --by block run$run.dss | ds-show -t -c block,latency.cpu | tail -n +2 >run$run
    done
    ds-aggregate --effect --by block run1.dss run2.dss | ds-show -t -c block,latency.cpu,latency.cpu:n | tail -n +2 >both
    [ "$(wc -l <both)" -eq 2 ]
    # as many records of either run: the mean of what each says alone
    paste run1 run2 both | awk '{ want = ($2 + $4) / 2
        if ($1 != $5 || $7 != 4 || ($6 - want) ^ 2 > 1e-18) { print; exit 1 } }'
}

@test "a metric that some records lack is averaged over the others" {
    ds-sample ofa-mbv3 -n 1 --seed 5 | ds-affix --depth 0,2 >without.dss
    ds-sample ofa-mbv3 -n 3 | ds-affix --depth 0,2 | ds-measure-cost >with.dss
    [ "$(ds-aggregate --by depth without.dss with.dss | ds-show -t -c macs:n,macs | tail -1)" = \
        "$(ds-aggregate --by depth with.dss | ds-show -t -c macs:n,macs | tail -1)" ]
    [ "$(ds-aggregate --by depth without.dss with.dss | ds-show -t -c macs:n | tail -1)" -eq 3 ]
}

@test "an effect on a metric that the base lacks is an error that names both" {
    ds-sample ofa-mbv3 -n 1 | ds-affix --depth 0,2 >pair.dss
    ds-measure-cost pair.dss >cost.dss
    # the copy's copy has MACs; its base, the control of another stream, has none
    ds-affix --depth 0,4 pair.dss | ds-measure-cost >chain.dss
    id=$(ds-show -t -c base chain.dss | tail -1)
    ds-export ofa pair.dss | tail -1 | ds-import ofa --space ofa-mbv3 >bare.dss
    run -1 ds-aggregate --effect --against base --by depth chain.dss bare.dss
    [ "$output" = "ds-aggregate: an effect needs the base: metric macs of base $id is not in the stream" ]
}

@test "a base that could not be measured: its effects are left out, and told" {
    ds-sample ofa-mbv3 -n 3 | ds-affix -b 0,0,mbconv3_e3_k3 >a.dss
    base=$(ds-show --json a.dss | python3 -c 'import json, sys
print(next(r["id"] for r in map(json.loads, sys.stdin) if "affix" not in r))')
    printf '#!/bin/sh\n[ "$DSTOOLS_ID" != %s ] && echo 5\n' "$base" >runner
    chmod +x runner
    run -1 ds-measure-npu --exec ./runner --format none -o b.dss a.dss
    run -0 ds-aggregate --effect --against base --by unit,block -o c.dss b.dss
    [[ $output == *"1 records have metrics that could not be measured"* ]]
    ds-show --json c.dss | grep -q '"n": *2'
}

@test "streams of two design spaces are not averaged together" {
    ds-sample proxylessnas -n 1 | ds-affix --depth 0,2 | ds-measure-cost >other.dss
    run -1 ds-aggregate --by unit all.dss other.dss
    [[ "$output" == "ds-aggregate: other.dss: "*": a second design space: proxylessnas after ofa-mbv3; aggregate them apart" ]]
    # of one space, however, streams add up: twice the values, the same mean but for rounding
    paste <(ds-aggregate --by block all.dss | ds-show -t -c macs:n,macs) \
        <(ds-aggregate --by block all.dss all.dss | ds-show -t -c macs:n,macs) | awk 'NR > 1 {
            if ($3 != 2 * $1 || ($4 / $2 - 1) ^ 2 > 1e-24) { print; exit 1 } }
            END { if (NR != 10) exit 1 }'
}

@test "the output says how it was made" {
    ds-aggregate --by unit all.dss | ds-show --heads >heads
    for tool in ds-sample ds-affix ds-measure-cost ds-aggregate; do
        grep -q "$tool" heads
    done
}

# part K OPTION...: a third of all.dss's samples, measured, and its partial result
part() {
    ds-sample ofa-mbv3 -n 60 --shard "$1/3" | ds-affix --all | ds-measure-cost >"records$1.dss"
    ds-aggregate "${@:2}" --partial -o "part$1.dss" "records$1.dss"
}

@test "partial results are merged to what all records give, to the last digit" {
    for options in "--effect --by unit,layer,block" "--by choice --keep 1000" \
        "--occurring --by unit,block --keep 2000" "--effect --by expand,kernel --keep 1000"; do
        for k in 1 2 3; do
            # shellcheck disable=SC2086
            part $k $options
        done
        # shellcheck disable=SC2086
        ds-aggregate $options records[123].dss | ds-show --json >at-once
        ds-aggregate --merge part3.dss part1.dss part2.dss | ds-show --json >merged
        cmp at-once merged
        ds-aggregate --merge --partial part3.dss part2.dss | ds-aggregate --merge part1.dss - | ds-show --json >in-steps
        cmp at-once in-steps
        case $options in # what had no room is told
        *1000* | *2000*) grep -q '"q_error":' merged && grep -q '"random_groups":' merged ;;
        *) run ! grep -qE 'q_error|random_groups' merged ;;
        esac
    done
    # all of it can be looked at as any group
    diff <(ds-aggregate --effect --by expand,kernel --keep 1000 records1.dss | ds-show -t -c expand,macs) \
        <(ds-show -t -c expand,macs part1.dss)
    ds-show part1.dss | grep -qE '[0-9]+ bytes$'
}

@test "bases and groups that parts share are joined" {
    ds-aggregate --by unit,block all.dss | ds-show --json >at-once
    # every record of a base in another part: of each the same 8 bases
    for k in 0 1 2; do
        ds-show --json all.dss | awk "NR % 3 == $k" | ds-import json --space ofa-mbv3 -q |
            ds-aggregate --by unit,block --partial -o "part$k.dss"
    done
    ds-aggregate --merge part0.dss part1.dss part2.dss | ds-show --json >merged
    cmp at-once merged
    [ "$(ds-show -t -c macs:bases <(ds-aggregate --merge part?.dss) | sort -u | tail -1)" = macs:bases ]
    grep -q '"bases":8,' merged
}

@test "with little room, quantiles are within their stated error, and the rest is exact" {
    ds-sample ofa-mbv3 -n 3000 | ds-measure-cost >plain.dss
    ds-aggregate --occurring --by unit,depth plain.dss | ds-show --json >exact
    ds-aggregate --occurring --by unit,depth --keep 3000 plain.dss | ds-show --json >little
    python3 - <<'END'
import json
widths = []
for a, b in zip(map(json.loads, open("exact")), map(json.loads, open("little"))):
    for name, x in a["metrics"].items():
        y = b["metrics"][name]
        assert 0 < y["q_error"] < 0.02 and "q_error" not in x
        assert all(x[k] == y[k] for k in ("value", "n", "sd", "min", "max")), (x, y)
        for k in ("q01", "q05", "q95", "q99"):
            assert abs(x[k] - y[k]) <= y["q_error"] * 1.1 * x[k], (k, x, y)
        assert y["random_groups"] <= 64 and abs(y["bases"] / x["bases"] - 1) < 0.4
        widths.append((y["hi"] - y["lo"]) / (x["hi"] - x["lo"]))
assert len(widths) == 45 and abs(sum(widths) / 45 - 1) < 0.1, widths
END
}

@test "effects whose bases no longer wait" {
    ds-sample ofa-mbv3 -n 30 | ds-affix --all | ds-measure-cost >many.dss
    ds-aggregate --effect --by unit,block many.dss | ds-show -t -c unit,block,macs,macs:n,macs:sd >exact
    ds-aggregate --effect --by unit,block --keep 1000 many.dss | ds-show -t -c unit,block,macs,macs:n,macs:sd >little
    diff exact little
}

@test "what cannot be merged is refused" {
    ds-aggregate --by unit --partial -o a.dss all.dss
    ds-aggregate --by block --partial -o b.dss all.dss
    ds-aggregate --by unit --keep 5000 --partial -o c.dss all.dss
    run -1 ds-aggregate --merge a.dss b.dss
    [[ $output == *"b.dss: record 1, "*"made by other options than the part before it: --by block --keep 1048576" ]]
    run -1 ds-aggregate --merge a.dss c.dss
    [[ $output == *"made by other options than the part before it: --by unit --keep 5000" ]]
    for what in base mean; do ds-aggregate --by unit -e --against $what --partial -o $what.dss all.dss; done
    run -1 ds-aggregate --merge base.dss mean.dss
    [[ $output == *"made by other options than the part before it: --by unit --effect --against mean --keep 1048576" ]]
    run -1 ds-aggregate --merge all.dss
    [[ $output == *": no partial result, as ds-aggregate --partial writes it" ]]
    for direction in better worse; do ds-pareto --$direction macs --top 4 -o $direction.dss a.dss; done
    run -1 ds-aggregate --merge worse.dss
    [[ $output == *"partial results are not whole: a part's first group is missing" ]]
    run -1 ds-aggregate --merge better.dss
    [[ $output == *"partial results are not whole: 4 groups came, of 5" ]]
    run -2 ds-aggregate --merge --by unit a.dss
    [[ $output == *"--merge takes --by, --effect, --occurring and --keep from the parts"* ]]
    ds-sample proxylessnas -n 3 | ds-affix --all | ds-measure-cost | ds-aggregate --by unit --partial -o other.dss
    run -1 ds-aggregate --merge a.dss other.dss
    [[ $output == *"a second design space: proxylessnas after ofa-mbv3"* ]]
}

@test "parts of different devices are not merged" {
    ds-sample ofa-mbv3 -n 3 --seed 4 | ds-affix --depth 0,2 >in.dss
    for d in dpu kirin9000-lite; do
        ds-measure-npu -q --model kirin9000-lite in.dss | ds-show --json | sed "s/\"model\":\"[^\"]*\"/\"model\":\"$d\"/" |
            ds-import json --space ofa-mbv3 -q | ds-aggregate --by depth --partial -o "$d.dss"
    done
    run -1 ds-aggregate --merge dpu.dss kirin9000-lite.dss -o x
    [ "$output" = "ds-aggregate: latency.npu mixes values of model 'dpu' and 'kirin9000-lite': aggregate them apart, or measure under names of their own (--as)" ]
    run -0 ds-aggregate --merge dpu.dss dpu.dss
}

@test "the provenance has the inputs of all files, each once, and not those of the last alone" {
    for seed in 4 5; do ds-sample ofa-mbv3 -n 1 --seed $seed | ds-affix --depth 0,2 | ds-measure-cost >$seed.dss; done
    ds-aggregate --by depth -o a.dss 4.dss 5.dss 4.dss
    cmp <(ds-show --heads a.dss | sed -nE 's/^( +ds-[a-z-]+) [0-9.]+:/\1:/; 2,$p') - <<'END'
  input 1:
    ds-sample: --number 1 --seed 4 ofa-mbv3
    ds-affix: --depth 0,2
    ds-measure-cost:
  input 2:
    ds-sample: --number 1 --seed 5 ofa-mbv3
    ds-affix: --depth 0,2
    ds-measure-cost:
  ds-aggregate: --by depth 4.dss 5.dss 4.dss
  1 records in 1 blocks
END
    for ((seed = 1; seed <= 70; seed++)); do ds-sample ofa-mbv3 -n 1 --seed $seed -q; done |
        ds-affix --depth 0,2 | ds-measure-cost >many.dss
    ds-aggregate --by depth many.dss | ds-show --heads | grep -qx '  and 6 more inputs'
    ds-aggregate --by depth 4.dss | ds-show --heads | sed -n 2p | grep -q '^  ds-sample '
}

@test "errors" {
    run -2 ds-aggregate all.dss
    [[ "$output" == *"wants --by KEYS"* ]]
    run -2 ds-aggregate --by colour all.dss
    [[ "$output" == *"--by: 'colour' is no key; keys are unit, layer"* ]]
    run -2 ds-aggregate --by unit,unit all.dss
    [[ "$output" == *"'unit' is there twice"* ]]
    ds-sample ofa-mbv3 -n 3 | ds-measure-cost >plain.dss
    run -1 ds-aggregate --by block plain.dss
    [[ "$output" == *"no record has block affixed; run ds-affix first, or give --occurring" ]]
    run -0 ds-aggregate --by depth -o x <(ds-affix --depth 0,2 -b 0,0,mbconv3_e3_k3 plain.dss)
    [[ "$output" == "ds-aggregate: left out 3 records that lack a key of depth" ]]
    run -1 ds-aggregate --by block <(ds-aggregate --by block all.dss)
    [[ "$output" == *"no architecture; is this an aggregated stream?" ]]
}

# A measured stream as of another session or host: `factor` times slower, and with a fourth argument
# large networks by another power of it than small ones.
slower() {
    ds-show --json "$1" | jq -c --argjson f "$2" --arg host "$3" --argjson power "${4:-1}" '
        def slow: $f * pow(.; $power);
        .metrics["latency.cpu"] |= (.value |= slow | .lo |= slow | .hi |= slow | .ref |= slow |
            .ref_first |= slow | .ref_last |= slow | .device = $host)' |
        ds-import json --space ofa-mbv3 -q
}

@test "--relative: sessions come to the scale of the first, by their reference networks" {
    needs_engine onednn
    ds-sample ofa-mbv3 -n 1 --seed 3 | ds-affix --depth 0,2 --depth 1,2 --depth 2,3 |
        ds-measure-cpu -q -m 3 --device here -o here.dss
    slower here.dss 1.5 there >there.dss
    run -1 ds-aggregate --by depth here.dss there.dss
    [[ "$output" == *"latency.cpu mixes values of device 'here' and 'there'"* ]]
    value() { ds-show -t -c latency.cpu | tail -n +2 | awk '{ printf "%.9g ", $1 }'; }
    want=$(ds-aggregate --by depth here.dss | value)
    [ "$(ds-aggregate --relative --by depth here.dss there.dss | value)" = "$want" ]
    ds-aggregate --relative --by depth here.dss there.dss | ds-show --json | grep -qF '"device":"relative to here"'
    [ "$(ds-aggregate --relative --by depth there.dss here.dss | value)" = \
        "$(ds-aggregate --by depth there.dss | value)" ]
    # small networks may suffer more than large ones
    slower here.dss 2 there 0.9 >steeper.dss
    [ "$(ds-aggregate --relative --by depth here.dss steeper.dss | value)" = "$want" ]
    # where only the mean of the references is known, it alone counts
    alone() { ds-show --json "$1" | jq -c '.metrics["latency.cpu"] |= del(.ref_last)' | ds-import json --space ofa-mbv3 -q; }
    [ "$(ds-aggregate --relative --by depth here.dss <(alone there.dss) | value)" = "$want" ]
    [ "$(ds-aggregate --relative --by depth here.dss <(alone steeper.dss) | value)" != "$want" ]
    # whatever the latency is called, and its blocks with it
    named() { ds-show --json "$1" | jq -c '.metrics = {"latency.my.phone": .metrics["latency.cpu"],
        "latency.my.phone.stem0": {"value": (.metrics["latency.cpu"].value / 2)}}' | ds-import json --space ofa-mbv3; }
    ds-aggregate --relative --by depth <(named here.dss) <(named there.dss) | ds-show --json |
        jq -e -s --argjson want "$(ds-aggregate --by depth <(named here.dss) | ds-show --json | jq -s 'map(.metrics | map_values(.value))')" \
        '[map(.metrics | map_values(.value)), $want] | map(map(to_entries[].value)) | transpose | all((.[0] - .[1]) * 1e9 | fabs < 1)'
    # fronts: the same networks are no worse there
    ds-compare --tsv --relative --worse latency.cpu --worse params here=<(ds-measure-cost here.dss) \
        there=<(ds-measure-cost there.dss) | awk -F'\t' 'NR == 3 { exit !(($2 - $5) ^ 2 < 1e-12 * $2 ^ 2) }'
}

@test "--relative is refused without ref, with other references, and of parts" {
    needs_engine onednn
    ds-sample ofa-mbv3 -n 1 --seed 3 | ds-affix --depth 0,2 | ds-measure-cpu -q -m 1 -o here.dss
    change() { ds-show --json here.dss | jq -c ".metrics[\"latency.cpu\"] |= $1" | ds-import json --space ofa-mbv3 -q; }
    run -1 ds-aggregate --relative --by depth <(change 'del(.ref)')
    [[ "$output" == *"record 1, byte "*": --relative: latency.cpu has no ref: it is not relative to any reference networks" ]]
    run -1 ds-aggregate --relative --by depth here.dss <(change '(.refs = 1)')
    [[ "$output" == *": --relative: latency.cpu is relative to 1 reference networks, the first to 3" ]]
    run -1 ds-fit --relative latency.cpu --name m --device none <(change 'del(.ref)')
    [[ "$output" == *": --relative: latency.cpu has no ref"* ]]
    ds-sample ofa-mbv3-w1.0 -n 1 | ds-measure-cpu -q -m 1 -o other.dss
    run -1 ds-compare --relative --worse latency.cpu here.dss other.dss
    [[ "$output" == *"a second design space, ofa-mbv3-w1.0: it has other reference networks"* ]]
    run -2 ds-aggregate --relative --by depth --partial here.dss
    [[ "$output" == *"--relative: parts would be relative to different records"* ]]
}

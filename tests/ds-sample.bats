bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    cat >tiny.json <<'END'
{"dstools_space": 1, "name": "tiny", "resolution": [32, 64],
 "blocks": [{"name": "a", "type": "mbconv", "expand": 3, "kernel": 3},
            {"name": "b", "type": "mbconv", "expand": 6, "kernel": 3}],
 "stem": [], "units": [{"width": 8, "depth": [1, 2]}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
}

ids() {
    ds-show -t -c id | tail -n +2
}

@test "the same seed gives the same bytes, another seed others" {
    cmp <(ds-sample ofa-mbv3 -n 500 --seed 5) <(ds-sample ofa-mbv3 -n 500 --seed 5)
    run ! cmp -s <(ds-sample ofa-mbv3 -n 500 --seed 5) <(ds-sample ofa-mbv3 -n 500 --seed 6)
}

@test "a shard is that part of the whole, whatever is asked for" {
    for more in "" "--unique" "--max macs=300" "--unique --min params=6 --max peakmem=5"; do
        # shellcheck disable=SC2086
        ds-sample ofa-mbv3 -n 103 $more | ids >whole
        for k in 1 2 3 4; do
            # shellcheck disable=SC2086
            ds-sample ofa-mbv3 -n 103 --shard $k/4 $more | ids
        done >parts
        cmp whole parts
        [ "$(wc -l <whole)" -eq 103 ]
    done
}

@test "the first records do not depend on how many are drawn" {
    cmp <(ds-sample ofa-mbv3 -n 10 | ids) <(ds-sample ofa-mbv3 -n 1000 | ids | head -10)
}

@test "uniform over each site's choices" {
    ds-sample ofa-mbv3 -n 20000 | ds-show -t -c resolution,arch | tail -n +2 >rows
    # chi-square of resolutions (4 degrees of freedom) and of unit 0's depth (2): 99.9% quantiles
    awk '{ r[$1]++; split($2, u, "|"); d[gsub(",", ",", u[1]) + 1]++ }
        END { for (i in r) a += (r[i] - 4000) ^ 2 / 4000
              for (i in d) b += (d[i] - NR / 3) ^ 2 / (NR / 3)
              print a, b, length(r), length(d); exit !(a < 18.47 && b < 13.82 && length(r) == 5 && length(d) == 3) }' rows
}

@test "limits hold" {
    ds-sample ofa-mbv3 -n 200 --max macs=250 --min macs=200 | ds-measure-cost | ds-show -t -c macs |
        awk 'NR > 1 && ($1 > 250 || $1 < 200) { bad = 1 } END { exit bad || NR != 201 }'
}

@test "--unique: all of a small space, and no more" {
    # 2 resolutions x (2 + 4)
    [ "$(ds-sample tiny.json -n 12 --unique | ids | sort -u | wc -l)" -eq 12 ]
    run -1 ds-sample tiny.json -n 13 --unique -o x
    [ "$output" = "ds-sample: space tiny holds only 12 architectures: cannot draw 13 unique ones" ]
    [ "$(ds-sample tiny.json -n 100 | ids | sort -u | wc -l)" -eq 12 ]
}

@test "limits that nothing keeps end with a message" {
    run -1 ds-sample tiny.json -n 1 --max macs=0.000001 -o x
    [[ "$output" == "ds-sample: record 1: nothing within the limits in 1000000 draws"* ]]
}

@test "bad usage" {
    run -2 ds-sample ofa-mbv3
    [[ "$output" == *"wants -n N"* ]]
    run -2 ds-sample -n 3
    [[ "$output" == *"wants one SPACE"* ]]
    for bad in "-n x" "-n -3" "-n 3 --shard 0/2" "-n 3 --shard 3/2" "-n 3 --shard 1" \
        "-n 3 --shard 1/2x" "-n 3 --max macs" "-n 3 --max top1=70" "-n 3 --max macs=much" "-n 3 --nope"; do
        # shellcheck disable=SC2086
        run -2 ds-sample ofa-mbv3 $bad
        [[ "${lines[0]}" == "ds-sample: "* ]]
    done
}

@test "unknown and invalid spaces" {
    run -1 ds-sample no-such-space -n 1 -o x
    [[ "$output" == "ds-sample: no 'no-such-space' among the spaces ("*" ofa-mbv3"[,\)]* ]]
    run -1 ds-sample ./nowhere.json -n 1 -o x
    [ "$output" = "ds-sample: ./nowhere.json: No such file or directory" ]
    sed 's/"depth"/"deepness"/' tiny.json >bad.json
    run -1 ds-sample bad.json -n 1 -o x
    [ "$output" = "ds-sample: bad.json: units[0].deepness: unknown key" ]
}

@test "what was drawn before the draws gave out is passed on" {
    # only some of the 12 keep the limit
    run -1 ds-sample tiny.json -n 12 --unique --max params=0.0014 -o some.dss
    [ ! -e some.dss ]
    n=$(ds-show --piece -t -c id some.dss.part.* | tail -n +2 | wc -l)
    [ "$n" -gt 0 ]
    [ "${lines[0]}" = "ds-sample: record $((n + 1)): nothing new within the limits in 1000000 draws; ask for fewer records or looser limits" ]
    [ "$(ds-sample tiny.json -n 12 --unique | ds-measure-cost | ds-show -t -c params | awk 'NR > 1 && $1 <= 0.0014' | wc -l)" -eq "$n" ]
}

@test "shards of numbers that cannot be divided, and of great ones" {
    for n in 0 1 5; do
        ds-sample ofa-mbv3 -n $n | ids >whole
        for k in 1 2 3 4 5 6 7; do ds-sample ofa-mbv3 -n $n --shard $k/7 | ids; done | cmp whole -
    done
    # the last of 2^63 records, drawn without those before it
    [ "$(ds-sample ofa-mbv3 -n 9223372036854775808 --shard 9223372036854775808/9223372036854775808 | ids | wc -l)" -eq 1 ]
    run -2 ds-sample ofa-mbv3 -n 18446744073709551616 -o x
    [ "$output" = "ds-sample: --number: must be 18446744073709551615 or less" ]
    for bad in " 1/2" "+1/2" 1/ /2 1/2/3 1-2 ""; do
        run -2 ds-sample ofa-mbv3 -n 3 --shard "$bad" -o x
        [[ "$output" == "ds-sample: --shard: '"*"' is not "* ]]
    done
}

bats_require_minimum_version 1.5.0

# Faults of streams through the tools: message and status of each.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ds-sample ofa-mbv3 -n 9000 -q -o whole.dss # two blocks
}

# Runs a command; expects its status, and its standard error in $said.
fails_with() {
    local want=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    said=$(<err)
    [ "$status" -eq "$want" ] || { echo "status $status, said: $said"; return 1; }
    [ "$(wc -l <err)" -eq 1 ] || { echo "not one line: $said"; return 1; }
}

@test "truncated: what came before is passed on, then a message and status 1" {
    head -c -100 whole.dss >cut.dss
    fails_with 1 ds-measure-cost -q cut.dss
    [[ $said == "ds-measure-cost: cut.dss: record "*", byte "*": the input ends inside a block: it was cut off" ]]
    mv out passed.dss
    n=$(ds-show -t -c id passed.dss | wc -l)
    [ "$n" -gt 4000 ]
    [ "$n" -lt 9000 ]
}

@test "truncated on a pipe" {
    run -1 bash -c 'head -c -100 whole.dss | ds-show --json 2>&1 >/dev/null'
    [[ $output == "ds-show: standard input: record "*"cut off" ]]
}

@test "a flipped bit" {
    cp whole.dss bad.dss
    printf '\x55' | dd of=bad.dss bs=1 seek=200000 conv=notrunc status=none
    fails_with 1 ds-show --json bad.dss
    [[ $said == "ds-show: bad.dss: record 1, byte 0: the checksum of a block does not match: the data is damaged" ]]
}

@test "a flipped bit in compressed data" {
    ds-sample ofa-mbv3 -n 100 -z -o z.dss
    printf '\x55' | dd of=z.dss bs=1 seek=1500 conv=notrunc status=none
    fails_with 1 ds-show --json z.dss
    [[ $said == "ds-show: z.dss: record 1, byte "*"damaged"* ]]
}

@test "empty input is no stream; a stream without records is one" {
    : >nothing
    fails_with 1 ds-measure-cost nothing
    [[ $said == "ds-measure-cost: nothing: empty: not even an empty stream"* ]]
    ds-sample ofa-mbv3 -n 0 | ds-measure-cost | ds-affix --all >none.dss
    ds-show --heads none.dss | grep -q 'ds-affix'
    [ -z "$(ds-show --json none.dss)" ]
}

@test "hostile lengths and text" {
    printf '\xd8\x44%s' "$(printf '\xc1%.0s' {1..16})" >h.dss
    printf '\xdd\xff\xff\xff\xff' >>h.dss
    fails_with 1 ds-show h.dss
    [[ $said == *"the head of a block"* ]]
    echo '{"this": "is JSON"}' >text
    fails_with 1 ds-show text
    [[ $said == "ds-show: text: record 1, byte 0: no block begins here: this is no dstools stream" ]]
}

@test "a newer version" {
    head -c 18 whole.dss >new.dss
    printf '\x96\x07\xa1x\x90\x00\x00\xcf\0\0\0\0\0\0\0\0' >>new.dss
    fails_with 1 ds-show new.dss
    [[ $said == *"stream version 7, which is newer than this dstools reads (2): update dstools" ]]
}

@test "a full disk is never silent" {
    [ -w /dev/full ] || skip "no /dev/full"
    for tool in "ds-sample ofa-mbv3 -n 5" "ds-measure-cost whole.dss" "ds-affix --all whole.dss" \
        "ds-show --json whole.dss" "ds-show whole.dss" "ds-export ofa whole.dss"; do
        status=0
        $tool >/dev/full 2>err || status=$?
        [ "$status" -eq 1 ] || { echo "$tool: $status"; return 1; }
        grep -q 'No space left on device' err
    done
}

@test "a closed pipe ends quietly" {
    for tool in "ds-sample ofa-mbv3 -n 2000000 -q" "ds-measure-cost -q whole.dss" \
        "ds-affix --all -q whole.dss" "ds-show --json whole.dss" "ds-show whole.dss"; do
        bash -c "set -o pipefail; $tool 2>err | head -c 100 >/dev/null" || { echo "$tool: $?"; return 1; }
        [ ! -s err ]
    done
}

@test "missing files, folders, unwritable output" {
    fails_with 1 ds-show nowhere.dss
    [[ $said == "ds-show: nowhere.dss: No such file or directory" ]]
    fails_with 1 ds-show .
    [[ $said == "ds-show: .: Is a directory" ]]
    fails_with 1 ds-sample ofa-mbv3 -n 1 -o no/such/place
    [[ $said == "ds-sample: no/such/place: No such file or directory" ]]
}

@test "no binary to a terminal" {
    script -qec true /dev/null >/dev/null 2>&1 || skip "no script(1), or no terminals here"
    run script -qec 'ds-sample ofa-mbv3 -n 1' /dev/null
    [[ $output == *"ds-sample: will not write a binary stream to a terminal"* ]]
    run script -qec 'ds-measure-cost' /dev/null </dev/null
    [ "$status" -ne 0 ]
}

@test "streams are concatenated with cat, compressed or not" {
    ds-sample ofa-mbv3 -n 50 >a.dss
    ds-sample ofa-mbv3 -n 70 --seed 2 -z >b.dss
    cat a.dss b.dss a.dss >c.dss
    [ "$(ds-show --json c.dss | wc -l)" -eq 170 ]
    cmp <(ds-show --json c.dss) <(ds-show --json a.dss b.dss a.dss)
    zstd -dqc b.dss | cmp - <(ds-sample ofa-mbv3 -n 70 --seed 2)
    zstd -qc a.dss | ds-show --json | cmp - <(ds-show --json a.dss)
}

@test "two spaces in one stream go record by record" {
    sed 's/"name": "ofa-mbv3"/"name": "other"/; s/"width": 24/"width": 32/' \
        "$DSTOOLS_SCHEMAS/spaces/ofa-mbv3.json" >other.json
    { ds-sample ofa-mbv3 -n 2; ds-sample ./other.json -n 2; } | ds-measure-cost | ds-show -t -c macs >two
    [ "$(wc -l <two)" -eq 5 ]
    [ "$(sed -n 2p two)" != "$(sed -n 4p two)" ]
}

@test "a fault inside compressed data says once where it is" {
    ds-sample ofa-mbv3 -n 9000 -z -q -o z.dss
    head -c -1000 z.dss >cut.dss
    fails_with 1 ds-show --json cut.dss
    [[ $said == "ds-show: cut.dss: record "*", byte "*" once decompressed: the input ends inside a zstd frame: it was cut off" ]]
    [ "$(grep -o 'cut.dss' err | wc -l)" -eq 1 ]
    [ "$(wc -l <out)" -gt 4000 ]
}

@test "what pzstd compressed" {
    command -v pzstd >/dev/null || skip "no pzstd"
    pzstd -q -p 2 -c whole.dss | ds-show -t -c id | cmp - <(ds-show -t -c id whole.dss)
}

@test "what came before is passed on, whatever the fault is" {
    # a group among architectures, in one block, as no tool here would write it
    ds-sample ofa-mbv3 -n 30 -o a.dss
    ds-affix --all a.dss | ds-measure-cost | ds-aggregate --by block >g.dss
    cat a.dss g.dss >mixed.dss
    for tool in "ds-affix --depth 0,2" ds-measure-cost; do
        # shellcheck disable=SC2086
        fails_with 1 $tool mixed.dss
        [[ $said == *"mixed.dss: record 31, byte "*": no architecture"* ]]
        [ "$(ds-show -t -c base out | awk 'NR > 1 && $1 == ""' | wc -l)" -eq 30 ]
    done
    # nothing came before: no stream, rather than an empty one
    fails_with 1 ds-measure-cost g.dss
    [ ! -s out ]
}

@test "closed standard descriptors" {
    for tool in "ds-sample ofa-mbv3 -n 5" "ds-measure-cost whole.dss" "ds-show whole.dss"; do
        status=0
        bash -c "$tool >&-" 2>err || status=$?
        [ "$status" -eq 1 ]
        grep -q "cannot write: Bad file descriptor" err
    done
    run -1 bash -c 'ds-show <&- 2>&1'
    [ "$output" = "ds-show: standard input: Bad file descriptor" ]
    # messages and progress must not land in the file
    bash -c 'ds-sample ofa-mbv3 -n 9000 --progress -o quiet.dss 2>&-'
    cmp whole.dss quiet.dss
}

@test "streams of version 1 stay readable: plain, compressed, aggregated" {
    ds-show -t -c id,base,affix,arch,depth,macs,params,peakmem "$BATS_TEST_DIRNAME/golden/v1.dss" |
        cmp - "$BATS_TEST_DIRNAME/golden/v1.tsv"
}

@test "streams of version 2 stay readable and are written as ever" {
    golden=$BATS_TEST_DIRNAME/golden
    columns=id,base,affix,arch,depth,macs,params,peakmem
    ds-show -t -c $columns "$golden/v2.dss" | cmp - "$golden/v1.tsv"
    ds-show -t -c $columns "$golden/v2.dss.zst" | cmp - "$golden/v1.tsv"
    ds-cat "$golden/v1.dss" | cmp - "$golden/v2.dss"
    cat "$golden/v1.dss" "$golden/v2.dss.zst" "$golden/v1.dss" "$golden/v2.dss" |
        ds-show -t -c $columns | cmp - <(cat "$golden/v1.tsv" <(for _ in 1 2 3; do tail -n +2 "$golden/v1.tsv"; done))
}

# Where the second block of whole.dss begins.
second_block() {
    LC_ALL=C grep -obUaP '\xd8\x44\xc1{16}' whole.dss | cut -d: -f1 -s | sed -n 2p
}

@test "a stream cut between two blocks is noticed by every consumer" {
    head -c "$(second_block)" whole.dss >cut.dss
    for tool in ds-cat ds-measure-cost "ds-affix --depth 0,2" "ds-show --json" "ds-show --heads" \
        "ds-export ofa" "ds-fit macs --class npu --name x --device y" "ds-aggregate --by block" "ds-pareto --worse macs" \
        "ds-mutate ofa-mbv3 -n 1" "ds-measure-acc --profile acc-ofa-mbv3" "ds-plot heatmap" \
        "ds-prune ofa-mbv3 --better macs" "ds-measure-cpu --profile note10" "ds-compare --worse macs"; do
        status=0
        # shellcheck disable=SC2086
        $tool cut.dss >out 2>err || status=$?
        if [ "$status" -ne 1 ]; then echo "$tool: $status"; return 1; fi
        case $tool in
        ds-fit* | ds-pareto* | ds-plot* | ds-compare* | ds-prune* | ds-aggregate*) continue ;; # want metrics first
        esac
        grep -q 'cut.dss: record [0-9]*, byte [0-9]*: the input ends without an end mark' err ||
            { echo "$tool: $(<err)"; return 1; }
    done
    ds-measure-cost cut.dss 2>err >passed.dss || true
    [ "$(ds-show -t -c macs passed.dss 2>/dev/null | wc -l)" -gt 1000 ] # what came is passed on,
    run -1 ds-cat passed.dss                                            # and not as if it were whole
    for tool in "ds-pareto --worse macs" "ds-aggregate --occurring --by resolution" "ds-fit macs --class npu --name x --device y" \
        "ds-compare --worse macs"; do
        # shellcheck disable=SC2086
        fails_with 1 $tool passed.dss
        [[ $said == *"passed.dss: record "*"the input ends without an end mark"* ]]
    done
    cat cut.dss whole.dss >both.dss
    fails_with 1 ds-measure-cost -q both.dss
    [[ $said == *": the end mark counts 9000 records, but "*" came: blocks are missing, or a stream before this one was cut off" ]]
}

@test "a killed producer is noticed by who reads from it" {
    run -1 bash -c '{ ds-sample ofa-mbv3 -n 100000000 -q & sleep 0.5; kill -9 $!; } | ds-measure-cost -q 2>err >cost.dss'
    grep -q "cut off" err
    run -1 ds-cat cost.dss
}

@test "a piece has no end mark: --piece takes it, and is nothing of the provenance" {
    at=$(second_block)
    head -c "$at" whole.dss >first.dss
    tail -c +$((at + 1)) whole.dss >second.dss
    run -1 ds-cat second.dss
    for part in first second; do ds-measure-cost -q --piece <$part.dss >m-$part.dss; done
    ds-cat m-first.dss m-second.dss | cmp - <(ds-measure-cost -q <whole.dss)
}

@test "ds-cat: joins, counts, compresses; what it refuses" {
    ds-sample ofa-mbv3 -n 50 -z -o a.dss
    ds-cat whole.dss | cmp - whole.dss
    ds-cat -z whole.dss >z.dss
    [ "$(wc -c <z.dss)" -lt "$(wc -c <whole.dss)" ]
    ds-cat z.dss | cmp - whole.dss
    ds-cat -n 18050 whole.dss a.dss - <whole.dss >all.dss
    cmp <(ds-show --json all.dss) <(cat whole.dss a.dss whole.dss | ds-show --json)
    fails_with 1 ds-cat -n 49 a.dss
    [ "$said" = "ds-cat: 50 records, where there should be 49" ]
    run -1 ds-cat out # which no tool takes for whole
    ds-sample ofa-mbv3 -n 0 | ds-cat -n 0 | ds-show --heads | grep -q '0 records'
}

@test "totals: of two files, through a filter, through another" {
    ds-sample ofa-mbv3 -n 10 -o a.dss
    ds-sample ofa-mbv3 -n 20 --seed 2 -o b.dss
    for streams in "a.dss b.dss" "b.dss a.dss b.dss"; do
        # shellcheck disable=SC2086
        n=$(ds-show -t -c id $streams | tail -n +2 | wc -l)
        # shellcheck disable=SC2086
        said=$(ds-measure-cost $streams | ds-affix --depth 0,2 --depth 0,3 | ds-measure-cost --progress 2>&1 >/dev/null |
            tr '\r' '\n' | tail -1)
        [[ $said == *"] $((3 * n))/$((3 * n)) "* ]] || { echo "$streams: $said"; return 1; }
    done
}

@test "what was written is what schemas/stream.md and space.md describe" {
    python3 -c 'import ctypes; ctypes.CDLL("libxxhash.so.0")' || skip "no libxxhash.so.0"
    for space in "$DSTOOLS_SCHEMAS"/spaces/*.json; do
        ds-sample "$space" -n 5 | ds-affix --all --all-depths --all-widths --all-resolutions
        ds-sample "$space" -n 0
    done >all.dss
    ds-sample ofa-mbv3 -n 2 | ds-affix --all | ds-measure-cost | ds-aggregate --by block >>all.dss
    python3 "$BATS_TEST_DIRNAME/read_stream.py" all.dss >ids
    cut -d' ' -f1 ids | cmp - <(ds-show -t -c id all.dss | awk 'NR > 1 && $1 != ""')
    [ "$(wc -l <ids)" -gt 2000 ]
}

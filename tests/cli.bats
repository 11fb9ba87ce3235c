bats_require_minimum_version 1.5.0

# What every tool does alike.

tools() {
    find "$BUILD" -maxdepth 1 -name 'ds-*' -type f -printf '%f\n' | sort
}

@test "every tool has help, a version, a manual page, and refuses unknown options" {
    [ "$(tools | wc -l)" -ge 9 ]
    for tool in $(tools); do
        run -0 "$tool" --help
        [[ "${lines[0]}" == "usage: $tool "* ]]
        run -0 "$tool" -h
        run -0 "$tool" --version
        [[ "$output" == "$tool (dstools) "* ]]
        run -2 "$tool" --no-such-option
        [ "$output" = "$tool: '--no-such-option' is no option, or not written out enough: see --help" ]
        run -2 "$tool" -Q
        [ "$output" = "$tool: no option -Q: see --help" ]
        run -2 "$tool" --output
        [ "$output" = "$tool: --output wants an argument: see --help" ]
        run -2 "$tool" --quiet=3
        [ "$output" = "$tool: '--quiet=3': this option takes no argument: see --help" ]
        [ -f "$BATS_TEST_DIRNAME/../tools/$tool.1" ] || { echo "no manual page: $tool"; return 1; }
    done
}

@test "every option is in the manual page" {
    for tool in $(tools); do
        for option in $("$tool" --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+'); do
            case $option in --output | --compress | --quiet | --progress | --piece | --seed | --help | --version) continue ;; esac
            grep -qE -- "Fl ([^ ]+ )*-${option#--}( |\$)" "$BATS_TEST_DIRNAME/../tools/$tool.1" ||
                { echo "$tool.1 lacks $option"; return 1; }
        done
    done
}

@test "help to a full disk fails" {
    [ -w /dev/full ] || skip "no /dev/full"
    run -1 bash -c 'ds-show --help >/dev/full'
}

@test "--progress shows a bar that ends at the total; -q silences it" {
    run bash -c 'ds-sample ofa-mbv3 -n 1000 --progress 2>&1 >/dev/null | tr "\r" "\n" | tail -1'
    [[ "$output" == *"] 1000/1000 "* ]]
    run bash -c 'ds-sample ofa-mbv3 -n 30 | ds-affix --all | ds-measure-cost --progress 2>&1 >/dev/null | tr "\r" "\n" | tail -1'
    [[ "$output" == *"] 5430/5430 "* ]]
    run bash -c 'ds-sample ofa-mbv3 -n 1000 --progress -q 2>&1 >/dev/null'
    [ -z "$output" ]
}

@test "provenance: every stage leaves its name and arguments, outward ones aside" {
    run bash -c 'ds-sample ofa-mbv3 -n 3 -z | ds-affix --all -q | ds-measure-cost | ds-show --heads'
    [[ "${lines[0]}" == "space ofa-mbv3: 108793277462862429255 architectures" ]]
    [[ "${lines[1]}" == *"ds-sample "*": --number 3 ofa-mbv3" ]]
    [[ "${lines[2]}" == *"ds-affix "*": --all" ]]
    [[ "${lines[4]}" == "  543 records in 1 blocks" ]]
}

@test "provenance: the same bytes however options are spelled" {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ds-sample ofa-mbv3 -n 3 --seed 7 --max macs=500 >want
    while read -r args; do
        # shellcheck disable=SC2086
        ds-sample $args >got
        [ ! -e f.dss ] || mv f.dss got
        cmp want got || { echo "$args"; return 1; }
    done <<'END'
ofa-mbv3 -n3 --seed=7 --max=macs=500 -o f.dss
-n 3 --seed 7 --max macs=500 ofa-mbv3 --output=f.dss
--number=3 --seed 7 --max macs=500 --out=f.dss ofa-mbv3
-qo f.dss -n 3 --see 7 --max macs=500 ofa-mbv3
-qof.dss -n 3 --seed 7 --progress --max macs=500 -- ofa-mbv3
-qn3 --seed 7 --max macs=500 --piece ofa-mbv3
END
}

@test "provenance: an option's argument is kept, though it looks like another option" {
    ds-sample ofa-mbv3 -n 1 -o "$BATS_TEST_TMPDIR/s.dss"
    printf '#!/bin/sh\necho 1\n' >"$BATS_TEST_TMPDIR/one" && chmod +x "$BATS_TEST_TMPDIR/one"
    ds-measure-npu --exec "$BATS_TEST_TMPDIR/one" --arg -o --arg=-q --arg --seed "$BATS_TEST_TMPDIR/s.dss" |
        ds-show --heads | grep -qF -- "--exec $BATS_TEST_TMPDIR/one --arg -o --arg -q --arg --seed $BATS_TEST_TMPDIR/s.dss"
}

@test "progress of nothing, and a message after a bar" {
    run -0 --separate-stderr bash -c 'ds-sample ofa-mbv3 -n 0 --progress | ds-measure-cost --progress | ds-affix --all --progress | ds-show --json'
    [ -z "$output" ]
    ds-sample ofa-mbv3 -n 9000 -q -o "$BATS_TEST_TMPDIR/w.dss"
    run -1 bash -c "head -c -9 $BATS_TEST_TMPDIR/w.dss | ds-measure-cost --progress 2>&1 >/dev/null"
    [[ "${lines[-1]}" == "ds-measure-cost: standard input: record "*"cut off" ]]
    [ "${#lines[@]}" -eq 2 ]
}

@test "numbers that do not fit are refused, not wrapped" {
    cd "$BATS_TEST_TMPDIR" || return
    run -2 ds-prune ofa-mbv3 --resolution 4294967520 # 2^32 + 224
    [ "$output" = "ds-prune: --resolution: must be 2147483647 or less" ]
    run -2 ds-prune ofa-mbv3 --max-depth 4294967296=3
    [[ $output == *"has units 0 to 4" ]]
    run -2 ds-prune ofa-mbv3 --drop 'unit==-nan && kernel==3'
    [[ $output == *"column 7: wants a variable, a number or a name, not '-nan && kernel==3'" ]]
    ds-sample ofa-mbv3 -n 1 >one.dss
    for at in 4294967296,0 0,4294967296 -1,0 +0,0 ' 0,0'; do
        run -2 ds-affix --block "$at,mbconv3_e3_k3" one.dss
        [ "$output" = "ds-affix: --block: '$at,mbconv3_e3_k3' is not UNIT,LAYER,BLOCK" ]
    done
    run -2 ds-affix --depth 4294967296,2 one.dss
    [ "$output" = "ds-affix: --depth: '4294967296,2' is not UNIT,VALUE" ]
    for number in 0x10 inf nan 1e999 1,5 ' 1' 1e; do
        run -2 ds-mutate ofa-mbv3 -n 1 --rate "$number" one.dss
        [ "$output" = "ds-mutate: --rate: '$number' is not a number" ]
    done
    run -2 ds-mutate ofa-mbv3 -n 1 --rate 1.5 one.dss
    [ "$output" = "ds-mutate: --rate: must be 1 or less" ]
    run -2 ds-measure-npu --exec true --retries 18446744073709551616 one.dss
    [ "$output" = "ds-measure-npu: --retries: must be 1000 or less" ]
    run -2 ds-measure-cpu --threads 4294967297 one.dss
    [ "$output" = "ds-measure-cpu: --threads: must be 1024 or less" ]
}

# no_escape FILE: nothing in it that a terminal acts on, but newlines and tabs
no_escape() {
    ! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1"
}

@test "names and arguments from elsewhere do not act on a terminal" {
    cd "$BATS_TEST_TMPDIR" || return
    bad=$'a\e]2;title\a\xc2\x9b31m\x7f'
    printf '{"ks":3,"e":3,"d":2,"r":224,"plain":1,"x":%d}\n{"ks":5,"e":3,"d":2,"r":224,"plain":2,"x":%d}\n' 1 2 |
        ds-import ofa --space ofa-mbv3 --rename "x=$bad" >in.dss
    printf '%s' "$bad" >bytes
    run ! no_escape bytes # the check itself
    ds-show in.dss >table
    ds-show --tsv in.dss >tsv
    ds-show --heads in.dss >heads
    ds-aggregate --occurring --by kernel in.dss >group.dss
    ds-plot heatmap --title "$bad" group.dss >map
    ds-correlate in.dss >pairs
    ds-compare --better "$bad" "$bad=in.dss" >compared
    run -1 ds-pareto --better "no$bad" in.dss
    echo "$output" >message
    for f in table tsv heads map pairs compared message; do
        no_escape $f || { echo "$f"; cat -v $f; return 1; }
        grep -q title $f || { echo "$f has no title"; return 1; }
    done
}

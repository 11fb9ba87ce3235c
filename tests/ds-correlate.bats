#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is set by run
# ds-correlate: rank correlations of metrics, against values worked out by hand.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# A stream with metrics "a b c" as given, a record for each triple; "-": none.
stream() {
    local i=0
    for t in "$@"; do
        IFS=, read -r a b c <<<"$t"
        printf '{"ks":%d,"e":3,"d":[2,2,2,%d,%d],"r":224' $((3 + i % 3 * 2)) $((i / 3 % 3 + 2)) $((i / 9 + 2))
        [ "$a" = - ] || printf ',"a":%s' "$a"
        [ "$b" = - ] || printf ',"b":%s' "$b"
        [ "$c" = - ] || printf ',"c":%s' "$c"
        printf '}\n'
        i=$((i + 1))
    done | ds-import ofa --space ofa-mbv3 -
}

@test "every two metrics, over the records that have both" {
    # a and b: ranks 1 2 3 4 5 against 2 1 4 3 5: rho 1 - 6*4/120 = 0.8, tau (8 - 2)/10
    stream 1,20,9 2,10,8 3,40,- 4,30,6 50,50,5 >s.dss
    ds-correlate --tsv s.dss >t
    [ "$(cut -f 1-3 t | tail -n +2 | tr '\t\n' ' ;')" = "a b 5;a c 4;b c 4;" ]
    [ "$(sed -n 2p t | cut -f 4,7)" = "$(printf '0.8\t0.6')" ]
    [ "$(sed -n 3p t | cut -f 4,7)" = "$(printf -- '-1\t-1')" ]
    # atanh(0.8) -+ 1.95996 sqrt(1.32 / 2)
    sed -n 2p t | awk '{ exit !($5 > -0.4573 && $5 < -0.4570 && $6 > 0.9906 && $6 < 0.9910) }'
    run ds-correlate -m b -m a s.dss
    [ "${#lines[@]}" = 2 ]
    [[ "${lines[1]}" =~ ^b\ +a\ +5\ +\+0.800\ +\(-0.457\ to\ \+0.991\)\ +\+0.600$ ]]
}

@test "groups; failed measurements are left out; what is missing is said" {
    ds-sample ofa-mbv3 -n 20 | ds-affix --all | ds-measure-cost |
        ds-aggregate -q --by expand,kernel | ds-correlate --tsv -m macs -m params >t
    [ "$(sed -n 2p t | cut -f 3)" = 9 ]
    sed -n 2p t | awk '{ exit !($4 > 0.8) }'
    run -1 ds-correlate -m macs -m speed <(ds-sample ofa-mbv3 -n 5 | ds-measure-cost)
    [ "$output" = "ds-correlate: no record has metric speed" ]
    run -1 ds-correlate <(ds-sample ofa-mbv3 -n 5)
    [ "$output" = "ds-correlate: wants two metrics or more: there are 0" ]
    stream 1,1,- 1,2,- 1,3,- >s.dss # a does not vary: not defined
    [ "$(ds-correlate --tsv s.dss | sed -n 2p | cut -f 4 | tr -d -)" = nan ]
    ds-correlate s.dss | sed -n 2p | grep -q '  -  *-  *-$'
    run -1 ds-correlate -m macs -m params /dev/full/no
}

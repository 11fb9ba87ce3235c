bats_require_minimum_version 1.5.0

ofa() {
    echo "{\"ks\":$1,\"e\":$2,\"d\":$3,\"r\":$4}" | ds-import ofa --space ofa-mbv3
}

@test "the published range of OFA-MBv3 at 224" {
    run bash -c '{ echo "{\"ks\":3,\"e\":3,\"d\":2,\"r\":224}"; echo "{\"ks\":7,\"e\":6,\"d\":4,\"r\":224}"; } |
        ds-import ofa --space ofa-mbv3 | ds-measure-cost | ds-show -t -c macs'
    printf -v rounded '%.0f %.0f' "${lines[1]}" "${lines[2]}"
    [ "$rounded" = "193 843" ]
}

@test "measuring again replaces, and keeps the order" {
    cmp <(ds-sample ofa-mbv3 -n 50 | ds-measure-cost | ds-show --json) \
        <(ds-sample ofa-mbv3 -n 50 | ds-measure-cost | ds-measure-cost | ds-show --json)
}

@test "memory grows with resolution alone when the network is the same" {
    a=$(ofa 3 3 2 160 | ds-measure-cost | ds-show -t -c peakmem | tail -1)
    b=$(ofa 3 3 2 224 | ds-measure-cost | ds-show -t -c peakmem | tail -1)
    awk -v a="$a" -v b="$b" 'BEGIN { r = b / a; exit !(r > 1.9 && r < 2.0) }' # (224/160)^2 = 1.96
}

@test "an aggregated stream has no architectures" {
    ds-sample ofa-mbv3 -n 2 | ds-affix --all | ds-measure-cost | ds-aggregate --by block \
        >"$BATS_TEST_TMPDIR/g.dss"
    run -1 ds-measure-cost -o /dev/null "$BATS_TEST_TMPDIR/g.dss"
    [[ "$output" == *"g.dss: record 1, byte "*": no architecture; is this an aggregated stream?" ]]
}

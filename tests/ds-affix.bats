bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ds-sample ofa-mbv3 -n 30 >base.dss
}

@test "--all: every block at every location, the base once" {
    ds-affix --all base.dss | ds-show -t -c id,base,affix | tail -n +2 >rows
    [ "$(wc -l <rows)" -eq $((30 * 181)) ]
    [ "$(awk -F'\t' '$3 == ""' rows | wc -l)" -eq 30 ]
    [ "$(cut -f3 rows | sort | uniq -c | awk '$2 && $1 == 30' | wc -l)" -eq 180 ]
    # each names a base that is there
    awk -F'\t' '$3 == "" { there[$1] } $3 != "" && !($2 in there) { bad = 1 } END { exit bad }' rows
}

@test "the affixed block is there, and the unit deep enough" {
    ds-affix --block 2,3,mbconv3_e6_k7 base.dss | ds-show -t -c affix,arch |
        awk -F'\t' '$1 == "unit2.layer3=mbconv3_e6_k7" { n++; split($2, u, "|"); split(u[3], l, ",")
            if (l[4] != "e6_k7") bad = 1 } END { exit bad || n != 30 }'
}

@test "--paper leaves late layers inactive, as published" {
    ds-affix --paper --block 2,3,mbconv3_e6_k7 base.dss | ds-show -t -c affix,arch |
        awk -F'\t' '$1 ~ /=/ { n++; split($2, u, "|"); k = split(u[3], l, ","); inactive += k < 4
            if (k < 3) bad = 1 } END { exit bad || n != 30 || inactive < 10 || inactive > 28 }'
}

@test "depths, widths, resolutions and options" {
    ds-affix --depth 1,4 --resolution 160 base.dss | ds-show -t -c affix,resolution,arch |
        awk -F'\t' '$1 == "resolution=160" { r += $2 == 160 }
            $1 == "unit1.depth=4" { split($3, u, "|"); d += split(u[2], l, ",") == 4 }
            END { exit r != 30 || d != 30 }'
    [ "$(ds-affix --all-depths base.dss | ds-show --json | wc -l)" -eq $((30 * 16)) ]
    [ "$(ds-affix --all-resolutions base.dss | ds-show --json | wc -l)" -eq $((30 * 6)) ]
    [ "$(ds-affix --site unit0.width=32 base.dss | ds-show --json | grep -c unit0.width)" -eq 30 ]
}

@test "affixing what is there gives the base's id" {
    ds-affix --all base.dss | ds-show -t -c id,base | awk -F'\t' 'NR > 1 && $1 == $2 { n++ } END { exit n < 200 }'
}

@test "the same seed gives the same bytes; metrics of the base stay on the base only" {
    cmp <(ds-affix --all base.dss) <(ds-affix --all base.dss)
    ds-measure-cost base.dss | ds-affix --depth 0,2 | ds-show -t -c macs |
        awk 'NR > 1 && $1 != "" { n++ } END { exit n != 30 }'
}

@test "errors" {
    run -2 ds-affix -o x base.dss
    [[ "$output" == "ds-affix: nothing to affix in space ofa-mbv3"* ]]
    run -2 ds-affix --block 0,0,mbconv9 -o x base.dss
    [[ "$output" == *"unit0.layer0 of space ofa-mbv3 can be mbconv3_e3_k3, "*"not 'mbconv9'" ]]
    run -2 ds-affix --block 9,0,mbconv3_e3_k3 -o x base.dss
    [[ "$output" == *"space ofa-mbv3 has no unit9.layer0" ]]
    run -2 ds-affix --block here -o x base.dss
    [[ "$output" == *"'here' is not UNIT,LAYER,BLOCK" ]]
    run -2 ds-affix --depth 0,7 -o x base.dss
    [[ "$output" == *"unit0.depth of space ofa-mbv3 can be 2, 3, 4, not '7'" ]]
    ds-affix --all base.dss | ds-measure-cost | ds-aggregate --by block >groups.dss
    run -1 ds-affix --all -o x groups.dss
    [[ "$output" == *"groups.dss: record 1, byte "*": no architecture; is this an aggregated stream?" ]]
}

@test "--paper: inactive in a third of the bases at layer 2, in two thirds at layer 3, never before" {
    ds-sample ofa-mbv3 -n 600 | ds-affix --paper --all | ds-show -t -c affix,arch | awk -F'\t' '
        $1 ~ /layer/ {
            match($1, /^unit[0-9]/); u = substr($1, 5, 1) + 1
            l = substr($1, index($1, "layer") + 5, 1) + 0
            split($2, units, "|"); layers = split(units[u], block, ",")
            n[l]++; off[l] += layers <= l
            if (layers > l) { b = $1; sub(/.*=mbconv3_/, "", b); wrong += block[l + 1] != b }
        }
        END {
            for (l = 0; l < 4; l++) printf "%d %.4f\n", n[l], off[l] / n[l]
            # 600 bases of 5 units of 3 depths: the share in two bases is off by 0.009 or so
            exit !(n[3] == 600 * 45 && off[0] + off[1] + wrong == 0 &&
                   off[2] / n[2] > 0.31 && off[2] / n[2] < 0.36 && off[3] / n[3] > 0.64 && off[3] / n[3] < 0.69)
        }'
}

@test "what deepening draws is the same for all blocks at one place, and changes with the seed" {
    # the layers before the affixed one, for each base and place: one value whatever the block
    drawn() {
        ds-affix --all "$@" base.dss | ds-show -t -c base,affix,arch | awk -F'\t' '$2 ~ /unit1.layer3/ {
            split($3, units, "|"); split(units[2], block, ","); print $1, block[1], block[2], block[3] }' | sort | uniq -c
    }
    drawn >one
    [ "$(wc -l <one)" -eq 30 ]
    awk '$1 != 9 { exit 1 }' one
    run ! cmp -s one <(drawn --seed 2)
}

@test "all else stays: other units, resolution, options" {
    ds-affix --block 1,0,mbconv3_e3_k3 --all-widths base.dss | ds-show -t -c id,base,resolution,arch |
        awk -F'\t' 'NR == 1 { next } $2 == "" { split($4, b, "|"); r = $3 } $2 != "" { split($4, c, "|")
            bad += r != $3; for (i in b) bad += i != 2 && b[i] != c[i] } END { exit bad || NR != 1 + 30 * 7 }'
}

@test "asked for twice, it is affixed once" {
    [ "$(ds-affix --all --block 0,0,mbconv3_e3_k3 --block 0,0,mbconv3_e3_k3 base.dss | ds-show -t -c id | wc -l)" -eq $((1 + 30 * 181)) ]
}

@test "what is asked for is checked even when there are no records" {
    ds-sample ofa-mbv3 -n 0 -o none.dss
    run -2 ds-affix --block 9,9,x -o x none.dss
    [ "$output" = "ds-affix: --block: space ofa-mbv3 has no unit9.layer9" ]
    [ "$(ds-affix --all none.dss | ds-show --json | wc -l)" -eq 0 ]
}

@test "--one-place: all blocks at one layer of each architecture, any layer alike" {
    ds-sample ofa-mbv3 -n 1000 -q | ds-affix -q --all --one-place >one.dss
    [ "$(ds-show -t -c id one.dss | tail -n +2 | wc -l)" = 10000 ]
    # nine copies of a base, at the same site, of nine blocks; 20 sites, 50 times each, give or take
    # 4.5 deviations of 6.9
    ds-show -t -c base,affix one.dss | tail -n +2 | awk -F'[\t=]' '$2 != "" { n[$1]++; site[$1] = $2; key[$1, $2, $3]++ }
        END { for (b in n) { if (n[b] != 9) exit 1; count[site[b]]++ }
              for (k in key) if (key[k] != 1) exit 1
              for (s in count) { sites++; if (count[s] < 19 || count[s] > 81) exit 1 }
              exit sites != 20 }'
    # the copies are those that --all makes
    ds-sample ofa-mbv3 -n 20 -q | ds-affix -q --all | ds-show --json | sort >all
    ds-sample ofa-mbv3 -n 20 -q | ds-affix -q --all --one-place | ds-show --json | sort >few
    [ "$(comm -23 few all | wc -l)" = 0 ]
}

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ds-sample ofa-mbv3 -n 3 | ds-affix --all | ds-measure-cost >all.dss
    ds-aggregate --by expand,kernel all.dss >g.dss
}

@test "text: the numbers of the stream, expansion downwards" {
    ds-plot heatmap -m macs g.dss >text
    [ "$(head -1 text)" = "macs (M)" ]
    [ "$(sed -n '4,6s/^ *\([0-9]*\).*/\1/p' text | tr '\n' ' ')" = "6 4 3 " ]
    diff <(tail -n +4 text | awk '{ for (i = 2; i <= 4; i++) print $i }') \
        <(ds-show -t -c expand,kernel,macs g.dss | tail -n +2 | sort -k1,1nr -k2,2n | awk '{ printf "%.1f\n", $3 }')
    run ! grep -q $'\033' text
}

@test "other rows and columns, panels for what is left" {
    ds-aggregate --by unit,expand,kernel all.dss | ds-plot heatmap -m macs --rows kernel --cols unit >text
    [ "$(grep -c '^macs (M), expand ' text)" -eq 3 ]
    [ "$(grep -c '^kernel  ' text)" -eq 3 ]
    ds-aggregate --by block all.dss | ds-plot heatmap -m params | grep -q mbconv3_e6_k7
}

@test "effects carry a sign" {
    ds-aggregate --effect --by expand,kernel all.dss | ds-plot heatmap -m macs >text
    grep -q 'macs (M), effect' text
    grep -qE '[+][0-9]' text
}

@test "cells that are not there stay blank" {
    { ds-affix -b 0,0,mbconv3_e3_k3 -b 0,1,mbconv3_e6_k7 <(ds-sample ofa-mbv3 -n 2) | ds-measure-cost; } |
        ds-aggregate --by layer,block | ds-plot heatmap -m macs >text
    [ "$(sed -n 4p text | wc -w)" -eq 2 ] # its layer and one number
}

@test "pictures: SVG and PNG with every number and no fault of gnuplot's" {
    run -0 ds-plot heatmap -i -o a.svg g.dss
    [ -z "$output" ]
    number=$(ds-plot heatmap -m macs g.dss | awk 'NR == 4 { print $4 }')
    grep -q ">[^<]*$number" a.svg
    head -c 500 a.svg | grep -q '<svg'
    run -0 ds-plot heatmap --title "it's <a> title" -o a.png g.dss
    [ -z "$output" ]
    [ "$(head -c 4 a.png | tail -c 3)" = PNG ]
}

@test "errors" {
    run -2 ds-plot
    run -2 ds-plot pie g.dss
    run -2 ds-plot heatmap -o a.pdf g.dss
    [[ "$output" == "ds-plot: --output: a.pdf: a picture's name ends in .svg or .png" ]]
    run -2 ds-plot heatmap --rows colour g.dss
    [[ "$output" == "ds-plot: --rows: the groups have no key colour" ]]
    run -1 ds-plot heatmap -m top1 g.dss
    [[ "$output" == "ds-plot: no group has such a metric" ]]
    run -1 ds-plot heatmap all.dss
    [[ "$output" == *"all.dss: record 1, byte "*": no group; run ds-aggregate first" ]]
    run -1 ds-plot heatmap -o no/where.svg g.dss
    [[ "$output" == "ds-plot: no/where.svg: No such file or directory" ]]
    mkdir bin
    ln -s "$BUILD/ds-plot" /bin/sh bin
    PATH=$PWD/bin run -1 bin/ds-plot heatmap -o a.svg g.dss
    [[ "$output" == *"gnuplot is not installed: on Debian, apt-get install gnuplot-nox" ]]
}

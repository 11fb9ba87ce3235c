bats_require_minimum_version 1.5.0
load needs

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

@test "labels stand in their order however they come" {
    ds-sample ofa-mbv3 -n 2 |
        ds-affix -b 0,0,mbconv3_e3_k7 -b 0,1,mbconv3_e4_k5 -b 0,2,mbconv3_e6_k3 |
        ds-measure-cost >sparse.dss
    ds-aggregate --by expand,kernel sparse.dss | ds-plot heatmap -m macs >text
    [ "$(sed -n 3p text | xargs)" = "expand 3 5 7" ]
    # the diagonal: the largest expansion, on top, has the smallest kernel
    [ "$(sed -n '4,6p' text | awk '{ print $1, index($0, $2) }' | sort -k2,2n | awk '{ print $1 }' | xargs)" = "6 4 3" ]
    # blocks by the space, not by the first unit that has them
    ds-sample ofa-mbv3 -n 2 | ds-affix -b 0,0,mbconv3_e6_k3 -b 1,0,mbconv3_e3_k3 | ds-measure-cost |
        ds-aggregate --by unit,block | ds-plot heatmap -m macs >text
    [ "$(sed -n 3p text | xargs)" = "unit mbconv3_e3_k3 mbconv3_e6_k3" ]
}

@test "responses and effects are panels of their own" {
    ds-aggregate --effect --by expand,kernel all.dss >e.dss
    ds-plot heatmap -m macs e.dss g.dss >both
    diff both <(ds-plot heatmap -m macs e.dss; echo; ds-plot heatmap -m macs g.dss)
}

@test "engines are panels of their own, each with its name" {
    ds-measure-cpu --help | grep -q xnnpack || skip "one engine only"
    ds-sample ofa-mbv3 -n 1 | ds-affix -b 0,0,mbconv3_e3_k3 -b 0,0,mbconv3_e6_k7 >p.dss
    for engine in onednn xnnpack; do
        ds-measure-cpu -q --max-runs 1 --burst 1 -e $engine p.dss >$engine.dss 2>no ||
            skip "no engine $engine"
        ds-aggregate --by expand,kernel $engine.dss >$engine.agg
    done
    diff <(ds-plot heatmap -m latency.cpu onednn.agg xnnpack.agg) \
        <(ds-plot heatmap -m latency.cpu onednn.agg; echo; ds-plot heatmap -m latency.cpu xnnpack.agg)
    ds-plot heatmap -m latency.cpu -o two.svg onednn.agg xnnpack.agg
    grep -q 'oneDNN' two.svg
    grep -q 'XNNPACK' two.svg
}

@test "threads and batch are told where they are not one" {
    needs_engine onednn
    [ "$(nproc)" -gt 1 ] || skip "one processor"
    ds-sample ofa-mbv3 -n 1 | ds-affix -b 0,0,mbconv3_e3_k3 >p.dss
    ds-measure-cpu -q --max-runs 1 --burst 1 --threads 2 p.dss | ds-aggregate --by expand,kernel |
        ds-plot heatmap -m latency.cpu | head -1 | grep -q ', threads 2$'
    ds-measure-cpu -q --max-runs 1 --burst 1 p.dss | ds-aggregate --by expand,kernel |
        ds-plot heatmap -m latency.cpu >text
    run ! grep -qE 'threads|batch' text
}

@test "what cannot be told apart is not drawn" {
    run -1 ds-plot heatmap -m macs g.dss g.dss
    [ "$output" = "ds-plot: macs: a second group of expand 3, kernel 3; draw the aggregations apart" ]
    ds-sample proxylessnas -n 1 | ds-affix --all | ds-measure-cost | ds-aggregate --by expand,kernel >other.dss
    run -1 ds-plot heatmap g.dss other.dss
    [[ "$output" == "ds-plot: other.dss: "*": a second design space: proxylessnas after ofa-mbv3; draw them apart" ]]
}

# fills FILE.svg: colours of the cells
fills() {
    grep -oiE "<polygon fill = '(#|rgb)[^']*'" "$1" | sort | uniq -c
}

@test "a colour means one value in all panels of a metric" {
    # one value in each panel: were each scaled alone, all would have the colour of its middle
    ds-sample ofa-mbv3 -n 1 | ds-affix -b 0,0,mbconv3_e3_k3 -b 1,0,mbconv3_e6_k7 -b 2,0,mbconv3_e4_k5 |
        ds-measure-cost | ds-aggregate --by unit,expand,kernel >three.dss
    ds-plot heatmap -m macs --rows expand --cols kernel -o three.svg three.dss
    fills three.svg
    [ "$(fills three.svg | wc -l)" -ge 3 ]
}

@test "what rounds to nothing has no sign" {
    # the largest effect sets the decimals; of what was there before, the effect is nothing
    ds-sample ofa-mbv3 -n 4 | ds-affix --all | ds-measure-cost | ds-aggregate --effect --by unit,block |
        ds-plot heatmap -m macs -m peakmem >text
    grep -qE ' 0[.]0+( |$)' text
    run ! grep -qE '[+-]0[.]?0*( |$)' text
}

@test "colour on a terminal, unless NO_COLOR is set" {
    script -qec true /dev/null >/dev/null 2>&1 || skip "no script(1), or no terminals here"
    script -qec "ds-plot heatmap -m macs g.dss" /dev/null </dev/null | tr -d '\r' >colour
    [ "$(grep -o $'\033\\[48;2;[0-9;]*m' colour | sort -u | wc -l)" -eq 9 ]
    grep -q $'\033\\[48;2;68;1;84m' colour   # the least
    grep -q $'\033\\[48;2;253;231;37m' colour # the most
    diff <(sed $'s/\033\\[[0-9;]*m//g' colour) <(ds-plot heatmap -m macs g.dss)
    NO_COLOR=1 script -qec "ds-plot heatmap -m macs g.dss" /dev/null </dev/null | tr -d '\r' >plain
    diff plain <(ds-plot heatmap -m macs g.dss)
}

@test "a title is never wider than its picture" {
    ds-aggregate --by kernel all.dss >k.dss
    title=$(printf 'long %.0s' {1..30})
    ds-plot heatmap -m macs -o short.svg k.dss
    ds-plot heatmap -m macs -o long.svg --title "$title" k.dss
    width() { grep -oE 'viewBox="0 0 [0-9]+' "$1" | grep -oE '[0-9]+$'; }
    [ "$(width long.svg)" -ge $((7 * ${#title})) ]
    [ "$(width short.svg)" -lt 400 ]
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

@test "a picture's name is a name, not a command of gnuplot's" {
    for name in '|touch ran.svg' "'.svg" '`touch ran`.svg' '<touch ran.svg'; do
        run -0 ds-plot heatmap -o "$name" g.dss
        grep -q '<svg' "$name"
    done
    [ ! -e ran.svg ] && [ ! -e ran ]
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
    [ ! -e a.svg ] # nothing that looks like a picture
    printf '#!/bin/sh\necho no such terminal >&2\nexit 3\n' >bin/gnuplot
    chmod +x bin/gnuplot
    PATH=$PWD/bin run -1 bin/ds-plot heatmap -o a.svg g.dss
    [[ "$output" == *"ds-plot: a.svg: gnuplot failed (its message is above)" ]]
    [[ "$output" == "no such terminal"* ]]
    [ ! -e a.svg ]
}

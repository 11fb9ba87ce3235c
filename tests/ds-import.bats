bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
}

import() {
    ds-import ofa --space ofa-mbv3 "$@"
}

refuses() { # LINE MESSAGE
    # shellcheck disable=SC2016 # expanded by the inner shell
    run -1 bash -c 'printf "%s\n" "$1" | ds-import ofa --space ofa-mbv3 2>&1 >/dev/null' _ "$1"
    # shellcheck disable=SC2053 # a pattern
    [[ "$output" == "ds-import: standard input: line 1: "$2 ]] || { echo "$output"; return 1; }
}

@test "dictionaries, whole or with one number for all" {
    list() { yes "$1" | head -"$2" | paste -sd,; }
    a='{"ks":5,"e":4,"d":3,"r":192}'
    b="{\"ks\":[$(list 5 20)],\"e\":[$(list 4 20)],\"d\":[$(list 3 5)],\"r\":[192]}"
    [ "$(echo "$a" | import | ds-show -t -c id,arch)" = "$(echo "$b" | import | ds-show -t -c id,arch)" ]
    [[ "$(echo "$a" | import | ds-show -t -c resolution,arch | tail -1)" == \
        "192	e4_k5,e4_k5,e4_k5|"*"|e4_k5,e4_k5,e4_k5" ]]
}

@test "other keys become metrics, renamed on request" {
    [ "$(echo '{"ks":3,"e":3,"d":2,"r":160,"a":1.5,"b":-2}' | import --rename a=latency.x |
        ds-show -t -c latency.x,b | tail -1)" = "1.5	-2" ]
}

@test "inactive layers do not matter" {
    a='{"ks":[3,3,7,7,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3],"e":3,"d":2,"r":160}'
    [ "$(echo "$a" | import | ds-show -t -c id)" = \
        "$(echo '{"ks":3,"e":3,"d":2,"r":160}' | import | ds-show -t -c id)" ]
}

@test "there and back" {
    cmp <(ds-sample ofa-mbv3 -n 200 | ds-show -t -c id) \
        <(ds-sample ofa-mbv3 -n 200 | ds-export ofa | import | ds-show -t -c id)
}

@test "messages name line and key" {
    refuses 'nonsense' 'not JSON: column *'
    refuses '[1]' 'not a JSON object'
    refuses '{"e":3,"d":2,"r":160}' '"ks" is missing'
    refuses '{"ks":[3,3],"e":3,"d":2,"r":160}' '"ks" has 2 numbers; this space has 20'
    refuses '{"ks":4,"e":3,"d":2,"r":160}' '"ks", "e": unit0.layer0 of space ofa-mbv3 has no block of kernel 4 and expansion 3'
    refuses '{"ks":3,"e":3,"d":9,"r":160}' '"d": unit 0 of space ofa-mbv3 cannot have 9 layers'
    refuses '{"ks":3,"e":3,"d":2,"r":161}' '"r": space ofa-mbv3 has no resolution 161'
    refuses '{"ks":3,"e":3,"d":2,"r":160.5}' '"r": space ofa-mbv3 has no resolution 160.5'
    refuses '{"ks":"3","e":3,"d":2,"r":160}' '"ks" must be numbers'
    refuses '{"ks":3,"e":3,"d":2,"r":160,"x":null}' '"x" is no number, so it cannot be a metric'
    refuses '{"ks":3,"ks":3}' 'not JSON: *'
    refuses '{"ks":3,"e":3,"d":2,"r":160,"x":NaN}' 'not JSON: *'
    refuses '{"ks":3,"e":3,"d":2,"r":160,"x":1e999}' 'not JSON: *'
    refuses '{"ks":null,"e":3,"d":2,"r":160}' '"ks" must be numbers'
}

@test "a line of a megabyte, and a name that is none" {
    long=$(head -c 1000000 /dev/zero | tr '\0' a)
    echo "{\"ks\":3,\"e\":3,\"d\":2,\"r\":160,\"$long\":1}" >long
    run -1 bash -c 'ds-import ofa --space ofa-mbv3 long 2>&1 >/dev/null'
    [[ "$output" == 'ds-import: long: line 1: a metric cannot be called "aaa'*'"; --rename it' ]]
    [ "${#output}" -lt 300 ]
    for name in '' id resolution arch base affix; do
        refuses "{\"ks\":3,\"e\":3,\"d\":2,\"r\":160,\"$name\":1}" "a metric cannot be called \"$name\"; --rename it"
    done
    [ "$(echo '{"ks":3,"e":3,"d":2,"r":160,"id":7}' | import --rename id=number |
        ds-show -t -c number | tail -1)" = 7 ]
}

@test "no metric is lost by renaming, and a renaming of nothing is told" {
    echo '{"ks":3,"e":3,"d":2,"r":160,"a":1,"b":2}' >ab
    run -1 bash -c 'ds-import ofa --space ofa-mbv3 --rename a=b ab 2>&1 >/dev/null'
    [ "$output" = 'ds-import: ab: line 1: two keys give the metric "b"; --rename one otherwise' ]
    [ "$(import --rename a=b --rename b=a ab | ds-show -t -c a,b | tail -1)" = "2	1" ]
    run -0 bash -c 'ds-import ofa --space ofa-mbv3 --rename c=d ab 2>&1 >/dev/null'
    [ "$output" = 'ds-import: --rename c=d: no such key was there' ]
}

@test "ProxylessNAS: the last unit of one layer may be left out of d, its block may not" {
    list() { yes "$1" | head -"$2" | paste -sd,; }
    proxyless() { echo "$1" | ds-import ofa --space proxylessnas | ds-show -t -c id,arch; }
    for d in 2 "[$(list 2 5)]" "[$(list 2 6)]" "[$(list 2 5),1]"; do
        proxyless "{\"ks\":[$(list 3 20),7],\"e\":[$(list 4 20),6],\"d\":$d,\"r\":192}"
    done >same
    [[ "$(sed -n 2p same)" == *"	e4_k3,e4_k3|"*"|e4_k3,e4_k3|e6_k7" ]]
    [ "$(sort -u same | wc -l)" -eq 2 ]
    run -1 bash -c "echo '{\"ks\":[$(list 3 20)],\"e\":3,\"d\":2,\"r\":192}' |
        ds-import ofa --space proxylessnas 2>&1 >/dev/null"
    [ "$output" = 'ds-import: standard input: line 1: "ks" has 20 numbers; this space has 21' ]
}

@test "the same bytes each time, with how they were made" {
    echo '{"ks":3,"e":3,"d":2,"r":160,"a":1}' >a
    cmp <(import --rename a=x a) <(import --rename a=x -q a)
    import --rename a='my x' a | ds-show --heads >heads
    grep -qx "  ds-import [0-9.]*: --space ofa-mbv3 --rename 'a=my x' ofa a" heads
}

@test "what came before a bad line is written; --skip leaves out and counts" {
    good='{"ks":3,"e":3,"d":2,"r":160}'
    run -1 bash -c "printf '%s\n' '$good' '$good' bad | ds-import ofa --space ofa-mbv3 2>/dev/null >$BATS_TEST_TMPDIR/x"
    [ "$(ds-show --json "$BATS_TEST_TMPDIR/x" | wc -l)" -eq 2 ]
    run -0 bash -c "printf '%s\n' '$good' '{\"ks\":3,\"e\":3,\"d\":2,\"r\":100}' '$good' |
        ds-import ofa --space ofa-mbv3 --skip | ds-show --json | wc -l"
    [ "${lines[0]}" = "ds-import: left out 1 of 3 lines, which space ofa-mbv3 cannot express" ]
    [ "${lines[1]}" -eq 2 ]
}

@test "--skip leaves out nothing that is no dictionary of the space" {
    for bad in '{"kernels":3}' '{"ks":[3],"e":3,"d":2,"r":160}' '{"ks":3,"e":3,"d":2,"r":"160"}' '[]' '{'; do
        echo "$bad" >bad
        run -1 bash -c 'ds-import ofa --space ofa-mbv3 --skip bad 2>&1 >/dev/null'
        [[ "$output" == "ds-import: bad: line 1: "* ]]
    done
}

@test "empty input, missing newline, missing file, bad usage" {
    run -1 bash -c ': | ds-import ofa --space ofa-mbv3 2>&1 >/dev/null'
    [[ "$output" == *"nothing to read: not one line" ]]
    [ "$(printf '{"ks":3,"e":3,"d":2,"r":160}' | import | ds-show --json | wc -l)" -eq 1 ]
    run -1 bash -c 'ds-import ofa --space ofa-mbv3 nowhere 2>&1 >/dev/null'
    [[ "$output" == "ds-import: nowhere: No such file or directory" ]]
    run -2 ds-import
    run -2 ds-import ofa
    run -2 ds-import yaml --space ofa-mbv3
    run -2 ds-import ofa --space ofa-mbv3 --rename x
    run -2 ds-import ofa --space ofa-mbv3 --rename x=
    run -2 ds-import ofa --space ofa-mbv3 --rename =x
}

@test "measured subnets of the reference data" {
    ref=$BATS_TEST_DIRNAME/../../shared/reference/rtx2080ti/ofa_mbv3_measured.jsonl
    [ -f "$ref" ] || skip "no reference data"
    n=$(grep -cE '"r":(160|176|192|208|224),' "$ref")
    [ "$n" -gt 500 ]
    import --skip -q --rename lat_ms_2080ti_1=latency.gpu "$ref" >"$BATS_TEST_TMPDIR/r.dss"
    [ "$(ds-show -t -c latency.gpu "$BATS_TEST_TMPDIR/r.dss" | awk 'NR > 1 && $1 > 1 { n++ } END { print n }')" -eq "$n" ]
}

@test "json: what ds-show --json writes comes back, for every space, with ids or without" {
    cd "$BATS_TEST_TMPDIR"
    printf '#!/bin/sh\ncase $DSTOOLS_ID in *[0-7]) exit 1 ;; esac; echo 5\n' >half
    chmod +x half
    for file in "$DSTOOLS_SCHEMAS"/spaces/*.json; do
        ds-sample "$file" -n 10 | ds-affix --all-resolutions | ds-measure-cost >a.dss
        ds-measure-npu -q --exec ./half --format none -o b.dss a.dss || [ $? -eq 1 ] # and errors
        ds-show --json b.dss >want
        ds-import json --space "$file" want | ds-show --json | cmp - want
        sed 's/"id":"[0-9a-f]*",//' want | ds-import json --space "$file" | ds-show --json | cmp - want
    done
    ds-sample ofa-mbv3 -n 5 >p.dss
    ds-mutate ofa-mbv3 -n 20 --crossover 0.5 p.dss | ds-show --json >children
    grep -q '"mate"' children
    ds-import json --space ofa-mbv3 children | ds-show --json | cmp - children
    ds-sample ofa-mbv3 -n 3 | ds-affix --all | ds-measure-cost | ds-aggregate --effect --by unit,block |
        ds-show --json >groups
    ds-import json --space ofa-mbv3 groups | ds-show --json | cmp - groups
}

@test "json: a short form, and what is no record" {
    cd "$BATS_TEST_TMPDIR"
    cat >s.json <<'END'
{"dstools_space": 1, "name": "s", "resolution": [32, 48], "stem": [], "head": [],
 "blocks": [{"name": "a", "type": "skip"}, {"name": "b", "type": "mbconv", "expand": 1, "kernel": 3}],
 "units": [{"width": 8, "depth": [2, 1], "blocks": ["a", "b"]}, {"width": [8, 16], "depth": 1, "blocks": ["b"]}]}
END
    json() { ds-import json --space ./s.json -o x "$@"; }
    echo '{"arch":{"resolution":48,"units":[["b","a"],{"width":16,"blocks":["b"]}]},"metrics":{"x":1.5}}' >short
    json short
    [ "$(ds-show -t -c resolution,arch,x x | tail -1)" = "$(printf '48\tb,a|16:b\t1.5')" ]
    refused() { # LINE MESSAGE
        echo "$1" >line
        run -1 json line
        [[ "${lines[0]}" == "ds-import: line: line 1: $2"* ]] || { echo "$output"; return 1; }
    }
    refused '{"metrics":{"x":1}}' 'neither "arch" nor "group"'
    refused '{"arch":{"units":[["b"],["b"]]}}' '"arch" does not say resolution'
    refused '{"arch":{"resolution":48,"units":[["b"],["b"]]}}' '"arch" does not say unit1.width'
    refused '{"arch":{"resolution":47,"units":[]}}' 'space s has no 47 at resolution'
    refused '{"arch":{"resolution":4294967344,"units":[]}}' 'space s has no 4294967344 at resolution'
    refused '{"arch":{"resolution":48,"units":[["b"]]}}' '"arch" has 1 units, space s 2'
    refused '{"arch":{"resolution":48,"units":[["c"],["b"]]}}' 'space s has no "c" at unit0.layer0'
    refused '{"arch":{"resolution":48,"units":[["b","b","b"],["b"]]}}' 'space s has no depth 3 in unit 0'
    refused '{"arch":{"resolution":48,"width":3,"units":[["b"],["b"]]}}' '"arch" has a key of no site'
    refused '{"arch":{"resolution":48,"units":[{"depth":1,"blocks":["b","a"]},["b"]]}}' 'unit 0 of "arch" has another depth than blocks'
    refused "$(sed 's/{"arch"/{"id":"0000000000000000","arch"/' short)" '"id" is 0000000000000000, but the architecture'"'s is "
    refused "$(sed 's/{"arch"/{"id":7,"arch"/' short)" '"id" must be a text of 16 hexadecimal digits'
    refused "$(sed 's/1.5/"fast"/' short)" 'metric "x" has no number'
    { cat short; sed 's/48/47/' short; } >two
    run -0 json --skip two
    [ "$output" = "ds-import: left out 1 of 2 lines, which space s cannot express" ]
    run -2 json --rename a=b two
}

@test "csv: a table of measured networks, in BlockProfile's columns" {
    row='mbconv3_e3_k3->mbconv3_e4_k5|mbconv3_e3_k3->mbconv3_e3_k5->mbconv3_e6_k7|mbconv3_e3_k3->mbconv3_e3_k5|mbconv3_e3_k3->mbconv3_e3_k5|mbconv3_e3_k3->mbconv3_e3_k5'
    printf '%s\n' 'net_id,net_str,device,resolution,lat unit,end-to-end lat' "0,$row,npu,224,ms,7.25" '' "1,$row,npu,192,s,0.0625" >a.csv
    csv() { ds-import csv --space ofa-mbv3 "$@"; }
    csv --rename 'end-to-end lat=latency.npu' a.csv | ds-show --json | jq -c '[.arch.resolution, .metrics]' >got
    diff got - <<'END'
[224,{"latency.npu":{"value":7.25,"device":"npu"}}]
[192,{"latency.npu":{"value":62.5,"device":"npu"}}]
END
    [ "$(csv a.csv | ds-show -t -c arch | tail -1)" = 'e3_k3,e4_k5|e3_k3,e3_k5,e6_k7|e3_k3,e3_k5|e3_k3,e3_k5|e3_k3,e3_k5' ]
    # short names, other columns, quotes, line ends and marks of spreadsheets, columns in another order
    printf '\xef\xbb\xbf%s\r\n%s\r\n' 'resolution,"net_str",unit,lat,top1,macs' "224,\"$row\",us,7250,76.5,"  >b.csv
    csv b.csv | ds-show --json | jq -c .metrics >got
    [ "$(cat got)" = '{"lat":7.25,"top1":76.5}' ] || [ "$(cat got)" = '{"top1":76.5,"lat":7.25}' ]
    # all architectures, there and back
    ds-sample proxylessnas -n 200 | ds-show --json | jq -r '[([.arch.units[].blocks | join("->")] | join("|")), .arch.resolution] | map(tostring) | join(",")' |
        sed '1i net_str,resolution' | ds-import csv --space proxylessnas | ds-show -t -c id |
        cmp - <(ds-sample proxylessnas -n 200 | ds-show -t -c id)
}

@test "csv: messages name file and line; --skip counts" {
    head='net_str,device,resolution,unit,lat'
    net='mbconv3_e3_k3->mbconv3_e3_k3'
    net="$net|$net|$net|$net|$net"
    refused() { # LINE MESSAGE
        printf '%s\n' "$head" "$net,npu,224,ms,1" "$1" >bad.csv
        run -1 ds-import csv --space ofa-mbv3 -o x bad.csv
        # shellcheck disable=SC2053 # a pattern
        [[ "${lines[0]}" == "ds-import: bad.csv: line 3: "$2 ]] || { echo "$output"; return 1; }
    }
    refused "$net,npu,224,ms" '4 fields, but 5 columns'
    refused "$net,npu,224,ms,fast" "lat: 'fast' is not a number"
    refused "$net,npu,224,ms,-1" "lat: '-1' is no latency: leave the field empty where there is none"
    refused "$net,npu,224,ms,0" "lat: '0' is no latency: *"
    refused "$net,npu,224,ns,1" "unit 'ns' is neither ms, s nor us"
    refused "$net,npu,224.5,ms,1" "resolution: '224.5' is not a whole number"
    refused "$net,npu,100,ms,1" 'space ofa-mbv3 has no 100 at resolution'
    refused "a->$net,npu,224,ms,1" 'space ofa-mbv3 has no "a" at unit0.layer0'
    refused "mbconv3_e3_k3,npu,224,ms,1" '"arch" has 1 units, space ofa-mbv3 5'
    refused "\"$net,npu,224,ms,1" 'field 1: a quote is not closed, or stands inside'
    refused "$net,$(printf '\xff'),224,ms,1" 'device is not UTF-8'
    run -0 bash -c "printf '%s\n' '$head' '$net,npu,224,ms,1' '$net,npu,100,ms,1' | ds-import csv --space ofa-mbv3 --skip | ds-show --json | wc -l"
    [ "${lines[0]}" = "ds-import: left out 1 of 2 lines, which space ofa-mbv3 cannot express" ]
    [ "${lines[1]}" -eq 1 ]
    run -1 bash -c 'echo id,lat | ds-import csv --space ofa-mbv3 -o x'
    [ "${lines[0]}" = "ds-import: standard input: line 1 names no column net_str, of networks as a->b|c->d" ]
    run -1 bash -c 'echo net_str,lat,lat | ds-import csv --space ofa-mbv3 -o x'
    [ "${lines[0]}" = "ds-import: standard input: line 1: two columns are called 'lat'" ]
    run -1 bash -c 'echo net_str,lat | ds-import csv --space ofa-mbv3 -o x'
    [ "${lines[0]}" = "ds-import: nothing to read: not one line below the column names" ]
    run -1 bash -c ': | ds-import csv --space ofa-mbv3 -o x'
    [ "${lines[0]}" = "ds-import: standard input: empty: not even column names" ]
}

@test "a file that cannot be read is told so, not that it is no YAML or has no rows" {
    mkdir dir.csv dir.yaml
    ln -s /proc/self/mem mem.csv # reading it from its beginning fails
    ln -s /proc/self/mem mem.yaml
    fails() { # FILE FORMAT [OPTION ...]
        run -1 ds-import "$2" --space ofa-mbv3 "${@:3}" -o x "$1"
        case $1 in
        dir*) [ "${lines[0]}" = "ds-import: $1: Is a directory" ] ;;
        *) [ "${lines[0]}" = "ds-import: $1: Input/output error" ] ;;
        esac || { echo "$output"; return 1; }
    }
    for file in *.csv *.yaml; do
        fails $file lut --name n --device d --class cpu
        fails $file csv
        fails $file ofa
    done
}

# Comparing what an exported model computes in a runtime with what our engines compute; for tests of
# runtimes to load.

# Fails unless the two columns of numbers differ by less than $tolerance of the largest.
agree() { # EXPECTED GOT
    [ "$(wc -l <"$1")" -eq "$(wc -l <"$2")" ]
    paste "$1" "$2" | awk -v t="$tolerance" '{ d = $1 - $2; d = d < 0 ? -d : d; a = $1 < 0 ? -$1 : $1
            if (d > worst || d != d) worst = d
            if (a > largest) largest = a }
        END { print "worst", worst / largest, "of", largest; exit !(NR > 1 && largest > 0 && worst < t * largest) }'
}

# Exports N networks of SPACE as FORMAT into models/, and runs `run_model MODEL`, which prints its
# outputs, on each, for each engine that is there; adds to `compared`.
compare() { # FORMAT SPACE N ENGINE ...
    ds-sample "$2" -n "$3" --seed 3 >in.dss
    rm -rf models && mkdir models
    ds-export "$1" -d models in.dss >paths
    # the numbers on the way through this one grow to thousands: our own engines differ by 1.3e-4
    local tolerance=${tolerance:-1e-5}
    [[ "$2" != *ofa-595m* ]] || tolerance=1e-3
    for engine in "${@:4}"; do
        status=0
        "$BUILD/tests/logits" $engine models <in.dss || status=$?
        [ "$status" -ne 2 ] || continue # not built in, or no device
        [ "$status" -eq 0 ]
        while read -r model; do
            run_model "$model" >got
            echo "$2 $model $engine"
            agree "${model%.*}.logits" got
            compared=$((compared + 1))
        done <paths
    done
}

# Networks of odd sizes that have every kind of layer, as ./odd.json.
odd_space() {
    cat >odd.json <<'END'
{"dstools_space": 1, "name": "odd", "resolution": [33, 47, 50],
 "blocks": [
   {"name": "a", "type": "mbconv", "expand": 3, "kernel": 5},
   {"name": "b", "type": "bottleneck", "expand": 0.25, "kernel": 3},
   {"name": "c", "type": "bottleneck", "expand": 0.5, "kernel": 3, "shortcut": "conv"},
   {"name": "g", "type": "mbconv", "expand": 1, "kernel": 3, "groups": 2, "expand_conv": true,
    "shuffle": true},
   {"name": "s", "type": "skip"}],
 "stem": [{"op": "conv", "kernel": 3, "stride": 2, "width": 8, "act": "relu6"}],
 "units": [
   {"width": 16, "depth": [1, 2, 3], "stride": 2, "act": "relu", "se": true},
   {"width": [16, 24], "depth": [1, 2], "stride": 2, "act": "hswish"}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
}

# Every space that is shipped, at 64 pixels, into small/.
small_spaces() {
    mkdir -p small
    for space in "$DSTOOLS_SCHEMAS"/spaces/*.json; do
        /usr/bin/python3 -c 'import json, sys; s = json.load(sys.stdin); s["resolution"] = [64]; print(json.dumps(s))' \
            <"$space" >"small/$(basename "$space")"
    done
}

# Networks whose padding is none that TensorFlow Lite has, as ./pools.json: a pool of stride 3, a
# maximum over what may be below zero.
pools_space() {
    cat >pools.json <<'END'
{"dstools_space": 1, "name": "pools", "resolution": [31, 32, 33, 34, 35, 36],
 "blocks": [{"name": "d", "type": "bottleneck", "expand": 0.5, "kernel": 3},
            {"name": "k", "type": "mbconv", "expand": 2, "kernel": 7}],
 "stem": [{"op": "conv", "kernel": 3, "stride": 1, "width": 8, "act": "none"},
          {"op": "maxpool", "kernel": 3, "stride": 2}],
 "units": [{"width": 16, "depth": [1], "stride": 3, "act": "relu"}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
}

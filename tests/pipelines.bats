bats_require_minimum_version 1.5.0
load needs

# fan-pipe gives what one job gives; the profile pipeline runs and goes on where it stopped.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || exit 1
    out=$BATS_TEST_TMPDIR
}

serial() {
    ds-sample ofa-mbv3 -n 40 --seed 3 | ds-affix --all --seed 3 -q | ds-measure-cost -q
}

@test "fan-pipe gives the bytes of the serial filter" {
    ds-sample ofa-mbv3 -n 40 | ds-affix --all -q >"$out/in.dss"
    ds-measure-cost -q <"$out/in.dss" >"$out/serial.dss"
    pipelines/fan-pipe 3 ds-measure-cost -q <"$out/in.dss" >"$out/fanned.dss" 2>/dev/null
    cmp "$out/serial.dss" "$out/fanned.dss"
    [ "$(ds-show --heads "$out/fanned.dss" | grep -c blocks)" -eq 1 ]
}

@test "the marker splits a stream inside parallel --pipepart too" {
    ds-sample ofa-mbv3 -n 20000 -q -o "$out/in.dss"
    ds-measure-cost -q "$out/in.dss" | ds-show -t -c id,macs | LC_ALL=C sort >"$out/serial"
    parallel -k --pipepart -a "$out/in.dss" --recstart "$(ds-show --sync)" --block 300k \
        ds-measure-cost -q --piece 2>/dev/null | ds-show -t -c id,macs | LC_ALL=C sort >"$out/fanned"
    cmp "$out/serial" "$out/fanned"
}

@test "fan-pipe: any number of jobs, compressed input, several streams" {
    ds-sample ofa-mbv3 -n 60000 -q -z -o "$out/in.dss"
    ds-sample ofa-mbv3 -n 100 --seed 2 >>"$out/in.dss"
    ds-measure-cost -q <"$out/in.dss" | cmp - <(pipelines/fan-pipe 1 ds-measure-cost -q <"$out/in.dss")
    ds-measure-cost -q <"$out/in.dss" | cmp - <(pipelines/fan-pipe 5 ds-measure-cost -q <"$out/in.dss")
}

@test "fan-pipe: a filter that is killed, a cut input: it ends, fails, and what comes out is no whole stream" {
    ds-sample ofa-mbv3 -n 60000 -q -o "$out/in.dss" # pieces for seven jobs
    cat >"$out/flaky" <<'END'
#!/bin/bash
[ "$PARALLEL_SEQ" != 3 ] || kill -9 $$
exec ds-measure-cost "$@"
END
    chmod +x "$out/flaky"
    run -1 bash -c 'pipelines/fan-pipe 2 "$1/flaky" -q <"$1/in.dss" >"$1/got.dss"' - "$out"
    run -1 ds-cat "$out/got.dss"
    head -c -18 "$out/in.dss" >"$out/cut.dss"
    run -1 bash -c 'pipelines/fan-pipe 2 ds-measure-cost -q <"$1/cut.dss" >"$1/got.dss"' - "$out"
    [[ "$output" == *"ds-cat: standard input: record 60001, byte "*"without an end mark"* ]]
    run -1 ds-cat "$out/got.dss"
}

@test "the job that fails says why, even when one before it still runs" {
    ds-sample ofa-mbv3 -n 60000 -q -o "$out/two.dss" # several pieces
    # shellcheck disable=SC2016
    run -1 bash -c 'pipelines/fan-pipe 2 bash -c "cat >/dev/null; [ \$PARALLEL_SEQ = 2 ] || exec sleep 1; echo reason >&2; exit 1" <"$1"' - "$out/two.dss"
    printf '%s\n' "${lines[@]}" | grep -qx reason
}

@test "the profile pipeline makes its files, and goes on after an interruption" {
    needs_engine onednn
    ds-measure-cpu --help >/dev/null
    profile() {
        make -s -f pipelines/profile.mk SPACE="$out/tiny.json" N=2 OUT="$out/p" \
            MEASURE='-q --max-runs 2 --burst 1' show
    }
    sed -e 's/"resolution": .*/"resolution": [32],/' -e 's/"depth": \[2, 3, 4\]/"depth": [2]/' \
        schemas/spaces/ofa-mbv3.json >"$out/tiny.json"
    run profile
    [ "$status" -eq 0 ]
    [[ "$output" == *"latency.cpu (ms)"* ]]
    for f in response.svg response.png effect.svg effect.png; do
        [ -s "$out/p/$f" ]
    done
    cp "$out/p/cpu.dss" "$out/before.dss"
    rm "$out/p/response.dss" "$out/p/response.svg"
    touch "$out/p/response.dss.part"
    run profile
    [ "$status" -eq 0 ]
    cmp "$out/p/cpu.dss" "$out/before.dss"
    [ -s "$out/p/response.svg" ]
}

@test "effects of three bases, measured with 2% noise, have the right sign where MACs differ by 2%" {
    [ -z "${SANITIZE-}" ] || skip "composes tools; runs without the sanitizers"
    cd "$out"
    note10=$DSTOOLS_SCHEMAS/devices/note10.json
    ds-sample ofa-mbv3 -n 3 | ds-affix --all | ds-measure-cost | ds-measure-cpu --profile note10 >exact.dss
    ds-measure-cpu --serve --format none --as latency.noisy --exec "$BATS_TEST_DIRNAME/stand_in.py" \
        --arg="$note10" --arg=0 --arg=0.02 exact.dss >noisy.dss
    macs=$(ds-aggregate --by unit noisy.dss | ds-show -t -c macs | awk 'NR > 1 { s += $1 } END { print s / (NR - 1) }')
    # cells whose MACs differ by more than 2%, and of them those with the sign of the exact effect
    right() {
        ds-aggregate --effect --against "$1" --by unit,block noisy.dss |
            ds-show -t -c macs,latency.cpu,latency.noisy | awk -v macs="$macs" 'NR > 1 && ($1 / macs) ^ 2 > 0.02 ^ 2 {
                n++; right += $2 * $3 > 0 } END { print n, right + 0 }'
    }
    read -r n right <<<"$(right siblings)"
    echo "siblings: $right of $n; base: $(right base)"
    [ "$n" -ge 8 ] && [ "$right" = "$n" ]
    # and the error of an effect is a fraction of that against a base measured as rarely as the rest
    error() {
        ds-aggregate --effect --against "$1" --by unit,block noisy.dss | ds-show -t -c latency.cpu,latency.noisy |
            awk 'NR > 1 { s += ($1 - $2) ^ 2 } END { print sqrt(s / (NR - 1)) }'
    }
    awk -v s="$(error siblings)" -v b="$(error base)" 'BEGIN { print s, b; exit !(s < 0.7 * b) }'
}

@test "the profile pipeline on a GPU, through OpenCL" {
    lack=$(ds-measure-gpu --list-devices 2>&1 >/dev/null) || skip "${lack##*$'\n'}"
    sed -e 's/"resolution": .*/"resolution": [32],/' -e 's/"depth": \[2, 3, 4\]/"depth": [2]/' \
        schemas/spaces/ofa-mbv3.json >"$out/tiny.json"
    POCL_MAX_PTHREAD_COUNT=1 run make -s -f pipelines/profile.mk SPACE="$out/tiny.json" N=1 \
        OUT="$out/p" ENGINE=opencl GPU=0 MEASURE='-q --settle 0 --max-runs 1' show
    [ "$status" -eq 0 ]
    [[ "$output" == *"latency.gpu (ms)"* ]]
    for f in response.svg response.png effect.svg effect.png; do
        [ -s "$out/p/$f" ]
    done
    [ -s "$out/p/gpu.dss" ] && [ ! -e "$out/p/cpu.dss" ]
}

@test "profile.mk keeps its settings: another N, ENGINE or SPACE is refused, not ignored" {
    cd "$BATS_TEST_TMPDIR"
    profile() {
        make -s -f "$BATS_TEST_DIRNAME/../pipelines/profile.mk" OUT=out N=1 \
            MEASURE='-q --max-runs 1 --burst 1' METRICS='--metric macs' "$@"
    }
    profile out/effect.dss
    before=$(sha256sum out/*.dss)
    for other in N=2 ENGINE=xnnpack SPACE=proxylessnas SEED=2 MEASURE=-q; do
        run ! profile out/effect.dss $other
        [[ $output == *"profile: out holds a run with other settings: take another OUT"* ]]
    done
    profile out/effect.dss
    [ "$(sha256sum out/*.dss)" = "$before" ]
}

@test "a misspelt variable is refused by all rules; the environment's are not looked at" {
    cd "$BATS_TEST_TMPDIR"
    export ITERATION=3 AUTO='--better params'
    for rules in profile search compare thesis devices paper until verify; do
        run ! make -n -f "$BATS_TEST_DIRNAME/../pipelines/$rules.mk" XTREME=1
        [[ $output == *"$rules: no variable XTREME; there are "* ]]
    done
    run ! make -s -f "$BATS_TEST_DIRNAME/../pipelines/search.mk" ITERATION=3
    [[ $output == *"search: no variable ITERATION; there are "*" ITERATIONS "* ]]
    ITERATION=3 DEVICES=x make -s -f "$BATS_TEST_DIRNAME/../pipelines/search.mk" INIT=4 ITERATIONS=0
    run ! make -n -C "$BATS_TEST_DIRNAME/.." demo DEVICES=x
    [[ $output == *"profile: no variable DEVICES"* ]]
    make -n -C "$BATS_TEST_DIRNAME/.." demo CC=gcc BUILD=build >/dev/null
}

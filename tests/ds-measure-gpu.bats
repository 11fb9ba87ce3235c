bats_require_minimum_version 1.5.0

setup_file() {
    cd "$BATS_TEST_DIRNAME/.." || exit 1
    export TINY=$BATS_FILE_TMPDIR/tiny.json IN=$BATS_FILE_TMPDIR/in.dss
    # PoCL's own cache stays where it is when ours is moved: it compiles CLBlast for long
    export POCL_CACHE_DIR=${POCL_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pocl/kcache}
    export POCL_MAX_PTHREAD_COUNT=1
    sed -e 's/"ofa-mbv3"/"tiny"/' -e 's/"resolution": .*/"resolution": [32],/' \
        schemas/spaces/ofa-mbv3.json >"$TINY"
    ds-sample "$TINY" -n 3 -o "$IN"
}

setup() {
    out=$BATS_TEST_TMPDIR
}

needs_device() {
    lack=$(ds-measure-gpu --list-devices 2>&1 >/dev/null) || skip "${lack##*$'\n'}"
}

measure() {
    ds-measure-gpu -q --device 0 --settle 0 --max-runs 2 "$@"
}

# The value of a key in the record's metric, of each record.
detail() {
    ds-show --json "$2" | grep -o "\"latency.gpu\":{[^}]*}" | grep -o "\"$1\":[^,}]*" | cut -d: -f2-
}

@test "every record has a latency, the device's own time and how they were got" {
    needs_device
    IFS=$'\t' read -r _ _ name driver < <(ds-measure-gpu --list-devices)
    measure --max-runs 1 --batch 2 -o "$out/a.dss" "$IN"
    for key in value min p90 lo hi device_ms; do
        [ "$(detail $key "$out/a.dss" | awk '$1 > 0' | wc -l)" -eq 3 ]
    done
    # of a single run: the device's time is part of it
    paste <(detail value "$out/a.dss") <(detail device_ms "$out/a.dss") | awk '$2 > $1 { exit 1 }'
    [ "$(detail runs "$out/a.dss" | sort -u)" = 1 ]
    [ "$(detail warmup "$out/a.dss" | sort -u)" = 1 ]
    [ "$(detail batch "$out/a.dss" | sort -u)" = 2 ]
    [ "$(detail precision "$out/a.dss" | sort -u)" = '"fp32"' ]
    [[ "$(ds-show --json "$out/a.dss")" == *'"engine":"OpenCL '[0-9].[0-9]*', CLBlast '* ]]
    [ "$(detail device "$out/a.dss" | sort -u)" = "\"$name\"" ]
    [ "$(detail driver "$out/a.dss" | sort -u)" = "\"$driver\"" ]
    [ -z "$(detail threads "$out/a.dss")$(detail settled "$out/a.dss")" ]
}

@test "--settle: the clock's rest is waited for, and said to have come or not" {
    needs_device
    measure --settle 60 -o "$out/a.dss" "$IN"
    [[ "$(detail settled "$out/a.dss" | sort -u)" =~ ^(true|false)$ ]]
    # within a thousandth of a second no three medians are to be had
    measure --settle 0.001 -o "$out/a.dss" "$IN"
    [ "$(detail settled "$out/a.dss" | sort -u)" = false ]
}

@test "--per-block: a latency for every module, together the device's time" {
    needs_device
    measure --per-block --max-runs 1 -o "$out/a.dss" "$IN"
    ds-show --json "$out/a.dss" | head -1 | grep -o '"latency.gpu\.[a-z0-9.]*":[0-9.e-]*' | tr -d '"' >"$out/parts"
    grep -q '^latency.gpu.stem0:' "$out/parts"
    grep -q '^latency.gpu.unit4.layer1:' "$out/parts"
    grep -q '^latency.gpu.head3:' "$out/parts"
    awk -F: -v whole="$(detail device_ms "$out/a.dss" | head -1)" '{ sum += $2; bad += $2 <= 0 }
        END { exit bad || sum < whole * 0.999999 || sum > whole * 1.000001 }' "$out/parts"
}

@test "--list-devices, and devices by number and by a part of their names" {
    needs_device
    ds-measure-gpu --list-devices >"$out/list"
    n=$(wc -l <"$out/list")
    awk -F'\t' '$1 != NR - 1 || NF != 4 { exit 1 }' "$out/list"
    run -1 measure --device "$n" -o "$out/x" "$IN"
    [[ "$output" == "ds-measure-gpu: device $n: there "*" $n OpenCL device"*", numbered from 0" ]]
    run -1 measure --device 'no such' -o "$out/x" "$IN"
    [[ "$output" == "ds-measure-gpu: device 'no such': no OpenCL device is so named; there "* ]]
    [ "$n" -eq 1 ] || skip "names of several devices may be alike"
    part=$(cut -f3 "$out/list" | cut -c 2-8 | tr '[:lower:]' '[:upper:]')
    measure --device "$part" -o "$out/a.dss" "$IN"
    [ "$(detail device "$out/a.dss" | sort -u)" = "\"$(cut -f3 "$out/list")\"" ]
}

@test "a processor is not taken for a GPU, unless it is asked for" {
    needs_device
    ! ds-measure-gpu --list-devices | cut -f2 | grep -qv CPU || skip "there is a GPU"
    run -1 ds-measure-gpu -o "$out/x" "$IN"
    [[ "$output" == "ds-measure-gpu: no GPU: OpenCL finds only "*", a processor; --device 0 measures on that" ]]
}

@test "no device and no profile: one line, exit 1; profiles work all the same" {
    export OCL_ICD_VENDORS=/nonexistent OCL_ICD_FILENAMES=
    for option in "--device 0" "" --list-devices; do
        # shellcheck disable=SC2086
        run -1 ds-measure-gpu $option -o "$out/x" "$IN"
        [[ "$output" == "ds-measure-gpu: OpenCL finds no device (the driver of a GPU brings one); --profile NAME or --exec PROGRAM does without" ||
            "$output" == "ds-measure-gpu: built without OpenCL and CLBlast, which measure a GPU live; --profile NAME or --exec PROGRAM does without" ]]
    done
    ds-sample ofa-mbv3 -n 2 | ds-measure-gpu --profile rtx2080ti-b1 -o "$out/a.dss"
    [ "$(ds-show -t -c latency.gpu "$out/a.dss" | awk 'NR > 1 && $1 > 0' | wc -l)" -eq 2 ]
}

@test "compiled kernels are kept on disk, made again where they are damaged" {
    needs_device
    export XDG_CACHE_HOME=$out/cache
    measure --max-runs 1 -o "$out/a.dss" "$IN"
    ls "$XDG_CACHE_HOME/dstools" >"$out/names"
    [ "$(wc -l <"$out/names")" -gt 5 ]
    [ "$(grep -cv '^opencl-[0-9a-f]*$' "$out/names")" -eq 0 ]
    stat -c '%i %n' "$XDG_CACHE_HOME"/dstools/* >"$out/before"
    measure --max-runs 1 -o "$out/a.dss" "$IN"
    stat -c '%i %n' "$XDG_CACHE_HOME"/dstools/* | cmp "$out/before"

    { read -r cut && read -r other && read -r empty; } <"$out/names"
    truncate -s 100 "$XDG_CACHE_HOME/dstools/$cut"
    : >"$XDG_CACHE_HOME/dstools/$empty"
    printf 'x' | dd of="$XDG_CACHE_HOME/dstools/$other" bs=1 seek=200 conv=notrunc status=none
    measure --max-runs 1 -o "$out/a.dss" "$IN"
    stat -c '%i %n' "$XDG_CACHE_HOME"/dstools/* >"$out/after"
    [ "$(diff "$out/before" "$out/after" | grep -c '^>')" -eq 3 ]
    [ "$(detail value "$out/a.dss" | awk '$1 > 0' | wc -l)" -eq 3 ]
}

@test "without a place for the cache it is done without" {
    needs_device
    XDG_CACHE_HOME=/dev/null measure --max-runs 1 -o "$out/a.dss" "$IN"
    [ "$(detail value "$out/a.dss" | awk '$1 > 0' | wc -l)" -eq 3 ]
}

@test "a batch beyond the device's memory, bad usage" {
    needs_device
    ds-sample ofa-mbv3 -n 1 >"$out/in.dss"
    run -1 measure --batch 4096 -o "$out/x" "$out/in.dss"
    [[ "$output" == "ds-measure-gpu: "*": OpenCL: "*": a buffer of "*" MB is too large; a smaller batch or resolution needs less" ]]
    run -2 measure --batch 5000 -o "$out/x" "$IN"
    [ "$output" = "ds-measure-gpu: --batch: must be 4096 or less" ]
    run -2 measure --profile rtx2080ti-b1 --exec true -o "$out/x" "$IN"
    [ "$output" = "ds-measure-gpu: --profile, --predictor and --exec: one of them" ]
}

@test "grouped convolutions, channel shuffle, skipped layers: FBNet" {
    needs_device
    sed -e 's/"fbnet"/"tiny"/' -e 's/"resolution": .*/"resolution": [32],/' \
        schemas/spaces/fbnet.json >"$out/tiny.json"
    ds-sample "$out/tiny.json" -n 2 | measure --per-block -o "$out/a.dss"
    [ "$(detail value "$out/a.dss" | awk '$1 > 0' | wc -l)" -eq 2 ]
}

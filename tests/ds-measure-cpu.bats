bats_require_minimum_version 1.5.0
load needs

setup_file() {
    cd "$BATS_TEST_DIRNAME/.." || exit 1
    export TINY=$BATS_FILE_TMPDIR/tiny.json IN=$BATS_FILE_TMPDIR/in.dss
    sed -e 's/"ofa-mbv3"/"tiny"/' -e 's/"resolution": .*/"resolution": [32, 45],/' \
        schemas/spaces/ofa-mbv3.json >"$TINY"
    ds-sample "$TINY" -n 6 -o "$IN"
}

setup() {
    out=$BATS_TEST_TMPDIR
    needs_engine onednn
}

measure() {
    ds-measure-cpu -q --max-runs 2 --burst 1 "$@"
}

# The value of a key in the record's metric, of each record.
detail() {
    ds-show --json "$2" | grep -o "\"latency.cpu\":{[^}]*}" | grep -o "\"$1\":[^,}]*" | cut -d: -f2-
}

@test "every record has a latency and how it was got" {
    measure -o "$out/a.dss" "$IN"
    [ "$(detail value "$out/a.dss" | awk '$1 > 0' | wc -l)" -eq 6 ]
    for key in min p90 lo hi; do
        [ "$(detail $key "$out/a.dss" | awk '$1 > 0' | wc -l)" -eq 6 ]
    done
    [ "$(detail drift "$out/a.dss" | awk '$1 > -1' | wc -l)" -eq 6 ]
    [ "$(detail runs "$out/a.dss" | sort -u)" = 2 ]
    [ "$(detail warmup "$out/a.dss" | sort -u)" = 1 ]
    [ "$(detail threads "$out/a.dss" | sort -u)" = 1 ]
    [ "$(detail batch "$out/a.dss" | sort -u)" = 1 ]
    [ "$(detail converged "$out/a.dss" | sort -u)" = false ]
    [ "$(detail precision "$out/a.dss" | sort -u)" = '"fp32"' ]
    [[ "$(detail engine "$out/a.dss" | sort -u)" == '"oneDNN '[0-9]* ]]
    name=$(sed -n 's/^model name[[:space:]]*: *//p' /proc/cpuinfo | head -1)
    [ -z "$name" ] || [ "$(detail device "$out/a.dss" | sort -u)" = "\"$name\"" ]
    [ -z "$(detail pin "$out/a.dss")" ]
}

@test "records, order and other metrics stay as they were" {
    ds-measure-cost -q "$IN" | tee "$out/before.dss" | measure -o "$out/after.dss"
    cmp <(ds-show --json "$out/before.dss") \
        <(ds-show --json "$out/after.dss" | sed 's/,"latency.cpu":{[^}]*}//')
}

@test "windows smaller than the stream, and over several blocks, keep order and provenance" {
    { ds-sample "$TINY" -n 3 --seed 5 && ds-sample "$TINY" -n 4 --seed 6; } >"$out/in.dss"
    for window in 1 2 128; do
        measure --window $window -o "$out/$window.dss" "$out/in.dss"
        cmp <(ds-show -t -c id "$out/in.dss") <(ds-show -t -c id "$out/$window.dss")
    done
    heads=$(ds-show --heads "$out/128.dss")
    [[ "$heads" == *"ds-sample"*"--seed"*5*"ds-measure-cpu"* ]]
    [[ "$heads" == *"ds-sample"*"--seed"*6*"ds-measure-cpu"* ]]
}

@test "a base and its copies are measured in one window, however small that is" {
    ds-sample "$TINY" -n 3 | ds-affix --depth 0,2 --depth 1,2 --resolution "$(ds-sample "$TINY" -n 1 |
        ds-show -t -c resolution | tail -1)" | measure --window 2 -m 4 -o "$out/a.dss"
    # the drift is that of the window: one for each base and its three copies, another for the next
    ds-show -t -c id,base,latency.cpu:drift "$out/a.dss" | awk -F'\t' 'NR > 1 { b = $2 == "" ? $1 : $2
        if (b in d && d[b] != $3) bad = 1
        d[b] = $3; all[$3] } END { exit bad || NR != 13 || length(all) != 3 }'
}

@test "an architecture met again in a window shares its measurement" {
    cat "$IN" "$IN" | measure -o "$out/twice.dss"
    ds-show -t -c latency.cpu "$out/twice.dss" | tail -n +2 >"$out/ms"
    [ "$(wc -l <"$out/ms")" -eq 12 ]
    cmp <(head -6 "$out/ms") <(tail -6 "$out/ms")
}

@test "two spaces in one stream" {
    { cat "$IN" && ds-sample ofa-mbv3 -n 1 -q; } >"$out/in.dss"
    measure -o "$out/a.dss" "$out/in.dss"
    [ "$(detail value "$out/a.dss" | awk '$1 > 0' | wc -l)" -eq 7 ]
}

@test "--per-block: a latency for every module, together no more than the whole" {
    ds-sample "$TINY" -n 1 --seed 2 | measure --per-block -m 1 -o "$out/a.dss"
    ds-show --json "$out/a.dss" | grep -o '"latency.cpu\.[a-z0-9.]*":[0-9.e-]*' | tr -d '"' >"$out/parts"
    grep -q '^latency.cpu.stem0:' "$out/parts"
    grep -q '^latency.cpu.unit0.layer0:' "$out/parts"
    grep -q '^latency.cpu.unit4.layer1:' "$out/parts"
    grep -q '^latency.cpu.head3:' "$out/parts"
    whole=$(detail value "$out/a.dss")
    awk -F: -v whole="$whole" '{ sum += $2; bad += $2 <= 0 } END { exit !(!bad && sum > 0 && sum <= whole) }' \
        "$out/parts"
}

@test "a metric that is there already is refused unless --replace; under another name both stay" {
    measure -o "$out/once.dss" "$IN"
    run -1 --separate-stderr measure "$out/once.dss"
    [[ "$stderr" == "ds-measure-cpu: $out/once.dss: record 1, byte "*": it has latency.cpu already: --replace puts another in its place, --as latency.NAME one beside it" ]]
    measure --as latency.again -o "$out/both.dss" "$out/once.dss"
    ds-show -t -c latency.cpu "$out/both.dss" | cmp - <(ds-show -t -c latency.cpu "$out/once.dss")
    [ "$(ds-show -t -c latency.again "$out/both.dss" | awk 'NR > 1 && $1 > 0' | wc -l)" -eq 6 ]
    measure --replace -m 3 -o "$out/replaced.dss" "$out/once.dss"
    [ "$(detail runs "$out/replaced.dss" | sort -u)" = 3 ]
    # the old one's blocks are not left beside the new one
    measure --per-block --as latency.twice -o "$out/blocks.dss" "$out/once.dss"
    for by in "-m 3" "--exec false"; do
        { measure --replace --as latency.twice $by "$out/blocks.dss" 2>/dev/null || true; } | ds-show --json >"$out/json"
        [ "$(wc -l <"$out/json")" -eq "$(ds-show -t "$out/once.dss" | tail -n +2 | wc -l)" ]
        run ! grep -qF 'latency.twice.' "$out/json"
    done
    for by in "cpu --profile note10" "acc --profile acc-ofa-mbv3" "npu --model kirin9000-lite"; do
        ds-sample ofa-mbv3 -n 2 | ds-measure-$by -q -o "$out/$by.dss"
        run -1 --separate-stderr ds-measure-$by -q "$out/$by.dss"
        [[ "$stderr" == *" already: --replace puts another in its place"* ]]
        ds-measure-$by -q --replace "$out/$by.dss" | ds-show --json | cmp - <(ds-show --json "$out/$by.dss")
    done
}

@test "records before one that has the metric already are measured and passed on" {
    { cat "$IN" && measure "$IN"; } >"$out/in.dss"
    run -1 --separate-stderr measure -o "$out/a.dss" "$out/in.dss"
    [ "$(detail value "$out/a.dss.part"* | wc -l)" -eq 6 ]
}

@test "--sustained: measured after so many seconds of load, and the record says so" {
    begin=${EPOCHREALTIME/[.,]/}
    measure --sustained 1.5 -o "$out/a.dss" "$IN"
    [ $((${EPOCHREALTIME/[.,]/} - begin)) -ge 1500000 ]
    [ "$(detail sustained "$out/a.dss" | sort -u)" = 1.5 ]
    measure -o "$out/b.dss" "$IN"
    [ -z "$(detail sustained "$out/b.dss")" ]
}

@test "the references stand on the record, the dstools that measured in the provenance" {
    measure -o "$out/a.dss" "$IN"
    [ "$(detail refs "$out/a.dss" | sort -u)" = 3 ]
    [ "$(detail ref "$out/a.dss" | sort -u | awk '$1 > 0' | wc -l)" -eq 1 ]
    ds-show --heads "$out/a.dss" | grep -qE '^    dstools: [0-9.]+(, commit [0-9a-f]{12}(-dirty)?)?$'
}

@test "a wide --precision ends as soon as there is an interval" {
    ds-measure-cpu -q --precision 1e6 --max-runs 60 --burst 3 -o "$out/a.dss" "$IN"
    [ "$(detail runs "$out/a.dss" | sort -u)" = 6 ] # the fewest that have an interval
    [ "$(detail converged "$out/a.dss" | sort -u)" = true ]
}

@test "what did not converge is said, unless -q" {
    run -0 --separate-stderr ds-measure-cpu --max-runs 1 -o "$out/a.dss" "$IN"
    [ -z "$(detail drift "$out/a.dss")" ] # of a single round none can be said
    [[ "$stderr" == "ds-measure-cpu: 6 of 6 latencies are not known to the 1% of --precision, but to 0% "*" more than 1 runs (--max-runs) narrow them; 'converged' is false on their records" ]]
    run -0 --separate-stderr ds-measure-cpu -q --max-runs 1 -o "$out/a.dss" "$IN"
    [ -z "$stderr" ]
}

@test "threads, batch and processors are on the record" {
    cpu=$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//') threads=$(nproc)
    measure --threads "$threads" -o "$out/a.dss" "$IN"
    [ "$(detail threads "$out/a.dss" | sort -u)" = "$threads" ]
    measure --batch 3 --pin "$cpu" -o "$out/a.dss" "$IN"
    [ "$(detail batch "$out/a.dss" | sort -u)" = 3 ]
    [ "$(detail pin "$out/a.dss" | sort -u)" = "\"$cpu\"" ]
}

@test "fewer threads than asked for are an error, not a number" {
    needs_engine onednn
    [ "$(nproc)" -ge 2 ] || skip "only one processor"
    run env OMP_THREAD_LIMIT=1 ds-measure-cpu --engine onednn --threads 2 -o "$out/a.dss" "$IN"
    [ "$status" -eq 1 ]
    [ "$output" = "ds-measure-cpu: oneDNN: OpenMP allows no more than 1 threads" ]
}

@test "--device names it" {
    measure --device "host 7" -o "$out/a.dss" "$IN"
    [ "$(detail device "$out/a.dss" | sort -u)" = '"host 7"' ]
}

# Skips the test where oneDNN refuses a number format here; it must say so by the format's name.
needs_dtype() {
    run measure --dtype "$1" -o "$out/there.dss" "$IN"
    [ "$status" -eq 0 ] && return
    [[ "$status" -eq 1 && "$output" == "ds-measure-cpu: oneDNN "*": $1 wants a processor with "* ]] || return 1
    skip "$output"
}

@test "a number format is on the record, with the instruction set and what it does to the logits" {
    for dtype in bf16 int8; do
        needs_dtype $dtype
        [ "$(detail value "$out/there.dss" | awk '$1 > 0' | wc -l)" -eq 6 ]
        [ "$(detail precision "$out/there.dss" | sort -u)" = "\"$dtype\"" ]
        [[ "$(detail isa "$out/there.dss" | sort -u)" == '"a'[a-z0-9_]*'"' ]]
        # not f32 by another name, and not something else
        [ "$(detail logits_error "$out/there.dss" | awk '$1 > 1e-4 && $1 < 0.8' | wc -l)" -eq 6 ]
    done
    [ "$(detail scales "$out/there.dss" | sort -u)" = '"2 seeded images"' ]
    # the same scales again, and in a batch
    measure --dtype int8 --batch 2 --per-block -o "$out/b.dss" "$IN"
    paste <(detail logits_error "$out/there.dss") <(detail logits_error "$out/b.dss")
    paste <(detail logits_error "$out/there.dss") <(detail logits_error "$out/b.dss") |
        awk '{ d = $1 - $2; if (d < 0) d = -d; if (!(d < 1e-4)) exit 1; n++ } END { exit n != 6 }'
    measure --dtype f32 -o "$out/f.dss" "$IN"
    [ "$(detail precision "$out/f.dss" | sort -u)" = '"fp32"' ]
    [ -z "$(detail logits_error "$out/f.dss")" ] && [ -z "$(detail scales "$out/f.dss")" ]
}

@test "a number format that processor or engine does not have is refused by its name" {
    for dtype in bf16 int8; do
        run -1 env ONEDNN_MAX_CPU_ISA=AVX2 ds-measure-cpu --dtype $dtype -o "$out/a.dss" "$IN"
        [[ "$output" == "ds-measure-cpu: oneDNN "*": $dtype wants a processor with "*"; what it finds here is "* ]]
        [ ! -e "$out/a.dss" ]
        ! grep -q '^xnnpack ' "$BUILD/engines" || {
            run -1 ds-measure-cpu --engine xnnpack --dtype $dtype -o "$out/a.dss" "$IN"
            [ "$output" = "ds-measure-cpu: xnnpack: no $dtype: it computes in f32 only; onednn has bf16 and int8" ]
        }
    done
    run -2 ds-measure-cpu --dtype f16 -o "$out/a.dss" "$IN"
    [ "$output" = "ds-measure-cpu: --dtype: 'f16' is none of f32, bf16, int8" ]
    run -2 ds-measure-cpu --dtype int8 --profile note10 -o "$out/a.dss" "$IN"
    [ "$output" = "ds-measure-cpu: --dtype is for measuring live" ]
    run -2 ds-measure-cpu --sustained 60 --exec true -o "$out/a.dss" "$IN"
    [ "$output" = "ds-measure-cpu: --sustained is for measuring live" ]
    run -2 ds-measure-cpu --calibrate none -o "$out/a.dss" "$IN"
    [ "$output" = "ds-measure-cpu: --calibrate is for --supernet" ]
}

@test "the other engine" {
    needs_engine xnnpack
    measure --engine xnnpack -o "$out/a.dss" "$IN"
    [[ "$(detail engine "$out/a.dss" | sort -u)" == '"XNNPACK '* ]]
    [ "$(detail value "$out/a.dss" | awk '$1 > 0' | wc -l)" -eq 6 ]
}

@test "bad usage" {
    run -2 ds-measure-cpu --engine abacus "$IN"
    [[ "$output" == "ds-measure-cpu: --engine: abacus is not built in; this dstools has: "* ]]
    run -2 ds-measure-cpu --pin 0,x -o /dev/null "$IN"
    [ "$output" = "ds-measure-cpu: --pin: '0,x' is not a list of processors, as 0 or 2,3" ]
    run -2 ds-measure-cpu --pin 99999 -o /dev/null "$IN"
    [[ "$output" == *"is not a list of processors"* ]]
    run -1 ds-measure-cpu --pin 1023 -o /dev/null "$IN"
    [ "$output" = "ds-measure-cpu: --pin 1023: no such processor, or not allowed" ]
    run -2 ds-measure-cpu --threads 0 -o /dev/null "$IN"
    [[ "$output" == *"--threads"* ]]
    run -2 ds-measure-cpu --threads 2 --pin "$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')" "$IN"
    [ "$output" = "ds-measure-cpu: --threads 2: more than the processors there are (1)" ]
    run -2 ds-measure-cpu --warmup 0 -o /dev/null "$IN"
    [[ "$output" == *"--warmup"* ]]
    run -2 ds-measure-cpu --batch 5000 -o /dev/null "$IN"
    [ "$output" = "ds-measure-cpu: --batch: must be 4096 or less" ]
    run -2 ds-measure-cpu --precision 0 -o /dev/null "$IN"
    [[ "$output" == *"--precision"* ]]
}

@test "an empty stream stays one" {
    ds-sample "$TINY" -n 0 | measure -o "$out/a.dss"
    [ "$(ds-show -t -c id "$out/a.dss" | wc -l)" -le 1 ]
    ds-measure-cost -q "$out/a.dss" >/dev/null
}

@test "a stream of groups has no architectures" {
    ds-sample "$TINY" -n 2 | ds-affix -q --all | ds-measure-cost -q | ds-aggregate --by block >"$out/g.dss"
    run -1 measure -o /dev/null "$out/g.dss"
    [[ "$output" == *"g.dss: record 1, byte "*": no architecture; is this an aggregated stream?" ]]
}

@test "a cut stream: what came before is measured, then the error" {
    { cat "$IN" && head -c 300 "$IN"; } >"$out/cut.dss"
    run -1 bash -c 'ds-measure-cpu -q --max-runs 2 "$1/cut.dss" 2>"$1/err" >"$1/a.dss"' - "$out"
    [[ "$(<"$out/err")" == "ds-measure-cpu: $out/cut.dss: "* ]]
    [ "$(detail value "$out/a.dss" 2>/dev/null | awk '$1 > 0' | wc -l)" -eq 6 ]
}

@test "a fault in a window: the good records before it are measured and passed on" {
    ds-sample "$TINY" -n 2 | ds-affix -q --all | ds-measure-cost -q | ds-aggregate --by block >"$out/g.dss"
    run -1 bash -c 'ds-measure-cpu -q --max-runs 2 "$1" "$2/g.dss" 2>"$2/err" >"$2/a.dss"' - "$IN" "$out"
    [[ "$(<"$out/err")" == "ds-measure-cpu: $out/g.dss: record 1, byte "*": no architecture"* ]]
    [ "$(detail value "$out/a.dss" 2>/dev/null | awk '$1 > 0' | wc -l)" -eq 6 ]
    run -1 ds-cat "$out/a.dss" # not for a whole stream
}

@test "an interrupt: what of a window is measured well enough is passed on" {
    for where in -o stdout; do
        # how long 8 runs of each take depends on the machine's other work
        for pause in 3 10 30 90; do
            python3 - "$IN" "$out" $where $pause <<'END' 2>"$out/err" || { cat "$out/err"; return 1; }
import signal, subprocess, sys, time
here, out, where, pause = sys.argv[1:]
to = ["-o", out + "/o.dss"] if where == "-o" else []
tool = subprocess.Popen(["ds-measure-cpu", "--progress", "--max-runs", "1000000", "--precision", "0.001"] + to + [here],
                        stdout=open(out + "/s.dss", "wb"), stderr=subprocess.PIPE,
                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
told = tool.stderr.read(1)  # the bar moves once something is measured
time.sleep(float(pause))
tool.send_signal(signal.SIGINT)
told += tool.stderr.read()
sys.stderr.write(told.decode().split("\r")[-1])
assert tool.wait() == -signal.SIGINT, tool.returncode
END
            ! grep -q 'interrupted: 6 records' "$out/err" || break
        done
        grep -q '^ds-measure-cpu: interrupted: 6 records are measured and passed on$' "$out/err"
        got=$out/s.dss
        [ $where = stdout ] || got=$(sed -n 's/.*what came before is in //p' "$out/err")
        [ "$(detail converged "$got" 2>/dev/null | grep -c false)" -eq 6 ]
        [ "$(detail runs "$got" 2>/dev/null | awk '$1 >= 8' | wc -l)" -eq 6 ]
        run -1 ds-cat "$got"
        [ ! -e "$out/o.dss" ]
    done
}

@test "a reader that went away is no failure; a full disk is" {
    run -0 bash -c 'set -o pipefail; measure() { ds-measure-cpu -q --max-runs 1 --window 1 "$@"; }
        measure "$IN" | head -c 1 >/dev/null'
    [ -z "$output" ]
    run -1 measure -o /dev/full "$IN"
    [[ "$output" == "ds-measure-cpu: "*"No space left on device"* ]]
}

@test "the machine is in the provenance" {
    measure -o "$out/a.dss" "$IN"
    run -0 ds-show --heads "$out/a.dss"
    for fact in "host: $(uname -n)" "kernel: Linux $(uname -r)" "processors: $(nproc)" "date: $(date -u +%Y-)" \
        "load: [0-9]" "libc: [0-9]" "compiler: [a-z]"; do
        grep -q "^    $fact" <<<"$output"
    done
    # as much as a tool after it keeps
    ds-measure-cost "$out/a.dss" | ds-show --heads | grep -q "^    kernel: Linux"
}

@test "a base is measured more often, by the root of its copies" {
    ds-sample "$TINY" -n 1 | ds-affix -q --all -o "$out/in.dss"
    copies=$(($(ds-show -t -c id "$out/in.dss" | wc -l) - 2))
    ds-measure-cpu -q --max-runs 2 --precision 0.001 -o "$out/a.dss" "$out/in.dss"
    detail runs "$out/a.dss" >"$out/runs"
    [ "$(head -1 "$out/runs")" -eq "$(awk -v k="$copies" 'BEGIN { printf "%d", 2 * int(sqrt(k) + 0.5) }')" ]
    [ "$(tail -1 "$out/runs")" -eq 2 ]
}

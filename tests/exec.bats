# shellcheck disable=SC2154 # stderr is set by run
# shellcheck disable=SC2016 # programs in single quotes
bats_require_minimum_version 1.5.0
load programs

# Option --exec: other programs measure, in all the ways that programs go wrong.

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit 1
    cat >tiny.json <<'END'
{"dstools_space": 1, "name": "tiny", "resolution": [32, 33],
 "blocks": [{"name": "a", "type": "mbconv", "expand": 3, "kernel": 3},
            {"name": "b", "type": "mbconv", "expand": 3, "kernel": 5}],
 "stem": [{"op": "conv", "kernel": 3, "stride": 2, "width": 8, "act": "relu"}],
 "units": [{"width": 8, "depth": [1, 2, 3], "stride": 2, "act": "hswish", "se": true}],
 "head": [{"op": "pool"}, {"op": "linear", "width": 10}]}
END
    export IN=$BATS_FILE_TMPDIR/in.dss
    ds-sample ./tiny.json -n 5 -o "$IN"
    # one architecture of the five, on which the programs below go wrong
    BAD=$(ds-show -t -c id "$IN" | sed -n 4p)
    export BAD
}

by() { # SCRIPT [OPTION ...]: measures by a shell script, which has the model as $1, the shape as $2
    ds-measure-npu --exec sh --arg -c --arg "$1" --arg script "${@:2}"
}

# Runs a script that goes wrong on one architecture: the others are measured, that one says why.
survives() { # SCRIPT WHY [OPTION ...]
    run -1 --separate-stderr by 'if [ $DSTOOLS_ID = $BAD ]; then '"$1"'; fi; echo 2.5' "${@:3}" -o out.dss "$IN"
    errors latency.npu out.dss >why
    [ "$(sed -n 3p why)" = "sh: $2" ] || { sed -n 3p why; return 1; }
    [ "$(grep -c . why)" -eq 1 ]
    [ "$(ds-show -t -c latency.npu out.dss | grep -c '^2.5$')" -eq 4 ]
    [ "${stderr_lines[0]}" = "ds-measure-npu: $IN: record 3, byte ${stderr_lines[0]##*byte }" ]
    [ "${stderr_lines[0]#*byte *: }" = "sh: $2" ]
    [ "${stderr_lines[1]}" = "ds-measure-npu: 1 of 5 records got no latency.npu: 'errors' on them says why" ]
    [ "${#stderr_lines[@]}" -eq 2 ]
}

@test "the program gets the model, its shape, and what it is about" {
    by 'echo "$0|$#|$2|$DSTOOLS_INPUT_SHAPE|$DSTOOLS_INPUT|$DSTOOLS_ID|$DSTOOLS_SPACE|$DSTOOLS_METRIC" >>"$LOG"
        [ "$1" = "$DSTOOLS_MODEL" ] && [ -z "${1##*.onnx}" ] && cp "$1" "$LOG.$DSTOOLS_ID" && echo 1' \
        -b 2 -o out.dss "$IN"
    while IFS='|' read -r zero n shape again input id space metric; do
        resolution=$(ds-show -t -c id,resolution "$IN" | awk -v id="$id" '$1 == id { print $2 }')
        [ "$zero $n $input $space $metric" = "script 2 input tiny latency.npu" ]
        [ "$shape" = "2,3,$resolution,$resolution" ] && [ "$shape" = "$again" ]
    done <"$LOG"
    [ "$(wc -l <"$LOG")" -eq 5 ]
    ds-export onnx -b 2 -d models "$IN" >/dev/null
    for model in models/*; do
        id=${model##*/}
        cmp "$model" "$LOG.${id%.onnx}"
    done
}

@test "numbers become the median with its spread, comments say how they were got" {
    by 'echo "# engine: none 1.0"; echo "#device:a phone "; echo; echo "# threads: 4"; echo "# just so"
        printf " 1.5\r\n2e0\n9\n"' -o out.dss "$IN"
    ds-show --json out.dss | python3 -c 'import json, sys
for line in sys.stdin:
    m = json.loads(line)["metrics"]["latency.npu"]
    m["p90"] = round(m["p90"], 9)
    script = m.pop("exec")
    assert script.startswith("sh -c ") and script.endswith(" script"), script
    assert m == {"value": 2, "min": 1.5, "p90": 7.6, "lo": 1.5, "hi": 9, "runs": 3, "batch": 1,
                 "engine": "none 1.0", "device": "a phone", "threads": 4}, m'
    ds-show --heads out.dss | grep -q -- '--exec'
}

@test "every tool that measures: its metric" {
    for class in cpu gpu npu; do
        "ds-measure-$class" --exec echo --arg 7 -q "$IN" >out.dss && return 1 # "7 MODEL SHAPE"
        "ds-measure-$class" --exec sh --arg -c --arg 'echo 7' "$IN" | ds-show -t -c "latency.$class" >got
        [ "$(grep -c '^7$' got)" -eq 5 ]
    done
    ds-measure-acc --exec sh --arg -c --arg 'echo 76.5' "$IN" | ds-show --json | grep -c '"top1":{"value":76.5,'
    run -1 ds-measure-acc --exec sh --arg -c --arg 'echo 101' -o out.dss "$IN"
    [[ "${lines[0]}" == *": sh: its answer, line 1: '101' is no percent of top1" ]]
    run -1 ds-measure-acc --exec sh --arg -c --arg 'echo 70; echo 71' -o out.dss "$IN"
    [[ "${lines[0]}" == *": sh: its answer, line 2: '71' is a second number, but one was wanted" ]]
}

@test "other metrics, order and blocks stay; an old number does not stand for a failed one" {
    ds-measure-cost "$IN" | ds-measure-npu --exec sh --arg -c --arg 'echo 3' >old.dss
    by 'test $DSTOOLS_ID != $BAD && echo 4' -q --replace -o new.dss old.dss || status=$?
    [ "$status" -eq 1 ]
    cmp <(ds-show -t -c id,macs new.dss) <(ds-show -t -c id,macs old.dss)
    [ "$(ds-show -t -c latency.npu new.dss | tr '\n' ' ')" = "latency.npu 4 4  4 4 " ]
    # and an error does not stay when there is a number
    by 'echo 5' --replace -o newer.dss new.dss
    [ "$(errors latency.npu newer.dss | grep -c .)" -eq 0 ]
    [ "$(ds-show -t -c latency.npu newer.dss | grep -c '^5$')" -eq 5 ]
}

@test "survives: a program that fails" {
    survives 'echo one >&2; echo "no device found " >&2; exit 7' 'exit status 7: no device found'
    survives 'exit 1' 'exit status 1'
}

@test "survives: a program that crashes" {
    survives 'echo half; kill -SEGV $$' 'killed by signal 11 (Segmentation fault)'
    survives 'kill -KILL $$' 'killed by signal 9 (Killed)'
}

@test "survives: a program that takes too long, with all that it started" {
    survives 'echo waiting >&2; sleep 300 & echo $! >pid; wait' 'took more than 3 s: waiting' --timeout 3
    is_gone "$(cat pid)"
}

@test "survives: a program that will not end" {
    survives 'trap "" TERM; while :; do sleep 0.1; done' 'took more than 3 s' --timeout 3
}

@test "survives: a program that is done but left another behind, which keeps its pipes open" {
    by 'sleep 300 & echo $! >>pids; echo 2' -o out.dss --timeout 20 "$IN"
    [ "$(ds-show -t -c latency.npu out.dss | grep -c '^2$')" -eq 5 ]
    for pid in $(cat pids); do
        is_gone "$pid"
    done
}

@test "survives: a program that closed its pipes and stays" {
    survives 'exec >&- 2>&-; exec sleep 300' 'took more than 3 s' --timeout 3
}

@test "survives: nonsense" {
    survives 'echo fast; exit' "its answer, line 1: 'fast' is not a number of ms"
    survives 'echo 1; echo; echo 12 ms; exit' "its answer, line 3: '12 ms' is not a number of ms"
    survives 'echo -1; exit' "its answer, line 1: '-1' is no ms of latency.npu"
    survives 'echo 0; exit' "its answer, line 1: '0' is no ms of latency.npu"
    survives 'echo nan; exit' "its answer, line 1: 'nan' is not a number of ms"
    survives 'echo 1e999; exit' "its answer, line 1: '1e999' is not a number of ms"
    survives 'echo 0x10; exit' "its answer, line 1: '0x10' is not a number of ms"
    survives 'echo 1e20; exit' "its answer, line 1: '1e20' is no ms of latency.npu"
    survives 'printf "\033[31m7\n"; exit' "its answer, line 1: '?[31m7' is not a number of ms"
    survives 'exit 0' 'answered no number of ms'
    survives 'echo "# engine: x"; exit' 'answered no number of ms'
    survives 'printf "1\0002\n"; exit' 'its answer is no text: it has zero bytes'
}

@test "survives: floods" {
    survives 'yes 1' 'answered more than 1048576 bytes'
    # of a line without end, its end
    survives 'head -c 3000000 /dev/zero | tr "\0" x >&2; echo end >&2; exit 2' \
        "exit status 2: $(head -c 396 /dev/zero | tr '\0' x)end"
    survives 'yes >&2' 'took more than 3 s: y' --timeout 3
    # an answer next to a flood of messages is not lost
    by 'head -c 3000000 /dev/zero >&2; echo 2' -o out.dss "$IN"
    [ "$(ds-show -t -c latency.npu out.dss | grep -c '^2$')" -eq 5 ]
}

@test "survives: a program that reads its input, or closes it" {
    by 'cat; exec <&-; echo 1' -o out.dss "$IN"
    [ "$(by 'cat >/dev/null; echo 1' <"$IN" | ds-show -t -c latency.npu | grep -c '^1$')" -eq 5 ]
}

@test "signals are as usual for the program" {
    by 'yes | head -1 >/dev/null; grep -E "^Sig(Ign|Blk):" /proc/self/status >>"$LOG"; echo 1' -o out.dss "$IN"
    # nothing blocked, and what our tools ignore (SIGPIPE, bit 12) is not
    [ "$(grep SigBlk "$LOG" | grep -vc '0000000000000000$')" -eq 0 ]
    awk '/SigIgn/ { if (substr($2, 13, 1) ~ /[13579bdf]/) exit 1 }' "$LOG"
}

@test "--retries: tries again, and says the last reason" {
    by 'echo x >>"$LOG.$DSTOOLS_ID"; [ $(wc -l <"$LOG.$DSTOOLS_ID") -ge 3 ] && echo 6' --retries 2 -o out.dss "$IN"
    [ "$(ds-show -t -c latency.npu out.dss | grep -c '^6$')" -eq 5 ]
    rm -f "$LOG".*
    run -1 by 'echo x >>"$LOG.$DSTOOLS_ID"; echo try $(wc -l <"$LOG.$DSTOOLS_ID") >&2; exit 4' --retries 2 -q -o out.dss "$IN"
    [ "$(errors latency.npu out.dss | sort -u)" = "sh: exit status 4: try 3" ]
    [ "$output" = "ds-measure-npu: 5 of 5 records got no latency.npu: 'errors' on them says why" ]
}

@test "a network that fails is not asked about again in this run; --drop-failed leaves it out" {
    run -1 by 'echo $DSTOOLS_ID >>"$LOG"; [ $DSTOOLS_ID != $BAD ] && echo 5' -q -o a.dss "$IN" "$IN"
    [ "$(wc -l <"$LOG")" -eq 5 ]
    [ "$(errors latency.npu a.dss | grep -c '^sh: exit status 1$')" -eq 2 ]
    run -1 by 'echo $DSTOOLS_ID >>"$LOG"; [ $DSTOOLS_ID != $BAD ] && echo 5' --drop-failed -q -o b.dss "$IN"
    [ "$output" = "ds-measure-npu: 1 of 5 records got no latency.npu and were left out" ]
    cmp <(ds-show -t -c id b.dss) <(ds-show -t -c id "$IN" | grep -v "$BAD")
}

@test "the same network is asked for once; --cache: in later runs neither, failures again" {
    script='echo "$DSTOOLS_ID" >>"$LOG"; [ -z "$FAIL" ] || [ $DSTOOLS_ID != $BAD ] && echo "# engine: e"; [ -z "$FAIL" ] || [ $DSTOOLS_ID != $BAD ] && echo 8'
    FAIL="" by "$script" -o twice.dss "$IN" "$IN"
    [ "$(wc -l <"$LOG")" -eq 5 ]
    rm "$LOG"
    FAIL=1 run -1 by "$script" --cache answers -o a.dss "$IN"
    [ "$(wc -l <"$LOG")" -eq 5 ]
    [ "$(ls answers | wc -l)" -eq 4 ]
    FAIL="" by "$script" --cache answers -o b.dss "$IN"
    [ "$(wc -l <"$LOG")" -eq 6 ] && [ "$(tail -1 "$LOG")" = "$BAD" ]
    cmp <(ds-show --json b.dss) <(head -5 <(ds-show --json twice.dss))
    # another command, other weights, another metric: another question
    FAIL="" by "$script " --cache answers -o c.dss "$IN"
    FAIL="" by "$script" --cache answers --seed 2 -o c.dss "$IN"
    FAIL="" by "$script" --cache answers -b 2 -o c.dss "$IN"
    [ "$(wc -l <"$LOG")" -eq 21 ]
    ds-measure-gpu --exec sh --arg -c --arg "$script" --arg script --cache answers -o c.dss "$IN"
    [ "$(wc -l <"$LOG")" -eq 26 ]
}

@test "--cache: a damaged answer is measured again, a directory that cannot be is told" {
    by 'echo 8' --cache answers -o a.dss "$IN"
    for answer in answers/*; do
        echo garbage >"$answer"
        break
    done
    run -0 by 'echo 8' --cache answers -o b.dss "$IN"
    [ "$output" = "ds-measure-npu: $answer: not an answer, so it is measured again: its answer, line 1: 'garbage' is not a number of ms" ]
    [ "$(cat "$answer")" = 8 ]
    run -1 by 'echo 8' --cache /proc/none/there -o b.dss "$IN"
    [ "$output" = "ds-measure-npu: --cache: /proc/none/there: cannot make it: No such file or directory" ]
    run -1 by 'echo 8' --cache "$answer" -o b.dss "$IN"
    [[ "$output" == "ds-measure-npu: --cache: $answer/"*": Not a directory" ]]
}

@test "a killed campaign goes on where it was" {
    by 'echo x >>"$LOG"; [ $(wc -l <"$LOG") -ne 4 ] || kill -KILL $PPID; echo 8' --cache answers -o a.dss "$IN" || true
    all_gone tmp
    [ "$(ls answers | wc -l)" -eq 3 ]
    by 'echo x >>"$LOG"; [ $(wc -l <"$LOG") -ne 4 ] || kill -KILL $PPID; echo 8' --cache answers -o b.dss "$IN"
    [ "$(wc -l <"$LOG")" -eq 6 ]
    [ "$(ds-show -t -c latency.npu b.dss | grep -c '^8$')" -eq 5 ]
}

@test "an interrupt: what was measured before is passed on" {
    ds-sample "$BATS_FILE_TMPDIR/tiny.json" -n 7 -o seven.dss
    # the fifth run waits; what came before is fewer than a block
    run bash -c 'ds-measure-npu --exec sh --arg -c --arg "echo x >>count; [ \$(wc -l <count) -lt 5 ] || { touch waits; sleep 1000; }; echo 3" seven.dss >got.dss & pid=$!
        until [ -e waits ]; do sleep 0.05; done; kill -TERM $pid; wait $pid'
    [ "$status" -eq 143 ]
    [ "$(ds-show -t -c latency.npu got.dss 2>/dev/null | grep -c '^3$')" -eq 4 ]
    run -1 ds-cat got.dss
}

@test "an interrupt ends the program too, and removes the model" {
    ds-measure-npu --exec sh --arg -c --arg 'echo $$ >pid; exec sleep 300' -o a.dss "$IN" &
    tool=$!
    for _ in $(seq 100); do
        [ -s pid ] && break
        sleep 0.05
    done
    [ "$(find tmp -name "*.onnx" -size +0 | wc -l)" -eq 1 ]
    kill -TERM "$tool"
    status=0
    wait "$tool" || status=$?
    [ "$status" -eq 143 ]
    is_gone "$(cat pid)"
}

@test "kill -9 of the tool ends the program and all that it runs, and removes the model" {
    # shellcheck disable=SC2089
    waits='sleep 300 & echo $! >child; echo $$ >pid.new; mv pid.new pid; trap "" TERM; wait; wait'
    for serve in '' --serve; do
        rm -f pid child
        # shellcheck disable=SC2086
        ds-measure-npu --exec sh --arg -c --arg "$waits" $serve -o a.dss "$IN" &
        tool=$!
        until [ -s pid ]; do sleep 0.05; done
        [ "$(find tmp -name "*.onnx" -size +0 | wc -l)" -eq 1 ]
        kill -KILL "$tool"
        wait "$tool" || true
        is_gone "$(cat pid)"
        is_gone "$(cat child)"
        all_gone tmp
    done
}

@test "kill -9 of the tool and of all its group, too" {
    run bash -c 'set -m; ds-measure-npu --exec sh --arg -c --arg "echo \$\$ >pid; exec sleep 300" -o a.dss "$IN" & tool=$!
        until [ -s pid ]; do sleep 0.05; done; kill -KILL -- -$tool; wait $tool'
    [ "$status" -eq 137 ]
    is_gone "$(cat pid)"
    all_gone tmp
}

@test "a program that cannot be run ends the tool at once" {
    run -1 ds-measure-npu --exec no-such-program -o a.dss "$IN"
    [ "$output" = "ds-measure-npu: --exec: no-such-program: no such program in PATH; write ./no-such-program for one that is here" ]
    run -1 ds-measure-npu --exec ./none -o a.dss "$IN"
    [ "$output" = "ds-measure-npu: --exec: ./none: No such file or directory" ]
    echo 'echo 1' >plain
    run -1 ds-measure-npu --exec ./plain -o a.dss "$IN"
    [ "$output" = "ds-measure-npu: --exec: ./plain: is no program that may be run" ]
    run -1 ds-measure-npu --exec . -o a.dss "$IN"
    chmod +x plain
    run -1 ds-measure-npu --exec ./plain -q -o a.dss "$IN"
    [ "$(errors latency.npu a.dss | sort -u)" = "./plain: cannot be started: Exec format error; has the script a #! line?" ]
    # nor does it go away unseen
    printf '#!/bin/sh\necho 1; rm -f "$0"\n' >once
    chmod +x once
    run -1 ds-measure-npu --exec ./once -q -o a.dss "$IN"
    [ "$(errors latency.npu a.dss | grep -c '^./once: cannot be started: No such file or directory$')" -eq 4 ]
    [ "$(ds-show -t -c latency.npu a.dss 2>/dev/null | grep -c '^1$')" -eq 1 ]
}

@test "no shell comes between" {
    cat >'a $(touch hit) b' <<'END'
#!/bin/sh
printf '%s\n' "$1" >arg
echo 1
END
    chmod +x 'a $(touch hit) b'
    ds-measure-npu --exec './a $(touch hit) b' --arg '; touch hit "' -o a.dss "$IN"
    [ "$(cat arg)" = '; touch hit "' ] && [ ! -e hit ]
    ds-show --json a.dss | head -1 | grep -qF "\"exec\":\"'./a \$(touch hit) b' '; touch hit \\\"'\""
}

@test "bad usage" {
    run -2 ds-measure-cpu --arg x "$IN"
    [ "$output" = "ds-measure-cpu: --arg, --serve, --format, --timeout, --retries, --cache, --drop-failed and --opset are for --exec" ]
    run -2 ds-measure-npu --exec true --profile dpu "$IN"
    [ "$output" = "ds-measure-npu: --profile, --predictor, --model and --exec: one of them" ]
    run -2 ds-measure-acc --exec true --profile acc-ofa-mbv3 "$IN"
    run -2 ds-measure-acc "$IN"
    [ "$output" = "ds-measure-acc: wants one of --supernet FILE, --profile NAME, --predictor FILE, --exec PROGRAM" ]
    run -2 ds-measure-npu --exec true --opset 14 "$IN"
    run -2 ds-measure-npu --exec true --timeout 0 "$IN"
    run -2 ds-measure-npu --exec true --batch 5000 "$IN"
    ds-sample ofa-mbv3 -n 2 | ds-affix --all | ds-measure-cost | ds-aggregate --by block >g.dss
    run -1 ds-measure-npu --exec true -o a.dss g.dss
    [[ "$output" == *"g.dss: record 1, byte "*": no architecture; is this an aggregated stream?" ]]
}

@test "an empty stream stays one; a cut one is measured up to there" {
    head -c -30 "$IN" >cut.dss
    cat "$IN" cut.dss >in.dss
    run -1 bash -c "ds-measure-npu -q --exec sh --arg -c --arg 'echo 1' in.dss 2>err >a.dss"
    [[ "$(<err)" == "ds-measure-npu: in.dss: "* ]]
    [ "$(ds-show -t -c latency.npu a.dss 2>/dev/null | grep -c '^1$')" -eq 5 ]
    ds-sample "$BATS_FILE_TMPDIR/tiny.json" -n 0 | by 'echo 1' | ds-show -t -c id
}

@test "a reader that went away is no failure; a full disk is, wherever it is" {
    run -0 bash -c 'set -o pipefail; ds-measure-npu --exec sh --arg -c --arg "echo 1" "$IN" "$IN" "$IN" "$IN" "$IN" "$IN" "$IN" "$IN" | head -c 1 >/dev/null'
    run -1 by 'echo 1' -o /dev/full "$IN"
    [[ "$output" == "ds-measure-npu: "*"No space left on device"* ]]
    TMPDIR=/proc/none run -1 by 'echo 1' -o a.dss "$IN"
    [[ "$output" == "ds-measure-npu: /proc/none: cannot make a file there (TMPDIR): No such file or directory" ]]
}

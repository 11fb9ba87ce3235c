# shellcheck disable=SC2154 # stderr is set by run
# shellcheck disable=SC2016 # programs in single quotes
bats_require_minimum_version 1.5.0
load programs

# --exec --serve: a program that is started once and asked line by line; and what any program is
# told of the architecture.

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit 1
    export IN=$BATS_FILE_TMPDIR/in.dss
    ds-sample ofa-mbv3 -n 5 -o "$IN"
    # one architecture of the five, on which the programs below go wrong
    BAD=$(ds-show -t -c id "$IN" | sed -n 4p)
    # answers 70 to all; a program may say otherwise for the bad one, whose question is `q`
    cat >serve.py <<'END'
import json, os, sys, time
open(os.environ["LOG"], "a").write("start\n")
def say(text):
    print(text, flush=True)
def answer(**more):
    say(json.dumps({"id": q["id"], q["metric"]: 70, **more}))
for line in sys.stdin:
    q = json.loads(line)
    open(os.environ["LOG"], "a").write("ask\n")
    if q["id"] == os.environ["BAD"]:
        exec(sys.argv[1])
    else:
        answer()
open(os.environ["LOG"], "a").write("end\n")
END
    export SERVE=$BATS_FILE_TMPDIR/serve.py BAD
}

# Serves; the Python statement is what happens on the bad architecture.
by() { # STATEMENT [OPTION ...]
    ds-measure-acc --serve --exec python3 --arg "$SERVE" --arg "$1" "${@:2}"
}

# The others are measured, the bad one says why; the program was started so often.
survives() { # STATEMENT WHY STARTS [OPTION ...]
    run -1 --separate-stderr by "$1" --format none "${@:4}" -o out.dss "$IN"
    errors top1 out.dss >why
    [[ "$(sed -n 3p why)" == "python3: "$2 ]] || { sed -n 3p why; return 1; }
    [ "$(grep -c . why)" -eq 1 ]
    [ "$(ds-show -t -c top1 out.dss | grep -c '^70$')" -eq 4 ]
    [ "$(grep -c start "$LOG")" -eq "$3" ] || { cat "$LOG"; return 1; }
}

@test "a program is started once, told the architecture in JSON and as Once-for-All's dictionary" {
    cat >tell.py <<'END'
import json, os, sys
print("start", file=open("starts", "a"))
for line in sys.stdin:
    q = json.loads(line)
    print(line, end="", file=open("asked", "a"))
    assert os.path.getsize(q["model"]) > 100000 and q["input"] == "input"
    print(json.dumps({"id": q["id"], "top1": 71.5}), flush=True)
END
    ds-measure-acc --exec python3 --arg tell.py --serve -o out.dss "$IN"
    [ "$(wc -l <starts)" -eq 1 ]
    [ "$(ds-show -t -c top1 out.dss | grep -c '^71.5$')" -eq 5 ]
    ds-export ofa "$IN" >ofa
    ds-show --json "$IN" >records
    python3 - <<'END'
import json
rows = [[json.loads(line) for line in open(name)] for name in ("asked", "ofa", "records")]
assert len(rows[0]) == 5
for asked, ofa, record in zip(*rows):
    r = record["arch"]["resolution"]
    assert asked.pop("model").endswith(".onnx") and asked.pop("input") == "input"
    assert asked == {"id": record["id"], "metric": "top1", "space": "ofa-mbv3", "arch": record["arch"],
                     "ofa": ofa, "shape": [1, 3, r, r]}, asked
END
}

@test "--format none: no model; a program that is run each time is told in its environment" {
    cat >none.py <<'END'
import json, os, sys
assert len(sys.argv) == 1, sys.argv
assert not {"DSTOOLS_MODEL", "DSTOOLS_INPUT"} & set(os.environ) and not os.listdir(os.environ["TMPDIR"])
arch, ofa = json.loads(os.environ["DSTOOLS_ARCH"]), json.loads(os.environ["DSTOOLS_OFA"])
assert len(arch["units"]) == 5 and len(ofa["ks"]) == 20 and ofa["r"] == arch["resolution"]
print("ask", file=open("log", "a"))
print(60 + sum(unit["depth"] for unit in arch["units"]) / 10)
END
    ds-measure-acc --exec python3 --arg none.py --format none --cache kept -o out.dss "$IN"
    ds-measure-acc --exec python3 --arg none.py --format none --cache kept -o again.dss "$IN" "$IN"
    [ "$(wc -l <log)" -eq 5 ] # each once, in both runs
    ds-show --json out.dss | python3 -c 'import json, sys
for line in sys.stdin:
    r = json.loads(line)
    assert r["metrics"]["top1"]["value"] == 60 + sum(u["depth"] for u in r["arch"]["units"]) / 10'
    # a space without such dictionaries
    ds-sample fbnet -n 1 | ds-measure-acc --format none -o /dev/null --exec sh --arg -c \
        --arg '[ -z "${DSTOOLS_OFA+set}" ] && [ -n "$DSTOOLS_ARCH" ] && echo 1'
}

@test "further metrics and details go onto the record; base and affix stay" {
    ds-affix --all --seed 3 "$IN" >affixed.dss
    cat >more.py <<'END'
import json, sys
for line in sys.stdin:
    q = json.loads(line)
    print(json.dumps({"id": q["id"], "top1": {"value": 75.25, "images": 100, "how": "so", "lo": 70.5, "sure": True},
                      "energy": {"value": 3.5, "device": "meter"}, "memory": 12}), flush=True)
END
    ds-measure-acc --exec python3 --arg more.py --serve --format none affixed.dss >out.dss
    ds-show --json out.dss >got
    ds-show --json affixed.dss >before
    python3 - <<'END'
import json
for got, before in zip(map(json.loads, open("got")), map(json.loads, open("before"))):
    metrics = got.pop("metrics")
    exec_ = metrics["top1"].pop("exec")
    assert exec_ == "python3 more.py"
    assert metrics == {"top1": {"value": 75.25, "images": 100, "how": "so", "lo": 70.5, "sure": True},
                       "energy": {"value": 3.5, "device": "meter"}, "memory": 12}, metrics
    before.pop("metrics")
    assert got == before
END
    ds-aggregate --effect --by unit,block out.dss | ds-show --json | head -1 | grep -q '"energy"'
    # runs of a latency become their median; a plain program may answer an object, too
    ds-measure-npu --format none -o n.dss --exec sh --arg -c \
        --arg 'echo "{\"latency.npu\": {\"value\": [3, 1, 2], \"engine\": \"E 1\"}, \"memory\": 5}"' "$IN"
    ds-show --json n.dss | head -1 | grep -q '"latency.npu":{"value":2[^}]*"runs":3,.*"engine":"E 1".*"memory":5'
}

@test "survives: a program that ends, crashes, or is killed; it is started again" {
    survives 'sys.exit(3)' 'exit status 3' 2
    rm log
    survives 'print("no memory", file=sys.stderr); os.abort()' 'killed by signal 6 (Aborted): no memory' 2
    rm log
    survives 'sys.exit(0)' 'ended without an answer' 3 # asked twice: it may have been on its way out
    rm log
    survives '0/0' 'exit status 1: ZeroDivisionError: division by zero' 2
}

@test "survives: a program that does not answer in time, with all that it started" {
    survives 'os.system("echo $$ >pid; exec sleep 300")' 'no line of answer: took more than 2 s' 2 --timeout 2
    is_gone "$(cat pid)"
    rm log
    survives 'sys.stdout.write("{"); time.sleep(300)' 'no line of answer: took more than 2 s' 2 --timeout 2
}

@test "survives: answers that are none" {
    # without the right id it may be out of step, and is started again
    survives 'say("yes")' 'its answer is no JSON object: *' 2
    rm log
    survives 'say("{nonsense")' 'its answer is no JSON object: *' 2
    rm log
    survives 'say("70")' 'its answer is no JSON object: *' 2
    rm log
    survives 'say("")' 'its answer is no JSON object: *' 2
    rm log
    survives 'answer(top1=float("nan"))' 'its answer is no JSON object: *' 2
    rm log
    survives 'say(json.dumps({"top1": 70}))' 'its answer has no "id", which must be that of the question' 2
    rm log
    survives 'say(json.dumps({"id": "0", "top1": 1}))' "answered for 0, asked about $BAD" 2
    rm log
    survives 'say(json.dumps({"id": q["id"], "Top1": 1}))' 'its answer has no "top1"' 1
    rm log
    survives 'answer(top1=101)' 'its answer: 101 is no percent of top1' 1
    rm log
    survives 'answer(top1=[70, 71])' 'its answer: "top1" is 2 numbers, but one was wanted' 1
    rm log
    survives 'answer(energy="much")' 'its answer: "energy" is no number' 1
    rm log
    survives 'answer(error="out of images")' 'says: out of images' 1
}

@test "survives: a program that says too much; what it says next would be of another" {
    survives 'say("one\ntwo")' 'answered more than one line' 2
    rm log
    survives 'print("x" * 2000000)' 'answered more than 1048576 bytes' 2
    # what comes after an answer is found before the next question
    run -1 by 'answer(); time.sleep(0.3); say("by the way")' --format none -o out.dss "$IN"
    [ "$(errors top1 out.dss | grep -c .)" -eq 1 ]
}

@test "a program that ends after each answer is started for each" {
    by 'answer()' --format none -o out.dss "$IN"
    [ "$(grep -c start "$LOG")" -eq 1 ]
    [ "$(tail -1 "$LOG")" = end ] # it saw its input end
    cat >one.py <<'END'
import json
q = json.loads(input())
print(json.dumps({"id": q["id"], "top1": 1}))
END
    ds-measure-acc --serve --format none --exec python3 --arg one.py -o out.dss "$IN"
    [ "$(ds-show -t -c top1 out.dss | grep -c '^1$')" -eq 5 ]
}

@test "--retries asks again, --cache does not" {
    by 'os.path.exists("tried") and answer() or open("tried", "w").write("x") and sys.exit(1)' \
        --format none --retries 1 --cache kept -o out.dss "$IN" || true
    [ "$(grep -c ask "$LOG")" -eq 6 ]
    [ "$(ds-show -t -c top1 out.dss | grep -c '^70$')" -eq 5 ]
    by 'os.path.exists("tried") and answer() or open("tried", "w").write("x") and sys.exit(1)' \
        --format none --retries 1 --cache kept -o again.dss "$IN"
    [ "$(grep -c ask "$LOG")" -eq 6 ]
    cmp <(ds-show --json out.dss) <(ds-show --json again.dss)
}

@test "a program that reads nothing, or only its input's end, is not waited for" {
    run -1 ds-measure-acc -q --serve --format none --timeout 1 --exec sleep --arg 300 -o a.dss "$IN"
    [ "$(errors top1 a.dss | grep -c 'took more than 1 s')" -eq 5 ]
    run -1 ds-measure-acc -q --serve --format none --exec true -o a.dss "$IN"
    [ "$(errors top1 a.dss | grep -c 'true: ended without an answer')" -eq 5 ]
    # one that will not end with its input is ended
    cat >stay.py <<'END'
import json, os, sys, time
print(os.getpid(), file=open("pid", "w"))
for line in sys.stdin:
    print(json.dumps({"id": json.loads(line)["id"], "top1": 1}), flush=True)
time.sleep(300)
END
    ds-measure-acc --serve --format none --exec python3 --arg stay.py -o a.dss "$IN"
    is_gone "$(cat pid)"
}

@test "an interrupt ends the program that serves, too" {
    ds-measure-acc --serve --exec python3 --arg "$SERVE" -o a.dss "$IN" \
        --arg 'print(os.getpid(), file=open("pid.new", "w")); os.rename("pid.new", "pid"); time.sleep(300)' &
    tool=$!
    for _ in $(seq 200); do
        [ -s pid ] && break
        sleep 0.05
    done
    kill -TERM "$tool"
    status=0
    wait "$tool" || status=$?
    [ "$status" -eq 143 ]
    is_gone "$(cat pid)"
}

@test "a stand-in gives 10,000 affixed records what --predictor gives them" {
    python3 "$BATS_TEST_DIRNAME/make_pth.py" p.pth 128 plausible
    ds-sample ofa-mbv3 -n 56 | ds-affix --all | ds-measure-acc --predictor p.pth -o predicted.dss
    [ "$(ds-show -t -c id predicted.dss | wc -l)" -gt 10000 ]
    ds-show --json predicted.dss >table
    cat >stand_in.py <<'END'
import json, sys
table = {r["id"]: r["metrics"]["top1"] for r in map(json.loads, open("table"))}
for line in sys.stdin:
    id = json.loads(line)["id"]
    print(json.dumps({"id": id, "top1": table[id]}), flush=True)
END
    ds-sample ofa-mbv3 -n 56 | ds-affix --all |
        ds-measure-acc --serve --format none --exec python3 --arg stand_in.py -o served.dss
    effects() { ds-aggregate --effect --by unit,block "$1" | ds-show --json | sed 's/,"exec":"[^"]*"//'; }
    cmp <(effects predicted.dss) <(effects served.dss)
    [ "$(effects served.dss | wc -l)" -eq 45 ]
}

@test "bad usage" {
    run -2 ds-measure-npu --serve --profile dpu "$IN"
    [[ "$output" == "ds-measure-npu: "*" are for --exec" ]]
    run -2 ds-measure-npu --format none --profile dpu "$IN"
    [[ "$output" == "ds-measure-npu: "*" are for --exec" ]]
    run -2 ds-measure-npu --exec true --format tensorrt "$IN"
    [ "$output" = "ds-measure-npu: --format: 'tensorrt' is none of onnx, tflite, onnx-int8, onnx-int8-each, tflite-int8, none" ]
    run -2 ds-measure-npu --exec true --format onnx-int8 --opset 12 "$IN"
    [ "$output" = "ds-measure-npu: --opset: models in int8 are of opset 13" ]
}

@test "--format: models in int8 are those of ds-export --int8, and the record says so" {
    cd "$BATS_TEST_TMPDIR" || exit 1
    ds-sample mobilenet-v2 -n 1 >one.dss
    for form in onnx-int8 "onnx-int8-each --round-each" tflite-int8; do
        read -r form each <<<"$form"
        ds-measure-npu --exec sh --arg -c --arg 'cp "$0" model; echo 7' --format "$form" one.dss |
            ds-show -t -c latency.npu:format | tail -1 >says
        [ "$(cat says)" = "$form" ]
        # shellcheck disable=SC2086
        ds-export "${form%%-*}" --int8 $each one.dss | cmp - model
    done
    ds-measure-npu --exec sh --arg -c --arg 'echo 7' --format onnx one.dss | ds-show --json >plain
    run -1 grep '"format"' plain
}

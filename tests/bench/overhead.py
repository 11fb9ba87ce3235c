#!/usr/bin/env python3
"""What a network costs through a runner that serves, beside its runs: medians over N networks, in ms.

usage: overhead.py [-n N] [SPACE]

  asking    from an answer to the next question: the record written and read, the model made and written
  loading   from a question to its answer, without the run: the runtime's loading, and the runner
  running   one run, without one to warm up

"none" is a runner that answers at once and gets no model: what is left of asking is the plumbing. BUILD:
where dstools is built. Takes the processor before others where it may.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNNERS = os.path.join(TESTS, "../examples/runners")
FORMS = {"onnxruntime": ["onnx", "onnx-int8", "onnx-int8-each"], "tflite": ["tflite", "tflite-int8"]}


def stand_between(log, command):
    """Passes questions and answers on, and writes when they came: between ds-measure-cpu and a runner."""
    runner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) if command else None
    with open(log, "w") as out:
        for question in sys.stdin.buffer:
            asked = time.perf_counter()
            if runner:
                runner.stdin.write(question)
                runner.stdin.flush()
                answer = runner.stdout.readline()
            else:
                answer = json.dumps({"id": json.loads(question)["id"], "latency.cpu": [1e-9]}).encode() + b"\n"
            answered = time.perf_counter()
            sys.stdout.buffer.write(answer)
            sys.stdout.flush()
            print(asked, answered, *json.loads(answer)["latency.cpu"].get("value", []) if runner else [0], file=out)


def row(name, form, networks, folder):
    log = os.path.join(folder, "log")
    command = [os.path.join(RUNNERS, name), "--serve", "--runs=1", "--warmup=0"] if name != "none" else []
    args = [os.path.abspath(__file__), "--between", log, *command]
    subprocess.run(["ds-measure-cpu", "-q", "--format", form, "--serve", "--exec", sys.executable,
                    *(f"--arg={a}" for a in args), "-o", "/dev/null", networks], check=True, stderr=subprocess.DEVNULL)
    with open(log) as lines:
        times = [[float(x) for x in line.split()] for line in lines][1:]  # the first includes the start
    asking = statistics.median(1e3 * (b[0] - a[1]) for a, b in zip(times, times[1:]))
    inside = statistics.median(1e3 * (t[1] - t[0]) - t[2] for t in times)
    print(f"| `{name}` | {form} | {asking:.1f} | {inside:.1f} | {statistics.median(t[2] for t in times):.1f} |", flush=True)


def main():
    if sys.argv[1:2] == ["--between"]:
        return stand_between(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=50)
    parser.add_argument("space", nargs="?", default="ofa-mbv3")
    options = parser.parse_args()
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass
    print("| runner | models | asking | loading | running |\n|---|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        networks = os.path.join(folder, "in.dss")
        subprocess.run(["ds-sample", options.space, "-n", str(options.n), "-o", networks], check=True)
        row("none", "none", networks, folder)
        for name, forms in FORMS.items():
            where = subprocess.run([os.path.join(TESTS, name)], stdout=subprocess.PIPE, text=True, check=False)
            if where.returncode:
                continue
            os.environ[f"DSTOOLS_{name.upper()}"] = where.stdout.strip()
            for form in forms:
                row(name, form, networks, folder)


main()

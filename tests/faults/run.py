#!/usr/bin/env python3
"""Runs every tool with the first, second, ... call of a function failing (shim.c), until a run has fewer.

A tool may then fail (status 1 with a message) or do without; but not crash, not hang, and not end
with 0 and other output than undisturbed. Usage: run.py SHIM KIND[,KIND ...] [MOST-CALLS] [TOOL ...]:
of more calls than MOST-CALLS a spread selection fails. Prints what went wrong, and a summary.
"""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys

SEED = ("ds-sample -q tiny.json -n 90 -o s.dss; ds-sample -q tiny.json -n 2 -o two.dss; ds-affix -q --depth 0,2 --depth 0,3 s.dss | ds-measure-cost -q -o c.dss; "
        "ds-aggregate -q --occurring --by unit,block c.dss -o g.dss; "
        "ds-aggregate -q --by unit,depth --partial c.dss -o p.dss; ds-affix -q --depth 0,3 --depth 1,4 two.dss | ds-measure-cost -q | ds-aggregate -q --by unit,depth --partial -o q.dss; "
        "ds-export ofa c.dss >o.jsonl; ds-cat -qz c.dss -o z.dss; "
        "ds-export lut --profile note10 --space tiny.json -d lut; "
        "printf 'net_str,resolution,unit,lat\\n' >nets.csv; "
        "ds-show --json two.dss | jq -r '[([.arch.units[].blocks | join(\"->\")] | join(\"|\")), .arch.resolution, \"ms\", 7] | map(tostring) | join(\",\")' >>nets.csv; "
        "printf '#!/bin/sh\\necho 5\\n' >five; chmod +x five")
# a command: standard output, and the files named after it, are what is compared
COMMANDS = [
    ("ds-sample -q tiny.json -n 40", []),
    ("ds-sample -q tiny.json -n 20 --unique --max macs=400 -o out", ["out"]),
    ("ds-cat -q s.dss z.dss", []),
    ("ds-cat -qz s.dss -o out", ["out"]),
    ("ds-affix -q --all s.dss", []),
    ("ds-measure-cost -q s.dss -o out", ["out"]),
    ("ds-measure-cpu -q --profile note10 s.dss", []),
    ("ds-measure-npu -q --model kirin9000-lite s.dss", []),
    ("ds-measure-npu -q --exec ./five two.dss --cache cache", []),
    ("ds-aggregate -q --effect --by unit,depth c.dss", []),
    ("ds-aggregate -q --occurring --by unit,block c.dss", []),
    ("ds-aggregate -q --occurring --by unit,block --keep 1000 --partial c.dss", []),
    ("ds-aggregate -q --merge p.dss q.dss", []),
    ("ds-show c.dss", []),
    ("ds-show --tsv z.dss", []),
    ("ds-show --json g.dss -o out", ["out"]),
    ("ds-show --heads c.dss", []),
    ("ds-pareto -q --worse macs --better params c.dss", []),
    ("ds-pareto -q --better params --top 3 c.dss", []),
    ("ds-mutate -q tiny.json -n 30 --seed 2 --crossover 0.3 s.dss", []),
    ("ds-prune tiny.json --drop kernel==7 --max-depth 0=3 -o out", ["out"]),
    ("ds-prune tiny.json --worse macs --explain c.dss", []),
    ("ds-compare --worse macs a=c.dss a=c.dss b=c.dss b=c.dss", []),
    ("ds-fit params --family additive --class acc --name x --device y -q c.dss", []),
    ("ds-space tiny.json", []),
    ("ds-export ofa c.dss", []),
    ("ds-export onnx two.dss --dir models", []),
    ("ds-export lut --profile note10 --space tiny.json --dir tables", ["tables/160_lookup_table.yaml"]),
    ("ds-import ofa -q --space tiny.json o.jsonl", []),
    ("ds-import csv -q --space tiny.json nets.csv", []),
    ("ds-import lut --space tiny.json --name x --device y --class cpu lut/160_lookup_table.yaml", []),
    ("ds-plot heatmap g.dss", []),
    ("ds-plot heatmap --metric macs -o out.svg g.dss", ["out.svg"]),
]
LEFT_TO_OTHERS = ["GNU MP: Cannot allocate memory", "OpenBLAS"]  # libraries that end the process themselves


def content(out, files):
    return [out] + [open(f, "rb").read() if os.path.exists(f) else None for f in files]


def shape(content):
    """Without its numbers: a sum's last digit depends on where in memory its operands are."""
    return [re.sub(rb"[-+.0-9e]+", b"#", part) for part in content if part is not None]


def clean(files):
    for f in files:
        if os.path.exists(f):
            os.remove(f)
    for d in ("cache", "models", "tables"):
        shutil.rmtree(d, ignore_errors=True)


def run(command, files, env):
    clean(files)
    done = subprocess.run(command.split(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(os.environ, **env), timeout=300)
    return done.returncode, done.stderr.decode(errors="replace"), content(done.stdout, files)


def numbers(most):
    """1, 2, ... with growing steps once there are more than can be tried."""
    n, step = 1, 1
    while True:
        yield n
        if n >= most:
            step = max(step, n // most + 1)
            step = step + step // 3
        n += step


shim, kinds, most = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3]) if len(sys.argv) > 3 else 60
only = sys.argv[4:]
subprocess.run(["bash", "-ec", SEED], check=True)
runs = wrong = 0
for command, files in COMMANDS:
    if only and command.split()[0] not in only:
        continue
    status, said, want = run(command, files, {})
    if status:
        print("cannot run undisturbed: %s: %s" % (command, said))
        wrong += 1
        continue
    for kind in kinds:
        for n in numbers(most):
            clean(["told"])
            try:
                status, said, got = run(command, files, {"LD_PRELOAD": shim, "FAULT": "%s:%d" % (kind, n),
                                                         "FAULT_TOLD": "told"})
            except subprocess.TimeoutExpired:
                status, said, got = -signal.SIGALRM, "hangs", None
            if not os.path.exists("told"):
                break  # no call is left to fail
            runs += 1
            left = glob.glob("*.part.*")
            fault = None
            if status < 0 and not any(t in said for t in LEFT_TO_OTHERS):
                fault = "ends by signal %d: %s" % (-status, said.strip()[-200:])
            elif status == 0 and (got != want if command.split()[0] != "ds-fit" else shape(got) != shape(want)):
                fault = "status 0, but another output"
            elif status > 0 and not said.strip():
                fault = "status %d without a word" % status
            elif status == 0 and left:
                fault = "leaves " + " ".join(left)
            if files and status > 0 and got[1] is not None and got[1:] != want[1:]:
                fault = "leaves half a file"
            for f in left:
                os.remove(f)
            if fault:
                wrong += 1
                print("%s:%d %s: %s" % (kind, n, command, fault))
print("%d faults, %d wrong" % (runs, wrong))
sys.exit(wrong > 0)

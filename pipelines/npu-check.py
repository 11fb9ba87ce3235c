#!/usr/bin/env python3
"""The cost model of NPUs next to what was measured and published by others.

    npu-check.py [REFERENCE [SPLITS [N]]]

REFERENCE holds dpu/ofa_mbv3_blocks.csv and published.json; what is not there is skipped.

1. The DPU: the free parameters of dpu-b2304 fitted to one half of the measured blocks, the error
   on the other half, and its spread over SPLITS halvings; the model's traffic next to the column
   Mem IO, which nothing is fitted to; and how far operations alone would bring one.
2. Kirin 9000: the model's responses of N random OFA-MBv3 networks under ds-affix --paper, at each
   published resolution, next to the published ones. Nothing is fitted. The model knows no start of
   layers and networks, and the published resolutions are not on one scale: what is compared is
   each block's difference from the mean of the nine, in percent of the mean.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile
from statistics import correlation

from responses import EXPAND, KERNEL, response, space_at

CELLS = [(e, k) for e in EXPAND for k in KERNEL]


def ranks(x):
    order = sorted(x)
    return [order.index(v) + (order.count(v) - 1) / 2 for v in x]


def spearman(x, y):
    return correlation(ranks(x), ranks(y))


def blocks(table, splits):
    print("== Xilinx DPU: measured blocks (%s)" % os.path.basename(table), flush=True)
    out = subprocess.run(["ds-fit-npu", "dpu-b2304", table, "--splits", splits, "--list"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if out.returncode:
        sys.exit(out.stdout.strip())
    lines = out.stdout.splitlines()
    rows = [line for line in lines if "\t" in line]
    print("\n".join(line for line in lines if "\t" not in line))
    there = {r["Kernel Name"]: r for r in csv.DictReader(open(table))}
    model = [dict(zip(rows[0].split("\t"), line.split("\t"))) for line in rows[1:]]
    measured = [float(m["measured_ms"]) for m in model]
    traffic = [float(m["model_traffic_mib"]) for m in model]
    mem_io = [float(there[m["block"]]["Mem IO(MB)"]) for m in model]
    work = [float(there[m["block"]]["Workload(GOP)"]) for m in model]
    off = [100 * abs(a / b - 1) for a, b in zip(traffic, mem_io)]
    print("traffic against Mem IO, all %d blocks: MAPE %.1f%%, median %.1f%%, Spearman %.3f" % (
        len(model), sum(off) / len(off), sorted(off)[len(off) // 2], spearman(traffic, mem_io)))
    print("operations alone: Spearman %.3f; Mem IO alone: %.3f" % (
        spearman(work, measured), spearman(mem_io, measured)))
    print("farthest off:")
    for m in sorted(model, key=lambda m: -abs(float(m["diff_percent"])))[:6]:
        print("  %(block)s: %(measured_ms)s ms, model %(model_ms)s (%(diff_percent)s%%)" % m)


def kirin(published, n):
    figures = json.load(open(published))["ofa_mbconv_response"]
    print("\n== Kirin 9000: published responses\nresolution\texpand\tkernel\tpublished_ms\t"
          "model_ms\tpublished_percent\tmodel_percent", flush=True)
    said = []
    work = sum(figures["flops_million"], [])
    with tempfile.TemporaryDirectory() as folder:
        for r in (224, 208, 192):
            got = response(space_at([r], folder), "ds-measure-npu --model kirin9000-lite",
                           "latency.npu", int(n), True)
            theirs = sum(figures["kirin9000_npu_ms_r%d" % r], [])
            ours = [got[c] for c in CELLS]
            share = [[100 * (v * len(x) / sum(x) - 1) for v in x] for x in (theirs, ours)]
            for (e, k), a, b, c, d in zip(CELLS, theirs, ours, *share):
                print("%d\t%d\t%d\t%g\t%.4f\t%+.2f\t%+.2f" % (r, e, k, a, b, c, d))
            step = [[x[CELLS.index((e, b))] - x[CELLS.index((e, a))] for x in share]
                    for a, b in ((3, 5), (5, 7)) for e in (6, 3)]
            said.append("%d: Spearman %.3f, Pearson %.3f over the 9 cells (operations alone: "
                        "Spearman %.3f)" % (r, spearman(theirs, ours), correlation(*share),
                                            spearman(theirs, work)))
            for what, (a, b) in zip(("k5 over k3 at e6", "k5 over k3 at e3", "k7 over k5 at e6",
                                     "k7 over k5 at e3"), step):
                said.append("     %s: published %+.2f%%, model %+.2f%%" % (what, a, b))
    print("\n".join(said))


def main(reference="../shared/reference", splits="20", n="1000"):
    parts = (("dpu/ofa_mbv3_blocks.csv", blocks, splits), ("published.json", kirin, n))
    for path, check, size in parts:
        path = os.path.join(reference, path)
        if os.path.exists(path):
            check(path, size)
        else:
            print("skipped: no %s" % path)


try:
    main(*sys.argv[1:])
except subprocess.CalledProcessError:
    sys.exit(1)  # the tool has said why
except OSError as fault:
    sys.exit("npu-check.py: %s" % fault)

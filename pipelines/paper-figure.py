#!/usr/bin/env python3
"""Response figures as tables that paper-picture.py draws: for paper.mk.

    paper-figure.py PAPER.tsv RIGHT.tsv [PUBLISHED.json]
    paper-figure.py RIGHT.tsv

The arguments are responses by expand, kernel and resolution from ds-show: PAPER.tsv under ds-affix
--paper, whose off-by-one the published numbers have, RIGHT.tsv done right. Given both, the panels
are those of the published figure of OFA-MBv3; with PUBLISHED.json, its values come along, and the
differences from them in percent. Given one, the panels are its metrics, by resolution.
"""
import csv
import json
import sys

# key of the figure, resolution, metric
FIGURES = [
    ("accuracy_percent", 224, "top1"),
    ("flops_million", 224, "macs"),
    ("rtx2080ti_ms", 224, "latency.rtx2080ti"),
] + [("%s_ms_r%d" % (name, r), r, "latency." + device)
     for name, device in (("kirin9000_npu", "kirin9000"), ("amd2990wx", "amd2990wx"),
                          ("note10", "note10"))
     for r in (224, 208, 192)]
METRICS = ["top1", "macs", "latency.rtx2080ti", "latency.amd2990wx", "latency.kirin9000"]
EXPAND, KERNEL = (6, 4, 3), (3, 5, 7)  # rows and columns of the published figures


def read(path):
    rows = csv.DictReader(open(path), delimiter="\t")
    return {(int(r["resolution"]), int(r["expand"]), int(r["kernel"])): r for r in rows}


def by_resolution(path):
    ours = read(path)
    resolutions = sorted({key[0] for key in ours}, reverse=True)
    print("figure", "expand", "kernel", *resolutions, sep="\t")
    metrics = [c for c in next(iter(ours.values())) if c in METRICS]
    for metric in sorted(metrics, key=METRICS.index):
        for e in EXPAND:
            for k in KERNEL:
                print(metric, e, k, *("%.5g" % float(ours[r, e, k][metric]) for r in resolutions),
                      sep="\t")


def main(paper, right, published=None):
    ours = {"paper": read(paper), "right": read(right)}
    cells = json.load(open(published))["ofa_mbconv_response"] if published else None
    columns = ["figure", "expand", "kernel"] + (["published"] if cells else [])
    for column in ours:
        columns += [column] + ([column + "_diff_percent"] if cells else [])
    print(*columns, sep="\t")
    for key, resolution, metric in FIGURES:
        for i, e in enumerate(EXPAND):
            for j, k in enumerate(KERNEL):
                line = [key, e, k] + (["%g" % cells[key][i][j]] if cells else [])
                for table in ours.values():
                    value = float(table[resolution, e, k][metric])
                    line.append("%.5g" % value)
                    if cells:
                        line.append("%+.2f" % (100 * (value / cells[key][i][j] - 1)))
                print(*line, sep="\t")


if len(sys.argv) not in (2, 3, 4):
    sys.exit(__doc__)
try:
    by_resolution(sys.argv[1]) if len(sys.argv) == 2 else main(*sys.argv[1:])
except OSError as fault:
    sys.exit("paper-figure.py: %s" % fault)
except KeyError as fault:
    sys.exit("paper-figure.py: no cell or column %s" % fault)

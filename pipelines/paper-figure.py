#!/usr/bin/env python3
"""The paper's OFA MBConv response figure next to our own, cell by cell.

    paper-figure.py [PUBLISHED.json [N]]

For each figure published: N random OFA-MBv3 networks at its resolution, every block affixed at
every place by the tools; once with ds-affix --paper, whose off-by-one the published numbers have,
and once right. Prints both beside the published values, with their difference in percent.
"""
import json
import subprocess
import sys
import tempfile

from responses import EXPAND, KERNEL, response, space_at

# key of the figure, resolution (None: all of the paper's), how it is measured, metric
FIGURES = [
    ("accuracy_percent", None, "ds-measure-acc --profile acc-ofa-mbv3", "top1"),
    ("flops_million", None, "ds-measure-cost", "macs"),
    ("note10_ms_r224", 224, "ds-measure-cpu --profile note10", "latency.cpu"),
    ("note10_ms_r208", 208, "ds-measure-cpu --profile note10", "latency.cpu"),
    ("note10_ms_r192", 192, "ds-measure-cpu --profile note10", "latency.cpu"),
    ("rtx2080ti_ms", None, "ds-measure-gpu --profile rtx2080ti-b1", "latency.gpu"),
    ("kirin9000_npu_ms_r224", 224, "ds-measure-npu --profile kirin9000", "latency.npu"),
    ("kirin9000_npu_ms_r208", 208, "ds-measure-npu --profile kirin9000", "latency.npu"),
    ("kirin9000_npu_ms_r192", 192, "ds-measure-npu --profile kirin9000", "latency.npu"),
    ("amd2990wx_ms_r224", 224, "ds-measure-cpu --profile amd2990wx", "latency.cpu"),
    ("amd2990wx_ms_r208", 208, "ds-measure-cpu --profile amd2990wx", "latency.cpu"),
    ("amd2990wx_ms_r192", 192, "ds-measure-cpu --profile amd2990wx", "latency.cpu"),
]


def main(published="../shared/reference/published.json", n="2000"):
    cells = json.load(open(published))["ofa_mbconv_response"]
    print("figure\texpand\tkernel\tpublished\tpaper\tpaper_diff_percent\tright\tright_diff_percent")
    with tempfile.TemporaryDirectory() as folder:
        for key, resolution, measure, metric in FIGURES:
            space = space_at([resolution] if resolution else [192, 208, 224], folder)
            ours = [response(space, measure, metric, int(n), p) for p in (True, False)]
            for e, row in zip(EXPAND, cells[key]):
                for k, value in zip(KERNEL, row):
                    a, b = (o[e, k] for o in ours)
                    print("%s\t%d\t%d\t%g\t%.4g\t%+.2f\t%.4g\t%+.2f" % (
                        key, e, k, value, a, 100 * (a / value - 1), b, 100 * (b / value - 1)))


try:
    main(*sys.argv[1:])
except subprocess.CalledProcessError:
    sys.exit(1)  # the tool has said why
except OSError as fault:
    sys.exit("paper-figure.py: %s" % fault)

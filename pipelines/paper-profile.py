#!/usr/bin/env python3
"""A device profile from a published response figure: published.json of the reference data.

    paper-profile.py PUBLISHED.json NAME CLASS DEVICE KEY=RESOLUTION ...

The figure gives, for each kernel and expansion, the mean latency of random OFA-MBv3 networks with
that block affixed anywhere, by code that deepened a unit to l instead of l + 1: the block was
active in all samples at layers 0 and 1, in 2/3 at layer 2, in 1/3 at layer 3; in 3/4 of all.
So the profile is the mean of the figure, plus for every active layer the block's deviation from
that mean divided by 3/4. It reproduces the figure under `ds-affix --paper`. It holds no more: the
figure says nothing of units, of depth, or of how blocks combine, so in it a deeper network is as
fast as a shallow one.
"""
import json
import sys

from responses import EXPAND, KERNEL

ACTIVE = (1 + 1 + 2 / 3 + 1 / 3) / 4
WIDTHS = 32, 48, 96, 136, 192  # OFA-MBv3 w1.2: a profile refuses spaces of other widths


def main(path, name, kind, device, *figures):
    published = json.load(open(path))["ofa_mbconv_response"]
    mean, pairs = {}, {}
    for figure in figures:
        key, resolution = figure.split("=")
        cells = published[key]
        mean[resolution] = sum(map(sum, cells)) / 9
        for unit in range(5):
            for layer in range(4):
                table = pairs.setdefault("resolution*unit%d.layer%d" % (unit, layer), {})
                for e, row in zip(EXPAND, cells):
                    for k, value in zip(KERNEL, row):
                        table["%s*mbconv3_e%d_k%d" % (resolution, e, k)] = round(
                            (value - mean[resolution]) / ACTIVE, 9)
    terms = {"resolution": {r: round(m, 9) for r, m in mean.items()}}
    for unit, width in enumerate(WIDTHS):
        terms["unit%d.width" % unit] = {str(width): 0.0}
    profile = {
        "dstools_profile": 1, "name": name,
        "description": "Reproduces the response figure of Mills et al. (CIKM 2021) under ds-affix "
                       "--paper, and holds no more than that: 9 numbers a resolution. It knows no "
                       "difference between units or layers, and no cost of depth. Resolutions "
                       "were measured apart and are not on one scale.",
        "metric": "latency." + kind, "unit": "ms", "class": kind, "device": device,
        "space": "ofa-mbv3",
        "provenance": {"made_by": "pipelines/paper-profile.py", "figures": list(figures)},
        "model": {"family": "response figure", "link": "identity", "intercept": 0.0,
                  "terms": terms,
                  "pairs": pairs},
    }
    json.dump(profile, sys.stdout, indent=1)
    print()


main(*sys.argv[1:])

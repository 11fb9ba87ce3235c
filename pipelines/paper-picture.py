#!/usr/bin/env python3
"""Draws the table of paper-figure.py as a grid of heat maps, with gnuplot.

    paper-picture.py TABLE.tsv PICTURE.png|PICTURE.svg

A row for each figure, a column for each of the table's columns of numbers. Responses are coloured
by their difference from the mean of their nine cells, on one scale a row, so that patterns can be
compared whatever the level; differences from what was published on a scale of their own.
"""
import csv
import subprocess
import sys

FIGURES = {
    "accuracy_percent": "accuracy (%)",
    "flops_million": "MACs (M)",
    "note10_ms_r224": "Note10\\n224 px (ms)",
    "note10_ms_r208": "Note10\\n208 px (ms)",
    "note10_ms_r192": "Note10\\n192 px (ms)",
    "rtx2080ti_ms": "RTX 2080 Ti\\n(ms)",
    "kirin9000_npu_ms_r224": "Kirin 9000\\n224 px (ms)",
    "kirin9000_npu_ms_r208": "Kirin 9000\\n208 px (ms)",
    "kirin9000_npu_ms_r192": "Kirin 9000\\n192 px (ms)",
    "amd2990wx_ms_r224": "2990WX\\n224 px (ms)",
    "amd2990wx_ms_r208": "2990WX\\n208 px (ms)",
    "amd2990wx_ms_r192": "2990WX\\n192 px (ms)",
    "top1": "accuracy (%)",
    "macs": "MACs (M)",
    "latency.rtx2080ti": "RTX 2080 Ti\\n(ms)",
    "latency.amd2990wx": "2990WX\\n(ms)",
    "latency.kirin9000": "Kirin 9000\\n(ms)",
}
COLUMNS = {
    "224": "224 px",
    "208": "208 px",
    "192": "192 px",
    "published": "published",
    "paper": "ours, with --paper",
    "paper_diff_percent": "difference from published",
    "right": "ours, block always active",
    "right_diff_percent": "difference from published",
}
DIFFERENCE = 3.0  # percent, at the ends of its scale
LEFT, TOP, BOTTOM, WIDE, HIGH, GAP_X, GAP_Y = 170, 62, 52, 215, 93, 22, 18  # pixels
PALETTE = ("0 '#2166ac', 1 '#4393c3', 2 '#92c5de', 3 '#d1e5f0', 4 '#f7f7f7', "
           "5 '#fddbc7', 6 '#f4a582', 7 '#d6604d', 8 '#b2182b'")


def panel(cells, column, scale):
    """Lines x y shade text colour, of {(expand, kernel): value}."""
    mean = sum(cells.values()) / len(cells)
    lines = []
    for (expand, kernel), value in cells.items():
        if column.endswith("_percent"):
            shade, text = value / DIFFERENCE, "%+.2f%%" % value
        else:
            shade, text = 100 * (value / mean - 1) / scale, "%#.4g" % value
        shade = max(-1, min(1, shade))
        ink = "0xffffff" if abs(shade) > 0.8 else "0x000000"
        lines.append("%g %d %.4f %s %s" % ((kernel - 3) / 2, (3, 4, 6).index(expand), shade,
                                           text, ink))
    return "\n".join(lines) + "\ne\n"


def spread(cells):
    mean = sum(cells.values()) / len(cells)
    return max(abs(100 * (v / mean - 1)) for v in cells.values())


def script(table, picture):
    rows = list(csv.DictReader(open(table), delimiter="\t"))
    names = list(dict.fromkeys(r["figure"] for r in rows))
    for name in names:
        if len({(r["expand"], r["kernel"]) for r in rows if r["figure"] == name}) != 9:
            sys.exit("paper-picture.py: %s: %s has not the nine blocks" % (table, name))
    columns = [c for c in COLUMNS if c in rows[0]]
    w = LEFT + len(columns) * (WIDE + GAP_X)
    h = TOP + len(names) * (HIGH + GAP_Y) + BOTTOM
    terminal = ("svg size %d,%d font 'Helvetica,13'" % (w, h) if picture.endswith(".svg") else
                "pngcairo size %d,%d font 'Helvetica,10' fontscale 1.25" % (1.3 * w, 1.3 * h))
    yield "set terminal %s background 'white'\nset output '%s'\n" % (
        terminal, picture.replace("'", "''"))
    yield "set encoding utf8\nset multiplot\nunset key\nunset colorbox\nset tics scale 0\n"
    yield "set palette defined (%s)\nset cbrange [-1:1]\n" % PALETTE
    yield "set xrange [-0.5:2.5]\nset yrange [-0.5:2.5]\nset border lw 0.5 lc rgb '#999999'\n"
    for i, name in enumerate(names):
        cells = {c: {(int(r["expand"]), int(r["kernel"])): float(r[c])
                     for r in rows if r["figure"] == name} for c in columns}
        scale = max(spread(cells[c]) for c in columns if not c.endswith("_percent"))
        top = h - TOP - i * (HIGH + GAP_Y)
        middle = (top - HIGH / 2) / h
        for j, column in enumerate(columns):
            left = LEFT + j * (WIDE + GAP_X)
            yield "set lmargin at screen %f\nset rmargin at screen %f\n" % (
                left / w, (left + WIDE) / w)
            yield "set tmargin at screen %f\nset bmargin at screen %f\n" % (
                top / h, (top - HIGH) / h)
            yield "unset label\nset format ''\nunset xtics\nunset ytics\nunset xlabel\n"
            if i == 0:
                yield "set label '%s' at graph 0.5, graph 1.18 center\n" % COLUMNS[column]
            if i == len(names) - 1:
                yield "set xtics ('3' 0, '5' 1, '7' 2)\nset xlabel 'kernel' offset 0,0.4\n"
            if j == 0:
                yield "set ytics ('e3' 0, 'e4' 1, 'e6' 2)\n"
                yield "set label \"%s\" at screen %f, screen %f center\n" % (
                    FIGURES[name], 62 / w, middle + (22 if "\\n" in FIGURES[name] else 14) / h)
                yield "set label '±%.2g%%' at screen %f, screen %f center tc rgb '#777777'\n" % (
                    scale, 62 / w, middle - 24 / h)
            data = panel(cells[column], column, scale)
            yield "plot '-' using 1:2:3 with image, '-' using 1:2:4:5 with labels tc rgb variable\n"
            yield data + data
    yield "unset multiplot\n"


def main(table, picture):
    commands = "".join(script(table, picture))
    subprocess.run(["gnuplot"], input=commands, text=True, check=True)


if len(sys.argv) != 3:
    sys.exit(__doc__)
try:
    main(*sys.argv[1:])
except OSError as fault:
    sys.exit("paper-picture.py: %s" % fault)
except KeyError as fault:
    sys.exit("paper-picture.py: %s: no column or figure %s" % (sys.argv[1], fault))
except subprocess.CalledProcessError:
    sys.exit(1)  # gnuplot has said why

"""Sums the entries of block latency tables for Once-for-All's dictionaries of ofa-mbv3 (one a line on
standard input), by names made of the published numbers of the space alone: DIR/R_lookup_table.yaml."""

import json
import sys

UNITS = [  # stride, channels, squeeze-excite, hard-swish
    (2, 32, 0, 0),
    (2, 48, 1, 0),
    (2, 96, 0, 1),
    (1, 136, 1, 1),
    (2, 192, 1, 1),
]


def read(path):
    table, name = {}, None
    for line in open(path):
        key, _, value = line.rstrip("\n").rpartition(":")
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            assert value == "" and key not in table, line
            name = key
        elif key.strip() == "mean":
            table[name] = float(value)
    return table


def shape(size, channels):
    return "%dx%dx%d" % (size, size, channels)


def names(d):
    size, channels = (d["r"] + 1) // 2, 24
    yield "Conv-input:%s-output:%s" % (shape(d["r"], 3), shape(size, 24))
    blocks = [(24, 24, 3, 1, 0, 0)]
    for u, (stride, width, se, hs) in enumerate(UNITS):
        for l in range(d["d"][u]):
            kernel, expand = d["ks"][4 * u + l], d["e"][4 * u + l]
            blocks.append((width, round(channels * expand), kernel, stride if l == 0 else 1, se, hs))
            channels = width
    channels = 24
    for width, mid, kernel, stride, se, hs in blocks:
        out = (size - 1) // stride + 1
        yield "expanded_conv-input:%s-output:%s-expand:%d-kernel:%d-stride:%d-idskip:%d-se:%d-hs:%d" % (
            shape(size, channels), shape(out, width), mid, kernel, stride,
            stride == 1 and channels == width, se, hs)
        size, channels = out, width
    yield "Conv_1-input:%s-output:%s" % (shape(size, 192), shape(size, 1152))
    yield "AvgPool2D-input:%s-output:1x1x1152" % shape(size, 1152)
    yield "Conv_2-input:1x1x1152-output:1x1x1536"
    yield "Logits-input:1x1x1536-output:1000"


tables = {}
for line in sys.stdin:
    d = json.loads(line)
    if d["r"] not in tables:
        tables[d["r"]] = read("%s/%d_lookup_table.yaml" % (sys.argv[1], d["r"]))
    print("%.12g" % sum(tables[d["r"]][n] for n in names(d)))

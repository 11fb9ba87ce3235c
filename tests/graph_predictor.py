#!/usr/bin/env python3
"""A small predictor of AutoBuild's form, of known weights: written, or asked.

    graph_predictor.py write FILE ARCHIVE [missing | shape]
    graph_predictor.py values FAMILY < SUBNETS.jsonl

The second prints what it says, by the rules alone and one multiplication after another, of
Once-for-All's dictionaries with their resolution `r`; FAMILY is mbv3 or pn.
"""
import collections
import json
import math
import struct
import sys

from torch_file import Tensor, write_zip

WIDTH = 8
KERNELS, EXPANDS = (3, 5, 7), (3, 4, 6)


def shapes():
    """Names of tensors with their shapes, in the order of the published files."""
    yield "hop_moments", (2, 5)
    for name, rows, columns in (("stage", 6, 3), ("block", 4, 2), ("mbconv", 2, 2), ("exp", 3, 2),
                                ("kernel", 3, 3)):
        yield "embed_layer.%s_embed.weight" % name, (rows, columns)
        yield "embed_layer.%s_mlp.weight" % name, (1, columns)
        yield "embed_layer.%s_mlp.bias" % name, (1,)
    for n, shape in ((0, (3, 1)), (1, (1, 3))):
        yield "embed_layer.res_mlp.%d.weight" % n, shape
        yield "embed_layer.res_mlp.%d.bias" % n, shape[:1]
    for n in range(4):
        into = WIDTH if n else 6
        yield "encoder.gnn_layers.%d.lin_rel.weight" % n, (WIDTH, into)
        yield "encoder.gnn_layers.%d.lin_rel.bias" % n, (WIDTH,)
        yield "encoder.gnn_layers.%d.lin_root.weight" % n, (WIDTH, into)
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield "encoder.bns.%d.module.%s" % (n, part), (WIDTH,)
        yield "encoder.bns.%d.module.num_batches_tracked" % n, ()
    for n in (0, 1, 3, 4):
        yield "post_proj.%d.weight" % n, (WIDTH, WIDTH)
        yield "post_proj.%d.bias" % n, (WIDTH,)
    yield "regressor.weight", (1, WIDTH)
    yield "regressor.bias", (1,)


def tensors():
    state, seed = collections.OrderedDict(), 1
    for name, shape in shapes():
        values = []
        for _ in range(math.prod(shape)):
            seed = (seed * 1103515245 + 12345) % 2 ** 31
            value = (seed / 2 ** 30 - 1) * 0.7
            if name.endswith("running_var"):
                value = abs(value) + 0.1
            values.append(struct.unpack("f", struct.pack("f", value))[0])
        state[name] = Tensor(values, shape)
        if name.endswith("tracked"):
            state[name] = Tensor([1234], (), "LongStorage")
    return state


def linear(state, name, x):
    weight, bias = state[name + ".weight"], state.get(name + ".bias")
    rows = [weight.values[i * len(x):(i + 1) * len(x)] for i in range(weight.shape[0])]
    return [sum(w * v for w, v in zip(row, x)) + (bias.values[i] if bias else 0)
            for i, row in enumerate(rows)]


def embedded(state, name, i):
    table = state["embed_layer.%s_embed.weight" % name]
    n = table.shape[1]
    return abs(linear(state, "embed_layer.%s_mlp" % name, table.values[i * n:(i + 1) * n])[0])


def nodes(state, family, net):
    res = linear(state, "embed_layer.res_mlp.0", [(net["r"] - 192) / 32])
    res = abs(linear(state, "embed_layer.res_mlp.1", res)[0])
    for unit, depth in enumerate(net["d"]):
        for layer in range(depth):
            place = 4 * unit + layer
            yield [embedded(state, "stage", unit), embedded(state, "block", layer),
                   embedded(state, "mbconv", int(family == "mbv3")),
                   embedded(state, "exp", EXPANDS.index(net["e"][place])),
                   embedded(state, "kernel", KERNELS.index(net["ks"][place])), res]


def leaky(x):
    return x if x > 0 else 0.01 * x


def convolved(state, n, x):
    rel, root, norm = ("encoder.gnn_layers.%d.lin_rel" % n, "encoder.gnn_layers.%d.lin_root" % n,
                       "encoder.bns.%d.module." % n)
    out = []
    for i, own in enumerate(x):
        before = x[i - 1] if i else [0] * len(own)
        row = [a + b for a, b in zip(linear(state, rel, before), linear(state, root, own))]
        for k in range(WIDTH):
            scale, shift, mean, var = (state[norm + part].values[k] for part in
                                       ("weight", "bias", "running_mean", "running_var"))
            row[k] = leaky((row[k] - mean) / math.sqrt(var + 1e-5) * scale + shift)
            row[k] += own[k] if n else 0
        out.append(row)
    return out


def value(state, family, net):
    x = list(nodes(state, family, net))
    for n in range(4):
        x = convolved(state, n, x)
    x = [sum(column) for column in zip(*x)]
    x = linear(state, "post_proj.1", linear(state, "post_proj.0", x))
    x = linear(state, "post_proj.4", linear(state, "post_proj.3", [max(v, 0) for v in x]))
    return linear(state, "regressor", [leaky(v) for v in x])[0]


def main(command, *args):
    state = tensors()
    if command == "write":
        path, archive, fault = (*args, "")[:3]
        if fault == "missing":
            del state["post_proj.3.bias"]
        if fault == "shape":
            state["encoder.gnn_layers.2.lin_rel.weight"] = Tensor([0.5] * 63, (7, 9))
        write_zip(path, state, archive)
    else:
        for line in sys.stdin:
            print(value(state, args[0], json.loads(line)))


main(*sys.argv[1:])

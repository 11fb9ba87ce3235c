#!/usr/bin/env python3
"""Writes a small predictor as PyTorch's torch.save would.

    make_pth.py FILE INPUTS [zip | nan | double | short | shape | bias | two | plausible]

A network INPUTS-4-3-1 of known weights; as a zip, with a fault, or with accuracies above 0, if asked
for.
"""
import collections
import sys

from torch_file import Tensor, write_legacy, write_zip


def weights(count, start):
    return [((start + 7 * i) % 23 - 11) / 50 for i in range(count)]


def main(path, inputs, fault=""):
    state = collections.OrderedDict()
    kind = "DoubleStorage" if fault == "double" else "FloatStorage"
    sizes = [(4, int(inputs)), (3, 5 if fault == "shape" else 4), (2 if fault == "two" else 1, 3)]
    for n, (out, into) in enumerate(sizes):
        biases = out + (fault == "bias" and n == 1)
        for part, shape in (("weight", (out, into)), ("bias", (biases,))):
            values = weights(out * into if part == "weight" else biases, 3 * n + (part == "bias"))
            if fault == "nan" and n == 1:
                values[0] = float("nan")
            if fault == "plausible" and n == 2 and part == "bias":
                values[0] += 0.5
            state["%d.%s" % (2 * n, part)] = Tensor(values, shape, kind)
    if fault == "zip":
        write_zip(path, {"epoch": 3, "state_dict": state})
    else:
        write_legacy(path, state, lose_last=fault == "short")


main(*sys.argv[1:])

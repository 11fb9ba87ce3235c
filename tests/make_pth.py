#!/usr/bin/env python3
"""Writes a small predictor as PyTorch's old torch.save would, with the standard library alone.

    make_pth.py FILE INPUTS [nan | double | short | shape | bias | two]

A network INPUTS-4-3-1 of known weights; with a fault if asked for.
"""
import collections
import io
import pickle
import struct
import sys
import types

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules.update({"torch": torch, "torch._utils": utils})


def _rebuild_tensor_v2(*args):
    raise NotImplementedError


for module, name in ((utils, "_rebuild_tensor_v2"), (torch, "FloatStorage"), (torch, "DoubleStorage")):
    thing = _rebuild_tensor_v2 if module is utils else type(name, (), {})
    thing.__module__, thing.__qualname__ = module.__name__, name
    setattr(module, name, thing)


class Storage:
    def __init__(self, key, values, kind):
        self.key, self.values, self.kind = key, values, kind


class Tensor:
    def __init__(self, storage, shape):
        self.storage, self.shape = storage, shape

    def __reduce__(self):
        stride = [1] * len(self.shape)
        for i in range(len(self.shape) - 2, -1, -1):
            stride[i] = stride[i + 1] * self.shape[i + 1]
        return utils._rebuild_tensor_v2, (self.storage, 0, tuple(self.shape), tuple(stride), False,
                                          collections.OrderedDict())


class Pickler(pickle._Pickler):
    def persistent_id(self, thing):
        if isinstance(thing, Storage):
            return ("storage", getattr(torch, thing.kind), thing.key, "cpu", len(thing.values), None)
        return None


def weights(count, start):
    return [((start + 7 * i) % 23 - 11) / 50 for i in range(count)]


def main(path, inputs, fault=""):
    state, storages = collections.OrderedDict(), []
    sizes = [(4, int(inputs)), (3, 5 if fault == "shape" else 4), (2 if fault == "two" else 1, 3)]
    for n, (out, into) in enumerate(sizes):
        biases = out + (fault == "bias" and n == 1)
        for part, shape in (("weight", (out, into)), ("bias", (biases,))):
            count = out * into if part == "weight" else biases
            values = weights(count, 3 * n + (part == "bias"))
            if fault == "nan" and n == 1:
                values[0] = float("nan")
            storage = Storage(str(len(storages)), values,
                              "DoubleStorage" if fault == "double" else "FloatStorage")
            storages.append(storage)
            state["%d.%s" % (2 * n, part)] = Tensor(storage, shape)
    with open(path, "wb") as f:
        for value in (0x1950a86a20f9469cfc6c, 1001, {"little_endian": True}):
            pickle.dump(value, f, 2)
        buffer = io.BytesIO()
        Pickler(buffer, 2).dump(state)
        f.write(buffer.getvalue())
        pickle.dump([s.key for s in storages], f, 2)
        for s in storages[:-1] if fault == "short" else storages:
            f.write(struct.pack("<q", len(s.values)) + struct.pack("<%df" % len(s.values), *s.values))


main(*sys.argv[1:])

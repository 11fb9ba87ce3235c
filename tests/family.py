#!/usr/bin/env python3
"""A supernet unlike Once-for-All's own, and what its subnets make of images, in plain loops.

    family.py CASE DIR

Writes DIR/space.json, DIR/supernet.pth, images and labels as IDX files and DIR/expected: for every line
of DIR/archs (Once-for-All's dictionaries) the loss. Shares no code with dstools.
"""
import json
import math
import random
import struct
import sys

from torch_file import Tensor, write_legacy, write_zip

CASES = {
    # kernels 3 and 5, one channel in, no fixed block, a head of pool and linear alone
    "bare": dict(kernels=(3, 5), matrices={(5, 3)}, channels=1, fixed=False, head=(), se=(True, False), prefix=""),
    # kernels 3 and 7 with one step between them, both convolutions of the head, DataParallel's prefix
    "leap": dict(kernels=(3, 7), matrices={(7, 3)}, channels=1, fixed=True, head=("final", "mix"), se=(False, True),
                 prefix="module."),
    # no matrices: the middle of the kernel; ProxylessNAS's head, and its first block without shortcut
    "crop": dict(kernels=(3, 5, 7), matrices=set(), channels=1, fixed=True, head=("mixed",), se=(False, False), prefix=""),
}
WIDTH, UNITS, EXPAND, SIZE, CLASSES, IMAGES = 8, ((1, 8, "relu"), (2, 16, "hswish")), (2, 4), 8, 3, 5
ACTS = {
    None: lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "hswish": lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    "hsigmoid": lambda x: min(max(x + 3, 0.0), 6.0) / 6,
}


def channels(x):
    n = max(8, int(x + 4) // 8 * 8)
    return n + 8 if n < 0.9 * x else n


class Supernet:
    def __init__(self, case):
        self.case, self.rng, self.state = case, random.Random(case["kernels"][-1]), {}
        self.act = "relu6" if "mixed" in case["head"] else None
        self.eps = 1e-3 if "mixed" in case["head"] else 1e-5
        self.conv("first_conv", WIDTH, case["channels"], 3)
        block = 0
        if case["fixed"]:
            self.conv("blocks.0.conv.depth_conv", WIDTH, 1, 3)
            self.conv("blocks.0.conv.point_linear", WIDTH, WIDTH, 1)
            block = 1
        self.first, cin, k = block, WIDTH, case["kernels"][-1]
        for (_, width, _), se in zip(UNITS, case["se"]):
            for _ in range(2):
                mid, name = channels(EXPAND[-1] * cin), f"blocks.{block}.conv"
                self.conv(f"{name}.inverted_bottleneck", mid, cin, 1, ".conv", ".bn")
                self.conv(f"{name}.depth_conv", mid, 1, k, ".conv", ".bn")
                for a, b in case["matrices"]:
                    self.put(f"{name}.depth_conv.conv.{a}to{b}_matrix", (b * b, b * b), 1 / b)
                if se:
                    for part, o, i in ("reduce", channels(mid // 4), mid), ("expand", mid, channels(mid // 4)):
                        self.put(f"{name}.depth_conv.se.fc.{part}.weight", (o, i, 1, 1), i ** -0.5)
                        self.put(f"{name}.depth_conv.se.fc.{part}.bias", (o,), 0.5)
                self.conv(f"{name}.point_linear", width, mid, 1, ".conv", ".bn")
                cin, block = width, block + 1
        for part in case["head"]:
            if part == "final":
                self.conv("final_expand_layer", 24, cin, 1)
            elif part == "mixed":
                self.conv("feature_mix_layer", 24, cin, 1)
            else:
                self.put("feature_mix_layer.conv.weight", (24, cin, 1, 1), cin ** -0.5)
            cin = 24
        self.put("classifier.linear.weight", (CLASSES, cin), cin ** -0.5)
        self.put("classifier.linear.bias", (CLASSES,), 0.5)

    def put(self, name, shape, scale, shift=0.0):
        values = [struct.unpack("f", struct.pack("f", self.rng.gauss(shift, scale)))[0] for _ in range(math.prod(shape))]
        self.state[name] = Tensor(values, shape)

    def conv(self, name, out, cin, k, inner="", bn=""):
        self.put(f"{name}.conv{inner}.weight", (out, cin, k, k), (2 / (cin * k * k)) ** 0.5)
        for key, shift in ("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1):
            self.put(f"{name}.bn{bn}.{key}", (out,), 0.05, shift)

    # ---- evaluation: a tensor is [channel][row][column] ----

    def values(self, name):
        return self.state[name].values, self.state[name].shape

    def kernel(self, name, key, out, cin, k):
        values, (_, into, size, _) = self.values(key)
        taken = [[values[(o * into + i) * size * size:(o * into + i + 1) * size * size] for i in range(cin)]
                 for o in range(out)]
        while size > k:
            steps = [b for a, b in self.case["matrices"] if a == size]
            to = steps[0] if steps else k
            start = (size - to) // 2
            middle = lambda w: [w[(start + y) * size + start + x] for y in range(to) for x in range(to)]
            taken = [[middle(w) for w in row] for row in taken]
            if steps:
                m = self.values(f"{name}.conv.{size}to{to}_matrix")[0]
                times = lambda v: [sum(m[r * to * to + c] * v[c] for c in range(to * to)) for r in range(to * to)]
                taken = [[times(w) for w in row] for row in taken]
            size = to
        return taken

    def layer(self, x, name, out, k=1, stride=1, depthwise=False, act=None, inner="", norm=True):
        cin = 1 if depthwise else len(x)
        w = self.kernel(name, f"{name}.conv{inner}.weight", out, cin, k)
        h, pad = len(x[0]), k // 2
        size = (h + stride - 1) // stride
        result = []
        for o in range(out):
            scale, shift = 1.0, 0.0
            if norm:
                g, b, m, v = (self.values(f"{name}.bn{'.bn' if inner else ''}.{key}")[0][o]
                              for key in ("weight", "bias", "running_mean", "running_var"))
                scale = g / math.sqrt(v + self.eps)
                shift = b - m * scale
            plane = []
            for y in range(size):
                row = []
                for z in range(size):
                    total = 0.0
                    for i in range(cin):
                        source, kernel = x[o if depthwise else i], w[o][i]
                        for ky in range(k):
                            for kx in range(k):
                                iy, ix = y * stride + ky - pad, z * stride + kx - pad
                                if 0 <= iy < h and 0 <= ix < h:
                                    total += source[iy][ix] * kernel[ky * k + kx]
                    row.append(ACTS[act](total * scale + shift))
                plane.append(row)
            result.append(plane)
        return result

    def gate(self, x, name):
        mid, squeezed = len(x), channels(len(x) // 4)
        mean = [sum(map(sum, plane)) / len(plane) ** 2 for plane in x]

        def fc(part, out, into, act):
            w, (_, row, _, _) = self.values(f"{name}.se.fc.{part}.weight")
            b = self.values(f"{name}.se.fc.{part}.bias")[0]
            return [ACTS[act](b[o] + sum(w[o * row + i] * into[i] for i in range(len(into)))) for o in range(out)]

        scale = fc("expand", mid, fc("reduce", squeezed, mean, "relu"), "hsigmoid")
        return [[[v * s for v in row] for row in plane] for plane, s in zip(x, scale)]

    def logits(self, image, arch):
        def plus(a, b):
            return [[[u + v for u, v in zip(r, s)] for r, s in zip(p, q)] for p, q in zip(a, b)]

        x = self.layer([image], "first_conv", WIDTH, 3, 2, act=self.act or "hswish")
        if self.case["fixed"]:
            y = self.layer(x, "blocks.0.conv.depth_conv", WIDTH, 3, depthwise=True, act=self.act or "relu")
            y = self.layer(y, "blocks.0.conv.point_linear", WIDTH)
            x = y if self.act else plus(x, y)
        for u, (stride, width, act) in enumerate(UNITS):
            for i in range(arch["d"][u]):
                e, k = arch["e"][2 * u + i], arch["ks"][2 * u + i]
                mid, name = channels(e * len(x)), f"blocks.{self.first + 2 * u + i}.conv"
                step = stride if i == 0 else 1
                y = self.layer(x, f"{name}.inverted_bottleneck", mid, act=self.act or act, inner=".conv")
                y = self.layer(y, f"{name}.depth_conv", mid, k, step, True, self.act or act, ".conv")
                if self.case["se"][u]:
                    y = self.gate(y, f"{name}.depth_conv")
                y = self.layer(y, f"{name}.point_linear", width, inner=".conv")
                x = plus(x, y) if step == 1 and len(x) == width else y
        mean = lambda t: [[[sum(map(sum, plane)) / len(plane) ** 2]] for plane in t]
        for part in self.case["head"]:
            if part == "final":
                x = self.layer(x, "final_expand_layer", 24, act="hswish")
            elif part == "mixed":
                x = self.layer(x, "feature_mix_layer", 24, act="relu6")
            else:
                x = self.layer(mean(x), "feature_mix_layer", 24, act="hswish", norm=False)
        features = [plane[0][0] for plane in mean(x)]
        w, (_, row) = self.values("classifier.linear.weight")
        b = self.values("classifier.linear.bias")[0]
        return [b[o] + sum(w[o * row + i] * f for i, f in enumerate(features)) for o in range(CLASSES)]

    def space(self):
        blocks = [{"name": f"e{e}_k{k}", "type": "mbconv", "expand": e, "kernel": k}
                  for e in EXPAND for k in self.case["kernels"]]
        stem = [{"op": "conv", "kernel": 3, "stride": 2, "width": WIDTH, "act": self.act or "hswish"}]
        if self.case["fixed"]:
            stem.append({"op": "mbconv", "expand": 1, "kernel": 3, "width": WIDTH, "act": self.act or "relu",
                         "shortcut": "none" if self.act else "identity"})
        units = [{"stride": s, "width": w, "depth": [1, 2], "act": self.act or a, "se": se}
                 for (s, w, a), se in zip(UNITS, self.case["se"])]
        head = {"final": {"op": "conv", "kernel": 1, "width": 24, "act": "hswish"},
                "mixed": {"op": "conv", "kernel": 1, "width": 24, "act": "relu6"},
                "mix": {"op": "conv", "kernel": 1, "width": 24, "act": "hswish", "bn": False}}
        steps = [head[p] for p in self.case["head"] if p != "mix"] + [{"op": "pool"}]
        steps += [head[p] for p in self.case["head"] if p == "mix"] + [{"op": "linear", "width": CLASSES}]
        return {"dstools_space": 1, "name": "family", "input_channels": 1, "resolution": SIZE, "blocks": blocks,
                "stem": stem, "units": units, "head": steps}


def main(case, out):
    net, rng = Supernet(CASES[case]), random.Random(5)
    state = {CASES[case]["prefix"] + name: tensor for name, tensor in net.state.items()}
    if case == "leap":
        write_legacy(f"{out}/supernet.pth", {"state_dict": state})
    else:
        write_zip(f"{out}/supernet.pth", state)
    with open(f"{out}/space.json", "w") as f:
        json.dump(net.space(), f)
    images = [[rng.randrange(256) for _ in range(SIZE * SIZE)] for _ in range(IMAGES)]
    labels = [rng.randrange(CLASSES) for _ in range(IMAGES)]
    with open(f"{out}/t-images-idx3-ubyte", "wb") as f:
        f.write(struct.pack(">IIII", 0x803, IMAGES, SIZE, SIZE) + bytes(v for image in images for v in image))
    with open(f"{out}/t-labels-idx1-ubyte", "wb") as f:
        f.write(struct.pack(">II", 0x801, IMAGES) + bytes(labels))
    with open(f"{out}/archs", "w") as archs, open(f"{out}/expected", "w") as expected:
        for _ in range(4):
            arch = {"ks": [rng.choice(CASES[case]["kernels"]) for _ in range(4)], "e": [rng.choice(EXPAND) for _ in range(4)],
                    "d": [rng.choice((1, 2)) for _ in range(2)], "r": SIZE}
            loss = 0.0
            for image, label in zip(images, labels):
                pixels = [[(v / 255 - 0.25) / 0.5 for v in image[y * SIZE:(y + 1) * SIZE]] for y in range(SIZE)]
                logit = net.logits(pixels, arch)
                top = max(logit)
                loss += math.log(sum(math.exp(x - top) for x in logit)) + top - logit[label]
            archs.write(json.dumps(arch) + "\n")
            expected.write(f"{loss / IMAGES}\n")


main(*sys.argv[1:])

#!/usr/bin/python3
"""Latencies of the design's four networks: our engines, and PyTorch where it is installed, in turns.

usage: latency.py [ROUNDS [RUNS]]

One thread, batch 1. Every round times each network on every contestant, in a new random order,
RUNS runs each. Printed: the median of all runs, and the median of the rounds' ratios to oneDNN
(of their medians) with the least and the greatest. PyTorch runs the same layers as TorchScript:
traced, frozen, optimised for inference.
"""
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

NETS = {
    "smallest, r160": {"ks": 3, "e": 3, "d": 2, "r": 160},
    "mixed, r224": {
        "ks": [(3, 5, 7)[i % 3] for i in range(20)],
        "e": [(3, 4, 6)[i // 3 % 3] for i in range(20)],
        "d": 3,
        "r": 224,
    },
    "all e6 k5, r224": {"ks": 5, "e": 6, "d": 4, "r": 224},
    "all e6 k7, r224": {"ks": 7, "e": 6, "d": 4, "r": 224},
}


class Engines:
    """The helper program, which holds the engines."""

    def __init__(self, build):
        self.stream = tempfile.NamedTemporaryFile(suffix=".dss")
        lines = "".join(json.dumps(net) + "\n" for net in NETS.values())
        subprocess.run(
            [f"{build}/ds-import", "ofa", "--space", "ofa-mbv3"],
            input=lines.encode(), stdout=self.stream, check=True,
        )
        self.process = subprocess.Popen(
            [f"{build}/tests/bench/engines", self.stream.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def names(self):
        return self.ask("engines").split(", ")

    def layers(self, net):
        line, rows = self.ask(f"layers {net}"), []
        while line:
            rows.append([int(word) for word in line.split()])
            line = self.process.stdout.readline().strip()
        return rows

    def run(self, name, net, runs):
        return [float(ms) for ms in self.ask(f"run {name} {net} {runs}").split()]


def script(torch, rows):
    """The network as optimised TorchScript, with an input for it."""
    fn = torch.nn.functional
    acts = [lambda x: x, fn.relu, fn.relu6, fn.hardswish, fn.hardsigmoid]

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = torch.nn.ModuleList(
                torch.nn.Conv2d(cin, cout, k, stride, pad, groups=groups) if op == 0 else torch.nn.Identity()
                for op, _, _, _, _, k, stride, pad, groups, cin, _, cout, _ in rows
            )

        def forward(self, x):
            tensors = {rows[0][2]: x}
            for (op, act, a, b, out, *_), conv in zip(rows, self.convs):
                y = tensors[a]
                if op == 0:
                    y = conv(y) + tensors[b] if b >= 0 else conv(y)
                elif op == 3:
                    y = fn.adaptive_avg_pool2d(y, 1)
                elif op == 4:
                    y = y * tensors[b]
                else:
                    raise NotImplementedError(f"layer of kind {op}")
                tensors[out] = acts[act](y)
            return tensors[rows[-1][4]]

    x = torch.rand(1, rows[0][9], rows[0][10], rows[0][10])
    net = torch.jit.freeze(torch.jit.trace(Net().eval(), x))
    return torch.jit.optimize_for_inference(net), x


def time_script(net, x, runs):
    times = []
    for i in range(-2, runs):
        before = time.perf_counter()
        net(x)
        if i >= 0:
            times.append(1e3 * (time.perf_counter() - before))
    return times


def main():
    rounds, runs = (int(a) for a in (sys.argv[1:] + ["8", "10"][len(sys.argv) - 1:])[:2])
    build = os.environ.get("BUILD", "build")
    engines = Engines(build)
    contestants = [(name, engines.run) for name in engines.names()]
    try:
        import torch

        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        scripts = [script(torch, engines.layers(i)) for i in range(len(NETS))]
        for net in scripts:
            time_script(*net, 10)
        contestants.append(("pytorch " + torch.__version__, lambda _, i, n: time_script(*scripts[i], n)))
    except ImportError:
        print(f"({sys.executable} has no PyTorch: the engines alone)")

    times = {(c, i): [] for c, _ in contestants for i in range(len(NETS))}
    for _ in range(rounds):
        for i in range(len(NETS)):
            for name, run in random.sample(contestants, len(contestants)):
                times[name, i].append(run(name, i, runs))

    base = contestants[0][0]
    print(f"{'network':16} {'':20} {'median ms':>9} {'min':>8}   x {base} [least, greatest of {rounds} rounds]")
    for i, title in enumerate(NETS):
        for name, _ in contestants:
            every = [ms for burst in times[name, i] for ms in burst]
            ratios = [statistics.median(a) / statistics.median(b)
                      for a, b in zip(times[name, i], times[base, i])]
            print(f"{title:16} {name:20} {statistics.median(every):9.2f} {min(every):8.2f}   "
                  f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]")


main()

#!/usr/bin/python3
"""Latencies of the design's four networks, in turns: our engines of this processor and, where they
are installed, PyTorch and ONNX Runtime.

usage: latency.py [ROUNDS [RUNS]]

One thread, batch 1. Every round times each network on every contestant, in a new random order,
RUNS runs each. Printed: the median and the least of all runs, the median of the rounds' ratios to
the first engine (of their medians) with the least and the greatest, and the ratio of the least runs,
which other work on the machine disturbs least. PyTorch runs the same layers as TorchScript: traced,
frozen, optimised for inference. ONNX Runtime runs the model that ds-export writes: Python's module,
or the one for Node that tests/onnxruntime finds.
"""
import contextlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

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
    """The helper program, which holds the engines, and the stream of the networks."""

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
        return self.line()

    def line(self):
        line = self.process.stdout.readline()
        if not line: # it has ended, having said why
            sys.exit(f"latency.py: the helper ended with status {self.process.wait()}")
        return line.strip()

    def lines(self, command):
        """The lines up to an empty one."""
        line, lines = self.ask(command), []
        while line:
            lines.append(line)
            line = self.line()
        return lines

    def names(self):
        """(name, version) of each."""
        return [line.split(" ", 1) for line in self.lines("engines")]

    def layers(self, net):
        return [[int(word) for word in line.split()] for line in self.lines(f"layers {net}")]

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


def torch_contestant(engines):
    try:
        import torch
    except ImportError:
        return None, f"{sys.executable} has no PyTorch"
    warnings.filterwarnings("ignore", module="torch")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    scripts = [script(torch, engines.layers(i)) for i in range(len(NETS))]
    for net in scripts:
        time_script(*net, 10)
    return ("pytorch", "PyTorch " + torch.__version__, lambda _, i, runs: time_script(*scripts[i], runs)), ""


def time_session(session, x, runs):
    feed, times = {session.get_inputs()[0].name: x}, []
    for i in range(-2, runs):
        before = time.perf_counter()
        session.run(None, feed)
        if i >= 0:
            times.append(1e3 * (time.perf_counter() - before))
    return times


@contextlib.contextmanager
def quiet():
    """Standard error goes nowhere, that of libraries too."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def onnxruntime_contestant(build, engines, work):
    """Python's ONNX Runtime, else the one for Node."""
    paths = subprocess.run(
        [f"{build}/ds-export", "onnx", "-q", "-d", work, engines.stream.name],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout.split("\n")
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import numpy

        with quiet(): # Debian 13's and PyTorch's each register ONNX's operators, and complain
            import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        sessions = []
        for path in paths[:len(NETS)]:
            session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
            sessions.append((session, numpy.random.rand(*session.get_inputs()[0].shape).astype("float32")))
        return ("onnxruntime", "ONNX Runtime " + onnxruntime.__version__,
                lambda _, i, runs: time_session(*sessions[i], runs)), ""
    except ImportError:
        pass
    found = subprocess.run(["tests/onnxruntime"], capture_output=True, text=True)
    if found.returncode:
        return None, found.stderr.strip()
    os.environ["DSTOOLS_ONNXRUNTIME"] = found.stdout.strip()
    with open(found.stdout.strip() + "/node_modules/onnxruntime-node/package.json") as f:
        version = json.load(f)["version"]

    def run(_, i, runs):
        out = subprocess.run(["examples/runners/onnxruntime", f"--runs={runs}", "--warmup=2", paths[i]],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        return [float(line) for line in out.splitlines() if not line.startswith("#")]

    return ("onnxruntime", "ONNX Runtime for Node " + version, run), ""


def machine():
    with open("/etc/os-release") as f:
        suite = dict(line.rstrip().split("=", 1) for line in f if "=" in line).get("PRETTY_NAME", "?")
    with open("/proc/cpuinfo") as f:
        names = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    return f"{suite.strip(chr(34))}, {names[0] if names else platform.machine()}"


def main():
    rounds, runs = (int(a) for a in (sys.argv[1:] + ["8", "10"][len(sys.argv) - 1:])[:2])
    build = os.environ.get("BUILD", "build")
    engines = Engines(build)
    work = tempfile.TemporaryDirectory()
    contestants = [(name, version, engines.run) for name, version in engines.names()]
    print(machine())
    for contestant, reason in torch_contestant(engines), onnxruntime_contestant(build, engines, work.name):
        if contestant:
            contestants.append(contestant)
        else:
            print(f"left out: {reason}")
    if not contestants:
        print("no engine is built in, and there is nothing else")
        return
    for name, version, _ in contestants:
        print(f"{name:12} {version}")

    times = {(c[0], i): [] for c in contestants for i in range(len(NETS))}
    for _ in range(rounds):
        for i in range(len(NETS)):
            for name, _, run in random.sample(contestants, len(contestants)):
                times[name, i].append(run(name, i, runs))

    base = contestants[0][0]
    print(f"{'network':16} {'':12} {'median ms':>9} {'min':>8}   x {base} [least, greatest of {rounds} rounds], x its min")
    least = {key: min(min(burst) for burst in bursts) for key, bursts in times.items()}
    for i, title in enumerate(NETS):
        for name, _, _ in contestants:
            every = [ms for burst in times[name, i] for ms in burst]
            ratios = [statistics.median(a) / statistics.median(b)
                      for a, b in zip(times[name, i], times[base, i])]
            print(f"{title:16} {name:12} {statistics.median(every):9.2f} {least[name, i]:8.2f}   "
                  f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]  "
                  f"{least[name, i] / least[base, i]:.2f}")


main()

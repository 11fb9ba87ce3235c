#!/usr/bin/python3
"""Images a second on one core: subnets of a supernet evaluated by ds-measure-acc and by PyTorch, in turns.

usage: accuracy.py [ROUNDS [IMAGES]]

The supernet is OFA-MobileNetV3 w1.2 with random weights; four random subnets at 224 x 224. PyTorch runs
each as it would be evaluated: convolutions and batch norms, eagerly, at its best batch; and as TorchScript,
traced, frozen, optimised for inference, at its best batch. Times are processor times of one thread: those
of ds-measure-acc are of the whole program with two subnets less that with one, so that reading images,
which is done once for all, is not counted. What going from one subnet to the next costs (slicing, kernel
transforms, packing) comes from many subnets on one image, and is told apart. Printed: images a second, the median over rounds of their
ratios with the least and greatest, and the share of going from one subnet to the next at 2,000 images.
"""
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

BATCHES = (1, 4, 16, 32)
UNITS = [(2, 32, "relu", 0), (2, 48, "relu", 1), (2, 96, "hswish", 0), (1, 136, "hswish", 1), (2, 192, "hswish", 1)]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def channels(x):
    n = max(8, int(x + 4) // 8 * 8)
    return n + 8 if n < 0.9 * x else n


def checkpoint(torch):
    """Random weights for every tensor of the largest subnet, under Once-for-All's names."""
    torch.manual_seed(1)
    state = {}

    def conv(name, out, cin, k, groups=1, inner=""):
        fan = cin // groups * k * k
        state[f"{name}.conv{inner}.weight"] = torch.randn(out, cin // groups, k, k) * (2 / fan) ** 0.5

    def bn(name, n, inner=""):
        for key, x in (("weight", torch.ones(n)), ("bias", torch.zeros(n)),
                       ("running_mean", 0.1 * torch.randn(n)), ("running_var", 0.8 + 0.4 * torch.rand(n))):
            state[f"{name}.bn{inner}.{key}"] = x

    def fixed(name, out, cin, k, groups=1):
        conv(name, out, cin, k, groups)
        bn(name, out)

    fixed("first_conv", 24, 3, 3)
    fixed("blocks.0.conv.depth_conv", 24, 24, 3, 24)
    fixed("blocks.0.conv.point_linear", 24, 24, 1)
    cin, block = 24, 1
    for _, width, _, se in UNITS:
        for _ in range(4):
            mid, name = channels(6 * cin), f"blocks.{block}.conv"
            conv(f"{name}.inverted_bottleneck", mid, cin, 1, inner=".conv")
            bn(f"{name}.inverted_bottleneck", mid, ".bn")
            conv(f"{name}.depth_conv", mid, mid, 7, mid, inner=".conv")
            bn(f"{name}.depth_conv", mid, ".bn")
            for a, b, n in ((7, 5, 25), (5, 3, 9)):
                state[f"{name}.depth_conv.conv.{a}to{b}_matrix"] = torch.eye(n) + 0.05 * torch.randn(n, n)
            if se:
                squeezed = channels(mid // 4)
                for part, o, i in (("reduce", squeezed, mid), ("expand", mid, squeezed)):
                    state[f"{name}.depth_conv.se.fc.{part}.weight"] = torch.randn(o, i, 1, 1) * (1 / i) ** 0.5
                    state[f"{name}.depth_conv.se.fc.{part}.bias"] = torch.zeros(o)
            conv(f"{name}.point_linear", width, mid, 1, inner=".conv")
            bn(f"{name}.point_linear", width, ".bn")
            cin, block = width, block + 1
    fixed("final_expand_layer", 1152, 192, 1)
    conv("feature_mix_layer", 1536, 1152, 1)
    state["classifier.linear.weight"] = torch.randn(1000, 1536) * 1536 ** -0.5
    state["classifier.linear.bias"] = torch.zeros(1000)
    return state


def subnet(torch, state, arch):
    """A subnet as a module of convolutions and batch norms, its weights sliced from the supernet's."""
    nn, fn = torch.nn, torch.nn.functional
    act = {"relu": nn.ReLU, "hswish": nn.Hardswish}

    def layer(name, inner, out, cin, k, stride=1, groups=1, kind=None):
        w = state[f"{name}.conv{inner and '.conv'}.weight"]
        if groups > 1:
            w = w[:out]
            size = w.shape[-1]
            while size > k:
                m = state[f"{name}.conv.{size}to{size - 2}_matrix"]
                w = fn.linear(w[:, :, 1:-1, 1:-1].reshape(out, -1), m).view(out, 1, size - 2, size - 2)
                size -= 2
        conv = nn.Conv2d(cin, out, k, stride, k // 2, groups=groups, bias=False)
        conv.weight.data = w[:out, :cin // groups].contiguous()
        parts = [conv]
        bn = f"{name}.bn{inner and '.bn'}"
        if f"{bn}.weight" in state:
            norm = nn.BatchNorm2d(out)
            for key in "weight", "bias", "running_mean", "running_var":
                getattr(norm, key).data = state[f"{bn}.{key}"][:out].clone()
            parts.append(norm)
        return nn.Sequential(*parts, *([act[kind]()] if kind else []))

    class Gate(nn.Module):
        def __init__(self, name, mid):
            super().__init__()
            squeezed = channels(mid // 4)
            self.reduce, self.expand = nn.Conv2d(mid, squeezed, 1), nn.Conv2d(squeezed, mid, 1)
            for part, o, i in (("reduce", squeezed, mid), ("expand", mid, squeezed)):
                getattr(self, part).weight.data = state[f"{name}.se.fc.{part}.weight"][:o, :i].contiguous()
                getattr(self, part).bias.data = state[f"{name}.se.fc.{part}.bias"][:o].clone()

        def forward(self, x):
            y = fn.relu(self.reduce(x.mean((2, 3), keepdim=True)))
            return x * fn.hardsigmoid(self.expand(y))

    class Sum(nn.Module):
        def __init__(self, inside):
            super().__init__()
            self.inside = inside

        def forward(self, x):
            return x + self.inside(x)

    parts = [
        layer("first_conv", "", 24, 3, 3, 2, kind="hswish"),
        Sum(nn.Sequential(layer("blocks.0.conv.depth_conv", "", 24, 24, 3, groups=24, kind="relu"),
                          layer("blocks.0.conv.point_linear", "", 24, 24, 1))),
    ]
    cin = 24
    for u, (stride, width, kind, se) in enumerate(UNITS):
        for i in range(arch["d"][u]):
            k, e = arch["ks"][4 * u + i], arch["e"][4 * u + i]
            mid, name = channels(cin * e), f"blocks.{1 + 4 * u + i}.conv"
            block = [layer(f"{name}.inverted_bottleneck", "y", mid, cin, 1, kind=kind),
                     layer(f"{name}.depth_conv", "y", mid, mid, k, stride if i == 0 else 1, mid, kind)]
            if se:
                block.append(Gate(f"{name}.depth_conv", mid))
            block.append(layer(f"{name}.point_linear", "y", width, mid, 1))
            block = nn.Sequential(*block)
            parts.append(block if i == 0 else Sum(block))
            cin = width
    parts += [layer("final_expand_layer", "", 1152, 192, 1, kind="hswish"), nn.AdaptiveAvgPool2d(1),
              layer("feature_mix_layer", "", 1536, 1152, 1, kind="hswish"), nn.Flatten()]
    linear = nn.Linear(1536, 1000)
    linear.weight.data, linear.bias.data = state["classifier.linear.weight"], state["classifier.linear.bias"]
    return nn.Sequential(*parts, linear).eval()


def script(torch, net, batch):
    x = torch.rand(batch, 3, 224, 224)
    made = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, x)))
    for _ in range(3):
        made(x)
    return made


def seconds(run, *args):
    before = time.process_time()
    run(*args)
    return time.process_time() - before


def per_image(torch, net, batch, images):
    """Processor seconds an image, over about so many images."""
    x = torch.rand(batch, 3, 224, 224)
    net(x)
    times = max(1, images // batch)
    return seconds(lambda: [net(x) for _ in range(times)]) / (times * batch)


class Tool:
    """ds-measure-acc on a stream of subnets and a file of images."""

    def __init__(self, build, work, archs, images):
        self.build, self.work, self.images = build, work, images
        self.archs = archs
        rng = random.Random(1)
        with open(f"{work}/images.bin", "wb") as f: # as CIFAR-10 has them
            for i in range(images):
                f.write(bytes([i % 10]) + rng.randbytes(3072))

    def run(self, archs, take, name="net"):
        """Processor seconds of the program."""
        lines = "".join(json.dumps(a) + "\n" for a in archs).encode()
        stream = subprocess.run([f"{self.build}/ds-import", "ofa", "--space", "ofa-mbv3"], input=lines,
                                stdout=subprocess.PIPE, check=True).stdout
        with open(f"{self.work}/{name}.dss", "wb") as f:
            f.write(stream)
        process = subprocess.Popen(
            [f"{self.build}/ds-measure-acc", "-q", "--supernet", f"{self.work}/supernet.pth", "--images",
             f"{self.work}/images.bin", "--take", str(take), "--calibrate", "none",
             "-o", f"{self.work}/out.dss", f"{self.work}/{name}.dss"])
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit("accuracy.py: ds-measure-acc failed")
        return used.ru_utime + used.ru_stime

    def per_image(self, arch, switch):
        other = dict(arch, d=[5 - d if d < 4 else d for d in arch["d"]]) # so that it is not the same twice
        both, one = self.run([other, arch], self.images), self.run([other], self.images)
        return (both - one - switch) / self.images

    def per_subnet(self):
        """Seconds from one subnet to the next, but for the images."""
        few, many = self.run(self.archs[:1], 1), self.run(self.archs, 1)
        return (many - few) / (len(self.archs) - 1)


def main():
    rounds, images = (int(a) for a in (sys.argv[1:] + ["5", "60"][len(sys.argv) - 1:])[:2])
    build = os.environ.get("BUILD", "build")
    try:
        import torch
    except ImportError:
        print(f"accuracy on images: left out: {sys.executable} has no PyTorch")
        return
    if "not built in" in subprocess.run([f"{build}/ds-measure-cpu", "--engine", "onednn"], stdin=subprocess.DEVNULL,
                                        capture_output=True, text=True).stderr:
        print("accuracy on images: left out: oneDNN is not built in")
        return
    warnings.filterwarnings("ignore", module="torch")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    short = images < 16 # numbers that mean nothing, to see that it runs
    rng = random.Random(3)
    archs = [{"ks": [rng.choice((3, 5, 7)) for _ in range(20)], "e": [rng.choice((3, 4, 6)) for _ in range(20)],
              "d": [rng.choice((2, 3, 4)) for _ in range(5)], "r": 224} for _ in range(3 if short else 12)]
    with tempfile.TemporaryDirectory() as work:
        state = checkpoint(torch)
        torch.save({"state_dict": state}, f"{work}/supernet.pth")
        tool = Tool(build, work, archs, images)
        nets = [subnet(torch, state, a) for a in archs[:1 if short else 4]]
        best = {"eager": {}, "script": {}}
        made = {}
        for b in BATCHES[:1] if short else BATCHES:
            made[b] = script(torch, nets[0], b)
            best["eager"][b] = per_image(torch, nets[0], b, min(16, images))
            best["script"][b] = per_image(torch, made[b], b, min(32, images))
        batch = {kind: min(times, key=times.get) for kind, times in best.items()}
        made = [script(torch, net, batch["script"]) for net in nets]
        switch = statistics.median(tool.per_subnet() for _ in range(3))
        times = {name: [] for name in ("dstools", "TorchScript", "eager")}
        for _ in range(rounds):
            for i, net in enumerate(nets):
                runs = [("dstools", lambda: tool.per_image(archs[i], switch)),
                        ("TorchScript", lambda: per_image(torch, made[i], batch["script"], images)),
                        ("eager", lambda: per_image(torch, net, batch["eager"], images if short else max(16, images // 4)))]
                for name, run in random.sample(runs, len(runs)):
                    times[name].append(run())
        print(f"accuracy on images, 224 x 224, one thread, mean of {len(nets)} subnets of OFA-MBv3 w1.2; "
              f"PyTorch {torch.__version__}, batch {batch['script']} as TorchScript and {batch['eager']} eagerly")
        n = len(nets)
        per_round = {name: [sum(t[r * n:(r + 1) * n]) / n for r in range(rounds)] for name, t in times.items()}
        for name, t in per_round.items():
            ratios = [a / b for a, b in zip(t, per_round["dstools"])]
            print(f"{name:12} {1 / statistics.median(t):7.1f} images/s   dstools is {statistics.median(ratios):.2f} "
                  f"[{min(ratios):.2f}, {max(ratios):.2f}] times as fast")
        each = statistics.median(per_round["dstools"])
        print(f"from one subnet to the next: {1e3 * switch:.0f} ms, {100 * switch / (switch + 2000 * each):.1f}% "
              "of the time at 2,000 images")


main()

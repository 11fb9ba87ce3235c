#!/usr/bin/env python3
"""Whether runtimes that are not ours compute what our engines do, space by space and number format by
number format: the largest difference of a logit, as a share of the largest logit.

usage: runtimes.py [-n N] [--arm] [SPACE ...]

N random networks (1) of each space, all unless given, with random weights, on one seeded image. In f32
and int8 runtimes are compared with oneDNN in the same format; "bf16 : f32" and "int8 : f32" are oneDNN
with itself. A runtime that is not there gives "-", as does a format that this processor has not.
--arm asks Arm NN, too, which takes half a minute for a network at 224. BUILD: where dstools is built.
"""
import argparse
import os
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNNERS = os.path.join(TESTS, "../examples/runners")
BUILD = os.environ.get("BUILD", os.path.join(TESTS, "../build"))


def said(*command, **options):
    """What a program prints; None where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)
    return None if done.returncode else done.stdout


def engine(folder, name, dtype):
    """{id: logits} of an engine of ours; empty where it has not that format."""
    there = os.path.join(folder, f"{name}.{dtype}")
    os.mkdir(there)
    with open(os.path.join(folder, "in.dss"), "rb") as networks:
        if said(f"{BUILD}/tests/logits", name, there, dtype, stdin=networks) is None:
            return {}
    found = {}
    for file in os.listdir(there):
        network, kind = file.split(".")
        if kind == "logits":
            with open(os.path.join(there, file)) as lines:
                found[network] = [float(x) for x in lines]
    return found


def runtime(folder, form, layout, *command):
    """{id: logits} of a runtime, given models of this form and the image in that layout."""
    kind, *options = form.split()
    models = os.path.join(folder, form.replace(" ", ""))
    if not os.path.isdir(models):
        subprocess.run(["ds-export", kind, *options, "-d", models, os.path.join(folder, "in.dss")],
                       check=True, stdout=subprocess.DEVNULL)
    found = {}
    for file in os.listdir(models):
        network = file.split(".")[0]
        image = os.path.join(folder, "onednn.f32", f"{network}.{layout}")
        out = said(*(word.format(model=os.path.join(models, file), image=image) for word in command))
        if out is not None:
            found[network] = [float(line) for line in out.split()]
    return found


def difference(expected, got):
    """The largest of a logit, as a share of the largest logit; "-" where there are none."""
    if not expected or expected.keys() != got.keys():
        return "-"
    return f"{max(max(abs(a - b) for a, b in zip(x, got[k], strict=True)) / max(map(abs, x)) for k, x in expected.items()):.1e}"


def library(name):
    """Tells the runners where the library is that tests use; they say themselves where it is not."""
    where = said(os.path.join(TESTS, name))
    if where:
        os.environ[f"DSTOOLS_{name.upper()}"] = where.strip()


def row(folder, space, networks, arm):
    subprocess.run(["ds-sample", space, "-n", str(networks), "--seed", "3", "-o", os.path.join(folder, "in.dss")], check=True)
    f32, bf16, int8 = (engine(folder, "onednn", dtype) for dtype in ("f32", "bf16", "int8"))
    onnx = os.path.join(RUNNERS, "onnxruntime"), "--logits={image}", "{model}"
    tflite, xnnpack = ((os.path.join(RUNNERS, "tflite"), f"--xnnpack={x}", "--logits={image}", "{model}") for x in (0, 1))
    yield difference(f32, engine(folder, "xnnpack", "f32"))
    yield difference(f32, runtime(folder, "onnx", "input", *onnx))
    yield difference(f32, runtime(folder, "tflite", "nhwc", *tflite))
    yield difference(f32, runtime(folder, "tflite", "nhwc", *xnnpack))
    if arm:
        yield difference(f32, runtime(folder, "tflite", "nhwc", "/usr/bin/python3", os.path.join(TESTS, "armnn.py"), "{model}", "{image}"))
    yield difference(int8, runtime(folder, "onnx --int8", "input", *onnx))
    yield difference(int8, runtime(folder, "onnx --int8 --round-each", "input", *onnx))
    yield difference(int8, runtime(folder, "tflite --int8", "nhwc", *tflite))
    yield difference(int8, runtime(folder, "tflite --int8", "nhwc", *xnnpack))
    yield difference(f32, bf16)
    yield difference(f32, int8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=1)
    parser.add_argument("--arm", action="store_true")
    parser.add_argument("space", nargs="*")
    options = parser.parse_args()
    for name in "onnxruntime", "tflite":
        library(name)
    spaces = options.space or [line.split()[0] for line in said("ds-space").splitlines()]
    columns = ["f32: XNNPACK", "ONNX Runtime", "TFLite", "TFLite XNNPACK", *["Arm NN"] * options.arm,
               "int8: ONNX Runtime", "rounding each", "TFLite", "TFLite XNNPACK", "bf16 : f32", "int8 : f32"]
    print("| space |", " | ".join(columns), "|")
    print("|---|" + "---:|" * len(columns))
    for space in spaces:
        with tempfile.TemporaryDirectory() as folder:
            cells = row(folder, space, options.n, options.arm)
            print(f"| {os.path.basename(space)} |", " | ".join(cells), "|", flush=True)


main()

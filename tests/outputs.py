"""What TensorFlow Lite makes of the models of tests/blocks, whose lines it reads: writes outputs as
floats [row][column][channel] to PATH.tflite.got. Usage: outputs.py RUNNER XNNPACK, which are
examples/runners/tflite and 0 or 1.
"""
import importlib.machinery
import importlib.util
import os
import sys

runner_path, xnnpack = sys.argv[1], int(sys.argv[2])
sys.path.insert(0, os.path.dirname(runner_path))
import runner  # noqa: E402

runner.main = lambda *_: None  # the file is a program; here its classes are wanted
loader = importlib.machinery.SourceFileLoader("tflite", runner_path)
tflite = importlib.util.module_from_spec(importlib.util.spec_from_loader("tflite", loader))
sys.dont_write_bytecode = True
loader.exec_module(tflite)

for line in sys.stdin:
    path = line.split()[0]
    model = tflite.Model(tflite.library(), path + ".tflite", 1, xnnpack)
    with open(path + ".input", "rb") as f:
        model.feed(f.read())
    model.run()
    with open(path + ".tflite.got", "wb") as f:
        model.output().tofile(f)
    model.close()

"""Compares outputs of the models of tests/blocks, whose lines it reads.

  quanta.py A B MOST SHARE      floats at PATH.A and at PATH.B: expected, onnx.got, tflite.got

Prints the largest difference in quanta of outputs of 8 bits, and what share of them differs; of f32
outputs the largest difference as a share of the largest number. Exit status 1 where one differs by
more than MOST quanta (of f32: a MOST-th), or more than SHARE of them differ.
"""
import array
import sys


def floats(path):
    x = array.array("f")
    with open(path, "rb") as f:
        x.frombytes(f.read())
    return x


def main():
    a, b, most, share = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    n = off = 0
    worst = worst_real = 0.0
    for line in sys.stdin:
        path, *numbers = line.split()
        quantum = float(numbers[6])
        x, y = floats(f"{path}.{a}"), floats(f"{path}.{b}")
        assert len(x) == len(y) > 0, path
        if quantum:
            quanta = [abs(round((p - q) / quantum)) for p, q in zip(x, y)]
            n += len(quanta)
            off += sum(d > 0 for d in quanta)
            worst = max(worst, *quanta)
        else:
            worst_real = max(worst_real, max(abs(p - q) for p, q in zip(x, y)) / max(map(abs, x)))
    print(f"{worst:g} quanta at most, {100 * off / max(n, 1):.3g}% of {n} differ; f32: {worst_real:.2g}")
    sys.exit(not n + worst_real > 0 or worst > most or off > share * n or (worst_real > most / 100))


main()

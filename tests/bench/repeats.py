#!/usr/bin/python3
"""Whether a second measurement confirms the first: the same networks, measured live by
ds-measure-cpu in several processes, one after another.

usage: repeats.py [--networks N] [--processes N] [--busy] [--keep DIR] [OPTION OF ds-measure-cpu ...]

--busy keeps every processor busy with a loop of its own meanwhile. --keep leaves the streams in DIR,
where those that are there already are not measured again; the last holds all latencies.

Printed, over all pairs of processes: Spearman's rank correlation (ds-correlate), the least and the
mean; how far a measurement of a network deviates from its mean over the processes, and how often the
95% interval of one process holds the value of another: as they are, once a process is brought to the
scale of the other by their reference networks (as by --relative), and divided by what is common to its
networks (the median); the runs that were made, and the seconds.
"""
import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time


def measure(source, target, number, options):
    """Measures a stream in a process of its own and adds its metric; returns the seconds."""
    before = time.monotonic()
    subprocess.run(
        ["ds-measure-cpu", "-q", "--as", f"latency.r{number}", *options, "-o", target, source],
        check=True,
    )
    return time.monotonic() - before


def busy_loops():
    """A loop on each processor that this process may use."""
    loops = []
    for cpu in sorted(os.sched_getaffinity(0)):
        loops.append(subprocess.Popen(
            [sys.executable, "-c", "while True: pass"],
            preexec_fn=lambda cpu=cpu: os.sched_setaffinity(0, {cpu}),
        ))
    return loops


def metrics(path, processes):
    """[process][network]: what the records say of the latency."""
    shown = subprocess.run(["ds-show", "--json", path], check=True, stdout=subprocess.PIPE).stdout
    records = [json.loads(line)["metrics"] for line in shown.splitlines()]
    return [[r[f"latency.r{p + 1}"] for r in records] for p in range(processes)]


def correlations(path):
    shown = subprocess.run(["ds-correlate", "--tsv", path], check=True, stdout=subprocess.PIPE)
    lines = [line.split("\t") for line in shown.stdout.decode().splitlines()]
    at = lines[0].index("spearman")
    return [float(line[at]) for line in lines[1:]]


def common(runs):
    """What is common to a process, three ways to know it: a time, and how far times are apart."""
    middle = [statistics.median(r["value"] / first["value"] for r, first in zip(run, runs[0]))
              for run in runs]
    refs = [run[0] for run in runs]
    return {
        "as they are": [(1, 1) for _ in runs],
        "relative to ref": [(r["ref"], math.log(r["ref_last"] / r["ref_first"])) for r in refs],
        "relative to the median": [(m, 1) for m in middle],
    }


def compare(runs, scale):
    """Deviation of a measurement, and the share of intervals that hold that of another process."""
    squares, held = [], []
    for i, j in itertools.permutations(range(len(runs)), 2):
        time, apart = scale[i]
        other_time, other_apart = scale[j]
        for first, second in zip(runs[i], runs[j]):
            told = time * (second["value"] / other_time) ** (apart / other_apart)
            squares.append(math.log(told / first["value"]) ** 2)
            held.append(first["lo"] <= told <= first["hi"])
    return math.sqrt(statistics.mean(squares) / 2), statistics.mean(held)


def report(path, seconds, processes):
    runs = metrics(path, processes)
    every = [r for run in runs for r in run]
    rank = correlations(path)
    print(f"{len(runs[0])} networks, {processes} processes: {every[0]['device']}, "
          f"{every[0]['engine']}, {every[0]['threads']} thread")
    print(f"rank correlation      least {min(rank):.4f}, mean {statistics.mean(rank):.4f}")
    print("                                   deviation  held by the first interval")
    for name, scale in common(runs).items():
        deviation, held = compare(runs, scale)
        print(f"{name:22}  {100 * deviation:19.2f}%  {100 * held:25.1f}%")
    width = statistics.mean((r["hi"] - r["lo"]) / r["value"] for r in every)
    print(f"runs                  mean {statistics.mean(r['runs'] for r in every):.1f}, width of "
          f"the interval {100 * width:.2f}%, converged {100 * statistics.mean(r['converged'] for r in every):.0f}%, "
          f"disturbed {100 * statistics.mean(r.get('disturbed', 0) for r in every):.0f}%")
    if seconds:
        print(f"seconds               {' '.join(f'{s:.1f}' for s in seconds)}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--keep")
    args, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or scratch
        os.makedirs(folder, exist_ok=True)
        files = [os.path.join(folder, f"{p}.dss") for p in range(args.processes + 1)]
        subprocess.run(
            ["ds-sample", "ofa-mbv3", "-n", str(args.networks), "-q", "-o", files[0]], check=True)
        loops = busy_loops() if args.busy else []
        try:
            seconds = [measure(files[p - 1], files[p], p, options)
                       for p in range(1, len(files)) if not os.path.exists(files[p])]
        finally:
            for loop in loops:
                loop.kill()
        report(files[-1], seconds, args.processes)


main()

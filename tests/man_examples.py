#!/usr/bin/env python3
"""Runs the examples of manual pages and compares what they print with what the page says.

An example stands in a literal display: a line "$ COMMAND" with its continuation lines (indented
by four), then the output. With --renew the pages are rewritten with the real output.
"""
import re
import subprocess
import sys


def run(command):
    done = subprocess.run(["bash", "-c", "set -o pipefail; " + command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    lines = [line.rstrip() for line in done.stdout.rstrip("\n").split("\n")]
    return lines if done.returncode == 0 else ["status %d:" % done.returncode] + lines


def examples(block):
    """Splits a display into [command lines, output lines] pairs; None where it is none."""
    pairs = []
    for line in block:
        if line.startswith("$ "):
            pairs.append(([line], []))
        elif not pairs:
            return None
        elif not pairs[-1][1] and line.startswith("    ") and re.search(r"[|\\]$", pairs[-1][0][-1]):
            pairs[-1][0].append(line)
        else:
            pairs[-1][1].append(line)
    return pairs


def page(path, renew):
    text = open(path).read()
    wrong = ran = 0

    def one(match):
        nonlocal wrong, ran
        block = match.group(1).rstrip("\n").replace("\\e", "\\").split("\n")
        pairs = examples(block)
        if not pairs:
            return match.group(0)
        out = []
        for command, said in pairs:
            ran += 1
            got = run("\n".join(command)[2:])
            if got != said:
                wrong += 1
                if not renew:
                    print("%s: %s\nsays:\n%s\nprints:\n%s" % (
                        path, "\n".join(command), "\n".join(said), "\n".join(got)))
            out += command + got
        return ".Bd -literal\n" + "\n".join(out).replace("\\", "\\e") + "\n.Ed\n"

    new = re.sub(r"^\.Bd -literal\n(.*?)^\.Ed\n", one, text, flags=re.S | re.M)
    if renew and new != text:
        open(path, "w").write(new)
    wrong = 0 if renew else wrong
    for line in re.sub(r"^\.Bd .*?^\.Ed\n", "", text, flags=re.S | re.M).split("\n"):
        if line.startswith(("$ ", ".Sh $")):
            wrong += 1
            print("%s: an example outside a literal display: %s" % (path, line))
    return ran, wrong


renewing = sys.argv[1:2] == ["--renew"]
counts = [page(p, renewing) for p in sys.argv[1 + renewing:]]
print("%d examples" % sum(c[0] for c in counts))
sys.exit(any(c[1] for c in counts) or not any(c[0] for c in counts))

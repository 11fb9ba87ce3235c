#!/usr/bin/env python3
"""A stand-in for a device, asked in lines of JSON (man dstools-exec): what the tables of a profile
say, with layers of kernel 7 slower by a share, and noise that depends on the architecture alone.

    stand_in.py PROFILE.json SHARE NOISE
"""
import hashlib
import json
import math
import sys

model = json.load(open(sys.argv[1]))["model"]
share, noise = float(sys.argv[2]), float(sys.argv[3])


def normal(text):
    bits = hashlib.sha256(text.encode()).digest()
    u, v = (int.from_bytes(bits[i:i + 6], "big") / 2 ** 48 for i in (0, 8))
    return math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v)


def latency(arch):
    r = str(arch["resolution"])
    total = model["intercept"] + model["terms"]["resolution"][r]
    for u, unit in enumerate(arch["units"]):
        for l, block in enumerate(unit["blocks"]):
            layer = model["pairs"]["resolution*unit%d.layer%d" % (u, l)][r + "*" + block]
            total += layer * (1 + share * block.endswith("k7"))
    return total


for line in sys.stdin:
    question = json.loads(line)
    value = latency(question["arch"]) * (1 + noise * normal(question["id"]))
    print(json.dumps({"id": question["id"], question["metric"]: value}), flush=True)

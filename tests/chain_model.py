#!/usr/bin/env python3
"""What a profile with a network of windows says, by schemas/profile.md alone.

    chain_model.py PROFILE.json < RECORDS (ds-show --json)
"""
import json
import sys


def floats(text):
    return [float(x) for x in text.split(" ")]


def main(path):
    model = json.load(open(path))["model"]
    net = model["network"]
    bias = floats(net["bias"])
    for line in sys.stdin:
        arch = json.loads(line)["arch"]
        chosen = {"resolution": str(arch["resolution"])}
        layers = []
        for u, unit in enumerate(arch["units"]):
            chosen["unit%d.depth" % u] = str(unit["depth"])
            chosen["unit%d.width" % u] = str(unit["width"])
            for l, block in enumerate(unit["blocks"]):
                layers.append("unit%d.layer%d" % (u, l))
                chosen[layers[-1]] = block
        value = model["intercept"] + sum(model["terms"][s][c] for s, c in chosen.items())
        for pair, table in model["pairs"].items():
            a, b = pair.split("*")
            if a in chosen and b in chosen:
                value += table["%s*%s" % (chosen[a], chosen[b])]
        total = [0] * net["hidden"]
        for i, layer in enumerate(layers):
            hidden = bias
            own = [s for s in chosen if not s.startswith("unit")] + [layer.split(".")[0] + ".width"]
            rows = [(0, s) for s in own] + [(k, layers[i - k]) for k in range(min(i + 1, len(net["window"])))]
            for back, site in rows:
                table = net["window"][back].get(site)
                if table:
                    hidden = [a + b for a, b in zip(hidden, floats(table[chosen[site]]))]
            total = [t + max(0, h) for t, h in zip(total, hidden)]
        value += sum(w * t for w, t in zip(floats(net["last"]), total))
        for first, b, last in zip(net["top_first"], floats(net["top_bias"]), floats(net["top_last"])):
            value += last * max(0, b + sum(w * t for w, t in zip(floats(first), total)))
        print(value)


main(*sys.argv[1:])

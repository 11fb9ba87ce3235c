"""Response figures of OFA-MBv3 by the tools: what paper-*.py and npu-check.py share."""
import json
import os
import subprocess

EXPAND, KERNEL = (6, 4, 3), (3, 5, 7)  # rows and columns of the published figures
HERE = os.path.dirname(os.path.abspath(__file__))
SPACE = os.path.join(HERE, "..", "schemas", "spaces", "ofa-mbv3.json")


def space_at(resolutions, folder):
    space = json.load(open(SPACE))
    space["resolution"] = resolutions
    path = os.path.join(folder, "space.json")
    json.dump(space, open(path, "w"))
    return path


def response(space, measure, metric, n, paper):
    """{(expand, kernel): mean} of n random networks, by the tools."""
    command = ("set -o pipefail; ds-sample %s -n %d -q | ds-affix --all %s -q | %s -q | "
               "ds-aggregate -q --by expand,kernel | ds-show -t -c expand,kernel,%s" %
               (space, n, "--paper" if paper else "", measure, metric))
    out = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, text=True, check=True)
    rows = [line.split("\t") for line in out.stdout.splitlines()[1:]]
    return {(int(e), int(k)): float(x) for e, k, x in rows}

"""What runners in Python share: their options, and answering, once or line by line (dstools-exec(7)).

A runner has a function measure(path, shape, metric, options) that gives the milliseconds of single
runs of the model at `path`, and details as a dictionary; with a third value, further metrics.
`shape` is a text like "1,3,224,224", or None where it was not told.
"""
import json
import os
import subprocess
import sys


class Failure(Exception):
    """A model that cannot be measured; when serving, the next one may."""


def name():
    return os.path.basename(sys.argv[0])


def die(message):
    sys.exit(f"{name()}: {message}")


def parse(options):
    """Takes --NAME=VALUE and --NAME into `options`, which has the defaults; gives the operands."""
    operands = []
    for i, arg in enumerate(sys.argv[1:], 1):
        key, equals, value = arg[2:].partition("=")
        if not arg.startswith("--"):
            return operands + sys.argv[i:]
        if key not in options:
            die(f"no option --{key}")
        if isinstance(options[key], bool):
            if equals:
                die(f"--{key} takes no value")
            options[key] = True
        elif not equals:
            die(f"--{key} wants a value: --{key}=VALUE")
        elif isinstance(options[key], int):
            if not value.isdecimal():
                die(f"--{key}: '{value}' is not a whole number")
            options[key] = int(value)
        else:
            options[key] = value
    return operands


def call(*command):
    """What a program prints; Failure with its last words where it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, errors="replace", check=False)
    except OSError as e:
        raise Failure(f"{command[0]}: {e.strerror}") from e
    if done.returncode:
        words = done.stdout.strip().splitlines() or ["no words"]
        raise Failure(f"{command[0]}: exit status {done.returncode}: {words[-1]}")
    return done.stdout


def answer_to(measure, path, shape, metric, options):
    ms, details, *more = measure(path, shape, metric, options)
    return {metric: {"value": ms, **details}, **(more[0] if more else {})}


def serve(measure, options):
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            shape = ",".join(map(str, ask["shape"]))
            answer = answer_to(measure, ask["model"], shape, ask["metric"], options)
        except Failure as e:
            answer = {"error": str(e)}
        print(json.dumps({"id": ask["id"], **answer}), flush=True)


def main(measure, options):
    """Answers for a runner with these options: --serve, or MODEL [SHAPE] once."""
    options["serve"] = False
    operands = parse(options)
    try:
        if options["serve"]:
            serve(measure, options)
        elif len(operands) in (1, 2):
            shape = operands[1] if len(operands) == 2 else None
            metric = os.environ.get("DSTOOLS_METRIC", "latency")
            print(json.dumps(answer_to(measure, operands[0], shape, metric, options)))
        else:
            die("wants MODEL [SHAPE]")
    except Failure as e:
        die(e)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)

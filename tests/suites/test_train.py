#!/usr/bin/env python3
"""The train command as a user types it: data parallel equals serial, killing and resuming loses nothing, bad input.

Usage: test_train.py CHIRPBENCH MPIEXEC
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

CHIRPBENCH, MPIEXEC = sys.argv[1:3]
SMALL = ["--network", "spin", "--seed", "5", "--validation-signals", "8", "--validate-every", "0", "--quiet"]


def run(args, code=0, ranks=0):
    command = ([MPIEXEC, "-n", str(ranks)] if ranks else []) + [CHIRPBENCH] + args
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=240)
    assert result.returncode == code, f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def losses(path):
    with open(path) as lines:
        return [json.loads(line)["loss"] for line in lines]


def close(a, b, tolerance):
    assert len(a) == len(b) and len(a) > 0, (len(a), len(b))
    for x, y in zip(a, b):
        assert abs(x - y) <= tolerance * max(1, abs(x)), (a, b)


def ranks_equal_batch(folder):
    """R ranks of batch B train as one rank of batch R*B: same signals, same draws, averaged gradient.

    To rounding under SGD. Adam's first updates are learning_rate * sign(gradient), so an element whose gradient is
    itself rounding may step the other way: equal at first, then only close.
    """
    one, two = folder + "/one.jsonl", folder + "/two.jsonl"
    sgd = ["--optimizer", "sgd", "--learning-rate", "1e-4"]
    for variant, optimizer, exchange, tolerance in (("none", sgd, "overlap", 2e-6), ("last2", sgd, "overlap", 2e-6),
                                                    ("last2", sgd, "study", 2e-6), ("last2", [], "overlap", 1e-3)):
        for name in (one, two):
            if os.path.exists(name):
                os.remove(name)
        common = ["train", "--variational", variant, "--iterations", "4"] + SMALL + optimizer
        run(common + ["--batch", "8", "--log", one])
        run(common + ["--batch", "4", "--log", two, "--threads", "1", "--exchange", exchange], ranks=2)
        close(losses(one), losses(two), tolerance)
        close(losses(one)[:1], losses(two)[:1], 2e-6)


def kill_and_resume(folder):
    whole, parts, checkpoint = folder + "/whole.jsonl", folder + "/parts.jsonl", folder + "/parts.h5"
    common = ["train", "--batch", "4", "--iterations", "12"] + SMALL
    run(common + ["--log", whole])
    args = [CHIRPBENCH] + common + ["--log", parts, "--checkpoint", checkpoint, "--checkpoint-every", "2"]
    process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not os.path.exists(checkpoint):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run(common + ["--log", parts, "--checkpoint", checkpoint], code=2)  # exists: nothing is overwritten
    run(common + ["--log", parts, "--checkpoint", checkpoint, "--resume"])
    assert losses(whole) == losses(parts), "a resumed run must continue bitwise"
    # SIGTERM saves and says so
    for name in (parts, checkpoint):
        os.remove(name)
    args = [CHIRPBENCH] + common + ["--iterations", "100000", "--log", parts, "--checkpoint", checkpoint]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    while process.poll() is None and not (os.path.exists(parts) and os.path.getsize(parts) > 0):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and "interrupted" in out and os.path.exists(checkpoint), (process.returncode, out)


def bad_input(folder):
    existing = folder + "/whole.jsonl"
    before = open(existing).read()
    cases = [
        (["--network", "spinn"], "none of spin|mass"),
        (["--batch", "0"], "--batch"),
        (["--learning-rate", "nan"], "--learning-rate"),
        (["--mass-min", "50", "--mass-max", "20"], "mass"),
        (["--iteration", "3", "--oops"], "--oops"),
        (["--checkpoint", "/no-such-folder/c.h5"], "/no-such-folder"),
        (["--log", existing], existing),
        (["--resume"], "--checkpoint"),
        (["--psd", "/no-such-psd"], "/no-such-psd"),
    ]
    for args, part in cases:
        result = run(["train", "--iterations", "2", "--batch", "2", "--quiet"] + args, code=2)
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 1 and part in lines[0], (args, result.stderr)
    assert open(existing).read() == before


with tempfile.TemporaryDirectory() as scratch:
    ranks_equal_batch(scratch)
    kill_and_resume(scratch)
    bad_input(scratch)
print("train: data parallel equals serial, kill and resume, bad input: all passed")

#!/usr/bin/env python3
"""The train command as a user types it: data parallel equals serial, killing and resuming loses nothing, lost and
slow ranks, bad input.

Usage: test_train.py CHIRPBENCH MPIEXEC
"""
import json
import os
import shutil
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


def read(path, key):
    with open(path) as lines:
        return [json.loads(line)[key] for line in lines]


def losses(path):
    return read(path, "loss")


def remove(*paths):
    for path in paths:
        if os.path.exists(path):
            os.remove(path)


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
                                                    ("last2", sgd, "study", 2e-6), ("last2", [], "overlap", 1e-3),
                                                    ("none", sgd, "halving", 2e-6), ("last2", sgd, "halving", 2e-6)):
        remove(one, two)
        common = ["train", "--variational", variant, "--weight-noise", "shared", "--iterations", "4"] + SMALL + optimizer
        run(common + ["--batch", "8", "--log", one])
        run(common + ["--batch", "4", "--log", two, "--threads", "1", "--exchange", exchange], ranks=2)
        for key in "negative_log_likelihood", "gradient_norm":  # the loss is nearly all KL here
            close(read(one, key), read(two, key), tolerance)
            close(read(one, key)[:1], read(two, key)[:1], 2e-6)


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


def accumulated_steps_resume(folder):
    """Bitwise with the same ranks and options; with others to rounding, at the rate it began with."""
    log, checkpoint, whole = folder + "/log.jsonl", folder + "/state.h5", folder + "/whole2.jsonl"
    common = ["train", "--batch", "1", "--kl-weight", "1e-7", "--curriculum", "none", "--warmup-steps", "0",
              "--optimizer", "sgd", "--learning-rate", "1e-4", "--threads", "1"] + SMALL
    options = ["--exchange", "delayed", "--delay-after", "1", "--weight-noise", "shared"]
    for two in (common + ["--accumulate", "2"] + options, common + ["--accumulate", "2", "--exchange", "halving"],
                common + ["--accumulate", "2"]):
        remove(log, checkpoint, whole)
        parts = two + ["--log", log, "--checkpoint", checkpoint]
        run(two + ["--iterations", "5", "--log", whole], ranks=2)
        run(parts + ["--iterations", "3"], ranks=2)
        shutil.copy(checkpoint, checkpoint + ".3")
        run(parts + ["--iterations", "5", "--resume"], ranks=2)
        assert losses(whole) == losses(log), (options, losses(whole), losses(log))
    shutil.move(checkpoint + ".3", checkpoint)
    run(common + ["--accumulate", "4", "--log", log, "--checkpoint", checkpoint, "--iterations", "5", "--resume"])
    close(read(whole, "negative_log_likelihood"), read(log, "negative_log_likelihood"), 2e-6)
    assert read(log, "learning_rate") == [2e-4] * 5
    wrong = run(common + ["--accumulate", "3", "--checkpoint", checkpoint, "--resume"], code=2)
    assert "--accumulate" in wrong.stderr


def process_of(rank, part):
    """The PID of that rank among the processes with `part` in their command."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as environment, open(f"/proc/{name}/cmdline", "rb") as command:
                if f"PMI_RANK={rank}".encode() in environment.read().split(b"\0") and part.encode() in command.read():
                    return int(name)
        except OSError:
            pass  # ended meanwhile, or not ours
    raise AssertionError(f"no process of rank {rank}")


def start(command, log, until):
    environment = dict(os.environ, CHIRPBENCH_STALL_SECONDS="2")
    process = subprocess.Popen([MPIEXEC, "-n", "2", CHIRPBENCH] + command + ["--log", log], env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, universal_newlines=True)
    while process.poll() is None and not os.path.exists(until):
        time.sleep(0.01)
    return process


def lost_rank_and_resume(folder):
    """A rank that is killed or stopped ends the job soon and is named; what was saved goes on with another number of ranks."""
    log, checkpoint = folder + "/lost.jsonl", folder + "/lost.h5"
    common = ["train", "--threads", "1", "--kl-weight", "1e-7", "--checkpoint", checkpoint, "--checkpoint-every", "2"] + SMALL
    delayed = ["--exchange", "delayed", "--delay-after", "0"]
    for how, exchange, fewer in ((signal.SIGKILL, delayed, ["--batch", "4"]),
                                 (signal.SIGSTOP, delayed, ["--batch", "1", "--accumulate", "4"]),
                                 (signal.SIGSTOP, ["--exchange", "halving"], ["--batch", "4"])):
        remove(log, checkpoint)
        process = start(common + ["--batch", "2", "--iterations", "100000"] + exchange, log, checkpoint)
        lost = process_of(1, log)
        begin = time.monotonic()
        os.kill(lost, how)
        try:
            out, _ = process.communicate(timeout=30)
        finally:
            try:
                os.kill(lost, signal.SIGKILL)
            except ProcessLookupError:
                pass
        assert process.returncode != 0 and time.monotonic() - begin < 30, out
        if how == signal.SIGSTOP:
            assert "rank 1 stalled" in out, out
        else:  # mpiexec says which process, the log which rank
            with open(log) as lines:
                assert json.loads(lines.readline())["ranks"][1]["pid"] == lost
            assert str(lost) in out, out
        result = run(common + fewer + ["--log", log, "--iterations", "100000", "--max-seconds", "0.5", "--resume"], code=1)
        assert "interrupted" in result.stdout
        steps = read(log, "iteration")
        assert steps == list(range(1, len(steps) + 1)) and len(steps) > 2


def slow_rank_gets_less(folder):
    """Rank 1 is stopped half of the time."""
    log = folder + "/shares.jsonl"
    process = start(["train", "--batch", "6", "--shares", "measured", "--iterations", "12", "--threads", "1"]
                    + SMALL, log, log)
    slow = process_of(1, log)
    try:
        while process.poll() is None:
            os.kill(slow, signal.SIGSTOP)
            time.sleep(0.02)
            os.kill(slow, signal.SIGCONT)
            time.sleep(0.02)
    except ProcessLookupError:
        pass
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    with open(log) as lines:
        shares = [line["shares"] for line in map(json.loads, lines) if "shares" in line]
    assert shares[0] == [6, 6] and len(shares) > 1, shares
    assert sum(shares[-1]) == 12 and 0 < shares[-1][1] < shares[-1][0], shares


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
        (["--shares", "1,1"], "1 ranks"),
        (["--shares", "3"], "--batch"),
        (["--exchange", "halving", "--compress", "bf16"], "halving sends floats"),
    ]
    for args, part in cases:
        result = run(["train", "--iterations", "2", "--batch", "2", "--quiet"] + args, code=2)
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 1 and part in lines[0], (args, result.stderr)
    assert open(existing).read() == before


with tempfile.TemporaryDirectory() as scratch:
    ranks_equal_batch(scratch)
    kill_and_resume(scratch)
    accumulated_steps_resume(scratch)
    lost_rank_and_resume(scratch)
    slow_rank_gets_less(scratch)
    bad_input(scratch)
print("train: data parallel equals serial, kill and resume, lost and slow ranks, bad input: all passed")

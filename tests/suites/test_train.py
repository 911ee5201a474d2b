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

try:
    import h5py
    import numpy
except ImportError:
    h5py = None

CHIRPBENCH, MPIEXEC = sys.argv[1:3]
SMALL = ["--preset", "study", "--network", "spin", "--seed", "5", "--validation-signals", "8", "--validate-every", "0", "--quiet"]


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
    """R ranks of batch B train as one rank of batch R*B: same signals, same draws, averaged gradient. To rounding under SGD."""
    one, two = folder + "/one.jsonl", folder + "/two.jsonl"
    sgd = ["--optimizer", "sgd", "--learning-rate", "1e-4"]
    for variant, exchange in (("none", "overlap"), ("last2", "overlap"), ("last2", "horovod"), ("none", "halving"),
                              ("last2", "halving")):
        remove(one, two)
        common = ["train", "--variational", variant, "--weight-noise", "shared", "--iterations", "4"] + SMALL + sgd
        run(common + ["--batch", "8", "--log", one])
        run(common + ["--batch", "4", "--log", two, "--threads", "1", "--exchange", exchange], ranks=2)
        for key in "negative_log_likelihood", "gradient_norm":  # the loss is nearly all KL here
            close(read(one, key), read(two, key), 2e-6)


def arrays(path, prefix=""):
    """The datasets of a checkpoint below `prefix`, by name: the parameters without one."""
    found = {}
    with h5py.File(path, "r") as file:
        def take(name, item):
            if isinstance(item, h5py.Dataset) and (prefix or not name.startswith(("optimizer", "exchange", "noise_curve"))):
                found[name] = item[()].astype(float)
        file[prefix or "/"].visititems(take)
    return found


def adam_reach(steps):
    """How far Adam moves a parameter in its first steps, in learning rates, whatever the gradients are.

    A step is sum(a_i g_i) / sqrt(sum(b_i g_i^2)) with the weights of its two means; by Cauchy and Schwarz no more than
    sqrt(sum(a_i^2 / b_i)): 1 in the first step and little more in the next ones.
    """
    reach = 0
    for t in range(1, steps + 1):
        a = [(1 - 0.9) * 0.9**(t - i) / (1 - 0.9**t) for i in range(1, t + 1)]
        b = [(1 - 0.999) * 0.999**(t - i) / (1 - 0.999**t) for i in range(1, t + 1)]
        reach += sum(x * x / y for x, y in zip(a, b)) ** 0.5
    return reach


def adam_ranks_equal_batch(folder):
    """Under Adam ranks equal a batch to rounding where that is possible, and within a bound elsewhere.

    Adam's first steps are nearly learning_rate * sign(gradient), so a parameter whose gradient is itself rounding may step
    the other way: the difference is at most 2 * learning_rate * adam_reach(). From there on the gradients of all others
    differ by more than rounding, hence every step is compared from one common state. In one step an error d of the
    gradient, with second moment v (corrected for its bias), moves a parameter by at most 2 * learning_rate * d / sqrt(v):
    d / sqrt(v) by way of the mean and as much by way of sqrt(v). Rounding adds to d 6e-8 of the terms that were summed;
    1e-3 of the tensor's largest gradient leaves room for cancellation, while a lost rank or another draw makes d as large
    as the gradient.
    """
    one, two, start = folder + "/adam1.h5", folder + "/adam2.h5", folder + "/adam0.h5"
    log_one, log_two = folder + "/adam1.jsonl", folder + "/adam2.jsonl"
    rate = 1e-3
    common = ["train", "--weight-noise", "shared", "--learning-rate", str(rate), "--kl-weight", "1e-7", "--curriculum",
              "none"] + SMALL
    alone, ranks = ["--batch", "8"], ["--batch", "4", "--threads", "1"]
    for steps in 1, 2, 3:
        for checkpoint, log, extra, n in (one, log_one, alone, 0), (two, log_two, ranks, 2):
            remove(checkpoint, log)
            resume = []
            if steps > 1:
                shutil.copy(start, checkpoint)
                resume = ["--resume"]
            run(common + extra + ["--iterations", str(steps), "--checkpoint", checkpoint, "--log", log] + resume, ranks=n)
        for key in "negative_log_likelihood", "gradient_norm":
            close(read(log_one, key)[-1:], read(log_two, key)[-1:], 2e-6)
        if h5py:
            compare_adam_step(one, two, steps, rate)
        shutil.copy(one, start)
    remove(two, log_two)
    run(common + ranks + ["--iterations", "3", "--checkpoint", two, "--log", log_two], ranks=2)
    if not h5py:
        print("without python3-h5py: Adam's parameters were not compared")
        return
    for name, a in arrays(one).items():
        b = arrays(two)[name]
        assert (abs(a - b) <= 2 * rate * adam_reach(3) + 3e-7 * (1 + abs(a))).all(), (name, abs(a - b).max())


def compare_adam_step(one, two, steps, rate):
    """One step from a common state: gradients and parameters after it."""
    parameters, others = arrays(one), arrays(two)
    first, other_first = arrays(one, "optimizer/first"), arrays(two, "optimizer/first")
    second = arrays(one, "optimizer/second")
    for name, a in parameters.items():
        root = (second[name] / (1 - 0.999**steps)) ** 0.5
        d = 1e-3 * root.max()
        moved = abs(first[name] - other_first[name]).max()
        assert moved <= (1 - 0.9) * d, f"{name}: the gradient of step {steps} differs by {10 * moved}, its size is {root.max()}"
        bound = 2 * rate * numpy.minimum(adam_reach(steps), d / (root + 1e-8)) + 3e-7 * (1 + abs(a))
        difference = abs(a - others[name])
        assert (difference <= bound).all(), (name, steps, (difference / bound).max())


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


def foreign_log_is_kept(folder):
    """--resume cuts the log of its own run only: any other file is refused and keeps its bytes."""
    checkpoint, log = folder + "/own.h5", folder + "/own.jsonl"
    common = ["train", "--iterations", "2", "--checkpoint", checkpoint] + SMALL
    run(common + ["--log", log])
    own = open(log).read()
    lines = own.splitlines()
    other_seed = json.dumps({**json.loads(lines[0]), "seed": 77})
    foreign = [json.dumps({"context": {}, "benchmarks": []}, indent=1) + "\n", "some text\n", "no line end",
               own + "some text\n", lines[1] + "\n" + lines[0] + "\n", other_seed + "\n"]
    for text in foreign:
        path = folder + "/foreign.jsonl"
        with open(path, "w") as file:
            file.write(text)
        result = run(common + ["--resume", "--log", path], code=2)
        assert "foreign.jsonl" in result.stderr and "--log" in result.stderr, result.stderr
        assert open(path).read() == text
    for left in (own, own + lines[1][:20], ""):
        with open(log, "w") as file:
            file.write(left)
        run(common + ["--resume", "--log", log])
        assert open(log).read() == (own if left else ""), left


def resume_compares_the_configuration(folder):
    """What a checkpoint was trained with must be the same on a resume; what may change is said in one line."""
    checkpoint = folder + "/same.h5"
    curve = folder + "/curve.txt"
    with open(curve, "w") as file:
        file.writelines(f"{f} 1e-23\n" for f in range(1, 4100))
    common = ["train", "--batch", "4", "--iterations", "1", "--checkpoint", checkpoint] + SMALL
    run(common)
    refused = [("--network", "mass"), ("--variational", "leaf"), ("--estimator", "local"), ("--optimizer", "sgd"),
               ("--likelihood", "fixed"), ("--weight-noise", "shared"), ("--momentum", "0.5"), ("--dropout", "0.3"),
               ("--noise-scale", "0.3"), ("--kl-weight", "1e-06"), ("--kl-warmup", "7"), ("--prior-sigma", "2"),
               ("--initial-rho", "-4"), ("--curriculum", "none"), ("--snr-law", "volumetric"), ("--validation-signals", "9"), ("--psd", curve),
               ("--mass-min", "6"), ("--mass-max", "70"), ("--spin-max", "0.5"), ("--snr-min", "11"),
               ("--snr-max", "29"), ("--seed", "6")]
    for option, value in refused:
        before = open(checkpoint, "rb").read()
        result = run(common + ["--resume", option, value], code=2)
        assert checkpoint in result.stderr and option in result.stderr and value in result.stderr, (option, result.stderr)
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        assert open(checkpoint, "rb").read() == before
    result = run(common + ["--resume"])
    assert result.stderr == "" and "already: no step was taken" in result.stdout and "loss" not in result.stdout, result
    changed = run(common + ["--resume", "--iterations", "2", "--learning-rate", "1e-4", "--exchange", "halving"])
    assert changed.stderr.splitlines() == ["chirpbench: resumed with --iterations 2 instead of 1, --learning-rate 0.0001 "
                                           "instead of 0.0008, --exchange halving instead of overlap"], changed.stderr
    if not h5py:
        return
    # a checkpoint of an earlier version lacks fields, which then had their defaults
    edit_configuration(checkpoint, lambda c: [c["signal"].pop(name) for name in ("f_high_hz", "mass_ratio_max")])
    run(common + ["--resume", "--iterations", "2", "--learning-rate", "1e-4"])
    for change in (lambda c: c["signal"].update(f_high_hz=900), lambda c: c["signal"].update(mass_ratio_max=4),
                   lambda c: c.update(data="some.h5"), lambda c: c["signal"].update(psd="curve.txt")):
        shutil.copy(checkpoint, folder + "/changed.h5")
        edit_configuration(folder + "/changed.h5", change)
        run(["train", "--batch", "4", "--iterations", "3", "--checkpoint", folder + "/changed.h5", "--resume"] + SMALL, code=2)
    for bad in (lambda c: c.update(iterations=1e300), lambda c: c.update(batch=1.5), lambda c: c.update(estimator="none"),
                lambda c: c.update(curriculum="x"), lambda c: c.update(psd=3) or c["signal"].update(psd=3)):
        shutil.copy(checkpoint, folder + "/changed.h5")
        edit_configuration(folder + "/changed.h5", bad)
        result = run(["train", "--batch", "4", "--iterations", "3", "--checkpoint", folder + "/changed.h5", "--resume"] + SMALL,
                     code=2)
        assert "changed.h5" in result.stderr, result.stderr


def edit_configuration(path, change):
    with h5py.File(path, "r+") as file:
        configuration = json.loads(file.attrs["configuration"])
        change(configuration)
        file.attrs["configuration"] = json.dumps(configuration)


def data_set_says_what_its_signals_are(folder):
    """A data set's own numbers are trained with and stored; an option that says otherwise is refused."""
    data, checkpoint = folder + "/data.h5", folder + "/data_state.h5"
    run(["generate", "--out", data, "--count", "24", "--mass-max", "60", "--snr-min", "12", "--merger-min", "0.7", "--quiet"])
    common = ["train", "--batch", "4", "--iterations", "1", "--data", data, "--checkpoint", checkpoint] + SMALL
    for option, value in (("--mass-max", "80"), ("--snr-min", "10"), ("--psd", data)):
        result = run(common + [option, value], code=2)
        assert data in result.stderr and option in result.stderr, result.stderr
    run(common + ["--mass-max", "60"])
    run(common + ["--iterations", "2", "--resume"])
    result = run(["train", "--batch", "4", "--iterations", "3", "--checkpoint", checkpoint, "--resume"] + SMALL, code=2)
    assert "--data" in result.stderr and data in result.stderr, result.stderr
    if h5py:
        with h5py.File(checkpoint, "r") as file:
            signal_settings = json.loads(file.attrs["configuration"])["signal"]
        assert signal_settings["merger_min_s"] == 0.7 and signal_settings["snr_min"] == 12, signal_settings
    short = folder + "/short.h5"
    run(["generate", "--out", short, "--count", "24", "--length", "4096", "--sample-rate", "4096", "--quiet"])
    result = run(["train", "--batch", "4", "--iterations", "1", "--data", short] + SMALL, code=2)
    assert short in result.stderr and "4096" in result.stderr and "8192" in result.stderr, result.stderr


def accumulated_steps_resume(folder):
    """Bitwise with the same ranks and options; with others to rounding, at the rate it began with."""
    log, checkpoint, whole = folder + "/log.jsonl", folder + "/state.h5", folder + "/whole2.jsonl"
    common = ["train", "--batch", "1", "--kl-weight", "1e-7", "--curriculum", "none", "--warmup-steps", "0",
              "--optimizer", "sgd", "--learning-rate", "1e-4", "--threads", "1"] + SMALL
    options = ["--exchange", "horovod", "--weight-noise", "shared"]
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


def resume_says_the_remedy(folder):
    """A refusal names the option to give, or to leave out; a size in MiB is told as it was given."""
    checkpoint = folder + "/options.h5"
    common = ["train", "--batch", "2", "--iterations", "2", "--checkpoint", checkpoint] + SMALL
    run(common)
    for options, part in ((["--f-high", "900"], "--f-high 1000, not 900: give --f-high 1000"),
                          (["--ratio-max", "4"], "--ratio-max 18, not 4: give --ratio-max 18"),
                          (["--dense2-relu"], "--dense2-relu false, not true: leave out --dense2-relu")):
        error = run(common + ["--resume"] + options, code=2).stderr
        assert part in error, error
    result = run(common + ["--resume", "--iterations", "3", "--bucket-mib", "0.5"])
    assert result.stderr == "chirpbench: resumed with --iterations 3 instead of 2, --bucket-mib 0.5 instead of 0\n", result


def process_of(rank, part):
    """The PID of that rank among the processes with `part` in their command."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as environment, open(f"/proc/{name}/cmdline", "rb") as command:
                ours = {f"{name}={rank}".encode() for name in ("PMI_RANK", "OMPI_COMM_WORLD_RANK")}
                if ours & set(environment.read().split(b"\0")) and part.encode() in command.read():
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
    for how, exchange, fewer in ((signal.SIGKILL, [], ["--batch", "4"]),
                                 (signal.SIGSTOP, [], ["--batch", "1", "--accumulate", "4"]),
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
        else:  # the watcher says which rank; mpiexec says which process, the log which rank
            assert f"rank 1 (PID {lost})" in out or not hasattr(os, "pidfd_open"), out
            with open(log) as lines:
                assert json.loads(lines.readline())["ranks"][1]["pid"] == lost
            assert str(lost) in out, out
        result = run(common + fewer + ["--log", log, "--iterations", "100000", "--max-seconds", "0.5", "--resume"], code=1)
        assert "interrupted" in result.stdout
        steps = read(log, "iteration")
        assert steps == list(range(1, len(steps) + 1)) and len(steps) > 2


def deadlines_count(folder):
    """Ranks that nobody waits for are counted; before enough steps are known there is no deadline, and nothing differs."""
    logs = folder + "/all.jsonl", folder + "/deadline.jsonl"
    common = ["train", "--batch", "2", "--iterations", "3", "--threads", "1"] + SMALL
    run(common + ["--log", logs[0]], ranks=2)
    result = run(common + ["--log", logs[1], "--deadline", "measured"], ranks=2)
    assert "late with 0 of 12 signals" in result.stdout and "bitwise" in result.stdout, result.stdout
    assert read(logs[0], "loss") == read(logs[1], "loss")
    assert read(logs[1], "left_out") == [0, 0, 0]
    with open(logs[0]) as lines:
        assert "left_out" not in lines.read()


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


def help_in_groups():
    """The first screen has what every run needs; each option stands once, in a group, and no line is wider than a page."""
    text = run(["train", "--help"]).stdout
    first, *groups = text.split("\n\n")[2:]
    assert first.startswith("Options:\n") and len(text[:text.index(first) + len(first)].splitlines()) <= 24, first
    assert [g.splitlines()[0] for g in groups] == ["Run:", "Network:", "Optimizer:", "Likelihood and prior:", "Signals:",
                                                   "Held-out signals:", "Ranks and exchange:"], text
    names = [line.split()[0] for line in text.splitlines() if line.startswith("  --")]
    assert len(names) == len(set(names)) and {"--batch", "--psd", "--f-high", "--curriculum", "--exchange"} <= set(names)
    assert max(map(len, text.splitlines())) <= 100, max(text.splitlines(), key=len)


def presets_and_time(folder):
    """Given options win over a preset's; a cosine over --max-seconds is complete when they are over; the best is kept; a
    network of fewer samples makes its signals to fit."""
    checkpoint, best, log = folder + "/preset.h5", folder + "/best.h5", folder + "/preset.jsonl"
    common = ["train", "--preset", "quick", "--network", "spin-2048", "--batch", "2", "--validation-signals", "4", "--quiet"]
    result = run(common + ["--max-seconds", "1", "--validate-every", "1", "--checkpoint", checkpoint, "--keep-best", best,
                           "--log", log])
    assert "time is over" in result.stdout and "won't repeat" in result.stdout, result.stdout
    assert "guessing the median" in result.stdout and "negative log likelihood" in result.stdout, result.stdout
    scores = read(log, "validation_negative_log_likelihood")
    assert "no step was taken" in run(common + ["--max-seconds", "1", "--checkpoint", checkpoint, "--resume"]).stdout
    if h5py:
        with h5py.File(best, "r") as file:
            assert scores[file.attrs["iteration"] - 1] == min(scores) == file.attrs["best_score"], scores
            configuration = json.loads(file.attrs["configuration"])
            assert configuration["batch"] == 2 and configuration["curriculum"] == "start", configuration
            assert configuration["signal"]["length"] == configuration["signal"]["sample_rate_hz"] == 2048, configuration
            assert set(configuration["label_map"]) == {"a_f", "omega_R", "omega_I"}, configuration
            assert "trained" in file and file["trained/root/conv1/weight"].shape == file["root/conv1/weight"].shape


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
    help_in_groups()
    ranks_equal_batch(scratch)
    adam_ranks_equal_batch(scratch)
    kill_and_resume(scratch)
    foreign_log_is_kept(scratch)
    resume_compares_the_configuration(scratch)
    data_set_says_what_its_signals_are(scratch)
    accumulated_steps_resume(scratch)
    resume_says_the_remedy(scratch)
    lost_rank_and_resume(scratch)
    deadlines_count(scratch)
    slow_rank_gets_less(scratch)
    presets_and_time(scratch)
    bad_input(scratch)
print("train: data parallel equals serial, kill and resume, lost and slow ranks, bad input: all passed")

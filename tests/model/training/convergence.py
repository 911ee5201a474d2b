#!/usr/bin/env python3
"""Measures what each way to save communication or waiting costs in training signals.

usage: convergence.py CHIRPBENCH MPIEXEC --keep FOLDER [--ranks 2] [--seeds 1,2,3] [--methods "overlap;bf16"] [--lock FILE]
       convergence.py --keep FOLDER --table

Every method trains the mass network from the same seeds on the same signals (fresh ones, one thread a rank) and differs from
`overlap` in nothing but its options. A curve is the negative log-likelihood of the training signals, smoothed over
WINDOW signals; a method's sample cost at a level is its signals to reach that level over those of `overlap` with the same seed, and
its sample cost is the geometric mean over levels between what overlap has reached at START of its run and what both
end with. The table gives the mean over seeds and its standard error.
Logs stay in FOLDER: a run that is there already is not made again. Takes about 30 s a run on two cores; with --lock
runs hold that lock, a few at a time.
"""
import argparse
import fcntl
import json
import math
import os
import subprocess
import time

RATE = 0.0008
BATCH = 8
WINDOW = 640
START = 0.35
LEVELS = 25
HOLD_S = 110
WARMUP = 960  # signals at the lower rate
SIGNALS = {2: 3200, 4: 4800, 8: 6400}  # of a run: 200, 150, 100 steps
PLAIN = ["--momentum", "0"]
# name: options, passes between exchanges, factor of the learning rate
METHODS = {
    "overlap": ([], 1, 1),
    "overlap, rate / 2": ([], 1, 0.5),
    "overlap, rate x 2": ([], 1, 2),
    "bf16": (["--compress", "bf16"], 1, 1),
    "independent": (["--weight-noise", "independent"], 1, 1),
    "overlap, rate / 8": ([], 1, 1 / 8),
    "overlap, momentum 0": (PLAIN, 1, 1),
    "overlap, momentum 0, rate / 2": (PLAIN, 1, 0.5),
    "accumulate 2": ([], 2, 1),
    "accumulate 2, rate x 1.41": ([], 2, math.sqrt(2)),
    "accumulate 2, rate x 2": ([], 2, 2),
    "accumulate 4": ([], 4, 1),
    "accumulate 4, rate x 2": ([], 4, 2),
    "accumulate 4, rate x 4": ([], 4, 4),
}


def log_name(folder, ranks, method, seed):
    return os.path.join(folder, f"{ranks}-{method.replace(', ', '+').replace(' ', '_').replace('/', 'by')}-{seed}.jsonl")


def train(args, ranks, method, seed):
    options, passes, factor = METHODS[method]
    log = log_name(args.keep, ranks, method, seed)
    step = BATCH * ranks * passes
    command = [args.mpiexec, "-n", str(ranks), args.chirpbench, "train", "--network", "mass", "--seed", str(seed),
               "--batch", str(BATCH), "--accumulate", str(passes), "--iterations", str((args.signals or SIGNALS[ranks]) // step),
               "--learning-rate", str(RATE * factor / ranks), "--warmup-steps", str(WARMUP // step), "--kl-weight", "1.3e-7",
               "--snr-min", "40", "--snr-max", "80", "--curriculum", "none",
               "--validation-signals", "8", "--validate-every", "0", "--threads", "1", "--weight-noise", "shared", "--quiet", "--log", log + ".part"] + options
    if os.path.exists(log + ".part"):
        os.remove(log + ".part")
    done = subprocess.run(command, env=dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive"),
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 and "diverged" not in done.stderr:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    os.rename(log + ".part", log)


def measure(args):
    todo = [(ranks, method, seed) for seed in args.seeds for ranks in args.ranks for method in args.methods
            if not os.path.exists(log_name(args.keep, ranks, method, seed))]
    while todo:
        lock = open(args.lock, "a", encoding="utf-8") if args.lock else None
        if lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        start = time.monotonic()
        while todo and time.monotonic() - start < HOLD_S:
            train(args, *todo.pop(0))
        if lock:
            lock.close()
        print(f"{len(todo)} runs left", flush=True)


def curve(folder, ranks, method, seed):
    """[(signals, smoothed negative log-likelihood)], or None when the run is not there."""
    path = log_name(folder, ranks, method, seed)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as lines:
        loss = [json.loads(line)["negative_log_likelihood"] for line in lines]
    step = BATCH * ranks * METHODS[method][1]
    width = max(1, round(WINDOW / step))
    return [((i + 1) * step, sum(loss[i + 1 - width:i + 1]) / width) for i in range(width - 1, len(loss))]


def first_below(points, level):
    for (n0, y0), (n1, y1) in zip(points, points[1:]):
        if y1 <= level < y0:
            return n0 + (n1 - n0) * (y0 - level) / (y0 - y1)
    return None


def cost(base, other):
    """Geometric mean of the ratio of signals, or None when there is no level that both cross."""
    top = min(y for n, y in base if n <= START * base[-1][0])
    bottom = max(base[-1][1], other[-1][1])  # where the runs end: one may have been better and lost it again
    ratios = []
    for k in range(LEVELS):
        level = top + (bottom - top) * (k + 0.5) / LEVELS
        pair = first_below(base, level), first_below(other, level)
        if bottom < top and None not in pair:
            ratios.append(math.log(pair[1] / pair[0]))
    return math.exp(sum(ratios) / len(ratios)) if ratios else None


def table(args):
    names = [name for name in os.listdir(args.keep) if name.endswith(".jsonl")]
    seeds = sorted({int(name.rsplit("-", 1)[1][:-6]) for name in names})
    print("| ranks | method | seeds | last NLL | signals to the same NLL, over `overlap` | by seed |")
    print("|---|---|---|---|---|---|")
    for ranks in (2, 4, 8):
        for method in METHODS:
            costs, last = [], []
            for seed in seeds:
                base, other = curve(args.keep, ranks, "overlap", seed), curve(args.keep, ranks, method, seed)
                if base and other:
                    costs.append(cost(base, other))
                    last.append(sum(y for _, y in other[-1:]))
            known = [p for p in costs if p is not None]
            if not last:
                continue
            result = "-"
            if known:
                mean = sum(known) / len(known)
                result = f"{mean:.3f}"
            if len(known) > 1:
                result += f" +- {math.sqrt(sum((p - mean) ** 2 for p in known) / (len(known) - 1) / len(known)):.3f}"
            by_seed = " ".join("-" if p is None else f"{p:.2f}" for p in costs)
            print(f"| {ranks} | {method} | {len(last)} | {sum(last) / len(last):.2f} | {result} | {by_seed} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("chirpbench", nargs="?")
    parser.add_argument("mpiexec", nargs="?")
    parser.add_argument("--keep", required=True)
    parser.add_argument("--ranks", type=lambda text: [int(n) for n in text.split(",")], default=[2, 4, 8])
    parser.add_argument("--seeds", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2, 3])
    parser.add_argument("--methods", type=lambda text: text.split(";"), default=list(METHODS), help="separated by ;")
    parser.add_argument("--signals", type=int, help="of a run; default 3200, 4800, 6400 with 2, 4, 8 ranks")
    parser.add_argument("--lock")
    parser.add_argument("--table", action="store_true", help="from the logs that are there")
    args = parser.parse_args()
    os.makedirs(args.keep, exist_ok=True)
    if not args.table:
        measure(args)
    table(args)


main()

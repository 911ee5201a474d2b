#!/usr/bin/python3
"""How fast training is alone, beside another training, and beside one busy loop.

Usage: busy.py CHIRPBENCH [CHIRPBENCH ...] [--batch N] [--iterations N] [--rounds N] [--threads N] [--foreign F]

Each round runs every build in every situation, one after the other, so that builds are compared in the same minutes.
Prints the medians in signals a second, and the ratio to the first build. NAME=VALUE before a path sets a variable:
'GOMP_SPINCOUNT=3000 build/chirpbench'. A run waits until processes that
are not ours use less than a share F of the processors, and is repeated when they used more meanwhile.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import time

SITUATIONS = ("alone", "beside training", "beside busy loop")


def parts(build):
    """The variables and the path of 'NAME=VALUE ... PATH'."""
    words = build.split()
    return dict(word.split("=", 1) for word in words[:-1]), words[-1]


def start(build, options, iterations):
    variables, path = parts(build)
    command = [path, "train", "--batch", str(options.batch), "--iterations", str(iterations), "--quiet",
               "--validation-signals", "16", "--validate-every", "1000000", "--threads", str(options.threads)]
    return subprocess.Popen(command, env=dict(os.environ, **variables), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def busy_seconds():
    """Processor time that was used on the whole machine since it started: not idle, nor waiting for a disk."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(field) for field in stat.readline().split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """Processor time of this script and of the processes that it started and that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def rate(process):
    """Signals a second that a training reports at its end; and what it printed without times."""
    text = process.communicate()[0]
    found = re.search(r"loss (\S+), ([0-9.]+) signals/s", text)
    if process.returncode != 0 or not found:
        sys.exit("busy.py: training failed: " + text)
    return float(found.group(2)), found.group(1)


def measure(build, situation, options):
    """The rate in a situation, and the loss. What runs beside it starts before and ends after it."""
    while True:
        while foreign_share(lambda: time.sleep(0.5))[0] > options.foreign:
            pass
        share, result = foreign_share(lambda: run(build, situation, options))
        if share <= options.foreign:
            return result
        print("repeated: others used %.0f %% of the processors" % (100 * share), file=sys.stderr)


def foreign_share(action):
    """The share of all processors' time that others used during an action, and what the action returned."""
    begin, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    result = action()
    others = busy_seconds() - busy - (own_seconds() - own)
    return others / ((time.monotonic() - begin) * os.cpu_count()), result


def run(build, situation, options):
    beside = None
    if situation == "beside training":
        beside = start(build, options, 1000000)
    elif situation == "beside busy loop":
        beside = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        return rate(start(build, options, options.iterations))
    finally:
        if beside:
            beside.kill()
            beside.communicate()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs="+", metavar="CHIRPBENCH")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--foreign", type=float, default=0.05)
    options = parser.parse_args()

    rates = {(build, situation): [] for build in options.builds for situation in SITUATIONS}
    losses = set()
    for _ in range(options.rounds):
        for situation in SITUATIONS:
            for build in options.builds:
                signals, loss = measure(build, situation, options)
                rates[build, situation].append(signals)
                losses.add(loss)
    print("signals/s, batch %d, %d threads, medians of %d (least to most)" %
          (options.batch, options.threads, options.rounds))
    for situation in SITUATIONS:
        first = statistics.median(rates[options.builds[0], situation])
        for build in options.builds:
            all_rates = rates[build, situation]
            median = statistics.median(all_rates)
            print("%-17s %6.1f (%5.1f to %5.1f) %5.2f  %s" %
                  (situation, median, min(all_rates), max(all_rates), median / first, build))
    print("final losses: " + ("the same in all runs" if len(losses) == 1 else "DIFFERENT: " + " ".join(sorted(losses))))
    return 0 if len(losses) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Measures compare itself: false alarms on pairs of equal runs, and how often a tenth more work is found.

usage: measure.py SUBJECT CHIRPBENCH --pairs 200 [--lock FILE] [--script /usr/share/benchmark/compare.py] [--out FILE]

Every pair is one run of SUBJECT against a later one; for A/B the second has CHIRP_SLOWDOWN=1.1. Beside our verdicts
stands what Google's compare.py says on the same files: significant (p < 0.05), and significant with a median more than
5 % slower. Runs last about a second each; with --lock a few pairs at a time hold that lock.
"""
import argparse
import fcntl
import json
import os
import subprocess
import sys
import tempfile


def run(subject, path, slowdown, repetitions, min_time):
    subprocess.run(
        [subject, f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={min_time}", "--no-peak",
         "--benchmark_enable_random_interleaving", f"--benchmark_out={path}"],
        env=dict(os.environ, CHIRP_SLOWDOWN=str(slowdown), CHIRP_PROGRESS="none"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def ours(chirpbench, a, b):
    done = subprocess.run([chirpbench, "compare", a, b, "--fail-above", "5%", "--format", "json"], capture_output=True, text=True)
    report = json.loads(done.stdout)
    return done.returncode, {row["name"]: row["verdict"] for row in report["benchmarks"]}


def google(script, a, b, dump):
    subprocess.run([sys.executable, script, "--no-color", "-d", dump, "benchmarks", a, b], stdout=subprocess.DEVNULL, check=True)
    with open(dump, encoding="utf-8") as file:
        rows = json.load(file)
    result = {}
    for row in rows:
        if row.get("run_type") == "aggregate" or "utest" not in row or not row["utest"]:
            continue
        times = row["measurements"]
        old = sorted(m["real_time"] for m in times)
        new = sorted(m["real_time_other"] for m in times)
        slower = new[len(new) // 2] / old[len(old) // 2] - 1
        p = row["utest"]["time_pvalue"]
        result[row["name"]] = (p < 0.05, p < 0.05 and slower > 0.05)
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("subject")
    parser.add_argument("chirpbench")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--repetitions", type=int, default=12)
    parser.add_argument("--min-time", default="0.005s")
    parser.add_argument("--lock")
    parser.add_argument("--per-lock", type=int, default=5)
    parser.add_argument("--script", default="/usr/share/benchmark/compare.py")
    parser.add_argument("--keep", help="folder for the result files")
    parser.add_argument("--out")
    args = parser.parse_args()
    work = args.keep or tempfile.mkdtemp(prefix="chirp-verdicts-")
    os.makedirs(work, exist_ok=True)
    pairs = []
    for start in range(0, args.pairs, args.per_lock):
        lock = open(args.lock, "a", encoding="utf-8") if args.lock else None
        if lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        for k in range(start, min(start + args.per_lock, args.pairs)):
            names = [os.path.join(work, f"{k:04d}-{part}.json") for part in ("a", "b", "slow")]
            for name, slowdown in zip(names, (1, 1, 1.1)):
                run(args.subject, name, slowdown, args.repetitions, args.min_time)
            pairs.append(names)
        if lock:
            lock.close()
    summary = {"pairs": len(pairs), "repetitions": args.repetitions, "min_time": args.min_time}
    for kind, column in (("A/A", 1), ("A/B", 2)):
        runs_failed = benchmarks = slower = google_significant = google_slower = google_runs = google_runs_slower = 0
        verdicts = {}
        for names in pairs:
            code, mine = ours(args.chirpbench, names[0], names[column])
            runs_failed += code == 1
            benchmarks += len(mine)
            slower += sum(v == "slower" for v in mine.values())
            for name, verdict in mine.items():
                counts = verdicts.setdefault(name, {})
                counts[verdict] = counts.get(verdict, 0) + 1
            theirs = google(args.script, names[0], names[column], os.path.join(work, "dump.json"))
            google_significant += sum(s for s, _ in theirs.values())
            google_slower += sum(s for _, s in theirs.values())
            google_runs += any(s for s, _ in theirs.values())
            google_runs_slower += any(s for _, s in theirs.values())
        summary[kind] = {
            "benchmarks": benchmarks, "ours_slower": slower, "ours_pairs_failed": runs_failed,
            "google_significant": google_significant, "google_significant_and_5_percent": google_slower,
            "google_pairs_significant": google_runs, "google_pairs_significant_and_5_percent": google_runs_slower,
            "verdicts": verdicts}
    text = json.dumps(summary, indent=1)
    print(text)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(text + "\n")


main()

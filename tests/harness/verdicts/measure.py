#!/usr/bin/env python3
"""Measures compare itself: false alarms on pairs of equal runs, and how often a tenth more work is found.

usage: measure.py SUBJECT CHIRPBENCH --pairs 200 [--processes 3] [--lock FILE] [--script /usr/share/benchmark/compare.py]
                  [--keep FOLDER] [--out FILE]

A side of a pair is --processes runs of SUBJECT, which take turns with those of the other side and are pooled; for A/B the
other side has CHIRP_SLOWDOWN=1.1. Beside our verdicts stands what Google's compare.py says on the same samples: significant
(p < 0.05), and significant with a median more than 5 % slower. With --lock, --per-lock pairs at a time hold that lock.
Runs that --keep's folder holds already are not repeated. Needs a python with scipy, as compare.py does.
"""
import argparse
import fcntl
import json
import os
import subprocess
import sys
import tempfile

SIDES = {"a": 1, "b": 1, "slow": 1.1}


def run(subject, path, slowdown, repetitions, min_time):
    pinned = {"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"}
    subprocess.run(
        [subject, f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={min_time}", "--no-peak",
         "--benchmark_enable_random_interleaving", f"--benchmark_out={path}"],
        env=dict(pinned, **os.environ, CHIRP_SLOWDOWN=str(slowdown), CHIRP_PROGRESS="none"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def measure(args, work):
    """The files of every pair: a list of {side: [files]}."""
    pairs = []
    for start in range(0, args.pairs, args.per_lock):
        chunk = [{side: [os.path.join(work, f"{k:04d}-{turn}-{side}.json") for turn in range(args.processes)] for side in SIDES}
                 for k in range(start, min(start + args.per_lock, args.pairs))]
        wanted = [(pair[side][turn], SIDES[side]) for pair in chunk for turn in range(args.processes) for side in SIDES]
        wanted = [(path, slowdown) for path, slowdown in wanted if not os.path.exists(path)]
        lock = open(args.lock, "a", encoding="utf-8") if args.lock and wanted else None
        if lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        for path, slowdown in wanted:
            run(args.subject, path, slowdown, args.repetitions, args.min_time)
        if lock:
            lock.close()
        pairs += chunk
    return pairs


def ours(chirpbench, a, b):
    done = subprocess.run([chirpbench, "compare", ",".join(a), ",".join(b), "--fail-above", "5%", "--format", "json"],
                          capture_output=True, text=True)
    report = json.loads(done.stdout)
    return done.returncode, {row["name"]: row["verdict"] for row in report["benchmarks"]}


def pooled(files):
    """One document with the repetitions of all files, for a script that reads one file a side."""
    documents = []
    for name in files:
        with open(name, encoding="utf-8") as file:
            documents.append(json.load(file))
    rows = [row for document in documents for row in document["benchmarks"] if row["run_type"] == "iteration"]
    rows.sort(key=lambda row: (row["family_index"], row["per_family_instance_index"]))
    return dict(documents[0], benchmarks=rows)


def google(report, a, b):
    """The report that compare.py prints, from the function that makes it."""
    result = {}
    for row in report.get_difference_report(pooled(a), pooled(b), utest=True):
        if row.get("run_type") == "aggregate" or not row.get("utest"):
            continue
        times = row["measurements"]
        old = sorted(m["real_time"] for m in times)
        new = sorted(m["real_time_other"] for m in times)
        slower = new[len(new) // 2] / old[len(old) // 2] - 1
        p = row["utest"]["time_pvalue"]
        result[row["name"]] = (bool(p < 0.05), bool(p < 0.05 and slower > 0.05))
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("subject")
    parser.add_argument("chirpbench")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=8)
    parser.add_argument("--min-time", default="0.005s")
    parser.add_argument("--lock")
    parser.add_argument("--per-lock", type=int, default=5)
    parser.add_argument("--script", default="/usr/share/benchmark/compare.py")
    parser.add_argument("--keep", help="folder for the result files")
    parser.add_argument("--out")
    args = parser.parse_args()
    work = args.keep or tempfile.mkdtemp(prefix="chirp-verdicts-")
    os.makedirs(work, exist_ok=True)
    pairs = measure(args, work)
    sys.path.insert(0, os.path.dirname(os.path.realpath(args.script)))
    from gbench import report  # compare.py's own module
    summary = {"pairs": len(pairs), "processes": args.processes, "repetitions": args.repetitions, "min_time": args.min_time}
    for kind, side in (("A/A", "b"), ("A/B", "slow")):
        runs_failed = benchmarks = slower = google_significant = google_slower = google_runs = google_runs_slower = 0
        verdicts = {}
        for names in pairs:
            code, mine = ours(args.chirpbench, names["a"], names[side])
            runs_failed += code == 1
            benchmarks += len(mine)
            slower += sum(v == "slower" for v in mine.values())
            for name, verdict in mine.items():
                counts = verdicts.setdefault(name, {})
                counts[verdict] = counts.get(verdict, 0) + 1
            theirs = google(report, names["a"], names[side])
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

#!/usr/bin/env python3
"""Counts in place of times: bench --simulate, and compare on its files.

Usage: test_simulate.py CHIRPBENCH. Skipped (77) without valgrind.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

CHIRPBENCH = os.path.abspath(sys.argv[1])
COUNTS = ("PAPI_TOT_INS", "PAPI_BR_INS", "PAPI_BR_MSP", "PAPI_L1_DCA", "PAPI_L1_DCM", "PAPI_L1_ICM", "PAPI_L3_TCM",
          "estimated_cycles")
PROBLEM = "mb1ic16oc16iw2000kw4"  # products compiled at run time


def run(*args, **environment):
    return subprocess.run([CHIRPBENCH, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          timeout=200, env={**os.environ, **environment})


def simulate(out, problem, *more):
    done = run("bench", "--simulate", "--conv1d", problem, "--pass=forward", "--algorithm=direct", "--benchmark_out", out, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    with open(out, encoding="utf-8") as file:
        document = json.load(file)
    return document["context"], [row for row in document["benchmarks"] if row["run_type"] == "iteration"]


def check_counts():
    context, (row,) = simulate("a.json", PROBLEM)
    _, (again,) = simulate("b.json", PROBLEM)
    assert context["simulator"] and context["simulated_caches"], context
    assert [row[name] for name in COUNTS] == [again[name] for name in COUNTS], (row, again)
    # 1997 sums of 4 taps times 16 channels, for 16 channels: each at least one multiply-add of 8 lanes
    assert row["PAPI_TOT_INS"] > 1997 * 4 * 16 * 16 / 8, row
    assert not [name for name in row if "GFLOPS" in name or "per_second" in name], f"a rate by a simulation's clock: {row}"
    _, (thrice,) = simulate("thrice.json", PROBLEM, "--benchmark_min_time=3x", "--benchmark_repetitions=2")
    assert thrice["iterations"] == 3 and abs(thrice["PAPI_TOT_INS"] / row["PAPI_TOT_INS"] - 1) < 0.01, "counts are per iteration"


def check_compare():
    same = run("compare", "a.json", "b.json", "--format", "json")
    assert same.returncode == 0, same
    rows = {row["name"].split()[-1]: row for row in json.loads(same.stdout)["benchmarks"]}
    assert set(rows) == {"instructions", "estimated_cycles"}, rows
    assert all(row["verdict"] == "same" and row["ratio"] == 1 for row in rows.values()), rows
    simulate("more.json", PROBLEM.replace("2000", "2040"))
    more = run("compare", "a.json", "more.json", "--replace", "iw2000=iw2040")
    assert more.returncode == 1 and "slower" in more.stdout, more
    assert run("compare", "a.json", "more.json", "--replace", "iw2000=iw2040", "--fail-above", "5%").returncode == 0
    # one run a side, and exactly 1.01 times as much: below the limit of 1 %, beyond one of 0.9 %
    with open("a.json", encoding="utf-8") as file:
        document = json.load(file)
    for row in document["benchmarks"]:
        row["PAPI_TOT_INS"] *= 1.0101
    with open("little.json", "w", encoding="utf-8") as file:
        json.dump(document, file)
    assert run("compare", "a.json", "little.json").returncode == 1
    assert run("compare", "a.json", "little.json", "--fail-above", "1.1%").returncode == 0
    timed = run("bench", "--conv1d", PROBLEM, "--pass=forward", "--algorithm=direct", "--benchmark_min_time=2x", "--no-peak",
                "--threads=1", "--benchmark_out=timed.json")
    assert timed.returncode == 0, timed
    for args, says in ((("a.json", "timed.json"), "holds counts of a simulation"), (("a.json,timed.json", "b.json"), "pools counts"),
                       (("--store", "store", "a.json"), "a store keeps times")):
        wrong = run("compare", *args)
        assert wrong.returncode == 2 and says in wrong.stderr and wrong.stderr.count("\n") == 1, (args, wrong)


def check_errors():
    os.mkdir("empty")
    missing = run("bench", "--simulate", "reference", PATH=os.path.abspath("empty"))
    assert missing.returncode == 2 and "package valgrind" in missing.stderr and missing.stderr.count("\n") == 1, missing
    for flag in ("--threads=2", "--cold-cache", "--benchmark_perf_counters=auto", "--interleave-peers"):
        wrong = run("bench", "--simulate", "reference", flag)
        assert wrong.returncode == 2 and flag.split("=")[0] in wrong.stderr and wrong.stderr.count("\n") == 1, wrong
    assert not [name for name in os.listdir(os.environ["TMPDIR"]) if name.startswith("chirp")], "a file of counts was left"


if not shutil.which("valgrind"):
    print("skipped: valgrind is not installed")
    sys.exit(77)
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.mkdir("scratch")
    os.environ["TMPDIR"] = os.path.abspath("scratch")
    check_counts()
    check_compare()
    check_errors()

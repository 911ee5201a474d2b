#!/usr/bin/env python3
"""Benchmarks of shapes that the user writes: bench --conv1d.

Usage: test_problems.py CHIRPBENCH.
"""
import json
import os
import subprocess
import sys
import tempfile

CHIRPBENCH = sys.argv[1]
PROBLEM = "mb2ic8oc16iw96kw4dw3pl2pr1"


def bench(*args):
    return subprocess.run([CHIRPBENCH, "bench", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=120)


def names(*args):
    listed = bench("--benchmark_list_tests", "--threads=1", *args)
    assert listed.returncode == 0, listed.stderr
    return listed.stdout.split()


def check_names():
    """A row for each pass and algorithm, named by the string; --algorithm all has every engine that does the shape."""
    row = f"conv1d/forward/direct/{PROBLEM}/threads:1"
    assert names("--conv1d", PROBLEM, "--pass=forward", "--algorithm=direct") == [row]
    every = names("--conv1d", PROBLEM)
    assert row in every and f"conv1d/backward_weights/transform/{PROBLEM}/threads:1" in every, every
    assert not any("/reference/" in name for name in every), "plain loops can take minutes: only when they are named"
    # one channel is nothing for the transform: left out of "all", an error where it is named
    assert not any("/transform/" in name for name in names("--conv1d", "mb1ic1oc1iw8kw1"))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "problems with a space.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"# two\n{PROBLEM}\n\nmb1ic8oc8iw64kw3 # dense\n")
        both = names("--conv1d", "@" + path, "--pass=forward", "--algorithm=auto")
        assert both == [f"conv1d/forward/auto/{p}/threads:1" for p in (PROBLEM, "mb1ic8oc8iw64kw3")], both


def check_numbers():
    """Every row passed its check; operations are those of the definition; the baseline, where built, stands beside ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.json")
        ran = bench("--conv1d", PROBLEM + "pool3relu1", "--pass=all", "--threads=1", "--benchmark_min_time=1x", "--no-peak",
                    "--benchmark_out", path)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        with open(path, encoding="utf-8") as file:
            rows = json.load(file)["benchmarks"]
    width = 96 + 2 + 1 - (4 - 1) * 3
    work = 2 * 2 * 16 * 8 * 4 * width
    for row in rows:
        kind, algorithm = row["name"].split("/")[1:3]
        assert not row.get("error_occurred"), row
        if kind in ("forward", "backward_data", "backward_weights"):
            done = row["effective_GFLOPS"] * 1e9 * row["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}[row["time_unit"]]
            assert abs(done / work - 1) < 1e-6, row
            baseline = [r for r in rows if r["name"].split("/")[1:3] == [kind, "onednn"]]
            assert algorithm == "onednn" or not baseline or row["baseline_speedup"] > 0, row


def check_errors():
    for text, says in (
            ("mb0ic1oc1iw8kw1", "mb needs a whole number from 1"), ("mb-1", "mb needs"), ("mb1", "ic is missing"),
            ("mb1mb2", "mb is given twice"), ("mb1ic1oc1iw8kw1xy2", "'xy' at character 16 is none of the fields"),
            ("mb1ic1oc1iw99999999999999999999kw1", "iw needs"), ("mb1ic1oc1iw8kw", "kw needs"),
            ("mb16ic32oc64iw10kw8dw3", "spans 22 samples"), ("mb1ic1oc1iw8kw3ow7", "ow is 7, but iw, kw, dw, pl and pr give 6"),
            ("mb1ic1oc1iw8kw1pool17", "pool needs"), ("mb2147483647ic2147483647oc2147483647iw2147483647kw1", "conv1d:"),
            ("m" * 300, "longer than"), (",", "no problem"), ("@/no/such/file", "/no/such/file"), ("é", "none of the fields")):
        wrong = bench("--conv1d", text)
        assert wrong.returncode == 2 and says in wrong.stderr and wrong.stderr.count("\n") == 1, (text, wrong.stderr)
    for args, says in ((("--pass=forward",), "need --conv1d"), (("kernels", "--conv1d", PROBLEM), "name no suite"),
                       (("--conv1d", PROBLEM, "--pass=up"), "'up' is none of"),
                       (("--conv1d", PROBLEM, "--algorithm=direct,winograd"), "'winograd' is none of"),
                       (("--conv1d", "mb1ic1oc1iw8kw1", "--algorithm=transform"), "doesn't do this shape")):
        wrong = bench(*args)
        assert wrong.returncode == 2 and says in wrong.stderr, (args, wrong.stderr)


def check_dense():
    """The same for dense layers: names, operations, the baseline, errors."""
    for args, expected in ((("--pass=forward", "--algorithm=direct"), ["forward/direct"]),
                           (("--algorithm=direct",), ["forward/direct", "backward_data/direct", "backward_weights/direct"])):
        assert names("--dense", "mb5ic70oc33", *args) == [f"dense/{row}/mb5ic70oc33/threads:1" for row in expected]
    with tempfile.TemporaryDirectory() as folder:
        path, problems = os.path.join(folder, "rows.json"), os.path.join(folder, "list")
        with open(problems, "w", encoding="utf-8") as file:
            file.write("mb5ic70oc33 # odd\nmb1ic1oc1\nmb64ic64oc16")
        ran = bench("--dense", "@" + problems, "--threads=1", "--benchmark_min_time=1x", "--no-peak", "--benchmark_out", path)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        with open(path, encoding="utf-8") as file:
            rows = json.load(file)["benchmarks"]
    assert len(rows) in (9, 18), rows
    for row in rows:
        n, i, o = {"mb5ic70oc33": (5, 70, 33), "mb1ic1oc1": (1, 1, 1), "mb64ic64oc16": (64, 64, 16)}[row["name"].split("/")[3]]
        assert not row.get("error_occurred") and row["relative_error"] < 1e-4, row
        assert abs(row["GFLOPS"] * row["real_time"] / (2 * n * i * o) - 1) < 1e-6, row
        assert len(rows) == 9 or "/onednn/" in row["name"] or row["baseline_speedup"] > 0, row
    for args, says in ((("mb0ic1oc1",), "mb needs a whole number from 1"), (("mb1ic1",), "oc is missing"),
                       (("mb1ic1oc1iw3",), "'iw' at character 10 is none of the fields mb ic oc"),
                       (("mb1ic1oc1", "--pass=load_weights"), "'load_weights' is none of forward"),
                       (("mb1ic1oc1", "--algorithm=transform"), "'transform' is none of direct onednn"),
                       (("mb1ic1oc1", "--conv1d", PROBLEM), "give --conv1d or --dense")):
        wrong = bench("--dense", *args)
        assert wrong.returncode == 2 and says in wrong.stderr and wrong.stderr.count("\n") == 1, (args, wrong.stderr)


check_names()
check_numbers()
check_errors()
check_dense()

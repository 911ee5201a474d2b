#!/usr/bin/env python3
"""Kernels of others: bench --plugin with a matrix product in C and a sum in C++, built against the header alone.

Usage: test_plugin.py CHIRPBENCH HEADERS CC.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

CHIRPBENCH, HEADERS, CC = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3]
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plugin")
RUN = ("--threads=1", "--benchmark_min_time=2x", "--no-peak")


def build(name, source="gemm.c", compiler=CC, *defines):
    """Only the header is given, as it would be below the installed include folder."""
    subprocess.run([compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", *defines, "-I", "include", "-o", name,
                    os.path.join(SOURCES, source), "-lm"], check=True, timeout=120)
    return name


def bench(*args):
    return subprocess.run([CHIRPBENCH, "bench", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          timeout=120)


def check_c():
    """Rows are named kernel/shape, are checked, have the rates of their work; prints spoil nothing; the head names the plugin."""
    done = bench("--plugin", build("gemm.so"), "--benchmark_format=json", *RUN)
    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    assert "by the plugin" in done.stderr and "by the plugin" not in done.stdout
    context, rows = document["context"], {row["name"]: row for row in document["benchmarks"]}
    assert set(rows) == {f"gemm/forward/{a}/n{n}/threads:1" for a in ("plain", "rows") for n in (16, 64)}, rows
    for name, row in rows.items():
        n = int(name.split("/n")[1].split("/")[0])
        assert row["relative_error"] < 1e-6 and abs(row["GFLOPS"] * row["real_time"] / (2 * n**3) - 1) < 1e-6, row
        assert abs(row["arithmetic_intensity"] - 2 * n**3 / (12 * n**2)) < 1e-9, row
    assert (context["plugin"], context["plugin_version"], context["plugin_flags"]) == ("gemm_of_mine", "1.0 (commit 1234abc)", "cc -O1")


def check_failures():
    done = bench("--plugin=./" + build("failures.so", "gemm.c", CC, "-DFAILURES"), "--benchmark_format=json", *RUN)
    errors = {row["name"].split("/")[2]: row.get("error_message", "") for row in json.loads(done.stdout)["benchmarks"]}
    assert done.returncode == 1 and "relative error" in errors["wrong"] and "crashed: Segmentation fault" in errors["crash"], errors
    assert "setup of gemm/forward/bad m16 gave 7: a shape is n and a number" in errors["bad"], errors
    assert errors["plain"] == errors["rows"] == "", errors
    with open("text.so", "w", encoding="utf-8") as file:
        file.write("no library")
    for name, says in ((build("none.so", "gemm.c", CC, "-DNO_ENTRY", "-Wno-unused"), "has no chirp_plugin_entry"),
                       (build("old.so", "gemm.c", CC, "-DABI=99"), "was built for version 99 of chirpbench_plugin.h"),
                       (build("dies.so", "gemm.c", CC, "-DCRASH_WHEN_LOADED"), "crashes when it is loaded: Segmentation fault"),
                       ("text.so", "text.so: "), ("nosuch.so", "nosuch.so: ")):
        wrong = bench("--plugin", name)
        assert wrong.returncode == 2 and says in wrong.stderr and wrong.stderr.count("\n") == 1 and not wrong.stdout, (name, wrong)
    assert "--plugin" in bench("--plugin", "gemm.so", "--gate", "quick").stderr


def check_cpp():
    compiler = shutil.which("c++")
    if not compiler:
        print("no C++ compiler: that part is skipped")
        return
    done = bench("--plugin", build("sum.so", "sum.cc", compiler), "--benchmark_format=json", *RUN)
    (row,) = json.loads(done.stdout)["benchmarks"]
    assert done.returncode == 0 and row["name"] == "sum/forward/accumulate/1000/threads:1" and row["relative_error"] == 0, row
    assert "GFLOPS" not in row, row


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.mkdir("include")
    shutil.copy(os.path.join(HEADERS, "chirpbench_plugin.h"), "include")
    check_c()
    check_failures()
    check_cpp()
    os.chdir("/")

#!/usr/bin/env python3
"""The compare command as a user types it: exit codes, and texts from files that never reach a terminal or Markdown as markup.

Usage: test_compare_command.py CHIRPBENCH.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile

CHIRPBENCH = os.path.abspath(sys.argv[1])
ODD = "f\x1b[31mam|<b>`\x07\x9b\n/x*y_"


def run(*args):
    return subprocess.run([CHIRPBENCH, "compare", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)


def write(path, rows, **context):
    rows = [{"name": name, "real_time": time, "time_unit": "us"} for name, times in rows.items() for time in times]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"context": context, "benchmarks": rows}, file)
    return path


def assert_plain(done, allowed="\n"):
    """Newlines are the only control characters, and everything is UTF-8."""
    for text in (done.stdout, done.stderr):
        shown = text.decode("utf-8")
        assert not [c for c in shown if c not in allowed and (ord(c) < 32 or 127 <= ord(c) < 160)], repr(shown)


def times(level, n=8):
    return [level * (1 + 0.001 * (i * 7 % 5)) for i in range(n)]


def check_exit_codes():
    a = write("a.json", {"x": times(100)})
    assert run(a, write("b.json", {"x": times(100)})).returncode == 0
    assert run(a, write("c.json", {"x": times(300)})).returncode == 1
    one = run(a, write("d.json", {"x": [300]}))
    assert one.returncode == 2 and b"at least 2 in each file" in one.stderr, one
    help_text = run("--help").stdout.decode()
    assert "one repetition on a side" in help_text and "noise of so many repetitions and runs" in help_text, help_text
    old = "o" * 400
    long_name = write("long.json", {old: times(100), "new": times(100)})
    assert run(long_name, long_name, "--replace", old + "=new", "--filter", "new").returncode == 0


def check_modes():
    """An option that a mode wouldn't look at is refused."""
    for args in (("--limits", "limits.json", "a.json", "--markdown", "x.md"), ("--limits", "limits.json", "a.json", "--format", "json"),
                 ("--store", "store", "a.json", "--filter", "x"), ("--history", "store", "--junit", "x.xml")):
        done = run(*args)
        assert done.returncode == 2 and b"can't be given beside --" in done.stderr and done.stderr.count(b"\n") == 1, (args, done)
        assert not os.path.exists("x.md")


def check_escapes():
    os.mkdir(ODD.replace("/", ""))
    a = write(ODD.replace("/", "") + "/a.json", {ODD: times(100), "g/one": times(1), "g/two": times(1)}, date="2026-01-01T00:00:00Z",
              machine_id="m", git_commit="c\x1b[2J")
    b = write(ODD.replace("/", "") + "/b.json", {ODD: times(300), "g/one": times(1), "h/new": times(1)})
    for form in ("table", "markdown", "json"):
        done = run("--format", form, a, b)
        assert done.returncode == 1, done
        assert_plain(done, "\n\t" if form == "json" else "\n")
    table = run("--format", "table", a, b).stdout.decode()
    assert "geometric mean" in table and "only in" in table, table
    markdown = run("--format", "markdown", a, b).stdout.decode()
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1, markdown
    assert "<b>" not in markdown and not [line for line in markdown.splitlines() if "`" in line.replace("\\`", "")], markdown
    partial = write("partial.json", {"x": times(1)}, partial=True)
    os.rename(partial, ODD.replace("/", "") + "/p.json")
    assert_plain(run(ODD.replace("/", "") + "/p.json", a))
    limits = [{"benchmark": ODD, "over": "g/one", "at_most": 1, "why": ODD}, {"benchmark": "none" + ODD, "counter": ODD, "at_most": 1}]
    with open("limits.json", "w", encoding="utf-8") as file:
        json.dump(limits, file)
    done = run("--limits", "limits.json", a)
    assert done.returncode == 1 and b"BROKEN" in done.stdout and b"MISSING" in done.stdout, done
    assert_plain(done)


def check_history():
    store = "store" + ODD.replace("/", "")
    for k in range(16):
        path = write("run.json", {ODD: times(100 if k < 8 else 200)}, date="2026-01-%02dT00:00:00+00:00" % (k + 1),
                     machine_id="m\x1b", git_commit="c\x1b[2J%d" % k)
        done = run("--store", store, path)
        assert done.returncode == 0, done
        assert_plain(done)
    done = run("--history", store)
    assert done.returncode == 1 and b"2026-01-09" in done.stdout, done
    assert_plain(done)
    for k in range(12):
        assert run("--store", "last", write("run.json", {"x": times(100 if k < 10 else 300)}, date="2026-01-%02dT00:00:00Z" % (k + 1),
                                            machine_id="m")).returncode == 0
    done = run("--history", "last")
    assert done.returncode == 0 and b"suspect: last 2 runs" in done.stdout, done
    assert run("--history", "last", "--fail-inconclusive").returncode == 1
    row = json.loads(run("--history", "last", "--format", "json").stdout)["benchmarks"][0]
    assert row["suspect_runs"] == 2 and abs(row["suspect_ratio"] - 3) < 0.1, row


def check_many_names():
    """Time grows with the number of names, not with its square: both measured here, as processor time."""
    def seconds(n):
        # p-values in descending order, each name a family of its own, and a filter that keeps them all
        path = write(f"many{n}.json", {f"n{i}/x": times(100, 2) for i in range(n)})
        new = write(f"more{n}.json", {f"n{i}/x": [100 + i / n, 101 + i / n] for i in range(n)})
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = run(path, new, "--filter", "x", "--format", "json")
        assert done.returncode in (0, 1) and json.loads(done.stdout), done.stderr
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    few, many = seconds(500), seconds(4000)
    assert many < 24 * few, (few, many)  # 8 if linear, 64 if quadratic


def check_filter():
    a = write("filter.json", {"x": times(100), "y": times(100)})
    assert run(a, a, "--filter", "-y").returncode == 0
    for wrong in "(x{1,255}){1,255}", "(" * 20000 + "x" + ")" * 20000:
        done = run(a, a, "--filter", wrong)
        assert done.returncode == 2 and b"is too large: at most 4096 bytes" in done.stderr, done
    assert b"not an extended regular expression" in run(a, a, "--filter", "(").stderr


def main():
    with tempfile.TemporaryDirectory(prefix="chirp-compare-") as folder:
        os.chdir(folder)
        for check in (check_exit_codes, check_modes, check_escapes, check_history, check_many_names, check_filter):
            check()
            print(check.__name__, "passed")
        os.chdir("/")


main()

#!/usr/bin/env python3
"""The command as a process among others: where its outputs go, signals, threads of ranks, little shared memory.

Usage: test_process.py CHIRPBENCH MPIEXEC
"""
import json
import os
import stat
import subprocess
import sys
import tempfile

CHIRPBENCH, MPIEXEC = sys.argv[1:3]
TRAIN = ["train", "--network", "spin", "--batch", "2", "--seed", "5", "--validation-signals", "8", "--validate-every", "0",
         "--threads", "1", "--quiet"]


def run(args, code=0, env=None, **options):
    done = subprocess.run([CHIRPBENCH] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          stdin=subprocess.DEVNULL, timeout=240, env=dict(os.environ, **(env or {})), **options)
    assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
    return done


def iterations(text):
    return [json.loads(line)["iteration"] for line in text.splitlines() if line.startswith("{")]


def links_are_followed(folder):
    """A checkpoint, a log, a result and signals through links, to files that exist or don't yet: the links stay."""
    os.mkdir(folder + "/far")
    for name in "c.h5", "log", "r.json", "g.h5":
        os.symlink("far/" + name, f"{folder}/{name}")
    c, log, result, signals = (f"{folder}/{name}" for name in ("c.h5", "log", "r.json", "g.h5"))
    run(TRAIN + ["--iterations", "2", "--checkpoint", c, "--log", log])
    run(TRAIN + ["--iterations", "3", "--checkpoint", c, "--log", log, "--resume"])
    assert iterations(open(folder + "/far/log").read()) == [1, 2, 3]
    for _ in range(2):
        run(["bench", "reference", "--benchmark_dry_run=true", "--benchmark_filter=reference/fma", "--no-peak",
             "--benchmark_out=" + result])
        assert "benchmarks" in json.load(open(folder + "/far/r.json"))
        run(["generate", "--count", "2", "--out", signals, "--overwrite", "--quiet"])
    assert sorted(os.listdir(folder + "/far")) == ["c.h5", "g.h5", "log", "r.json"]
    assert all(os.path.islink(path) for path in (c, log, result, signals))


def devices_and_descriptors_are_written(folder):
    """A log into stdout, a pipe or a file behind stdout comes before what is printed; nothing is left behind."""
    scratch = folder + "/scratch"
    os.mkdir(scratch)
    args = TRAIN + ["--iterations", "2", "--checkpoint", "/dev/null", "--log", "/dev/stdout"]
    lines = run(args, env={"TMPDIR": scratch}).stdout
    assert iterations(lines) == [1, 2] and "all iterations done" in lines.splitlines()[2], lines
    with open(folder + "/out", "w+") as out:
        out.write("before\n")
        out.flush()
        subprocess.run([CHIRPBENCH] + args, stdout=out, check=True, timeout=240, env=dict(os.environ, TMPDIR=scratch))
        out.seek(0)
        text = out.read()
    assert text.startswith("before\n{") and iterations(text) == [1, 2] and "all iterations done" in text, text
    run(["generate", "--count", "2", "--out", "/dev/null", "--quiet"], env={"TMPDIR": scratch})
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and os.listdir(scratch) == []
    for wrong in TRAIN + ["--iterations", "1", "--checkpoint", "/dev/null", "--resume"], \
            ["generate", "--count", "2", "--out", "/dev/null", "--append"]:
        error = run(wrong, code=2).stderr
        assert error.count("\n") == 1 and "/dev/null: is a device or a pipe" in error, error


def long_names(folder):
    for length in 246, 255:
        name = f"{folder}/" + "n" * (length - 5) + ".json"
        run(["bench", "reference", "--benchmark_dry_run=true", "--benchmark_filter=reference/fma", "--no-peak",
             "--benchmark_out=" + name])
        json.load(open(name))
        run(["generate", "--count", "2", "--out", f"{folder}/" + "n" * (length - 3) + ".h5", "--quiet"])
    error = run(["generate", "--count", "2", "--out", f"{folder}/{'n' * 256}", "--quiet"], code=2).stderr
    assert error.count("\n") == 1 and "256" in error, error


TESTS = [links_are_followed, devices_and_descriptors_are_written, long_names]
for test in TESTS:
    with tempfile.TemporaryDirectory() as scratch_folder:
        test(scratch_folder)
print("process:", ", ".join(test.__name__.replace("_", " ") for test in TESTS), "passed")

#!/usr/bin/env python3
"""The launcher of packages starts the best program that is there and that this processor runs, and says why it starts none.

Usage: test_launcher.py LAUNCHER. The programs are scripts that say their name.
"""
import os
import shutil
import subprocess
import sys
import tempfile

LAUNCHER = sys.argv[1]
LEVELS = ["x86-64-v4", "x86-64-v3", "x86-64-v2"]  # the best first
NEEDS = {"x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}, "x86-64-v3": {"avx2", "fma", "bmi2"}, "x86-64-v2": {"sse4_2"}}


def levels_here():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = set(next(line for line in file if line.startswith("flags")).split())
    return [level for level in LEVELS if NEEDS[level] <= flags]


def start(program, level=None, code=0):
    env = {k: v for k, v in os.environ.items() if k != "CHIRPBENCH_LEVEL"}
    if level is not None:
        env["CHIRPBENCH_LEVEL"] = level
    done = subprocess.run([program, "doctor", "a b"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, env=env, timeout=30)
    assert done.returncode == code, (level, done)
    return done.stdout.strip() if code == 0 else done.stderr


def install(folder):
    os.makedirs(folder + "/bin")
    os.makedirs(folder + "/libexec/chirpbench")
    shutil.copy(LAUNCHER, folder + "/bin/chirpbench")
    for level in LEVELS:
        program = f"{folder}/libexec/chirpbench/chirpbench-{level}"
        with open(program, "w", encoding="utf-8") as script:
            script.write(f'#!/bin/sh\necho {level} "$1" "$2" $#\n')
        os.chmod(program, 0o755)


with tempfile.TemporaryDirectory(prefix="chirp launcher ") as scratch:
    install(scratch + "/here")
    os.rename(scratch + "/here", scratch + "/moved")
    top = scratch + "/moved"
    os.symlink(top + "/bin/chirpbench", scratch + "/link")
    here = levels_here()
    for level in here:  # from the best down: each is chosen once the better ones are gone
        assert start(top + "/bin/chirpbench") == start(scratch + "/link") == f"{level} doctor a b 2"
        assert start(top + "/bin/chirpbench", here[-1]) == f"{here[-1]} doctor a b 2"
        if level != here[-1]:
            os.remove(f"{top}/libexec/chirpbench/chirpbench-{level}")
    for level in set(LEVELS) - set(here):
        assert "more than this processor has" in start(top + "/bin/chirpbench", level, 2)
    assert "is no level of x86-64" in start(top + "/bin/chirpbench", "avx2", 2)
    shutil.rmtree(top + "/libexec")
    assert "no program for this processor" in start(top + "/bin/chirpbench", None, 2)
    assert "can't start: No such file" in start(top + "/bin/chirpbench", here[-1], 2)
print("launcher: the best of", ", ".join(here), "is started; refusals name the reason")

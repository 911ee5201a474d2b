#!/usr/bin/env python3
"""Every command that README.md shows runs as printed: in order, in one folder, each with the files that the ones before it wrote.

Usage: test_readme.py SOURCE BUILD MPIEXEC. What takes minutes is listed in ELSEWHERE or LESS; a line there that fits no command of the
README fails, so that the lists can't outlive what they are about. With CHIRP_TEST_DATA the strain is GWOSC's, without it a simulation.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD, MPIEXEC = sys.argv[1:4]
STRAIN = "H-H1_LOSC_4_V2-1126259446-32.hdf5"
# command: the test that runs what it does
ELSEWHERE = {"make study": "command_study", "make check": "all of ctest",
             "cmake --preset release && cmake --build --preset release": "the build that is tested"}
# start of a command: what it runs here with, in place of the printed, or besides
LESS = {
    "build/chirpbench doctor": ("", " --seconds 0.01"),
    "build/chirpbench bench kernels": ("conv1d/forward --benchmark_repetitions=9", "conv1d/forward/direct/conv7 --benchmark_repetitions=2 --benchmark_min_time=0.005s --no-peak"),
    "build/chirpbench bench --conv1d": ("mb16ic32oc64iw4096kw8dw3pl2pr2", "mb1ic32oc64iw256kw8dw3pl2pr2 --benchmark_repetitions=1 --benchmark_min_time=0.005s --no-peak"),
    "build/chirpbench compare --run": ("-- --simulate --gate quick --no-check",
                                       "--rounds 2 -- --benchmark_filter=dense/forward/.*/leaf.dense3/batch:64 --benchmark_min_time=0.005s --no-peak"),
    "build/chirpbench train": ("--iterations 2000", "--iterations 2 --batch 4 --quiet"),
    "build/chirpbench exact": ("", " --effective 4 --samples 20"),
    "build/chirpbench adapt": ("", " --iterations 1 --quiet"),
    "build/chirpbench calibrate": ("--exact 20", "--exact 0 --signals 10 --samples 50 --snr-bins 20,40"),
    "mpiexec -n 2 build/chirpbench train": ("--iterations 20", "--iterations 2 --quiet"),
    "mpiexec -n 2 build/chirpbench scale": ("", " --batch 2 --repetitions 2 --steps 1"),
    "build/chirpbench project": ("--nodes 1,64,1024", "--nodes 1,64"),
}


def commands(text):
    """The commands of all fenced shell blocks and those in backquotes that start as commands do, without their comments."""
    out = []
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"(^|\s+)#.*", "", line).strip()
            if line:
                out.append(line)
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return out + re.findall(r"`(cmake --[^`]*)`", outside)


def parser_reads():
    text = "a\n```sh\n# one\nx --y 1   # two\nz \\\n  w\n```\n```json\nno\n```\nb `cmake --preset x` `train`\n"
    assert commands(text) == ["x --y 1", "z    w", "cmake --preset x"], commands(text)


def prepare(folder):
    """The files that a reader has: the build, data of his own and an older result."""
    os.symlink(BUILD, folder + "/build")
    os.mkdir(folder + "/path")
    with open(folder + "/path/mpiexec", "w", encoding="utf-8") as launcher:  # the launcher that belongs to the build
        launcher.write(f'#!/bin/sh\nexec {shlex.quote(MPIEXEC)} "$@"\n')
    os.chmod(folder + "/path/mpiexec", 0o755)
    os.symlink(BUILD, folder + "/base")  # the program to compare with, and a kernel of his own
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-I", SOURCE + "/suites/plugin", "-o", folder + "/mine.so",
                    SOURCE + "/tests/suites/plugin/gemm.c", "-lm"], check=True, timeout=120)
    real = os.path.join(os.environ.get("CHIRP_TEST_DATA", "/nowhere"), "data/gw150914", STRAIN)
    if os.path.exists(real):
        shutil.copy(real, f"{folder}/{STRAIN}")
    else:
        run(["build/chirpbench", "generate", "--strain", STRAIN, "--gps", "1126259462.4", "--snr", "20", "--quiet"], folder)
    shutil.copy(f"{folder}/{STRAIN}", folder + "/H1.hdf5")


def run(words, folder):
    env = dict(os.environ, PATH=folder + "/path:" + os.environ["PATH"], OMP_NUM_THREADS="2", OMP_WAIT_POLICY="passive",
               XDG_CACHE_HOME=folder + "/cache")
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=240, cwd=folder,
                          env=env, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{' '.join(words)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def shorter(command, unused):
    for start, (printed, instead) in LESS.items():
        if command.startswith(start):
            assert printed in command, f"README: {command!r} has no {printed!r}, which the list LESS of this test names"
            unused.discard(start)
            return command.replace(printed, instead) if printed else command + instead
    return command


def main():
    parser_reads()
    with open(SOURCE + "/README.md", encoding="utf-8") as file:
        found = commands(file.read())
    unused = set(ELSEWHERE) | set(LESS)
    ran = 0
    with tempfile.TemporaryDirectory(prefix="chirp-readme-") as folder:
        prepare(folder)
        for command in found:
            if command in ELSEWHERE:
                unused.discard(command)
                continue
            assert re.match(r"(build/chirpbench|mpiexec -n \d+ build/chirpbench) ", command), f"README: no test knows how to run {command!r}"
            if " compare old.json new.json" in command:
                shutil.copy(folder + "/new.json", folder + "/old.json")
            run(shlex.split(shorter(command, unused)), folder)
            ran += 1
    assert not unused, f"README shows none of {sorted(unused)}: remove them from this test"
    print(f"README: {ran} commands ran, {len(found) - ran} are run by other tests")


main()

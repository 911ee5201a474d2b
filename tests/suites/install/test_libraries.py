#!/usr/bin/env python3
"""Programs in C and C++ build with the installed libraries, by CMake and by pkg-config, after the installation was moved.

Usage: test_libraries.py BUILD CMAKE
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

BUILD, CMAKE = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
MEMBERS = ["cc", "c", "c11"], ["c++", "c++", "c++17"]


def run(*args, **options):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=200,
                          stdin=subprocess.DEVNULL, **options)
    assert done.returncode == 0, (args, done.returncode, done.stdout, done.stderr)
    return done.stdout


def uses(program, folder):
    """The program measures its own benchmark, and its result is a file like the project's."""
    out = folder + "/result.json"
    run(program, "--benchmark_out=" + out, "--benchmark_min_time=0.01s", "--no-peak", "--benchmark_repetitions=1")
    with open(out, encoding="utf-8") as file:
        rows = json.load(file)["benchmarks"]
    assert [r["name"] for r in rows if r.get("run_type", "iteration") == "iteration"][0].startswith("mine/forward"), rows
    assert all(not r.get("error_occurred") for r in rows), rows
    os.remove(out)


with tempfile.TemporaryDirectory(prefix="chirp libraries ") as scratch:
    run(CMAKE, "--install", BUILD, "--prefix", scratch + "/staged")
    top = scratch + "/moved"
    os.rename(scratch + "/staged", top)
    found = [folder for folder, _, names in os.walk(top) if "chirpbench-kernels.pc" in names]
    assert len(found) == 1, found
    env = dict(os.environ, PKG_CONFIG_PATH=found[0])
    # by pkg-config: the flags are words, in which spaces of the folder are escaped
    flags = run("pkg-config", "--cflags", "--libs", "chirpbench-kernels", env=env)
    for compiler, language, standard in MEMBERS:
        program = f"{scratch}/by_pkg_config_{language}"
        run("sh", "-c", f'eval exec {compiler} -std={standard} -Wall -Wextra -Werror -x {language} \\"$1\\" -x none -o \\"$2\\" "$3"', "sh",
            HERE + "/user.c", program, flags.strip())
        uses(program, scratch)
    run(CMAKE, "-S", HERE, "-B", scratch + "/by_cmake", "-DCMAKE_PREFIX_PATH=" + top)
    run(CMAKE, "--build", scratch + "/by_cmake")
    for program in "user_c", "user_cxx":
        uses(f"{scratch}/by_cmake/{program}", scratch)
    shutil.rmtree(top)
print("libraries: programs in C and C++ build and run, by CMake and by pkg-config")

#!/usr/bin/env python3
"""Training with --exchange halving adds in an order of its own: two MPI libraries give the same checkpoint, to the bit.

Usage: test_two_libraries.py CHIRPBENCH MPIEXEC OTHER_BUILD SOURCES     OTHER_BUILD: a build folder with another MPI
Skipped (exit code 77) without that build, or when it is older than the sources: what differs would be the program.
"""
import os
import re
import subprocess
import sys
import tempfile

CHIRPBENCH, MPIEXEC, BUILD, SOURCES = sys.argv[1:5]
OTHER = BUILD + "/chirpbench"


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def newest_source():
    files = [os.path.join(folder, name) for room in ("harness", "kernels", "model", "suites")
             for folder, _, names in os.walk(os.path.join(SOURCES, room)) for name in names if name.endswith((".c", ".h"))]
    return max(files, key=os.path.getmtime)


def contents(path):
    """Name, type and bytes of every dataset; the file itself has the times at which they were made."""
    found = {}
    with h5py.File(path, "r") as file:
        def take(name, item):
            if isinstance(item, h5py.Dataset):
                found[name] = (str(item.dtype), item.shape, numpy.asarray(item[()]).tobytes())
        file.visititems(take)
    return found


def train(mpiexec, program, ranks, checkpoint):
    subprocess.run([mpiexec, "-n", str(ranks), program, "train", "--preset", "study", "--network", "mass", "--seed", "5", "--batch", "2",
                    "--threads", "1", "--exchange", "halving", "--iterations", "3", "--validation-signals", "8",
                    "--validate-every", "0", "--quiet", "--checkpoint", checkpoint], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, timeout=240)
    return contents(checkpoint)


try:
    import h5py
    import numpy
except ImportError:
    skip("python3-h5py isn't there")
if not os.path.exists(OTHER):
    skip(f"no {OTHER}: build with another MPI there (make build-ci)")
with open(BUILD + "/CMakeCache.txt") as cache:
    other_mpiexec = re.search("^CHIRP_MPIEXEC:[A-Z]*=(.*)$", cache.read(), re.M).group(1)
if other_mpiexec == MPIEXEC:
    skip(f"{BUILD} has this MPI too")
if os.path.getmtime(newest_source()) > os.path.getmtime(OTHER):
    skip(f"{OTHER} is older than {newest_source()} (make build-ci)")
with tempfile.TemporaryDirectory() as scratch:
    for count in 2, 4:
        here = train(MPIEXEC, CHIRPBENCH, count, f"{scratch}/here{count}.h5")
        there = train(other_mpiexec, OTHER, count, f"{scratch}/there{count}.h5")
        assert len(here) > 10 and here.keys() == there.keys(), (here.keys(), there.keys())
        assert not [name for name in here if here[name] != there[name]], [name for name in here if here[name] != there[name]]
        print(f"{count} ranks: {len(here)} datasets, the same bits by {MPIEXEC} and {other_mpiexec}")

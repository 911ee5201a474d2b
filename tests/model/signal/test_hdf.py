#!/usr/bin/env python3
"""model/signal/hdf refuses what lies outside the file and what has another class, size or shape than is read.

Usage: test_hdf.py HDF_READ. Exit 77 (skipped, with the reason) without h5py.
"""
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError as missing:
    print(f"skipped: {missing}; install Debian package python3-h5py")
    sys.exit(77)

READ = sys.argv[1]
ROWS = numpy.arange(12, dtype="f4").reshape(4, 3)


def read(path, name, count=12):
    """(exit code, output, error) of the reader."""
    done = subprocess.run([READ, path, name, str(count)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def accepted(path, name, value, count=12):
    got = read(path, name, count)
    assert got == (0, value, ""), (name, got)


def refused(path, name, words, count=12):
    code, _, error = read(path, name, count)
    assert code == 2 and words in error and path in error and "\n" not in error, (name, code, error)


def write(folder):
    """A file with everything that is read or refused, beside another one that it points to."""
    other, path = os.path.join(folder, "other.h5"), os.path.join(folder, "a.h5")
    with h5py.File(other, "w") as f:
        f["x"] = ROWS
        f["group/x"] = ROWS
    ROWS.tofile(os.path.join(folder, "raw"))
    with h5py.File(path, "w") as f:
        f["plain"] = ROWS
        f["group/deep/x"] = ROWS.astype("i2")
        f["soft"] = h5py.SoftLink("/group/deep/x")
        f["link"] = h5py.ExternalLink(other, "x")
        f["far"] = h5py.ExternalLink(other, "group")
        f["round"] = h5py.SoftLink("/far/x")
        f.create_dataset("packed", data=ROWS, compression="gzip", shuffle=True, fletcher32=True)
        f.create_dataset("lzf", data=ROWS, compression="lzf")
        f.create_dataset("raw", (4, 3), "f4", external=[(os.path.join(folder, "raw"), 0, h5py.h5f.UNLIMITED)])
        layout = h5py.VirtualLayout((4, 3), "f4")
        layout[...] = h5py.VirtualSource(other, "x", (4, 3))
        f.create_virtual_dataset("virtual", layout)
        f["wide"] = numpy.zeros((4, 5), "f4")
        f["short"] = numpy.zeros((3, 3), "f4")
        f["cube"] = numpy.arange(12, dtype="f8").reshape(4, 1, 3)
        f["scalar"] = 1.0
        f["text"] = numpy.full((4, 3), b"1", "S4")
        f["pairs"] = numpy.zeros((4, 3), [("a", "f4"), ("b", "f4")])
        f.create_dataset("huge", (4, 2**62 + 1, 4), "f4", chunks=(1, 1024, 4))  # 2^64 + 4 numbers a row
        f.attrs.update(one=2.5, many=numpy.zeros(1000), words=["a"] * 50, word="hello", fixed=numpy.bytes_(b"there"),
                       whole=7, wholes=numpy.arange(9), pair=numpy.zeros((), [("a", "f8"), ("b", "f8")]))
    return path


with tempfile.TemporaryDirectory() as folder:
    path = write(folder)
    for name in "plain", "/plain", "group/deep/x", "soft", "packed", "cube":
        accepted(path, name, "66")
    accepted(path, "plain", "15", 6)  # the first rows
    refused(path, "link", "is a link to another file")
    refused(path, "far/x", "/far is a link to another file")
    refused(path, "round", "no dataset /round")  # by way of a soft link
    refused(path, "raw", "in other files (external storage)")
    refused(path, "virtual", "in other files (a virtual data set)")
    refused(path, "lzf", "HDF5 filter 32000")
    refused(path, "missing/x", "no dataset /missing/x")
    refused(path, "group", "is not a dataset")
    for name in "wide", "short", "scalar", "text", "pairs", "huge":
        refused(path, name, "can't be read at rows 0 to 4")
    accepted(path, "@real", "2.5", "one")
    accepted(path, "@integer", "7", "whole")
    accepted(path, "@text", "hello", "word")
    accepted(path, "@text", "there", "fixed")
    for kind, names in {"@real": ("many", "word", "pair"), "@integer": ("wholes", "one", "word"),
                        "@text": ("words", "one", "many")}.items():
        for name in names:
            refused(path, kind, f"{name}", name)
print("ok")

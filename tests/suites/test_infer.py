#!/usr/bin/env python3
"""The infer command as a user types it: from a checkpoint and a strain file to a posterior; bad input.

Usage: test_infer.py CHIRPBENCH. With ../shared data also on the real strain of GW150914; says so when it is absent.
"""
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

CHIRPBENCH, SHARED = sys.argv[1:3]
GPS = "1126259462.4"
REAL = os.path.join(SHARED, "data/gw150914/H-H1_LOSC_4_V2-1126259446-32.hdf5")


def run(args, code=0):
    result = subprocess.run([CHIRPBENCH] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=240)
    assert result.returncode == code, f"{' '.join(args)}: exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def posterior(folder, checkpoint, strain, labels, source):
    out = folder + "/posterior.json"
    args = ["infer", "--checkpoint", checkpoint, "--strain", strain, "--gps", GPS, "--samples", "400", "--json", out]
    text = run(args).stdout
    event = json.load(open(out))["events"][0]
    assert event["source"] == source, event["source"]
    assert list(event["parameters"]) == labels
    for name, p in event["parameters"].items():
        low, high = p["interval_90"]
        assert all(math.isfinite(p[k]) for k in ("mean", "median", "std")) and low < p["median"] < high
        assert len(p["samples"]) == 400 and p["std"] > 0 and name in text
        inside = sum(low <= s <= high for s in p["samples"]) / 400
        assert 0.88 <= inside <= 0.92, inside
    window = event["window"]["whitened"]
    assert len(window) == 8192 and abs(sum(window)) < 1 and abs(sum(x * x for x in window) / 8192 - 1) < 1e-3
    assert len(event["psd"]["psd"]) == len(event["psd"]["frequency_hz"]) > 100
    before = open(out).read()
    run(args)
    assert open(out).read() == before, "one seed gives the same posterior"


def bad_input(folder, checkpoint, strain):
    def damaged(name, make):
        path = f"{folder}/{name}"
        make(path)
        return path

    def truncate(source):
        return lambda path: open(path, "wb").write(open(source, "rb").read()[:os.path.getsize(source) // 3])

    text = damaged("text.hdf5", lambda path: open(path, "w").write("hello"))
    short_strain, short_checkpoint = damaged("short.hdf5", truncate(strain)), damaged("short.h5", truncate(checkpoint))
    kept = damaged("kept.json", lambda path: open(path, "w").write("keep me"))
    good = {"--checkpoint": checkpoint, "--strain": strain, "--gps": GPS}
    cases = [
        ({"--strain": folder + "/none.hdf5"}, "none.hdf5"),
        ({"--strain": text}, "text.hdf5"),
        ({"--strain": short_strain}, "short.hdf5"),
        ({"--strain": checkpoint}, "strain"),
        ({"--checkpoint": folder + "/none.h5"}, "none.h5"),
        ({"--checkpoint": text}, "not an HDF5 file"),
        ({"--checkpoint": short_checkpoint}, "short.h5"),
        ({"--checkpoint": strain}, "not a chirpbench checkpoint"),
        ({"--gps": "1126250000"}, "1126250000"),
        ({"--gps": "1126259446.1"}, "edge"),
        ({"--gps": "nan"}, "--gps"),
        ({"--samples": "1"}, "--samples"),
        ({"--smaples": "10"}, "did you mean --samples"),
    ]
    try:
        import h5py
    except ImportError:
        print("without python3-h5py: NaN strain and odd layouts are not tried here")
    else:
        def nan(path):
            shutil.copy(strain, path)
            with h5py.File(path, "r+") as f:
                f["strain/Strain"][60000:70000] = float("nan")

        def no_strain(path):
            shutil.copy(strain, path)
            with h5py.File(path, "r+") as f:
                del f["strain"]

        cases.append(({"--strain": damaged("nan.hdf5", nan)}, "nan.hdf5"))
        cases.append(({"--strain": damaged("layout.hdf5", no_strain)}, "strain/Strain"))
    for change, part in cases:
        options = {**good, "--json": kept, **change}
        result = run(["infer"] + [word for pair in options.items() for word in pair], code=2)
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 1 and part in lines[0], (change, result.stderr)
        assert open(kept).read() == "keep me"


with tempfile.TemporaryDirectory() as scratch:
    spin, mass, simulated = scratch + "/spin.h5", scratch + "/mass.h5", scratch + "/simulated.hdf5"
    for network, path in (("spin", spin), ("mass", mass)):
        run(["train", "--network", network, "--batch", "2", "--iterations", "2", "--validation-signals", "2", "--checkpoint", path,
             "--quiet"])
    run(["generate", "--strain", simulated, "--gps", GPS, "--snr", "24"])
    posterior(scratch, spin, simulated, ["a_f", "omega_R", "omega_I"], "injected signal")
    posterior(scratch, mass, simulated, ["m1", "m2"], "injected signal")
    if os.path.exists(REAL):
        posterior(scratch, spin, REAL, ["a_f", "omega_R", "omega_I"], "real strain")
    else:
        print(f"no real strain at {REAL}: only simulated strain was read")
    bad_input(scratch, spin, simulated)
print("infer: posteriors and bad input: all passed")

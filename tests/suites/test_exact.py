#!/usr/bin/env python3
"""The exact command as a user types it: rows of a data set, strain of one and of two detectors, bad input.

Usage: test_exact.py CHIRPBENCH, and test_exact.py CHIRPBENCH real: the strain of GW150914 in the folder that
CHIRP_TEST_DATA names; without the variable skipped (exit code 77).
"""
import json
import math
import os
import subprocess
import sys
import tempfile

CHIRPBENCH = sys.argv[1]
GPS = "1126259462.4"
NAMES = ["m1", "m2", "a_f", "omega_R", "omega_I", "chirp_mass", "total_mass", "chi1", "chi2"]
SHORT = ["--effective", "0", "--samples", "200"]


def run(args, code=0):
    result = subprocess.run([CHIRPBENCH] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=280)
    assert result.returncode == code, f"{' '.join(args)}: exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def events(args, out):
    text = run(["exact", "--json", out] + args).stdout
    document = json.load(open(out))
    assert document["chirpbench"]["kind"] == "exact-posterior"
    for event in document["events"]:
        assert list(event["parameters"]) == NAMES and event.pop("seconds") > 0 and event["waveforms"] > 1000
        assert text.count("R-hat") == len(document["events"])
        for p in event["parameters"].values():
            assert p["interval_90"][0] < p["interval_50"][0] < p["median"] < p["interval_50"][1] < p["interval_90"][1]
            assert all(math.isfinite(p[k]) for k in ("mean", "std")) and f"{p['median']:.4f}" in text
        # the samples are joint: each one's masses belong together
        for m1, m2, total in zip(*(event["parameters"][k]["samples"] for k in ("m1", "m2", "total_mass"))):
            assert abs(m1 + m2 - total) < 1e-9 * total
    return document["events"]


def near(event):
    """The truth is no further than 6 deviations: what a thousand correct posteriors all keep."""
    for name, p in event["parameters"].items():
        assert abs(p["median"] - event["injected"][name]) < 6 * p["std"], (name, p["median"], event["injected"][name])


def rows(folder):
    data, out = folder + "/set.h5", folder + "/rows.json"
    run(["generate", "--out", data, "--count", "3", "--seed", "5", "--mass-min", "25", "--mass-max", "60", "--quiet"])
    both = events(["--data", data, "--rows", "0:2", "--threads", "2"] + SHORT, out)
    assert [e["row"] for e in both] == [0, 1]
    for e in both:
        near(e)
    assert events(["--data", data, "--rows", "1:2", "--threads", "1"] + SHORT, out) == both[1:], "a row doesn't depend on the others"
    return data


def strain(folder):
    files = [folder + "/H1.hdf5", folder + "/L1.hdf5"]
    for name, path in zip(("H1", "L1"), files):
        run(["generate", "--strain", path, "--gps", GPS, "--snr", "20", "--detector", name, "--quiet"])
    found = events(["--strain", ",".join(files), "--gps", GPS] + SHORT, folder + "/strain.json")
    assert [e["detector"] for e in found] == ["H1", "L1", "H1+L1"] and [len(e["snr"]) for e in found] == [1, 1, 2]
    for e in found:
        near(e)
    # more data: the spread of the total mass falls, on average by sqrt(2)
    spread = [e["parameters"]["total_mass"]["std"] for e in found]
    assert spread[2] < 1.1 * min(spread[:2]), spread
    return files[0]


def refused(folder, data, path):
    good = ["--strain", path, "--gps", GPS]
    other, curve = folder + "/two.h5", folder + "/curve.txt"
    run(["generate", "--out", other, "--count", "2", "--detectors", "2", "--quiet"])
    with open(curve, "w") as file:
        file.writelines(f"{f} 1e-23\n" for f in range(1, 4100))
    run(["generate", "--out", folder + "/curve.h5", "--count", "1", "--psd", curve, "--quiet"])
    for args, part in ((["--strain", path], "--gps"), (["--gps", GPS], "--strain"), (good + ["--data", data], "--data"),
                       (good + ["--rows", "0:1"], "--rows"), (["--data", data, "--rows", "2:9"], "--rows"),
                       (["--data", data, "--mass-max", "70"], "its own prior"), (good + ["--psd", curve], "--psd"),
                       (["--data", other], "one detector"), (["--data", folder + "/curve.h5"], "curve.txt"),
                       (["--data", path], "H1.hdf5"), (["--strain", data, "--gps", GPS], "set.h5"),
                       (["--strain", path, "--gps", "1126250000"], "1126250000"), (good + ["--snr-min", "50", "--snr-max", "40"], "SNR")):
        error = run(["exact"] + args, code=2).stderr
        assert part in error and error.count("\n") == 1, (args, error)


def real_strain(folder):
    """GW150914 against an independent program's exact posterior, the table in reference/limits.md."""
    root = os.environ.get("CHIRP_TEST_DATA")
    if not root:
        print("skipped: set CHIRP_TEST_DATA to the folder of published data (data/gw150914, reference/)")
        sys.exit(77)
    table = {}
    for line in open(os.path.join(root, "reference/limits.md")):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and "[" in cells[1]:
            table[cells[0].split()[0]] = {k: float(cell.split()[0]) for k, cell in zip(("m1", "m2", "a_f"), cells[1:])}
    files = [os.path.join(root, f"data/gw150914/{d[0]}-{d}_LOSC_4_V2-1126259446-32.hdf5") for d in ("H1", "L1")]
    found = events(["--strain", ",".join(files), "--gps", GPS, "--snr-min", "5", "--snr-max", "100", "--effective", "150"],
                   folder + "/gw.json")
    for event, where in zip(found, ("Hanford", "Livingston", "both")):
        for name, expected in table[where].items():
            p = event["parameters"][name]
            # error of a median of n draws: 1.25 std/sqrt(n), theirs as large as ours; 5 of them. They took the noise's level from
            # the whole file, ours is the window's own, known to 1.6 %; windows and priors of SNR differ a little: a tenth of a deviation
            bound = (5 * 1.25 * math.sqrt(2 / p["effective_draws"]) + 0.1) * p["std"]
            print(f"{where} {name}: {p['median']:.3f}, expected {expected}, bound {bound:.3f}")
            assert abs(p["median"] - expected) < bound


def main():
    with tempfile.TemporaryDirectory() as folder:
        if "real" in sys.argv[2:]:
            real_strain(folder)
            return
        data = rows(folder)
        refused(folder, data, strain(folder))


main()

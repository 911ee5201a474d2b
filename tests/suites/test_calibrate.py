#!/usr/bin/env python3
"""The calibrate command as a user types it: a table and its file, recalibration, bad input.

Usage: test_calibrate.py CHIRPBENCH
"""
import json
import os
import subprocess
import sys
import tempfile

CHIRPBENCH = sys.argv[1]
SHORT = ["--signals", "12", "--samples", "40", "--snr-bins", "10,20,30"]


def run(args, code=0):
    result = subprocess.run([CHIRPBENCH] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=240)
    assert result.returncode == code, f"{' '.join(args)}: exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def refused(args, part):
    error = run(args, code=2).stderr
    assert part in error and error.count("\n") == 1, (args, error)


def table(folder, checkpoint):
    """One row for each parameter and bin, the same on the terminal and in the file, whatever the number of threads."""
    out = folder + "/calibration.json"
    good = ["calibrate", "--checkpoint", checkpoint] + SHORT
    text = run(good + ["--json", out, "--threads", "2"]).stdout
    assert max(len(line) for line in text.splitlines()) <= 160, text
    assert run(good + ["--threads", "1"]).stdout == text
    assert run(good + ["--seed", "1"]).stdout != text
    document = json.load(open(out))
    rows = document["rows"]
    assert document["chirpbench"]["kind"] == "calibration" and document["network"] == "spin"
    assert [(r["snr_min"], r["parameter"]) for r in rows] == [(s, p) for s in (10, 20) for p in ("a_f", "omega_R", "omega_I")]
    for r in rows:
        assert r["signals"] == 12 and r["trained"] and r["exact_signals"] == 0 and "exact_error" not in r
        assert r["coverage_50"][0] <= r["coverage_90"][0] and r["coverage_90"][1] <= r["coverage_90"][0] <= r["coverage_90"][2]
        curve = r["rank_curve"]
        assert curve == sorted(curve) and curve[-1] == 1 and r["crps"] > 0 and 0 <= r["rank_p"] <= 1
        # the distance of all ranks bounds that of the curve's points, and lies within the curve's step of it
        distance = max(abs(c - i / (len(curve) - 1)) for i, c in enumerate(curve))
        assert distance <= r["rank_distance"] + 1e-12 and r["rank_distance"] <= distance + 1 / (len(curve) - 1) + 1 / 12
        assert f"{r['error']:.4f}" in text and f"{r['guess_error']:.4f}" in text and f"{r['nll']:.3f}" in text
    beyond = run(["calibrate", "--checkpoint", checkpoint, "--signals", "10", "--samples", "20", "--snr-bins", "1,2"]).stdout
    assert "1-2*" in beyond and "beyond the SNR of training" in beyond


def own_curve(folder):
    """Signals are whitened with the curve inside the checkpoint, whatever became of its file; --curve-segments changes them."""
    checkpoint, psd = folder + "/own.h5", folder + "/curve.txt"
    with open(psd, "w") as file:
        file.writelines(f"{f} {1e-23 * (f / 100) ** 2}\n" for f in range(1, 4100))
    run(["train", "--quiet", "--network", "spin-2048", "--batch", "2", "--iterations", "1", "--validation-signals", "2",
         "--psd", psd, "--curve-segments", "15", "--curve-tilt", "0.1", "--checkpoint", checkpoint])
    good = ["calibrate", "--checkpoint", checkpoint] + SHORT
    text = run(good).stdout
    os.remove(psd)
    assert run(good).stdout == text
    exact = run(good + ["--curve-segments", "0"]).stdout
    assert exact != text and "no limit here" not in exact
    assert "no limit here" in run(good + ["--exact", "1"]).stdout


def recalibration(folder, checkpoint):
    """Fitted factors are in the new checkpoint, are said by infer, and make the scores of other signals better."""
    new, out, data, posterior = folder + "/new.h5", folder + "/new.json", folder + "/set.h5", folder + "/posterior.json"
    text = run(["calibrate", "--checkpoint", checkpoint, "--recalibrate", new, "--json", out] + SHORT).stdout
    document = json.load(open(out))
    note = document["recalibration"]
    factors = [float(word) for word in note.replace(",", "").split() if word[0].isdigit() and "." in word][::2]
    assert len(factors) == 3 and note in text and new in text, (note, factors)
    # this network's widths are several times too large
    assert all(r["nll"] < r["nll_before"] for r in document["rows"]) and max(factors) < 1
    again = folder + "/again.json"
    run(["calibrate", "--checkpoint", new, "--json", again] + SHORT)
    assert json.load(open(again))["rows"] == document["rows"] and json.load(open(again))["recalibration"] == note

    run(["generate", "--out", data, "--count", "2", "--quiet"])
    width = {}
    for path in (checkpoint, new):
        text = run(["infer", "--checkpoint", path, "--data", data, "--samples", "400", "--json", posterior]).stdout
        event = json.load(open(posterior))["events"][0]
        assert ("recalibration" in event) == (path == new) == (note in text)
        width[path] = [p["std"] for p in event["parameters"].values()]
    for factor, a, b in zip(factors, width[checkpoint], width[new]):
        assert abs(b / a / factor - 1) < 1e-3, (factor, a, b)  # the note has four decimals; the draws are the same

    try:
        import h5py
    except ImportError:
        return
    with h5py.File(new, "r+") as f:
        f["recalibration/factor"][1] = -1
    refused(["infer", "--checkpoint", new, "--data", data], "recalibration/factor")


def exact_posterior(folder, checkpoint):
    """The exact posterior stands beside the network's, which is untrained and far worse."""
    out = folder + "/exact.json"
    text = run(["calibrate", "--checkpoint", checkpoint, "--signals", "10", "--samples", "40", "--snr-bins", "20,30", "--exact", "1",
                "--json", out]).stdout
    for r in json.load(open(out))["rows"]:
        assert r["exact_signals"] == 1 and r["exact_coverage_90"] in (0, 1) and r["exact_doubtful"] in (0, 1)
        assert r["exact_error"] >= 0 and r["error_over_exact"] > 0
        assert r["width_over_exact"] > 0 and f"{r['exact_error']:.4f}" in text
    refused(["calibrate", "--checkpoint", checkpoint, "--signals", "10", "--exact", "11"], "--exact")


def bad_input(folder, checkpoint):
    good = ["calibrate", "--checkpoint", checkpoint] + SHORT
    for bins in ("10", "10,", "20,10", "10,10", "a,b", "10,20x", "0,10", ",".join(map(str, range(1, 20)))):
        refused(good + ["--snr-bins", bins], "--snr-bins")
    refused(good + ["--signals", "1"], "--signals")
    refused(good + ["--checkpoint", folder + "/none.h5"], "none.h5")
    refused(good + ["--psd", folder + "/none.txt"], "none.txt")
    refused(good + ["--json", folder + "/none/a.json"], "none")
    refused(good + ["--recalibrate", folder + "/none/a.h5"], "none")
    size = os.path.getsize(checkpoint)
    refused(good + ["--json", checkpoint], "--json")
    refused(good + ["--recalibrate", checkpoint], "--recalibrate")
    assert os.path.getsize(checkpoint) == size
    assert not [name for name in os.listdir(folder) if "tmp" in name], os.listdir(folder)


with tempfile.TemporaryDirectory() as scratch:
    spin = scratch + "/spin.h5"
    run(["train", "--network", "spin", "--batch", "2", "--iterations", "2", "--validation-signals", "2", "--likelihood", "fixed",
         "--noise-scale", "5", "--checkpoint", spin, "--quiet"])
    table(scratch, spin)
    own_curve(scratch)
    recalibration(scratch, spin)
    exact_posterior(scratch, spin)
    bad_input(scratch, spin)
print("calibrate: all passed")

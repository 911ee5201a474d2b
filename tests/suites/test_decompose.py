#!/usr/bin/env python3
"""The decompose command as a user types it: impacts on the terminal and in the file, a network that is cut out, bad input.

Usage: test_decompose.py CHIRPBENCH
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

CHIRPBENCH = sys.argv[1]
SHORT = ["--signals", "16", "--test", "16", "--seed", "5"]


def run(args, code=0):
    result = subprocess.run([CHIRPBENCH] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=240)
    assert result.returncode == code, f"{' '.join(args)}: exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def refused(args, part):
    error = run(args, code=2).stderr
    assert part in error and error.count("\n") == 1, (args, error)


def whole(folder, checkpoint):
    """One impact for each filter and parameter, whatever the number of threads; filters left out change the output."""
    out = folder + "/impact.json"
    asked = ["decompose", "--checkpoint", checkpoint] + SHORT + ["--check", "4", "--json", out]
    text = run(asked + ["--threads", "2"]).stdout
    document = json.load(open(out))
    assert run(asked + ["--threads", "1"]).stdout == text
    assert document["chirpbench"]["kind"] == "decomposition" and document["signals"] == 16
    names = ["a_f", "omega_R", "omega_I"]
    assert [layer["filters"] for layer in document["layers"]] == [64, 128, 256, 256, 128, 128, 64]
    for layer in document["layers"]:
        assert list(layer["impact"]) == names and layer["layer"] in text
        for values in layer["impact"].values():
            assert len(values) == layer["filters"] and min(values) >= 0 and max(values) > 0
    for leaf in document["leaves"]:
        assert abs(leaf["similarity"][leaf["parameter"]] - 1) < 1e-9 and max(leaf["similarity"].values()) < 1 + 1e-9
        assert leaf["group"] in names and -1 <= leaf["rank_correlation"] <= 1
    assert len(document["left_out"]) == 4 and all(v >= 0 for item in document["left_out"] for v in item["change"].values())
    os.mkdir(folder + "/page")
    shutil.copy(out, folder + "/page")
    run(["report", "--quiet", folder + "/page"])
    page = open(folder + "/page/report.html").read()
    assert 'id="filters"' in page and "What filters matter to a_f" in page
    run(asked + ["--alike", "0"])
    assert {leaf["group"] for leaf in json.load(open(out))["leaves"]} == {"a_f"}


def part(folder, checkpoint):
    """With all filters the part answers as the whole does; with fewer it is smaller, and other commands read it as any checkpoint."""
    new, small, out, data, answer = (folder + "/" + name for name in ("new.h5", "small.h5", "part.json", "set.h5", "answer.json"))
    asked = ["decompose", "--checkpoint", checkpoint] + SHORT + ["--check", "0", "--json", out]
    text = run(asked + ["--leaves", "omega_I,a_f", "--threshold", "0", "--out", new]).stdout
    cut = json.load(open(out))["cut"]
    assert cut["filters"] == [64, 128, 256, 256, 128, 128, 64] and "operations of a pass" in text
    for name in ("a_f", "omega_I"):  # two sums of the same products
        assert abs(cut["part"]["error"][name] / cut["whole"]["error"][name] - 1) < 1e-3, cut
    run(asked + ["--leaves", "a_f", "--threshold", "1", "--out", small])
    cut = json.load(open(out))["cut"]
    assert cut["filters"] == [16] * 7 and list(cut["part"]["error"]) == ["a_f"]
    assert cut["part"]["flops"] < cut["whole"]["flops"] / 10 and os.path.getsize(small) < os.path.getsize(new) / 3

    run(["generate", "--out", data, "--count", "1", "--length", "2048", "--sample-rate", "2048", "--quiet"])

    def medians(path):
        run(["infer", "--checkpoint", path, "--data", data, "--samples", "4000", "--json", answer])
        return {name: (p["median"], p["std"]) for name, p in json.load(open(answer))["events"][0]["parameters"].items()}

    all_of_them, two = medians(checkpoint), medians(new)
    assert list(two) == ["a_f", "omega_I"] and list(medians(small)) == ["a_f"]
    for name, (median, std) in two.items():  # other draws: 8 standard errors of two medians of 4000
        assert abs(median - all_of_them[name][0]) < 8 * 1.2533 * 2 ** 0.5 * std / 4000 ** 0.5, (name, two, all_of_them)
    run(["calibrate", "--checkpoint", small, "--signals", "10", "--samples", "20", "--snr-bins", "10,30"])
    run(["export", small, "--out", folder + "/compact.h5", "--signals", "10", "--distance", "0"])
    assert list(medians(folder + "/compact.h5")) == ["a_f"]
    run(["decompose", "--checkpoint", small, "--check", "0"] + SHORT)
    refused(["decompose", "--checkpoint", small, "--leaves", "a_f", "--out", folder + "/again.h5"], "cut out")
    try:
        import h5py
    except ImportError:
        return
    for name, value in (("width", 0), ("width", 65), ("leaf", 3), ("leaf", -1)):
        with h5py.File(small, "r+") as f:
            kept, f["cut/" + name][0] = f["cut/" + name][0], value
        refused(["infer", "--checkpoint", small, "--data", data], "small.h5")
        with h5py.File(small, "r+") as f:
            f["cut/" + name][0] = kept


def bad_input(folder, checkpoint):
    good = ["decompose", "--checkpoint", checkpoint] + SHORT
    out = folder + "/bad.h5"
    refused(good + ["--leaves", "a_f"], "--out")
    refused(good + ["--out", out], "--leaves")
    for leaves in ("m1", "a_f,", "", ",a_f", "a_f omega_R"):
        refused(good + ["--leaves", leaves, "--out", out], "--leaves")
    refused(good + ["--leaves", "a_f", "--out", checkpoint], "same file")
    refused(good + ["--threshold", "2"], "--threshold")
    refused(good + ["--json", folder + "/none/a.json"], "none")
    assert not [name for name in os.listdir(folder) if "tmp" in name or name == "bad.h5"], os.listdir(folder)


with tempfile.TemporaryDirectory() as scratch:
    spin = scratch + "/spin.h5"
    run(["train", "--network", "spin-2048", "--batch", "2", "--iterations", "2", "--validation-signals", "2", "--checkpoint", spin,
         "--quiet"])
    whole(scratch, spin)
    part(scratch, spin)
    bad_input(scratch, spin)
print("decompose: all passed")

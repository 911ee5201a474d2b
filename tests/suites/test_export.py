#!/usr/bin/env python3
"""The export command and infer --network as a user types them: a compact file that answers as the rounded network does.

Usage: test_export.py CHIRPBENCH
"""
import json
import os
import subprocess
import sys
import tempfile

CHIRPBENCH = sys.argv[1]


def run(args, code=0, **environment):
    result = subprocess.run([CHIRPBENCH] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=240, env={**os.environ, **environment})
    assert result.returncode == code, f"{' '.join(args)}: exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def refused(args, part, **environment):
    error = run(args, code=2, **environment).stderr
    assert part in error and error.count("\n") == 1, (args, error)


def contents(checkpoint, compact):
    """Every parameter is the nearest half-precision number; what the checkpoint says is kept, the optimiser is gone."""
    try:
        import h5py
        import numpy
    except ImportError:
        print("without python3-h5py: the compact file is not looked into")
        return
    with h5py.File(checkpoint) as old, h5py.File(compact) as new:
        count = []

        def compare(name, item):
            group = name.split("/")[0]
            if not isinstance(item, h5py.Dataset) or group in ("optimizer", "trained"):
                return
            if group != "root" and not group.startswith("leaf"):  # the noise curve, for one
                assert (new[name][...] == item[...]).all(), name
                return
            assert new[name].dtype == numpy.float16 and new[name].compression == "gzip", name
            assert (new[name][...] == item[...].astype(numpy.float16)).all(), name
            count.append(item.size)

        old.visititems(compare)
        assert sum(count) > 1e6 and "optimizer" in old and not {"optimizer", "trained"} & set(new)
        assert dict(old.attrs) == dict(new.attrs)
        said = new["export"].attrs
        validation = json.loads(said["validation"])
        assert said["note"] == b"by hand" and b"export" in said["command"] and b"a_f" in said["rounding"]
        distance = new["feature_distance"]
        width = distance["mean"].size
        assert distance["factor"].shape == (width * (width + 1) // 2,) and distance["limit"][()] > 0 and distance.attrs["signals"] == 40
        assert validation["chirpbench"]["commit"] and validation["seed"] == 3
        return validation["rows"]


def answers(folder, checkpoint, compact, rows):
    """The file answers what was measured before it was written, also when infer finds it by name."""
    out, data = folder + "/calibration.json", folder + "/set.h5"
    run(["calibrate", "--checkpoint", compact, "--signals", "10", "--seed", "3", "--snr-bins", "10,30", "--json", out])
    assert rows is None or json.load(open(out))["rows"] == rows
    run(["generate", "--out", data, "--count", "2", "--quiet"])

    def infer(*options, **environment):
        path = folder + "/posterior.json"
        run(["infer", "--data", data, "--samples", "200", "--json", path] + list(options), **environment)
        return [[p["median"] for p in e["parameters"].values()] for e in json.load(open(path))["events"]]

    found = infer("--network", "spin", CHIRPBENCH_NETWORKS=folder + "/networks")
    assert found == infer("--checkpoint", compact) != infer("--checkpoint", checkpoint)
    refused(["infer", "--data", data, "--network", "none"], "none")
    refused(["infer", "--data", data, "--network", "mass", "--checkpoint", compact], "--checkpoint")
    refused(["infer", "--data", data], "--network")


def doubts(folder, checkpoint, compact):
    """What infer says of a window's features; a checkpoint that doesn't know training's features says so; impossible ones are refused."""
    strain, out = folder + "/strain.hdf5", folder + "/posterior.json"
    run(["generate", "--strain", strain, "--gps", "1126259462.4", "--snr", "25", "--quiet"])
    asked = ["infer", "--strain", strain, "--gps", "1126259462.4", "--samples", "20", "--json", out, "--checkpoint"]
    assert "no distance of features" in run(asked + [checkpoint]).stdout
    assert "feature_distance" not in json.load(open(out))["events"][0]["likeness"]
    text = run(asked + [compact]).stdout
    likeness = json.load(open(out))["events"][0]["likeness"]
    assert f"features {likeness['feature_distance']:.2f} (to {likeness['feature_distance_most']:.2f})" in text
    try:
        import h5py
    except ImportError:
        return
    for name, value in (("limit", 1e-3), ("factor", 0), ("limit", -1)):
        with h5py.File(compact, "r+") as f:
            item = f["feature_distance/" + name]
            kept = item[()] if name == "limit" else item[0]
            item[() if name == "limit" else 0] = value
        if value > 0:
            assert "features are unlike" in run(asked + [compact]).stdout
            assert any("features" in d for d in json.load(open(out))["events"][0]["likeness"]["doubts"])
        else:
            refused(asked + [compact], "feature_distance/" + name)
        with h5py.File(compact, "r+") as f:
            f["feature_distance/" + name][() if name == "limit" else 0] = kept
    table = run(["calibrate", "--checkpoint", compact, "--signals", "10", "--samples", "20", "--snr-bins", "10,30", "--intruders", "2",
                 "--json", out]).stdout
    rows = json.load(open(out))["unlike"]
    assert len(rows) == 16 and all(r["by_either"][0] >= max(r["by_distance"][0], r["by_match"][0]) for r in rows), rows
    assert "noise alone" in table and rows[1]["window"] == "noise alone" and rows[0]["windows"] == 2


def bad_input(folder, checkpoint):
    refused(["export", checkpoint], "--out")
    refused(["train", "--network", "spin", "--batch", "2", "--iterations", "4", "--validation-signals", "2", "--snr-min", "10",
             "--snr-max", "30", "--snr-law", "uniform", "--quiet", "--resume", "--checkpoint", folder + "/networks/spin.h5"],
            "chirpbench export")
    refused(["export", checkpoint, "--out", checkpoint], "same file")
    refused(["export", "--out", folder + "/a.h5"], "export a.h5")
    refused(["export", folder + "/none.h5", "--out", folder + "/a.h5"], "none.h5")
    refused(["export", checkpoint, "--out", folder + "/none/a.h5"], "none")
    try:
        import h5py
    except ImportError:
        return
    with h5py.File(checkpoint, "r+") as f:
        f["leaf0/dense2/mean"][0, 0] = 1e6
    refused(["export", checkpoint, "--out", folder + "/a.h5", "--signals", "10"], "half precision")
    assert not [name for name in os.listdir(folder) if "tmp" in name or name == "a.h5"], os.listdir(folder)


with tempfile.TemporaryDirectory() as scratch:
    spin, networks = scratch + "/spin.h5", scratch + "/networks"
    os.mkdir(networks)
    run(["train", "--network", "spin", "--batch", "2", "--iterations", "2", "--validation-signals", "2", "--snr-min", "10",
         "--snr-max", "30", "--snr-law", "uniform", "--checkpoint", spin, "--quiet"])
    text = run(["export", spin, "--out", networks + "/spin.h5", "--signals", "10", "--seed", "3", "--distance", "40", "--note",
                "by hand"]).stdout
    assert text.count(" std\n") == 3 and os.path.getsize(networks + "/spin.h5") < os.path.getsize(spin) / 4
    answers(scratch, spin, networks + "/spin.h5", contents(spin, networks + "/spin.h5"))
    doubts(scratch, spin, networks + "/spin.h5")
    bad_input(scratch, spin)
print("export: all passed")

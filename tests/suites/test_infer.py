#!/usr/bin/env python3
"""The infer command as a user types it: from a checkpoint and a strain file to a posterior; bad input.

Usage: test_infer.py CHIRPBENCH, and test_infer.py CHIRPBENCH real: the real strain of GW150914 in the folder that
CHIRP_TEST_DATA names; without the variable skipped (exit code 77).
"""
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

CHIRPBENCH = sys.argv[1]
GPS = "1126259462.4"
EVENT = "data/gw150914/H-H1_LOSC_4_V2-1126259446-32.hdf5"


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
    before = json.load(open(out))["events"]  # beside them stands the date
    run(args)
    assert json.load(open(out))["events"] == before, "one seed gives the same posterior"


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
        ({"--strain": ","}, "expected strain files with commas between"),
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


def credible_interval(folder, checkpoint, strain):
    """--credible holds for the text, for every window of a sweep and for the JSON."""
    out = folder + "/credible.json"
    args = ["infer", "--checkpoint", checkpoint, "--strain", strain, "--gps", GPS, "--samples", "400", "--sweep", "3", "--json", out]
    for percent in (50, 99):
        text = run(args + ["--credible", str(percent)]).stdout
        assert text.count(f"{percent} % interval") >= 2 and "90 % interval" not in text, text
        event = json.load(open(out))["events"][0]
        assert event["credible_percent"] == percent
        for name, p in event["parameters"].items():
            low, high = p["interval"]
            assert abs(sum(low <= s <= high for s in p["samples"]) / 400 - percent / 100) <= 0.01
        assert f"{event['sweep_windows_per_second']:.1f} windows a second" in text and len(event["sweep"]) == 3
        for row in event["sweep"]:
            for p in row["parameters"].values():
                wider = p["interval"][1] - p["interval"][0] > p["interval_90"][1] - p["interval_90"][0]
                assert wider == (percent > 90)
                assert f"{p['interval'][0]:.4f}" in text


def other_inputs(folder, checkpoint, strain):
    """Pipes and what is no strain are refused at once; a comma in a name, other layouts and series in one file are read."""
    good = ["infer", "--checkpoint", checkpoint, "--gps", GPS, "--samples", "20", "--strain"]
    fifo, comma = folder + "/pipe", folder + "/a,b.hdf5"
    os.mkfifo(fifo)
    shutil.copy(strain, comma)
    assert run(good + [comma]).stdout.count("at GPS") == 1
    assert run(good + [comma + "," + strain + "," + comma]).stdout.count("at GPS") == 3
    foreign = {"frame.gwf": (b"IGWD\0\x08" + bytes(400), "gwpy"), "strain.txt": (b"# GPS\n1e-20\n", "numpy.loadtxt"),
               "page.hdf5": (b"<!DOCTYPE html>", "gwosc.org"), "packed.gz": (b"\x1f\x8b\x08" + bytes(90), "gunzip"),
               "empty.hdf5": (b"", "empty"), "other.bin": (bytes(range(128, 255)), "GWOSC")}
    refused = [(good + [fifo], "pipe"), (["infer", "--checkpoint", fifo, "--gps", GPS, "--strain", strain], "pipe"),
               (["generate", "--out", folder + "/x.h5", "--noise", fifo], "pipe")]
    for name, (content, remedy) in foreign.items():
        open(folder + "/" + name, "wb").write(content)
        refused.append((good + [folder + "/" + name], remedy))
    for command, part in refused:
        error = run(command, code=2).stderr
        assert part in error and error.count("\n") == 1, (command, error)


def doubts(folder, checkpoint, strain):
    """What is in the window is said beside the answer: a signal like those of training, noise alone, a glitch."""
    def judged(path):
        out = folder + "/doubts.json"
        text = run(["infer", "--checkpoint", checkpoint, "--strain", path, "--gps", GPS, "--samples", "20", "--json", out]).stdout
        event = json.load(open(out))["events"][0]
        noise, likeness = event["whitened_noise"], event["likeness"]
        assert f"{noise['scale']:.3f} times the expected" in text and noise["worst_bin_power"] > 0, (noise, text)
        assert text.count("doubt: ") == len(likeness["doubts"]) and all(d in text for d in likeness["doubts"]), text
        assert ("unlike training" in text) == bool(likeness["doubts"])
        return likeness

    noise, glitch = folder + "/noise.hdf5", folder + "/glitch.hdf5"
    run(["generate", "--strain", noise, "--gps", GPS, "--snr", "0", "--quiet"])
    found = judged(strain)
    assert found["doubts"] == [] and 20 < found["snr"] < 28, found
    assert any("no signal" in d for d in judged(noise)["doubts"])
    try:
        import h5py
    except ImportError:
        return
    shutil.copy(strain, glitch)
    with h5py.File(glitch, "r+") as f:
        f["strain/Strain"][int(15.8 * 4096)] = 1e-19
    assert any("glitch" in d for d in judged(glitch)["doubts"])


def not_finite(folder, checkpoint, strain):
    """Finite weights whose posterior is not finite: an error that names the parameter, and no JSON."""
    try:
        import h5py
    except ImportError:
        return
    path, out = folder + "/huge.h5", folder + "/huge.json"
    shutil.copy(checkpoint, path)
    with h5py.File(path, "r+") as f:
        f["leaf0/dense2/rho"][...] = 1e30
    error = run(["infer", "--checkpoint", path, "--strain", strain, "--gps", GPS, "--json", out], code=2).stderr
    assert "posterior of a_f isn't finite" in error and error.count("\n") == 1 and not os.path.exists(out), error


def train(network, path, *options):
    run(["train", "--network", network, "--batch", "2", "--iterations", "2", "--validation-signals", "2", "--checkpoint", path,
         "--quiet"] + list(options))


def noise_curve(folder, strain):
    """The curve of training is in the checkpoint; infer compares it with the data's and warns of another one."""
    design, own, bare = (f"{folder}/curve_{name}.h5" for name in ("design", "own", "bare"))
    table, out = folder + "/tilted.txt", folder + "/curve.json"
    with open(table, "w") as file:
        file.writelines(f"{f} {1e-23 * (f / 100) ** 2}\n" for f in range(1, 4100))

    def overlap(checkpoint):
        result = run(["infer", "--checkpoint", checkpoint, "--strain", strain, "--gps", GPS, "--samples", "20", "--json", out])
        event = json.load(open(out))["events"][0]
        found = event["noise_curve"]
        assert f"overlap by {found['overlap']:.4f}" in result.stdout and found["training"] in result.stdout, result.stdout
        assert ("another noise curve" in result.stderr) == (found["overlap"] < found["overlap_least"]), result.stderr
        return found, event["batch_strain"]

    train("spin", design)
    train("spin", own, "--psd", table)
    same, signals = overlap(design)
    assert same["overlap"] > same["overlap_least"] and "design" in same["training"], same
    tilted, other_signals = overlap(own)
    assert tilted["overlap"] < tilted["overlap_least"] and tilted["training"] == table, tilted
    assert signals != other_signals
    try:
        import h5py
    except ImportError:
        return
    with h5py.File(own, "r+") as f:
        hz, s = f["noise_curve/frequency_hz"][...], f["noise_curve/psd"][...]
        assert hz[0] == 20 and hz[-1] == 1000 and s.shape == (1, len(hz)), (hz, s.shape)
        assert f.attrs["noise_curve"].decode() == table and max(abs(s[0] / (1e-46 * (hz / 100) ** 4) - 1)) < 0.01
        f["noise_curve/psd"][0, 5] = -1
    args = ["infer", "--strain", strain, "--gps", GPS, "--samples", "20", "--checkpoint"]
    error = run(args + [own], code=2).stderr
    assert own in error and "noise_curve" in error and error.count("\n") == 1, error
    shutil.copy(design, bare)
    with h5py.File(bare, "r+") as f:
        del f["noise_curve"]
    assert "does not hold the noise curve" in run(args + [bare]).stderr


def adapted(folder, strain):
    """A network goes on with its parameters and options on another curve; the file it came from stays as it was."""
    checkpoint, new, again, table = (f"{folder}/adapt_{name}" for name in ("from.h5", "new.h5", "again.h5", "curve.txt"))
    with open(table, "w") as file:
        file.writelines(f"{f} {1e-23 * (f / 100) ** 2}\n" for f in range(1, 4100))
    train("mass", checkpoint, "--average", "0.5")
    before = open(checkpoint, "rb").read()
    args = ["adapt", "--from", checkpoint, "--psd", table, "--quiet", "--iterations", "2", "--learning-rate"]
    text = run(args + ["1e-9", "--checkpoint", new]).stdout
    losses = text.split("negative log likelihood ")[1].split(" before, ")
    assert abs(float(losses[0]) - float(losses[1].split(" after")[0])) < 1e-2, text
    assert open(checkpoint, "rb").read() == before
    found = run(["infer", "--checkpoint", new, "--strain", strain, "--gps", GPS, "--samples", "20"])
    assert table in found.stdout and "another noise curve" in found.stderr, found
    assert "exists" in run(args + ["1e-9", "--checkpoint", new], code=2).stderr
    assert "none.txt" in run(args + ["1e-9", "--checkpoint", again, "--psd", folder + "/none.txt"], code=2).stderr
    try:
        import h5py
    except ImportError:
        return
    with h5py.File(checkpoint, "r") as old, h5py.File(new, "r") as made:
        configuration = [json.loads(f.attrs["configuration"]) for f in (old, made)]
        assert made.attrs["iteration"] == 2 and made.attrs["seed"] == old.attrs["seed"] + 1
        assert configuration[1]["signal"]["psd"] == table and configuration[1]["signal"]["curve_segments"] == 15 and configuration[1]["kl_weight"] == 1 / (2 * 2)
        assert configuration[1]["curriculum"] == "none"  # a trained network needs no start at high SNR
        same = [k for k in configuration[0] if k not in ("signal", "curriculum", "kl_weight", "kl_warmup", "learning_rate", "final_rate", "rate_ranks")]
        assert all(configuration[0][k] == configuration[1][k] for k in same), configuration
        names = []
        old.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) and name.startswith("root") else None)
        assert names
        for name in names:  # two steps of Adam, each at most a few rates long
            assert abs(old[name][...] - made[name][...]).max() < 1e-6, name


def another_band(folder, strain):
    """A network of another band than infer whitens to is refused; the noise curve's file needn't be there any more."""
    checkpoint, curve = folder + "/band.h5", folder + "/curve.txt"
    train("spin", checkpoint, "--f-high", "900")
    error = run(["infer", "--checkpoint", checkpoint, "--strain", strain, "--gps", GPS], code=2).stderr
    assert "band.h5" in error and "900 Hz" in error and "1000 Hz" in error and error.count("\n") == 1, error
    os.remove(checkpoint)
    with open(curve, "w") as file:
        file.writelines(f"{f} 1e-23\n" for f in range(1, 4100))
    train("spin", checkpoint, "--psd", curve)
    os.remove(curve)
    run(["infer", "--checkpoint", checkpoint, "--strain", strain, "--gps", GPS, "--samples", "20", "--json", folder + "/band.json"])


def of_data(folder, checkpoint):
    """A posterior for each row, beside the truth; a row's draws don't depend on --rows; what contradicts training is refused."""
    data, out, curve = folder + "/set.h5", folder + "/set.json", folder + "/other.txt"
    run(["generate", "--out", data, "--count", "6", "--seed", "5", "--quiet"])
    good = ["infer", "--checkpoint", checkpoint, "--samples", "400", "--data", data, "--json", out]
    text = run(good).stdout
    events = json.load(open(out))["events"]
    assert [e["row"] for e in events] == list(range(6)) and text.count("omega_I") == 6
    for e in events:
        assert e["source"] == "injected signal" and list(e["injected"]) == list(e["parameters"]) == ["a_f", "omega_R", "omega_I"]
        for name, p in e["parameters"].items():
            assert p["interval_90"][0] < p["interval_50"][0] < p["median"] < p["interval_50"][1] < p["interval_90"][1]
            assert all(math.isfinite(p[k]) for k in ("mean", "std")) and f"{e['injected'][name]:.4f}" in text
    run(good + ["--rows", "2:4"])
    assert json.load(open(out))["events"] == events[2:4]
    with open(curve, "w") as file:
        file.writelines(f"{f} 1e-23\n" for f in range(1, 4100))
    for options, part in ([["--f-high", "900"], "f-high"], [["--sample-rate", "4096"], "sample-rate"], [["--length", "16384"], "length"],
                          [["--detectors", "2"], "detectors"], [["--psd", curve], "other.txt"]):
        run(["generate", "--out", data + ".2", "--count", "2", "--quiet", "--overwrite"] + options)
        error = run(["infer", "--checkpoint", checkpoint, "--data", data + ".2"], code=2).stderr
        assert part in error and "trained with" in error and error.count("\n") == 1, error
    for options, part in ((["--rows", "4:9"], "--rows"), (["--rows", "3:3"], "--rows"), (["--rows", "x"], "--rows"),
                          (["--gps", GPS], "--data"), (["--strain", data], "--data"), (["--data", checkpoint], "spin.h5")):
        error = run(good + options, code=2).stderr
        assert part in error and error.count("\n") == 1, error
    assert "--data FILE" in run(["infer", "--checkpoint", checkpoint], code=2).stderr


def together(folder, checkpoint, strain):
    """Two detectors: a posterior each, and one of both; --exact stands beside each. One detector twice is not combined."""
    other, out = folder + "/other.hdf5", folder + "/together.json"
    run(["generate", "--strain", other, "--gps", GPS, "--detector", "L1", "--seed", "9", "--quiet"])
    args = ["infer", "--checkpoint", checkpoint, "--gps", GPS, "--samples", "400", "--json", out, "--strain"]
    text = run(args + [strain + "," + other, "--exact"]).stdout
    events = json.load(open(out))["events"]
    assert [e["detector"] for e in events] == ["H1", "L1", "H1+L1"] and "H1+L1 together" in text and text.count("R-hat") == 3
    assert "product" in events[2]["combined"] and all(0.5 < e["exact"]["parameters"]["a_f"]["median"] < 0.8 for e in events)
    for name, p in events[2]["parameters"].items():
        assert len(p["samples"]) == 400 and p["interval_90"][0] < p["median"] < p["interval_90"][1]
        # narrower than either: a product over a prior that is wider than both, or cut off where the prior ends
        assert p["std"] < min(e["parameters"][name]["std"] for e in events[:2]), name
    assert "not combined" in run(args + [strain + "," + strain]).stdout and len(json.load(open(out))["events"]) == 2


def real_strain(scratch):
    folder = os.environ.get("CHIRP_TEST_DATA")
    if not folder:
        print("skipped: set CHIRP_TEST_DATA to the folder of published data (data/gw150914)")
        sys.exit(77)
    train("spin", scratch + "/spin.h5")
    posterior(scratch, scratch + "/spin.h5", os.path.join(folder, EVENT), ["a_f", "omega_R", "omega_I"], "real strain")


def simulated_strain(scratch):
    spin, mass, simulated = scratch + "/spin.h5", scratch + "/mass.h5", scratch + "/simulated.hdf5"
    train("spin", spin)
    train("mass", mass)
    run(["generate", "--strain", simulated, "--gps", GPS, "--snr", "24"])
    posterior(scratch, spin, simulated, ["a_f", "omega_R", "omega_I"], "injected signal")
    posterior(scratch, mass, simulated, ["m1", "m2"], "injected signal")
    of_data(scratch, spin)
    bad_input(scratch, spin, simulated)
    credible_interval(scratch, spin, simulated)
    other_inputs(scratch, spin, simulated)
    together(scratch, spin, simulated)
    another_band(scratch, simulated)
    noise_curve(scratch, simulated)
    adapted(scratch, simulated)
    not_finite(scratch, spin, simulated)
    doubts(scratch, spin, simulated)


with tempfile.TemporaryDirectory() as scratch:
    if sys.argv[2:] == ["real"]:
        real_strain(scratch)
    else:
        simulated_strain(scratch)
print("infer: posteriors and bad input: all passed")

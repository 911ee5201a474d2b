#!/usr/bin/env python3
"""The commands waveform and generate as a user types them: numbers, files, interruption, bad input.

Usage: test_signal_commands.py CHIRPBENCH
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CHIRPBENCH = sys.argv[1]
try:
    import h5py
    import numpy
except ImportError:
    h5py = None


def run(args, code=0):
    result = subprocess.run([CHIRPBENCH] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=120)
    assert result.returncode == code, f"{' '.join(args)}: exit {result.returncode}\n{result.stdout[:2000]}{result.stderr}"
    if code == 2:
        assert result.stderr.startswith("chirpbench: ") and result.stderr.count("\n") == 1, result.stderr
        assert result.stdout == "", result.stdout[:500]
    return result


def rejects(args, part):
    error = run(args, 2).stderr
    assert part in error, f"{' '.join(args)}: '{error.strip()}' lacks '{part}'"


# IMRPhenomD of (36, 29, 0, 0) at 400 Mpc: frequency, real and imaginary part (golden_phenomd.h has more)
def golden():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(here + "/../model/signal/golden_phenomd.h") as text:
        rows = []
        for line in text:
            line = line.strip()
            if line.startswith("{\"dev-2\""):
                return rows
            if line.startswith("{") and not line.startswith("{\"") and line.count(",") >= 2:
                rows.append([float(x) for x in line.strip("{},").split(",")[:3]])
    raise AssertionError("golden_phenomd.h has changed its shape")


def frequency_domain(folder):
    rows = golden()
    assert len(rows) == 40
    frequencies = folder + "/frequencies.txt"
    with open(frequencies, "w") as out:
        out.write("# Hz\n" + "".join(f"{row[0]!r}\n" for row in rows))
    binary = ["waveform", "--mass1", "36", "--mass2", "29", "--spin1", "0", "--spin2", "0", "--distance", "400",
              "--domain", "frequency", "--frequencies", frequencies]
    lines = run(binary).stdout.splitlines()
    assert lines[0] == "frequency,real,imaginary" and len(lines) == 41
    as_json = json.loads(run(binary + ["--format", "json"]).stdout)
    assert as_json["columns"] == ["frequency", "real", "imaginary"]
    assert abs(as_json["remnant"]["a_f"] - 0.6800114446876132) < 1e-12
    for want, line, row in zip(rows, lines[1:], as_json["rows"]):
        got = [float(x) for x in line.split(",")]
        assert got == row and got[0] == want[0]
        size = (want[1] ** 2 + want[2] ** 2) ** 0.5
        assert abs(complex(*got[1:]) - complex(*want[1:])) <= 1e-8 * size, (want, got)
    rejects(binary + ["--domain", "time"], "--frequencies")
    with open(frequencies, "w") as out:
        out.write("20\nabc\n")
    rejects(binary, "frequencies.txt:2")
    with open(frequencies, "w") as out:
        out.write("0\n")
    rejects(binary, "above 0")


def time_domain(folder):
    out = folder + "/h.csv"
    run(["waveform", "--mass1", "30", "--mass2", "25", "--duration", "0.5", "--merger-at", "0.4", "--out", out])
    with open(out) as text:
        rows = [[float(x) for x in line.split(",")] for line in text.read().splitlines()[1:]]
    assert len(rows) == 4096
    peak = max(rows, key=lambda row: row[1] ** 2 + row[2] ** 2)
    assert abs(peak[0]) < 1.5 / 8192 and 1e-22 < (peak[1] ** 2 + peak[2] ** 2) ** 0.5 < 1e-20, peak
    edge_on = run(["waveform", "--inclination", "1.5707963267948966", "--duration", "0.1", "--merger-at", "0.05"]).stdout
    assert all(abs(float(line.split(",")[2])) < 1e-30 for line in edge_on.splitlines()[1:])
    whitened = json.loads(run(["waveform", "--domain", "whitened", "--snr", "20", "--format", "json"]).stdout)
    values = [row[1] for row in whitened["rows"]]
    assert len(values) == 8192 and abs(sum(v * v for v in values) / 8192 - 1) < 1e-3
    warned = run(["waveform", "--mass1", "80", "--mass2", "3", "--duration", "0.01", "--merger-at", "0.005"])
    assert warned.stderr.startswith("chirpbench: warning: ") and warned.stderr.count("\n") == 1
    rejects(["waveform", "--mass1", "0"], "--mass1")
    rejects(["waveform", "--spin1", "1.5"], "--spin1")
    rejects(["waveform", "--merger-at", "3"], "merger at 3")
    rejects(["waveform", "--domain", "whitened", "--psd", folder + "/none.txt"], "none.txt")
    rejects(["waveform", "--out", folder + "/none/h.csv"], "none")


def same_file(a, b):
    with h5py.File(a, "r") as one, h5py.File(b, "r") as two:
        assert one.attrs["rows"] == two.attrs["rows"]
        for name in ("strain", "label", "snr", "parameters"):
            assert numpy.array_equal(one[name][:], two[name][:]), name


def data_sets(folder):
    whole, parts = folder + "/whole.h5", folder + "/parts.h5"
    common = ["generate", "--seed", "3", "--quiet"]
    run(common + ["--out", whole, "--count", "700"])
    rejects(common + ["--out", whole, "--count", "10"], "--append")
    run(common + ["--out", parts, "--count", "300", "--deflate", "1", "--chunk", "7"])
    run(common + ["--out", parts, "--count", "250", "--append"])
    run(common + ["--out", parts, "--count", "700", "--resume"])
    run(common + ["--out", parts, "--count", "700", "--resume"])  # complete: nothing to do
    rejects(["generate", "--seed", "4", "--out", parts, "--append"], "seed 3")
    rejects(common + ["--out", parts, "--append", "--snr-max", "99"], "snr_max")
    run(common + ["--out", folder + "/split.h5", "--count", "700", "--split", "3", "--first", "0"])
    split = [folder + f"/split-0000{i}-of-00003.h5" for i in range(3)]
    assert all(os.path.exists(path) for path in split)
    if h5py is None:
        return
    same_file(whole, parts)
    with h5py.File(whole, "r") as f:
        assert f["strain"].shape == (700, 8192) and f["strain"].dtype == numpy.float32
        assert f["label"].shape == (700, 5) and f["snr"].shape == (700,) and f["parameters"].shape == (700, 4)
        assert f.attrs["seed"] == 3 and f.attrs["sample_rate_hz"] == 8192 and f.attrs["noise"].startswith("aLIGO")
        for key in ("version", "detector", "software", "format"):
            assert len(f.attrs[key]) > 0
        strain, label, parameters = f["strain"][:], f["label"][:], f["parameters"][:]
        assert numpy.isfinite(strain).all() and numpy.isfinite(label).all()
        assert abs(strain.mean(axis=1)).max() < 1e-5 and abs(strain.std(axis=1) - 1).max() < 1e-4
        assert (label[:, 0] >= label[:, 1]).all() and (label[:, :2] == parameters[:, :2]).all()
        rows = 0
        for path in split:
            with h5py.File(path, "r") as part:
                n = part.attrs["rows"]
                assert part.attrs["first_index"] == rows
                assert numpy.array_equal(part["strain"][:], strain[rows:rows + n])
                rows += n
        assert rows == 700


def interruption(folder):
    whole, cut = folder + "/reference.h5", folder + "/cut.h5"
    common = ["generate", "--seed", "9", "--count", "3000", "--quiet"]
    run(common + ["--out", whole])
    process = subprocess.Popen([CHIRPBENCH] + common + ["--out", cut, "--deflate", "6"], stderr=subprocess.PIPE,
                               universal_newlines=True)
    while not os.path.exists(cut + ".partial") and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and "--resume goes on" in error, (process.returncode, error)
    assert os.path.exists(cut + ".partial") and not os.path.exists(cut)
    run(common + ["--out", cut, "--deflate", "6", "--resume"])
    assert os.path.exists(cut) and not os.path.exists(cut + ".partial")
    if h5py is not None:
        same_file(whole, cut)


def strain_files(folder):
    path = folder + "/strain.hdf5"
    command = ["generate", "--strain", path, "--mass1", "36", "--mass2", "29", "--spin1", "0", "--spin2", "0",
               "--snr", "24", "--gps", "1126259462.4"]
    run(command)
    rejects(command, "--overwrite")
    run(command + ["--overwrite", "--quiet"])
    rejects(["generate"], "--out FILE")
    rejects(["generate", "--out", "a", "--strain", "b"], "--out FILE")
    rejects(["generate", "--strain", folder + "/none/x.hdf5"], "none")
    rejects(["generate", "--out", folder + "/none/x.h5"], "none")
    rejects(["generate", "--out", folder + "/x.h5", "--mass-min", "90"], "masses 90 to 80")
    rejects(["generate", "--out", folder + "/x.h5", "--count", "0"], "--count")
    rejects(["generate", "--out", folder + "/x.h5", "--noise", path + ".none"], "none")
    assert not os.path.exists(folder + "/x.h5") and not os.path.exists(folder + "/x.h5.partial")
    run(["generate", "--out", folder + "/real.h5", "--count", "20", "--noise", path, "--avoid-gps", "1126259462.4", "--quiet"])
    run(["generate", "--out", folder + "/pair.h5", "--count", "20", "--detectors", "2", "--psd", path, "--quiet"])
    if h5py is None:
        return
    with h5py.File(path, "r") as f:
        assert f["strain/Strain"].shape == (131072,) and f["strain/Strain"].attrs["Xspacing"] == 1 / 4096
        assert f["meta/GPSstart"][()] == 1126259446 and f["meta/Duration"][()] == 32
        assert f["meta/Detector"][()] == b"H1" and f["meta/UTCstart"][()] == b"2015-09-14T09:50:29"
        assert (f["quality/simple/DQmask"][:] == 127).all() and len(f["quality/simple/DQmask"]) == 32
    with h5py.File(folder + "/pair.h5", "r") as f:
        assert f["strain"].shape == (20, 2, 8192)


def train_takes_matching_data(folder):
    """train --data: a set of another band, rate or prior, or with an impossible label, is refused with both values."""
    path, broken = folder + "/train.h5", folder + "/broken.h5"
    make = ["generate", "--count", "24", "--quiet", "--out"]
    train = ["train", "--batch", "2", "--iterations", "1", "--validation-signals", "4", "--quiet", "--data"]
    run(make + [path])
    run(train + [path])
    for field, option, value, default in (("f_low_hz", "--f-low", "30", "20"), ("merger_min_s", "--merger-min", "0.85", "0.8"),
                                          ("sample_rate_hz", "--sample-rate", "4096", "8192")):
        run(make + [path, "--overwrite", option, value])
        run(train + [path])
        rejects(train + [path, option, default], f"train.h5: its signals have {field} {value}, but training is set to {option} {default}")
    if h5py is None:
        return
    for row, column, value, name in ((3, 0, float("nan"), "m1"), (23, 4, 0.0, "omega_I"), (5, 1, -2.0, "m2")):
        shutil.copy(path, broken)
        with h5py.File(broken, "r+") as f:
            f["label"][row, column] = value
        rejects(train + [broken], f"row {row}: {name} is {value:g}")


def full_disk(folder):
    """A file that can't grow is what a full disk is to HDF5: the right sentence, and exit code 2 instead of a crash at exit."""
    def limit(size):
        def before():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return before

    for size in (100, 3000, 50000, 300000):
        for command in (["--out", folder + "/full.h5", "--count", "200"], ["--strain", folder + "/full.hdf5"]):
            result = subprocess.run([CHIRPBENCH, "generate", "--quiet"] + command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    universal_newlines=True, stdin=subprocess.DEVNULL, timeout=60, preexec_fn=limit(size))
            assert result.returncode == 2, (size, command, result.returncode, result.stderr)
            assert "File too large" in result.stderr and result.stderr.count("\n") == 1, result.stderr
            for left in ("/full.h5", "/full.h5.partial", "/full.hdf5"):
                if os.path.exists(folder + left):
                    assert left == "/full.h5.partial", "no half-written file under the final name"
                    os.unlink(folder + left)


def several_ranks(folder):
    """Ranks that a launcher starts would write the same files: refused, known from the launcher's environment."""
    for variable in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        for command in (["generate", "--out", folder + "/ranks.h5"], ["waveform"],
                        ["infer", "--checkpoint", "c.h5", "--strain", "s.hdf5", "--gps", "1"]):
            result = subprocess.run([CHIRPBENCH] + command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                                    env={**os.environ, variable: "2"}, stdin=subprocess.DEVNULL, timeout=60)
            assert result.returncode == 2 and result.stdout == "", (command, result.stdout[:200], result.stderr)
            assert "without mpiexec" in result.stderr and result.stderr.count("\n") == 1, result.stderr
    assert not os.path.exists(folder + "/ranks.h5")
    run(["waveform", "--duration", "0.1", "--merger-at", "0.05"])


def names_with_commas(folder):
    """A path is tried as a file before commas split it."""
    path = folder + "/run,1/a,b.hdf5"
    os.mkdir(folder + "/run,1")
    run(["generate", "--strain", path, "--quiet"])
    shutil.copy(path, folder + "/plain.hdf5")
    for noise, detectors in ((path, "1"), (path + "," + folder + "/plain.hdf5", "2"), (folder + "/plain.hdf5," + path, "2"),
                             (path + "," + path, "2")):
        run(["generate", "--out", folder + "/commas.h5", "--overwrite", "--count", "2", "--quiet", "--noise", noise, "--detectors",
             detectors])
    rejects(["generate", "--out", folder + "/x.h5", "--noise", path, "--detectors", "2"], "need 2 strain files")
    rejects(["generate", "--out", folder + "/x.h5", "--noise", path + "," + path], "more strain files")
    rejects(["generate", "--out", folder + "/x.h5", "--noise", folder + "/none,1.hdf5"], folder + "/none:")


def help_text():
    text = run(["generate", "--help"]).stdout
    assert "[1126259462.4]" in text and "e+" not in text, text
    for option in ("--mass-min", "--snr-max", "--merger-max"):
        assert f"{option} " in text
    rejects(["generate", "--out", "x", "--gps", "1"], "outside 3000 to 1e+10")


def main():
    if h5py is None:
        print("python3-h5py is absent: what is inside the files is not looked at")
    with tempfile.TemporaryDirectory() as folder:
        frequency_domain(folder)
        time_domain(folder)
        data_sets(folder)
        interruption(folder)
        strain_files(folder)
        train_takes_matching_data(folder)
        full_disk(folder)
        several_ranks(folder)
        names_with_commas(folder)
        help_text()
    print("ok")


main()

"""Blocks of memory are refused, one in each run: the command says so with exit code 2, or its output is the same as ever.

memory.py CHIRPBENCH KILL_AT_LIBRARY [long]: `long` takes up to 400 blocks of each command, else 4 at random."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

CHIRPBENCH, LIBRARY = sys.argv[1:3]
MOST = 400 if "long" in sys.argv[3:] else 4
VOLATILE = ("date", "seconds", "time_s", "passes_per_second")


def run(*command, **environment):
    return subprocess.run([CHIRPBENCH, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          stdin=subprocess.DEVNULL, timeout=240,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", **environment})


def stable(value):
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in VOLATILE}
    return [stable(item) for item in value] if isinstance(value, list) else value


def document(path):
    with open(path) as file:
        return stable(json.load(file))


def page(path):
    with open(path) as file:
        return re.sub(r"\d{4}-\d\d-\d\dT[^<\s]*", "", file.read())


def sweep(name, command, output, read):
    if os.path.exists(output):
        os.unlink(output)
    first = run(*command, LD_PRELOAD=LIBRARY, CHIRP_KILL_COUNT="count")
    assert os.path.exists(output), first.stderr
    want, code = read(output), first.returncode
    with open("count") as file:
        blocks = int(file.read().split()[1])
    refused = same = 0
    wrong = []
    points = sorted(random.sample(range(1, blocks + 1), min(MOST, blocks)))
    for at in points:
        os.unlink(output) if os.path.exists(output) else None
        result = run(*command, LD_PRELOAD=LIBRARY, CHIRP_REFUSE_AT=str(at))
        written = os.path.exists(output)
        if result.returncode == 2 and "chirpbench: " in result.stderr and not written:
            refused += 1
        elif result.returncode in (code, 2) and written and read(output) == want:
            same += 1
        else:
            wrong.append(f"block {at}: exit code {result.returncode}, {'another' if written else 'no'} output: "
                         f"{result.stderr.strip()[-200:]}")
    print(f"{name}: {len(points)} of {blocks} blocks refused: {refused} said so, {same} gave the same output, {len(wrong)} neither")
    for line in wrong:
        print("  " + line)
    return not wrong


def main():
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    random.seed(seed)
    with tempfile.TemporaryDirectory(prefix="chirp-memory-") as folder:
        os.chdir(folder)
        os.mkdir("results")
        for command in (["generate", "--strain", "strain.hdf5", "--quiet"],
                        ["train", "--batch", "2", "--iterations", "1", "--validation-signals", "2", "--quiet", "--checkpoint", "c.h5"]):
            assert run(*command).returncode == 0, command
        infer = ["infer", "--checkpoint", "c.h5", "--strain", "strain.hdf5", "--gps", "1126259462.4", "--samples", "3", "--json"]
        assert run(*infer, "results/infer.json").returncode == 0
        good = sweep("waveform", ["waveform", "--duration", "0.1", "--merger-at", "0.05", "--out", "w.csv"], "w.csv", page)
        good = sweep("infer", infer + ["i.json"], "i.json", document) and good
        good = sweep("report", ["report", "results", "--quiet", "--out", "page.html"], "page.html", page) and good
        os.chdir("/")
    return 0 if good else 1


sys.exit(main())

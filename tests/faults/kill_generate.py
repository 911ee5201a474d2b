"""generate is killed at the calls that change files (kill_at.c) and at random moments: FILE is what it was or complete at any
time, and the same command with --resume completes it with the signals of a run that nobody stopped.

kill_generate.py CHIRPBENCH KILL_AT_LIBRARY [long]: `long` takes every call, whole and torn, and 200 random moments."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

try:
    import h5py
    import numpy
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

CHIRPBENCH, LIBRARY = map(os.path.abspath, sys.argv[1:3])
LONG = "long" in sys.argv[3:]
CALLS = 0 if LONG else 4  # at random, and the last eight; 0: all
MOMENTS = 200 if LONG else 4
OLD, ALL = 200, 560
FIELDS = ("strain", "label", "snr", "parameters")


def start(out, count, *more, **environment):
    command = [CHIRPBENCH, "generate", "--out", out, "--count", str(count), "--length", "256", "--sample-rate", "1024",
               "--f-high", "400", "--merger-min", "0.15", "--merger-max", "0.2", "--quiet", "--threads", "1", *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True,
                            env={**os.environ, "OMP_NUM_THREADS": "1", **environment})


def run(out, count, *more, **environment):
    process = start(out, count, *more, **environment)
    error = process.communicate(timeout=120)[1]
    return process.returncode, error


def signals(path):
    with h5py.File(path, "r") as file:
        rows = int(file.attrs["rows"])
        return rows, [file[name][:rows] for name in FIELDS]


class Kills:
    """A command that is killed, and what must be true of its file then."""

    def __init__(self, name, folder, want, old, arguments):
        self.name, self.folder, self.want, self.old, self.arguments = name, folder, want, old, arguments
        self.out = folder + "/set.h5"
        self.tried = self.begun_again = 0
        self.lost = []

    def prepare(self):
        for name in os.listdir(self.folder):
            os.unlink(self.folder + "/" + name)
        if self.old:
            shutil.copy(self.old, self.out)

    def same(self, rows):
        have, values = signals(self.out)
        return have == rows and all(numpy.array_equal(a, b[:rows]) for a, b in zip(values, self.want))

    def state(self):
        """Nothing, or one sentence on what is wrong with FILE right after the kill."""
        if not os.path.exists(self.out):
            return "FILE is gone" if self.old else None
        return None if self.same(ALL) or (self.old and self.same(OLD)) else "FILE has other signals"

    def check(self, point):
        self.tried += 1
        try:
            wrong = self.state()
            if not wrong:
                code, error = run(self.out, ALL, "--resume")
                self.begun_again += "made again" in error
                wrong = error.strip() if code else None if self.same(ALL) else "--resume gives other signals"
                if not wrong and len(os.listdir(self.folder)) > 1:
                    wrong = f"left over: {os.listdir(self.folder)}"
        except (OSError, KeyError) as problem:
            wrong = f"FILE can't be read: {problem}"
        if wrong:
            self.lost.append(f"{point}: {wrong}")

    def at_calls(self):
        counts = self.folder + ".count"
        self.prepare()
        code, error = run(self.out, *self.arguments, LD_PRELOAD=LIBRARY, CHIRP_KILL_COUNT=counts)
        assert code == 0, error
        with open(counts) as file:
            calls = int(file.read().split()[0])
        points = list(range(1, calls + 1))
        if CALLS:
            points = sorted(random.sample(points[:-8], CALLS)) + points[-8:]
        for torn in (False, True) if LONG else (None,):
            for at in points:
                tear = at % 2 == 0 if torn is None else torn
                more = {"CHIRP_KILL_TORN": "1"} if tear else {}
                self.prepare()
                code, error = run(self.out, *self.arguments, LD_PRELOAD=LIBRARY, CHIRP_KILL_AT=str(at), **more)
                assert code == -9, (at, code, error)
                self.check(f"call {at} of {calls}{', torn' if tear else ''}")

    def at_moments(self, duration):
        for _ in range(MOMENTS):
            moment = random.uniform(0, duration)
            self.prepare()
            process = start(self.out, *self.arguments)
            time.sleep(moment)
            process.kill()
            process.communicate()
            self.check(f"after {moment:.3f} s")

    def report(self):
        print(f"{self.name}: {self.tried} kills tried, {self.tried - len(self.lost)} survived ({self.begun_again} of them with "
              f"a damaged FILE.partial, made again), {len(self.lost)} lost", flush=True)
        for line in self.lost:
            print("  " + line)
        return not self.lost


def main():
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    random.seed(seed)
    with tempfile.TemporaryDirectory(prefix="chirp-kill-") as top:
        before = time.monotonic()
        assert run(top + "/all.h5", ALL)[0] == 0
        duration = time.monotonic() - before
        assert run(top + "/old.h5", OLD)[0] == 0
        want = signals(top + "/all.h5")[1]
        good = True
        for name, old, arguments in (("generate", None, (ALL,)), ("generate --append", top + "/old.h5", (ALL - OLD, "--append")),
                                     ("generate --resume", top + "/old.h5", (ALL, "--resume"))):
            folder = tempfile.mkdtemp(dir=top)
            kills = Kills(name, folder, want, old, arguments)
            if LONG or "--resume" not in arguments:
                kills.at_calls()
            kills.at_moments(duration)
            good = kills.report() and good
    return 0 if good else 1


sys.exit(main())

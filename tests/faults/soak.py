"""Hours of training and generation: memory, open files and work per step stay level.

soak.py CHIRPBENCH [SECONDS [SECONDS_BETWEEN_CHECKPOINTS]]: trains with checkpoints and a log, beside it generates a data set, and reads the log
all the while. Every series is judged by its trend against its own noise. Times are the processor's, which other processes change little;
a run below ten minutes only shows them."""
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

CHIRPBENCH = os.path.abspath(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 30
BETWEEN = float(sys.argv[3]) if len(sys.argv) > 3 else 60 if SECONDS >= 600 else 2
BLOCKS = 12  # medians of so many parts of a run are compared: neighbours in time are not independent, parts nearly so
GENERATE_SHARE = 0.05  # of the time it runs, for an hour of it would fill a disk
TIMES_COUNT_FROM_SECONDS = 600
WARM_BYTES, WARM_SECONDS = 1 << 18, 240
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
TICKS = os.sysconf("SC_CLK_TCK")


def trend(series):
    """(growth over the run as a share of its level, noise of a part likewise, whether it grows).

    It grows when the medians of the parts rise nearly always (Kendall's tau of at least 0.6; 12 parts without a trend have that once in
    370 times) and by more than 2 % and three times the scatter about the line."""
    parts = [statistics.median(series[len(series) * k // BLOCKS:len(series) * (k + 1) // BLOCKS]) for k in range(BLOCKS)]
    pairs = [(a, b) for a in range(BLOCKS) for b in range(a + 1, BLOCKS)]
    tau = sum((parts[b] > parts[a]) - (parts[b] < parts[a]) for a, b in pairs) / len(pairs)
    slope = statistics.median((parts[b] - parts[a]) / (b - a) for a, b in pairs)
    level = statistics.median(parts) or 1
    about = [p - slope * k for k, p in enumerate(parts)]
    noise = 1.4826 * statistics.median(abs(r - statistics.median(about)) for r in about) / level
    growth = slope * (BLOCKS - 1) / level
    return growth, noise, tau >= 0.6 and growth > max(0.02, 3 * noise)


def check_trend():
    """The verdict itself: level series with noise and dents are level, leaks are not."""
    def wave(i):
        return (i * 7919 % 101) / 101 - 0.5
    assert not trend([100 + wave(i) for i in range(600)])[2]
    assert not trend([100 - 40 * (300 < i < 350) for i in range(600)])[2]
    assert trend([100 + wave(i) + i / 100 for i in range(600)])[2]
    assert trend([100 + 3 * (i // 50) for i in range(600)])[2]


class Process:
    def __init__(self, name, *command):
        self.name = name
        self.process = subprocess.Popen([CHIRPBENCH, *command], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=open(name + ".err", "w"))
        self.memory, self.files, self.threads = [], [], []

    def read(self, name):
        with open(f"/proc/{self.process.pid}/{name}") as file:
            return file.read()

    def check(self):
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}: {open(self.name + '.err').read()[-500:]}"

    def sample(self):
        self.check()
        status = dict(line.split(":", 1) for line in self.read("status").splitlines())
        self.memory.append(int(status["VmRSS"].split()[0]) / 1024)
        self.threads.append(int(status["Threads"]))
        self.files.append(len(os.listdir(f"/proc/{self.process.pid}/fd")))

    def processor_seconds(self):
        user, system = self.read("stat").rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / TICKS

    def stop(self):
        self.check()
        self.process.terminate()
        code = self.process.wait(timeout=120)
        assert code == 1, f"{self.name}: exit code {code} after SIGTERM: {open(self.name + '.err').read()[-500:]}"


class Log:
    """A reader beside the writer: whole lines of rising iterations, and what follows the last line end is the start of one."""
    def __init__(self, path):
        self.path, self.at, self.iteration = path, 0, 0

    def read(self):
        if not os.path.exists(self.path):
            return
        with open(self.path, "rb") as file:
            file.seek(self.at)
            lines = file.read().split(b"\n")
        for line in lines[:-1]:
            value = json.loads(line)["iteration"]
            assert value == self.iteration + 1, f"{self.path}: iteration {value} follows {self.iteration}"
            self.iteration = value
            self.at += len(line) + 1


def steps_between_checkpoints():
    """A short run says how many steps fill the time between two checkpoints."""
    done = subprocess.run([CHIRPBENCH, *TRAIN, "--iterations", "8", "--log", "first.jsonl"], env=ENVIRONMENT,
                          stdout=subprocess.DEVNULL)
    assert done.returncode == 0
    with open("first.jsonl") as file:
        seconds = statistics.median(json.loads(line)["seconds"] for line in file)
    return max(1, round(BETWEEN / max(seconds, 1e-3)))


TRAIN = ["train", "--batch", "4", "--validation-signals", "4", "--quiet"]


def warm_up(processes, log, every):
    """Until every buffer was used: two checkpoints with their held-out checks, and rows in the data set."""
    begin = time.monotonic()
    while log.iteration < 2 * every + 1 or sum(os.path.getsize(name) for name in os.listdir(".") if name.startswith("data.h5")) < WARM_BYTES:
        time.sleep(0.2)
        log.read()
        for process in processes:
            process.check()
        if time.monotonic() - begin > WARM_SECONDS:
            print(f"skipped: {WARM_SECONDS} s brought {log.iteration} steps; the machine is too busy")
            for process in processes:
                process.process.kill()
            sys.exit(77)


def watch(every):
    log = Log("log.jsonl")
    train = Process("train", *TRAIN, "--iterations", "1000000", "--checkpoint", "c.h5", "--checkpoint-every", str(every),
                    "--validate-every", str(every), "--log", log.path)
    generate = Process("generate", "generate", "--out", "data.h5", "--count", "100000000", "--length", "256", "--sample-rate", "1024",
                       "--f-high", "400", "--merger-min", "0.15", "--merger-max", "0.2", "--threads", "1", "--quiet")
    warm_up((train, generate), log, every)
    work, saved = [], set()
    first = log.iteration
    last = (train.processor_seconds(), first)
    begin, pause = time.monotonic(), min(1, SECONDS / 240)
    while time.monotonic() - begin < SECONDS:
        generate.process.send_signal(signal.SIGCONT)
        time.sleep(pause * GENERATE_SHARE)
        generate.process.send_signal(signal.SIGSTOP)
        time.sleep(pause * (1 - GENERATE_SHARE))
        for process in train, generate:
            process.sample()
        log.read()
        now = train.processor_seconds()
        if log.iteration > last[1]:
            work.append(1e3 * (now - last[0]) / (log.iteration - last[1]))
            last = (now, log.iteration)
        saved.add(os.stat("c.h5").st_ino)
    generate.process.send_signal(signal.SIGCONT)
    for process in train, generate:
        process.stop()
    log.read()
    return train, generate, work, log.iteration - first, len(saved)


def main():
    check_trend()
    every = steps_between_checkpoints()
    train, generate, work, iterations, saved = watch(every)
    print(f"{SECONDS:.0f} s: {iterations} steps, a checkpoint every {every}, {saved} files of it seen")
    grown = []
    for name, unit, series, counts in (
            ("train: memory", "MiB", train.memory, True), ("train: open files", "", train.files, True),
            ("train: threads", "", train.threads, True), ("train: processor time of a step", "ms", work, SECONDS >= TIMES_COUNT_FROM_SECONDS),
            ("generate: memory", "MiB", generate.memory, True), ("generate: open files", "", generate.files, True)):
        if len(series) < 2 * BLOCKS:
            print(f"{name}: {len(series)} values are too few to judge")
            continue
        growth, noise, grows = trend(series)
        verdict = "grows" if grows else "level"
        print(f"{name}: {series[0]:.4g} to {series[-1]:.4g} {unit}, trend {100 * growth:+.2f} % of the level, "
              f"noise {100 * noise:.2f} %: {verdict}{'' if counts else ' (not judged: too short)'}")
        if grows and counts:
            grown.append(name)
    return 1 if grown else 0


with tempfile.TemporaryDirectory(prefix="chirp-soak-") as folder:
    os.chdir(folder)
    code = main()
    os.chdir("/")
sys.exit(code)

#!/usr/bin/env python3
"""The bench command as a user types it: exit codes, the team that OpenMP gives, doubts, colours, a machine that hides.

Usage: test_bench_command.py CHIRPBENCH MPIEXEC.
"""
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile

CHIRPBENCH, MPIEXEC = sys.argv[1:3]
FMA = ["bench", "--benchmark_filter=reference/fma", "--benchmark_min_time=2x", "--no-peak"]


def run(args, environment=None, processors=None, before=()):
    env = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    env.update(environment or {})
    bind = (lambda: os.sched_setaffinity(0, processors)) if processors else None
    return subprocess.run([*before, CHIRPBENCH, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, env=env, preexec_fn=bind, timeout=120)


def on_terminal(args, environment):
    """stdout and stderr as a terminal shows them."""
    env = {k: v for k, v in os.environ.items() if k not in ("TERM", "NO_COLOR")}
    env.update(environment)
    ours, theirs = pty.openpty()
    process = subprocess.Popen([CHIRPBENCH, *args], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            piece = b""
        if not piece:
            break
        text += piece
    os.close(ours)
    process.wait(timeout=120)
    return text


def check_exit_codes():
    assert run(FMA + ["--threads=1"]).returncode == 0
    failed = run(FMA + ["--threads=1", "--max-relative-error=0"])
    assert failed.returncode == 1, failed
    assert "1 of 1 benchmarks failed; the first is reference/fma/registers/threads:1" in failed.stderr, failed.stderr
    alone = run(["bench", "communication", "--benchmark_filter=barrier", "--benchmark_min_time=1x", "--no-peak"])
    assert alone.returncode == 1 and "ERROR" in alone.stdout, alone
    names = run(["bench", "--benchmark_list_tests", "--benchmark_context=about=communication"]).stdout
    assert "reference/" in names and "communication/" not in names


def check_team():
    for name, value, why in (("OMP_THREAD_LIMIT", "1", "OMP_THREAD_LIMIT=1"),
                             ("OMP_MAX_ACTIVE_LEVELS", "0", "OMP_MAX_ACTIVE_LEVELS=0")):
        for more in ([], ["--no-isolation"]):
            r = run(FMA + ["--threads=2", "--benchmark_format=json"] + more, {name: value})
            assert r.returncode == 1, (name, r)
            row, = json.loads(r.stdout)["benchmarks"]
            assert row["error_occurred"] and row["real_time"] == 0, row
            assert why in row["error_message"] and "1 of 2 threads" in row["error_message"], row
    most = 4 * os.cpu_count()
    r = run(FMA + [f"--threads={most}", "--benchmark_format=json"], {"OMP_DYNAMIC": "true"})
    row, = json.loads(r.stdout)["benchmarks"]
    assert r.returncode == 1 and "OMP_DYNAMIC" in row["error_message"], row
    # with the peak: there is none of a team that doesn't come, and the row says why
    r = run([a for a in FMA if a != "--no-peak"] + ["--threads=2"], {"OMP_THREAD_LIMIT": "1"})
    assert r.returncode == 1 and "OMP_THREAD_LIMIT=1" in r.stdout, r


def check_doubts():
    allowed = len(os.sched_getaffinity(0))
    turns = "they will take turns"
    assert turns in run(FMA + [f"--threads={4 * allowed}"]).stderr
    assert turns in run(FMA + ["--threads=2"], processors={min(os.sched_getaffinity(0))}).stderr
    ranks = [MPIEXEC, "-n", "2"]
    talk = ["bench", "communication", "--benchmark_filter=barrier", "--benchmark_min_time=1x", "--no-peak"]
    assert turns in run(talk + [f"--threads={os.cpu_count()}"], before=ranks).stderr  # of two ranks, each has all
    assert turns not in run(FMA + ["--threads=1"], {"OMP_NUM_THREADS": str(4 * allowed)}).stderr


def check_colours(folder):
    out = os.path.join(folder, "a.json")
    assert run(FMA + ["--threads=1", "--benchmark_out=" + out]).returncode == 0
    study = ["study", "--help"]
    for args in (FMA + ["--threads=1"], ["compare", out, out], study):
        for environment in ({"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}, {}):
            assert b"\x1b" not in on_terminal(args, environment), (args, environment)
    assert b"\x1b[" in on_terminal(FMA + ["--threads=1"], {"TERM": "xterm"})
    assert b"\x1b[" in on_terminal(FMA + ["--threads=1"], {"TERM": "xterm", "NO_COLOR": ""})
    assert b"\x1b[" in on_terminal(FMA + ["--threads=1", "--benchmark_color=true"], {"NO_COLOR": "1"})


def check_console():
    """Rows have at most 160 characters, with the rates first; many benchmarks say how long they take at least."""
    shown = run(["bench", "--benchmark_filter=^(reference/(fma|triad)|dense/forward/deterministic)", "--benchmark_min_time=1x", "--threads=1",
                 "--benchmark_repetitions=2"])
    assert shown.returncode == 0 and not [line for line in shown.stdout.split("\n") if len(line) > 160], shown.stdout
    rates = [line for line in shown.stdout.split("\n") if line.startswith("dense/forward/deterministic/leaf.dense1/batch:64/threads:1 ")]
    assert rates and all(" GFLOPS=" in line for line in rates), shown.stdout
    many = subprocess.Popen([CHIRPBENCH, "bench", "layers", "--benchmark_min_time=2s", "--benchmark_repetitions=2", "--no-peak"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True)
    for line in many.stderr:
        if " benchmarks, " in line:
            break
    many.kill()
    many.wait()
    many.stderr.close()
    n = int(line.split()[0])
    assert n > 20 and f", {round(n * 2 * 3 / 60)} minutes at least" in line, line


def check_masked(folder):
    """Without /sys and with an empty /proc/cpuinfo much is unknown, and nothing is 0. Cores may come from the processor."""
    script = "mount -t tmpfs none /sys && mount --bind /dev/null /proc/cpuinfo && exec \"$@\""
    before = ["unshare", "--mount", "sh", "-c", script, "sh"]
    out = os.path.join(folder, "doctor.json")
    if not shutil.which("unshare") or subprocess.run(before + ["true"], stderr=subprocess.DEVNULL).returncode:
        print("skipped: /sys can't be hidden from a process here (unshare --mount)")
        return
    r = run(["doctor", "--no-measure", "--json", out], before=before)
    assert r.returncode == 0, r.stderr
    for words in ("NUMA nodes unknown", "clock        unknown", "processor unknown"):
        assert words in r.stdout, (words, r.stdout)
    for words in (" 0 cores", " 0 sockets", " 0 NUMA", " 0 MHz"):
        assert words not in r.stdout, (words, r.stdout)
    with open(out) as file:
        machine = json.load(file)["machine"]
    for key in ("numa_nodes", "mhz_per_cpu"):
        assert machine[key] is None, (key, machine[key])
    for key in ("physical_cores", "sockets", "threads_per_core"):
        assert machine[key] is None or machine[key] >= 1, (key, machine[key])
    r = run(FMA + ["--threads=1"], before=before)
    assert r.returncode == 0 and "unknown MHz" in r.stderr and " 0 MHz" not in r.stderr, r.stderr


def check_spellings():
    """Google Benchmark's spellings of a flag: - and _ alike, values behind = or a space, booleans with a value, the environment."""
    names = ["bench", "--benchmark_list_tests", "--threads=1"]
    one = run(names + ["--benchmark_filter=^reference/fma"]).stdout
    assert one and "triad" not in one, one
    for args, environment in ((["--benchmark-filter=^reference/fma"], {}), (["--benchmark_filter", "^reference/fma"], {}),
                              ([], {"BENCHMARK_FILTER": "^reference/fma"}),
                              (["--benchmark_filter=^reference/fma"], {"BENCHMARK_FILTER": "triad", "BENCHMARK_DRY_RUN": ""})):
        assert run(names + args, environment).stdout == one, (args, environment)
    assert run(names[:1] + ["--benchmark_list_tests=true", "--threads", "1", "--benchmark_filter=^reference/fma"]).stdout == one
    everything = run(names).stdout
    assert run(names + ["--benchmark_filter="]).stdout == everything != one
    wrong = run(names[:1], {"BENCHMARK_REPETITIONS": "0"})
    assert wrong.returncode == 2 and "BENCHMARK_REPETITIONS: 0 is outside 1 to 100000" in wrong.stderr, wrong
    assert "Not of Google Benchmark:" in run(["bench", "--help"]).stdout


check_exit_codes()
check_console()
check_spellings()
check_team()
check_doubts()
with tempfile.TemporaryDirectory() as f:
    check_colours(f)
    check_masked(f)
print("bench: exit codes, teams, doubts, colours and unknown facts are as they should be")

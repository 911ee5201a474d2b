#!/usr/bin/env python3
"""The command as a process among others: where its outputs go, signals, threads of ranks, little shared memory.

Usage: test_process.py CHIRPBENCH MPIEXEC
"""
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

CHIRPBENCH, MPIEXEC = sys.argv[1:3]
TRAIN = ["train", "--network", "spin", "--batch", "2", "--seed", "5", "--validation-signals", "8", "--validate-every", "0",
         "--threads", "1", "--quiet"]


def run(args, code=0, env=None, **options):
    done = subprocess.run([CHIRPBENCH] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          stdin=subprocess.DEVNULL, timeout=240, env=dict(os.environ, **(env or {})), **options)
    assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
    return done


def iterations(text):
    return [json.loads(line)["iteration"] for line in text.splitlines() if line.startswith("{")]


def links_are_followed(folder):
    """A checkpoint, a log, a result and signals through links, to files that exist or don't yet: the links stay."""
    os.mkdir(folder + "/far")
    for name in "c.h5", "log", "r.json", "g.h5":
        os.symlink("far/" + name, f"{folder}/{name}")
    c, log, result, signals = (f"{folder}/{name}" for name in ("c.h5", "log", "r.json", "g.h5"))
    run(TRAIN + ["--iterations", "2", "--checkpoint", c, "--log", log])
    run(TRAIN + ["--iterations", "3", "--checkpoint", c, "--log", log, "--resume"])
    assert iterations(open(folder + "/far/log").read()) == [1, 2, 3]
    for _ in range(2):
        run(["bench", "reference", "--benchmark_dry_run=true", "--benchmark_filter=reference/fma", "--no-peak",
             "--benchmark_out=" + result])
        assert "benchmarks" in json.load(open(folder + "/far/r.json"))
        run(["generate", "--count", "2", "--out", signals, "--overwrite", "--quiet"])
    assert sorted(os.listdir(folder + "/far")) == ["c.h5", "g.h5", "log", "r.json"]
    assert all(os.path.islink(path) for path in (c, log, result, signals))


def devices_and_descriptors_are_written(folder):
    """A log into stdout, a pipe or a file behind stdout comes before what is printed; nothing is left behind."""
    scratch = folder + "/scratch"
    os.mkdir(scratch)
    args = TRAIN + ["--iterations", "2", "--checkpoint", "/dev/null", "--log", "/dev/stdout"]
    lines = run(args, env={"TMPDIR": scratch}).stdout
    assert iterations(lines) == [1, 2] and "all iterations done" in lines.splitlines()[2], lines
    with open(folder + "/out", "w+") as out:
        out.write("before\n")
        out.flush()
        subprocess.run([CHIRPBENCH] + args, stdout=out, check=True, timeout=240, env=dict(os.environ, TMPDIR=scratch))
        out.seek(0)
        text = out.read()
    assert text.startswith("before\n{") and iterations(text) == [1, 2] and "all iterations done" in text, text
    run(["generate", "--count", "2", "--out", "/dev/null", "--quiet"], env={"TMPDIR": scratch})
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and os.listdir(scratch) == []
    for wrong in TRAIN + ["--iterations", "1", "--checkpoint", "/dev/null", "--resume"], \
            ["generate", "--count", "2", "--out", "/dev/null", "--append"]:
        error = run(wrong, code=2).stderr
        assert error.count("\n") == 1 and "/dev/null: is a device or a pipe" in error, error


def long_names(folder):
    for length in 246, 255:
        name = f"{folder}/" + "n" * (length - 5) + ".json"
        run(["bench", "reference", "--benchmark_dry_run=true", "--benchmark_filter=reference/fma", "--no-peak",
             "--benchmark_out=" + name])
        json.load(open(name))
        run(["generate", "--count", "2", "--out", f"{folder}/" + "n" * (length - 3) + ".h5", "--quiet"])
    error = run(["generate", "--count", "2", "--out", f"{folder}/{'n' * 256}", "--quiet"], code=2).stderr
    assert error.count("\n") == 1 and "256" in error, error


def training(folder, before=(), **options):
    """A training that goes on until it is stopped, once its log has a line."""
    log = folder + "/log"
    process = subprocess.Popen(list(before) + [CHIRPBENCH] + TRAIN + ["--iterations", "1000000", "--log", log, "--checkpoint",
                               folder + "/c.h5"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                               universal_newlines=True, **options)
    while process.poll() is None and not (os.path.exists(log) and os.path.getsize(log)):
        time.sleep(0.01)
    return process


def restart(folder):
    for name in os.listdir(folder):
        os.remove(os.path.join(folder, name))


ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGXCPU, signal.SIGXFSZ)


def signals_save_and_stop(folder):
    """Whatever ends a job saves it, without a word of the libraries that took signals; what was ignored stays ignored."""
    for number in ENDINGS:
        process = training(folder)
        process.send_signal(number)
        out, error = process.communicate(timeout=120)
        assert process.returncode == 1 and "interrupted" in out and error == "", (number, process.returncode, out, error)
        assert os.path.exists(folder + "/c.h5"), number
        restart(folder)
    process = training(folder, before=[MPIEXEC, "-n", "2"])  # one rank is told, both stop
    with open(folder + "/log") as lines:
        os.kill(json.loads(lines.readline())["ranks"][1]["pid"], signal.SIGUSR1)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 1 and "interrupted" in out and os.path.exists(folder + "/c.h5"), (process.returncode, out, error)
    restart(folder)
    process = training(folder, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    seen = os.path.getsize(folder + "/log")
    while process.poll() is None and os.path.getsize(folder + "/log") < 3 * seen:
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGUSR1)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 1 and "interrupted" in out and error == "", (process.returncode, out, error)


def early_signals_lose_nothing(folder):
    """A signal while a resumed training starts: the files are as they were, or are those of more steps."""
    log, checkpoint = folder + "/log", folder + "/c.h5"
    run(TRAIN + ["--iterations", "2", "--log", log, "--checkpoint", checkpoint])
    for wait in 0.02, 0.1, 0.3, 0.6:
        process = subprocess.Popen([CHIRPBENCH] + TRAIN + ["--iterations", "1000000", "--resume", "--log", log, "--checkpoint",
                                   checkpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        time.sleep(wait)
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=120)
        assert process.returncode in (1, -signal.SIGTERM), (wait, process.returncode, out, error)
    with open(log) as lines:
        steps = iterations(lines.read())
    assert len(steps) >= 2 and steps == list(range(1, len(steps) + 1)), steps
    run(TRAIN + ["--iterations", str(len(steps) + 1), "--resume", "--log", log, "--checkpoint", checkpoint])


def file_size_limit_saves(folder):
    """A log that may not grow any more: the step that it can't take is in the checkpoint."""
    log, checkpoint = folder + "/log", folder + "/c.h5"
    run(TRAIN + ["--iterations", "1", "--log", log])
    line = os.path.getsize(log)
    os.remove(log)
    # the limit holds for every file, and checkpoints are larger than logs: the log goes on from a file of that size
    run(TRAIN + ["--iterations", "1", "--checkpoint", checkpoint])
    room = os.path.getsize(checkpoint) + 65536
    os.remove(checkpoint)
    process = subprocess.Popen(["sh", "-c", f"head -c {room - line // 2} /dev/zero > {log}; exec 3>>{log}; exec \"$@\" --log /dev/fd/3",
                            "sh", CHIRPBENCH] + TRAIN + ["--iterations", "1000000", "--checkpoint", checkpoint],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, universal_newlines=True,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
    out, error = process.communicate(timeout=120)
    assert process.returncode == 2 and error.count("\n") == 1, (process.returncode, out, error)
    assert "can't write" in error and checkpoint + " holds iteration 1" in error, error
    run(TRAIN + ["--iterations", "2", "--checkpoint", checkpoint, "--resume"])


def interrupted_benchmarks(folder):
    """Whatever ends a job ends a bench with exit code 1, and what was measured is kept."""
    out = folder + "/b.json"
    for number in ENDINGS:
        process = subprocess.Popen([CHIRPBENCH, "bench", "reference", "--no-peak", "--benchmark_filter=fma",
                                   "--benchmark_min_time=0.01s", "--benchmark_repetitions=100000", "--benchmark_out=" + out],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                   universal_newlines=True)
        while process.poll() is None and not os.path.exists(out + ".partial"):
            time.sleep(0.01)
        process.send_signal(number)
        error = process.communicate(timeout=60)[1]
        assert process.returncode == 1 and "interrupted" in error, (number, process.returncode, error)
        with open(out + ".partial") as rows:
            assert json.load(rows)["context"]["partial"] is True
        restart(folder)


def many_iterations_take_no_memory(folder):
    """What a run needs doesn't grow with the number of its steps."""
    limit = 2 << 30  # of address space: eight bytes a step would be 8e9

    def within(steps):
        return subprocess.run([CHIRPBENCH] + TRAIN + ["--iterations", steps, "--max-seconds", "1e-9", "--schedule", "constant"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, timeout=120,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    if within("2").returncode != 1:
        print("skipped: this build needs more address space than", limit, "bytes for two steps (sanitizers do)")
        return
    process = within("1e9")
    assert process.returncode == 1 and "interrupted at iteration 1" in process.stdout, process


def threads_of_ranks(folder, ranks, before=(), environment=None, more=()):
    """What each rank says in the log."""
    log = f"{folder}/{time.monotonic_ns()}"
    args = [arg for arg in TRAIN if arg not in ("--threads", "1")]
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    subprocess.run([MPIEXEC, "-n", str(ranks)] + list(before) + [CHIRPBENCH] + args + list(more) +
                   ["--iterations", "1", "--log", log], check=True, env=dict(env, **(environment or {})), timeout=240,
                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    with open(log) as lines:
        return [rank["threads"] for rank in json.loads(lines.readline())["ranks"]]


def ranks_share_processors(folder):
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        print("skipped: ranks that share processors need two")
        return
    for ranks in 2, 3:
        assert threads_of_ranks(folder, ranks) == [max(1, len(processors) // ranks)] * ranks
    assert threads_of_ranks(folder, 2, environment={"OMP_PROC_BIND": "true"}) == [max(1, len(processors) // 2)] * 2
    assert threads_of_ranks(folder, 2, environment={"OMP_NUM_THREADS": "3"}) == [3, 3]
    assert threads_of_ranks(folder, 2, more=["--threads", "3"]) == [3, 3]
    two = ["taskset", "-c", ",".join(map(str, processors[:2]))]  # both ranks have the same two
    assert threads_of_ranks(folder, 2, before=two) == [1, 1]
    own = f"test ${{PMI_RANK:-$OMPI_COMM_WORLD_RANK}} = 1 && own={processors[0]} || own={','.join(map(str, processors[1:]))}; exec taskset -c $own \"$@\""
    assert threads_of_ranks(folder, 2, before=["sh", "-c", own, "sh"]) == [len(processors) - 1, 1]
    out = folder + "/scale.json"
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    for threads, environment in ((len(processors) // 2, {}), (3, {"OMP_NUM_THREADS": "3"})):
        subprocess.run([MPIEXEC, "-n", "2", CHIRPBENCH, "scale", "--ranks", "1,2", "--batch", "2", "--repetitions", "1",
                        "--steps", "1", "--json", out], check=True, env=dict(env, **environment), timeout=240,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        assert {row["threads"] for row in json.load(open(out))["rows"]} == {threads}


def little_shared_memory(folder):
    """One process needs none; several get one line with the remedy, which works."""
    def within(size, command, **environment):
        script = f"mount -t tmpfs -o size={size} none /dev/shm && exec \"$@\""
        return subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh"] + command, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, stdin=subprocess.DEVNULL, timeout=240,
                              env=dict(os.environ, **environment))
    if not shutil.which("unshare") or within("64k", ["true"]).returncode:
        print("skipped: a small /dev/shm can't be made here (unshare --mount)")
        return
    train = [CHIRPBENCH] + TRAIN + ["--iterations", "1"]
    for size in "64k", "4m":
        for before in ([], [MPIEXEC, "-n", "1"]):
            done = within(size, before + train)
            assert done.returncode == 0 and done.stderr == "", (size, before, done)
    done = within("6m", [MPIEXEC, "-n", "2"] + train)
    if done.returncode:  # another MPI may need none
        lines = [line for line in done.stderr.splitlines() if line.startswith("chirpbench: ")]
        assert done.returncode == 2 and len(lines) == 1 and "UCX_TLS=^posix" in lines[0] and "UCX  ERROR" not in done.stderr, done
    done = within("64k", [MPIEXEC, "-n", "2"] + train, UCX_TLS="^posix")
    assert done.returncode == 0, done


def absurd_threads_are_refused(folder):
    """At one door for every command, before anything starts, as --threads refuses them."""
    absurd = {"OMP_NUM_THREADS": "100000"}
    help_text = run(["--help"], env=absurd).stdout
    commands = [line.split()[0] for line in help_text.split("Commands:\n")[1].splitlines() if line.startswith("  ")]
    assert len(commands) > 10, help_text
    for command in commands:
        error = run([command, "--out", folder + "/x.h5"], code=2, env=absurd).stderr
        assert error == "chirpbench: OMP_NUM_THREADS: 100000 threads are more than 4096; set it lower\n", (command, error)
    done = subprocess.run([MPIEXEC, "-n", "2", CHIRPBENCH] + TRAIN, env=dict(os.environ, **absurd), stderr=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=240)
    assert done.returncode == 2 and done.stderr.count(b"OMP_NUM_THREADS") == 1, done
    assert os.listdir(folder) == []


def texts_from_outside_are_mended(folder):
    """A name that is no UTF-8 doesn't spoil what is written about it, here the configuration in a checkpoint."""
    psd = os.fsencode(folder) + b"/noise-\xfc.txt"
    with open(psd, "w") as file:
        file.writelines(f"{f} 1e-46\n" for f in range(1, 4097))
    checkpoint = folder + "/c.h5"
    run(TRAIN + ["--iterations", "1", "--checkpoint", checkpoint, "--psd", psd])
    with open(checkpoint, "rb") as file:
        written = file.read()
    assert b"noise-?.txt" in written and b"noise-\xfc" not in written
    # the rule behind it, for every file that is written
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for room in "harness", "kernels", "model", "suites", "reports":
        for place, _, names in os.walk(os.path.join(root, room)):
            for name in names:
                if name.endswith(".c") and not place.endswith("harness/json"):
                    with open(os.path.join(place, name), encoding="utf-8") as file:
                        assert "cJSON_Print" not in file.read(), f"{place}/{name}: use chirp_json_print()"


TESTS = [links_are_followed, devices_and_descriptors_are_written, long_names, signals_save_and_stop, early_signals_lose_nothing,
         file_size_limit_saves, interrupted_benchmarks, many_iterations_take_no_memory, ranks_share_processors,
         little_shared_memory, absurd_threads_are_refused, texts_from_outside_are_mended]
for test in [test for test in TESTS if len(sys.argv) < 4 or test.__name__ in sys.argv[3:]]:
    with tempfile.TemporaryDirectory() as scratch_folder:
        test(scratch_folder)
print("process:", ", ".join(test.__name__.replace("_", " ") for test in TESTS), "passed")

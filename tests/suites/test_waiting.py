#!/usr/bin/env python3
"""Threads that wait for others give up their core, unless the user chose another way to wait.

Usage: test_waiting.py CHIRPBENCH
"""
import os
import re
import resource
import subprocess
import sys
import time

CHIRPBENCH = sys.argv[1]
CHOICES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
BINDING = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")
TRAIN = ["train", "--batch", "8", "--seed", "5", "--validation-signals", "8", "--validate-every", "0", "--quiet"]


def environment(**variables):
    left = {name: value for name, value in os.environ.items() if name not in CHOICES + BINDING}
    return dict(left, **variables)


def processor_seconds(threads, variables):
    """User and system time of a short training, and its last line without times."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([CHIRPBENCH] + TRAIN + ["--iterations", "8", "--threads", str(threads)], check=True,
                          env=variables, stdout=subprocess.PIPE, universal_newlines=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    loss = done.stdout.split("loss ")[1].split(",")[0]
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, loss


def waiting_costs_no_processor_time():
    """Beside a busy process on each of two processors, two threads use hardly more processor time than one.

    The work is the same; what comes on top is waiting. Threads that spin for milliseconds use two to three times as much.
    """
    processors = sorted(os.sched_getaffinity(0))[:2]
    if len(processors) < 2:
        print("skipped: waiting beside busy processes needs two processors")
        return
    os.sched_setaffinity(0, processors)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in processors]
    try:
        tries = []
        for _ in range(3):
            one, loss_of_one = processor_seconds(1, environment())
            two, loss_of_two = processor_seconds(2, environment())
            assert loss_of_one == loss_of_two, (loss_of_one, loss_of_two)
            tries.append(two / one)
            if tries[-1] < 1.5:
                break
        assert min(tries) < 1.5, f"two threads use {tries} times the processor time of one"
    finally:
        for process in busy:
            process.kill()
            process.wait()


def variables_of_running(variables):
    """Name and environment of a training that has come as far as its log."""
    log = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"test_waiting_{os.getpid()}.jsonl")
    process = subprocess.Popen([CHIRPBENCH] + TRAIN + ["--iterations", "1000000", "--log", log], env=variables,
                               stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (os.path.exists(log) and os.path.getsize(log)):
            assert process.poll() is None and time.monotonic() < deadline, "training writes no log"
            time.sleep(0.05)
        with open(f"/proc/{process.pid}/comm", encoding="ascii") as name:
            comm = name.read().strip()
        with open(f"/proc/{process.pid}/environ", "rb") as text:
            entries = text.read().decode().split("\0")
        return comm, dict(entry.split("=", 1) for entry in entries if "=" in entry)
    finally:
        process.kill()
        process.wait()
        if os.path.exists(log):
            os.remove(log)


def the_users_choice_holds():
    name, seen = variables_of_running(environment(OMP_NUM_THREADS="2"))
    assert name == os.path.basename(CHIRPBENCH)[:15], name
    assert int(seen["GOMP_SPINCOUNT"]) > 0 and seen["OMP_NUM_THREADS"] == "2", seen
    for choice in ({"OMP_WAIT_POLICY": "passive"}, {"GOMP_SPINCOUNT": "7"}, {"KMP_BLOCKTIME": "1"}):
        seen = variables_of_running(environment(**choice))[1]
        assert {key: seen[key] for key in CHOICES if key in seen} == choice, (choice, seen)


def bound_threads_keep_their_processors():
    """Binding threads leaves as many of them as without: one for each processor that the process may use."""
    for binding in ({}, {"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"}, {"OMP_PROC_BIND": "true"}):
        variables = environment(**binding)
        variables.pop("OMP_NUM_THREADS", None)
        done = subprocess.run([CHIRPBENCH, "doctor", "--no-measure"], check=True, env=variables,
                              stdout=subprocess.PIPE, universal_newlines=True)
        threads = int(re.search(r"OpenMP +([0-9]+) threads", done.stdout).group(1))
        if not binding:
            unbound = threads
        assert threads == unbound, (binding, threads, unbound)


def exit_codes_pass():
    for args, code in ((["train", "--batch", "no number"], 2), (["train", "--help"], 0), (["tarin"], 2)):
        done = subprocess.run([CHIRPBENCH] + args, env=environment(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, universal_newlines=True)
        assert done.returncode == code, (args, done.returncode, done.stderr)


exit_codes_pass()
bound_threads_keep_their_processors()
the_users_choice_holds()
waiting_costs_no_processor_time()

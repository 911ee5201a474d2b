#!/usr/bin/env python3
"""The doctor command: what it measures fits together or is called doubtful, and what is doubtful isn't kept.

Usage: test_doctor.py CHIRPBENCH MPIEXEC. Holds on idle and busy machines: beside a busy process more may be doubtful.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

CHIRPBENCH, MPIEXEC = sys.argv[1:3]


def doctor(folder, environment=None, processors=None, measure=True):
    out = os.path.join(folder, "doctor.json")
    env = dict(os.environ, XDG_CACHE_HOME=folder, OMP_NUM_THREADS="2", **(environment or {}))
    args = [CHIRPBENCH, "doctor", "--json", out] + (["--seconds", "0.02"] if measure else ["--no-measure"])
    bind = (lambda: os.sched_setaffinity(0, processors)) if processors else None
    result = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, env=env,
                            preexec_fn=bind, timeout=120)
    assert result.returncode == 0, result.stderr
    with open(out) as file:
        return json.load(file), result.stdout


def kept(folder, threads):
    return glob.glob(os.path.join(folder, "chirpbench", f"roofline-*-threads{threads}.json"))


def check_levels(folder):
    report, text = doctor(folder)
    for threads in (1, 2):
        levels = [o for o in report["levels"] if o["threads"] == threads]
        assert len(levels) >= 2 and levels[-1]["level"] == "memory"
        doubts = [d for o in levels for d in o["doubts"]]
        for o in levels:
            read, triad = o["read_bytes_per_second"], o["triad_bytes_per_second"]
            assert read > 0 and triad > 0 and o["doubtful"] == bool(o["doubts"]), o
            assert read >= 0.7 * triad or o["doubtful"], o
        for near, far in zip(levels, levels[1:]):
            slower = near["read_bytes_per_second"] < far["read_bytes_per_second"]
            assert not slower or near["doubtful"], (near, far)
        for d in doubts:
            assert d in report["warnings"] and "doubtful: " + d in text, d
        assert len(kept(folder, threads)) == (0 if doubts else 1), (threads, doubts, os.listdir(folder))
    for o in report["fma_peak"]:
        assert o["GFLOPS"] > 0 and o["doubtful"] == (o["GFLOPS"] > 1.25 * o["lower_try_GFLOPS"]), o


def check_turns(folder):
    """Two threads on one processor: no roof of two threads, and not twice the peak of one."""
    one = {min(os.sched_getaffinity(0))}
    report, text = doctor(folder, processors=one)
    two = [o for o in report["levels"] if o["threads"] == 2]
    assert "took turns on 1 allowed processor" in " ".join(two[0]["doubts"]), two[0]
    assert "took turns" in text and not kept(folder, 2)
    peak = {o["threads"]: o["GFLOPS"] for o in report["fma_peak"]}
    assert peak[2] < 1.7 * peak[1], peak


def check_teams(folder):
    """A team that doesn't come is a doubt; a number of threads that can't be meant is refused before it is tried."""
    report, text = doctor(folder, {"OMP_THREAD_LIMIT": "1"})
    assert {o["threads"] for o in report["levels"]} == {1}
    assert any("OMP_THREAD_LIMIT=1" in w for w in report["warnings"]) and "OMP_THREAD_LIMIT=1" in text
    for command in ("doctor", "bench"):
        r = subprocess.run([CHIRPBENCH, command], env=dict(os.environ, OMP_NUM_THREADS="100000"), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
        assert r.returncode == 2 and "OMP_NUM_THREADS: 100000 threads" in r.stderr, r


def numbers(text):
    """{0, 1, 2, 8} of "0-2,8"."""
    ends = [part.split("-") for part in text.split(",")]
    return {n for part in ends for n in range(int(part[0]), int(part[-1]) + 1)}


def check_ranks(folder):
    """Under a launcher one table of all ranks: what differs is marked, and ranks that share processors are a doubt."""
    out = folder + "/ranks.json"
    one = ["-n", "1", "env", "-u", "OMP_PROC_BIND", "OMP_NUM_THREADS=1", CHIRPBENCH, "doctor", "--seconds", "0.01", "--json", out]
    two = ["OMP_NUM_THREADS=2" if word == "OMP_NUM_THREADS=1" else word for word in one]
    for jobs, differs in ((one + [":"] + one, []), (one + [":"] + two, ["omp_threads"])):
        r = subprocess.run([MPIEXEC] + jobs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=120)
        assert r.returncode == 0, r
        with open(out) as file:
            report = json.load(file)
        ranks = report["ranks"]
        exact = {"omp_threads", "num_cpus", "cpu_model", "built_simd", "omp_proc_bind"}  # the rest is measured
        assert [sorted(exact & set(o["differs"])) for o in ranks] == [[], differs], ranks
        assert [o["rank"] for o in ranks] == [0, 1] and len({o["host_name"] for o in ranks}) == 1
        assert all(o["GFLOPS"] > 0 and o["memory_bytes_per_second"] > 0 for o in ranks), ranks
        lines = [line.split() for line in r.stdout.splitlines()]
        assert [words[0] for words in lines if words and words[0] in ("0", "1")] == ["0", "1"], r.stdout
        assert ("2*" in r.stdout.split()) == bool(differs), r.stdout
        places = [numbers(o["affinity"]) for o in ranks]
        both = "may both use processor" in " ".join(report["warnings"])
        assert both == bool(places[0] & places[1]) and both == ("may both use" in r.stdout), report["warnings"]
    r = subprocess.run([MPIEXEC, "-n", "2", CHIRPBENCH, "doctor", "--no-measure", "--json", folder + "/none/ranks.json"],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=120)
    assert r.returncode == 2 and r.stderr.count("none/ranks.json") == 1, r
    r = subprocess.run([MPIEXEC, "-n", "1", CHIRPBENCH, "doctor", "--no-measure"], stdout=subprocess.DEVNULL, timeout=120)
    assert r.returncode == 0


for check in (check_levels, check_turns, check_teams, check_ranks):
    with tempfile.TemporaryDirectory() as f:
        check(f)
print("doctor: levels fit together or are doubtful; doubtful roofs aren't kept")

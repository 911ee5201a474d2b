#!/usr/bin/env python3
"""Gates: the files of limits that come with the program, compare --run, and what services read.

Usage: test_gate.py CHIRPBENCH GATES. Programs to compare are scripts that write made-up times.
"""
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

CHIRPBENCH, GATES = (os.path.abspath(path) for path in sys.argv[1:3])
SCRIPT = """#!/usr/bin/env python3
import json, random, re, sys
level, scatter, calls = {level}, {scatter}, "{path}.calls"
out = [word.split("=", 1)[1] for word in sys.argv if word.startswith("--benchmark_out=")][0]
only = ([word.split("=", 1)[1] for word in sys.argv if word.startswith("--benchmark_filter=")] or [""])[-1]
open(calls, "a").write(only + "\\n")
random.seed(len(open(calls).readlines()) + level)
rows = [dict(name=name, run_name=name, run_type="iteration", repetition_index=i, time_unit="us",
             real_time=level * random.lognormvariate(0, s))
        for name, s in (("x/quiet", 0.002), ("x/noisy+1", scatter)) if re.search(only, name) for i in range(4)]
json.dump(dict(context=dict(cpu_model="one", git_commit="abc%d" % level), benchmarks=rows), open(out, "w"))
"""


def run(*args, **environment):
    return subprocess.run([CHIRPBENCH, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          timeout=200, env={**os.environ, **environment})


def check_gates():
    """Every limit's benchmarks are what --gate selects, on one thread; files and folders of one's own work, too."""
    for gate in ("quick", "kernels"):
        with open(os.path.join(GATES, gate + ".json"), encoding="utf-8") as file:
            limits = json.load(file)
        named = {name for limit in limits for name in (limit["benchmark"], limit.get("over")) if name}
        listed = run("bench", "--gate", gate, "--benchmark_list_tests")
        assert set(listed.stdout.split()) == {name + "/threads:1" for name in named}, (listed, named)
        assert run("bench", "--gate", os.path.join(GATES, gate + ".json"), "--benchmark_list_tests").stdout == listed.stdout
    with open("own.json", "w", encoding="utf-8") as file:
        json.dump([{"benchmark": "reference/fma/registers", "counter": "GFLOPS", "at_least": 0}], file)
    own = run("bench", "--gate", "own", "--benchmark_min_time=1x", "--benchmark_out=own.result", CHIRPBENCH_GATES=os.getcwd())
    assert own.returncode == 0, own
    with open("own.result", encoding="utf-8") as file:
        assert len([r for r in json.load(file)["benchmarks"] if r["run_type"] == "iteration"]) == 5, "five repetitions"
    kept = run("compare", "--limits", "own", "own.result", CHIRPBENCH_GATES=os.getcwd())
    assert kept.returncode == 0 and "1 limits: 0 broken" in kept.stdout, kept
    with open("none.json", "w", encoding="utf-8") as file:
        json.dump([{"benchmark": "no/such", "counter": "GFLOPS", "at_least": 0}], file)
    for args, says in ((("--gate", "nosuch"), "no gate nosuch"), (("--gate", "none.json"), "names no/such"),
                       (("--gate", "quick", "--conv1d", "mb1ic1oc1iw8kw1"), "--gate has benchmarks of its own"),
                       (("--gate", "quick", "kernels"), "name no suite")):
        wrong = run("bench", *args)
        assert wrong.returncode == 2 and says in wrong.stderr and wrong.stderr.count("\n") == 1, wrong


def program(name, level, scatter):
    path = os.path.abspath(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(SCRIPT.format(level=level, scatter=scatter, path=path))
    os.chmod(path, 0o755)
    return path


def check_run():
    """Rounds go on until each row has a verdict; then only undecided rows run; a budget ends it and says so."""
    base, slow = program("base", 100, 0.05), program("slow", 200, 0.05)
    done = run("compare", "--run", base, slow, "--markdown", "slow.md", "--junit", "slow.xml", "--annotate", "--", "--x=y")
    assert done.returncode == 1 and "every benchmark is decided" in done.stdout, done
    assert "::error title=x/noisy+1::slower +" in done.stdout, done.stdout
    with open("slow.md", encoding="utf-8") as file:
        text = file.read()
    assert text.startswith("### 2 of 2 benchmarks slower: x/") and "commit abc100" in text and "commit abc200" in text, text
    suite = xml.etree.ElementTree.parse("slow.xml").getroot().find("testsuite")
    assert suite.get("failures") == "2" and len(suite.findall("testcase/failure")) == 2, suite
    near, noisy = program("near", 100, 0.3), program("noisy", 101, 0.3)
    done = run("compare", "--run", near, noisy, "--rounds", "5", "--markdown", "near.md")
    assert done.returncode == 0 and "5 rounds of both programs" in done.stdout and "1 benchmarks are undecided: "  in done.stdout, done
    with open("near.calls", encoding="utf-8") as file:
        filters = file.read().split("\n")[:-1]
    assert filters[0] == "" and len(filters) == 5 and filters[-1] == "^(x/noisy\\+1)$", filters
    with open("near.md", encoding="utf-8") as file:
        assert "<details>" in file.read()
    assert run("compare", "--run", near, noisy, "--budget", "1", "--fail-inconclusive").returncode == 1
    for args, says in (((base,), "needs two programs"), ((base, "/no/such"), "/no/such can't be run"),
                       ((base, "/bin/false"), "/bin/false bench gave no results: exit code 1")):
        wrong = run("compare", "--run", *args)
        assert wrong.returncode == 2 and says in wrong.stderr, wrong
    assert not [name for name in os.listdir(os.environ["TMPDIR"]) if name.startswith("chirp-")], "result files were left"


def check_workflow():
    """The part of the ready-made workflows that needs no server: limits, counts where valgrind is, times."""
    done = subprocess.run([GATES + "/pull_request.sh", CHIRPBENCH, CHIRPBENCH, "gate", "--conv1d=mb1ic8oc8iw64kw3",
                           "--pass=forward", "--algorithm=direct"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=400,
                          env={**os.environ, "GATE": os.path.abspath("own.json")})
    with open("gate/summary.md", encoding="utf-8") as file:
        summary = file.read()
    assert "1 limits: 0 broken" in summary, (summary, done)
    if done.returncode == 2:
        assert "install the package valgrind" in done.stderr, done
    else:
        assert done.returncode == 0 and "### None of 2 benchmarks is slower" in summary, (summary, done)
    for name, line in (("github.yml", "- run: suites/gates/pull_request.sh "), ("gitlab.yml", "- suites/gates/pull_request.sh ")):
        with open(os.path.join(GATES, name), encoding="utf-8") as file:
            assert line in file.read(), name


with tempfile.TemporaryDirectory() as temporary:
    os.chdir(temporary)
    os.mkdir("scratch")
    os.environ["TMPDIR"] = os.path.abspath("scratch")
    check_gates()
    check_run()
    check_workflow()
    os.chdir("/")

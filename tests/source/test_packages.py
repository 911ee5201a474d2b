#!/usr/bin/env python3
"""The files of .ci/package fit the project, as far as can be seen without a network.

Usage: test_packages.py ROOT. The Spack recipe is Python and sets options that exist; the shell commands of the images parse, and both
images install the same.
"""
import ast
import os
import re
import subprocess
import sys

ROOT = sys.argv[1]
FOLDER = ROOT + "/.ci/package/"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def parses(text, what):
    done = subprocess.run(["sh", "-n"], input=text, stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 0, (what, done.stderr)


def spack():
    tree = ast.parse(read(FOLDER + "spack/package.py"))
    assert [n.name for n in tree.body if isinstance(n, ast.ClassDef)] == ["Chirpbench"]
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    named = {c.args[0].value for c in calls if getattr(c.func, "attr", "").startswith("define") and c.args}
    options = set(re.findall(r"^(?:option|set)\((CHIRP_\w+)", read(ROOT + "/harness/cmake/options.cmake"), re.MULTILINE)) | {"MPI_C_COMPILER"}
    assert named and named <= options, named - options
    variants = {c.args[0].value for c in calls if getattr(c.func, "id", "") == "variant"}
    used = {c.args[1].value for c in calls if getattr(c.func, "attr", "") == "define_from_variant"}
    assert used == variants, (used, variants)
    needs = {re.split(r"[@~+ ]", c.args[0].value)[0] for c in calls if getattr(c.func, "id", "") == "depends_on"}
    assert {"mpi", "hdf5", "fftw", "hwloc", "cjson", "libxsmm", "cmake"} <= needs, needs
    least = re.search(r"cmake_minimum_required\(VERSION ([\d.]+)", read(ROOT + "/CMakeLists.txt")).group(1)
    assert f'"cmake@{least}:"' in read(FOLDER + "spack/package.py"), least


def installed(commands):
    return sorted(re.search(r"--no-install-recommends (.*?)(?:\\?\n)", commands).group(1).replace("/tmp/", "").replace("/opt/", "").split())


def images():
    docker = read(FOLDER + "Dockerfile").replace("\\\n", " ")
    steps = [line.split(None, 1) for line in docker.splitlines() if line and not line.startswith("#")]
    assert [s[0] for s in steps] == ["FROM", "COPY", "RUN", "WORKDIR", "ENTRYPOINT", "CMD"], steps
    run = dict(steps)["RUN"]
    parses(run, "Dockerfile")
    sections = re.split(r"^%(\w+)\n", read(FOLDER + "chirpbench.def"), flags=re.MULTILINE)
    parts = dict(zip(sections[1::2], sections[2::2]))
    assert set(parts) == {"files", "post", "runscript", "test"}, set(parts)
    for name in "post", "runscript", "test":
        parses(parts[name], name)
    assert re.search(r"^From: (.*)$", sections[0], re.MULTILINE).group(1) == dict(steps)["FROM"]
    assert installed(run.replace("&&", "\n") + "\n") == installed(parts["post"]), "both images install the same"


spack()
images()
parses(read(FOLDER + "check.sh"), "check.sh")
assert os.access(FOLDER + "check.sh", os.X_OK)
print("packages: the Spack recipe, Dockerfile and Apptainer file fit the project")

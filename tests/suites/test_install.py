#!/usr/bin/env python3
"""Installing and removing as users do it, and the words that make passes on.

Usage: test_install.py SOURCE BUILD CMAKE
"""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD, CMAKE = sys.argv[1:4]
MANUALS = os.path.isdir(BUILD + "/pages")


def run(*args, code=0, **options):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=280,
                          stdin=subprocess.DEVNULL, **options)
    assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
    return done


def make(*args, code=0):
    return run("make", "--no-print-directory", "-C", SOURCE, *args, code=code)


def files(folder):
    return {os.path.relpath(os.path.join(place, name), folder) for place, _, names in os.walk(folder) for name in names}


def installed_and_removed(folder):
    stage = folder + "/a stage"
    run(CMAKE, "--install", BUILD, "--prefix", "/opt/of mine", env=dict(os.environ, DESTDIR=stage))
    top = stage + "/opt/of mine"
    there = files(stage)
    assert {"opt/of mine/bin/chirpbench", "opt/of mine/share/doc/chirpbench/LICENSE",
            "opt/of mine/share/doc/chirpbench/CHANGELOG.md", "opt/of mine/share/doc/chirpbench/README.md",
            "opt/of mine/share/chirpbench/gates/quick.json", "opt/of mine/share/chirpbench/gates/pull_request.sh", "opt/of mine/include/chirpbench_plugin.h",
            "opt/of mine/share/chirpbench/jobs/slurm.sh",
            "opt/of mine/share/chirpbench/machines/theta.json"} <= there, there
    assert os.path.isdir(SOURCE + "/model/networks") == any("/share/chirpbench/networks/" in name for name in there)
    assert not [name for name in there if name.endswith("_internal.h")]
    moved_tree_works(stage, stage + ", moved", "opt/of mine")
    assert run(top + "/bin/chirpbench", "version").stdout.startswith("chirpbench ")
    assert "reference/fma" in run(top + "/bin/chirpbench", "bench", "--gate", "quick", "--benchmark_list_tests", cwd="/").stdout
    assert "--batch" in run(top + "/bin/chirpbench", "help", "train", cwd="/").stdout
    if MANUALS:
        share = "opt/of mine/share/"
        assert {share + "man/man1/chirpbench.1", share + "man/man1/chirpbench-train.1", share + "fish/vendor_completions.d/chirpbench.fish",
                share + "bash-completion/completions/chirpbench", share + "zsh/site-functions/_chirpbench"} <= there, there
        with open(top + "/share/man/man1/chirpbench-train.1", encoding="utf-8") as page:
            assert page.read() == run(top + "/bin/chirpbench", "help", "--man", "train").stdout
    os.makedirs(top + "/share/man/man1", exist_ok=True)
    with open(top + "/share/man/man1/other.1", "w", encoding="utf-8") as other:
        other.write("another program's")
    make("uninstall", "BUILD=" + BUILD, "DESTDIR=" + stage)
    assert files(stage) == {"opt/of mine/share/man/man1/other.1"}, files(stage)
    assert not os.path.exists(top + "/share/doc/chirpbench")
    assert "nothing was installed" in make("uninstall", "BUILD=" + folder, code=2).stdout


def moved_tree_works(stage, moved, prefix):
    """Files are found beside the program wherever it is: here one that only the moved installation has."""
    shutil.copytree(stage, moved)
    machines = f"{moved}/{prefix}/share/chirpbench/machines/"
    for kind in ".json", ".xml":
        shutil.copy(machines + "theta" + kind, machines + "only_here" + kind)
    run(f"{moved}/{prefix}/bin/chirpbench", "project", "--machine", "only_here", "--nodes", "1", cwd="/")
    shutil.rmtree(moved)


def source_tarball(folder):
    """`make dist` holds all that a build needs: it is configured, and a part of it built, without git."""
    if not os.path.exists(SOURCE + "/.git"):
        print("install: no repository here, so no tarball of it")
        return
    make("dist", "DIST=" + folder)
    version = run(BUILD + "/chirpbench", "version").stdout.split()[1]
    run("tar", "-xzf", f"{folder}/chirpbench-{version}.tar.gz", "-C", folder)
    tree = f"{folder}/chirpbench-{version}"
    assert not os.path.exists(tree + "/.git")
    run(CMAKE, "-S", tree, "-B", tree + "/build", "-DCHIRP_TESTS=OFF")
    run(CMAKE, "--build", tree + "/build", "--target", "chirp_optimizer")


def words_of_make(folder):
    for strain in "/data/my strain's.hdf5", "a$$b;c.hdf5":
        text = make("-n", "study", "MISSING=", "STRAIN=" + strain, "GPS=1126259462.4", "STUDY=my study").stdout
        command = shlex.split(text[text.index("build/chirpbench study"):].replace("\\\n", ""))
        assert command == ["build/chirpbench", "study", "--preset", "quick", "--out", "my study", "--resume", "--strain",
                           strain.replace("$$", "$"), "--gps", "1126259462.4"], command
    done = make("deps", "MISSING=chirpbench-one chirpbench-two", "USER_ID=1000", "SHELL=" + no_sudo(folder), code=2)
    assert "administrator" in done.stdout and "apt-get install -y --no-install-recommends chirpbench-one chirpbench-two" in done.stdout
    assert make("deps", "MISSING=").stdout == ""


def no_sudo(folder):
    """A shell that finds no sudo."""
    path = folder + "/sh"
    with open(path, "w", encoding="utf-8") as script:
        script.write("#!/bin/sh\nsudo() { return 1; }\nshift\neval \"$*\"\n")
    os.chmod(path, 0o755)
    return path


def text_of_the_tag():
    version = run(BUILD + "/chirpbench", "version").stdout.split()[1]
    text = run("sh", SOURCE + "/harness/cmake/changes.sh", version).stdout
    assert text.startswith(f"chirpbench {version}\n") and len(text.splitlines()) > 3, text
    assert not [line for line in text.splitlines() if line.startswith("#")], "git drops such lines of a tag"
    assert "no section on 9.9.9" in run("sh", SOURCE + "/harness/cmake/changes.sh", "9.9.9", code=2).stderr


with tempfile.TemporaryDirectory(prefix="chirp-install-") as scratch:
    installed_and_removed(scratch)
    words_of_make(scratch)
    source_tarball(scratch)
    text_of_the_tag()
print("install: installed, moved and removed, words of make, tarball of the sources, text of the tag passed")

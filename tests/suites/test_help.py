#!/usr/bin/env python3
"""What the command says about itself: versions, help, manual pages and completions, which name the same options.

Usage: test_help.py CHIRPBENCH
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

CHIRPBENCH = os.path.abspath(sys.argv[1])


def run(*args, code=0):
    done = subprocess.run([CHIRPBENCH, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == code, (args, done)
    return done


def words_of_users():
    version = run("--version").stdout
    assert re.fullmatch(r"chirpbench \d+\.\d+\.\d+\n", version), version
    assert run("-V").stdout == run("version").stdout == version
    text = run("--help").stdout
    assert run("-h").stdout == run("help").stdout == run(code=2).stdout == text and "Commands:" in text
    commands = [line.split()[0] for line in text.split("Commands:\n")[1].splitlines()]
    assert len(commands) > 10
    helps = {command: run("help", command).stdout for command in commands}
    assert all(text.startswith(f"Usage: chirpbench {command} [options]") for command, text in helps.items())
    assert run("train", "--help").stdout == helps["train"]
    assert "did you mean train?" in run("help", "trian", code=2).stderr
    assert "did you mean train?" in run("trian", code=2).stderr
    assert "see chirpbench --help" in run("help", "zzzzzzzzz", code=2).stderr
    assert "one command, not 2" in run("help", "train", "infer", code=2).stderr
    assert "--completion" in run("help", "--completion", "csh", code=2).stderr
    return helps


def options_of(text):
    return sorted(re.findall(r"^  --([\w-]+)", text, re.M))


def pages(helps, folder):
    commands = list(helps)
    run("help", "--write", folder)
    assert "none" in run("help", "--write", folder + "/none", code=2).stderr
    made = sorted(["_chirpbench", "chirpbench.bash", "chirpbench.fish", "chirpbench.1"] + [f"chirpbench-{c}.1" for c in commands])
    assert sorted(os.listdir(folder)) == made, os.listdir(folder)
    text = {name: open(f"{folder}/{name}", encoding="utf-8").read() for name in made}
    assert run("help", "--man", "train").stdout == text["chirpbench-train.1"]
    assert run("help", "--man").stdout == text["chirpbench.1"]
    assert run("help", "--completion", "bash").stdout == text["chirpbench.bash"]
    for command in commands:
        options = options_of(helps[command])
        page = text[f"chirpbench-{command}.1"].replace("\\-", "-")
        assert "help" in options and sorted(re.findall(r"^\\fB--([\w-]+)", page, re.M)) == options, command
        assert f"chirpbench-{command} - " in page and f"\\fB{command}\\fR" in text["chirpbench.1"]
        branch = re.search(rf"^    {command}\)\n(.*?) ;;\n    \S", text["chirpbench.bash"] + "    x", re.M | re.S)
        assert sorted(re.findall(r"--([\w-]+)", branch[1].split("options=")[1])) == options, command
        branch = re.search(rf"^    {command}\)\n(.*?) ;;\n", text["_chirpbench"], re.M | re.S)
        assert sorted(re.findall(r"^ *'--([\w-]+)", branch[1], re.M)) == options, command
        found = re.findall(rf"__fish_seen_subcommand_from {command}' -l ([\w-]+)", text["chirpbench.fish"])
        assert sorted(found + ["help"]) == options, command
    for shell, name in ("bash", "chirpbench.bash"), ("zsh", "_chirpbench"), ("fish", "chirpbench.fish"):
        if shutil.which(shell):
            subprocess.run([shell, "-n", f"{folder}/{name}"], check=True, timeout=60)
        else:
            print(f"skipped: {name} needs {shell} to be looked at")
    if not shutil.which("groff"):
        print("skipped: manual pages need groff to be looked at")
        return
    for command in commands:
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", f"{folder}/chirpbench-{command}.1"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=True)
        shown = re.sub(r"\x1b\[\d*m|.\x08", "", done.stdout.decode()).replace("\u2212", "-")
        assert not done.stderr and "--help" in shown, (command, done.stderr, shown)


def bash_completes(folder):
    if not shutil.which("bash"):
        print("skipped: no bash")
        return
    script = f"source '{folder}/chirpbench.bash'; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($#-1)); _chirpbench; printf '%s\\n' \"${{COMPREPLY[@]}}\""

    def complete(*words):
        done = subprocess.run(["bash", "-c", script, "bash", "chirpbench", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              cwd=folder, universal_newlines=True, timeout=60)
        return sorted(done.stdout.split())
    assert complete("tra") == ["train"] and "--version" in complete("--")
    assert complete("help", "tra") == ["train"]
    assert complete("train", "--checkpoint-") == ["--checkpoint-every"]
    networks = ["mass", "mass-2048", "spin", "spin-2048"]
    assert complete("train", "--network", "") == complete("train", "--network", "=", "") == networks
    assert complete("train", "--network", "=") == networks
    assert complete("train", "--log", "_chirp") == complete("compare", "_chirp") == ["_chirpbench"]
    assert complete("train", "--batch", "") == []


HELPS = words_of_users()
with tempfile.TemporaryDirectory(prefix="chirp help ") as scratch:
    pages(HELPS, scratch)
    bash_completes(scratch)
print("help: words of users, pages and completions of", len(HELPS), "commands passed")

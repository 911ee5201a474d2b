"""Files that are in the way, broken or somebody else's: nothing is overwritten, followed or lost, and one sentence says it.

files.py CHIRPBENCH KILL_AT_LIBRARY"""
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

CHIRPBENCH, LIBRARY = sys.argv[1:3]
SMALL = ["--length", "256", "--sample-rate", "1024", "--f-high", "400", "--merger-min", "0.15", "--merger-max", "0.2", "--quiet"]


def run(*command, limit=None, **environment):
    def before():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    result = subprocess.run([CHIRPBENCH, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=120, preexec_fn=before if limit else None,
                            env={**os.environ, "OMP_NUM_THREADS": "1", **environment})
    return result.returncode, result.stderr


def accepts(*command, **more):
    code, error = run(*command, **more)
    assert code == 0, (command, code, error)
    return error


def rejects(command, want, **more):
    code, error = run(*command, **more)
    assert code == 2 and want in error and error.count("\n") == 1, (command, code, error)
    return error


def put(path, text):
    with open(path, "w") as file:
        file.write(text)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def outputs_over_inputs():
    for name in ("a", "b", "c"):
        put(name, name)
    os.link("a", "hard")
    os.symlink("b", "soft")
    os.symlink("new", "dangling")
    infer = ["infer", "--checkpoint", "a", "--strain", "b,c", "--gps", "1126259462.4", "--json"]
    commands = [infer + ["hard"], infer + ["soft"], infer + ["c"], ["compare", "a", "b", "--json", "soft"],
                ["compare", "a,c", "b", "--markdown", "./c"], ["compare", "a", "b", "--limits", "c", "--json", "c"],
                ["waveform", "--domain", "whitened", "--psd", "a", "--out", "hard"],
                ["waveform", "--domain", "frequency", "--frequencies", "b", "--out", "soft"],
                ["generate", "--noise", "b,c", "--out", "c", "--overwrite"], ["generate", "--psd", "a", "--strain", "a", "--overwrite"],
                ["train", "--log", "new", "--checkpoint", "./new"], ["train", "--log", "dangling", "--checkpoint", "new"],
                ["train", "--data", "a", "--checkpoint", "hard", "--resume"], ["train", "--data", "b", "--log", "soft"],
                ["scale", "--json", "new", "--timeline", "new"], ["project", "--profile", "a", "--json", "a"]]
    for command in commands:
        rejects(command, "is the same file as")
    rejects(["report", ".", "--out", "a.json"], "FILE.html")
    assert [contents(name) for name in ("a", "b", "c", "hard", "soft")] == [b"a", b"b", b"c", b"a", b"b"]
    assert not os.path.exists("new")
    print(f"{len(commands) + 1} outputs over inputs refused")


def partial_files():
    generate = ["generate", *SMALL, "--count", "20", "--out"]
    put("victim", "precious")
    os.symlink("victim", "x.h5.partial")
    rejects(generate + ["x.h5"], "x.h5.partial: is in the way")
    rejects(["bench", "reference", "--benchmark_out=x.h5"], "x.h5.partial: is in the way")
    assert contents("victim") == b"precious"
    put("y.h5.partial", "no HDF5")
    assert "y.h5.partial: not an HDF5 file; its signals are made again" in accepts(*generate, "y.h5", "--resume")
    with open("z.h5.partial", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        rejects(generate + ["z.h5"], "another process is writing it")
    accepts(*generate, "z.h5")
    os.chmod("z.h5", 0o640)
    accepts(*generate, "z.h5", "--overwrite")
    assert os.stat("z.h5").st_mode & 0o777 == 0o640


def failing_disk():
    generate = ["generate", *SMALL, "--out"]
    accepts(*generate, "set.h5", "--count", "200")
    before = contents("set.h5")
    size = len(before)
    for limit in (size // 2, size + 50000):
        rejects(generate + ["set.h5", "--count", "300", "--append"], "File too large", limit=limit)
        assert contents("set.h5") == before
    os.path.exists("set.h5.partial") and os.unlink("set.h5.partial")
    for call in ("pwrite64", "fsync", "rename"):
        error = rejects(generate + ["new.h5", "--count", "200"], "Input/output error", LD_PRELOAD=LIBRARY, CHIRP_FAIL=call)
        assert "full" not in error and not os.path.exists("new.h5"), error
        if call == "pwrite64":
            continue
        assert "kept as new.h5.partial" in error, error
        accepts(*generate, "new.h5", "--count", "200", "--resume")
        assert os.path.exists("new.h5") and not os.path.exists("new.h5.partial")
        os.unlink("new.h5")
    for call in ("fsync", "rename"):
        error = rejects(["waveform", "--out", "w.csv"], "kept as w.csv.tmp-", LD_PRELOAD=LIBRARY, CHIRP_FAIL=call)
        kept = error.split("kept as ")[1].strip()
        accepts("waveform", "--out", "w.csv")  # removes what dead processes left, but not what was kept
        assert contents(kept) == contents("w.csv")
        os.unlink(kept)
        os.unlink("w.csv")
    assert not [name for name in os.listdir(".") if ".tmp-" in name]


def main():
    for test in (outputs_over_inputs, partial_files, failing_disk):
        folder = tempfile.mkdtemp(prefix="chirp-files-")
        os.chdir(folder)
        test()
        os.chdir("/")
        shutil.rmtree(folder)
    print("ok")


main()

"""HDF5 files that are whole but wrong: mutated checkpoints, data sets, strain files and logs, each read by a command.

hdf5.py CHIRPBENCH [FILES [SEED]]: prints how many were refused and how many accepted. It fails when the command crashes or hangs,
ends without a sentence, or opens a file that no option named; files that did it are kept. Exit 77 (skipped) without h5py."""
import collections
import ctypes
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError as missing:
    print(f"skipped: {missing}; install Debian package python3-h5py")
    sys.exit(77)

CHIRPBENCH = os.path.abspath(sys.argv[1])
FILES = int(sys.argv[2]) if len(sys.argv) > 2 else 9
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
PROCESSOR_SECONDS, PATIENCE_SECONDS = 60, 600  # a hang computes or waits for longer; machines may be busy
EVENT = ["--gps", "1126259462.4"]
# the smallest checkpoint: no optimiser's state, no averages
TRAIN = ["train", "--batch", "2", "--validation-signals", "2", "--quiet", "--optimizer", "sgd", "--average", "0"]
LIMITS = dict(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", UBSAN_OPTIONS="print_stacktrace=1")
# What sanitizers answer to a request for terabytes must be what malloc() answers.
LIMITS["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":allocator_may_return_null=1"

# file that is mutated, command that reads it
READERS = [
    ("c.h5", lambda f: ["infer", "--checkpoint", f, "--strain", "strain.hdf5", *EVENT, "--samples", "2"]),
    ("c.h5", lambda f: [*TRAIN, "--iterations", "2", "--checkpoint", f, "--resume"]),
    ("c.h5", lambda f: ["export", f, "--out", "out.net.h5", "--signals", "10", "--distance", "0"]),
    ("strain.hdf5", lambda f: ["infer", "--checkpoint", "c.h5", "--strain", f, *EVENT, "--samples", "2"]),
    ("strain.hdf5", lambda f: ["generate", "--out", "out.h5", "--overwrite", "--count", "2", "--quiet", "--noise", f]),
    ("data.h5", lambda f: [*TRAIN, "--iterations", "1", "--data", f]),
    ("data.h5", lambda f: ["generate", "--out", f, "--append", "--count", "2", "--quiet"]),
    ("data.h5", lambda f: ["infer", "--checkpoint", "c.h5", "--data", f, "--samples", "2"]),
    ("log.jsonl", lambda f: [*TRAIN, "--iterations", "2", "--checkpoint", "work.h5", "--resume", "--log", f]),
]


class Watch:
    """Whether anybody opened the files and folders that no option named (inotify)."""
    OPENED = 0x20

    def __init__(self, paths):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self.libc.inotify_init1(os.O_NONBLOCK)
        for path in paths:
            if self.descriptor < 0 or self.libc.inotify_add_watch(self.descriptor, path.encode(), self.OPENED) < 0:
                raise OSError(ctypes.get_errno(), "inotify")

    def opened(self):
        try:
            return bool(os.read(self.descriptor, 1 << 16))
        except BlockingIOError:
            return False


def run(command):
    return subprocess.run([CHIRPBENCH, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, errors="replace",
                          stdin=subprocess.DEVNULL, timeout=PATIENCE_SECONDS, env={**os.environ, **LIMITS},
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS)))


def contents(file):
    """Names of the data sets and groups, and (object, attribute) pairs."""
    sets, groups, attributes = [], ["/"], [("/", name) for name in file.attrs]

    def visit(name, item):
        (sets if isinstance(item, h5py.Dataset) else groups).append(name)
        attributes.extend((name, key) for key in item.attrs)
    file.visititems(visit)
    return sets, groups, attributes


# ---- bytes ----

def flip(path):
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        within = min(len(data), random.choice([96, 4096, len(data)]))
        for _ in range(random.randint(1, 12)):
            data[random.randrange(within)] = random.randrange(256)
        file.seek(0)
        file.write(data)
    return f"bytes below {within}"


def truncate(path):
    size = os.path.getsize(path)
    left = random.choice([random.randrange(size), size - 1, max(0, size - random.randrange(1, 2048)), random.randrange(min(size, 2048))])
    os.truncate(path, left)
    return f"cut to {left} bytes"


# ---- attributes ----

ATTRIBUTES = {
    "many": lambda f: numpy.arange(100, dtype="i8"), "very many": lambda f: numpy.full(8000, 0x4141414141414141, "i8"),
    "text": lambda f: numpy.bytes_(b"hello"), "texts": lambda f: numpy.array([b"x" * 60] * 500, "S60"),
    "long text": lambda f: numpy.bytes_(b"A" * 60000), "no text": lambda f: numpy.bytes_(b"\0"), "of any length": lambda f: "text",
    "negative": lambda f: numpy.int64(-5), "least": lambda f: numpy.int64(-2**63), "zero": lambda f: numpy.int64(0),
    "huge": lambda f: random.choice([1e18, 9.3e18, 1e300, 1e12, 2.0**53, 4e9]), "nan": lambda f: numpy.nan, "inf": lambda f: numpy.inf,
    "fraction": lambda f: 1.5, "empty": lambda f: h5py.Empty("f8"), "empty text": lambda f: h5py.Empty("S10"),
    "pair": lambda f: numpy.array([(1, 2.0)], [("a", "i4"), ("b", "f8")])[0],
    "json": lambda f: numpy.bytes_(b'{"network":"spin","variant":"last2","batch":-1,"signal":{"length":1e300}}'),
}


def attribute(path):
    with h5py.File(path, "r+") as file:
        pairs = contents(file)[2]
        name, key = random.choice(pairs)
        what = random.choice(["none", "not ended", *ATTRIBUTES])
        old = file[name].attrs[key]
        del file[name].attrs[key]
        if what == "not ended":
            text = old if isinstance(old, bytes) else str(old).encode()
            kind = h5py.h5t.C_S1.copy()
            kind.set_size(max(len(text), 1))
            kind.set_strpad(h5py.h5t.STR_NULLPAD)
            made = h5py.h5a.create(file[name].id, key.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
            made.write(numpy.array(text, f"S{max(len(text), 1)}"))
        elif what != "none":
            file[name].attrs[key] = ATTRIBUTES[what](file)
    return f"attribute {name} {key}: {what}"


# ---- data sets ----

def wide(shape, rows):
    return (rows, *shape[1:])


SHAPES = {
    "no rows": lambda s, t: dict(shape=wide(s, 0), dtype=t), "more dimensions": lambda s, t: dict(shape=(*s, 1, 1), dtype=t),
    "scalar": lambda s, t: dict(shape=(), dtype="f8"), "one": lambda s, t: dict(shape=(1,) * max(1, len(s)), dtype=t),
    "texts": lambda s, t: dict(shape=s, dtype="S8"), "integers": lambda s, t: dict(shape=s, dtype="i8"),
    "halves": lambda s, t: dict(shape=s, dtype="f2"), "pairs": lambda s, t: dict(shape=s, dtype=[("a", "i4"), ("b", "f8")]),
    "lists": lambda s, t: dict(shape=s, dtype=h5py.vlen_dtype("f4")), "turned": lambda s, t: dict(shape=tuple(reversed(s)), dtype=t),
    "terabytes": lambda s, t: dict(shape=wide(s, 2**40), dtype="f4", chunks=(16, *[max(1, n) for n in s[1:]])),
    "rows without end": lambda s, t: dict(shape=wide(s, 10**15), dtype="f4", chunks=(16, *[max(1, n) for n in s[1:]]),
                                          maxshape=wide(s, None)),
    "gigabytes of nothing": lambda s, t: dict(shape=wide(s, 2**28 if len(s) < 2 else 2**22), dtype="f4", compression="gzip",
                                              chunks=(2**10, *[max(1, min(n, 4)) for n in s[1:]])),
    "lzf": lambda s, t: dict(shape=s or (1,), dtype="f4", compression="lzf"),
}
VALUES = {"nan": numpy.nan, "inf": numpy.inf, "huge": 1e300, "negative": -1, "zero": 0}


def dataset(path):
    with h5py.File(path, "r+") as file:
        name = random.choice(contents(file)[0])
        what = random.choice([*SHAPES, *VALUES, "none", "group", "empty"])
        old = file[name]
        shape, kind, attributes = old.shape, old.dtype, dict(old.attrs)
        if what in VALUES:
            if kind.kind in "fiu" and shape is not None:
                with numpy.errstate(all="ignore"):
                    changed = numpy.array(old[()], dtype="f8")
                    changed.flat[random.randrange(max(1, changed.size))] = VALUES[what]
                    old[...] = changed.astype(kind)
            return f"data set {name}: {what}"
        del file[name]
        if what == "none":
            return f"data set {name}: none"
        if what == "group":
            new = file.create_group(name)
        elif what == "empty":
            new = file.create_dataset(name, data=h5py.Empty("f8"))
        else:
            new = file.create_dataset(name, **SHAPES[what](shape or (1,), kind))
        for key, value in attributes.items():
            new.attrs[key] = value
    return f"data set {name}: {what}"


# ---- other files ----

def elsewhere(path):
    """A data set whose numbers are in another file, or nowhere."""
    with h5py.File(path, "r+") as file:
        name = random.choice(contents(file)[0])
        shape, attributes = file[name].shape or (1,), dict(file[name].attrs)
        del file[name]
        what = random.choice(["external storage", "virtual", "virtual, of itself", "link", "link to itself", "link to nothing", "root"])
        if what == "external storage":
            file.create_dataset(name, shape, "f4", external=[(os.path.abspath("secret.raw"), 0, h5py.h5f.UNLIMITED)])
        elif what.startswith("virtual"):
            source = os.path.abspath("secret.h5") if what == "virtual" else "."
            layout = h5py.VirtualLayout(shape, "f4")
            layout[...] = h5py.VirtualSource(source, name, shape)
            file.create_virtual_dataset(name, layout)
        elif what == "link":
            file[name] = h5py.ExternalLink(os.path.abspath("secret.h5"), "/" + name)
        elif what.startswith("link"):
            file[name] = h5py.SoftLink("/" + name if what == "link to itself" else "/nowhere")
        else:
            file[name] = file["/"]
        if isinstance(file.get(name, getlink=True), h5py.HardLink) and what != "root":
            for key, value in attributes.items():
                file[name].attrs[key] = value
    return f"data set {name}: {what}"


def filtered(path):
    """A filter that no library has: HDF5 would look for it among its plugins, and run what it finds there."""
    with h5py.File(path, "r+") as file:
        name = random.choice(contents(file)[0])
        shape = file[name].shape or (1,)
        del file[name]
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk(tuple(max(1, min(n, 64)) for n in shape))
        plan.set_filter(305, h5py.h5z.FLAG_OPTIONAL, (1,))
        grow = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        grow.set_create_intermediate_group(True)
        h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(shape), plan, grow)
    return f"data set {name}: filter 305"


MUTATIONS = [flip, truncate, attribute, attribute, attribute, dataset, dataset, dataset, elsewhere, elsewhere, filtered]


def mutate(path):
    choices = MUTATIONS if path.endswith("h5") or path.endswith("hdf5") else [flip, truncate]
    while True:
        try:
            return random.choice(choices)(path)
        except (IndexError, KeyError, TypeError, ValueError, RuntimeError, OSError):
            return None  # this file has nothing of the kind, or HDF5 itself refuses


def judge(command, watch):
    """("refused" or "accepted", None), or what went wrong and the command's words."""
    try:
        done = run(command)
    except subprocess.TimeoutExpired:
        return "hang", ""
    words = done.stderr
    if "Sanitizer" in words or "runtime error" in words:
        return "sanitizer", words
    if done.returncode not in (0, 1, 2):
        return f"exit code {done.returncode}", words
    if watch.opened():
        return "another file was opened", words
    if done.returncode != 0 and "chirpbench: " not in words:
        return "no sentence", words
    return "refused" if done.returncode else "accepted", None


def prepare():
    for command in (["generate", "--strain", "strain.hdf5", "--quiet"], ["generate", "--out", "data.h5", "--count", "8", "--quiet"],
                    [*TRAIN, "--iterations", "1", "--checkpoint", "c.h5", "--log", "log.jsonl"]):
        done = run(command)
        assert done.returncode == 0, (command, done.stderr)
    numpy.full(1 << 16, 0.25, "<f4").tofile("secret.raw")
    shutil.copy("c.h5", "secret.h5")
    os.mkdir("plugins")
    LIMITS["HDF5_PLUGIN_PATH"] = os.path.abspath("plugins")
    return Watch([os.path.abspath(name) for name in ("secret.raw", "secret.h5", "plugins")])


def copy(kind, path):
    """A fresh file to mutate; what the commands before it wrote goes away."""
    for name in os.listdir("."):
        if name.startswith(("m-", "out.", "work.")):
            os.unlink(name)
    shutil.copy(kind, path)
    if kind == "log.jsonl":
        shutil.copy("c.h5", "work.h5")


def main(kept):
    random.seed(SEED)
    numpy.random.seed(SEED % 2**32)
    count = collections.Counter()
    watch = prepare()
    for kind, command in READERS:  # every command reads its file before it is mutated
        copy(kind, "m-" + kind)
        outcome, words = judge(command("m-" + kind), watch)
        assert outcome == "accepted", (command(kind), outcome, run(command("m-" + kind)).stderr)
    i = 0
    while i < FILES:
        kind, command = READERS[i % len(READERS)]
        path = f"m-{kind}"
        copy(kind, path)
        what = mutate(path)
        if not what:
            continue
        shutil.copy(path, "mutated")
        watch.opened()  # by the mutator itself
        outcome, words = judge(command(path), watch)
        count["refused" if outcome == "refused" else "accepted" if outcome == "accepted" else "wrong"] += 1
        if words is not None:
            name = os.path.join(kept, f"chirp-hdf5-{SEED}-{i}-{kind}")
            shutil.copy("mutated", name)
            print(f"{outcome}: {' '.join(command(name))}\n    {what}\n    {words.strip()[-2000:]}", flush=True)
        i += 1
        if i % 100 == 0:
            print(f"{i} files: {dict(count)}", flush=True)
    print(f"seed {SEED}: {FILES} mutated files: {count['refused']} refused, {count['accepted']} accepted, {count['wrong']} neither")
    return 1 if count["wrong"] else 0


with tempfile.TemporaryDirectory(prefix="chirp-hdf5-") as folder:
    here = os.getcwd()
    os.chdir(folder)
    code = main(here)
    os.chdir("/")
sys.exit(code)

#!/usr/bin/env python3
"""Includes of the product point down, and nothing knows each other in a circle.

Usage: test_includes.py ROOT. Reads every #include "..." of harness, kernels, model, suites and reports. Three rules:
  1. a room includes only the rooms that MAY_USE names for it;
  2. no circle of files, where NAME.c, NAME.h and NAME_internal.h are one;
  3. no circle of folders.
"""
import os
import re
import sys
import tempfile

# what a room may include besides itself
MAY_USE = {
    "harness/base": [],
    "harness": ["harness/base"],
    "kernels": ["harness/base"],
    "model": ["harness/base", "harness", "kernels"],
    "reports": ["harness/base", "harness"],
    "suites": ["harness/base", "harness", "kernels", "model", "reports"],
}
# Circles that are known and not yet opened, each by one of its members. Empty this list; add nothing to it.
KNOWN = ["kernels/random/random_words", "model/training/config"]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def room(path):
    """The room of a path: the longest name in MAY_USE that it starts with, or None."""
    return max((r for r in MAY_USE if path.startswith(r + "/")), key=len, default=None)


def read_includes(root):
    """{file: [included file]} of the product, paths relative to root; generated headers are left out."""
    includes = {}
    for top in sorted({r.split("/")[0] for r in MAY_USE}):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                if not name.endswith((".c", ".h")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), root)
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    includes[path] = INCLUDE.findall(file.read())
    return includes


def wrong_ways(includes):
    """Sentences about includes that point up or aside, or at nothing."""
    out = []
    for path, targets in sorted(includes.items()):
        for target in targets:
            if target not in includes:
                out.append(f"{path} includes {target}, which is no file of the product (write the path from the top folder)")
            elif room(target) != room(path) and room(target) not in MAY_USE[room(path)]:
                out.append(f"{path} includes {target}: {room(path)} may use only {MAY_USE[room(path)] or 'itself'}")
    return out


def unit(path):
    """NAME.c, NAME.h and NAME_internal.h are one."""
    stem = os.path.splitext(path)[0]
    return stem[: -len("_internal")] if stem.endswith("_internal") else stem


def circles(includes, name):
    """Groups of two and more that reach each other, where name(path) says what a file belongs to (Tarjan 1972)."""
    graph = {}
    for path, targets in includes.items():
        edges = graph.setdefault(name(path), set())
        edges.update(name(t) for t in targets if t in includes and name(t) != name(path))
    index, low, stack, groups = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                groups.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return groups


def findings(root):
    includes = read_includes(root)
    out = wrong_ways(includes)
    for what, name in (("files", unit), ("folders", os.path.dirname)):
        for group in circles(includes, name):
            if not any(k in group for k in KNOWN):
                out.append(f"{what} in a circle: " + ", ".join(group))
    return out, len(includes)


def check_itself():
    """A tree with one fault of each kind has exactly these findings."""
    files = {
        "harness/base/a.h": "",
        "harness/base/a.c": '#include "harness/base/a.h"\n#include "harness/json/j.h"\n',  # points up
        "harness/json/j.h": '#include "harness/base/a.h"\n',
        "kernels/x/one.c": '#include "kernels/x/one.h"\n#include "kernels/x/one_internal.h"\n',
        "kernels/x/one.h": '#include "kernels/x/two.h"\n',
        "kernels/x/one_internal.h": '#include "kernels/x/one.h"\n',  # no circle: one and the same
        "kernels/x/two.h": "",
        "kernels/x/two.c": '#include "kernels/x/one.h"\n',  # a circle of one and two
        "reports/r.c": '#include "model/m.h"\n#include "gone.h"\n',  # points aside, and at nothing
        "model/m.h": "",
    }
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        out, count = findings(root)
    assert count == len(files), count
    for words in ("harness/base/a.c includes harness/json/j.h", "reports/r.c includes model/m.h", "includes gone.h",
                  "files in a circle: kernels/x/one, kernels/x/two", "folders in a circle: harness/base, harness/json"):
        assert sum(words in line for line in out) == 1, (words, out)
    assert len(out) == 6, out  # the include that points up closes a circle of files as well


def main():
    check_itself()
    out, count = findings(sys.argv[1])
    assert count > 100, f"{sys.argv[1]}: only {count} sources found"
    for line in out:
        print("FAIL:", line)
    print(f"{count} files, {len(out)} findings")
    return 1 if out else 0


if __name__ == "__main__":
    sys.exit(main())

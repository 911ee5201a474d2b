#!/usr/bin/env python3
"""Pages stay short, and their links lead somewhere.

Usage: test_texts.py ROOT. A folder's README.md has at most 25 lines, the one of the root 100. A link to a file of the project must name one
that exists. Words that GLOSSARY.md replaced don't come back into READMEs.
"""
import os
import re
import sys

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SKIP = {".git", "build", "study"}
# private word: what GLOSSARY.md says instead
WORDS = {"price in signals": "sample cost", "study mode": "Horovod mode", "study's mode": "Horovod mode", "acted out": "emulated",
         "there and back": "in forward and reverse order", "fresh noise": "step-to-step noise", "rung": "step of the ablation"}


def pages(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIP and not f.startswith("build-"))
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.join(folder, name)


def findings(root):
    out = []
    for page in pages(root):
        here = os.path.relpath(page, root)
        with open(page, encoding="utf-8") as file:
            text = file.read()
        lines, most = text.count("\n"), 100 if here == "README.md" else 25
        if os.path.basename(page) == "README.md" and lines > most:
            out.append(f"{here}: {lines} lines are more than {most}; move measurements to reports/measurements")
        for target in LINK.findall(text):
            if "://" not in target and not os.path.exists(os.path.join(os.path.dirname(page), target)):
                out.append(f"{here}: link to {target}, which does not exist")
        if os.path.basename(page) == "README.md":
            for word, instead in WORDS.items():
                if re.search(r"\b" + re.escape(word) + r"\b", text):
                    out.append(f"{here}: '{word}' is '{instead}' (GLOSSARY.md)")
    return out


def main():
    out = findings(sys.argv[1])
    for line in out:
        print("FAIL:", line)
    return 1 if out else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""No function of the product has more than 60 lines or more than eight parameters.

Usage: test_functions.py ROOT. Reads every .c and .h file of harness, kernels, model, suites and reports. A function's
lines are counted from its name to its closing brace; comment lines, blank lines and the entries of tables (lines inside the
braces of an initialiser) don't count.
"""
import os
import re
import sys

LINES, PARAMETERS = 60, 8
ROOMS = ["harness", "kernels", "model", "suites", "reports"]
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
HEAD = re.compile(r"(\w+)\s*\(([^{};]*)\)\s*\{\s*$")
NO_FUNCTION = {"if", "for", "while", "switch", "sizeof", "return", "defined"}


def code_only(text):
    """The text with comments, strings and preprocessor lines blanked; lines stay where they are."""
    text = NOT_CODE.sub(lambda m: re.sub(r"[^\n]", " " if m[0][0] == "/" else "_", m[0]), text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.MULTILINE)


def parameters(text):
    """How many parameters stand in the text between the parentheses of a head."""
    depth, commas = 0, 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        commas += c == "," and depth == 0
    return 0 if text.strip() in ("", "void") else commas + 1


def closing(text, at):
    """Where the brace that opens at `at` closes."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return i
    return len(text)


def counted(body):
    """Lines of a body that count."""
    tables = []
    for m in re.finditer(r"=\s*\{", body):
        start = m.end() - 1
        tables.append((start, closing(body, start)))
    lines, position = 0, 0
    for line in body.split("\n"):
        in_table = any(a < position and position + len(line) <= b for a, b in tables)
        lines += bool(line.strip()) and not in_table
        position += len(line) + 1
    return lines


def functions(text):
    """(name, line, lines that count, parameters) of each function that the text defines."""
    code = code_only(text)
    at, begin = 0, 0
    while (at := code.find("{", at)) >= 0:
        end = closing(code, at)
        # the head is what stands since the last end of a declaration or body
        begin = max(code.rfind(";", 0, at), code.rfind("}", 0, at)) + 1
        head = HEAD.search(code[begin:at + 1])
        if head and head[1] not in NO_FUNCTION:
            name_at = begin + opening_name(code[begin:at + 1])
            found = re.match(r"(\w+)\s*\(", code[name_at:])
            inside = code[name_at + found.end():at].rstrip()[:-1]
            yield found[1], code.count("\n", 0, name_at) + 1, counted(code[name_at:end + 1]), parameters(inside)
        at = end + 1


def opening_name(head):
    """Where the name of the function stands: before the parenthesis that matches the last one."""
    depth = 0
    for i in range(head.rfind(")"), -1, -1):
        depth += (head[i] == ")") - (head[i] == "(")
        if depth == 0:
            return re.search(r"\w+\s*$", head[:i]).start()
    return 0


def check_itself():
    """The reader against a text with the traps."""
    text = '''
/* not_a_function(void) { */
struct s { int a; };
static const int t[] = {1, 2};
#define M(a) \\
    do { x(a); } while (0)
static int one(int a, void (*f)(int, int), const char *s)
{
    static const int table[] = {
        1,
        2,
    };
    // a comment

    if (a) { return s[0] == '{'; }
    return 0;
}
void two(void) {}
'''
    assert list(functions(text)) == [("one", 7, 7, 3), ("two", 18, 1, 0)], list(functions(text))


def main():
    check_itself()
    root = sys.argv[1]
    wrong, n = [], 0
    for room in ROOMS:
        for folder, _, names in sorted(os.walk(os.path.join(root, room))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                if not name.endswith((".c", ".h")):
                    continue
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    for function, line, lines, takes in functions(file.read()):
                        n += 1
                        if lines > LINES or takes > PARAMETERS:
                            wrong.append(f"{path}:{line}: {function} has {lines} lines and {takes} parameters "
                                         f"(at most {LINES} and {PARAMETERS}): split it")
    print("\n".join(wrong or [f"{n} functions"]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

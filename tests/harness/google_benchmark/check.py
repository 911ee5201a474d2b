"""Compares the keys, their order and their types in two result files: Google Benchmark's and ours."""
import json
import sys

# what only our rows have; everything else must be as the real library writes it
OUR_ROW_KEYS = {"real_time_ci_low", "real_time_ci_high", "real_time_mad", "ci_confidence", "outliers", "autocorrelation",
                "real_time_fastest"}


def kind(value):
    return type(value).__name__


def rows_by_role(document):
    roles = {}
    for row in document["benchmarks"]:
        role = "error" if row.get("error_occurred") else row.get("aggregate_name", row["run_type"])
        roles.setdefault(role, row)
    return roles


def main(theirs_path, ours_path):
    with open(theirs_path, encoding="utf-8") as file:
        theirs = json.load(file)
    with open(ours_path, encoding="utf-8") as file:
        ours = json.load(file, parse_constant=lambda word: sys.exit(f"{ours_path}: holds {word}"))
    assert list(theirs) == list(ours) == ["context", "benchmarks"], (list(theirs), list(ours))
    known = [key for key in ours["context"] if key in theirs["context"]]
    assert known == list(theirs["context"]), (known, list(theirs["context"]))
    for key in known:
        assert kind(theirs["context"][key]) == kind(ours["context"][key]), key
    for cache in ours["context"]["caches"]:
        assert list(cache) == ["type", "level", "size", "num_sharing"], cache
        assert [kind(v) for v in cache.values()] == ["str", "int", "int", "int"], cache
    their_roles, our_roles = rows_by_role(theirs), rows_by_role(ours)
    assert set(their_roles) == set(our_roles), (set(their_roles), set(our_roles))
    assert {"error", "iteration", "mean", "median", "stddev", "cv"} <= set(our_roles), set(our_roles)
    for role, want in their_roles.items():
        got = {key: value for key, value in our_roles[role].items() if key not in OUR_ROW_KEYS}
        assert list(got) == list(want), f"{role}: ours {list(got)} theirs {list(want)}"
        for key, value in want.items():
            assert kind(value) == kind(got[key]), f"{role}: {key} is {kind(got[key])}, theirs {kind(value)}"
    assert len(theirs["benchmarks"]) == len([r for r in ours["benchmarks"] if not r.get("error_occurred")]) + \
        len([r for r in theirs["benchmarks"] if r.get("error_occurred")]), "rows of good benchmarks"
    print(f"{len(our_roles)} kinds of rows agree in keys, order and types")


main(*sys.argv[1:])

#!/usr/bin/env python3
"""Is a file a Chrome trace that chrome://tracing and Perfetto draw, with all ranks on one clock?

Usage: check_timeline.py FILE RANKS

After "Trace Event Format" (the Chromium project's document): which fields a complete event (X) and metadata (M) must have,
and that events of one track nest. Beyond the format: an allreduce can't end anywhere before it has begun everywhere.
"""
import json
import sys

METADATA = {"process_name": "name", "process_sort_index": "sort_index", "process_labels": "labels", "thread_name": "name",
            "thread_sort_index": "sort_index"}
ROUNDING_US = 0.01  # times are written with three decimals


def check_fields(trace):
    assert isinstance(trace, dict) and trace["displayTimeUnit"] in ("ms", "ns"), trace.keys()
    for event in trace["traceEvents"]:
        assert isinstance(event["name"], str) and event["name"], event
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int), event
        if event["ph"] == "M":
            value = event["args"][METADATA[event["name"]]]
            assert isinstance(value, int if METADATA[event["name"]] == "sort_index" else str), event
        else:
            assert event["ph"] == "X" and isinstance(event["cat"], str), event
            assert event["ts"] >= 0 and event["dur"] >= 0, event


def check_names(events, ranks):
    """A process for each rank, a name for each of them and for each track that has events."""
    names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    assert names == {rank: f"rank {rank}" for rank in range(ranks)}, names
    tracks = {(event["pid"], event["tid"]) for event in events if event["name"] == "thread_name"}
    used = {(event["pid"], event["tid"]) for event in events if event["ph"] == "X"}
    assert used == tracks, used ^ tracks
    labels = [event["args"]["labels"] for event in events if event["name"] == "process_labels"]
    assert len(labels) == ranks and all("clock" in label for label in labels), labels


def check_nesting(events):
    """Events of a track nest or follow each other; anything else a viewer draws wrongly or drops."""
    tracks = {}
    for event in events:
        if event["ph"] == "X":
            tracks.setdefault((event["pid"], event["tid"]), []).append(event)
    for track in tracks.values():
        open_ends = []
        for event in sorted(track, key=lambda e: (e["ts"], -e["dur"])):
            start, end = event["ts"], event["ts"] + event["dur"]
            while open_ends and open_ends[-1] <= start + ROUNDING_US:
                open_ends.pop()
            assert not open_ends or end <= open_ends[-1] + ROUNDING_US, event
            open_ends.append(end)


def clock_error_us(events):
    """Twice the worst uncertainty that ranks give for their clocks."""
    labels = [event["args"]["labels"] for event in events if event["name"] == "process_labels"]
    return 2 * max(float(label.split()[-2]) for label in labels)


def check_clock(events, ranks):
    """A bucket is under way on all ranks at once: it ends nowhere before the last rank has sent its part."""
    error = clock_error_us(events) + ROUNDING_US
    buckets = {}
    for event in events:
        if event["ph"] == "X" and event["cat"] == "communication":
            buckets.setdefault(event["name"], []).append(event)
    assert buckets or ranks == 1, "no bucket"
    for name, parts in buckets.items():
        assert sorted(part["pid"] for part in parts) == list(range(ranks)), (name, parts)
        begun = max(part["ts"] for part in parts)
        ended = min(part["ts"] + part["dur"] for part in parts)
        assert begun <= ended + error, (name, begun, ended, error)


def check_step(events, ranks):
    """Each rank's first track is one step, from input to sums, whose parts don't overlap; the optimiser's updates are within
    the wait. Between parts a busy machine may take the processor, so that only most of the step is held to be in parts."""
    for rank in range(ranks):
        track = sorted((e for e in events if e["ph"] == "X" and e["pid"] == rank and e["tid"] == 0), key=lambda e: e["ts"])
        names = [event["name"] for event in track]
        assert "input" in names and names[-1] == "sums over ranks", names
        assert ("optimizer" if ranks == 1 else "update 0") in names, names
        whole = track[-1]["ts"] + track[-1]["dur"] - track[0]["ts"]
        parts = [event["dur"] for event in track if not event["name"].startswith("update ")]
        assert 0.5 * whole < sum(parts) < 1.001 * whole + ROUNDING_US, (rank, whole, track)


def check(path, ranks):
    with open(path) as file:
        trace = json.load(file)
    check_fields(trace)
    events = trace["traceEvents"]
    check_names(events, ranks)
    check_nesting(events)
    check_clock(events, ranks)
    check_step(events, ranks)
    return events


if __name__ == "__main__":
    check(sys.argv[1], int(sys.argv[2]))

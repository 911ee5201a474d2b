#!/usr/bin/env python3
"""Lines of the MLPerf logging format: what its parsers and checkers ask of public logs holds for train and scale.

Usage: test_mllog.py CHIRPBENCH MPIEXEC
"""
import json
import os
import subprocess
import sys
import tempfile

CHIRPBENCH, MPIEXEC = sys.argv[1:3]
TOKEN = ":::MLLOG "
EVENTS = {"start": "INTERVAL_START", "stop": "INTERVAL_END"}


def run(args, code=0, ranks=0):
    command = ([MPIEXEC, "-n", str(ranks)] if ranks else []) + [CHIRPBENCH] + args
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=240)
    assert result.returncode == code, f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def parse(text):
    """Every line of the format, with its members, times that never fall, and intervals that end before they start again."""
    lines = [json.loads(line[len(TOKEN):]) for line in text.splitlines() if line.startswith(TOKEN)]
    under_way = set()
    for line in lines:
        assert list(line) == ["namespace", "time_ms", "event_type", "key", "value", "metadata"], line
        assert isinstance(line["time_ms"], int) and isinstance(line["metadata"], dict), line
        what, _, edge = line["key"].rpartition("_")
        assert line["event_type"] == EVENTS.get(edge, "POINT_IN_TIME"), line
        if edge == "start":
            assert what not in under_way, line
            under_way.add(what)
        elif edge == "stop":
            under_way.remove(what)
    times = [line["time_ms"] for line in lines]
    assert times == sorted(times) and 1.5e12 < times[0], times
    assert not under_way, under_way
    return lines


def values(lines, key):
    return [line["value"] for line in lines if line["key"] == key]


def one(lines, key):
    found = values(lines, key)
    assert len(found) == 1, (key, found)
    return found[0]


def check_head(lines):
    keys = [line["key"] for line in lines]
    assert keys[0] == "init_start" and keys[-1] == "run_stop", keys
    assert keys.index("init_stop") < keys.index("run_start"), keys
    assert one(lines, "submission_division") == "open" and one(lines, "submission_status") == "research"
    assert one(lines, "submission_org") and one(lines, "submission_platform") and one(lines, "submission_benchmark")


def train(folder):
    path, log, checkpoint = folder + "/t.mllog", folder + "/t.jsonl", folder + "/t.h5"
    common = ["train", "--preset", "study", "--network", "spin", "--seed", "5", "--batch", "1", "--accumulate", "2", "--iterations", "5",
              "--validation-signals", "8", "--validate-every", "2", "--quiet", "--checkpoint", checkpoint]
    run(common + ["--mllog", path, "--log", log], ranks=2)
    with open(path) as file:
        lines = parse(file.read())
    check_head(lines)
    assert one(lines, "global_batch_size") == 4 and one(lines, "gradient_accumulation_steps") == 2
    assert one(lines, "number_of_ranks") == 2 and one(lines, "seed") == 5 and one(lines, "opt_name") == "adam"
    assert one(lines, "opt_base_learning_rate") == 0.0008 and one(lines, "train_samples") == 20 and one(lines, "eval_samples") == 8
    # checks after 2, 4 and all 5 steps; each sees what the run's own log says
    epochs = [(line["key"], line["metadata"]["epoch_num"], line["metadata"]["step_num"]) for line in lines
              if line["key"].startswith("epoch")]
    assert epochs == [("epoch_start", 1, 0), ("epoch_stop", 1, 2), ("epoch_start", 2, 2), ("epoch_stop", 2, 4),
                      ("epoch_start", 3, 4), ("epoch_stop", 3, 5)], epochs
    with open(log) as file:
        own = [json.loads(line) for line in file]
    errors = [line["validation_relative_error"]["mean"] for line in own if "validation_relative_error" in line]
    assert len(errors) == 3 and all(abs(a + b) <= 1e-12 * b for a, b in zip(values(lines, "eval_accuracy"), errors)), errors
    assert lines[-1]["metadata"]["status"] == "aborted" and lines[-1]["metadata"]["step_num"] == 5, lines[-1]
    # a run that exists is not written over; a resume follows it
    refused = run(common + ["--mllog", path, "--checkpoint", folder + "/other.h5"], code=2)
    assert path in refused.stderr and "--resume" in refused.stderr, refused.stderr
    before = os.path.getsize(path)
    run(common + ["--mllog", path, "--resume"], ranks=2)
    with open(path) as file:
        file.seek(before)
        check_head(parse(file.read()))


def target(folder):
    """On stdout between other lines; whether the target was reached is up to the network."""
    out = run(["train", "--preset", "study", "--network", "spin", "--batch", "1", "--iterations", "3", "--target-error", "1",
               "--validation-signals", "8", "--validate-every", "1", "--quiet", "--mllog", "-"]).stdout
    lines = parse(out)
    assert one(lines, "target_error") == 1
    assert lines[-1]["metadata"]["status"] == ("success" if "target reached at" in out else "aborted"), out
    assert lines[-1]["metadata"]["end"] in out, out


def scale(folder):
    path, result = folder + "/s.mllog", folder + "/s.json"
    run(["scale", "--ranks", "1,2", "--threads", "1", "--batch", "2", "--accumulate", "2", "--repetitions", "2", "--steps", "1", "--json", result,
         "--mllog", path], ranks=2)
    with open(path) as file:
        lines = parse(file.read())
    check_head(lines)
    with open(result) as file:
        rows = json.load(file)["rows"]
    stats = [line for line in lines if line["key"] == "tracked_stats"]
    assert len(stats) == len(rows) == 2
    for line, row in zip(stats, rows):
        assert line["metadata"]["number_of_ranks"] == row["ranks"] and line["metadata"]["global_batch_size"] == 4 * row["ranks"], line
        assert abs(line["value"]["throughput"] / row["signals_per_second"] - 1) < 1e-9, (line, row)
        assert abs(line["value"]["seconds_per_step"] / row["seconds_per_step"] - 1) < 1e-9, (line, row)
    assert lines[-1]["metadata"]["status"] == "success"
    assert "no/such" in run(["scale", "--mllog", folder + "/no/such.log"], code=2).stderr


with tempfile.TemporaryDirectory() as scratch:
    train(scratch)
    target(scratch)
    scale(scratch)
print("mllog: train, resume, scale: all passed")

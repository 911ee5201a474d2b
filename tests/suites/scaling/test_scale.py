#!/usr/bin/env python3
"""chirpbench scale and project as a user types them, on small cases.

Usage: test_scale.py CHIRPBENCH MPIEXEC SLOW_RANK ACT_OUT [TEST...]     the last two: programs of slow_rank.c and act_out.c
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import check_timeline

CHIRPBENCH, MPIEXEC, SLOW_RANK, ACT_OUT = sys.argv[1:5]
ONLY = sys.argv[5:]
TERMS = ["compute", "exposed_communication", "control", "waiting", "input", "optimizer", "other"]


def run(args, code=0, ranks=0, env=None, slow=0):
    """With `slow` the last rank takes that many times as long for what it computes (chirpbench scale only)."""
    command = ([MPIEXEC, "-n", str(ranks - (slow > 0))] if ranks else []) + [CHIRPBENCH] + args
    if slow:
        command += [":", "-n", "1", SLOW_RANK, str(slow)] + args[1:]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=240, env=dict(os.environ, **(env or {})))
    assert result.returncode == code, f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def act_out(args, ranks):
    command = [MPIEXEC, "-n", str(ranks), ACT_OUT] + args
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                            stdin=subprocess.DEVNULL, timeout=240)
    assert result.returncode == 0, f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}{result.stderr}"


def one_line(result, part):
    lines = [line for line in result.stderr.splitlines() if line.startswith("chirpbench:")]
    assert len(lines) == 1 and part in lines[0], result.stderr


def check_rows(data, ranks, strong):
    """Every series: one row for each rank count, terms and points that add up."""
    for series in data["series"]:
        rows = [row for row in data["rows"] if all(row[key] == series[key] for key in ("threads", "variational"))]
        check_series(data, rows, ranks, strong)
    assert len(data["rows"]) == len(data["series"]) * len(ranks)


def check_series(data, rows, ranks, strong):
    assert [row["ranks"] for row in rows] == ranks, rows
    one = rows[0]
    assert one["efficiency"] == 1 and one["waiting"] == 0 and one["exposed_communication"] == 0
    for row in rows:
        step = row["seconds_per_step"]
        assert abs(sum(row[term] for term in TERMS) - step) < 1e-9 * step, row
        budget = row["loss_budget_points"]
        parts = sum(value for key, value in budget.items() if key != "sum")
        assert abs(parts - budget["sum"]) < 1e-6 and abs(budget["sum"] - 100 * (1 - row["efficiency"])) < 1e-6, budget
        low, high = row.get("interval_95", 2 * [row["efficiency"]])  # none of one repetition
        assert low <= row["efficiency"] <= high, row
        times = zip(one["repetition_seconds_per_step"], row["repetition_seconds_per_step"])
        pairs = [alone / together / (row["ranks"] if strong else 1) for alone, together in times]
        assert min(pairs) - 1e-9 <= low and high <= max(pairs) + 1e-9 and len(pairs) == data["repetitions"], row
        assert row["batch_per_rank"] * (row["ranks"] if strong else 1) == data["batch"]
        counters, last = row["counters"], row["repetition_seconds_per_step"][-1]
        assert all("absent" in c or c["min"] <= c["mean"] <= c["max"] for c in counters.values()), counters
        # of each rank, per step of the last repetition: it worked, and no longer than its threads had, twice for the rest
        clock = counters["task-clock-ns"]
        assert 0 < clock["min"] and clock["max"] < 2e9 * row["threads"] * last, (clock, last)
    for row in rows[1:]:
        budget = row["loss_budget_points"]
        assert budget["compute_imbalance"] >= 0 and budget["waiting_for_slowest"] >= 0, budget
        assert row["communication_alone_bytes"] == row["bytes_per_step"], row  # measured alone is what a step sends
        assert row["waiting"] >= 0 and row["exposed_communication"] > 0 and row["bytes_per_step"] > 1.4e7, row
        inside = sum(call["seconds"] for call in row["mpi_calls"])
        assert abs(inside - row["mpi_communication_seconds"]) < 1e-9 and 0 < inside < row["mpi_elapsed_seconds"], row
        sent = sum(call["bytes"] * call["calls_per_step"] for call in row["mpi_calls"] if "(" in call["call"])
        assert sent >= row["bytes_per_step"], row["mpi_calls"]


def this_machine_from_measurement_to_projection(folder):
    """Two files from a measurement; rows projected to them, emulated by real ranks, and compared with the training."""
    machine, result = folder + "/here.json", folder + "/p.json"
    out = run(["scale", "--ranks", "1,2,3", "--batch", "2", "--repetitions", "2", "--steps", "2", "--threads", "1",
               "--machine-out", machine], ranks=3)
    assert "held out" in out.stdout and os.path.exists(folder + "/here.xml"), out.stdout
    with open(machine) as file:
        values = json.load(file)["values"]
    assert all(value["kind"] in ("measured", "derived") for value in values.values()), values
    act_out(["--machine", machine, "--nodes", "2,3", "--batch", "2", "--compute", "50", "--jitter", "0.2", "--steps", "4",
             "--check-times"], ranks=3)
    run(["project", "--machine", machine, "--nodes", "1,2,3", "--exchange", "halving", "--shares", "measured", "--json",
         result])
    with open(result) as file:
        data = json.load(file)
    assert data["exchange"] == "halving" and data["shares"] == "measured"
    assert all(row["exposed_allreduce"] > 0 for row in data["rows"][1:]), data["rows"]
    one_line(run(["scale", "--machine-out", folder + "/here.txt"], code=2, ranks=2), "here.txt")
    one_line(run(["scale", "--machine-out", folder + "/solo.json", "--batch", "1", "--steps", "1", "--repetitions", "1"],
                 code=2), "mpiexec -n 2")


def what_is_acted_out_is_what_is_projected(folder):
    """The exchange's own count of bytes against the projection's, which act_out compares: floats, and half of them."""
    for options in ([], ["--bf16"], ["--exchange", "halving"], ["--exchange", "horovod"]):
        act_out(["--nodes", "2", "--compute", "50000", "--steps", "2", "--closed-form"] + options, ranks=2)


def weak_with_a_slow_rank(folder):
    result, trace, profile = folder + "/s.json", folder + "/t.json", folder + "/p.json"
    out = run(["scale", "--mode", "weak", "--batch", "2", "--repetitions", "3", "--steps", "2", "--json", result,
               "--timeline", trace, "--profile", profile], ranks=2, slow=8)
    with open(result) as file:
        data = json.load(file)
    assert data["mode"] == "weak" and data["exchange"] == "overlap"
    check_rows(data, [1, 2], False)
    slowest = data["rows"][1]["slowest_rank"]
    assert slowest["rank"] == 1 and slowest["share_of_steps_last"] > 0.5 and slowest["mean_lateness"] > 0, slowest
    assert ("rank 1 is slow" in out.stdout) == any("rank 1 is slow" in note for note in data["notes"]) == slowest["slow"]
    events = check_timeline.check(trace, 2)
    for rank in (0, 1):
        names = {event["name"] for event in events if event["pid"] == rank}
        assert {"forward", "update 0", "wait", "bucket 0", "root/conv4/weight"} <= names, names
    # the measured layer times feed a projection
    rows = folder + "/rows.json"
    run(["project", "--machine", "hdr_fat_tree", "--nodes", "1,4", "--profile", profile, "--compute", "measured",
         "--json", rows])
    with open(rows) as file, open(profile) as layers:
        data, measured = json.load(file), json.load(layers)
    total = measured["forward_s"] + sum(layer["backward_s"] for layer in measured["layers"])
    assert abs(data["rows"][0]["compute"] - total * 64 / 2) < 1e-6 * total * 64, data["rows"][0]


def ablation_starts_and_ends_where_project_does(folder):
    """Its first and last lines are rows of `project` with the same options, bands included; what it builds on costs no signals."""
    result, row = folder + "/ablation.json", folder + "/row.json"
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../suites/scaling/ablation.py")
    for machine, chosen in (("theta", ["--batch", "16", "--compute", "slow"]), ("hal", [])):
        nodes = ["--machine", machine, "--nodes", "16"]
        done = subprocess.run([sys.executable, script, CHIRPBENCH, "--quick", "--json", result] + nodes + chosen,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=240, check=False)
        assert done.returncode == 0 and "published implementation" in done.stdout, done.stdout + done.stderr
        with open(result) as file:
            lines = json.load(file)["ablation"]
        assert all(line["sample_cost"] == "none" for line in lines if not line["left_out"]), lines
        assert all(line["band"][0] <= line["efficiency"] <= line["band"][1] <= 1 for line in lines), lines
        for line, options in ((lines[0], ["horovod"]), (lines[-1], ["halving", "--shares", "measured"])):
            run(["project", "--engine", "closed_form", "--json", row] + nodes + chosen + ["--exchange"] + options)
            with open(row) as file:
                want = json.load(file)["rows"][0]
            assert abs(want["efficiency"] - line["efficiency"]) < 1e-9 and want["efficiency_band"] == line["band"], (want, line)
    done = subprocess.run([sys.executable, script, CHIRPBENCH, "--quick", "--machine", "nowhere.json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "nowhere.json" in done.stderr, done.stderr


def jobs_on_more_nodes_are_predicted(folder):
    """Training and evaluation of a program that was measured elsewhere; wrong combinations are one line, before any table."""
    here = os.path.dirname(os.path.abspath(__file__))
    jobs, result = os.path.join(here, "../../../suites/scaling/predictions/cori_knl_cosmoflow_512.json"), folder + "/p.json"
    for workload in ("cosmoflow", "cosmoflow_evaluation"):
        out = run(["project", "--machine", "cori_knl", "--workload", workload, "--calibrate", jobs, "--nodes", "512,1024", "--json", result])
        assert "prediction interval" in out.stdout, out.stdout
        with open(result) as file:
            rows = json.load(file)["rows"]
        assert [row["nodes"] for row in rows] == [512, 1024], rows
        assert all(row["interval_90"][0] < row["seconds_per_step"] < row["interval_90"][1] for row in rows), rows
    bad = run(["project", "--machine", "hal", "--workload", "cosmoflow", "--calibrate", jobs, "--nodes", "16"], code=2)
    one_line(bad, "ranks_per_node")
    assert bad.stdout == "", bad.stdout
    one_line(run(["project", "--shares", "measured", "--correlation-steps", "9", "--engine", "simgrid", "--nodes", "2"], code=2), "engine")


def series_of_threads_and_variants(folder):
    """Rows for every combination, efficiency within each series, Bayesian over deterministic at the same ranks."""
    result = folder + "/series.json"
    out = run(["scale", "--threads", "1,2", "--variational", "none,last2", "--batch", "1", "--repetitions", "2", "--steps", "1",
               "--json", result], ranks=2)
    with open(result) as file:
        data = json.load(file)
    series = [(1, "none"), (1, "last2"), (2, "none"), (2, "last2")]
    assert [(one["threads"], one["variational"]) for one in data["series"]] == series, data["series"]
    assert "variational" not in data
    check_rows(data, [1, 2], False)
    costs = data["cost_against_deterministic"]
    assert [(cost["threads"], cost["ranks"], cost["variational"]) for cost in costs] == \
        [(threads, ranks, "last2") for threads in (1, 2) for ranks in (1, 2)], costs
    seconds = {(row["threads"], row["ranks"], row["variational"]): row["repetition_seconds_per_step"] for row in data["rows"]}
    for cost in costs:
        here = (cost["threads"], cost["ranks"])
        pairs = [bayesian / plain for bayesian, plain in zip(seconds[here + ("last2",)], seconds[here + ("none",)])]
        low, high = cost["interval_95"]
        assert abs(low - min(pairs)) < 1e-9 and abs(high - max(pairs)) < 1e-9 and low <= cost["ratio"] <= high, (cost, pairs)
    for heading in ("threads 1, variational none", "threads 2, variational last2", "deterministic network"):
        assert heading in out.stdout, out.stdout
    for option in ("--timeline", "--profile", "--machine-out"):
        one_line(run(["scale", "--variational", "none,all", option, folder + "/one.json"], code=2, ranks=2), option)


def shares_by_speed_shorten_the_wait(folder):
    """Rank 1 takes four times as long for a signal: with as many signals the other waits for it, with fewer it does less."""
    rows = {}
    for shares in ("equal", "measured"):
        result = folder + "/" + shares + ".json"
        run(["scale", "--accumulate", "2", "--shares", shares, "--batch", "2", "--warmup", "6", "--threads", "1",
             "--repetitions", "1", "--steps", "3", "--json", result, "--timeline", folder + "/passes.json"], ranks=2, slow=4)
        events = check_timeline.check(folder + "/passes.json", 2)
        assert any(event["name"] == "earlier passes and forward" for event in events), events
        with open(result) as file:
            data = json.load(file)
        check_rows(data, [1, 2], False)
        rows[shares] = data["rows"][1]
        assert data["shares"] == shares and rows[shares]["shares"] == shares and rows[shares]["accumulate"] == 2
    equal, measured = (rows[shares]["waiting"] / rows[shares]["seconds_per_step"] for shares in ("equal", "measured"))
    assert rows["equal"]["slowest_rank"]["rank"] == 1, rows["equal"]
    assert rows["equal"]["signals_per_pass"] == [2, 2], rows["equal"]
    least, most = rows["measured"]["signals_per_pass"]
    assert least < most and least + most == 4, rows["measured"]
    assert measured < equal, (equal, measured)


def strong_with_more_ranks_than_cores(folder):
    result = folder + "/s4.json"
    out = run(["scale", "--mode", "strong", "--batch", "4", "--repetitions", "2", "--steps", "1", "--ranks", "1,4", "--exchange",
         "horovod", "--threads", "1", "--json", result], ranks=4, env={"SLURM_JOB_ID": "4711", "OMP_PROC_BIND": "false"}).stdout
    with open(result) as file:
        data = json.load(file)
    assert data["mode"] == "strong" and data["exchange"] == "horovod"
    check_rows(data, [1, 4], True)
    assert data["rows"][1]["control"] > 0 and data["rows"][1]["reductions_per_step"] == 1
    own = len(os.sched_getaffinity(0))
    assert [row["oversubscribed"] for row in data["rows"]] == [False, 4 > own], data["rows"]
    assert data["computers"] == 1 and len(data["places"]) == 4, data["places"]
    assert all(place["host"] and re.fullmatch(r"[\d,-]+", place["processors"]) for place in data["places"]), data["places"]
    assert data["mpi"] and data["job"] == "4711" and data["environment"]["OMP_PROC_BIND"] == "false", data["environment"]
    assert [len(row["compute_by_rank"]) for row in data["rows"]] == [1, 4]
    apart = data["rows"][1]["apart"]
    assert "apart" not in data["rows"][0] and len(apart["by_rank"]) == 4, data["rows"]
    assert apart["range"] == [min(apart["by_rank"]), max(apart["by_rank"])] and apart["range"][0] > 0, apart
    last = data["rows"][1]["repetition_seconds_per_step"][-1]
    assert abs(apart["efficiency"] - sum(apart["by_rank"]) / 4 / last) < 1e-9, apart
    assert "4 ranks without exchanging" in out, out
    for row in data["rows"]:
        assert (min(row["compute_by_rank"]), max(row["compute_by_rank"])) == (row["compute_min_rank"], row["compute_max_rank"])


def load_balancing_replayed(folder):
    """The table and its file say the same, for as many ranks as asked for."""
    result = folder + "/controller.json"
    out = run(["project", "--controller", "--nodes", "4,8", "--batch", "16", "--json", result]).stdout
    with open(result) as file:
        data = json.load(file)
    assert data["chirpbench"]["kind"] == "load-balancing" and data["ranks"] == 8 and data["batch"] == 16, data
    assert "8 ranks with 16 signals" in out and "nothing measured" in out.replace("\n", " "), out
    for row in data["rows"]:
        line = next(line for line in out.splitlines() if line.startswith(row["speeds"] + "  "))
        numbers = [float(number) for number in re.findall(r"([\d.]+) \+-", line)]
        assert numbers == [float(f"{100 * row[key]['mean']:.1f}") for key in ("equal", "followed", "followed_over_ideal", "deadline",
                                                                                 "deadline_carried")], (line, row)
        late = [float(number) for number in re.findall(r"\+- [\d.]+ +([\d.]+)(?=  |$)", line)][-2:]
        assert late == [float(f"{100 * row[key]['mean']:.2f}") for key in ("deadline_left_out", "deadline_carried_late")], (line, row)
        assert 0 < row["followed_over_ideal"]["mean"] <= 1 and row["ideal"]["mean"] > 0, row
    one_line(run(["project", "--controller", "--json", folder + "/no/such.json"], code=2), "no/such.json")
    crossbar = os.path.join(os.path.dirname(os.path.abspath(__file__)), "machines", "crossbar.json")
    simulated = [CHIRPBENCH, "project", "--controller", "--engine", "simgrid", "--machine", crossbar, "--steps", "4", "--json", result]
    done = subprocess.run(simulated + ["--nodes", "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=240)
    if done.returncode == 2 and "no SimGrid" in done.stderr:
        return print("skipped: this build has no SimGrid")
    assert done.returncode == 0, done.stderr
    with open(result) as file:
        rows = json.load(file)["rows"]
    for row in rows:
        line = next(line for line in done.stdout.splitlines() if line.startswith(row["speeds"] + "  "))
        assert re.findall(r"([\d.]+) \+-", line)[5] == f"{100 * row['followed_simulated']['mean']:.1f}" and row["steps"] == 4, (line, row)
    one_line(run(simulated[1:] + ["--nodes", "1"], code=2), "2 to")


def bf16(folder):
    result, trace = folder + "/d.json", folder + "/dt.json"
    run(["scale", "--batch", "2", "--repetitions", "2", "--steps", "2", "--compress", "bf16",
         "--threads", "1", "--json", result, "--timeline", trace], ranks=2)
    check_timeline.check(trace, 2)
    with open(result) as file:
        data = json.load(file)
    assert data["compress"] == "bf16"
    assert 0.7e7 < data["rows"][1]["bytes_per_step"] < 0.8e7, data["rows"][1]


def halving(folder):
    """One reduction of everything, accounted by round: with two ranks one halving and one doubling."""
    result, trace, machine = folder + "/h.json", folder + "/h.trace", folder + "/here_halving.json"
    run(["scale", "--batch", "2", "--repetitions", "2", "--steps", "2", "--exchange", "halving", "--threads", "1",
         "--json", result, "--timeline", trace, "--machine-out", machine], ranks=2)
    with open(result) as file:
        data = json.load(file)
    row = data["rows"][1]
    calls = {call["call"]: call["calls_per_step"] for call in row["mpi_calls"]}
    assert calls["gradient halving"] == calls["gradient doubling"] == 1, calls
    assert data["exchange"] == "halving" and row["reductions_per_step"] == 1 and row["bytes_per_step"] > 1.4e7, row
    with open(trace) as file:
        assert '"bucket 0"' in file.read()
    with open(machine) as file:
        assert json.load(file)["runs"]["exchange"] == "halving"
    one_line(run(["scale", "--exchange", "halving", "--compress", "bf16"], code=2, ranks=2), "halving sends floats")


def communication_suite(folder):
    result = folder + "/c.json"
    run(["bench", "communication", "--benchmark_filter=bytes:(8|4096|1048576)", "--benchmark_min_time=0.001",
         "--benchmark_out=" + result, "--benchmark_out_format=json"], ranks=2)
    with open(result) as file:
        rows = json.load(file)["benchmarks"]
    names = [row["name"] for row in rows]
    for part in ("ping_pong", "bandwidth", "allreduce/library", "allreduce/exchange_halving", "allreduce/nonblocking", "overlap"):
        assert any("communication/" + part in name for name in names), names
    assert not any(row.get("error_occurred") for row in rows), rows
    assert all("baseline_speedup" in row for row in rows if "exchange_halving" in row["name"]), rows
    assert all(0 <= row["overlap_fraction"] <= 1 for row in rows if "overlap_fraction" in row)


def one_rank_alone(folder):
    run(["scale", "--batch", "1", "--steps", "1", "--repetitions", "1", "--timeline", folder + "/alone.json"])
    check_timeline.check(folder + "/alone.json", 1)


def one_repetition_has_no_interval(folder):
    """One number has no interval; few have one that holds with 1 - 2^(1 - n), which is said."""
    result = folder + "/one.json"
    for repetitions in (1, 2):
        out = run(["scale", "--batch", "1", "--steps", "1", "--warmup", "0", "--repetitions", str(repetitions), "--threads", "1",
                   "--variational", "none,last2", "--json", result], ranks=2).stdout
        with open(result) as file:
            data = json.load(file)
        said = [note for note in data["notes"] if "--repetitions 6" in note]
        assert len(said) == 1 and said[0] in out, (data["notes"], out)
        for item in data["rows"] + data["cost_against_deterministic"]:
            assert ("interval_95" in item) == ("interval_confidence" in item) == (repetitions > 1), item
            assert repetitions == 1 or item["interval_confidence"] == 0.5, item
        assert bool(re.search(r"\d to +\d", out)) == (repetitions > 1), out


def jobs_merged_into_one_curve(folder):
    """Each row is its job's; of several jobs with a row the median one; whatever else differs is refused in one line."""
    def path(name):
        return f"{folder}/{name}.json"

    def write(name, data):
        with open(path(name), "w") as file:
            json.dump(data, file)

    def read(name):
        with open(path(name)) as file:
            return json.load(file)

    for ranks in (2, 3):
        run(["scale", "--ranks", f"1,{ranks}", "--batch", "1", "--steps", "1", "--repetitions", "2", "--warmup", "0", "--threads",
             "1", "--json", path(ranks)], ranks=ranks)
    jobs = {ranks: read(ranks) for ranks in (2, 3)}
    more = read(3)  # a third job, on which all takes longer
    for row in more["rows"]:
        row["seconds_per_step"] *= 10
        row["efficiency"] *= 0.5
    write("more", more)
    os.mkdir(folder + "/page")
    out = run(["merge", path(3), path("more"), path(2), "--json", path("page/curve")]).stdout
    curve = read("page/curve")
    assert curve["chirpbench"]["kind"] == "scaling" and [row["ranks"] for row in curve["rows"]] == [1, 2, 3], curve["rows"]
    assert [job["file"] for job in curve["jobs"]] == [path(3), path("more"), path(2)], curve["jobs"]
    assert all(curve[key] == jobs[2][key] for key in ("mode", "network", "batch", "repetitions", "mpi"))
    ones = sorted(job["rows"][0]["seconds_per_step"] for job in (jobs[2], jobs[3], more))
    assert curve["rows"][0]["seconds_per_step"] == ones[1], (curve["rows"][0], ones)
    for row, of in ((curve["rows"][1], jobs[2]), (curve["rows"][2], more)):  # of two efficiencies the lower
        own = of["rows"][1]
        assert all(row[key] == own[key] for key in own), (row, own)
        assert own["efficiency"] in [one["efficiency"] for one in row["jobs"]] and len(row["jobs"]) == row["ranks"] - 1, row
    assert [item["ranks"] for item in curve["series"][0]["held_out"]] == [3]
    assert f"{1e3 * ones[0]:.2f} to {1e3 * ones[2]:.2f} ms" in curve["notes"][-1] and curve["notes"][-1] in out, curve["notes"]
    run(["report", folder + "/page"])

    def refused(part, change, names=("other", 2)):
        other = read(3)
        change(other)
        write("other", other)
        result = run(["merge", path(names[1]), path(names[0]), "--json", path("refused")], code=2)
        one_line(result, part)
        assert result.stdout == "" and not os.path.exists(path("refused"))

    refused('version "9.9"', lambda d: d["chirpbench"].update(version="9.9"))
    refused('commit "other"', lambda d: d["chirpbench"].update(commit="other"))
    refused('network "other"', lambda d: d.update(network="other"))
    refused("batch 7", lambda d: d.update(batch=7))
    refused('mpi "other"', lambda d: d.update(mpi="other"))
    refused("exchange unknown", lambda d: d.pop("exchange"))
    refused("series of 1 threads", lambda d: [item.update(threads=5) for item in d["series"] + d["rows"]])
    refused("ranks should be", lambda d: d["rows"][1].update(ranks="two"))
    refused("seconds_per_step should be", lambda d: d["rows"][1].pop("seconds_per_step"))
    refused("rows", lambda d: d.update(rows={}))
    refused("merged already", lambda d: None, ("page/curve", 2))
    refused("the same job", lambda d: None, ("other", 3))
    one_line(run(["merge", path(2), "--json", path("refused")], code=2), "1 result;")
    one_line(run(["merge", path(2), path(3), "--json", path(2)], code=2), path(2))


def bad_input(folder):
    one_line(run(["scale", "--mode", "strong", "--batch", "7"], code=2, ranks=2), "--batch 7")
    one_line(run(["scale", "--ranks", "1,8"], code=2, ranks=2), "mpiexec -n 8")
    one_line(run(["scale", "--ranks", "2"], code=2, ranks=2), "begin with 1")
    one_line(run(["scale", "--threads", "2,x"], code=2, ranks=2), "--threads 2,x")
    one_line(run(["scale", "--threads", "1,1"], code=2, ranks=2), "twice")
    one_line(run(["scale", "--variational", "none,leaves"], code=2, ranks=2), "none,last2,leaf,all")
    one_line(run(["scale", "--shares", "measured", "--accumulate", "2", "--machine-out", folder + "/m.json"], code=2, ranks=2),
             "--shares")
    one_line(run(["scale", "--json", folder + "/absent/s.json"], code=2, ranks=2), "absent")
    one_line(run(["project", "--nodes", "1,x"], code=2), "--nodes")
    one_line(run(["project", "--nodes", "5000"], code=2), "4608")
    one_line(run(["project", "--machine", "summit"], code=2), "hdr_fat_tree")
    one_line(run(["project", "--compute", "warp"], code=2), "--compute")
    one_line(run(["project", "--shares", "unfair"], code=2), "--shares")
    one_line(run(["project", "--exchange", "halving", "--compress", "bf16"], code=2), "--compress")
    one_line(run(["project", "--profile", folder + "/absent.json"], code=2), "absent.json")
    with open(folder + "/bad.json", "w") as file:
        file.write('{"batch": 4, "forward_s": 1, "layers": []}')
    one_line(run(["project", "--nodes", "2", "--profile", folder + "/bad.json"], code=2), "header")
    with open(folder + "/bad.json", "w") as file:
        file.write('{"chirpbench": {"kind": "layer-profile", "format": 1}, "batch": 4, "forward_s": 1, "layers": []}')
    one_line(run(["project", "--nodes", "2", "--profile", folder + "/bad.json"], code=2), "root/conv1")


def errors_come_before_any_output(folder):
    """Whatever goes wrong, also in a later row or after the work: one line on stderr and nothing that looks like a result."""
    cases = [["--nodes", "1,2,5000"], ["--machine", "absent"], ["--nodes", "1,x"], ["--json", folder],
             ["--profile", folder + "/absent.json"]]
    if simulates(folder):
        cases.append(["--nodes", "1,2", "--engine", "simgrid"])
    for args in cases:
        result = run(["project", "--steps", "1"] + args, code=2, env={"TMPDIR": folder + "/absent"})
        assert result.stdout == "", (args, result.stdout)
        one_line(result, "")


def simulates(folder):
    result = folder + "/engine.json"
    run(["project", "--nodes", "1", "--json", result])
    with open(result) as file:
        return json.load(file)["engine"] == "simgrid"


def temporary_files_follow_tmpdir(folder):
    if not simulates(folder):
        return
    args = ["project", "--nodes", "2", "--engine", "simgrid", "--steps", "1"]
    other = folder + "/elsewhere"
    os.mkdir(other)
    run(args, env={"TMPDIR": other})
    assert os.listdir(other) == []
    os.rmdir(other)
    refused = run(args, code=2, env={"TMPDIR": other})
    one_line(refused, other + ": ")
    one_line(refused, "TMPDIR")


def help_shows_defaults_that_are_used(folder):
    lines = {line.split()[0]: line for line in run(["project", "--help"]).stdout.splitlines() if line.startswith("  --")}
    text = run(["project", "--help"]).stdout
    for option in ("--jitter", "--fresh-jitter"):
        own = text[text.index(option + " "):].split("\n  --")[0]
        assert "default" in own and "[" not in own, own
    assert "[64]" in lines["--batch"], lines


TESTS = [errors_come_before_any_output, temporary_files_follow_tmpdir, help_shows_defaults_that_are_used,
         one_repetition_has_no_interval, what_is_acted_out_is_what_is_projected, weak_with_a_slow_rank,
         ablation_starts_and_ends_where_project_does, jobs_on_more_nodes_are_predicted,
         series_of_threads_and_variants, shares_by_speed_shorten_the_wait,
         strong_with_more_ranks_than_cores, bf16, halving, this_machine_from_measurement_to_projection, communication_suite,
         one_rank_alone, jobs_merged_into_one_curve, bad_input, load_balancing_replayed]
with tempfile.TemporaryDirectory() as scratch:
    for test in TESTS:
        if not ONLY or test.__name__ in ONLY:
            test(scratch)

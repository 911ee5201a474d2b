#!/usr/bin/env python3
"""What each change from the published implementation to ours is worth, by calls of `chirpbench project`.

usage: ablation.py CHIRPBENCH [--machine theta] [--nodes 1024] [--simulate] [--quick] [--json FILE]

Prints three tables for the machine, whose file must hold public observations, a published efficiency and jitter_fresh
(theta does), at batch 64 unless a line says otherwise:
  ablation     efficiency after each change, on top of those above it that are not left out, with the same waiting
  sensitivity  the last line for other spreads between nodes and other step-to-step noise of one node
  scenarios    the published implementation, under every combination of what the public runs can't tell
Rows are by the closed form; --simulate adds SimGrid to the lines that are built on; --quick makes the first table only, the
others take half a minute. --json has all numbers of the tables.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FRESH = [0, 0.0085, 0.016, 0.03, 0.058, 0.0877]  # none, one node's, two nodes' bound, towards half of the pooled variance
CYCLES_BOUND = 1.5  # the study's cycle passes once or twice between ready and reduced
ONE_BUCKET = ["--bucket-mib", "10000"]
HALVING = ["--exchange", "halving"]
SHARES = ["--shares", "measured", "--speed-steps", "100"]
# name, options of project, cost in training signals to the same loss (reports/measurements/2026-11-25-sample-cost.md), what it assumes,
# and some of: cycle (the communication thread sleeps between looks), out (the lines below don't build on it), core (a core
# is left to communication), passes (per exchange)
STEPS = [
    ("published implementation", ["--exchange", "horovod"], "none",
     "cycle and spread between nodes as fitted to the public runs; one thread copies", {"cycle"}),
    ("no cycle", ["--exchange", "horovod"], "none", "tensors are agreed on at once: train --exchange horovod", set()),
    ("static buckets: no negotiation, no copies", ONE_BUCKET, "none",
     "gradients are reduced where they lie; the loss is summed behind every exchange", set()),
    ("overlap with the backward pass", [], "none", "messages move while passes compute, at no cost to them", {"out"}),
    ("overlap with a core left to communication", [], "none",
     "MPICH_ASYNC_PROGRESS=1 and a thread less; computing slows by that core's share", {"out", "core"}),
    ("and shared weight noise: one number a weight", ["--weight-noise", "shared"],
     "1.05 +- 0.03 early, 1.1 and more later", "train --weight-noise shared", {"out", "core"}),
    ("or bf16 on the wire", ["--compress", "bf16"], "1.01 +- 0.02",
     "an alltoall and an allgather, whose messages cost more than the bytes they save; staging by one thread",
     {"out", "core"}),
    ("or four passes per exchange", ["--accumulate", "4"], "2.0 to 2.8",
     "step-to-step noise of passes is independent, slow nodes stay slow", {"out", "core", "passes"}),
    ("halving and doubling, sums by all threads", HALVING, "none",
     "nothing hidden, so no core given away; messages at the speed of the wire, sums at reduce_bandwidth", set()),
    ("signals shared by measured speed", HALVING + SHARES, "none",
     "train --shares measured: whole signals, speeds from 100 steps; what is not jitter_fresh stays with a node", set()),
]
LAST = HALVING + SHARES


class Machine:
    """Copies of a machine's two files in a folder, with other numbers and without the observations."""

    def __init__(self, name, folder):
        self.name, self.folder, self.copies = name, folder, 0
        with open(os.path.join(HERE, "machines", name + ".json")) as file:
            self.data = json.load(file)
        shutil.copy(os.path.join(HERE, "machines", self.data["platform"]), folder)

    def value(self, key):
        return self.data["values"][key]["value"]

    def copy(self, spread, cycles):
        """A file whose nodes spread by `spread` and whose exchange waits for `cycles` times the cycle."""
        self.copies += 1
        data = json.loads(json.dumps(self.data))
        del data["observations"]
        data["values"]["jitter_relative"] = {"value": spread, "unit": "1", "kind": "assumed", "source": "ablation.py"}
        data["values"]["cycle"]["value"] *= cycles
        path = os.path.join(self.folder, f"{self.name}_{self.copies}.json")
        with open(path, "w") as file:
            json.dump(data, file)
        return path


class Study:
    def __init__(self, args, folder):
        self.command, self.nodes, self.folder = args.chirpbench, args.nodes, folder
        self.machine = Machine(args.machine, folder)
        self.fitted = self.project(["--machine", args.machine, "--exchange", "horovod"])
        self.pooled = self.fitted["calibrated_on"]["pooled"]
        self.fits = self.fitted["calibrated_on"]["fits"]
        self.fresh = self.fitted["jitter_fresh"]

    def project(self, options, engine="closed_form"):
        """The result of one call, on as many nodes."""
        path = os.path.join(self.folder, "result.json")
        command = [self.command, "project", "--nodes", str(self.nodes), "--engine", engine, "--json", path] + options
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")
        with open(path) as file:
            return json.load(file)

    def capacity(self, spread, fresh):
        """Step of ranks that compute all the time at their own speeds, over that of a rank of mean speed."""
        fresh = min(fresh, spread)
        permanent = (spread * spread - fresh * fresh) ** 0.5
        normal = statistics.NormalDist()
        ranks = self.fitted["rows"][0]["ranks"]
        scores = [normal.inv_cdf((i + 1 - 0.375) / (ranks + 0.25)) for i in range(ranks)]
        return 1 / statistics.fmean(1 / (1 + max(-0.95, permanent * z)) for z in scores)

    def line(self, step, engine):
        name, options, cost, assumes, flags = step
        options = options + ["--machine", self.machine.name if "cycle" in flags else self.machine.copy(self.pooled["relative"], 0)]
        cores = self.machine.value("cores")
        factor = cores / (cores - 1) if "core" in flags else 1
        if "core" in flags:
            options += ["--compute", repr(self.machine.value("flops_fast") / 1e9 / factor)]
        row = self.project(options, engine)["rows"][0]
        step_s = row["seconds_per_step"]
        return {"measure": name, "left_out": "out" in flags, "sample_cost": cost, "assumes": assumes,
                "seconds_per_step": step_s, "efficiency": row["compute"] / factor / step_s,
                "communication": (row["negotiation"] + row["exposed_allreduce"]) / step_s}

    def ablation(self, simulate):
        lines = []
        for step in STEPS:
            lines.append(self.line(step, "closed_form"))
            if simulate and not lines[-1]["left_out"]:
                lines[-1]["simulated"] = self.line(step, "simgrid")
        return lines

    def sensitivity(self):
        items = []
        for fit in self.fits + [self.pooled]:
            machine = self.machine.copy(fit["relative"], 0)
            for compute in ("fast", "slow"):
                for batch in (16, 32, 64):
                    for fresh in FRESH:
                        row = self.project(LAST + ["--machine", machine, "--batch", str(batch), "--compute", compute,
                                                   "--fresh-jitter", str(fresh)])["rows"][0]
                        items.append({"spread_of": fit["fitted_on"], "spread": fit["relative"], "fresh": fresh,
                                      "batch": batch, "compute": compute, "efficiency": row["efficiency"],
                                      "of_capacity": row["efficiency"] * self.capacity(fit["relative"], fresh)})
        return items

    def scenarios(self):
        """Waiting that grows with the step, or that doesn't; hidden: 80 % of copies and reduction behind the backward pass."""
        items = []
        cases = [("none", None)] + [(form, fit) for form in ("relative", "absolute") for fit in self.fits]
        for batch in (16, 32, 64):
            for compute in ("fast", "slow"):
                for variant in ("none", "last2", "leaf"):
                    options = ["--exchange", "horovod", "--batch", str(batch), "--compute", compute, "--variational", variant]
                    alone = self.project(options + ["--machine", self.machine.copy(0, CYCLES_BOUND)])["rows"][0]
                    for form, fit in cases:
                        row = alone
                        if fit:
                            spread = fit["relative"] if form == "relative" else fit["sd_s"] / alone["compute"]
                            row = self.project(options + ["--machine", self.machine.copy(spread, fit["cycles"])])["rows"][0]
                        for hidden in (0, 0.8):
                            seconds = row["seconds_per_step"] - hidden * row["exposed_allreduce"]
                            items.append({"batch": batch, "compute": compute, "variational": variant, "waiting": form,
                                          "fitted_on": fit["fitted_on"] if fit else "", "hidden_share": hidden,
                                          "efficiency": row["compute"] / seconds})
        return items

    def headline(self, published, scenarios):
        """How much of the published loss bytes and control explain, and the spread between nodes that explains the rest."""
        bytes_only = next(s["efficiency"] for s in scenarios if (s["batch"], s["compute"], s["variational"], s["waiting"],
                                                                 s["hidden_share"]) == (64, "fast", "last2", "none", 0))
        row = self.project(["--exchange", "horovod", "--machine", self.machine.copy(0.1, 1)])["rows"][0]
        expected_maximum = row["straggler"] / row["compute"] / 0.1  # of as many standard normal numbers
        return {"points_lost": 100 * (1 - published), "points_bytes_and_control": 100 * (1 - bytes_only),
                "spread_needed": max(0, (1 / published - 1 / bytes_only) / expected_maximum)}


def show(study, result):
    print(f"{study.machine.name}, {study.nodes} nodes, batch 64: efficiency, and communication and control of the step")
    for line in result["ablation"]:
        other = line.get("simulated")
        both = f"; simulated {100 * other['efficiency']:.1f} % {100 * other['communication']:.2f} %" if other else ""
        print(f"  {100 * line['efficiency']:5.1f} %  {100 * line['communication']:5.2f} %{both}  {line['measure']}"
              f"{' (left out below)' if line['left_out'] else ''}; sample cost: {line['sample_cost']}")
        print(f"           {line['assumes']}")
    if "sensitivity" not in result:
        return
    print("\nThe last line for other spreads between nodes (down) and step-to-step noise (across); in brackets over what the "
          "nodes can do at their own speeds; batch 64, fast compute")
    print(f"{'':14}" + "".join(f"{fresh:>16}" for fresh in FRESH))
    for fit in study.fits + [study.pooled]:
        cells = [item for item in result["sensitivity"] if item["spread_of"] == fit["fitted_on"]
                 and (item["batch"], item["compute"]) == (64, "fast")]
        print(f"{fit['fitted_on']:7} {fit['relative']:.3f} " + "".join(
            f"{100 * item['efficiency']:8.1f} ({100 * item['of_capacity']:5.1f})" for item in cells))
    head = result["headline"]
    print(f"\nOf the {head['points_lost']:.0f} points lost as published, bytes and control explain at most "
          f"{head['points_bytes_and_control']:.1f}; waiting, at a spread of {head['spread_needed']:.3f}, explains the rest.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chirpbench")
    parser.add_argument("--machine", default="theta", help="a name in machines/")
    parser.add_argument("--nodes", type=int, default=1024)
    parser.add_argument("--simulate", action="store_true", help="also by SimGrid, some seconds a line")
    parser.add_argument("--quick", action="store_true", help="the first table only")
    parser.add_argument("--json", help="all numbers")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = Study(args, folder)
        result = {"machine": args.machine, "nodes": args.nodes, "ablation": study.ablation(args.simulate)}
        if not args.quick:
            result["sensitivity"] = study.sensitivity()
            result["scenarios"] = study.scenarios()
            result["headline"] = study.headline(study.fitted["published"]["efficiency"], result["scenarios"])
    show(study, result)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()

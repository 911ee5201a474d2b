#!/usr/bin/env python3
"""What each change from the published implementation to ours is worth, by calls of `chirpbench project`.

usage: ablation.py CHIRPBENCH [--machine theta] [--nodes 1024] [--batch 64] [--compute fast] [--network spin] [--variational last2]
                   [--simulate] [--quick] [--json FILE]

Prints three tables for the machine, a name in machines/ or a file:
  ablation     efficiency after each change with its band, on top of those above it that are not left out, with the same waiting
  sensitivity  the last line for other spreads between nodes and other step-to-step noise of one node
  scenarios    (--json) the published implementation, under every combination of what the public runs can't tell
The spread between nodes is fitted to the machine's observations; without any it is the file's own, half and twice of it.
Rows are by the closed form; --simulate adds SimGrid to the lines that are built on; --quick makes the first table only, the
others take half a minute. --json has all numbers of the tables.
"""
import argparse
import json
import os
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
        is_file = "/" in name or name.endswith(".json")
        path = os.path.abspath(name) if is_file else os.path.join(HERE, "machines", name + ".json")
        self.data = self.read(path)
        self.name = path if is_file else name

    def read(self, path):
        """The file with what it takes from those that it is like."""
        try:
            with open(path) as file:
                own = json.load(file)
        except (OSError, ValueError) as error:
            raise SystemExit(f"ablation.py: {path}: {error}") from error
        data = self.read(os.path.join(os.path.dirname(path), own["like"])) if "like" in own else {"values": {}}
        values = dict(data["values"], **own.get("values", {}))
        data.update(own, values=values)
        data.pop("like", None)
        if "platform" in own:
            data["platform"] = os.path.join(os.path.dirname(path), own["platform"])
        return data

    def value(self, key):
        return self.data["values"][key]["value"]

    def copy(self, spread, cycles):
        """A file whose nodes spread by `spread` and whose exchange waits for `cycles` times the cycle."""
        self.copies += 1
        data = json.loads(json.dumps(self.data))
        data.pop("observations", None)
        data["values"]["jitter_relative"] = {"value": spread, "unit": "1", "kind": "assumed", "source": "ablation.py"}
        data["values"]["cycle"]["value"] *= cycles
        path = os.path.join(self.folder, f"copy_{self.copies}.json")
        with open(path, "w") as file:
            json.dump(data, file)
        return path


class Study:
    def __init__(self, args, folder):
        self.command, self.nodes, self.folder, self.args = args.chirpbench, args.nodes, folder, args
        self.machine = Machine(args.machine, folder)
        self.always = ["--batch", str(args.batch), "--compute", args.compute, "--network", args.network,
                       "--variational", args.variational]
        rates = {name: self.machine.value("flops_" + name) / 1e9 for name in ("fast", "slow")}
        self.gflops = rates[args.compute] if args.compute in rates else float(args.compute)
        self.fitted = self.project(["--machine", self.machine.name, "--exchange", "horovod"])
        calibration = self.fitted["calibrated_on"]
        if isinstance(calibration, dict):
            self.pooled, self.fits = calibration["pooled"], calibration["fits"]
        else:
            spread = self.fitted["jitter_relative"]
            self.pooled, *self.fits = [
                {"fitted_on": name, "relative": factor * spread, "sd_s": factor * spread * self.fitted["rows"][0]["compute"],
                 "cycles": 1} for name, factor in (("file", 1), ("half", 0.5), ("twice", 2))]
        self.fresh = self.fitted["jitter_fresh"]

    def project(self, options, engine="closed_form"):
        """The result of one call, on as many nodes; options that come twice: the last one holds."""
        path = os.path.join(self.folder, "result.json")
        chosen = dict(zip(self.always[::2], self.always[1::2]))
        chosen.update(zip(options[::2], options[1::2]))
        command = [self.command, "project", "--nodes", str(self.nodes), "--engine", engine, "--json", path]
        command += [word for pair in chosen.items() for word in pair]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stderr.strip().splitlines()[-1])
        with open(path) as file:
            return json.load(file)

    def line(self, step, engine):
        name, options, cost, assumes, flags = step
        no_cycle = "horovod" in options and "cycle" not in flags
        machine = self.machine.copy(self.pooled["relative"], 0) if no_cycle else self.machine.name
        options = options + ["--machine", machine]
        factor = 1
        if "core" in flags:
            factor = self.machine.value("cores") / (self.machine.value("cores") - 1)
            options += ["--compute", repr(self.gflops / factor)]
        row = self.project(options, engine)["rows"][0]
        step_s = row["seconds_per_step"]
        return {"measure": name, "left_out": "out" in flags, "sample_cost": cost, "assumes": assumes,
                "seconds_per_step": step_s, "efficiency": row["efficiency"] / factor,
                "band": None if no_cycle and "observations" in self.machine.data else [end / factor for end in row["efficiency_band"]],
                "communication": (row["negotiation"] + row["exposed_allreduce"]) / step_s}

    def ablation(self, simulate):
        lines = []
        for step in STEPS:
            if "core" in step[4] and "cores" not in self.machine.data["values"]:
                continue  # nothing says what a core is worth
            lines.append(self.line(step, "closed_form"))
            if lines[-1]["band"] is None:  # the line above, less what the change saves under every law
                saved = lines[-2]["seconds_per_step"] - lines[-1]["seconds_per_step"]
                compute = lines[-1]["efficiency"] * lines[-1]["seconds_per_step"]
                lines[-1]["band"] = [compute / (compute / end - saved) for end in lines[-2]["band"]]
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
                                      "batch": batch, "compute": compute, "efficiency": row["efficiency"]})
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


def show(study, result):
    args = study.args
    print(f"{study.fitted['machine']}, {study.nodes} nodes, {args.network}/{args.variational}, batch {args.batch}, {args.compute} "
          "compute: efficiency, its 90 % band over laws of waiting, and communication and control of the step")
    assumed, numbers = study.fitted["assumed_numbers_of_machine"], study.fitted["numbers_of_machine"]
    print(f"{assumed} of {numbers} numbers of the machine are assumed. With signals shared, efficiency is over what all nodes can do "
          "at their own speeds,\nwhich must stay put for longer than the speeds are measured.")
    for line in result["ablation"]:
        other = line.get("simulated")
        both = f"; simulated {100 * other['efficiency']:.1f} % {100 * other['communication']:.2f} %" if other else ""
        low, high = line["band"]
        print(f"  {100 * line['efficiency']:5.1f} % ({100 * low:3.0f} .. {100 * high:3.0f})  {100 * line['communication']:5.2f} %"
              f"{both}  {line['measure']}{' (left out below)' if line['left_out'] else ''}; sample cost: {line['sample_cost']}")
        print(f"           {line['assumes']}")
    if "sensitivity" not in result:
        return
    print("\nThe last line for other spreads between nodes that stay put (down) and step-to-step noise (across); batch 64, fast compute")
    print(f"{'':14}" + "".join(f"{fresh:>9}" for fresh in FRESH))
    for fit in study.fits + [study.pooled]:
        cells = [item for item in result["sensitivity"] if item["spread_of"] == fit["fitted_on"]
                 and (item["batch"], item["compute"]) == (64, "fast")]
        print(f"{fit['fitted_on']:7} {fit['relative']:.3f} " + "".join(f"{100 * item['efficiency']:9.1f}" for item in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chirpbench")
    parser.add_argument("--machine", default="theta", help="a name in machines/, or a file")
    parser.add_argument("--nodes", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--compute", default="fast", help="fast, slow or GFLOP/s")
    parser.add_argument("--network", default="spin")
    parser.add_argument("--variational", default="last2")
    parser.add_argument("--simulate", action="store_true", help="also by SimGrid, some seconds a line")
    parser.add_argument("--quick", action="store_true", help="the first table only")
    parser.add_argument("--json", help="all numbers")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = Study(args, folder)
        result = {"machine": args.machine, "nodes": args.nodes, "batch": args.batch, "compute": args.compute, "ablation": study.ablation(args.simulate)}
        if not args.quick:
            result["sensitivity"] = study.sensitivity()
            result["scenarios"] = study.scenarios()
    show(study, result)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Times the training step and the forward pass of the study's network in PyTorch: the peer of suite `network`.

The network is that of reference "Shen et al. 2019": seven convolutions, then per label three dense layers, dropout 0.1
behind the first; Gaussian likelihood with fixed scale; Adam. Deterministic weights. Needs Debian's python3-torch.

Prints one line per measurement and, with --out FILE, Google Benchmark JSON whose names match `chirpbench bench network`
but for the algorithm, which is "pytorch".
"""
import argparse
import datetime
import json
import os
import statistics
import sys
import time

try:
    import torch
except ImportError:
    print("torch_step.py: python3-torch is missing: install Debian package python3-torch and run with /usr/bin/python3",
          file=sys.stderr)
    sys.exit(2)

# name, filters, taps, dilation, same padding, pool
ROOT = [
    ("conv1", 64, 16, 1, False, 4),
    ("conv2", 128, 16, 2, False, 4),
    ("conv3", 256, 16, 2, False, 4),
    ("conv4", 256, 32, 2, True, 4),
    ("conv5", 128, 4, 2, True, 1),
    ("conv6", 128, 4, 2, True, 1),
    ("conv7", 64, 2, 2, True, 1),
]
LENGTH = 8192
LEAVES = {"spin": 3, "mass": 2}


class Network(torch.nn.Module):
    """Root of convolutions, leaves of dense layers; `heads` outputs of one number each."""

    def __init__(self, network):
        super().__init__()
        channels, width, layers = 1, LENGTH, []
        for _, filters, taps, dilation, same, pool in ROOT:
            span = (taps - 1) * dilation
            if same:  # TensorFlow's: the smaller half on the left
                layers.append(torch.nn.ConstantPad1d((span // 2, span - span // 2), 0.0))
            else:
                width -= span
            layers += [torch.nn.Conv1d(channels, filters, taps, dilation=dilation), torch.nn.ReLU()]
            if pool > 1:
                layers.append(torch.nn.MaxPool1d(pool))
                width //= pool
            channels = filters
        self.root = torch.nn.Sequential(*layers)
        self.leaves = torch.nn.ModuleList(
            torch.nn.Sequential(
                torch.nn.Linear(channels * width, 128), torch.nn.ReLU(), torch.nn.Dropout(0.1),
                torch.nn.Linear(128, 128), torch.nn.Linear(128, 1),
                torch.nn.Tanh() if network == "spin" else torch.nn.Identity())
            for _ in range(LEAVES[network]))

    def forward(self, strain):
        features = self.root(strain).flatten(1)
        return torch.cat([leaf(features) for leaf in self.leaves], dim=1)


def timed(work, warm_up, repetitions):
    """(wall seconds, processor seconds) of each repetition."""
    for _ in range(warm_up):
        work()
    seconds = []
    for _ in range(repetitions):
        start, start_cpu = time.perf_counter(), time.process_time()
        work()
        seconds.append((time.perf_counter() - start, time.process_time() - start_cpu))
    return seconds


def measure(options):
    """Yields (name, seconds of each repetition, items per repetition)."""
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    net = Network(options.network)
    strain = torch.randn(options.batch, 1, LENGTH)
    label = torch.rand(options.batch, LEAVES[options.network])
    optimizer = torch.optim.Adam(net.parameters(), lr=8e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = 0.5 * ((net(strain) - label) / options.sigma).square().sum(1).mean()
        loss.backward()
        optimizer.step()

    def forward(batch):
        with torch.no_grad():
            net(strain[:batch])

    suffix = f"threads:{options.threads}"
    net.train()
    yield (f"network/train_step/pytorch/{options.network}.none/batch:{options.batch}/{suffix}",
           timed(step, 1, options.repetitions), options.batch)
    net.eval()
    yield (f"network/forward/pytorch/{options.network}.none/batch:{options.batch}/{suffix}",
           timed(lambda: forward(options.batch), 1, options.repetitions), options.batch)
    yield (f"network/forward/pytorch/{options.network}.none/batch:1/{suffix}",
           timed(lambda: forward(1), 2, 5 * options.repetitions), 1)


def rows_of(index, name, seconds, items, threads):
    """Google Benchmark rows: the repetitions, then mean, median, standard deviation and variation."""
    common = {"family_index": index, "per_family_instance_index": 0, "run_name": name, "repetitions": len(seconds),
              "threads": threads}

    def row(extra, wall, cpu):
        out = {**common, **extra, "real_time": wall * 1e3, "cpu_time": cpu * 1e3, "time_unit": "ms"}
        if wall > 0 and extra.get("aggregate_name") != "stddev":
            out["items_per_second"] = items / wall
        return out

    rows = [row({"name": name, "run_type": "iteration", "repetition_index": i, "iterations": 1}, *s)
            for i, s in enumerate(seconds)]
    if len(seconds) > 1:
        for aggregate in ("mean", "median", "stdev"):
            label = "stddev" if aggregate == "stdev" else aggregate
            values = [getattr(statistics, aggregate)(column) for column in zip(*seconds)]
            rows.append(row({"name": f"{name}_{label}", "run_type": "aggregate", "aggregate_name": label,
                             "aggregate_unit": "time", "iterations": len(seconds)}, *values))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--network", choices=sorted(LEAVES), default="spin")
    parser.add_argument("--batch", type=int, default=64, metavar="N", help="signals per step (default 64)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--sigma", type=float, default=0.2, help="standard deviation of the likelihood")
    parser.add_argument("--out", metavar="FILE", help="write Google Benchmark JSON")
    options = parser.parse_args()
    for name in ("batch", "threads", "repetitions"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1")
    rows = []
    for index, (name, seconds, items) in enumerate(measure(options)):
        middle = statistics.median(wall for wall, _ in seconds)
        print(f"{name:60s} {middle * 1e3:10.2f} ms   {items / middle:8.1f} signals/s", flush=True)
        rows += rows_of(index, name, seconds, items, options.threads)
    if options.out:
        context = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                   "host_name": os.uname().nodename, "executable": sys.argv[0], "num_cpus": os.cpu_count(),
                   "pytorch_version": torch.__version__, "json_schema_version": 1}
        temporary = f"{options.out}.tmp-{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"context": context, "benchmarks": rows}, file, indent=2)
            file.write("\n")
        os.replace(temporary, options.out)


if __name__ == "__main__":
    main()

#!/bin/sh
# The project's own gate: a short suite on one thread, judged by ratios inside that run, so that no baseline and no second
# machine is needed. usage: run.sh CHIRPBENCH LIMITS
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
names='^(reference/fma/registers|conv1d/(forward|backward_data|backward_weights)/direct/conv2/batch:64'
names="$names|conv1d/(forward|backward_data|backward_weights)/(direct|reference)/conv7/batch:64"
names="$names|dense/forward/(deterministic|reparameterization)/leaf.dense1/batch:64"
names="$names|variational/sample/fused/n:3730563|random/normal/philox/n:3730563)/threads"
CHIRP_PROGRESS=none "$1" bench --threads=1 --benchmark_filter="$names" --benchmark_repetitions=5 --benchmark_min_time=0.02 \
    --benchmark_out="$work/result.json" >"$work/console.txt" 2>&1 || { cat "$work/console.txt"; exit 1; }
"$1" compare --limits "$2" "$work/result.json" || { cat "$work/console.txt"; exit 1; }

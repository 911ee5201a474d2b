#!/bin/sh
# Our files against the real library's, and compare.py on ours; exit 77 (skipped) where they are not installed.
# usage: run.sh OURS_PROGRAM CHIRPBENCH SOURCE_DIR
set -eu
ours=$1
chirpbench=$2
source=$3
python=/usr/bin/python3
[ -x $python ] || python=python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="--benchmark_repetitions=3 --benchmark_min_time=0.001 --benchmark_out_format=json"

skip() {
    echo "skipped: $1"
    exit 77
}
command -v $python >/dev/null || skip "no python3"
command -v g++ >/dev/null || skip "no g++: install Debian package g++"
[ -e /usr/include/benchmark/benchmark.h ] || skip "no libbenchmark: install Debian package libbenchmark-dev"
g++ -O2 "$source/peer.cc" -lbenchmark -lpthread -o "$work/peer"

"$work/peer" $flags --benchmark_out="$work/theirs.json" >"$work/theirs.log" 2>&1
"$ours" $flags --threads=1 --benchmark_out="$work/ours.json" >"$work/ours.log" 2>&1 && code=0 || code=$?
[ "$code" = 1 ] || { cat "$work/ours.log"; echo "ours: exit $code, 1 was expected for the benchmark that fails on purpose"; exit 1; }
$python "$source/check.py" "$work/theirs.json" "$work/ours.json"

# ours reads theirs: a file against itself has nothing slower, and the failed row is failed
"$chirpbench" compare "$work/theirs.json" "$work/theirs.json" --format json >"$work/verdict.json" && code=0 || code=$?
[ "$code" = 1 ] || { echo "compare on Google Benchmark's own files: exit $code, 1 was expected for the failed row"; exit 1; }
grep -q '"failed":	1' "$work/verdict.json"
grep -q '"slower":	0' "$work/verdict.json"

script=/usr/share/benchmark/compare.py
[ -e $script ] || skip "the rest: no compare.py: install Debian package libbenchmark-tools"
$python -c 'import scipy' 2>/dev/null || skip "the rest: no scipy: install Debian package python3-scipy"
"$ours" $flags --threads=1 --benchmark_out="$work/again.json" >"$work/ours.log" 2>&1 || [ $? = 1 ]
$python $script --no-color benchmarks "$work/ours.json" "$work/again.json" >"$work/benchmarks.txt"
grep -q 'BM_good/threads:1_pvalue' "$work/benchmarks.txt"
$python $script --no-color filters "$work/ours.json" BM_good BM_bad >"$work/filters.txt"
$python $script --no-color benchmarksfiltered "$work/ours.json" BM_good "$work/again.json" BM_good >"$work/filtered.txt"
echo "compare.py takes our files in its three modes"

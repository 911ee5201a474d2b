#!/bin/sh
# The gate of a pull request, run on one machine: limits on the new build, counts of both builds, and, where TIMES_BUDGET [s]
# is set, times of both. It leaves summary.md, annotations and JUnit files in FOLDER. Exit 0, 1: something is slower or a limit is
# broken, 2: it can't be told.
# usage: pull_request.sh BASE_PROGRAM NEW_PROGRAM FOLDER [OPTIONS of bench that select what is compared]
set -u
base=$1 new=$2 out=$3
shift 3
[ $# -gt 0 ] || set -- --benchmark_filter='^(conv1d/forward/auto/conv[1-7]/batch:1|conv1d/(forward|backward_data|backward_weights)/(direct|transform)/conv7/batch:64|dense/(forward|backward)/(deterministic|local)|variational/.*/n:131072)/'
mkdir -p "$out"
: > "$out/summary.md"
worst=0
note() { [ "$1" -le "$worst" ] || worst=$1; }

"$new" bench --gate "${GATE:-quick}" --benchmark_out="$out/limits.json" > "$out/limits.txt" 2>&1 || note $?
{
    echo '### Limits inside one run'
    echo '```'
    "$new" compare --limits "${GATE:-quick}" "$out/limits.json" 2>&1 || note $?
    echo '```'
} >> "$out/summary.md"

"$new" compare --run "$base" "$new" --markdown "$out/counts.md" --junit "$out/junit-counts.xml" --annotate \
    -- --simulate --no-check "$@" || note $?
[ ! -f "$out/counts.md" ] || cat "$out/counts.md" >> "$out/summary.md"

if [ -n "${TIMES_BUDGET:-}" ]; then
    "$new" compare --run "$base" "$new" --budget "$TIMES_BUDGET" --markdown "$out/times.md" --junit "$out/junit-times.xml" \
        --annotate -- --threads=1 "$@" || note $?
    [ ! -f "$out/times.md" ] || cat "$out/times.md" >> "$out/summary.md"
fi
exit "$worst"

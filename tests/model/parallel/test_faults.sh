#!/bin/sh
# A rank that stalls, crashes or meets an error ends the job soon, with a line that names it.
# usage: test_faults.sh MPIEXEC FAULTY
mpiexec=$1
faulty=$2
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

expect() { # HOW RANK RANKS TEXT
    start=$(date +%s)
    # a stopped process ignores SIGTERM; -k ends mpiexec, whose proxy then kills what is left
    if timeout -k 5 40 "$mpiexec" -n "$3" "$faulty" "$1" "$2" >"$log" 2>&1; then
        echo "FAIL: $1 of rank $2 of $3 ended with code 0"; cat "$log"; exit 1
    fi
    seconds=$(($(date +%s) - start))
    grep -q "$4" "$log" || { echo "FAIL: $1 of rank $2 of $3: no line with '$4'"; cat "$log"; exit 1; }
    grep -q "not stopped" "$log" && { echo "FAIL: $1 of rank $2 of $3 was not noticed"; exit 1; }
    [ "$seconds" -le 30 ] || { echo "FAIL: $1 of rank $2 of $3 took $seconds s"; exit 1; }
    echo "ok: $1 of rank $2 of $3, $seconds s: $(grep -m 1 "$4" "$log")"
}

expect error 1 3 "rank 1: the disk is full"
expect crash 2 3 "rank 2 of 3 crashed"
expect stall 2 3 "rank 2 stalled: 2 of 3 ranks wait"
expect stall 0 3 "rank 0 stalled: 2 of 3 ranks wait"

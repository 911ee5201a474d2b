#!/bin/sh
# A rank that stalls, crashes or meets an error ends the job soon, with a line that names it.
# usage: test_faults.sh MPIEXEC FAULTY
mpiexec=$1
faulty=$2
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

expect() { # HOW RANK RANKS MODE TEXT
    start=$(date +%s)
    # a stopped process ignores SIGTERM; -k ends mpiexec, whose proxy then kills what is left
    if timeout -k 5 40 "$mpiexec" -n "$3" "$faulty" "$1" "$2" "$4" >"$log" 2>&1; then
        echo "FAIL: $1 of rank $2 of $3, $4 ended with code 0"; cat "$log"; exit 1
    fi
    seconds=$(($(date +%s) - start))
    grep -q "$5" "$log" || { echo "FAIL: $1 of rank $2 of $3, $4: no line with '$5'"; cat "$log"; exit 1; }
    grep -q "not stopped" "$log" && { echo "FAIL: $1 of rank $2 of $3, $4 was not noticed"; exit 1; }
    [ "$seconds" -le 30 ] || { echo "FAIL: $1 of rank $2 of $3, $4 took $seconds s"; exit 1; }
    echo "ok: $1 of rank $2 of $3, $4, $seconds s: $(grep -m 1 "$5" "$log")"
}

expect error 1 3 overlap "rank 1: the disk is full"
expect crash 2 3 overlap "rank 2 of 3 crashed"
expect stall 2 3 overlap "rank 2 stalled: 2 of 3 ranks wait"
expect stall 0 3 overlap "rank 0 stalled: 2 of 3 ranks wait"
# between pairs: one that folds, one that others fold into, and one of the middle
expect stall 2 3 halving "rank 2 stalled: 2 of 3 ranks wait"
expect stall 0 3 halving "rank 0 stalled: 2 of 3 ranks wait"
expect stall 2 4 halving "rank 2 stalled: 3 of 4 ranks wait"

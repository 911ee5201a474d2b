#!/bin/sh
# A rank that stalls, is killed, crashes or meets an error ends the job soon, with a line that names it.
# usage: test_faults.sh MPIEXEC FAULTY
mpiexec=$1
faulty=$2
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT

# HOW RANK RANKS MODE TEXT. Jobs mostly wait for their limits, so they do it side by side.
expect() {
    log=$logs/$1-$2-$3-$4
    # a job that nobody ends is ended here; a stopped process ignores SIGTERM, but -k ends mpiexec, whose proxy then kills
    # what is left. Its code would be that of a killed rank by Open MPI, so time tells
    begun=$(date +%s)
    timeout -k 5 90 "$mpiexec" -n "$3" "$faulty" "$1" "$2" "$4" >"$log" 2>&1
    code=$?
    lasted=$(($(date +%s) - begun))
    if [ "$1" = write ] && [ $code = 0 ]; then
        echo "ok: $1 of rank $2 of $3, $4 was waited for"
        return
    elif [ $code = 0 ]; then
        echo "FAIL: $1 of rank $2 of $3, $4 ended with code 0"
    elif [ $lasted -ge 90 ]; then
        echo "FAIL: $1 of rank $2 of $3, $4 was not ended"
    elif grep -q "not stopped" "$log"; then
        echo "FAIL: $1 of rank $2 of $3, $4 was not noticed"
    elif [ "$1" != kill ] && grep -q "died; mpiexec" "$log"; then
        echo "FAIL: $1 of rank $2 of $3, $4 is no death that nobody explains"
    elif ! grep -q "$5" "$log"; then
        echo "FAIL: $1 of rank $2 of $3, $4: no line with '$5'"
    else
        echo "ok: $1 of rank $2 of $3, $4: $(grep -m 1 "$5" "$log")"
        return
    fi
    cat "$log"
}

# RANK RANKS: a rank that is stopped before MPI is started is named while the others wait for it, and the job goes on with it.
expect_early() {
    log=$logs/early-$1-$2
    timeout -k 5 90 "$mpiexec" -n "$2" "$faulty" early "$1" overlap >"$log" 2>&1 &
    job=$!
    for second in $(seq 80); do
        stopped=$(sed -n "s/.*rank $1 (PID \([0-9]*\) on .*) is stopped, and MPI_Init waits.*/\1/p" "$log")
        [ -z "$stopped" ] || break
        sleep 1
    done
    [ -z "$stopped" ] || kill -CONT "$stopped"
    wait $job
    code=$?
    if [ -n "$stopped" ] && [ $code = 0 ] && [ "$(grep -o "not stopped" "$log" | wc -l)" -eq "$2" ] &&
        [ "$(grep -c "is stopped" "$log")" -eq 1 ]; then
        echo "ok: early stop of rank $1 of $2: $(grep -m 1 "is stopped" "$log")"
    else
        echo "FAIL: early stop of rank $1 of $2, code $code"
        cat "$log"
    fi
}

{
    expect_early 2 3 &
    expect error 1 3 overlap "rank 1: the disk is full" &
    expect crash 2 3 overlap "rank 2 of 3 crashed" &
    # also where mpiexec names one that it has ended itself; late on a busy machine, the watcher names several. Open MPI's mpiexec
    # names the right one, and may end before it has forwarded our line
    expect kill 2 3 halving "rank 2 (PID [0-9]*).* of 3 died\|process rank 2 .*exited on signal 9" &
    expect kill 0 3 overlap "rank 0 (PID [0-9]*).* of 3 died\|process rank 0 .*exited on signal 9" &
    expect stall 2 3 overlap "rank 2 stalled: 2 of 3 ranks wait" &
    expect stall 0 3 overlap "rank 0 stalled: 2 of 3 ranks wait" &
    # between pairs: one that folds, one that others fold into, and one of the middle
    expect stall 2 3 halving "rank 2 stalled: 2 of 3 ranks wait" &
    expect stall 0 3 halving "rank 0 stalled: 2 of 3 ranks wait" &
    expect stall 2 4 halving "rank 2 stalled: 3 of 4 ranks wait" &
    # slow as a shared file system may be, which others know
    expect write 0 3 overlap "not stopped" &
    wait
} >"$logs/all"
cat "$logs/all"
[ "$(grep -c '^ok: ' "$logs/all")" -eq 11 ] && ! grep -q '^FAIL' "$logs/all"

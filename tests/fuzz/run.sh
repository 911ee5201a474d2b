#!/bin/sh
# clang's fuzzer on readers: run.sh FUZZ SECONDS [READER...], each for SECONDS; all of them unless some are named. Inputs that reach
# something new are kept in ./READER, findings in ./READER-crash-* and the like.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
fuzz=$1 seconds=$2
shift 2
[ $# -gt 0 ] || set -- $(ls "$here/corpus")
for reader; do
    mkdir -p "$reader"
    dictionary=$here/$reader.dict
    [ -f "$dictionary" ] || dictionary=$here/json.dict
    CHIRP_FUZZ=$reader OMP_NUM_THREADS=1 UBSAN_OPTIONS=print_stacktrace=1 "$fuzz" -max_total_time="$seconds" -timeout=60 \
        -rss_limit_mb=2048 -max_len=8192 -close_fd_mask=1 -print_final_stats=1 -verbosity=0 -artifact_prefix="$reader-" -dict="$dictionary" \
        "$reader" "$here/corpus/$reader" 2>"$reader.log" || { tail -n 60 "$reader.log" >&2; exit 1; }
    echo "$reader: $(sed -n 's/^stat::number_of_executed_units: *//p' "$reader.log") inputs, none crashed"
done

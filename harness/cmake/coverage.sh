#!/bin/sh
# Share of lines that the tests ran, for each product source, the lowest first. Usage: coverage.sh BUILD, after ctest.
set -eu
cd "$(dirname "$0")/../.."
build=${1:?the folder of a build with CHIRP_COVERAGE}
command -v gcov >/dev/null || { echo "coverage.sh: gcov is missing: install Debian package gcc" >&2; exit 2; }
notes=$(find "$build" -name '*.gcda' -not -path '*/tests/*')
[ -n "$notes" ] || { echo "coverage.sh: no .gcda in $build: run the tests of the preset coverage first" >&2; exit 2; }
# a source that several targets compile is listed with its best run
printf '%s\n' "$notes" | xargs gcov -n -r -s "$PWD" 2>/dev/null | awk -F"'" '
    /^File/ { file = $2 }
    /^Lines executed/ {
        split($0, part, /[:% ]+/); share = part[3]; lines = part[5]
        if (file ~ /\.[ch]$/ && (!(file in best) || share > best[file])) { best[file] = share; count[file] = lines }
    }
    END {
        for (file in best) { printf "%6.1f %% of %5d  %s\n", best[file], count[file], file | "sort -n"; run += best[file] * count[file]; all += count[file] }
        close("sort -n")
        if (all) printf "%6.1f %% of %5d  all\n", run / all, all
    }'

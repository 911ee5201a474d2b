#!/bin/sh
# The commands study and report from outside: exit codes, what they print, what they leave behind.
# usage: test_study.sh CHIRPBENCH REPORT_DATA
set -u
bench=$1
data=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect CODE PATTERN COMMAND...: the exit code, and a line of stderr or stdout with the pattern
expect() {
    code=$1
    pattern=$2
    shift 2
    "$@" >"$work/out" 2>&1
    got=$?
    [ "$got" = "$code" ] || { fail "exit code $got, not $code: $*"; cat "$work/out"; }
    grep -q -- "$pattern" "$work/out" || { fail "no line with '$pattern': $*"; cat "$work/out"; }
}

# one line on stderr for usage and input errors, and nothing is made
expect 2 "needs --gps" "$bench" study --out "$work/none" --strain x.hdf5
expect 2 "needs --strain" "$bench" study --out "$work/none" --gps 1126259462.4
expect 2 "x.hdf5" "$bench" study --out "$work/none" --strain "$work/x.hdf5" --gps 1126259462.4
expect 2 "preset" "$bench" study --out "$work/none" --preset slow
[ -e "$work/none" ] && fail "a refused study left a folder behind"
expect 0 "smoke" "$bench" study --help
expect 2 "one folder" "$bench" report
expect 2 "$work/none" "$bench" report "$work/none"
[ "$("$bench" report "$work/none" 2>&1 >/dev/null | wc -l)" = 1 ] || fail "report: not one line on stderr"

# report: a good folder, then one with a broken file
mkdir "$work/results"
cp "$data"/* "$work/results"
expect 0 "report.html" "$bench" report "$work/results"
grep -q 'id="scaling"' "$work/results/report.html" || fail "the page lacks its scaling section"
echo '{"benchmarks": [' >"$work/results/bench.json"
expect 2 "bench.json" "$bench" report "$work/results" --quiet
grep -q 'id="posterior"' "$work/results/report.html" || fail "a broken file cost the rest of the page"
expect 2 "can't write" "$bench" report "$work/results" --out "$work/no/such/folder/page.html"
[ "$(wc -l <"$work/out")" = 1 ] || fail "report printed tables before the page that can't be written"

# a study that is interrupted leaves a record and no process, and goes on
out=$work/study,1 # a comma separates files elsewhere, and is part of a name here
"$bench" study --preset smoke --out "$out" >"$work/log" 2>&1 &
pid=$!
n=0
while ! grep -q '^\[2/' "$work/log" && [ $n -lt 600 ]; do
    sleep 0.1
    n=$((n + 1))
done
kill -INT $pid
wait $pid
[ $? = 1 ] || { fail "an interrupted study must end with exit code 1"; cat "$work/log"; }
grep -q -- "--resume" "$work/log" || fail "an interrupted study does not say how to go on"
grep -q '"interrupted"' "$out/study.json" || fail "study.json does not say that a step was interrupted"
for process in /proc/[0-9]*/cmdline; do # no ps or pgrep on a bare system
    tr '\0' ' ' <"$process" 2>/dev/null | grep -q "bench.*$out/bench.json" && fail "a child outlived the interrupted study"
done
expect 2 "--resume" "$bench" study --preset smoke --out "$out"

expect 0 "kept from an earlier run" "$bench" study --preset smoke --out "$out" --resume
cp "$work/out" "$work/resumed"
for step in bench train_spin infer_spin scale project_study report; do
    grep -q "] $step " "$work/resumed" || fail "step $step is missing"
    [ -e "$out/logs/$step.log" ] || fail "no log of step $step"
done
for section in machine kernels training posterior scaling steps files; do
    grep -q "<section id=\"$section\"" "$out/report.html" || fail "the page lacks section $section"
done
grep -q "from real strain\|from a signal injected" "$out/report.html" || fail "the page does not say where the posterior comes from"
# it ends with the answers of the page: eight lines and the path of the page, no more
sed -n '/^Does it scale/,$p' "$work/resumed" >"$work/answers"
[ "$(wc -l <"$work/answers")" = 9 ] && tail -n 1 "$work/answers" | grep -qxF "$out/report.html" || { fail "the study does not end with the answers"; cat "$work/answers"; }
for question in "What does being Bayesian cost?" "How fast is it here?" "What did the network read?"; do
    grep -qF "$question" "$work/answers" && grep -qF "$question" "$out/report.html" || fail "page or terminal lacks: $question"
done
grep '"outcome":' "$out/study.json" | grep -qv '"done"' && { fail "not every step is recorded as done"; cat "$out/study.json"; }
[ "$(grep -c '"outcome":' "$out/study.json")" = "$(sed -n 's|^\[[0-9]*/\([0-9]*\)\].*|\1|p' "$work/resumed" | tail -1)" ] ||
    { fail "study.json does not list each of the announced steps"; cat "$out/study.json"; }
grep -q '"generate"' "$out/study.json" || fail "without --strain the study must make its own"

# everything kept; only the page is made again
expect 0 "\[1/.*doctor *kept" "$bench" study --preset smoke --out "$out" --resume
[ "$(grep -c 'kept from' "$work/out")" -ge "$(($(grep -c '"outcome":' "$out/study.json") - 1))" ] || fail "finished steps were run again"

# a step that fails: one line, exit code 1, what needs it is left out, the page is still made
# (training takes the noise curve of the strain that infer reads)
printf 'no strain' >"$work/bad.hdf5"
expect 1 "step train_spin failed" "$bench" study --preset smoke --out "$out" --resume --strain "$work/bad.hdf5" --gps 1126259462.4
grep -q -- "--psd $work/bad.hdf5" "$out/study.json" || fail "training does not take the curve of --strain"
grep -q "report.html" "$work/out" || fail "no page after a failed step"

if [ $failures -gt 0 ]; then
    echo "$failures checks failed"
    exit 1
fi
echo "all checks passed"

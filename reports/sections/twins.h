/** Variational benchmarks and their deterministic twins. */
#ifndef CHIRP_REPORTS_SECTIONS_TWINS_H
#define CHIRP_REPORTS_SECTIONS_TWINS_H

#include "reports/sections/bench_rows.h"

/**
 * The deterministic layer or network that does the same work as a variational one: same file, pass and arguments. Of several
 * the fastest. NULL when there is none, or when the line isn't variational.
 */
const chirp_bench_line *chirp_bench_twin_of(const chirp_bench_lines *lines,
                                            const chirp_bench_line *variational);

#endif

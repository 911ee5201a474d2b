/** Gates: files of limits (harness/compare/limits.h) that come with the program, and the benchmarks that they judge. */
#ifndef CHIRP_SUITES_GATE_H
#define CHIRP_SUITES_GATE_H

#include "harness/bench/bench.h"

/**
 * The file of a gate.
 * @param gate  "quick" and the like, of suites/gates; or a path, which has a slash or ends in .json
 * @return CHIRP_OK, CHIRP_ERR_ARG when no gate of that name came with the program
 */
chirp_status chirp_gate_find(const char *gate, char *path, size_t size);

/**
 * The suite of the benchmarks that a gate's limits name, in the order of `suites`: one thread and five short repetitions, unless
 * the command line says otherwise.
 * @param made  its entries belong to the caller (chirp_free()); what they point to belongs to `suites`
 * @return CHIRP_OK, CHIRP_ERR_ARG (a limit names no benchmark of this build), CHIRP_ERR_IO, CHIRP_ERR_FORMAT
 */
chirp_status chirp_gate_make(const char *gate, const chirp_bench_suite *suites, size_t n,
                             chirp_bench_suite *made);

#endif

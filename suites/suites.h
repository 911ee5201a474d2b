/**
 * The suites: what `chirpbench bench` can run. One table of families (families.h) or of entries per suite, defined in the
 * suite's own file and listed in suites.c, so that a linker has nothing to drop.
 *
 * Add a suite: its file with the table, its row in suites.c, and the file in suites/CMakeLists.txt.
 */
#ifndef CHIRP_SUITES_SUITES_H
#define CHIRP_SUITES_SUITES_H

#include "suites/families.h"

/** Fixed loops that measure the machine itself: FMA peak, memory bandwidth and latency. */
extern const chirp_bench_entry chirp_suite_reference[];

/** Training steps, forward passes and posteriors of the whole network. */
extern const chirp_bench_entry chirp_suite_network[];

/** Dense and variational layers with the ledger of their time; draws, optimisers, dropout, posterior predictive. */
extern const chirp_bench_family chirp_families_layers[];

/** Every convolution of the root: each pass, each algorithm. */
extern const chirp_bench_family chirp_families_conv1d[];

/** The same shapes through oneDNN, where the build has it. */
extern const chirp_bench_family chirp_families_peers[];

/** Training signals: whole, by stage, the stages' limits, prefetch, data sets. */
extern const chirp_bench_entry chirp_suite_signal[];

/** How exact signals are: the waveform against published values, short grids against long ones. */
extern const chirp_bench_entry chirp_suite_accuracy[];

/** Between ranks: latency, bandwidth, allreduce by size and algorithm, overlap. Needs two ranks. */
extern const chirp_bench_entry chirp_suite_communication[];

/**
 * Every suite, in the order in which they run.
 * @param suites  for chirp_suites_destroy(); on failure untouched
 * @return CHIRP_OK, CHIRP_ERR_NOMEM
 */
chirp_status chirp_suites_create(chirp_bench_suite **suites, size_t *n);

/** Accepts NULL. */
void chirp_suites_destroy(chirp_bench_suite *suites, size_t n);

#endif

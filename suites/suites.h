/**
 * The suites: what `chirpbench bench` can run. One table of entries per suite, defined in the suite's own file and
 * listed in suites.c, so that a linker has nothing to drop.
 *
 * Add a suite: declare its table here, add a row to chirp_suites[] and its file to suites/CMakeLists.txt.
 */
#ifndef CHIRP_SUITES_SUITES_H
#define CHIRP_SUITES_SUITES_H

#include "harness/bench/bench.h"

/** Fixed loops that measure the machine itself: FMA peak, memory bandwidth and latency. */
extern const chirp_bench_entry chirp_suite_reference[];

/** Training steps, forward passes and posteriors of the whole network. */
extern const chirp_bench_entry chirp_suite_network[];

/** Dense and variational layers with the ledger of their time; draws, optimisers, dropout, posterior predictive. */
extern const chirp_bench_entry chirp_suite_layers[];

/** Every convolution of the root: each pass, each algorithm. */
extern const chirp_bench_entry chirp_suite_kernels_conv1d[];

/** The same shapes through oneDNN, where the build has it. */
extern const chirp_bench_entry chirp_suite_peers[];

/** Training signals: whole, by stage, the stages' limits, prefetch, data sets. */
extern const chirp_bench_entry chirp_suite_signal[];

/** How exact signals are: the waveform against published values, short grids against long ones. */
extern const chirp_bench_entry chirp_suite_accuracy[];

/** Between ranks: latency, bandwidth, allreduce by size and algorithm, overlap. Needs two ranks. */
extern const chirp_bench_entry chirp_suite_communication[];

/** Every suite, in the order in which they run. */
extern const chirp_bench_suite chirp_suites[];
extern const size_t chirp_n_suites;

#endif

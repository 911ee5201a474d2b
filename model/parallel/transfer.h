/**
 * The building blocks of communication benchmarks: what one rank sends another, and the library's allreduce. The
 * definitions of latency, bandwidth and overlap are those of the OSU micro-benchmarks. All calls are collective over the
 * group and need two ranks or more (CHIRP_ERR_UNSUPPORTED otherwise); ranks beyond those named do nothing.
 */
#ifndef CHIRP_MODEL_PARALLEL_TRANSFER_H
#define CHIRP_MODEL_PARALLEL_TRANSFER_H

#include "harness/base/status.h"

#include <stdint.h>

typedef enum chirp_allreduce_call {
    CHIRP_ALLREDUCE_BLOCKING = 0, /**< MPI_Allreduce */
    CHIRP_ALLREDUCE_NONBLOCKING,  /**< MPI_Iallreduce and a polled wait: what the exchange uses */
    CHIRP_ALLREDUCE_CALLS
} chirp_allreduce_call;

/** Rank 0 sends `bytes` to rank 1 and gets them back: two latencies (osu_latency). @param buffer  [bytes] on both */
chirp_status chirp_transfer_ping_pong(void *buffer, int64_t bytes);

/** Rank 0 sends `window` messages at once, rank 1 answers with four bytes (osu_bw). @param buffer  [bytes] */
chirp_status chirp_transfer_stream(void *buffer, int64_t bytes, int window);

/** Both send `window` messages at once (osu_bibw). @param buffer  [2 * bytes] */
chirp_status chirp_transfer_both_ways(void *buffer, int64_t bytes, int window);

/** values[i] = sum over ranks, bitwise the same on all. */
chirp_status chirp_transfer_allreduce(chirp_allreduce_call call, float *values, int64_t count);

/**
 * MPI_Iallreduce with `compute_s` of arithmetic before the wait, which polls MPI every `poll_s` (0: never), as a backward
 * pass does between layers (osu_iallreduce).
 */
chirp_status chirp_transfer_overlap(float *values, int64_t count, double compute_s, double poll_s);

#endif

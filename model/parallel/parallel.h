/**
 * Ranks, and nothing but ranks: start, agree, broadcast, sum. No MPI type leaves this folder.
 * A program that was not started by mpiexec is rank 0 of 1 and every call works.
 */
#ifndef CHIRP_MODEL_PARALLEL_PARALLEL_H
#define CHIRP_MODEL_PARALLEL_PARALLEL_H

#include "harness/base/status.h"

#include <stdint.h>

/** Starts MPI (thread level FUNNELED or better); call once, before the functions below. */
chirp_status chirp_parallel_init(void);
/** Ends MPI; accepts never having been started. */
void chirp_parallel_finalize(void);
/** Ends every rank at once after an error that only this rank knows; prints its sentence with the rank. */
void chirp_parallel_abort(int exit_code);

int chirp_parallel_rank(void);
int chirp_parallel_size(void);

/**
 * Collective: the worst status of all ranks, so that all leave a collective path together. Ranks that were
 * fine get the failing rank's sentence ("rank 3: ...").
 */
chirp_status chirp_parallel_agree(chirp_status status);

/** Collective: root's bytes on every rank. */
chirp_status chirp_parallel_broadcast(void *data, int64_t bytes, int root);
/** Collective: element-wise sum over ranks, bitwise the same on every rank and for every run with that many ranks. */
chirp_status chirp_parallel_sum(double *values, int n);
/** Collective: element-wise maximum. */
chirp_status chirp_parallel_max(double *values, int n);
chirp_status chirp_parallel_barrier(void);

#endif

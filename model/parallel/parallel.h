/**
 * Ranks, and nothing but ranks: start, agree, broadcast, sum. No MPI type leaves this folder.
 * A program that was not started by mpiexec is rank 0 of 1 and every call works.
 */
#ifndef CHIRP_MODEL_PARALLEL_PARALLEL_H
#define CHIRP_MODEL_PARALLEL_PARALLEL_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/**
 * Starts MPI (thread level FUNNELED or better); call once, before the functions below. Signals keep what they did before.
 * With several ranks and without OMP_NUM_THREADS, omp_get_max_threads() is from now on the processors of the computer over
 * its ranks: a rank that the launcher bound to processors of its own has all of those.
 */
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

/**
 * Collective over the whole job: the calls above, and exchanges created from now on, concern ranks 0 .. n-1 only.
 * The other ranks must do nothing but call chirp_parallel_everyone(), in which they sleep.
 * @return CHIRP_ERR_ARG unless 1 <= n <= size of the job
 */
chirp_status chirp_parallel_group(int n);
/** Whether this rank belongs to the group; true unless chirp_parallel_group() left it out. */
bool chirp_parallel_member(void);
/**
 * Collective over the group: from now on each of its ranks is a job of one, until chirp_parallel_everyone(). For work that is to
 * be done by all ranks at the same time without a word between them.
 */
chirp_status chirp_parallel_apart(void);
/** Collective over the whole job: the group is everybody again. Waits for all without using the processor. */
chirp_status chirp_parallel_everyone(void);

/** Collective: `bytes` of every rank, in rank order, at root. @param all  [size * bytes] at root, else ignored */
chirp_status chirp_parallel_gather(const void *mine, int64_t bytes, void *all, int root);

/** Collective: the part of rank r, `bytes` from r * bytes on, from root. @param all  [size * bytes] at root, else ignored */
chirp_status chirp_parallel_scatter(const void *all, int64_t bytes, void *mine, int root);

/**
 * Collective: what to add to this rank's chirp_now_s() to read rank 0's clock, from the fastest of 32 round trips.
 * @param uncertainty_s  half of that round trip
 */
chirp_status chirp_parallel_clock_offset(double *offset_s, double *uncertainty_s);

/** Time that this rank spent in MPI by call and size: the columns of an mpi_profile. */
typedef struct chirp_call_row {
    char call[40];
    int64_t bytes, calls;
    double seconds;
} chirp_call_row;
void chirp_parallel_calls_reset(void);
/** @return how many rows there are; at most `max` are written */
int chirp_parallel_calls(chirp_call_row *rows, int max);

/**
 * A rank that keeps the others waiting for this long ends the job with a line that names it; 15 s by default or
 * CHIRPBENCH_STALL_SECONDS, at least five times the longest wait so far, 0: never.
 */
void chirp_parallel_stall_limit(double seconds);
/**
 * Until it is called with false, this rank waits for one that may be reading or writing files, which on a shared file system
 * can take minutes: the stall limit is twenty times as long, and what a wait takes doesn't count as normal. Every rank calls it
 * for itself, around the same waits.
 */
void chirp_parallel_patience(bool patient);

/** chirp_parallel_agree() with that patience: for what follows reading or writing files on one rank. */
chirp_status chirp_parallel_agree_patiently(chirp_status status);

#endif

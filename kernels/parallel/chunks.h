/** Cutting flat arrays for threads, by length alone. Header only. */
#ifndef CHIRP_KERNELS_PARALLEL_CHUNKS_H
#define CHIRP_KERNELS_PARALLEL_CHUNKS_H

#include <omp.h>
#include <stdint.h>

enum {
    CHIRP_CHUNK =
        4096, /**< elements: a few arrays of it fit the first cache; a multiple of a draw group */
    CHIRP_CHUNKS_SUM = 1024 /**< most partial sums of one array */
};

/**
 * Threads for n elements: 1 or all, nothing between, as libgomp ends and restarts threads when the size of the team
 * changes. A region costs a few microseconds and more with more threads; with more threads than processors every one
 * of them must be scheduled in turn, about ten microseconds each.
 */
static inline int chirp_chunk_threads(int64_t n, int n_threads)
{
    if (n < 4 * CHIRP_CHUNK)
        return 1;
    const int threads = n_threads > 0 ? n_threads : omp_get_max_threads();
    const int64_t least = threads > omp_get_num_procs() ? 4 * CHIRP_CHUNK : CHIRP_CHUNK / 2;
    return n < least * threads ? 1 : threads;
}

/** Elements per partial sum: whole chunks, at most CHIRP_CHUNKS_SUM sums. */
static inline int64_t chirp_sum_chunk(int64_t n)
{
    const int64_t chunks = n > 0 ? (n + CHIRP_CHUNK - 1) / CHIRP_CHUNK : 1;
    return (chunks + CHIRP_CHUNKS_SUM - 1) / CHIRP_CHUNKS_SUM * CHIRP_CHUNK;
}

/** Length of the piece of `chunk` elements that starts at `start`. */
static inline int64_t chirp_chunk_length(int64_t n, int64_t start, int64_t chunk)
{
    return n - start < chunk ? n - start : chunk;
}

#endif

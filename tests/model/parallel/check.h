/** Assertions for programs of several ranks: a rank that fails ends all of them, so that none waits for it forever. */
#ifndef CHIRP_TESTS_MODEL_PARALLEL_CHECK_H
#define CHIRP_TESTS_MODEL_PARALLEL_CHECK_H

#include "model/parallel/parallel.h"

#include <stdint.h>
#include <stdio.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)chirp_fail(CHIRP_ERR_LIBRARY, "%s:%d: CHECK(%s) failed; last sentence: %.200s",  \
                             __FILE__, __LINE__, #condition, chirp_error_message());               \
            chirp_parallel_abort(1);                                                               \
        }                                                                                          \
    } while (0)

/** A cheap hash to [-1, 1): number i of rank r in step s. */
static inline float value_of(int r, int64_t i, int s)
{
    uint64_t h = (uint64_t)i * 0x9e3779b97f4a7c15ULL + (uint64_t)(r + 1) * 0xbf58476d1ce4e5b9ULL +
                 (uint64_t)s * 0x94d049bb133111ebULL;
    h ^= h >> 31;
    h *= 0xd6e8feb86659fd93ULL;
    h ^= h >> 32;
    return (float)((double)(h >> 11) / 4503599627370496.0 - 1.0);
}

#endif

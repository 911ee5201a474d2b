/** Assertions for programs of several ranks: a rank that fails ends all of them, so that none waits for it forever. */
#ifndef CHIRP_TESTS_MODEL_PARALLEL_CHECK_H
#define CHIRP_TESTS_MODEL_PARALLEL_CHECK_H

#include "model/parallel/parallel.h"

#include <stdio.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)chirp_fail(CHIRP_ERR_LIBRARY, "%s:%d: CHECK(%s) failed; last sentence: %.200s",  \
                             __FILE__, __LINE__, #condition, chirp_error_message());               \
            chirp_parallel_abort(1);                                                               \
        }                                                                                          \
    } while (0)

#endif

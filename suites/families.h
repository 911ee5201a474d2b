/**
 * Benchmarks as data: a family of them has a name, axes, and functions that set up, run and check one case. Its rows are the
 * combinations of its axes that `make` accepts, the last axis fastest:
 *
 *     conv1d / forward / transform / conv2 / batch:64          name / axis / axis / axis / key:axis
 *
 * To add a family: a file with a table of families that ends in {0}, its row in suites.c and the file in CMakeLists.txt.
 */
#ifndef CHIRP_SUITES_FAMILIES_H
#define CHIRP_SUITES_FAMILIES_H

#include "harness/bench/bench.h"

enum { CHIRP_BENCH_AXES = 4 };

typedef struct chirp_bench_axis {
    const char *key;             /**< "batch" in batch:64; NULL: the value alone */
    const char *const *values;   /**< ends in NULL; or, where another table knows them, */
    const char *(*value)(int i); /**< value i, NULL behind the last */
} chirp_bench_axis;

typedef struct chirp_bench_family {
    const char *name;                        /**< NULL ends a table */
    chirp_bench_axis axes[CHIRP_BENCH_AXES]; /**< those behind the last are {0} */
    size_t case_size; /**< bytes of what `make` fills and `run` and `check` get as arg */
    /**
     * The case at these positions of the axes, into zeroed memory. False: there is no such row, because the shape has no such
     * pass, the algorithm doesn't support it, or nobody needs it.
     */
    bool (*make)(const int *at, void *c);
    chirp_status (*run)(chirp_bench *b, const void *c);
    chirp_status (*check)(const void *c, double *relative_error); /**< or NULL */
    bool baseline; /**< somebody else's implementation, see chirp_bench_entry */
} chirp_bench_family;

/**
 * The rows of a table of families, as the runner wants them.
 * @param entries  owned by the caller, end in {0}; for chirp_families_free(). On failure untouched
 * @return CHIRP_OK, CHIRP_ERR_NOMEM
 */
chirp_status chirp_families_expand(const chirp_bench_family *families, chirp_bench_entry **entries);

/** Accepts NULL. */
void chirp_families_free(chirp_bench_entry *entries);

#endif

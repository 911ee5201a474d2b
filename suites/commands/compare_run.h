/** `chirpbench compare --run`: runs two programs in turn until every benchmark has a verdict, or a budget ends. */
#ifndef CHIRP_SUITES_COMMANDS_COMPARE_RUN_H
#define CHIRP_SUITES_COMMANDS_COMPARE_RUN_H

#include "harness/compare/compare.h"

#include <stdint.h>

typedef struct chirp_pair {
    const char *program[2]; /**< base and new */
    char *const *bench;     /**< [n_bench] options of both programs' `bench` */
    int n_bench;
    double budget_s;
    int64_t most_rounds;
    const char *allow; /**< as chirp_same_machine() has it */
    chirp_compare_options options;
    double
        threshold_of_counts; /**< in place of options.threshold when both count (bench --simulate) */
} chirp_pair;

/** What was run. Starts as {0}. */
typedef struct chirp_pair_outcome {
    char *paths[2]; /**< result files of base and new, as chirp_results_read() takes them */
    int rounds;     /**< runs of each program */
    double took_s;
    double
        confidence;   /**< that the last look was judged with: the rest was spent by earlier ones */
    size_t undecided; /**< benchmarks that still have no verdict, since the budget ended */
} chirp_pair_outcome;

/**
 * Each round runs both programs once, in the other order than the round before. After rounds 1, 2, 4, 8, ... the rows are
 * judged, and from then on only those without a verdict run again.
 *
 * Error bound: looking often finds something by chance, so look k (from 1) has the error rate alpha / (k (k + 1)), where alpha
 * is 1 - confidence. These add up to alpha however many looks there are.
 *
 * @param outcome  for chirp_pair_clear(), also after a failure
 * @return CHIRP_OK, CHIRP_ERR_UNSUPPORTED (a program can't be run), CHIRP_ERR_ARG (it refused its options), CHIRP_ERR_INTERRUPTED,
 *         or what reading and comparing its results gave
 */
chirp_status chirp_pair_run(const chirp_pair *pair, chirp_pair_outcome *outcome);

/** Removes the result files. */
void chirp_pair_clear(chirp_pair_outcome *outcome);

#endif

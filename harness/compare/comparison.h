/** What is known about two sets of times of each benchmark, and the verdict: filled by compare.c, judged by judge.c. */
#ifndef CHIRP_HARNESS_COMPARE_COMPARISON_H
#define CHIRP_HARNESS_COMPARE_COMPARISON_H

#include "harness/base/status.h"
#include "harness/stats/stats.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum chirp_verdict {
    /** the interval lies within the threshold on both sides, and so do the fastest repetitions */
    CHIRP_SAME,
    CHIRP_FASTER,
    CHIRP_SLOWER,
    /** the data could not tell; `detectable` says what it could have shown */
    CHIRP_INCONCLUSIVE,
    /** the new run has no time for it */
    CHIRP_FAILED,
    /** the new run, or the base, left it out on purpose */
    CHIRP_SKIPPED,
    CHIRP_VERDICTS
} chirp_verdict;

const char *chirp_verdict_text(chirp_verdict verdict);

typedef struct chirp_compare_options {
    /** relative change that matters: 0.05 for 5 % */
    double threshold;
    /** of intervals; 1 - confidence is the error rate of the corrected tests */
    double confidence;
    /** NULL, or an extended regular expression on names; "-REGEX": those that it doesn't find */
    const char *filter;
    /** NULL, or a text in base names that stands for another in new names */
    const char *from, *to;
    /** set by chirp_compare(): both sides are counts of a simulation */
    bool exact;
} chirp_compare_options;

typedef struct chirp_comparison {
    char *name;
    size_t n_base, n_fresh;
    /** files that they come from */
    size_t runs_base, runs_fresh;
    /** medians */
    double base_s, fresh_s;
    /** fresh/base; Hodges-Lehmann on logarithms */
    chirp_interval ratio;
    /** fastest fresh over fastest base repetition; 0 unknown */
    double floor_ratio;
    /** of whole repetitions, for people; 0 unknown */
    double mean_ratio;
    /** counts of a simulation, not times: base_s and fresh_s are counts, and the interval is all that was seen */
    bool exact;
    /** decided by the fastest blocks, not by whole repetitions */
    bool by_blocks;
    /** repetitions are known, so that ranks are */
    bool ranked;
    /** Student's test decided: ranks of so few repetitions can't */
    bool by_effect;
    /** difference of the mean logarithms */
    double shift;
    /** larger standard deviation of logarithms of the two */
    double deviation;
    /** two-sided Mann-Whitney U; 1 when it can't be had */
    double p;
    /** Holm over all benchmarks compared */
    double p_corrected;
    /** one-sided, against the threshold, Holm-corrected */
    double p_slower, p_faster;
    /** larger relative scatter of the two, chirp_log_scale() */
    double noise;
    /** standard deviation between pooled runs; 0 unknown, as with one run a side */
    double run_scatter;
    /** smallest relative change that would have been seen 4 times of 5; infinity: none */
    double detectable;
    chirp_verdict verdict;
    /** the base has no time for it */
    bool base_failed;
    /** NULL, or what stands in the way */
    char *why;
} chirp_comparison;

typedef struct chirp_family_mean {
    /** first part of the names; "" for all */
    char *name;
    size_t count;
    /** geometric mean */
    double ratio;
} chirp_family_mean;

typedef struct chirp_compare_result {
    chirp_comparison *item;
    size_t count;
    /** names without a partner */
    size_t only_base, only_fresh;
    /** the last is over all */
    chirp_family_mean *family;
    size_t n_families;
    size_t tally[CHIRP_VERDICTS];
    /** inconclusive since no test can decide with so few repetitions */
    size_t too_few;
    /** skipped in the new file but measured in the base */
    size_t skipped_by_new;
} chirp_compare_result;

#endif

/**
 * Verdicts on two result files. A verdict needs several things to agree: the interval of the ratio lies beyond the
 * threshold, a test against the threshold survives the correction for many comparisons, the fastest repetitions agree, and
 * the change is larger than noise of its own size. judge.h has the rules, and what bounds the errors.
 */
#ifndef CHIRP_HARNESS_COMPARE_COMPARE_H
#define CHIRP_HARNESS_COMPARE_COMPARE_H

#include "harness/compare/results.h"
#include "harness/stats/stats.h"

typedef enum chirp_verdict {
    CHIRP_SAME, /**< the interval lies within the threshold on both sides, and so do the fastest repetitions */
    CHIRP_FASTER,
    CHIRP_SLOWER,
    CHIRP_INCONCLUSIVE, /**< the data could not tell; `detectable` says what it could have shown */
    CHIRP_FAILED,       /**< the new run has no time for it */
    CHIRP_SKIPPED,      /**< the new run, or the base, left it out on purpose */
    CHIRP_VERDICTS
} chirp_verdict;

const char *chirp_verdict_text(chirp_verdict verdict);

typedef struct chirp_compare_options {
    double threshold; /**< relative change that matters: 0.05 for 5 % */
    double
        confidence; /**< of intervals, and 1 - confidence is the error rate of the corrected tests */
    const char *
        filter; /**< NULL, or an extended regular expression on names; "-REGEX": those that it doesn't find */
    const char *from,
        *to; /**< NULL, or a text in base names that stands for another in new names */
} chirp_compare_options;

typedef struct chirp_comparison {
    char *name;
    size_t n_base, n_fresh;
    size_t runs_base, runs_fresh; /**< files that they come from */
    double base_s, fresh_s;    /**< medians */
    chirp_interval ratio;      /**< fresh/base; Hodges-Lehmann on logarithms */
    double floor_ratio;        /**< fastest fresh over fastest base repetition; 0 unknown */
    double mean_ratio;         /**< of whole repetitions, for people; 0 unknown */
    bool by_blocks;            /**< decided by the fastest blocks, not by whole repetitions */
    bool ranked;               /**< repetitions are known, so that ranks are */
    bool by_effect;            /**< Student's test decided: ranks of so few repetitions can't */
    double shift;              /**< difference of the mean logarithms */
    double deviation;          /**< larger standard deviation of logarithms of the two */
    double p;                  /**< two-sided Mann-Whitney U; 1 when it can't be had */
    double p_corrected;        /**< Holm over all benchmarks compared */
    double p_slower, p_faster; /**< one-sided, against the threshold, Holm-corrected */
    double noise;              /**< larger relative scatter of the two, chirp_log_scale() */
    double run_scatter;        /**< standard deviation between pooled runs; 0 unknown, as with one run a side */
    double
        detectable; /**< smallest relative change that would have been seen 4 times of 5; infinity: none */
    chirp_verdict verdict;
    bool base_failed; /**< the base has no time for it */
    char *why;        /**< NULL, or what stands in the way */
} chirp_comparison;

typedef struct chirp_family_mean {
    char *name; /**< first part of the names; "" for all */
    size_t count;
    double ratio; /**< geometric mean */
} chirp_family_mean;

typedef struct chirp_compare_result {
    chirp_comparison *item;
    size_t count;
    size_t only_base, only_fresh; /**< names without a partner */
    chirp_family_mean *family;    /**< the last is over all */
    size_t n_families;
    size_t tally[CHIRP_VERDICTS];
    size_t too_few;         /**< inconclusive since no test can decide with so few repetitions */
    size_t skipped_by_new;  /**< skipped in the new file but measured in the base */
} chirp_compare_result;

/**
 * @return CHIRP_OK, CHIRP_ERR_ARG (a bad regular expression), CHIRP_ERR_FORMAT (no common name), CHIRP_ERR_NOMEM
 */
chirp_status chirp_compare(const chirp_results *base, const chirp_results *fresh,
                           const chirp_compare_options *options, chirp_compare_result *result);
void chirp_compare_clear(chirp_compare_result *result);

/**
 * Whether two results may be compared: every fact about the machine and the build that both files state must agree.
 * @param allowed  NULL, or comma-separated keys that may differ; "all" allows everything
 * @return CHIRP_OK, or CHIRP_ERR_ARG with a sentence that names the keys and both values
 */
chirp_status chirp_same_machine(const chirp_results *base, const chirp_results *fresh,
                                const char *allowed);

struct cJSON;

/** Reports; files are named in them. */
void chirp_compare_print(const chirp_results *base, const chirp_results *fresh,
                         const chirp_compare_options *options, const chirp_compare_result *result,
                         bool color);
chirp_status chirp_compare_markdown(const chirp_results *base, const chirp_results *fresh,
                                    const chirp_compare_options *options,
                                    const chirp_compare_result *result, char **text);
/** An object for a JSON report; NULL when out of memory. */
struct cJSON *chirp_compare_json(const chirp_results *base, const chirp_results *fresh,
                                 const chirp_compare_options *options,
                                 const chirp_compare_result *result);

#endif

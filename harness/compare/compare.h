/**
 * Verdicts on two result files. A verdict needs several things to agree: the interval of the ratio lies beyond the
 * threshold, a test against the threshold survives the correction for many comparisons, the fastest repetitions agree, and
 * the change is larger than noise of its own size. judge.h has the rules, and what bounds the errors.
 */
#ifndef CHIRP_HARNESS_COMPARE_COMPARE_H
#define CHIRP_HARNESS_COMPARE_COMPARE_H

#include "harness/compare/comparison.h"
#include "harness/compare/results.h"

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
struct chirp_text;

/** Reports; files are named in them. */
void chirp_compare_print(const chirp_results *base, const chirp_results *fresh,
                         const chirp_compare_options *options, const chirp_compare_result *result,
                         bool color);
/** For a pull request: what to know in the first line, commits, machine, what changed; the rest folded. chirp_free() it. */
chirp_status chirp_compare_markdown(const chirp_results *base, const chirp_results *fresh,
                                    const chirp_compare_options *options,
                                    const chirp_compare_result *result, char **text);
/** A test suite of JUnit's XML, one test case a benchmark: slower and failed are failures. Appends; see text->failed. */
void chirp_compare_junit(const chirp_results *fresh, const chirp_compare_result *result,
                         struct chirp_text *text);
/** GitHub's workflow commands on stdout: ::error for slower and failed, ::notice for faster. */
void chirp_compare_annotate(const chirp_compare_result *result);
/** An object for a JSON report; NULL when out of memory. */
struct cJSON *chirp_compare_json(const chirp_results *base, const chirp_results *fresh,
                                 const chirp_compare_options *options,
                                 const chirp_compare_result *result);

#endif

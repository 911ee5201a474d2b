/**
 * Benchmarks of shapes that the user writes, in the manner of oneDNN's benchdnn:
 *
 *     --conv1d mb16ic32oc64iw4096kw8dw3pl2pr2 --pass forward,backward_data --algorithm all
 *
 *     --dense mb64ic1280oc128      (mb batch, ic inputs, oc outputs)
 *
 * A row is named conv1d/PASS/ALGORITHM/PROBLEM or dense/..., where PROBLEM repeats every field that was given.
 */
#ifndef CHIRP_SUITES_BENCHMARKS_PROBLEMS_PROBLEMS_H
#define CHIRP_SUITES_BENCHMARKS_PROBLEMS_PROBLEMS_H

#include "harness/base/options.h"
#include "harness/bench/bench.h"
#include "kernels/conv1d/conv1d.h"

enum { CHIRP_PROBLEM_TEXT = 160 };

/**
 * Reads one convolution:
 *
 *     mb batch        ic, oc channels in and out        iw width [samples]        kw taps                   (all needed)
 *     dw dilation [samples], 1 without it               pl, pr padding on the left and the right, 0 without them
 *     pool window and stride of the max pool, 1 without it                        relu 0 (without it) or 1
 *     ow width of the output before pooling: checked against the others when it is given
 *
 * @param text  the problem alone, without spaces; fields in any order, each at most once
 * @return CHIRP_OK; CHIRP_ERR_ARG with a sentence that names the problem and the field
 */
chirp_status chirp_problem_read(const char *text, chirp_conv1d_desc *desc);

/** What the command line asks for; starts as {0}. */
typedef struct chirp_problem_options {
    const char *conv1d; /**< A,B,... or @FILE; NULL: nothing is asked for */
    const char *dense;  /**< the same for dense layers */
    const char *pass;   /**< names of passes, or "all"; NULL: the three passes */
    const char *
        algorithm; /**< names of engines and "onednn", or "all", which leaves out the reference; NULL: all */
    chirp_bench_entry *entries; /**< what chirp_problems_make() made */
} chirp_problem_options;

/** The options as rows for chirp_bench_own. */
enum { CHIRP_PROBLEM_OPTIONS = 4 };
void chirp_problem_options_list(chirp_problem_options *o, chirp_option list[CHIRP_PROBLEM_OPTIONS]);

/**
 * The benchmarks as a suite; for chirp_bench_own. A pass or algorithm that was named and doesn't do a shape is an error;
 * with "all" it is left out.
 * @param state  a chirp_problem_options, which owns the entries; see chirp_problems_clear()
 */
chirp_status chirp_problems_make(void *state, chirp_bench_suite *suite);

void chirp_problems_clear(chirp_problem_options *o);

#endif

/**
 * How good and how honest posteriors are, from signals whose truth is known.
 *
 * Scores of one answer are proper: nobody improves them on average by answering other than what he believes (Gneiting and Raftery,
 * J. Am. Stat. Assoc. 102 (2007) 359). Ranks of the truth are uniform when answers are honest (Cook, Gelman, Rubin,
 * J. Comput. Graph. Stat. 15 (2006) 675).
 */
#ifndef CHIRP_MODEL_INFERENCE_CALIBRATION_H
#define CHIRP_MODEL_INFERENCE_CALIBRATION_H

#include "harness/base/status.h"
#include "harness/results/calibration.h"

#include <stdint.h>

/** A posterior predictive of one parameter: a mixture of S normal laws with equal weights, and a draw from each. */
typedef struct chirp_mixture {
    const double *mean, *scale, *draw; /**< [n] */
    int64_t n;
} chirp_mixture;

/** What one signal says about one parameter. */
typedef struct chirp_answer {
    double truth, median;
    double rank;     /**< probability of a value below the truth */
    double width_90; /**< of the central 90 % interval */
    double nll;      /**< -log density at the truth [nats] */
    double crps; /**< mean |x - truth| - mean |x - x'| / 2, without bias for any number of draws */
    double deviation; /**< (truth - mean) / standard deviation */
} chirp_answer;

/**
 * Scores a posterior predictive.
 * @param scratch  [n]
 */
void chirp_answer_score(const chirp_mixture *mixture, double truth, double *scratch,
                        chirp_answer *answer);

/** -log density of a mixture that was stretched about its mean by 1 / factor, the inverse of a recalibration by `factor`. */
double chirp_mixture_nll_before(const chirp_mixture *mixture, double factor, double truth);

/** Continuous ranked probability score of draws, sorted in place. @param n  at least 2 */
double chirp_crps_draws(double *draw, int64_t n, double truth);

/** The share k / n with Wilson's 95 % interval. */
chirp_proportion chirp_binomial_share(int64_t k, int64_t n);

/** P(the distance of n uniform numbers' distribution from the diagonal >= d), by Stephens' approximation (0.01 right for n >= 5). */
double chirp_kolmogorov_p(int64_t n, double d);
/** The distance whose probability that is: p-p curves of honest answers stay within it, as a whole, with probability 1 - p. */
double chirp_kolmogorov_band(int64_t n, double p);

/** Relative error mean |value - truth| / mean |truth| and its standard error over signals, to first order. */
void chirp_relative_error(const chirp_answer *answer, int64_t n, double *error, double *se);

/**
 * Fills in the row's numbers that follow from the answers to n signals: all but its name, its bin and what is about
 * recalibration and the exact posterior.
 * @param guess  the prior's median
 * @return CHIRP_ERR_NOMEM
 */
chirp_status chirp_calibration_fill(const chirp_answer *answer, int64_t n, double guess,
                                    chirp_calibration_row *row);

/**
 * The factor by which posteriors have to be stretched about their means for the largest likelihood of the truths, with normal
 * posteriors: the root mean square of their deviations. @param se  its standard error, may be NULL
 */
double chirp_recalibration_fit(const chirp_answer *answer, int64_t n, double *se);

#endif

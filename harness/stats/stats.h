/**
 * Statistics of repeated timings. Distribution-free where possible: times on a shared machine have a long
 * right tail, so means and t intervals mislead.
 *
 * Samples are finite doubles in any order; n is at most a few thousand. Functions that sort take a copy.
 */
#ifndef CHIRP_HARNESS_STATS_STATS_H
#define CHIRP_HARNESS_STATS_STATS_H

#include "harness/base/status.h"

#include <stddef.h>
#include <stdint.h>

/** Arithmetic mean; 0 for n = 0. */
double chirp_stats_mean(const double *x, size_t n);

/** Sample standard deviation (n - 1); 0 for n < 2, as Google Benchmark reports it. */
double chirp_stats_stddev(const double *x, size_t n);

/** Quantile p in [0, 1] of sorted samples, linear between order statistics (type 7 of R). n >= 1. */
double chirp_stats_quantile_sorted(const double *sorted, size_t n, double p);

/** A centre with an interval. */
typedef struct chirp_interval {
    double value;
    double low, high;
    double confidence; /**< reached coverage; may be below the one asked for when n is small */
} chirp_interval;

/** All that is said about one set of repetitions. */
typedef struct chirp_summary {
    size_t n;
    double mean, stddev, min, max;
    double mad; /**< median absolute deviation from the median, unscaled */
    chirp_interval median;
    /** modified z score |x - median| / (1.4826 MAD) above 3.5 (Iglewicz and Hoaglin 1993) */
    size_t outliers;
    /** lag 1, of the samples in the order given; 0 for n < 3 or constant samples */
    double autocorrelation;
} chirp_summary;

/**
 * Summary of n >= 1 samples. The interval of the median is the narrowest symmetric pair of order statistics
 * with coverage >= confidence by the binomial distribution; with fewer than six samples 95 % can't be reached,
 * and the interval is the range with the coverage it has, 1 - 2^(1-n).
 * @return CHIRP_OK, CHIRP_ERR_ARG (n = 0), CHIRP_ERR_NUMERIC (a sample isn't finite), CHIRP_ERR_NOMEM
 */
chirp_status chirp_stats_summary(const double *x, size_t n, double confidence,
                                 chirp_summary *summary);

/** Lag-1 autocorrelation is suspicious: beyond 1.96/sqrt(n), and n >= 10. */
int chirp_stats_autocorrelated(const chirp_summary *summary);

/**
 * Two-sided Mann-Whitney U test: exact when one sample has at most 8 values and there are no ties (the rule of
 * scipy.stats.mannwhitneyu's method "auto"), else normal with tie and continuity correction.
 * @param u  U of x (the number of pairs with x > y, ties counting one half); may be NULL
 * @return CHIRP_OK with *p in [0, 1]; CHIRP_ERR_ARG when a sample is empty; CHIRP_ERR_NOMEM
 */
chirp_status chirp_mann_whitney(const double *x, size_t n_x, const double *y, size_t n_y, double *u,
                                double *p);

/**
 * Ratio new/base of two sets of positive times with its interval: the Hodges-Lehmann estimate on logarithms
 * (the median of all new/base pairs) and the order statistics of those pairs that the distribution of U allows.
 * It is the interval that belongs to the U test: 1 lies outside it exactly when the test rejects.
 * `confidence` of the result is what was reached; 0 with low = 0, high = infinity when the samples are too few
 * for the confidence asked for (95 % needs four of each).
 * @return CHIRP_OK, CHIRP_ERR_ARG (an empty sample), CHIRP_ERR_RANGE (a time that is not positive), CHIRP_ERR_NOMEM
 */
chirp_status chirp_ratio_interval(const double *base, size_t n_base, const double *fresh,
                                  size_t n_fresh, double confidence, chirp_interval *ratio);

/**
 * Ratio from pairs measured one after the other: median of new/base with the order-statistic interval,
 * which drifts slower than a pair leave untouched. n >= 1.
 */
chirp_status chirp_paired_ratio_interval(const double *base, const double *fresh, size_t n,
                                         double confidence, chirp_interval *ratio);

/**
 * P(U >= u) for samples of m and n values of one law: exact up to 1024 pairs, else normal with continuity correction.
 * @return CHIRP_OK, CHIRP_ERR_ARG (an empty sample), CHIRP_ERR_NOMEM
 */
chirp_status chirp_u_tail(size_t m, size_t n, size_t u, double *p);

/**
 * One-sided rank test of "y is larger than factor * x": P(U >= the number of pairs with y > factor * x). Ties count
 * against the claim, which keeps the test valid with rounded times, and p never falls as the factor grows.
 */
chirp_status chirp_rank_above(const double *x, size_t n_x, const double *y, size_t n_y,
                              double factor, double *p);

/** Smallest one-sided p that a rank test of so many values can give: 1 / C(n_x + n_y, n_x). */
double chirp_rank_least_p(size_t n_x, size_t n_y);

/** P(T > t) of Student's law. */
double chirp_student_tail(double t, double freedom);

/** The t > 0 with P(T > t) = tail, for 0 < tail < 0.5. */
double chirp_student_quantile(double tail, double freedom);

/**
 * Robust standard deviation of the logarithms of n >= 1 positive values, which for small noise is the relative scatter:
 * the larger of 1.4826 MAD and half the central 68 %, so that one outlier doesn't count but two levels do. Below six values
 * it is the sample standard deviation; 0 for n = 1.
 */
chirp_status chirp_log_scale(const double *x, size_t n, double *scale);

/** Holm's step-down correction of n p-values, in place; order is kept. */
chirp_status chirp_holm(double *p, size_t n);

/** Upper-tail-safe standard normal distribution function. */
double chirp_normal_cdf(double z);

/** Quantile of the standard normal distribution (Acklam's rational form and one Halley step), 0 < p < 1. */
double chirp_normal_quantile(double p);

/** Where a series changes its level: sample `at` is the first of the new level. */
typedef struct chirp_change {
    size_t at;
    double ratio; /**< median after over median before */
    double p;     /**< share of random orders of the segment that look as changed */
} chirp_change;

/**
 * Change points of a series of positive values by binary segmentation. A segment is split when fewer than alpha of 999 random
 * orders of it (fixed seed) have a larger U statistic, standardised and taken at its best split, and the medians differ by
 * at least min_effect (0.02: 2 %); it is split where two levels leave the least sum of |log x - log median|; then the same on
 * both sides.
 * @param least    samples in a segment, at least 2
 * @param changes  room for n; filled in order of position
 * @return CHIRP_OK, CHIRP_ERR_RANGE (a value isn't positive), CHIRP_ERR_NOMEM
 */
chirp_status chirp_change_points(const double *x, size_t n, size_t least, double alpha,
                                 double min_effect, chirp_change *changes, size_t *n_changes);

/**
 * Whether the last values of a series without change points (5 at most) lie on another level that they are too few to prove:
 * by more than min_effect and than the scatter of those before, of which 3 are needed, explains (Student, level 0.005 one-sided).
 * @param last   receives how many; 0: none are suspect
 * @param ratio  receives their median over the median before; 1 when none are
 */
chirp_status chirp_last_suspects(const double *x, size_t n, double min_effect, size_t *last,
                                 double *ratio);

#endif

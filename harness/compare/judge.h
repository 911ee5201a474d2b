/**
 * How a verdict is reached. All is about logarithms of times; `up` is log(1 + threshold), alpha half of 1 - confidence, and
 * k the number of benchmarks compared that have at least two repetitions on both sides.
 *
 * "Slower" needs all of these; "faster" is the same with the sides exchanged:
 *
 * 1. The interval's lower end L lies beyond `up`.
 * 2. The fastest repetitions differ by more than `up`: a neighbour slows repetitions down and never speeds one up.
 * 3. A one-sided test against the threshold gives p <= alpha after Holm's correction over the k benchmarks. Which test is
 *    settled by the counts alone, so that choosing costs no error:
 *    - The rank test (chirp_rank_above) where its smallest possible p, 1/C(n+m,n), is at most alpha/k.
 *    - Else Student's t on logarithms, T = (mean difference - up) / (s sqrt(1/n + 1/m)) with n + m - 2 degrees of freedom,
 *      and the rank test beside it at the level alpha, or at full separation where it can't reach alpha. s is the largest of
 *      the standard deviations of the two sides, the median of s over the k benchmarks (three repetitions may agree by
 *      chance), and half a percent (clocks are no better between runs).
 * 4. The change is larger than repetitions and shifts of whole runs explain: |log ratio| > q sqrt(B^2 (1/Rn + 1/Rm) + N^2 (1/n + 1/m)).
 *    N is the scatter of the noisier side (chirp_log_scale), Rn and Rm the runs (files) pooled, and B how far a whole run is
 *    shifted: N/2, or what the pooled runs themselves show where that is more. q is the normal quantile of alpha/5/k, or, since N
 *    is estimated, Student's: of alpha/5/k where ranks decided, of alpha/5 where Student's test did, which divides by k itself.
 *    And L > B sqrt(1/Rn + 1/Rm): times that jump between two levels have wide intervals when one side met one level more often.
 *    Disturbances come in spells: one that fills a whole run looks like a change and is rarely larger than what shows inside
 *    a run. This veto doesn't know the threshold and stops effects of the noise's own size only.
 *
 * How the constants of 4 were chosen: alpha/5 is 1 false alarm in 200 pairs at 95 %. With one run a side a shift can't be
 * told from a change, so its size must be assumed: N/2 is a choice, and both wanted rates hold with it, on made-up times
 * (tests/harness/verdicts/power.c, which asserts them) and on measured ones (measure.py beside it). Pooled runs average their
 * shifts, so the veto weakens with their number.
 *
 * Error bound. If a benchmark did not become slower by more than the threshold and both its sides follow one law, the rank
 * test's p is valid for any law, and the t test's for log-normal times: P(p <= a) <= a, since T is at most Student's
 * own statistic (s is at least the pooled deviation, and 1/n + 1/m is exact). Holm's correction keeps P(any false "slower") <= alpha
 * over all k, however the benchmarks depend on one another. 1, 2 and 4 can only lower it. A run that is shifted as a whole is
 * outside this model: 2 and 4 are there for it. 4 bounds P(any false "slower") of equal pairs by about alpha/5 for normal shifts
 * of up to half the noise.
 *
 * Counts of a simulation need none of this: they repeat, so that a ratio beyond the threshold decides by itself.
 *
 * Monotone: 1 to 3 get harder as the threshold grows and 4 doesn't know it, so what is slower at one threshold is slower
 * at every stricter one, for one benchmark as for the family.
 */
#ifndef CHIRP_HARNESS_COMPARE_JUDGE_H
#define CHIRP_HARNESS_COMPARE_JUDGE_H

#include "harness/compare/comparison.h"

/** Repetitions on both sides below which no test can decide anything. */
enum { CHIRP_LEAST_REPETITIONS = 2 };

/** Tests, corrects and judges all comparisons of `result`, whose measured fields are filled. */
chirp_status chirp_judge(chirp_compare_result *result, const chirp_compare_options *options);

/** Replaces c->why. */
chirp_status chirp_comparison_say(chirp_comparison *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

/* Summaries of one sample. */
#include "harness/stats/stats.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double chirp_stats_mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; ++i)
        sum += x[i];
    return n ? sum / (double)n : 0;
}

double chirp_stats_stddev(const double *x, size_t n)
{
    if (n < 2)
        return 0;
    const double mean = chirp_stats_mean(x, n);
    double sum = 0;
    for (size_t i = 0; i < n; ++i)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)(n - 1));
}

double chirp_stats_quantile_sorted(const double *sorted, size_t n, double p)
{
    const double at = p * (double)(n - 1);
    const size_t below = (size_t)at;
    if (below + 1 >= n)
        return sorted[n - 1];
    const double part = at - (double)below;
    return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

/* Log of the binomial coefficient, for coverages of order statistics at any n. */
static double log_choose(size_t n, size_t k)
{
    return lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
}

/*
 * Interval (x[k], x[n-1-k]) covers the median with probability 1 - 2 * P(Binomial(n, 1/2) <= k):
 * take the largest k that keeps the confidence asked for; k = 0 if none does.
 */
static chirp_interval median_interval(const double *sorted, size_t n, double confidence)
{
    double tail = exp(-(double)n * M_LN2); /* P(B <= 0) */
    size_t k = 0;
    double reached = 1 - 2 * tail;
    while (2 * (k + 1) + 1 < n) {
        const double more = exp(log_choose(n, k + 1) - (double)n * M_LN2);
        if (1 - 2 * (tail + more) < confidence)
            break;
        tail += more;
        ++k;
        reached = 1 - 2 * tail;
    }
    return (chirp_interval){
        .value = chirp_stats_quantile_sorted(sorted, n, 0.5),
        .low = sorted[k],
        .high = sorted[n - 1 - k],
        .confidence = n > 1 ? reached : 0,
    };
}

static double lag_one(const double *x, size_t n, double mean)
{
    double above = 0;
    double below = 0;
    for (size_t i = 0; i < n; ++i) {
        below += (x[i] - mean) * (x[i] - mean);
        if (i > 0)
            above += (x[i] - mean) * (x[i - 1] - mean);
    }
    return n >= 3 && below > 0 ? above / below : 0;
}

chirp_status chirp_stats_summary(const double *x, size_t n, double confidence,
                                 chirp_summary *summary)
{
    if (n == 0)
        return chirp_fail(CHIRP_ERR_ARG, "no samples to summarise");
    for (size_t i = 0; i < n; ++i)
        if (!isfinite(x[i]))
            return chirp_fail(CHIRP_ERR_NUMERIC, "sample %zu of %zu is not finite", i, n);
    double *sorted = chirp_alloc(2 * n * sizeof *sorted);
    if (!sorted)
        return CHIRP_ERR_NOMEM;
    double *deviation = sorted + n;
    memcpy(sorted, x, n * sizeof *x);
    chirp_sort(sorted, n);
    chirp_summary s = {.n = n,
                       .mean = chirp_stats_mean(x, n),
                       .stddev = chirp_stats_stddev(x, n),
                       .min = sorted[0],
                       .max = sorted[n - 1],
                       .median = median_interval(sorted, n, confidence)};
    for (size_t i = 0; i < n; ++i)
        deviation[i] = fabs(sorted[i] - s.median.value);
    chirp_sort(deviation, n);
    s.mad = chirp_stats_quantile_sorted(deviation, n, 0.5);
    if (s.mad > 0)
        for (size_t i = 0; i < n; ++i)
            s.outliers += fabs(sorted[i] - s.median.value) > 3.5 * 1.4826 * s.mad;
    s.autocorrelation = lag_one(x, n, s.mean);
    chirp_free(sorted);
    *summary = s;
    return CHIRP_OK;
}

int chirp_stats_autocorrelated(const chirp_summary *summary)
{
    return summary->n >= 10 && fabs(summary->autocorrelation) > 1.96 / sqrt((double)summary->n);
}

chirp_status chirp_paired_ratio_interval(const double *base, const double *fresh, size_t n,
                                         double confidence, chirp_interval *ratio)
{
    if (n == 0)
        return chirp_fail(CHIRP_ERR_ARG, "no pairs to compare");
    double *each = chirp_alloc(n * sizeof *each);
    if (!each)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < n; ++i) {
        if (!(base[i] > 0) || !(fresh[i] > 0)) {
            chirp_free(each);
            return chirp_fail(CHIRP_ERR_RANGE, "pair %zu has a time that is not positive", i);
        }
        each[i] = fresh[i] / base[i];
    }
    chirp_sort(each, n);
    *ratio = median_interval(each, n, confidence);
    chirp_free(each);
    return CHIRP_OK;
}

#include "model/inference/convergence.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"

#include <math.h>
#include <string.h>

/* Number of entries of sorted[n] below x, or not above it. */
static int64_t count_below(const double *sorted, int64_t n, double x, int or_equal)
{
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (sorted[middle] < x || (or_equal && sorted[middle] == x))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* z[i] = normal quantile of x[i]'s mean rank, (r - 3/8)/(n + 1/4). `sorted` is for scratch. */
static void normalise(const double *x, int64_t n, double *sorted, double *z)
{
    memcpy(sorted, x, (size_t)n * sizeof *x);
    chirp_sort(sorted, (size_t)n);
    for (int64_t i = 0; i < n; ++i) {
        const double rank =
            0.5 * (double)(count_below(sorted, n, x[i], 0) + count_below(sorted, n, x[i], 1) + 1);
        z[i] = chirp_normal_quantile((rank - 0.375) / ((double)n + 0.25));
    }
}

static void moments(const double *x, int64_t n, int64_t stride, double *mean, double *variance)
{
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; ++i)
        sum += x[i * stride];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; ++i)
        square += (x[i * stride] - *mean) * (x[i * stride] - *mean);
    *variance = square / (double)(n - 1);
}

/* Variance of the mean of chains and mean of their variances, over m chains. */
typedef struct spread {
    double mean, square, within;
    int m;
} spread;

static void add_chain(spread *s, double mean, double variance)
{
    s->mean += mean;
    s->square += mean * mean;
    s->within += variance;
    ++s->m;
}

/* between (of means), within; var+ = (n-1)/n within + between */
static void finish(spread *s, double n, double *within, double *all)
{
    const double mean = s->mean / s->m,
                 between = fmax(0, (s->square - s->m * mean * mean) / (s->m - 1));
    *within = s->within / s->m;
    *all = (n - 1) / n * *within + between;
}

static double r_hat(const chirp_chains *c, const double *z)
{
    spread s = {0};
    const int64_t half = c->sweeps / 2 * c->walkers;
    for (int e = 0; e < c->ensembles; ++e) {
        const double *ensemble = z + e * c->sweeps * c->walkers;
        for (int part = 0; part < 2; ++part) {
            double mean, variance;
            moments(part ? ensemble + c->sweeps * c->walkers - half : ensemble, half, 1, &mean,
                    &variance);
            add_chain(&s, mean, variance);
        }
    }
    double within, all;
    finish(&s, (double)half, &within, &all);
    return within > 0 ? sqrt(all / within) : 1;
}

/* Mean over walkers of the autocovariance at a lag, biased (over n). */
static double covariance(const chirp_chains *c, const double *z, const double *mean, int64_t lag)
{
    double sum = 0;
    for (int e = 0; e < c->ensembles; ++e)
        for (int64_t t = 0; t + lag < c->sweeps; ++t) {
            const double *now = z + (e * c->sweeps + t) * c->walkers,
                         *later = now + lag * c->walkers, *m = mean + e * c->walkers;
            for (int w = 0; w < c->walkers; ++w)
                sum += (now[w] - m[w]) * (later[w] - m[w]);
        }
    return sum / ((double)c->sweeps * c->ensembles * c->walkers);
}

static chirp_status effective(const chirp_chains *c, const double *z, double *result)
{
    const int chains = c->ensembles * c->walkers;
    const double n = (double)c->sweeps;
    double *mean = chirp_calloc((size_t)chains, sizeof *mean);
    if (!mean)
        return CHIRP_ERR_NOMEM;
    spread s = {0};
    for (int e = 0; e < c->ensembles; ++e)
        for (int w = 0; w < c->walkers; ++w) {
            double variance;
            moments(z + e * c->sweeps * c->walkers + w, c->sweeps, c->walkers,
                    &mean[e * c->walkers + w], &variance);
            add_chain(&s, mean[e * c->walkers + w], variance);
        }
    double within, all, time = 0, before = INFINITY;
    finish(&s, n, &within, &all);
    for (int64_t lag = 0; within > 0 && lag + 1 < c->sweeps; lag += 2) {
        /* sums of neighbours are positive and fall for a reversible chain: noise begins where they don't */
        double pair = 0;
        for (int64_t k = lag; k < lag + 2; ++k)
            pair += 1 - (within - covariance(c, z, mean, k) * n / (n - 1)) / all;
        if (pair <= 0)
            break;
        before = fmin(before, pair);
        time += 2 * before;
    }
    const double total = n * chains;
    *result = within > 0 ? total / fmax(time - 1, 1 / log10(total)) : total;
    chirp_free(mean);
    return CHIRP_OK;
}

chirp_status chirp_convergence_measure(const chirp_chains *c, chirp_convergence *result)
{
    const int64_t n = c->ensembles * c->walkers * c->sweeps;
    if (c->sweeps < 4 || c->ensembles < 1 || c->walkers < 1)
        return chirp_fail(CHIRP_ERR_ARG, "convergence of %lld sweeps: at least 4 are needed",
                          (long long)c->sweeps);
    for (int64_t i = 0; i < n; ++i)
        if (!isfinite(c->x[i]))
            return chirp_fail(CHIRP_ERR_ARG, "convergence: draw %lld isn't finite", (long long)i);
    double *x = chirp_alloc((size_t)n * sizeof *x), *sorted = chirp_alloc((size_t)n * sizeof *x),
           *z = chirp_alloc((size_t)n * sizeof *x);
    chirp_status st = x && sorted && z ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        normalise(c->x, n, sorted, z);
        result->r_hat = r_hat(c, z);
        st = effective(c, z, &result->effective);
    }
    if (st ==
        CHIRP_OK) { /* chains of the same centre and different widths are told by distances from the median */
        const double median = chirp_stats_quantile_sorted(sorted, (size_t)n, 0.5);
        for (int64_t i = 0; i < n; ++i)
            x[i] = fabs(c->x[i] - median);
        normalise(x, n, sorted, z);
        result->r_hat = fmax(result->r_hat, r_hat(c, z));
    }
    chirp_free(x);
    chirp_free(sorted);
    chirp_free(z);
    return st;
}

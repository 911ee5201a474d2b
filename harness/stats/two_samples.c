/* Tests and intervals for two samples. Sources: Mann and Whitney 1947; Hodges and Lehmann 1963; Holm 1979. */
#include "harness/stats/stats.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

double chirp_normal_cdf(double z) { return 0.5 * erfc(-z * M_SQRT1_2); }

double chirp_normal_quantile(double p)
{
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                               -2.759285104469687e+02, 1.383577518672690e+02,
                               -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                               -1.556989798598866e+02, 6.680131188771972e+01,
                               -1.328068155288572e+01};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                               -2.400758277161838e+00, -2.549732539343734e+00,
                               4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    double x;
    const double tail = p < 0.5 ? p : 1 - p;
    if (tail < 0.02425) {
        const double q = sqrt(-2 * log(tail));
        x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
            ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
        if (p > 0.5)
            x = -x;
    } else {
        const double q = p - 0.5;
        const double r = q * q;
        x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
            (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
    }
    const double error = chirp_normal_cdf(x) - p;
    const double step = error * sqrt(2 * M_PI) * exp(0.5 * x * x);
    return x - step / (1 + 0.5 * x * step);
}

/*
 * P(U = u) for samples of m and n values without ties, u = 0..m*n, by the recursion on which sample holds the
 * largest value: p(m, n, u) = m/(m+n) p(m-1, n, u-n) + n/(m+n) p(m, n-1, u). Every term is positive, so nothing cancels.
 * Caller frees; NULL when out of memory.
 */
static double *u_distribution(size_t m, size_t n)
{
    const size_t top = m * n;
    double *table = chirp_calloc((m + 1) * (top + 1), sizeof *table);
    if (!table)
        return NULL;
    for (size_t i = 0; i <= m; ++i)
        table[i * (top + 1)] = 1; /* n = 0: U is 0 */
    for (size_t j = 1; j <= n; ++j) {
        for (size_t i = 1; i <= m; ++i) {
            double *here = table + i * (top + 1);
            const double *fewer = here - (top + 1);
            const double from_m = (double)i / (double)(i + j);
            const double from_n = (double)j / (double)(i + j);
            for (size_t u = i * j + 1; u-- > 0;)
                here[u] = from_n * here[u] + (u >= j ? from_m * fewer[u - j] : 0);
        }
    }
    memmove(table, table + m * (top + 1), (top + 1) * sizeof *table);
    return table;
}

typedef struct tagged {
    double value;
    bool from_x;
} tagged;

static int by_value(const void *a, const void *b)
{
    const double x = ((const tagged *)a)->value;
    const double y = ((const tagged *)b)->value;
    return (x > y) - (x < y);
}

chirp_status chirp_mann_whitney(const double *x, size_t n_x, const double *y, size_t n_y, double *u,
                                double *p)
{
    if (n_x == 0 || n_y == 0)
        return chirp_fail(CHIRP_ERR_ARG, "the U test needs two samples, not %zu and %zu values",
                          n_x, n_y);
    const size_t n = n_x + n_y;
    tagged *all = chirp_alloc(n * sizeof *all);
    if (!all)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < n; ++i)
        all[i] = (tagged){i < n_x ? x[i] : y[i - n_x], i < n_x};
    qsort(all, n, sizeof *all, by_value);
    double ranks_x = 0;
    double tie_term = 0;
    for (size_t i = 0; i < n;) {
        size_t j = i;
        size_t here = 0;
        for (; j < n && all[j].value == all[i].value; ++j)
            here += all[j].from_x;
        ranks_x += (double)here * (0.5 * (double)(i + j - 1) + 1); /* mid rank of the tied group */
        const double t = (double)(j - i);
        tie_term += t * t * t - t;
        i = j;
    }
    chirp_free(all);
    const double pairs = (double)n_x * (double)n_y;
    const double u_x = ranks_x - 0.5 * (double)n_x * (double)(n_x + 1);
    const double larger = u_x > pairs - u_x ? u_x : pairs - u_x;
    double tail;
    if (tie_term == 0 && (n_x <= 8 || n_y <= 8)) {
        double *prob = u_distribution(n_x < n_y ? n_x : n_y, n_x < n_y ? n_y : n_x);
        if (!prob)
            return CHIRP_ERR_NOMEM;
        tail = 0;
        for (size_t k = (size_t)larger; k <= n_x * n_y; ++k)
            tail += prob[k];
        chirp_free(prob);
    } else {
        const double count = (double)n;
        const double variance = pairs / 12 * (count + 1 - tie_term / (count * (count - 1)));
        const double z = variance > 0 ? (larger - 0.5 * pairs - 0.5) / sqrt(variance) : 0;
        tail = chirp_normal_cdf(-z);
    }
    if (u)
        *u = u_x;
    *p = 2 * tail < 1 ? 2 * tail : 1;
    return CHIRP_OK;
}

chirp_status chirp_u_tail(size_t m, size_t n, size_t u, double *p)
{
    enum {
        EXACT = 1024
    }; /* pairs up to which the table is cheap; both rules grow with falling u */
    if (m == 0 || n == 0)
        return chirp_fail(CHIRP_ERR_ARG, "the U test needs two samples, not %zu and %zu values", m,
                          n);
    if (m * n > EXACT) {
        const double pairs = (double)m * (double)n;
        const double sigma = sqrt(pairs * (double)(m + n + 1) / 12);
        *p = chirp_normal_cdf(-((double)u - 0.5 * pairs - 0.5) / sigma);
        return CHIRP_OK;
    }
    double *prob = u_distribution(m < n ? m : n, m < n ? n : m);
    if (!prob)
        return CHIRP_ERR_NOMEM;
    *p = 0;
    for (size_t k = m * n + 1; k-- > u;) /* smallest terms first */
        *p += prob[k];
    *p = *p < 1 ? *p : 1;
    chirp_free(prob);
    return CHIRP_OK;
}

/* Largest k with 2 * P(U < k) <= 1 - confidence, and the coverage it gives; -1 if there is none. */
static chirp_status u_cut(size_t m, size_t n, double confidence, int64_t *cut, double *reached)
{
    const double alpha = 1 - confidence;
    *cut = -1;
    *reached = 0;
    if (m <= 50 && n <= 50) {
        double *prob = u_distribution(m < n ? m : n, m < n ? n : m);
        if (!prob)
            return CHIRP_ERR_NOMEM;
        double below = 0;
        for (size_t k = 0; k <= m * n / 2; ++k) {
            below += prob[k]; /* P(U <= k) = P(U < k + 1) */
            if (2 * below > alpha)
                break;
            *cut = (int64_t)k;
            *reached = 1 - 2 * below;
        }
        chirp_free(prob);
        return CHIRP_OK;
    }
    const double pairs = (double)m * (double)n;
    const double sigma = sqrt(pairs * (double)(m + n + 1) / 12);
    const double k = floor(0.5 * pairs - 0.5 + chirp_normal_quantile(0.5 * alpha) * sigma);
    if (k >= 0) {
        *cut = (int64_t)k;
        *reached = confidence;
    }
    return CHIRP_OK;
}

chirp_status chirp_ratio_interval(const double *base, size_t n_base, const double *fresh,
                                  size_t n_fresh, double confidence, chirp_interval *ratio)
{
    if (n_base == 0 || n_fresh == 0)
        return chirp_fail(CHIRP_ERR_ARG, "a ratio needs two samples, not %zu and %zu values",
                          n_base, n_fresh);
    if (n_fresh > SIZE_MAX / sizeof(double) / n_base)
        return chirp_fail(CHIRP_ERR_NOMEM, "%zu times %zu pairs are too many", n_base, n_fresh);
    const size_t pairs = n_base * n_fresh;
    double *each = chirp_alloc(pairs * sizeof *each);
    if (!each)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < n_fresh; ++i) {
        for (size_t j = 0; j < n_base; ++j) {
            if (!(base[j] > 0) || !(fresh[i] > 0)) {
                chirp_free(each);
                return chirp_fail(CHIRP_ERR_RANGE, "a time of zero or below has no ratio");
            }
            each[i * n_base + j] = fresh[i] / base[j];
        }
    }
    chirp_sort(each, pairs);
    int64_t cut = -1;
    double reached = 0;
    const chirp_status st = u_cut(n_base, n_fresh, confidence, &cut, &reached);
    if (st == CHIRP_OK) {
        *ratio =
            (chirp_interval){.value = chirp_stats_quantile_sorted(each, pairs, 0.5),
                             .low = cut >= 0 ? each[cut] : 0,
                             .high = cut >= 0 ? each[pairs - 1 - (size_t)cut] : (double)INFINITY,
                             .confidence = reached};
    }
    chirp_free(each);
    return st;
}

typedef struct place {
    double p;
    size_t at;
} place;

/* Equal ones in their own order, so that the result doesn't depend on how qsort works. */
static int by_p(const void *a, const void *b)
{
    const place *x = a;
    const place *y = b;
    return x->p != y->p ? (x->p > y->p) - (x->p < y->p) : (x->at > y->at) - (x->at < y->at);
}

chirp_status chirp_holm(double *p, size_t n)
{
    if (n < 2)
        return CHIRP_OK;
    place *order = chirp_alloc(n * sizeof *order);
    if (!order)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < n; ++i)
        order[i] = (place){p[i], i};
    qsort(order, n, sizeof *order, by_p);
    double least = 0;
    for (size_t i = 0; i < n; ++i) {
        double adjusted = order[i].p * (double)(n - i);
        adjusted = adjusted > 1 ? 1 : adjusted;
        least = adjusted > least ? adjusted : least;
        p[order[i].at] = least;
    }
    chirp_free(order);
    return CHIRP_OK;
}

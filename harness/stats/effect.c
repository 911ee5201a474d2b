/* Tests of "y is larger than x by more than a given factor". Sources: Mann and Whitney 1947; Student 1908. */
#include "harness/stats/stats.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"

#include <math.h>
#include <string.h>

/* Continued fraction of the incomplete beta function (modified Lentz), for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1;
    double d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m < 500; ++m) {
        for (int half = 0; half < 2; ++half) {
            const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            const double term = half ? odd : even;
            d = 1 + term * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            c = fabs(c) < tiny ? tiny : c;
            value *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return value;
}

static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x >= 1;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double chirp_student_tail(double t, double freedom)
{
    if (isinf(t))
        return t > 0 ? 0 : 1;
    const double both = incomplete_beta(0.5 * freedom, 0.5, freedom / (freedom + t * t));
    return t > 0 ? 0.5 * both : 1 - 0.5 * both;
}

double chirp_student_quantile(double tail, double freedom)
{
    double low = 0;
    double high = 1;
    while (chirp_student_tail(high, freedom) > tail && high < 1e12)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-12 * high; ++i) {
        const double middle = 0.5 * (low + high);
        if (chirp_student_tail(middle, freedom) > tail)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double chirp_rank_least_p(size_t n_x, size_t n_y)
{
    const double n = (double)n_x;
    const double m = (double)n_y;
    return exp(lgamma(n + 1) + lgamma(m + 1) - lgamma(n + m + 1));
}

chirp_status chirp_rank_above(const double *x, size_t n_x, const double *y, size_t n_y,
                              double factor, double *p)
{
    size_t above = 0;
    for (size_t i = 0; i < n_y; ++i)
        for (size_t j = 0; j < n_x; ++j)
            above += y[i] > factor * x[j];
    return chirp_u_tail(n_x, n_y, above, p);
}

chirp_status chirp_log_scale(const double *x, size_t n, double *scale)
{
    enum { FEW = 6 }; /* below, quantiles know less than the standard deviation */
    double *work = chirp_alloc((n + 1) * sizeof *work);
    if (!work)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < n; ++i)
        work[i] = log(x[i]);
    chirp_sort(work, n);
    if (n < FEW) {
        *scale = chirp_stats_stddev(work, n);
    } else {
        const double middle = chirp_stats_quantile_sorted(work, n, 0.5);
        *scale = 0.5 * (chirp_stats_quantile_sorted(work, n, 0.8413) -
                        chirp_stats_quantile_sorted(work, n, 0.1587));
        for (size_t i = 0; i < n; ++i)
            work[i] = fabs(work[i] - middle);
        chirp_sort(work, n);
        const double mad = 1.4826 * chirp_stats_quantile_sorted(work, n, 0.5);
        *scale = mad > *scale ? mad : *scale;
    }
    chirp_free(work);
    return CHIRP_OK;
}

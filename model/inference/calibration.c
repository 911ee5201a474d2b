#include "model/inference/calibration.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"

#include <math.h>
#include <string.h>

static const double HALF_LOG_2PI = 0.91893853320467274178;

/* -log of the mean of normal densities, which may all be too small for a double. */
static double mixture_nll(const chirp_mixture *m, double y)
{
    double most = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < m->n; ++i) {
        const double z = (y - m->mean[i]) / m->scale[i];
        const double log_density = -0.5 * z * z - log(m->scale[i]);
        if (log_density > most) {
            sum = sum * exp(most - log_density) + 1;
            most = log_density;
        } else {
            sum += exp(log_density - most);
        }
    }
    return HALF_LOG_2PI - most - log(sum / (double)m->n);
}

double chirp_mixture_nll_before(const chirp_mixture *m, double factor, double truth)
{
    const double centre = chirp_stats_mean(m->mean, (size_t)m->n);
    return mixture_nll(m, centre + factor * (truth - centre)) - log(factor);
}

double chirp_crps_draws(double *draw, int64_t n, double truth)
{
    double distance = 0;
    double spread = 0; /* half the mean |x - x'| over pairs */
    chirp_sort(draw, (size_t)n);
    for (int64_t i = 0; i < n; ++i) {
        distance += fabs(draw[i] - truth);
        spread += (double)(2 * i + 1 - n) * (draw[i] - truth);
    }
    return distance / (double)n - spread / ((double)n * (double)(n - 1));
}

void chirp_answer_score(const chirp_mixture *m, double truth, double *scratch, chirp_answer *answer)
{
    const double mean = chirp_stats_mean(m->mean, (size_t)m->n);
    double rank = 0;
    double square = 0;
    for (int64_t i = 0; i < m->n; ++i) {
        rank += chirp_normal_cdf((truth - m->mean[i]) / m->scale[i]);
        square += m->scale[i] * m->scale[i] + (m->mean[i] - mean) * (m->mean[i] - mean);
    }
    memcpy(scratch, m->draw, (size_t)m->n * sizeof *scratch);
    *answer = (chirp_answer){
        .truth = truth,
        .rank = rank / (double)m->n,
        .nll = mixture_nll(m, truth),
        .crps = chirp_crps_draws(scratch, m->n, truth), /* sorts */
        .deviation = (truth - mean) / sqrt(square / (double)m->n),
    };
    answer->median = chirp_stats_quantile_sorted(scratch, (size_t)m->n, 0.5);
    answer->width_90 = chirp_stats_quantile_sorted(scratch, (size_t)m->n, 0.95) -
                       chirp_stats_quantile_sorted(scratch, (size_t)m->n, 0.05);
}

chirp_proportion chirp_binomial_share(int64_t k, int64_t n)
{
    const double z = chirp_normal_quantile(0.975);
    const double share = (double)k / (double)n;
    const double more = z * z / (double)n;
    const double centre = (share + 0.5 * more) / (1 + more);
    const double half =
        z * sqrt(share * (1 - share) / (double)n + 0.25 * more / (double)n) / (1 + more);
    return (chirp_proportion){share, k > 0 ? centre - half : 0, k < n ? centre + half : 1};
}

double chirp_kolmogorov_p(int64_t n, double d)
{
    const double root = sqrt((double)n);
    const double x = d * (root + 0.12 + 0.11 / root);
    double p = 0;
    if (x < 0.3) /* the alternating series needs many terms; P > 0.9999 */
        return 1;
    for (int k = 1; k <= 20; ++k)
        p += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    return fmin(1, fmax(0, p));
}

double chirp_kolmogorov_band(int64_t n, double p)
{
    double low = 0;
    double high = 1;
    for (int i = 0; i < 60; ++i) {
        const double d = 0.5 * (low + high);
        if (chirp_kolmogorov_p(n, d) > p)
            low = d;
        else
            high = d;
    }
    return 0.5 * (low + high);
}

/* Mean of n values and its standard error. */
static void mean_of(const double *x, int64_t n, double *mean, double *se)
{
    *mean = chirp_stats_mean(x, (size_t)n);
    *se = chirp_stats_stddev(x, (size_t)n) / sqrt((double)n);
}

void chirp_relative_error(const chirp_answer *answer, int64_t n, double *error, double *se)
{
    double off = 0;
    double size = 0;
    double square = 0;
    for (int64_t i = 0; i < n; ++i) {
        off += fabs(answer[i].median - answer[i].truth);
        size += fabs(answer[i].truth);
    }
    *error = off / size;
    for (int64_t i = 0; i < n; ++i) {
        const double residual =
            fabs(answer[i].median - answer[i].truth) - *error * fabs(answer[i].truth);
        square += residual * residual;
    }
    *se = n > 1 ? sqrt(square * (double)n / (double)(n - 1)) / size : (double)NAN;
}

static double guess_error(const chirp_answer *answer, int64_t n, double guess)
{
    double off = 0;
    double size = 0;
    for (int64_t i = 0; i < n; ++i) {
        off += fabs(guess - answer[i].truth);
        size += fabs(answer[i].truth);
    }
    return off / size;
}

/* @param rank  [n] sorted */
static void fill_ranks(const double *rank, int64_t n, chirp_calibration_row *row)
{
    int64_t in_50 = 0;
    int64_t in_90 = 0;
    int64_t at = 0;
    double distance = 0;
    for (int64_t i = 0; i < n; ++i) {
        in_50 += rank[i] >= 0.25 && rank[i] <= 0.75;
        in_90 += rank[i] >= 0.05 && rank[i] <= 0.95;
        distance = fmax(
            distance, fmax((double)(i + 1) / (double)n - rank[i], rank[i] - (double)i / (double)n));
    }
    row->coverage_50 = chirp_binomial_share(in_50, n);
    row->coverage_90 = chirp_binomial_share(in_90, n);
    row->rank_distance = distance;
    row->rank_p = chirp_kolmogorov_p(n, distance);
    row->rank_band = chirp_kolmogorov_band(n, 0.05);
    for (int k = 0; k <= CHIRP_RANK_STEPS; ++k) {
        while (at < n && rank[at] <= (double)k / CHIRP_RANK_STEPS)
            ++at;
        row->rank_curve[k] = (double)at / (double)n;
    }
}

chirp_status chirp_calibration_fill(const chirp_answer *answer, int64_t n, double guess,
                                    chirp_calibration_row *row)
{
    double *x = chirp_alloc((size_t)n * sizeof *x);
    double unused;
    if (!x)
        return CHIRP_ERR_NOMEM;
    row->signals = n;
    chirp_relative_error(answer, n, &row->error, &row->error_se);
    row->guess_error = guess_error(answer, n, guess);
    for (int64_t i = 0; i < n; ++i)
        x[i] = answer[i].crps;
    mean_of(x, n, &row->crps, &row->crps_se);
    for (int64_t i = 0; i < n; ++i)
        x[i] = answer[i].nll;
    mean_of(x, n, &row->nll, &row->nll_se);
    for (int64_t i = 0; i < n; ++i)
        x[i] = answer[i].width_90;
    mean_of(x, n, &row->width_90, &unused);
    for (int64_t i = 0; i < n; ++i)
        x[i] = answer[i].rank;
    chirp_sort(x, (size_t)n);
    fill_ranks(x, n, row);
    chirp_free(x);
    return CHIRP_OK;
}

double chirp_recalibration_fit(const chirp_answer *answer, int64_t n, double *se)
{
    double square = 0;
    double fourth = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double z2 = answer[i].deviation * answer[i].deviation;
        square += z2 / (double)n;
        fourth += z2 * z2 / (double)n;
    }
    const double factor = sqrt(square);
    if (se)
        *se = sqrt((fourth - square * square) / (double)n) / (2 * factor);
    return factor;
}

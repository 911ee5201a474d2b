/* Change points by binary segmentation: ranks say whether, a fit says where; outliers of single runs move neither. */
#include "harness/stats/stats.h"

#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { ORDERS = 999 };

typedef struct segmenter {
    const double *x;
    double *rank;  /* [n] work space: ranks of the segment at hand */
    double *other; /* [n] work space: a random order of them */
    size_t least;
    double alpha, min_effect;
    uint64_t state;
    chirp_change *changes;
    size_t *n_changes;
} segmenter;

/* Mid ranks of x[0..n-1]. Quadratic: histories have hundreds of runs, not millions. */
static void ranks(const double *x, size_t n, double *rank)
{
    for (size_t i = 0; i < n; ++i) {
        double below = 0;
        double equal = 0;
        for (size_t j = 0; j < n; ++j) {
            below += x[j] < x[i];
            equal += x[j] == x[i];
        }
        rank[i] = below + 0.5 * (equal + 1);
    }
}

/* Largest |z| of the U statistic over all splits; *at is the first index of the right part. */
static double best_split(const double *rank, size_t n, size_t least, size_t *at)
{
    double best = -1;
    double sum = 0;
    for (size_t k = 1; k < n; ++k) {
        sum += rank[k - 1];
        if (k < least || n - k < least)
            continue;
        const double left = (double)k;
        const double right = (double)(n - k);
        const double mean = 0.5 * left * (double)(n + 1);
        const double z = fabs(sum - mean) / sqrt(left * right * (double)(n + 1) / 12);
        if (z > best) {
            best = z;
            *at = k;
        }
    }
    return best;
}

static double median_of(const double *x, size_t n, double *work)
{
    memcpy(work, x, n * sizeof *work);
    chirp_sort(work, n);
    return chirp_stats_quantile_sorted(work, n, 0.5);
}

/* Sum of |log x - log median|. work: [n] */
static double misfit(const double *x, size_t n, double *work)
{
    const double middle = median_of(x, n, work);
    double sum = 0;
    for (size_t i = 0; i < n; ++i)
        sum += fabs(log(x[i] / middle));
    return sum;
}

/*
 * The split into two levels that leaves the least absolute deviation. The standardised rank statistic is no guide to the place:
 * it favours the middle, and cannot tell splits apart that order the levels equally well. from, to: bounds of the right part's first index.
 */
static size_t fitted_split(const double *x, size_t n, size_t from, size_t to, double *work)
{
    double best = (double)INFINITY;
    size_t at = from;
    for (size_t k = from; k <= to; ++k) {
        const double sum = misfit(x, k, work) + misfit(x + k, n - k, work);
        if (sum < best) {
            best = sum;
            at = k;
        }
    }
    return at;
}

/* Share of random orders of the ranks whose best split is at least as large. */
static double permuted(segmenter *s, size_t n, double z)
{
    size_t ignored = 0;
    size_t as_large = 0;
    memcpy(s->other, s->rank, n * sizeof *s->other);
    for (int k = 0; k < ORDERS; ++k) {
        for (size_t i = n; i > 1; --i) {
            const size_t j = (size_t)(chirp_splitmix64(&s->state) % i);
            const double swap = s->other[i - 1];
            s->other[i - 1] = s->other[j];
            s->other[j] = swap;
        }
        as_large += best_split(s->other, n, s->least, &ignored) >= z;
    }
    return (double)(as_large + 1) / (ORDERS + 1);
}

static void segment(segmenter *s, size_t from, size_t to)
{
    const size_t n = to - from;
    size_t at = 0;
    if (n < 2 * s->least)
        return;
    ranks(s->x + from, n, s->rank);
    const double p = permuted(s, n, best_split(s->rank, n, s->least, &at));
    at = fitted_split(s->x + from, n, s->least, n - s->least, s->other);
    const double before = median_of(s->x + from, at, s->other);
    const double after = median_of(s->x + from + at, n - at, s->other);
    if (p > s->alpha || fabs(log(after / before)) < log1p(s->min_effect))
        return;
    segment(s, from, from + at);
    s->changes[(*s->n_changes)++] = (chirp_change){from + at, after / before, p};
    segment(s, from + at, to);
}

chirp_status chirp_last_suspects(const double *x, size_t n, double min_effect, size_t *last,
                                 double *ratio)
{
    enum {
        MOST = 5,
        LEAST_BEFORE = 3
    }; /* more than MOST are many enough for the test of change points */
    static const double LEVEL = 0.005, LEAST_SCALE = 0.005;
    double scale = 0;
    *last = 0;
    *ratio = 1;
    if (n < LEAST_BEFORE + 1)
        return CHIRP_OK;
    double *work = chirp_alloc(n * sizeof *work);
    if (!work)
        return CHIRP_ERR_NOMEM;
    const size_t from = n > LEAST_BEFORE + MOST ? n - MOST : LEAST_BEFORE;
    const size_t at = fitted_split(x, n, from, n - 1, work);
    const double step = median_of(x + at, n - at, work) / median_of(x, at, work);
    chirp_free(work);
    const chirp_status st = chirp_log_scale(x, at, &scale);
    if (st != CHIRP_OK)
        return st;
    const double error = fmax(scale, LEAST_SCALE) * sqrt(1 / (double)at + 1 / (double)(n - at));
    const double least =
        fmax(log1p(min_effect), chirp_student_quantile(LEVEL, (double)at - 1) * error);
    if (fabs(log(step)) > least) {
        *last = n - at;
        *ratio = step;
    }
    return CHIRP_OK;
}

chirp_status chirp_change_points(const double *x, size_t n, size_t least, double alpha,
                                 double min_effect, chirp_change *changes, size_t *n_changes)
{
    *n_changes = 0;
    for (size_t i = 0; i < n; ++i)
        if (!(x[i] > 0) || !isfinite(x[i]))
            return chirp_fail(CHIRP_ERR_RANGE, "value %zu of the history is not a positive number",
                              i);
    double *work = chirp_alloc(2 * (n + 1) * sizeof *work);
    if (!work)
        return CHIRP_ERR_NOMEM;
    segmenter s = {.x = x,
                   .rank = work,
                   .other = work + n + 1,
                   .least = least < 2 ? 2 : least,
                   .alpha = alpha,
                   .min_effect = min_effect,
                   .state = 20190304,
                   .changes = changes,
                   .n_changes = n_changes};
    segment(&s, 0, n);
    chirp_free(work);
    return CHIRP_OK;
}

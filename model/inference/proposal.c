#include "model/inference/proposal.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "model/inference/cholesky.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MOST = CHIRP_PROPOSAL_MOST_DIMS };

/* Kernels are this much narrower than the spread of the neighbours, an eighth of all points. */
#define NARROWER 0.9
/* A tenth of the draws comes from kernels this much wider: where the points don't yet cover the density, it grows. */
#define WIDER 4.0
#define WIDE_SHARE 0.1
enum { NEIGHBOURS = 8 };

/* Terms of a polynomial of second degree in the other parameters. */
enum { MOST_TERMS = 1 + (MOST - 1) + MOST * (MOST - 1) / 2 };

struct chirp_proposal {
    int dims;
    int terms;                     /* 0: nothing is bent */
    double bend[MOST_TERMS];       /* of the first parameter */
    double mean[MOST], unit[MOST]; /* mean and 1/deviation of each */
    int64_t n;
    double *centre; /* [n][dims] */
    double *root;   /* [n][dims][dims] lower Cholesky factor of each kernel's scale matrix */
    double *size;   /* [n] 1 / determinant of it, over the largest */
};

/* The terms of the polynomial. @return how many */
static int fill_terms(const chirp_proposal *p, const double *x, double *term)
{
    double z[MOST];
    int n = 0;
    term[n++] = 1;
    for (int j = 1; j < p->dims; ++j)
        term[n++] = z[j] = (x[j] - p->mean[j]) * p->unit[j];
    for (int j = 1; j < p->dims; ++j)
        for (int k = 1; k <= j; ++k)
            term[n++] = z[j] * z[k];
    return n;
}

/* What the other parameters say of the first one. Subtracting it changes no volume, so densities are the same. */
static double bend_at(const chirp_proposal *p, const double *x)
{
    double term[MOST_TERMS], sum = 0;
    if (p->terms == 0)
        return 0;
    (void)fill_terms(p, x, term);
    for (int t = 0; t < p->terms; ++t)
        sum += p->bend[t] * term[t];
    return sum;
}

/* |L^-1 (x - c)|^2 */
static double distance(int d, const double *root, const double *x, const double *c)
{
    double y[MOST], square = 0;
    for (int i = 0; i < d; ++i) {
        double sum = x[i] - c[i];
        for (int k = 0; k < i; ++k)
            sum -= root[i * d + k] * y[k];
        y[i] = sum / root[i * d + i];
        square += y[i] * y[i];
    }
    return square;
}

/* Covariance of the points whose distance is at most `limit`. */
static void covariance(int d, const double *x, int64_t n, const double *far, double limit,
                       double *m)
{
    double mean[MOST] = {0};
    int64_t used = 0;
    for (int64_t i = 0; i < n; ++i)
        if (!far || far[i] <= limit) {
            ++used;
            for (int j = 0; j < d; ++j)
                mean[j] += x[i * d + j];
        }
    memset(m, 0, (size_t)(d * d) * sizeof *m);
    for (int64_t i = 0; i < n; ++i)
        if (!far || far[i] <= limit)
            for (int j = 0; j < d; ++j)
                for (int k = 0; k <= j; ++k)
                    m[j * d + k] += (x[i * d + j] - mean[j] / (double)used) *
                                    (x[i * d + k] - mean[k] / (double)used) / (double)used;
}

/* The kernel at point i: the neighbours' covariance, with a tenth of the whole one at their scale so that it has full rank. */
static bool fit_kernel(chirp_proposal *p, int64_t i, const double *whole, const double *whole_root,
                       double *far, double *sorted)
{
    const int d = p->dims;
    double *root = p->root + i * d * d;
    for (int64_t k = 0; k < p->n; ++k)
        far[k] = distance(d, whole_root, p->centre + k * d, p->centre + i * d);
    memcpy(sorted, far, (size_t)p->n * sizeof *far);
    chirp_sort(sorted, (size_t)p->n);
    const double limit = sorted[p->n / NEIGHBOURS];
    covariance(d, p->centre, p->n, far, limit, root);
    const double scale = fmin(1, limit / d);
    for (int j = 0; j < d * d; ++j)
        root[j] = NARROWER * NARROWER * (0.9 * root[j] + 0.1 * scale * whole[j]);
    if (!chirp_cholesky(d, root))
        return false;
    double log_size = 0;
    for (int j = 0; j < d; ++j)
        log_size -= log(root[j * d + j]);
    p->size[i] = log_size;
    return true;
}

/* Least squares for the bend, and the centres without it. Too few points for all terms: no bend. */
static chirp_status straighten(chirp_proposal *p)
{
    const int d = p->dims, terms = 1 + (d - 1) + d * (d - 1) / 2;
    double term[MOST_TERMS];
    for (int j = 0; j < d; ++j) {
        double square = 0;
        for (int64_t i = 0; i < p->n; ++i)
            p->mean[j] += p->centre[i * d + j] / (double)p->n;
        for (int64_t i = 0; i < p->n; ++i)
            square += pow(p->centre[i * d + j] - p->mean[j], 2) / (double)p->n;
        p->unit[j] = square > 0 ? 1 / sqrt(square) : 1;
    }
    if (d < 2 || p->n < 4 * terms)
        return CHIRP_OK;
    double *normal = chirp_calloc((size_t)(terms * terms), sizeof *normal);
    if (!normal)
        return CHIRP_ERR_NOMEM;
    for (int64_t i = 0; i < p->n; ++i) {
        (void)fill_terms(p, p->centre + i * d, term);
        for (int s = 0; s < terms; ++s) {
            p->bend[s] += term[s] * p->centre[i * d];
            for (int t = 0; t <= s; ++t)
                normal[s * terms + t] += term[s] * term[t];
        }
    }
    for (int s = 0; s < terms; ++s) /* a little ridge: terms may be the same on all points */
        normal[s * terms + s] *= 1 + 1e-6;
    if (chirp_cholesky(terms, normal)) {
        for (int s = 0; s < terms; ++s) {
            for (int t = 0; t < s; ++t)
                p->bend[s] -= normal[s * terms + t] * p->bend[t];
            p->bend[s] /= normal[s * terms + s];
        }
        for (int s = terms - 1; s >= 0; --s) {
            for (int t = s + 1; t < terms; ++t)
                p->bend[s] -= normal[t * terms + s] * p->bend[t];
            p->bend[s] /= normal[s * terms + s];
        }
        p->terms = terms;
    }
    for (int64_t i = 0; i < p->n; ++i)
        p->centre[i * d] -= bend_at(p, p->centre + i * d);
    chirp_free(normal);
    return CHIRP_OK;
}

static chirp_status fit(chirp_proposal *p, double *far, double *sorted)
{
    const int d = p->dims;
    double whole[MOST * MOST], whole_root[MOST * MOST], most = -INFINITY;
    covariance(d, p->centre, p->n, NULL, 0, whole);
    memcpy(whole_root, whole, sizeof whole);
    bool good = chirp_cholesky(d, whole_root);
    for (int64_t i = 0; good && i < p->n; ++i)
        good = fit_kernel(p, i, whole, whole_root, far, sorted);
    if (!good)
        return chirp_fail(CHIRP_ERR_NUMERIC, "%lld points lie in fewer than %d dimensions",
                          (long long)p->n, d);
    for (int64_t i = 0; i < p->n; ++i)
        most = fmax(most, p->size[i]);
    for (int64_t i = 0; i < p->n; ++i)
        p->size[i] = exp(p->size[i] - most);
    return CHIRP_OK;
}

chirp_status chirp_proposal_fit(int dims, const double *x, int64_t n, chirp_proposal **proposal)
{
    if (dims < 1 || dims > MOST || n < 8 * dims)
        return chirp_fail(CHIRP_ERR_ARG, "a density of %d dimensions through %lld points", dims,
                          (long long)n);
    chirp_proposal *p = chirp_calloc(1, sizeof *p);
    double *far = chirp_calloc((size_t)n, sizeof *far),
           *sorted = chirp_calloc((size_t)n, sizeof *far);
    chirp_status st = p && far && sorted ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        p->dims = dims;
        p->n = n;
        p->centre = chirp_calloc((size_t)(n * dims), sizeof *p->centre);
        p->root = chirp_calloc((size_t)(n * dims * dims), sizeof *p->root);
        p->size = chirp_calloc((size_t)n, sizeof *p->size);
        st = p->centre && p->root && p->size ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    if (st == CHIRP_OK) {
        memcpy(p->centre, x, (size_t)(n * dims) * sizeof *x);
        st = straighten(p);
    }
    if (st == CHIRP_OK)
        st = fit(p, far, sorted);
    chirp_free(far);
    chirp_free(sorted);
    if (st != CHIRP_OK)
        chirp_proposal_destroy(p);
    else
        *proposal = p;
    return st;
}

void chirp_proposal_destroy(chirp_proposal *p)
{
    if (!p)
        return;
    chirp_free(p->centre);
    chirp_free(p->root);
    chirp_free(p->size);
    chirp_free(p);
}

void chirp_proposal_draw(const chirp_proposal *p, chirp_rng rng, uint64_t first, double *x)
{
    const int d = p->dims;
    double z[MOST], square = 0;
    int64_t which = (int64_t)(chirp_rng_uniform_double(rng, first) * (double)p->n);
    which = which < p->n ? which : p->n - 1;
    /* Box and Muller; the square of the second normal number of each pair goes into chi-squared */
    for (int j = 0; j < d; ++j) {
        const double u = chirp_rng_uniform_double(rng, first + 1 + 2 * (uint64_t)j),
                     v = chirp_rng_uniform_double(rng, first + 2 + 2 * (uint64_t)j),
                     r = sqrt(-2 * log(u));
        z[j] = r * cos(2 * M_PI * v);
        square += r * sin(2 * M_PI * v) * (r * sin(2 * M_PI * v));
    }
    const double wide = chirp_rng_uniform_double(rng, first + 1 + 2 * (uint64_t)d);
    const double stretch = sqrt(d / square) * (wide < WIDE_SHARE ? WIDER : 1);
    const double *root = p->root + which * d * d, *centre = p->centre + which * d;
    for (int j = 0; j < d; ++j) {
        double sum = 0;
        for (int k = 0; k <= j; ++k)
            sum += root[j * d + k] * z[k];
        x[j] = centre[j] + stretch * sum;
    }
    x[0] += bend_at(p, x);
}

double chirp_proposal_density(const chirp_proposal *p, const double *x)
{
    const int d = p->dims;
    double sum = 0, straight[MOST];
    memcpy(straight, x, (size_t)d * sizeof *x);
    straight[0] -= bend_at(p, x);
    for (int64_t i = 0; i < p->n; ++i) {
        const double square = distance(d, p->root + i * d * d, straight, p->centre + i * d) / d;
        const double narrow = 1 + square, wide = WIDER * (1 + square / (WIDER * WIDER));
        double narrow_power = 1, wide_power = 1;
        for (int k = 0; k < d; ++k) {
            narrow_power *= narrow;
            wide_power *= wide;
        }
        sum += p->size[i] * ((1 - WIDE_SHARE) / narrow_power + WIDE_SHARE / wide_power);
    }
    return log(sum);
}

#include "model/inference/proposal.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MOST = CHIRP_PROPOSAL_MOST_DIMS };

/* Kernels are this much narrower than the spread of the neighbours, an eighth of all points. */
#define NARROWER 0.6
enum { NEIGHBOURS = 8 };

struct chirp_proposal {
    int dims;
    int64_t n;
    double *centre; /* [n][dims] */
    double *root;   /* [n][dims][dims] lower Cholesky factor of each kernel's scale matrix */
    double *size;   /* [n] 1 / determinant of it, over the largest */
};

/* Lower Cholesky factor in place. @return false when the matrix isn't positive */
static bool cholesky(int d, double *m)
{
    for (int i = 0; i < d; ++i)
        for (int j = 0; j <= i; ++j) {
            double sum = m[i * d + j];
            for (int k = 0; k < j; ++k)
                sum -= m[i * d + k] * m[j * d + k];
            if (i == j && !(sum > 0))
                return false;
            m[i * d + j] = i == j ? sqrt(sum) : sum / m[j * d + j];
        }
    return true;
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
    if (!cholesky(d, root))
        return false;
    double log_size = 0;
    for (int j = 0; j < d; ++j)
        log_size -= log(root[j * d + j]);
    p->size[i] = log_size;
    return true;
}

static chirp_status fit(chirp_proposal *p, double *far, double *sorted)
{
    const int d = p->dims;
    double whole[MOST * MOST], whole_root[MOST * MOST], most = -INFINITY;
    covariance(d, p->centre, p->n, NULL, 0, whole);
    memcpy(whole_root, whole, sizeof whole);
    bool good = cholesky(d, whole_root);
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
        st = fit(p, far, sorted);
    }
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
    const double stretch = sqrt(d / square);
    const double *root = p->root + which * d * d, *centre = p->centre + which * d;
    for (int j = 0; j < d; ++j) {
        double sum = 0;
        for (int k = 0; k <= j; ++k)
            sum += root[j * d + k] * z[k];
        x[j] = centre[j] + stretch * sum;
    }
}

double chirp_proposal_density(const chirp_proposal *p, const double *x)
{
    const int d = p->dims;
    double sum = 0;
    for (int64_t i = 0; i < p->n; ++i) {
        const double base = 1 + distance(d, p->root + i * d * d, x, p->centre + i * d) / d;
        double power = base;
        for (int k = 1; k < d; ++k)
            power *= base;
        sum += p->size[i] / power;
    }
    return log(sum);
}

/* Elementwise kernels of mean-field weights: draws of a piece go to the first cache and are used at once. */
#include "kernels/variational/variational.h"

#include "kernels/parallel/chunks.h"
#include "kernels/variational/softplus_lanes.h"

#include <math.h>

enum { DRAWS = 1024 }; /* elements of a piece: 4 KiB of draws */

double chirp_softplus(double rho) { return fmax(rho, 0.0) + log1p(exp(-fabs(rho))); }

double chirp_logistic(double rho)
{
    const double t = exp(-fabs(rho));
    return rho >= 0 ? 1 / (1 + t) : t / (1 + t);
}

double chirp_softplus_inverse(double sigma)
{
    /* log(e^sigma - 1), written so that neither a large nor a small sigma loses digits */
    return sigma + log(-expm1(-sigma));
}

void chirp_variational_sample(int64_t n, const float *mu, const float *rho, chirp_rng rng,
                              float *wei, int n_threads)
{
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += DRAWS) {
        float eps[DRAWS] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, DRAWS);
        chirp_rng_normal(rng, (uint64_t)start, length, eps);
        const float *m = mu + start, *r = rho + start;
        float *w = wei + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i)
            w[i] = m[i] + softplus_lane(r[i]) * eps[i];
    }
}

void chirp_variational_perturbation(int64_t n, const float *rho, chirp_rng rng, float *delta,
                                    int n_threads)
{
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += DRAWS) {
        float eps[DRAWS] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, DRAWS);
        chirp_rng_normal(rng, (uint64_t)start, length, eps);
        const float *r = rho + start;
        float *d = delta + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i)
            d[i] = softplus_lane(r[i]) * eps[i];
    }
}

void chirp_variational_sigma(int64_t n, const float *rho, float *sigma, float *variance,
                             int n_threads)
{
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += DRAWS) {
        float held[DRAWS] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, DRAWS);
        const float *r = rho + start;
        float *s = sigma ? sigma + start : held;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i)
            s[i] = softplus_lane(r[i]);
        if (!variance)
            continue;
        float *v = variance + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i)
            v[i] = s[i] * s[i];
    }
}

void chirp_variational_backward(int64_t n, const chirp_variational_weights *weights, chirp_rng rng,
                                const float *dwei, chirp_variational_prior prior,
                                const chirp_variational_gradients *gradients, int n_threads)
{
    const float *mu = weights->mu, *rho = weights->rho;
    float *dmu = gradients->dmu, *drho = gradients->drho;
    const float kl_weight = prior.kl_weight, prior_sigma = prior.sigma;
    const float pull = (float)((double)kl_weight / ((double)prior_sigma * (double)prior_sigma));
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += DRAWS) {
        float eps[DRAWS] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, DRAWS);
        chirp_rng_normal(rng, (uint64_t)start, length, eps);
        const float *m = mu + start, *r = rho + start, *dw = dwei + start;
        float *dm = dmu + start, *dr = drho + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i) {
            const float g = dw[i];
            float sigma, slope;
            softplus_logistic_lane(r[i], &sigma, &slope);
            dm[i] = g + pull * m[i];
            dr[i] = (g * eps[i] + pull * sigma) * slope - kl_weight * (slope / sigma);
        }
    }
}

/* What the product's gradient is a gradient of: how it becomes that of sigma. */
typedef enum slope_of { OF_PERTURBATION, OF_VARIANCE } slope_of;

/* One copy of the loop per kind: `kind` is a constant where this is inlined. */
static inline __attribute__((always_inline)) void
add_kl(slope_of kind, int64_t n, const chirp_variational_weights *weights, chirp_rng rng,
       const float *product, chirp_variational_prior prior,
       const chirp_variational_gradients *gradients, int n_threads)
{
    const float *mu = weights->mu, *rho = weights->rho;
    float *dmu = gradients->dmu, *drho = gradients->drho;
    const float kl_weight = prior.kl_weight, prior_sigma = prior.sigma;
    const float pull = (float)((double)kl_weight / ((double)prior_sigma * (double)prior_sigma));
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += DRAWS) {
        float eps[DRAWS] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, DRAWS);
        if (kind == OF_PERTURBATION)
            chirp_rng_normal(rng, (uint64_t)start, length, eps);
        const float *m = mu + start, *r = rho + start, *g = product + start;
        float *dm = dmu + start, *dr = drho + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i) {
            float sigma, slope;
            softplus_logistic_lane(r[i], &sigma, &slope);
            const float dsigma = kind == OF_PERTURBATION ? g[i] * eps[i] : 2.0f * sigma * g[i];
            dm[i] += pull * m[i];
            dr[i] = (dsigma + pull * sigma) * slope - kl_weight * (slope / sigma);
        }
    }
}

void chirp_variational_backward_perturbation(int64_t n, const chirp_variational_weights *weights,
                                             chirp_rng rng, const float *ddelta,
                                             chirp_variational_prior prior,
                                             const chirp_variational_gradients *gradients,
                                             int n_threads)
{
    add_kl(OF_PERTURBATION, n, weights, rng, ddelta, prior, gradients, n_threads);
}

void chirp_variational_backward_variance(int64_t n, const chirp_variational_weights *weights,
                                         const float *dvariance, chirp_variational_prior prior,
                                         const chirp_variational_gradients *gradients,
                                         int n_threads)
{
    add_kl(OF_VARIANCE, n, weights, (chirp_rng){0, 0}, dvariance, prior, gradients, n_threads);
}

/*
 * Eight sums side by side, then added in order: the order is ours, not the vector width's. Logarithms are not taken
 * element by element: the exponents of sigma are added and the mantissas, from 1 to 2, multiplied. A product of 512 of
 * them stays far below overflow and is good to 6e-14, which is what its logarithm is then off by, absolutely.
 */
enum { KL_LANES = 8, KL_PIECE = 512 * KL_LANES };

typedef struct kl_lanes {
    double quadratic[KL_LANES]; /* (sigma^2 + mu^2) / prior^2 - 1 */
    double mantissa[KL_LANES];
    double exponent[KL_LANES]; /* biased by 1023; sums of small integers, exact */
} kl_lanes;

static inline __attribute__((always_inline)) void kl_element(double mu, double rho, double scale,
                                                             double *quadratic, double *mantissa,
                                                             double *exponent)
{
    const double sigma = softplus_lane_double(rho), s = sigma * scale, m = mu * scale;
    double e, f;
    split_lane_double(sigma, &e, &f);
    *quadratic += s * s + m * m - 1.0; /* NaN and infinity show up here; a mantissa hides them */
    *mantissa *= f;
    *exponent += e;
}

/* sum of 0.5 * quadratic - log(sigma) over at most KL_PIECE elements; scale is 1 / prior_sigma */
static double kl_piece(int64_t n, const float *mu, const float *rho, double scale)
{
    kl_lanes k = {{0}, {1, 1, 1, 1, 1, 1, 1, 1}, {0}};
    int64_t i = 0;
    for (; i + KL_LANES <= n; i += KL_LANES) {
#pragma omp simd
        for (int l = 0; l < KL_LANES; ++l)
            kl_element((double)mu[i + l], (double)rho[i + l], scale, &k.quadratic[l],
                       &k.mantissa[l], &k.exponent[l]);
    }
    for (int l = 0; i < n; ++i, ++l)
        kl_element((double)mu[i], (double)rho[i], scale, &k.quadratic[l], &k.mantissa[l],
                   &k.exponent[l]);
    double sum = 0, exponents = 0;
    for (int l = 0; l < KL_LANES; ++l) {
        sum += 0.5 * k.quadratic[l] - log(k.mantissa[l]);
        exponents += k.exponent[l];
    }
    return sum - (exponents - 1023.0 * (double)n) * 0.69314718055994531;
}

static double kl_serial(int64_t n, const float *mu, const float *rho, double scale)
{
    double sum = 0;
    for (int64_t start = 0; start < n; start += KL_PIECE)
        sum += kl_piece(chirp_chunk_length(n, start, KL_PIECE), mu + start, rho + start, scale);
    return sum;
}

double chirp_variational_kl(int64_t n, const float *mu, const float *rho, float prior_sigma,
                            int n_threads)
{
    double partial[CHIRP_CHUNKS_SUM];
    const int64_t chunk = chirp_sum_chunk(n), count = (n + chunk - 1) / chunk;
    const double scale = 1.0 / (double)prior_sigma;
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t c = 0; c < count; ++c)
        partial[c] = kl_serial(chirp_chunk_length(n, c * chunk, chunk), mu + c * chunk,
                               rho + c * chunk, scale);
    double sum = 0;
    for (int64_t c = 0; c < count; ++c)
        sum += partial[c];
    return sum + (double)n * log((double)prior_sigma);
}

/* The estimators as compositions of dense products and elementwise passes; scratch is allocated with the plan. */
#include "kernels/variational/variational_dense.h"

#include "harness/base/memory.h"
#include "kernels/dense/activation.h"
#include "kernels/parallel/chunks.h"
#include "kernels/variational/flipout.h"
#include "kernels/variational/variational.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

const char *const chirp_variational_estimator_name[CHIRP_VARIATIONAL_ESTIMATORS] = {
    [CHIRP_VARIATIONAL_REPARAMETERIZATION] = "reparameterization",
    [CHIRP_VARIATIONAL_LOCAL] = "local",
    [CHIRP_VARIATIONAL_FLIPOUT] = "flipout",
};

struct chirp_variational_dense_plan {
    chirp_dense_desc desc; /* n_threads resolved */
    chirp_variational_estimator estimator;
    chirp_dense_plan *dense;  /* with the activation */
    chirp_dense_plan *linear; /* without; NULL for reparameterization */
    float *weights;  /* [O][I] drawn weights, variances (local) or perturbation (flipout) */
    float *src;      /* [N][I] squares (local) or signed inputs (flipout) */
    float *dsrc;     /* [N][I] the second product's share of the input gradient */
    float *variance; /* [N][O] of the pre-activations (local) */
    float *
        second; /* [N][O] standard normals, then their gradients (local); second product (flipout) */
};

chirp_status chirp_variational_dense_plan_create(const chirp_dense_desc *desc,
                                                 chirp_variational_estimator estimator,
                                                 chirp_variational_dense_plan **plan)
{
    if ((int)estimator < 0 || estimator >= CHIRP_VARIATIONAL_ESTIMATORS)
        return chirp_fail(CHIRP_ERR_ARG, "variational dense plan: estimator %d, must be 0 to %d",
                          (int)estimator, CHIRP_VARIATIONAL_ESTIMATORS - 1);
    chirp_variational_dense_plan *p = chirp_calloc(1, sizeof *p);
    if (!p)
        return CHIRP_ERR_NOMEM;
    p->desc = *desc;
    p->estimator = estimator;
    if (desc->n_threads == 0)
        p->desc.n_threads = omp_get_max_threads();
    chirp_status st =
        chirp_dense_plan_create(desc, &p->dense); /* checks the shape: sizes below can't overflow */
    if (st != CHIRP_OK)
        goto fail;
    const size_t N = (size_t)desc->N, I = (size_t)desc->I, O = (size_t)desc->O;
    st = CHIRP_ERR_NOMEM;
    p->weights = chirp_calloc(O * I, sizeof(float));
    if (!p->weights)
        goto fail;
    if (estimator != CHIRP_VARIATIONAL_REPARAMETERIZATION) {
        chirp_dense_desc linear = *desc;
        linear.activation = CHIRP_ACTIVATION_NONE;
        st = chirp_dense_plan_create(&linear, &p->linear);
        if (st != CHIRP_OK)
            goto fail;
        st = CHIRP_ERR_NOMEM;
        p->src = chirp_calloc(N * I, sizeof(float));
        p->dsrc = chirp_calloc(N * I, sizeof(float));
        p->variance = chirp_calloc(N * O, sizeof(float));
        p->second = chirp_calloc(N * O, sizeof(float));
        if (!p->src || !p->dsrc || !p->variance || !p->second)
            goto fail;
    }
    *plan = p;
    return CHIRP_OK;
fail:
    chirp_variational_dense_plan_destroy(p);
    return st;
}

void chirp_variational_dense_plan_destroy(chirp_variational_dense_plan *plan)
{
    if (!plan)
        return;
    chirp_dense_plan_destroy(plan->dense);
    chirp_dense_plan_destroy(plan->linear);
    chirp_free(plan->weights);
    chirp_free(plan->src);
    chirp_free(plan->dsrc);
    chirp_free(plan->variance);
    chirp_free(plan->second);
    chirp_free(plan);
}

double chirp_variational_dense_flops(const chirp_dense_desc *desc,
                                     chirp_variational_estimator estimator)
{
    return chirp_dense_flops(desc) * (estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION ? 1 : 2);
}

double chirp_variational_dense_draws(const chirp_dense_desc *desc,
                                     chirp_variational_estimator estimator)
{
    const int64_t rows = estimator == CHIRP_VARIATIONAL_LOCAL ? desc->N : desc->I;
    return (double)rows * (double)desc->O;
}

enum { PIECE = 1024 };

/* dst = act( dst + sqrt(variance) eps ) */
static void local_noise(const chirp_variational_dense_plan *p, const chirp_variational_draws *draws,
                        float *dst)
{
    const int64_t n = p->desc.N * p->desc.O;
    const uint64_t first = draws->first_row * (uint64_t)p->desc.O;
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, p->desc.n_threads))
    for (int64_t start = 0; start < n; start += PIECE) {
        float eps[PIECE] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, PIECE);
        chirp_rng_normal(draws->noise, first + (uint64_t)start, length, eps);
        const float *v = p->variance + start;
        float *d = dst + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i)
            d[i] += sqrtf(v[i]) * eps[i];
        chirp_activate(p->desc.activation, length, d);
    }
}

/* second = dpre eps / (2 sqrt(variance)): the gradient of the variances. A variance of 0 has all inputs 0, whose
 * squares it is multiplied with next: any finite number gives the right gradient, 0. */
static void local_noise_backward(const chirp_variational_dense_plan *p,
                                 const chirp_variational_draws *draws, const float *dpre)
{
    const int64_t n = p->desc.N * p->desc.O;
    const uint64_t first = draws->first_row * (uint64_t)p->desc.O;
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, p->desc.n_threads))
    for (int64_t start = 0; start < n; start += PIECE) {
        float eps[PIECE] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, PIECE);
        chirp_rng_normal(draws->noise, first + (uint64_t)start, length, eps);
        const float *v = p->variance + start, *g = dpre + start;
        float *d = p->second + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i)
            d[i] = v[i] == 0.0f ? 0.0f : 0.5f * g[i] * eps[i] / sqrtf(v[i]);
    }
}

static void square(const chirp_variational_dense_plan *p, const float *src)
{
    const int64_t n = p->desc.N * p->desc.I;
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, p->desc.n_threads))
    for (int64_t start = 0; start < n; start += CHIRP_CHUNK) {
        const int64_t end = start + chirp_chunk_length(n, start, CHIRP_CHUNK);
#pragma omp simd
        for (int64_t i = start; i < end; ++i)
            p->src[i] = src[i] * src[i];
    }
}

/* dsrc += 2 src o plan->dsrc */
static void add_twice_product(const chirp_variational_dense_plan *p, const float *src, float *dsrc)
{
    const int64_t n = p->desc.N * p->desc.I;
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, p->desc.n_threads))
    for (int64_t start = 0; start < n; start += CHIRP_CHUNK) {
        const int64_t end = start + chirp_chunk_length(n, start, CHIRP_CHUNK);
#pragma omp simd
        for (int64_t i = start; i < end; ++i)
            dsrc[i] += 2.0f * src[i] * p->dsrc[i];
    }
}

static void activate_all(const chirp_variational_dense_plan *p, float *dst)
{
    const int64_t n = p->desc.N * p->desc.O;
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, p->desc.n_threads))
    for (int64_t start = 0; start < n; start += CHIRP_CHUNK)
        chirp_activate(p->desc.activation, chirp_chunk_length(n, start, CHIRP_CHUNK), dst + start);
}

static chirp_flipout signs(const chirp_variational_dense_plan *p,
                           const chirp_variational_draws *draws, bool in)
{
    return (chirp_flipout){.rows = p->desc.N,
                           .positions = 1,
                           .channels = in ? p->desc.I : p->desc.O,
                           .rng = in ? draws->sign_in : draws->sign_out,
                           .first_row = draws->first_row,
                           .n_threads = p->desc.n_threads};
}

void chirp_variational_dense_forward(chirp_variational_dense_plan *plan, const float *src,
                                     const chirp_variational_weights *weights,
                                     const chirp_variational_draws *draws, float *dst)
{
    const chirp_variational_dense_plan *p = plan;
    const int64_t n = p->desc.I * p->desc.O;
    const int threads = p->desc.n_threads;
    const float *mu = weights->mu, *rho = weights->rho, *bia = weights->bia;
    if (!draws) {
        chirp_dense_forward(p->dense, src, mu, bia, dst);
        return;
    }
    switch (p->estimator) {
    case CHIRP_VARIATIONAL_LOCAL:
        chirp_variational_sigma(n, rho, NULL, p->weights, threads);
        chirp_dense_moments(p->linear, src, mu, p->weights, bia, dst, p->variance);
        local_noise(p, draws, dst);
        return;
    case CHIRP_VARIATIONAL_FLIPOUT: {
        const chirp_flipout in = signs(p, draws, true), out = signs(p, draws, false);
        chirp_variational_perturbation(n, rho, draws->noise, p->weights, threads);
        chirp_flipout_sign(&in, src, p->src);
        chirp_dense_forward(p->linear, src, mu, bia, dst);
        chirp_dense_forward(p->linear, p->src, p->weights, NULL, p->second);
        chirp_flipout_add(&out, p->second, dst);
        activate_all(p, dst);
        return;
    }
    case CHIRP_VARIATIONAL_REPARAMETERIZATION:
    case CHIRP_VARIATIONAL_ESTIMATORS:
        chirp_variational_sample(n, mu, rho, draws->noise, p->weights, threads);
        chirp_dense_forward(p->dense, src, p->weights, bia, dst);
        return;
    }
}

/* The two products' gradients with respect to weights and inputs, the second's from p->src and p->second to drho and
   p->dsrc, where the caller finds them. */
static void backward_products(const chirp_variational_dense_plan *p,
                              const chirp_variational_dense_pass *t, const float *mu,
                              const chirp_variational_gradients *g)
{
    chirp_dense_backward_weights(p->linear, t->src, t->ddst, g->dmu, g->dbia);
    chirp_dense_backward_weights(p->linear, p->src, p->second, g->drho, NULL);
    if (!t->dsrc)
        return;
    chirp_dense_backward_data(p->linear, t->ddst, mu, t->dsrc);
    chirp_dense_backward_data(p->linear, p->second, p->weights, p->dsrc);
}

void chirp_variational_dense_backward(chirp_variational_dense_plan *plan,
                                      const chirp_variational_dense_pass *pass,
                                      const chirp_variational_weights *weights,
                                      const chirp_variational_draws *draws,
                                      chirp_variational_prior prior,
                                      const chirp_variational_gradients *gradients)
{
    const chirp_variational_dense_plan *p = plan;
    const chirp_variational_dense_pass *t = pass;
    const chirp_variational_gradients *g = gradients;
    const int64_t n = p->desc.I * p->desc.O;
    const int threads = p->desc.n_threads;
    chirp_dense_backward_activation(p->dense, t->dst, t->ddst);
    switch (p->estimator) {
    case CHIRP_VARIATIONAL_LOCAL:
        local_noise_backward(p, draws, t->ddst);
        square(p, t->src);
        backward_products(p, t, weights->mu, g);
        if (t->dsrc)
            add_twice_product(p, t->src, t->dsrc);
        chirp_variational_backward_variance(n, weights, g->drho, prior, g, threads);
        return;
    case CHIRP_VARIATIONAL_FLIPOUT: {
        const chirp_flipout in = signs(p, draws, true), out = signs(p, draws, false);
        chirp_flipout_sign(&out, t->ddst, p->second);
        backward_products(p, t, weights->mu, g);
        if (t->dsrc)
            chirp_flipout_add(&in, p->dsrc, t->dsrc);
        chirp_variational_backward_perturbation(n, weights, draws->noise, g->drho, prior, g,
                                                threads);
        return;
    }
    case CHIRP_VARIATIONAL_REPARAMETERIZATION:
    case CHIRP_VARIATIONAL_ESTIMATORS:
        chirp_dense_backward_weights(p->dense, t->src, t->ddst, g->dmu, g->dbia);
        if (t->dsrc)
            chirp_dense_backward_data(p->dense, t->ddst, p->weights, t->dsrc);
        chirp_variational_backward(n, weights, draws->noise, g->dmu, prior, g, threads);
        return;
    }
}

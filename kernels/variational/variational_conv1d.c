#include "kernels/variational/variational_conv1d.h"

#include "harness/base/memory.h"
#include "kernels/parallel/chunks.h"
#include "kernels/variational/flipout.h"
#include "kernels/variational/variational.h"

#include <math.h>

struct chirp_variational_conv1d_plan {
    chirp_conv1d_desc desc;
    chirp_variational_estimator estimator;
    int64_t Q;
    int64_t n_weights, n_src, n_pre; /* elements of weights, src and pre-activations */
    chirp_conv1d_plan
        *mean; /* bare where two plain products make the layer, else everything fused */
    chirp_conv1d_plan *perturbation;    /* bare; flipout: of x o r, local: of x^2 */
    chirp_conv1d_plan *fused;           /* flipout, local: the whole layer with mean weights */
    float *weights;                     /* drawn weights; sigma eps; sigma^2 */
    float *src2;                        /* x o r, or x^2 */
    float *pre_mean, *pre_perturbation; /* [N][Q][K]; the second holds the variance in local */
    float *joined;                      /* local: sqrt(variance) zeta */
    float *dpre, *dpre2, *dsrc2;        /* training */
    float *sign_in, *sign_out;          /* flipout on spectra: [N][C], [N][K]; else NULL */
    chirp_conv1d_plan *row;             /* flipout of one channel: one row, everything fused */
    float *row_weights, *row_dwei;      /* [K][S] of one row */
    float *row_sign, *row_dbia;         /* [K] */
};

static float *floats(int64_t n) { return chirp_calloc((size_t)n, sizeof(float)); }

typedef enum ways {
    FUSED,     /* one convolution with drawn weights */
    PERTURBED, /* flipout inside one convolution: signs on spectra */
    /* flipout of one channel: r is one sign a row, so s o conv(x r, delta) = conv(x, (r s) o delta), and the two products are one */
    BY_ROWS,
    TWO_PRODUCTS,
} ways;

/* Makes p->mean and says what it is for. */
static chirp_status choose(chirp_variational_conv1d_plan *p, ways *way)
{
    chirp_conv1d_desc desc = p->desc;
    if (p->estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION) {
        *way = FUSED;
        return chirp_conv1d_plan_create(&desc, &p->mean);
    }
    if (p->estimator == CHIRP_VARIATIONAL_FLIPOUT && desc.C == 1) {
        *way = BY_ROWS;
        return chirp_conv1d_plan_create(&desc, &p->mean);
    }
    if (p->estimator == CHIRP_VARIATIONAL_FLIPOUT) {
        *way = PERTURBED;
        desc.perturbed = true;
        const chirp_status st = chirp_conv1d_plan_create(&desc, &p->mean);
        if (st != CHIRP_ERR_UNSUPPORTED) /* few channels or a forced algorithm: two products */
            return st;
        desc.perturbed = false;
    }
    *way = TWO_PRODUCTS;
    desc.relu = false;
    desc.pool = 1;
    return chirp_conv1d_plan_create(&desc, &p->mean);
}

static chirp_status make_row_buffers(chirp_variational_conv1d_plan *p)
{
    p->weights = floats(p->n_weights);
    p->row_weights = floats(p->n_weights);
    p->row_dwei = floats(p->n_weights);
    p->row_sign = floats(p->desc.K);
    p->row_dbia = floats(p->desc.K);
    return p->weights && p->row_weights && p->row_dwei && p->row_sign && p->row_dbia
               ? CHIRP_OK
               : CHIRP_ERR_NOMEM;
}

static chirp_status make_buffers(chirp_variational_conv1d_plan *p, ways way, bool training)
{
    if (way == BY_ROWS)
        return make_row_buffers(p);
    const bool two = way == TWO_PRODUCTS;
    const bool local = p->estimator == CHIRP_VARIATIONAL_LOCAL;
    if (!(p->weights = floats(p->n_weights)))
        return CHIRP_ERR_NOMEM;
    if (way == PERTURBED && (!(p->sign_in = floats(p->desc.N * p->desc.C)) ||
                             !(p->sign_out = floats(p->desc.N * p->desc.K))))
        return CHIRP_ERR_NOMEM;
    if (two && (!(p->src2 = floats(p->n_src)) || !(p->pre_mean = floats(p->n_pre)) ||
                !(p->pre_perturbation = floats(p->n_pre))))
        return CHIRP_ERR_NOMEM;
    if (local && !(p->joined = floats(p->n_pre)))
        return CHIRP_ERR_NOMEM;
    if (two && training &&
        (!(p->dpre = floats(p->n_pre)) || !(p->dpre2 = floats(p->n_pre)) ||
         !(p->dsrc2 = floats(p->n_src))))
        return CHIRP_ERR_NOMEM;
    return CHIRP_OK;
}

chirp_status chirp_variational_conv1d_plan_create(const chirp_conv1d_desc *desc,
                                                  chirp_variational_estimator estimator,
                                                  bool training,
                                                  chirp_variational_conv1d_plan **result)
{
    if ((unsigned)estimator >= CHIRP_VARIATIONAL_ESTIMATORS)
        return chirp_fail(CHIRP_ERR_ARG, "unknown estimator %d", (int)estimator);
    chirp_variational_conv1d_plan *p = chirp_calloc(1, sizeof *p);
    if (!p)
        return CHIRP_ERR_NOMEM;
    p->desc = *desc;
    p->estimator = estimator;
    ways way;
    chirp_status st = choose(p, &way);
    if (st == CHIRP_OK && way == TWO_PRODUCTS) {
        chirp_conv1d_desc bare = *desc;
        bare.relu = false;
        bare.pool = 1;
        st = chirp_conv1d_plan_create(&bare, &p->perturbation);
        if (st == CHIRP_OK)
            st = chirp_conv1d_plan_create(desc, &p->fused);
    }
    if (st == CHIRP_OK && way == BY_ROWS) {
        chirp_conv1d_desc one = *desc;
        one.N = 1;
        st = chirp_conv1d_plan_create(&one, &p->row);
    }
    if (st == CHIRP_OK) {
        p->Q = chirp_conv1d_out_width(desc);
        p->n_weights = desc->K * desc->C * desc->S;
        p->n_src = desc->N * desc->W * desc->C;
        p->n_pre = desc->N * p->Q * desc->K;
        st = make_buffers(p, way, training);
    }
    if (st != CHIRP_OK) {
        chirp_variational_conv1d_plan_destroy(p);
        return st;
    }
    *result = p;
    return CHIRP_OK;
}

void chirp_variational_conv1d_plan_destroy(chirp_variational_conv1d_plan *p)
{
    if (!p)
        return;
    chirp_conv1d_plan_destroy(p->mean);
    chirp_conv1d_plan_destroy(p->perturbation);
    chirp_conv1d_plan_destroy(p->fused);
    chirp_conv1d_plan_destroy(p->row);
    chirp_free(p->row_weights);
    chirp_free(p->row_dwei);
    chirp_free(p->row_sign);
    chirp_free(p->row_dbia);
    chirp_free(p->weights);
    chirp_free(p->src2);
    chirp_free(p->pre_mean);
    chirp_free(p->pre_perturbation);
    chirp_free(p->joined);
    chirp_free(p->dpre);
    chirp_free(p->dpre2);
    chirp_free(p->dsrc2);
    chirp_free(p->sign_in);
    chirp_free(p->sign_out);
    chirp_free(p);
}

const chirp_conv1d_plan *
chirp_variational_conv1d_mean_plan(const chirp_variational_conv1d_plan *plan)
{
    return plan->mean;
}

double chirp_variational_conv1d_flops(const chirp_variational_conv1d_plan *plan,
                                      chirp_conv1d_pass pass)
{
    return chirp_conv1d_plan_flops(plan->mean, pass) +
           (plan->perturbation ? chirp_conv1d_plan_flops(plan->perturbation, pass) : 0);
}

double chirp_variational_conv1d_draws(const chirp_conv1d_desc *desc,
                                      chirp_variational_estimator estimator)
{
    if (estimator == CHIRP_VARIATIONAL_LOCAL)
        return (double)desc->N * (double)chirp_conv1d_out_width(desc) * (double)desc->K;
    return (double)desc->K * (double)desc->C * (double)desc->S;
}

static chirp_flipout signs(const chirp_variational_conv1d_plan *p, bool in,
                           const chirp_variational_draws *draws)
{
    return (chirp_flipout){
        .rows = p->desc.N,
        .positions = in ? p->desc.W : p->Q,
        .channels = in ? p->desc.C : p->desc.K,
        .rng = in ? draws->sign_in : draws->sign_out,
        .first_row = draws->first_row,
        .n_threads = p->desc.n_threads,
    };
}

static void square(const chirp_variational_conv1d_plan *p, const float *src, float *dst)
{
#pragma omp parallel for simd schedule(static)                                                     \
    num_threads(chirp_chunk_threads(p->n_src, p->desc.n_threads))
    for (int64_t i = 0; i < p->n_src; ++i)
        dst[i] = src[i] * src[i];
}

/* Draw number of zeta for element 0: rows are counted over the whole batch, so ranks and pieces agree. */
static uint64_t first_zeta(const chirp_variational_conv1d_plan *p,
                           const chirp_variational_draws *draws)
{
    return draws->first_row * (uint64_t)(p->Q * p->desc.K);
}

/* joined = sqrt(variance) zeta. The transform domain may round a variance of nearly 0 below 0. */
static void draw_local(chirp_variational_conv1d_plan *p, const chirp_variational_draws *draws)
{
    const uint64_t first = first_zeta(p, draws);
#pragma omp parallel for schedule(static)                                                          \
    num_threads(chirp_chunk_threads(p->n_pre, p->desc.n_threads))
    for (int64_t start = 0; start < p->n_pre; start += CHIRP_CHUNK) {
        const int64_t n = chirp_chunk_length(p->n_pre, start, CHIRP_CHUNK);
        float *out = p->joined + start;
        const float *variance = p->pre_perturbation + start;
        chirp_rng_normal(draws->noise, first + (uint64_t)start, n, out);
        for (int64_t i = 0; i < n; ++i)
            out[i] *= sqrtf(variance[i] > 0 ? variance[i] : 0);
    }
}

/* dvariance = djoined zeta / (2 sqrt(variance)), and zeta sqrt(variance) = joined; in place in dpre2. */
static void local_backward(chirp_variational_conv1d_plan *p)
{
#pragma omp parallel for simd schedule(static)                                                     \
    num_threads(chirp_chunk_threads(p->n_pre, p->desc.n_threads))
    for (int64_t i = 0; i < p->n_pre; ++i) {
        const float variance = p->pre_perturbation[i];
        p->dpre2[i] = variance > 0 ? 0.5F * p->dpre2[i] * p->joined[i] / variance : 0;
    }
}

/* row_sign[k] = r s_k of row n. */
static void draw_row_signs(chirp_variational_conv1d_plan *p, const chirp_variational_draws *draws,
                           int64_t n)
{
    const int64_t K = p->desc.K;
    const uint64_t number = draws->first_row + (uint64_t)n;
    float r = 0;
    chirp_rng_sign(draws->sign_in, number, 1, &r);
    chirp_rng_sign(draws->sign_out, number * (uint64_t)K, K, p->row_sign);
    for (int64_t k = 0; k < K; ++k)
        p->row_sign[k] *= r;
}

static void load_row_weights(chirp_variational_conv1d_plan *p, const float *mu)
{
    const int64_t S = p->desc.S;
    for (int64_t i = 0; i < p->n_weights; ++i)
        p->row_weights[i] = mu[i] + p->row_sign[i / S] * p->weights[i];
    chirp_conv1d_load_weights(p->row, p->row_weights);
}

static void forward_rows(chirp_variational_conv1d_plan *p, const float *src, const float *mu,
                         const float *rho, const float *bia, const chirp_variational_draws *draws,
                         float *dst, uint8_t *code)
{
    const int64_t out = chirp_conv1d_pooled_width(&p->desc) * p->desc.K;
    chirp_variational_perturbation(p->n_weights, rho, draws->noise, p->weights, p->desc.n_threads);
    for (int64_t n = 0; n < p->desc.N; ++n) {
        draw_row_signs(p, draws, n);
        load_row_weights(p, mu);
        chirp_conv1d_forward(p->row, src + n * p->desc.W, bia, dst + n * out,
                             code ? code + n * out : NULL);
    }
}

/* Rows are summed one after the other: an order that no number of threads changes. */
static void backward_rows(chirp_variational_conv1d_plan *p, const float *src, const float *mu,
                          const chirp_variational_draws *draws, const float *ddst,
                          const uint8_t *code, float *dmu, float *ddelta, float *dbia, float *dsrc)
{
    const int64_t K = p->desc.K;
    const int64_t S = p->desc.S;
    const int64_t out = chirp_conv1d_pooled_width(&p->desc) * K;
    for (int64_t n = 0; n < p->desc.N; ++n) {
        draw_row_signs(p, draws, n);
        if (dsrc)
            load_row_weights(p, mu);
        chirp_conv1d_backward(p->row, src + n * p->desc.W, ddst + n * out,
                              code ? code + n * out : NULL, dsrc ? dsrc + n * p->desc.W : NULL,
                              p->row_dwei, p->row_dbia);
        for (int64_t i = 0; i < p->n_weights; ++i) {
            dmu[i] = (n ? dmu[i] : 0) + p->row_dwei[i];
            ddelta[i] = (n ? ddelta[i] : 0) + p->row_sign[i / S] * p->row_dwei[i];
        }
        for (int64_t k = 0; dbia && k < K; ++k)
            dbia[k] = (n ? dbia[k] : 0) + p->row_dbia[k];
    }
}

/* Signs and the transformed perturbation stay for backward. */
static void forward_perturbed(chirp_variational_conv1d_plan *p, const float *src, const float *mu,
                              const float *rho, const float *bia,
                              const chirp_variational_draws *draws, float *dst, uint8_t *code)
{
    const int64_t N = p->desc.N, C = p->desc.C, K = p->desc.K;
    const chirp_conv1d_signs signs = {p->sign_in, p->sign_out};
    chirp_rng_sign(draws->sign_in, draws->first_row * (uint64_t)C, N * C, p->sign_in);
    chirp_rng_sign(draws->sign_out, draws->first_row * (uint64_t)K, N * K, p->sign_out);
    chirp_variational_perturbation(p->n_weights, rho, draws->noise, p->weights, p->desc.n_threads);
    chirp_conv1d_load_weights(p->mean, mu);
    chirp_conv1d_load_perturbation(p->mean, p->weights);
    chirp_conv1d_forward_perturbed(p->mean, &signs, src, bia, dst, code);
}

void chirp_variational_conv1d_forward(chirp_variational_conv1d_plan *p, const float *src,
                                      const float *mu, const float *rho, const float *bia,
                                      const chirp_variational_draws *draws, float *dst,
                                      uint8_t *code)
{
    const int threads = p->desc.n_threads;
    if (!draws || p->estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION) {
        chirp_conv1d_plan *plan = p->fused ? p->fused : p->mean;
        if (draws)
            chirp_variational_sample(p->n_weights, mu, rho, draws->noise, p->weights, threads);
        chirp_conv1d_load_weights(plan, draws ? p->weights : mu);
        chirp_conv1d_forward(plan, src, bia, dst, code);
        return;
    }
    if (p->row) {
        forward_rows(p, src, mu, rho, bia, draws, dst, code);
        return;
    }
    if (p->sign_in) {
        forward_perturbed(p, src, mu, rho, bia, draws, dst, code);
        return;
    }
    const chirp_flipout out = signs(p, false, draws);
    if (p->estimator == CHIRP_VARIATIONAL_FLIPOUT) {
        const chirp_flipout in = signs(p, true, draws);
        chirp_variational_perturbation(p->n_weights, rho, draws->noise, p->weights, threads);
        chirp_flipout_sign(&in, src, p->src2);
    } else {
        chirp_variational_sigma(p->n_weights, rho, NULL, p->weights, threads);
        square(p, src, p->src2);
    }
    chirp_conv1d_load_weights(p->mean, mu);
    chirp_conv1d_load_weights(p->perturbation, p->weights);
    chirp_conv1d_forward(p->mean, src, bia, p->pre_mean, NULL);
    chirp_conv1d_forward(p->perturbation, p->src2, NULL, p->pre_perturbation, NULL);
    const bool local = p->estimator == CHIRP_VARIATIONAL_LOCAL;
    if (local)
        draw_local(p, draws);
    /* local's noise may carry the signs too: s zeta is again a standard normal number */
    chirp_flipout_finish(&out, p->desc.relu, p->desc.pool, p->pre_mean,
                         local ? p->joined : p->pre_perturbation, dst, code);
}

/* dsrc += what the perturbation's product adds: r o dsrc2, or 2 x dsrc2. */
static void join_dsrc(chirp_variational_conv1d_plan *p, const float *src,
                      const chirp_variational_draws *draws, float *dsrc)
{
    if (p->estimator == CHIRP_VARIATIONAL_FLIPOUT) {
        const chirp_flipout in = signs(p, true, draws);
        chirp_flipout_add(&in, p->dsrc2, dsrc);
        return;
    }
#pragma omp parallel for simd schedule(static)                                                     \
    num_threads(chirp_chunk_threads(p->n_src, p->desc.n_threads))
    for (int64_t i = 0; i < p->n_src; ++i)
        dsrc[i] += 2 * src[i] * p->dsrc2[i];
}

void chirp_variational_conv1d_backward(chirp_variational_conv1d_plan *p, const float *src,
                                       const float *mu, const float *rho,
                                       const chirp_variational_draws *draws, const float *ddst,
                                       const uint8_t *code, float kl_weight, float prior_sigma,
                                       float *dmu, float *drho, float *dbia, float *dsrc)
{
    const int threads = p->desc.n_threads;
    if (p->estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION) {
        chirp_conv1d_backward(p->mean, src, ddst, code, dsrc, dmu, dbia);
        chirp_variational_backward(p->n_weights, mu, rho, draws->noise, dmu, kl_weight, prior_sigma,
                                   dmu, drho, threads);
        return;
    }
    if (p->row || p->sign_in) {
        const chirp_conv1d_signs signs = {p->sign_in, p->sign_out};
        if (p->row)
            backward_rows(p, src, mu, draws, ddst, code, dmu, drho, dbia, dsrc);
        else
            chirp_conv1d_backward_perturbed(p->mean, &signs, src, ddst, code, dsrc, dmu, drho,
                                            dbia);
        chirp_variational_backward_perturbation(p->n_weights, mu, rho, draws->noise, drho,
                                                kl_weight, prior_sigma, dmu, drho, threads);
        return;
    }
    const chirp_flipout out = signs(p, false, draws);
    const bool coded = p->desc.relu || p->desc.pool > 1;
    chirp_flipout_finish_backward(&out, p->desc.pool, ddst, coded ? code : NULL, p->dpre, p->dpre2);
    if (p->estimator == CHIRP_VARIATIONAL_LOCAL)
        local_backward(p);
    chirp_conv1d_backward(p->mean, src, p->dpre, NULL, dsrc, dmu, dbia);
    chirp_conv1d_backward(p->perturbation, p->src2, p->dpre2, NULL, dsrc ? p->dsrc2 : NULL, drho,
                          NULL);
    if (dsrc)
        join_dsrc(p, src, draws, dsrc);
    if (p->estimator == CHIRP_VARIATIONAL_FLIPOUT)
        chirp_variational_backward_perturbation(p->n_weights, mu, rho, draws->noise, drho,
                                                kl_weight, prior_sigma, dmu, drho, threads);
    else
        chirp_variational_backward_variance(p->n_weights, mu, rho, drho, kl_weight, prior_sigma,
                                            dmu, drho, threads);
}

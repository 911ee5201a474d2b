#include "kernels/variational/variational_conv1d.h"

#include "harness/base/memory.h"
#include "kernels/parallel/chunks.h"
#include "kernels/variational/flipout.h"
#include "kernels/variational/variational.h"

#include <math.h>

typedef struct chirp_variational_conv1d_plan plan;

/* A way to compute a pass with drawn weights. backward leaves the product's gradients in gradients; KL follows. */
typedef struct way {
    chirp_status (*create)(plan *p,
                           bool training); /* beside p->mean and p->weights; NULL: nothing */
    void (*forward)(plan *p, const float *src, const chirp_variational_weights *w,
                    const chirp_variational_draws *draws, float *dst, uint8_t *code);
    void (*backward)(plan *p, const chirp_variational_conv1d_pass *t, const float *mu,
                     const chirp_variational_draws *draws, const chirp_variational_gradients *g);
    bool bare; /* p->mean makes pre-activations only */
} way;

/* Flipout inside one convolution: signs on spectra. */
typedef struct perturbed {
    float *sign_in, *sign_out; /* [N][C], [N][K] */
} perturbed;

/* Flipout of one channel: r is one sign a row, so s o conv(x r, delta) = conv(x, (r s) o delta), and the two products are
   one convolution per row, everything fused, with weights of its own. */
typedef struct by_rows {
    chirp_conv1d_plan *plan; /* one row */
    float *weights, *dwei;   /* [K][S] of one row */
    float *sign, *dbia;      /* [K] */
} by_rows;

/* Two convolutions with the full-length pre-activations of both in memory. */
typedef struct two_products {
    chirp_conv1d_plan *perturbation;    /* bare; flipout: of x o r, local: of x^2 */
    chirp_conv1d_plan *fused;           /* the whole layer with mean weights */
    float *src;                         /* x o r, or x^2 */
    float *pre_mean, *pre_perturbation; /* [N][Q][K]; the second holds the variance in local */
    float *joined;                      /* local: sqrt(variance) zeta */
    float *dpre, *dpre2, *dsrc;         /* training */
} two_products;

struct chirp_variational_conv1d_plan {
    chirp_conv1d_desc desc;
    chirp_variational_estimator estimator;
    const way *way;
    int64_t Q;
    int64_t n_weights, n_src, n_pre; /* elements of weights, src and pre-activations */
    chirp_conv1d_plan *mean;         /* bare for two products, else everything fused */
    float *weights;                  /* drawn weights; sigma eps; sigma^2 */
    /* one of these, or none for one convolution with drawn weights */
    perturbed perturbed;
    by_rows rows;
    two_products two;
};

static float *floats(int64_t n) { return chirp_calloc((size_t)n, sizeof(float)); }

/* ---- one convolution with drawn weights ---- */

static void fused_forward(plan *p, const float *src, const chirp_variational_weights *w,
                          const chirp_variational_draws *draws, float *dst, uint8_t *code)
{
    chirp_variational_sample(p->n_weights, w->mu, w->rho, draws->noise, p->weights,
                             p->desc.n_threads);
    chirp_conv1d_load_weights(p->mean, p->weights);
    chirp_conv1d_forward(p->mean, src, w->bia, dst, code);
}

static void fused_backward(plan *p, const chirp_variational_conv1d_pass *t, const float *mu,
                           const chirp_variational_draws *draws,
                           const chirp_variational_gradients *g)
{
    (void)mu, (void)draws;
    chirp_conv1d_backward(p->mean, t->src, t->ddst, t->code, t->dsrc, g->dmu, g->dbia);
}

/* ---- signs on spectra ---- */

static chirp_status perturbed_create(plan *p, bool training)
{
    (void)training;
    p->perturbed.sign_in = floats(p->desc.N * p->desc.C);
    p->perturbed.sign_out = floats(p->desc.N * p->desc.K);
    return p->perturbed.sign_in && p->perturbed.sign_out ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* Signs and the transformed perturbation stay for backward. */
static void perturbed_forward(plan *p, const float *src, const chirp_variational_weights *w,
                              const chirp_variational_draws *draws, float *dst, uint8_t *code)
{
    const int64_t N = p->desc.N, C = p->desc.C, K = p->desc.K;
    const chirp_conv1d_signs signs = {p->perturbed.sign_in, p->perturbed.sign_out};
    chirp_rng_sign(draws->sign_in, draws->first_row * (uint64_t)C, N * C, p->perturbed.sign_in);
    chirp_rng_sign(draws->sign_out, draws->first_row * (uint64_t)K, N * K, p->perturbed.sign_out);
    chirp_variational_perturbation(p->n_weights, w->rho, draws->noise, p->weights,
                                   p->desc.n_threads);
    chirp_conv1d_load_weights(p->mean, w->mu);
    chirp_conv1d_load_perturbation(p->mean, p->weights);
    chirp_conv1d_forward_perturbed(p->mean, &signs, src, w->bia, dst, code);
}

static void perturbed_backward(plan *p, const chirp_variational_conv1d_pass *t, const float *mu,
                               const chirp_variational_draws *draws,
                               const chirp_variational_gradients *g)
{
    const chirp_conv1d_signs signs = {p->perturbed.sign_in, p->perturbed.sign_out};
    (void)mu, (void)draws;
    const chirp_conv1d_perturbed_gradients gradients = {t->dsrc, g->dmu, g->drho, g->dbia};
    chirp_conv1d_backward_perturbed(p->mean, &signs, t->src, t->ddst, t->code, &gradients);
}

/* ---- row by row ---- */

static chirp_status rows_create(plan *p, bool training)
{
    by_rows *r = &p->rows;
    chirp_conv1d_desc one = p->desc;
    (void)training;
    one.N = 1;
    const chirp_status st = chirp_conv1d_plan_create(&one, &r->plan);
    if (st != CHIRP_OK)
        return st;
    r->weights = floats(p->n_weights);
    r->dwei = floats(p->n_weights);
    r->sign = floats(p->desc.K);
    r->dbia = floats(p->desc.K);
    return r->weights && r->dwei && r->sign && r->dbia ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* sign[k] = r s_k of row n. */
static void draw_row_signs(plan *p, const chirp_variational_draws *draws, int64_t n)
{
    const int64_t K = p->desc.K;
    const uint64_t number = draws->first_row + (uint64_t)n;
    float r = 0;
    chirp_rng_sign(draws->sign_in, number, 1, &r);
    chirp_rng_sign(draws->sign_out, number * (uint64_t)K, K, p->rows.sign);
    for (int64_t k = 0; k < K; ++k)
        p->rows.sign[k] *= r;
}

static void load_row_weights(plan *p, const float *mu)
{
    const int64_t S = p->desc.S;
    for (int64_t i = 0; i < p->n_weights; ++i)
        p->rows.weights[i] = mu[i] + p->rows.sign[i / S] * p->weights[i];
    chirp_conv1d_load_weights(p->rows.plan, p->rows.weights);
}

static void rows_forward(plan *p, const float *src, const chirp_variational_weights *w,
                         const chirp_variational_draws *draws, float *dst, uint8_t *code)
{
    const int64_t out = chirp_conv1d_pooled_width(&p->desc) * p->desc.K;
    chirp_variational_perturbation(p->n_weights, w->rho, draws->noise, p->weights,
                                   p->desc.n_threads);
    for (int64_t n = 0; n < p->desc.N; ++n) {
        draw_row_signs(p, draws, n);
        load_row_weights(p, w->mu);
        chirp_conv1d_forward(p->rows.plan, src + n * p->desc.W, w->bia, dst + n * out,
                             code ? code + n * out : NULL);
    }
}

/* Rows are summed one after the other: an order that no number of threads changes. */
static void rows_backward(plan *p, const chirp_variational_conv1d_pass *t, const float *mu,
                          const chirp_variational_draws *draws,
                          const chirp_variational_gradients *g)
{
    const int64_t K = p->desc.K;
    const int64_t S = p->desc.S;
    const int64_t out = chirp_conv1d_pooled_width(&p->desc) * K;
    const float *sign = p->rows.sign, *dwei = p->rows.dwei;
    for (int64_t n = 0; n < p->desc.N; ++n) {
        draw_row_signs(p, draws, n);
        if (t->dsrc)
            load_row_weights(p, mu);
        chirp_conv1d_backward(p->rows.plan, t->src + n * p->desc.W, t->ddst + n * out,
                              t->code ? t->code + n * out : NULL,
                              t->dsrc ? t->dsrc + n * p->desc.W : NULL, p->rows.dwei, p->rows.dbia);
        for (int64_t i = 0; i < p->n_weights; ++i) {
            g->dmu[i] = (n ? g->dmu[i] : 0) + dwei[i];
            g->drho[i] = (n ? g->drho[i] : 0) + sign[i / S] * dwei[i];
        }
        for (int64_t k = 0; g->dbia && k < K; ++k)
            g->dbia[k] = (n ? g->dbia[k] : 0) + p->rows.dbia[k];
    }
}

/* ---- two products ---- */

static chirp_status two_create(plan *p, bool training)
{
    two_products *t = &p->two;
    chirp_conv1d_desc bare = p->desc;
    bare.relu = false;
    bare.pool = 1;
    chirp_status st = chirp_conv1d_plan_create(&bare, &t->perturbation);
    if (st == CHIRP_OK)
        st = chirp_conv1d_plan_create(&p->desc, &t->fused);
    if (st != CHIRP_OK)
        return st;
    t->src = floats(p->n_src);
    t->pre_mean = floats(p->n_pre);
    t->pre_perturbation = floats(p->n_pre);
    if (!t->src || !t->pre_mean || !t->pre_perturbation)
        return CHIRP_ERR_NOMEM;
    if (p->estimator == CHIRP_VARIATIONAL_LOCAL && !(t->joined = floats(p->n_pre)))
        return CHIRP_ERR_NOMEM;
    if (!training)
        return CHIRP_OK;
    t->dpre = floats(p->n_pre);
    t->dpre2 = floats(p->n_pre);
    t->dsrc = floats(p->n_src);
    return t->dpre && t->dpre2 && t->dsrc ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static chirp_flipout signs(const plan *p, bool in, const chirp_variational_draws *draws)
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

static void square(const plan *p, const float *src, float *dst)
{
#pragma omp parallel for simd schedule(static)                                                     \
    num_threads(chirp_chunk_threads(p->n_src, p->desc.n_threads))
    for (int64_t i = 0; i < p->n_src; ++i)
        dst[i] = src[i] * src[i];
}

/* Draw number of zeta for element 0: rows are counted over the whole batch, so ranks and pieces agree. */
static uint64_t first_zeta(const plan *p, const chirp_variational_draws *draws)
{
    return draws->first_row * (uint64_t)(p->Q * p->desc.K);
}

/* joined = sqrt(variance) zeta. The transform domain may round a variance of nearly 0 below 0. */
static void draw_local(plan *p, const chirp_variational_draws *draws)
{
    const uint64_t first = first_zeta(p, draws);
#pragma omp parallel for schedule(static)                                                          \
    num_threads(chirp_chunk_threads(p->n_pre, p->desc.n_threads))
    for (int64_t start = 0; start < p->n_pre; start += CHIRP_CHUNK) {
        const int64_t n = chirp_chunk_length(p->n_pre, start, CHIRP_CHUNK);
        float *out = p->two.joined + start;
        const float *variance = p->two.pre_perturbation + start;
        chirp_rng_normal(draws->noise, first + (uint64_t)start, n, out);
        for (int64_t i = 0; i < n; ++i)
            out[i] *= sqrtf(variance[i] > 0 ? variance[i] : 0);
    }
}

/* dvariance = djoined zeta / (2 sqrt(variance)), and zeta sqrt(variance) = joined; in place in dpre2. */
static void local_backward(plan *p)
{
#pragma omp parallel for simd schedule(static)                                                     \
    num_threads(chirp_chunk_threads(p->n_pre, p->desc.n_threads))
    for (int64_t i = 0; i < p->n_pre; ++i) {
        const float variance = p->two.pre_perturbation[i];
        p->two.dpre2[i] = variance > 0 ? 0.5F * p->two.dpre2[i] * p->two.joined[i] / variance : 0;
    }
}

static void two_forward(plan *p, const float *src, const chirp_variational_weights *w,
                        const chirp_variational_draws *draws, float *dst, uint8_t *code)
{
    const two_products *t = &p->two;
    const int threads = p->desc.n_threads;
    const bool local = p->estimator == CHIRP_VARIATIONAL_LOCAL;
    const chirp_flipout in = signs(p, true, draws), out = signs(p, false, draws);
    if (local) {
        chirp_variational_sigma(p->n_weights, w->rho, NULL, p->weights, threads);
        square(p, src, t->src);
    } else {
        chirp_variational_perturbation(p->n_weights, w->rho, draws->noise, p->weights, threads);
        chirp_flipout_sign(&in, src, t->src);
    }
    chirp_conv1d_load_weights(p->mean, w->mu);
    chirp_conv1d_load_weights(t->perturbation, p->weights);
    chirp_conv1d_forward(p->mean, src, w->bia, t->pre_mean, NULL);
    chirp_conv1d_forward(t->perturbation, t->src, NULL, t->pre_perturbation, NULL);
    if (local)
        draw_local(p, draws);
    /* local's noise may carry the signs too: s zeta is again a standard normal number */
    chirp_flipout_finish(&out, p->desc.relu, p->desc.pool, t->pre_mean,
                         local ? t->joined : t->pre_perturbation, dst, code);
}

/* dsrc += what the perturbation's product adds: r o two.dsrc, or 2 x two.dsrc. */
static void join_dsrc(plan *p, const float *src, const chirp_variational_draws *draws, float *dsrc)
{
    const float *second = p->two.dsrc;
    if (p->estimator == CHIRP_VARIATIONAL_FLIPOUT) {
        const chirp_flipout in = signs(p, true, draws);
        chirp_flipout_add(&in, second, dsrc);
        return;
    }
#pragma omp parallel for simd schedule(static)                                                     \
    num_threads(chirp_chunk_threads(p->n_src, p->desc.n_threads))
    for (int64_t i = 0; i < p->n_src; ++i)
        dsrc[i] += 2 * src[i] * second[i];
}

static void two_backward(plan *p, const chirp_variational_conv1d_pass *t, const float *mu,
                         const chirp_variational_draws *draws, const chirp_variational_gradients *g)
{
    const two_products *two = &p->two;
    const chirp_flipout out = signs(p, false, draws);
    const bool coded = p->desc.relu || p->desc.pool > 1;
    (void)mu;
    chirp_flipout_finish_backward(&out, p->desc.pool, t->ddst, coded ? t->code : NULL, two->dpre,
                                  two->dpre2);
    if (p->estimator == CHIRP_VARIATIONAL_LOCAL)
        local_backward(p);
    chirp_conv1d_backward(p->mean, t->src, two->dpre, NULL, t->dsrc, g->dmu, g->dbia);
    chirp_conv1d_backward(two->perturbation, two->src, two->dpre2, NULL, t->dsrc ? two->dsrc : NULL,
                          g->drho, NULL);
    if (t->dsrc)
        join_dsrc(p, t->src, draws, t->dsrc);
}

/* ---- the plan ---- */

static const way fused_way = {NULL, fused_forward, fused_backward, false};
static const way perturbed_way = {perturbed_create, perturbed_forward, perturbed_backward, false};
static const way rows_way = {rows_create, rows_forward, rows_backward, false};
static const way two_way = {two_create, two_forward, two_backward, true};

/* Chooses the way and makes p->mean. */
static chirp_status choose(plan *p)
{
    chirp_conv1d_desc desc = p->desc;
    const bool flipout = p->estimator == CHIRP_VARIATIONAL_FLIPOUT;
    p->way = p->estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION ? &fused_way
             : !flipout                                           ? &two_way
             : desc.C == 1                                        ? &rows_way
                                                                  : &perturbed_way;
    if (p->way == &perturbed_way) {
        desc.perturbed = true;
        const chirp_status st = chirp_conv1d_plan_create(&desc, &p->mean);
        if (st != CHIRP_ERR_UNSUPPORTED)
            return st;
        desc.perturbed = false; /* few channels or a forced algorithm */
        p->way = &two_way;
    }
    if (p->way->bare) {
        desc.relu = false;
        desc.pool = 1;
    }
    return chirp_conv1d_plan_create(&desc, &p->mean);
}

chirp_status chirp_variational_conv1d_plan_create(const chirp_conv1d_desc *desc,
                                                  chirp_variational_estimator estimator,
                                                  bool training,
                                                  chirp_variational_conv1d_plan **result)
{
    if ((unsigned)estimator >= CHIRP_VARIATIONAL_ESTIMATORS)
        return chirp_fail(CHIRP_ERR_ARG, "unknown estimator %d", (int)estimator);
    plan *p = chirp_calloc(1, sizeof *p);
    if (!p)
        return CHIRP_ERR_NOMEM;
    p->desc = *desc;
    p->estimator = estimator;
    chirp_status st = choose(p);
    if (st == CHIRP_OK) {
        p->Q = chirp_conv1d_out_width(desc);
        p->n_weights = desc->K * desc->C * desc->S;
        p->n_src = desc->N * desc->W * desc->C;
        p->n_pre = desc->N * p->Q * desc->K;
        p->weights = floats(p->n_weights);
        st = p->weights ? CHIRP_OK : CHIRP_ERR_NOMEM;
        if (st == CHIRP_OK && p->way->create)
            st = p->way->create(p, training);
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
    chirp_conv1d_plan_destroy(p->rows.plan);
    chirp_conv1d_plan_destroy(p->two.perturbation);
    chirp_conv1d_plan_destroy(p->two.fused);
    float *const all[] = {p->weights,
                          p->perturbed.sign_in,
                          p->perturbed.sign_out,
                          p->rows.weights,
                          p->rows.dwei,
                          p->rows.sign,
                          p->rows.dbia,
                          p->two.src,
                          p->two.pre_mean,
                          p->two.joined,
                          p->two.pre_perturbation,
                          p->two.dpre,
                          p->two.dpre2,
                          p->two.dsrc};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
        chirp_free(all[i]);
    chirp_free(p);
}

const chirp_conv1d_plan *chirp_variational_conv1d_mean_plan(const chirp_variational_conv1d_plan *p)
{
    return p->mean;
}

double chirp_variational_conv1d_flops(const chirp_variational_conv1d_plan *p,
                                      chirp_conv1d_pass pass)
{
    return chirp_conv1d_plan_flops(p->mean, pass) +
           (p->two.perturbation ? chirp_conv1d_plan_flops(p->two.perturbation, pass) : 0);
}

double chirp_variational_conv1d_draws(const chirp_conv1d_desc *desc,
                                      chirp_variational_estimator estimator)
{
    if (estimator == CHIRP_VARIATIONAL_LOCAL)
        return (double)desc->N * (double)chirp_conv1d_out_width(desc) * (double)desc->K;
    return (double)desc->K * (double)desc->C * (double)desc->S;
}

void chirp_variational_conv1d_forward(chirp_variational_conv1d_plan *p, const float *src,
                                      const chirp_variational_weights *weights,
                                      const chirp_variational_draws *draws, float *dst,
                                      uint8_t *code)
{
    if (draws) {
        p->way->forward(p, src, weights, draws, dst, code);
        return;
    }
    chirp_conv1d_plan *whole = p->two.fused ? p->two.fused : p->mean;
    chirp_conv1d_load_weights(whole, weights->mu);
    chirp_conv1d_forward(whole, src, weights->bia, dst, code);
}

void chirp_variational_conv1d_backward(chirp_variational_conv1d_plan *p,
                                       const chirp_variational_conv1d_pass *pass,
                                       const chirp_variational_weights *weights,
                                       const chirp_variational_draws *draws,
                                       chirp_variational_prior prior,
                                       const chirp_variational_gradients *gradients)
{
    const int64_t n = p->n_weights;
    const int threads = p->desc.n_threads;
    p->way->backward(p, pass, weights->mu, draws, gradients);
    if (p->estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION)
        chirp_variational_backward(n, weights, draws->noise, gradients->dmu, prior, gradients,
                                   threads);
    else if (p->estimator == CHIRP_VARIATIONAL_FLIPOUT)
        chirp_variational_backward_perturbation(n, weights, draws->noise, gradients->drho, prior,
                                                gradients, threads);
    else
        chirp_variational_backward_variance(n, weights, gradients->drho, prior, gradients, threads);
}

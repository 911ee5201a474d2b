/*
 * Checks whole convolutions against their definition: sampled outputs and gradients, summed in double from means, rho and
 * the very draws. The estimators share one form,
 *     pre = bia + sum mu x + scale * second,   second = sum delta x2
 *     reparameterization  delta = sigma eps,  x2 = x,    scale = 1
 *     flipout             delta = sigma eps,  x2 = r x,  scale = s
 *     local               delta = sigma^2,    x2 = x^2,  scale = s zeta / sqrt(second)
 */
#include "suites/benchmarks/layers/conv_layer.h"

#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "kernels/variational/variational.h"

#include <math.h>

enum { OUTPUTS = 48, TAPS = 4, INPUTS = 6 };

typedef struct definition {
    const conv_layer *l;
    int64_t P, Q;
    double *delta;             /* [weights] */
    float *eps;                /* [weights]; not local */
    float *sign_in, *sign_out; /* [N][C], [N][K] */
} definition;

static bool is(const definition *d, chirp_variational_estimator e)
{
    return d->l->c->estimator == (int)e;
}

static void close_definition(definition *d)
{
    chirp_free(d->delta);
    chirp_free(d->eps);
    chirp_free(d->sign_in);
    chirp_free(d->sign_out);
}

static chirp_status open_definition(const conv_layer *l, definition *d)
{
    const chirp_conv1d_desc *desc = &l->b.desc;
    *d = (definition){
        .l = l, .P = chirp_conv1d_pooled_width(desc), .Q = chirp_conv1d_out_width(desc)};
    d->delta = chirp_calloc((size_t)l->weights, sizeof *d->delta);
    d->eps = chirp_calloc((size_t)l->weights, sizeof *d->eps);
    d->sign_in = chirp_calloc((size_t)(desc->N * desc->C), sizeof *d->sign_in);
    d->sign_out = chirp_calloc((size_t)(desc->N * desc->K), sizeof *d->sign_out);
    if (!d->delta || !d->eps || !d->sign_in || !d->sign_out)
        return CHIRP_ERR_NOMEM;
    const bool local = is(d, CHIRP_VARIATIONAL_LOCAL);
    chirp_rng_sign(l->draws.sign_in, 0, desc->N * desc->C, d->sign_in);
    chirp_rng_sign(l->draws.sign_out, 0, desc->N * desc->K, d->sign_out);
    if (!local)
        chirp_rng_normal(l->draws.noise, 0, l->weights, d->eps);
    for (int64_t i = 0; l->variational && i < l->weights; ++i) {
        const double sigma = chirp_softplus((double)l->rho[i]);
        d->delta[i] = sigma * (local ? sigma : (double)d->eps[i]);
    }
    return CHIRP_OK;
}

/* x2 of input (n, w, c), and its slope in x */
static double second_input(const definition *d, int64_t n, int64_t w, int64_t c, double *slope)
{
    const chirp_conv1d_desc *desc = &d->l->b.desc;
    const double x = (double)d->l->b.src[(n * desc->W + w) * desc->C + c];
    const double factor =
        is(d, CHIRP_VARIATIONAL_FLIPOUT) ? (double)d->sign_in[n * desc->C + c] : 1;
    if (is(d, CHIRP_VARIATIONAL_LOCAL)) {
        *slope = 2 * x;
        return x * x;
    }
    *slope = factor;
    return factor * x;
}

/* Both sums of one pre-activation; *scale is what multiplies the second. */
static double sums(const definition *d, int64_t n, int64_t q, int64_t k, double *second,
                   double *scale)
{
    const conv_layer *l = d->l;
    const chirp_conv1d_desc *desc = &l->b.desc;
    double mean = (double)l->b.bia[k], slope = 0;
    *second = 0;
    for (int64_t s = 0; s < desc->S; ++s) {
        const int64_t w = q + s * desc->dilation - desc->pad_left;
        for (int64_t c = 0; w >= 0 && w < desc->W && c < desc->C; ++c) {
            const int64_t i = (k * desc->C + c) * desc->S + s;
            mean += (double)l->mu[i] * (double)l->b.src[(n * desc->W + w) * desc->C + c];
            if (l->variational)
                *second += d->delta[i] * second_input(d, n, w, c, &slope);
        }
    }
    const double sign = (double)d->sign_out[n * desc->K + k];
    *scale = !l->variational ? 0 : is(d, CHIRP_VARIATIONAL_REPARAMETERIZATION) ? 1 : sign;
    if (is(d, CHIRP_VARIATIONAL_LOCAL)) {
        float zeta = 0;
        chirp_rng_normal(l->draws.noise, (uint64_t)((n * d->Q + q) * desc->K + k), 1, &zeta);
        *scale = *second > 0 ? sign * (double)zeta / sqrt(*second) : 0;
    }
    return mean;
}

/* Gradients of a pre-activation's mean and second sum, by the layer's own codes. */
static double gradients(const definition *d, int64_t n, int64_t q, int64_t k, double *dsecond)
{
    const conv1d_buffers *b = &d->l->b;
    const int64_t pool = b->desc.pool, at = (n * d->P + q / pool) * b->desc.K + k;
    *dsecond = 0;
    if (q / pool >= d->P || ((b->desc.relu || pool > 1) && b->code[at] != q % pool))
        return 0;
    const double dpre = (double)b->ddst[at];
    double second = 0, scale = 1;
    if (d->l->variational && is(d, CHIRP_VARIATIONAL_LOCAL)) {
        (void)sums(d, n, q, k, &second, &scale);
        *dsecond = 0.5 * dpre * scale;
    } else if (d->l->variational) {
        *dsecond =
            dpre * (is(d, CHIRP_VARIATIONAL_FLIPOUT) ? (double)d->sign_out[n * b->desc.K + k] : 1);
    }
    return dpre;
}

typedef struct error_sum {
    double error, size;
} error_sum;

static void add(error_sum *e, double got, double want)
{
    e->error += (got - want) * (got - want);
    e->size += want * want;
}

static double relative(error_sum e) { return sqrt(e.error / e.size); }

static uint64_t random_below(uint64_t *state, int64_t below)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (*state >> 33) % (uint64_t)below;
}

static double check_outputs(const definition *d, uint64_t *state)
{
    const conv1d_buffers *b = &d->l->b;
    error_sum e = {0};
    for (int i = 0; i < OUTPUTS; ++i) {
        const int64_t n = (int64_t)random_below(state, b->desc.N),
                      p = (int64_t)random_below(state, d->P),
                      k = (int64_t)random_below(state, b->desc.K);
        double most = -INFINITY;
        for (int64_t j = 0; j < b->desc.pool; ++j) {
            double second, scale;
            const double mean = sums(d, n, p * b->desc.pool + j, k, &second, &scale);
            most = fmax(most, mean + scale * second);
        }
        add(&e, (double)b->dst[(n * d->P + p) * b->desc.K + k],
            b->desc.relu ? fmax(most, 0) : most);
    }
    return relative(e);
}

/* dmu and drho of some weights of one filter. */
static double check_weights(const definition *d, uint64_t *state)
{
    const conv_layer *l = d->l;
    const chirp_conv1d_desc *desc = &l->b.desc;
    const int64_t k = (int64_t)random_below(state, desc->K);
    double dmu[TAPS] = {0}, ddelta[TAPS] = {0};
    int64_t c[TAPS], s[TAPS];
    for (int t = 0; t < TAPS; ++t) {
        c[t] = (int64_t)random_below(state, desc->C);
        s[t] = (int64_t)random_below(state, desc->S);
    }
    for (int64_t n = 0; n < desc->N; ++n) {
        for (int64_t q = 0; q < d->P * desc->pool; ++q) {
            double dsecond, slope;
            const double dpre = gradients(d, n, q, k, &dsecond);
            for (int t = 0; t < TAPS && dpre != 0; ++t) {
                const int64_t w = q + s[t] * desc->dilation - desc->pad_left;
                if (w < 0 || w >= desc->W)
                    continue;
                dmu[t] += dpre * (double)l->b.src[(n * desc->W + w) * desc->C + c[t]];
                ddelta[t] += dsecond * second_input(d, n, w, c[t], &slope);
            }
        }
    }
    error_sum of_mu = {0}, of_rho = {0};
    for (int t = 0; t < TAPS; ++t) {
        const int64_t i = (k * desc->C + c[t]) * desc->S + s[t];
        /* d sigma / d rho = logistic(rho); reparameterization draws w = mu + delta, so ddelta = dmu */
        add(&of_mu, (double)l->dmu[i], dmu[t]);
        if (!l->variational)
            continue;
        const double rho = (double)l->rho[i];
        const double factor =
            is(d, CHIRP_VARIATIONAL_LOCAL) ? 2 * chirp_softplus(rho) : (double)d->eps[i];
        add(&of_rho, (double)l->drho[i], factor * chirp_logistic(rho) * ddelta[t]);
    }
    return l->variational ? fmax(relative(of_mu), relative(of_rho)) : relative(of_mu);
}

static double check_inputs(const definition *d, uint64_t *state)
{
    const conv_layer *l = d->l;
    const chirp_conv1d_desc *desc = &l->b.desc;
    error_sum e = {0};
    for (int i = 0; i < INPUTS; ++i) {
        const int64_t n = (int64_t)random_below(state, desc->N),
                      w = (int64_t)random_below(state, desc->W),
                      c = (int64_t)random_below(state, desc->C);
        double dsrc = 0, slope = 0;
        (void)second_input(d, n, w, c, &slope);
        for (int64_t s = 0; s < desc->S; ++s) {
            const int64_t q = w + desc->pad_left - s * desc->dilation;
            for (int64_t k = 0; q >= 0 && q < d->Q && k < desc->K; ++k) {
                double dsecond;
                const double dpre = gradients(d, n, q, k, &dsecond);
                const int64_t at = (k * desc->C + c) * desc->S + s;
                dsrc += dpre * (double)l->mu[at] + dsecond * d->delta[at] * slope;
            }
        }
        add(&e, (double)l->b.dsrc[(n * desc->W + w) * desc->C + c], dsrc);
    }
    return relative(e);
}

chirp_status layers_check_conv(const void *arg, double *relative_error)
{
    const double most = 1e-5; /* as the dense layers; local divides by a variance */
    conv_layer l;
    definition d = {0};
    chirp_status st = open_conv(arg, 0, &l);
    if (st == CHIRP_OK)
        st = open_definition(&l, &d);
    if (st == CHIRP_OK) {
        uint64_t state = 1;
        conv_forward(&l);
        conv_backward(&l, 0);
        *relative_error = fmax(check_outputs(&d, &state), check_weights(&d, &state));
        if (l.c->layer > 1)
            *relative_error = fmax(*relative_error, check_inputs(&d, &state));
        if (!(*relative_error <= most))
            st = chirp_fail(CHIRP_ERR_NUMERIC,
                            "relative l2 error %.3g against the definition, at most %.3g",
                            *relative_error, most);
    }
    close_definition(&d);
    close_conv(&l);
    return st;
}

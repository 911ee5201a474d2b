/*
 * The definition in plain loops, sums in double: what every other algorithm is compared with. Kept slow and obvious.
 * Nothing here is shared with the fast paths, routing and epilogue included.
 */
#include "harness/base/memory.h"
#include "kernels/conv1d/conv1d_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct reference {
    chirp_conv1d_desc desc;
    float *wei; /* [K][C][S] */
} reference;

static void destroy(void *state)
{
    reference *r = state;
    if (r)
        chirp_free(r->wei);
    chirp_free(r);
}

static chirp_status create(const chirp_conv1d_desc *desc, unsigned passes, void **state)
{
    (void)passes;
    reference *r = chirp_calloc(1, sizeof *r);
    if (!r)
        return CHIRP_ERR_NOMEM;
    r->desc = *desc;
    r->wei = chirp_calloc((size_t)(desc->K * desc->C * desc->S), sizeof *r->wei);
    if (!r->wei) {
        destroy(r);
        return CHIRP_ERR_NOMEM;
    }
    *state = r;
    return CHIRP_OK;
}

static void load_weights(void *state, const float *wei)
{
    reference *r = state;
    memcpy(r->wei, wei, (size_t)(r->desc.K * r->desc.C * r->desc.S) * sizeof *wei);
}

/* pre[n][q][k] for one (n, q, k), rounded to float once, as the value that pool and ReLU see */
static float pre_activation(const reference *r, const float *src, const float *bia, int64_t n,
                            int64_t q, int64_t k)
{
    const chirp_conv1d_desc *d = &r->desc;
    double sum = bia ? (double)bia[k] : 0.0;
    for (int64_t s = 0; s < d->S; ++s) {
        const int64_t w = q + s * d->dilation - d->pad_left;
        if (w < 0 || w >= d->W)
            continue;
        for (int64_t c = 0; c < d->C; ++c)
            sum +=
                (double)r->wei[(k * d->C + c) * d->S + s] * (double)src[(n * d->W + w) * d->C + c];
    }
    return (float)sum;
}

static void forward(void *state, const float *src, const float *bia, float *dst, uint8_t *code)
{
    const reference *r = state;
    const chirp_conv1d_desc *d = &r->desc;
    const int64_t P = chirp_conv1d_pooled_width(d);
#pragma omp parallel for collapse(2) schedule(static) num_threads(d->n_threads)
    for (int64_t n = 0; n < d->N; ++n) {
        for (int64_t p = 0; p < P; ++p) {
            for (int64_t k = 0; k < d->K; ++k) {
                float best = pre_activation(r, src, bia, n, p * d->pool, k);
                uint8_t winner = 0;
                for (int64_t j = 1; j < d->pool; ++j) {
                    const float v = pre_activation(r, src, bia, n, p * d->pool + j, k);
                    if (v > best ||
                        isnan(v)) { /* NaN wins: a broken network must not look healthy */
                        best = v;
                        winner = (uint8_t)j;
                    }
                }
                if (d->relu && best <= 0.0f) {
                    best = 0.0f;
                    winner = CHIRP_CONV1D_INACTIVE;
                }
                dst[(n * P + p) * d->K + k] = best;
                if (code)
                    code[(n * P + p) * d->K + k] = winner;
            }
        }
    }
}

/* dpre[n][q][k] */
static double routed(const chirp_conv1d_desc *d, const float *ddst, const uint8_t *code, int64_t n,
                     int64_t q, int64_t k)
{
    const int64_t P = chirp_conv1d_pooled_width(d), p = q / d->pool;
    if (q < 0 || p >= P)
        return 0.0;
    const int64_t i = (n * P + p) * d->K + k;
    const bool won = !conv1d_needs_code(d) || code[i] == q % d->pool;
    return won ? (double)ddst[i] : 0.0;
}

static void backward_data(void *state, const float *ddst, const uint8_t *code, float *dsrc)
{
    const reference *r = state;
    const chirp_conv1d_desc *d = &r->desc;
    const int64_t Q = chirp_conv1d_out_width(d);
#pragma omp parallel for collapse(2) schedule(static) num_threads(d->n_threads)
    for (int64_t n = 0; n < d->N; ++n) {
        for (int64_t w = 0; w < d->W; ++w) {
            for (int64_t c = 0; c < d->C; ++c) {
                double sum = 0.0;
                for (int64_t s = 0; s < d->S; ++s) {
                    const int64_t q = w + d->pad_left - s * d->dilation;
                    if (q < 0 || q >= Q)
                        continue;
                    for (int64_t k = 0; k < d->K; ++k)
                        sum += (double)r->wei[(k * d->C + c) * d->S + s] *
                               routed(d, ddst, code, n, q, k);
                }
                dsrc[(n * d->W + w) * d->C + c] = (float)sum;
            }
        }
    }
}

static void backward_weights(void *state, const float *src, const float *ddst, const uint8_t *code,
                             float *dwei, float *dbia)
{
    const reference *r = state;
    const chirp_conv1d_desc *d = &r->desc;
    const int64_t Q = chirp_conv1d_out_width(d);
#pragma omp parallel for schedule(static) num_threads(d->n_threads)
    for (int64_t k = 0; k < d->K; ++k) {
        for (int64_t c = 0; c < d->C; ++c) {
            for (int64_t s = 0; s < d->S; ++s) {
                double sum = 0.0;
                for (int64_t n = 0; n < d->N; ++n) {
                    for (int64_t q = 0; q < Q; ++q) {
                        const int64_t w = q + s * d->dilation - d->pad_left;
                        if (w >= 0 && w < d->W)
                            sum += routed(d, ddst, code, n, q, k) *
                                   (double)src[(n * d->W + w) * d->C + c];
                    }
                }
                dwei[(k * d->C + c) * d->S + s] = (float)sum;
            }
        }
        if (!dbia)
            continue;
        double sum = 0.0;
        for (int64_t n = 0; n < d->N; ++n)
            for (int64_t q = 0; q < Q; ++q)
                sum += routed(d, ddst, code, n, q, k);
        dbia[k] = (float)sum;
    }
}

static double cost(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass)
{
    (void)pass;
    return 100.0 * chirp_conv1d_flops(desc); /* AUTO never chooses it */
}

static double flops(const void *state, chirp_conv1d_pass pass)
{
    (void)pass;
    return chirp_conv1d_flops(&((const reference *)state)->desc);
}

static void describe(const void *state, chirp_conv1d_pass pass, char *text, size_t size)
{
    (void)state;
    (void)pass;
    (void)snprintf(text, size, "plain loops, sums in double");
}

const conv1d_engine conv1d_engine_reference = {
    .algorithm = CHIRP_CONV1D_REFERENCE,
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .load_weights = load_weights,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
    .flops = flops,
    .describe = describe,
};

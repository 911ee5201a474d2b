/**
 * What the conv1d tests share: random shapes, tensors with guard words, runs of every pass, and comparison with the
 * reference under the rounding bound of a sum.
 *
 * Bound: a sum of L products, in any order and with or without FMA, differs from the exact one by at most
 * g(L) * sum |x||y|, g(L) = L*u/(1 - L*u), u = 2^-24 (Higham, Accuracy and Stability, 3.1). The reference run on
 * absolute values gives sum |x||y| for each element.
 */
#ifndef CHIRP_TESTS_CONV1D_CASE_H
#define CHIRP_TESTS_CONV1D_CASE_H

#include "harness/base/memory.h"
#include "kernels/conv1d/conv1d.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GUARD_WORDS = 16 };
#define GUARD_VALUE (-12345.75f)
#define GUARD_CODE 77

typedef struct conv1d_tensors {
    chirp_conv1d_desc desc;
    int64_t n_src, n_wei, n_dst; /* elements */
    float *src, *wei, *bia, *ddst;
    float *dst, *dsrc, *dwei, *dbia; /* results: NaN before, guard words behind */
    uint8_t *code;
} conv1d_tensors;

static uint64_t case_state = 1;

static inline uint32_t case_random(uint32_t below)
{
    case_state = case_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(case_state >> 33) % below;
}

static inline float case_value(bool integers)
{
    if (integers)
        return (float)case_random(7) - 3.0f;
    return (float)case_random(1u << 24) / (float)(1u << 23) - 1.0f;
}

/** Name of a shape: what a failing test prints, enough to build it again. */
static inline const char *case_name(const chirp_conv1d_desc *d)
{
    static char text[160];
    (void)snprintf(text, sizeof text,
                   "n%" PRId64 "c%" PRId64 "k%" PRId64 "w%" PRId64 "s%" PRId64 "d%" PRId64
                   "p%" PRId64 "+%" PRId64 " relu %d pool %" PRId64 " algorithm %d threads %d",
                   d->N, d->C, d->K, d->W, d->S, d->dilation, d->pad_left, d->pad_right, d->relu,
                   d->pool, (int)d->algorithm, d->n_threads);
    return text;
}

/** Shapes on edges: one channel, one tap, Q of one and just below or past a tile, uneven padding, all pools. */
static inline chirp_conv1d_desc case_shape(chirp_conv1d_algorithm algorithm)
{
    static const int64_t channels[] = {1, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 48, 64, 65};
    static const int64_t widths[] = {1,  2,   5,   28,  29,  30,  59,  60, 61,
                                     64, 119, 121, 127, 128, 130, 150, 200};
    chirp_conv1d_desc d = {.algorithm = algorithm, .n_threads = 1 + (int)case_random(4)};
    d.N = 1 + case_random(4);
    d.C = channels[case_random(15)];
    d.K = channels[case_random(15)];
    d.S = 1 + (case_random(3) ? case_random(5) : case_random(17));
    d.dilation = 1 + case_random(3);
    d.relu = case_random(2);
    d.pool = case_random(3) ? 1 + 3 * case_random(2) : 1 + case_random(CHIRP_CONV1D_MAX_POOL);
    const int64_t span = (d.S - 1) * d.dilation, Q = d.pool + widths[case_random(17)] - 1;
    switch (case_random(3)) {
    case 0: /* valid */
        d.W = Q + span;
        break;
    case 1: /* same */
        chirp_conv1d_pad_same(&d);
        d.W = Q;
        break;
    default: /* any padding, also wider than the kernel */
        d.pad_left = case_random((uint32_t)span + 3);
        d.pad_right = case_random((uint32_t)span + 3);
        d.W = Q + span - d.pad_left - d.pad_right;
        if (d.W < 1)
            d.W = 1;
        break;
    }
    if (case_random(6) == 0) { /* like conv1: one channel, taps side by side, pool 4 */
        d.C = d.dilation = 1;
        d.K = 16 * (1 + case_random(7));
        d.pool = 4;
    }
    if (chirp_conv1d_out_width(&d) < d.pool)
        d.pool = 1;
    if (chirp_conv1d_flops(&d) > 1e7) /* the reference is slow */
        d.N = 1;
    return d;
}

static inline void *case_alloc(int64_t n, size_t size)
{
    void *x = chirp_alloc((size_t)n * size);
    assert_non_null(x);
    return x;
}

static inline float *case_result(int64_t n)
{
    float *x = case_alloc(n + GUARD_WORDS, sizeof *x);
    for (int64_t i = 0; i < n + GUARD_WORDS; ++i)
        x[i] = i < n ? NAN : GUARD_VALUE;
    return x;
}

static inline float *case_fill(int64_t n, bool integers)
{
    float *x = case_alloc(n, sizeof *x);
    for (int64_t i = 0; i < n; ++i)
        x[i] = case_value(integers);
    return x;
}

static inline conv1d_tensors case_results(const chirp_conv1d_desc *d)
{
    conv1d_tensors t = {.desc = *d};
    t.n_src = d->N * d->W * d->C;
    t.n_wei = d->K * d->C * d->S;
    t.n_dst = d->N * chirp_conv1d_pooled_width(d) * d->K;
    t.dst = case_result(t.n_dst);
    t.dsrc = case_result(t.n_src);
    t.dwei = case_result(t.n_wei);
    t.dbia = case_result(d->K);
    t.code = case_alloc(t.n_dst + GUARD_WORDS, 1);
    memset(t.code, GUARD_CODE, (size_t)t.n_dst + GUARD_WORDS);
    return t;
}

static inline conv1d_tensors case_create(const chirp_conv1d_desc *d, bool integers)
{
    conv1d_tensors t = case_results(d);
    t.src = case_fill(t.n_src, integers);
    t.wei = case_fill(t.n_wei, integers);
    t.bia = case_fill(d->K, integers);
    t.ddst = case_fill(t.n_dst, integers);
    return t;
}

static inline void case_free_results(conv1d_tensors *t)
{
    chirp_free(t->dst);
    chirp_free(t->dsrc);
    chirp_free(t->dwei);
    chirp_free(t->dbia);
    chirp_free(t->code);
}

static inline void case_free(conv1d_tensors *t)
{
    case_free_results(t);
    chirp_free(t->src);
    chirp_free(t->wei);
    chirp_free(t->bia);
    chirp_free(t->ddst);
}

static inline chirp_conv1d_plan *case_plan(const chirp_conv1d_desc *d)
{
    chirp_conv1d_plan *plan = NULL;
    if (chirp_conv1d_plan_create(d, &plan) != CHIRP_OK)
        fail_msg("%s: %s", case_name(d), chirp_error_message());
    return plan;
}

/**
 * Runs every pass of `desc` on the inputs of `in`, results into `out`. The passes back use `code`, which may be the
 * reference's, so that rounding in the forward pass can't move a gradient elsewhere.
 */
static inline void case_run(const chirp_conv1d_desc *desc, const conv1d_tensors *in,
                            const uint8_t *code, conv1d_tensors *out)
{
    chirp_conv1d_plan *plan = case_plan(desc);
    chirp_conv1d_load_weights(plan, in->wei);
    chirp_conv1d_forward(plan, in->src, in->bia, out->dst, out->code);
    const uint8_t *used = code ? code : out->code;
    chirp_conv1d_backward_data(plan, in->ddst, used, out->dsrc);
    chirp_conv1d_backward_weights(plan, in->src, in->ddst, used, out->dwei, out->dbia);
    chirp_conv1d_plan_destroy(plan);
}

static inline void case_check_guards(const conv1d_tensors *t)
{
    for (int i = 0; i < GUARD_WORDS; ++i) {
        const bool whole =
            t->dst[t->n_dst + i] == GUARD_VALUE && t->dsrc[t->n_src + i] == GUARD_VALUE &&
            t->dwei[t->n_wei + i] == GUARD_VALUE && t->dbia[t->desc.K + i] == GUARD_VALUE &&
            t->code[t->n_dst + i] == GUARD_CODE;
        if (!whole)
            fail_msg("%s: wrote behind the end of a result", case_name(&t->desc));
    }
}

/* True if the algorithm does all passes of this shape. */
static inline bool case_supported(const chirp_conv1d_desc *d)
{
    bool all = true;
    for (int pass = 0; pass < CHIRP_CONV1D_PASSES; ++pass)
        all = all && chirp_conv1d_supports(d, (chirp_conv1d_pass)pass);
    return all;
}

static inline chirp_conv1d_desc case_reference(const chirp_conv1d_desc *d)
{
    chirp_conv1d_desc r = *d;
    r.algorithm = CHIRP_CONV1D_REFERENCE;
    r.n_threads = 2;
    return r;
}

/*
 * Bound: a transform of T points rounds each value by about u*sqrt(log2 T) of the tile's l2 norm, so errors are
 * relative to a tile and not to the element (a quiet output beside a loud one is less accurate than by the direct
 * method). What is promised, and asserted here, is the relative l2 error of a whole result: 5e-6 by the header, 1e-6 in these tests (u = 2^-24
 * = 6e-8; observed 1.4e-7 to 6e-7). Codes may name another position than the reference where two are that close. */
#define CASE_L2_BOUND 1e-6

static inline double case_l2_norm(const float *x, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

static inline double case_l2_distance(const float *x, const float *y, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i) {
        const double e = (double)x[i] - (double)y[i];
        sum += e * e;
    }
    return sqrt(sum);
}

static inline void case_near_l2(const chirp_conv1d_desc *d, const char *what, const float *got,
                                const float *want, int64_t n, double scale)
{
    const double e = case_l2_distance(got, want, n),
                 bound = CASE_L2_BOUND * fmax(scale, case_l2_norm(want, n));
    if (!(e <= bound)) /* written so that NaN fails */
        fail_msg("%s: %s has l2 error %.3g, bound %.3g", case_name(d), what, e, bound);
}

/* Channels beside multiples of a vector and of a panel; one tile, several, an odd number; paddings beyond the taps. */
static inline chirp_conv1d_desc case_transform_shape(void)
{
    static const int64_t channels[] = {8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65, 80, 96, 128};
    chirp_conv1d_desc d = {.algorithm = CHIRP_CONV1D_TRANSFORM,
                           .n_threads = 1 + (int)case_random(3)};
    d.N = 1 + case_random(3);
    d.C = channels[case_random(15)];
    d.K = channels[case_random(15)];
    d.S = 1 + case_random(case_random(3) ? 16 : 64);
    d.dilation = 1 + case_random(4);
    d.relu = case_random(2);
    d.pool = case_random(2) ? 4 : 1 + case_random(CHIRP_CONV1D_MAX_POOL);
    const int64_t span = (d.S - 1) * d.dilation,
                  Q = d.pool + case_random(case_random(2) ? 40 : 400);
    switch (case_random(3)) {
    case 0:
        break;
    case 1:
        chirp_conv1d_pad_same(&d);
        break;
    default:
        d.pad_left = case_random((uint32_t)span + 30);
        d.pad_right = case_random((uint32_t)span + 30);
        break;
    }
    d.W = Q + span - d.pad_left - d.pad_right;
    if (d.W < 1)
        d.W = 1 + case_random(3);
    if (chirp_conv1d_out_width(&d) < d.pool)
        d.pool = 1;
    return d;
}

#endif

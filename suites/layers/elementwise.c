/* Arrays: draws, weight samples and their gradients, optimisers, dropout; and the posterior predictive. */
#include "suites/layers/layers.h"

#include "harness/base/memory.h"
#include "kernels/dropout/dropout.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/random/random.h"
#include "kernels/variational/predictive.h"
#include "kernels/variational/variational.h"
#include "model/network/shape.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

typedef void (*draw_function)(chirp_rng, uint64_t, int64_t, float *);
static const draw_function draws[] = {[DRAW_NORMAL] = chirp_rng_normal,
                                      [DRAW_UNIFORM] = chirp_rng_uniform,
                                      [DRAW_SIGN] = chirp_rng_sign};

enum { PIECE = 4096 }; /* draws of a thread at a time: they stay in its first cache */

chirp_status layers_run_draws(chirp_bench *b, const void *arg)
{
    const array_case *c = arg;
    const chirp_rng rng = chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0);
    const int threads = chirp_bench_threads(b);
    while (chirp_bench_next(b)) {
        chirp_bench_flush(b);
#pragma omp parallel num_threads(threads)
        {
            float piece[PIECE] __attribute__((aligned(64)));
#pragma omp for schedule(static)
            for (int64_t i = 0; i < c->n; i += PIECE) {
                draws[c->kind](rng, (uint64_t)i, c->n - i < PIECE ? c->n - i : PIECE, piece);
                chirp_bench_consume(piece);
            }
        }
    }
    chirp_bench_items(b, (double)c->n);
    return CHIRP_OK;
}

/* Draws against the raw generator, in double, as random.h and kernels/random/README.md define them. */
chirp_status layers_check_draws(const void *arg, double *relative_error)
{
    enum { COUNT = 4096 };
    const array_case *c = arg;
    const chirp_rng rng = chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0);
    const uint32_t key[2] = {(uint32_t)rng.seed, (uint32_t)(rng.seed >> 32)};
    float got[COUNT];
    double error = 0, size = 0;
    draws[c->kind](rng, 0, COUNT, got);
    for (uint32_t i = 0; i < COUNT; ++i) {
        const uint32_t draw = c->kind == DRAW_SIGN ? i / 2048 * 64 + i % 64 : i;
        const uint32_t counter[4] = {draw / 64 * 16 + draw % 16, 0, (uint32_t)rng.stream,
                                     (uint32_t)(rng.stream >> 32)};
        uint32_t w[4];
        chirp_philox4x32(counter, key, w);
        const uint32_t slot = draw % 64 / 16;
        double want;
        if (c->kind == DRAW_UNIFORM) {
            want = ((w[slot] >> 9) + 0.5) * 0x1p-23;
        } else if (c->kind == DRAW_SIGN) {
            want = w[slot] >> (i % 2048 / 64) & 1 ? -1 : 1;
        } else {
            const double angle =
                ((double)(w[slot | 1] >> 30) + (double)(int32_t)(w[slot | 1] << 2) * 0x1p-32) *
                1.5707963267948966;
            want = sqrt(-2 * log(((w[slot & 2] >> 1) + 0.5) * 0x1p-31)) *
                   (slot & 1 ? sin(angle) : cos(angle));
        }
        error += ((double)got[i] - want) * ((double)got[i] - want);
        size += want * want;
    }
    *relative_error = sqrt(error / size);
    return CHIRP_OK;
}

enum { ARRAYS = 5 };
static const float prior_sigma = 1, kl_weight = 1e-5F, rate = 0.1F;

static chirp_rng noise(void) { return chirp_rng_stream(1, CHIRP_RNG_WEIGHT_NOISE, 0, 0); }

/* x: mu, rho, product gradient or gradient, two outputs or moments; what each means depends on the kind. */
static double run_kind(int kind, int64_t n, float *const x[ARRAYS], int threads)
{
    const chirp_adam adam = {
        .learning_rate = 1e-12F, .beta1 = 0.9F, .beta2 = 0.999F, .epsilon = 1e-8F};
    switch (kind) {
    case ARRAY_SAMPLE:
        chirp_variational_sample(n, x[0], x[1], noise(), x[3], threads);
        return 0;
    case ARRAY_PERTURBATION:
        chirp_variational_perturbation(n, x[1], noise(), x[3], threads);
        return 0;
    case ARRAY_BACKWARD:
        chirp_variational_backward(n, &(chirp_variational_weights){x[0], x[1], NULL}, noise(), x[2],
                                   (chirp_variational_prior){kl_weight, prior_sigma},
                                   &(chirp_variational_gradients){x[3], x[4], NULL}, threads);
        return 0;
    case ARRAY_KL:
        return chirp_variational_kl(n, x[0], x[1], prior_sigma, threads);
    case ARRAY_ADAM:
        chirp_adam_step(n, &adam, 10, x[2], x[3], x[4], x[0], threads);
        return 0;
    case ARRAY_SGD:
        chirp_sgd_step(n, 1e-12F, 0.9F, x[2], x[3], x[0], threads);
        return 0;
    case ARRAY_SQUARES:
        return chirp_sum_of_squares(n, x[2], threads);
    default:
        chirp_dropout(n, rate, chirp_rng_stream(1, CHIRP_RNG_DROPOUT, 0, 0), 0, x[0], x[3],
                      threads);
        return 0;
    }
}

/* Bytes read and written per element, draws per element, operations per element beside them. */
static const struct {
    double bytes, draws;
} cost[] = {[ARRAY_SAMPLE] = {12, 1}, [ARRAY_PERTURBATION] = {8, 1}, [ARRAY_BACKWARD] = {20, 1},
            [ARRAY_KL] = {8, 0},      [ARRAY_ADAM] = {28, 0},        [ARRAY_SGD] = {20, 0},
            [ARRAY_SQUARES] = {4, 0}, [ARRAY_DROPOUT] = {8, 1}};

static chirp_status open_arrays(int64_t n, float *x[ARRAYS])
{
    for (int a = 0; a < ARRAYS; ++a) {
        x[a] = chirp_calloc((size_t)n, sizeof(float));
        if (!x[a])
            return CHIRP_ERR_NOMEM;
        if (a < 3)
            chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, (uint32_t)a, 0), 0, n, x[a]);
    }
    for (int64_t i = 0; i < n; ++i)
        x[1][i] -= 3;
    return CHIRP_OK;
}

static void close_arrays(float *x[ARRAYS])
{
    for (int a = 0; a < ARRAYS; ++a)
        chirp_free(x[a]);
}

chirp_status layers_run_array(chirp_bench *b, const void *arg)
{
    const array_case *c = arg;
    float *x[ARRAYS] = {0};
    double result = 0;
    const chirp_status st = open_arrays(c->n, x);
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        chirp_bench_flush(b);
        result = run_kind(c->kind, c->n, x, chirp_bench_threads(b));
        chirp_bench_consume(x[3]);
        chirp_bench_consume(&result);
    }
    chirp_bench_items(b, (double)c->n);
    chirp_bench_bytes(b, cost[c->kind].bytes * (double)c->n);
    chirp_bench_counter(b, "draws", cost[c->kind].draws * (double)c->n);
    close_arrays(x);
    return st;
}

/* One element in double, from the formulas of the headers: up to two outputs. */
static void want_kind(int kind, int64_t i, float *const x[ARRAYS], const float *eps,
                      const float *uniform, double want[2])
{
    const double m = (double)x[0][i], r = (double)x[1][i], g = (double)x[2][i], e = (double)eps[i];
    const double sigma = chirp_softplus(r), b1 = (double)0.9F, b2 = (double)0.999F;
    want[0] = want[1] = 0;
    switch (kind) {
    case ARRAY_SAMPLE:
        want[0] = m + sigma * e;
        return;
    case ARRAY_PERTURBATION:
        want[0] = sigma * e;
        return;
    case ARRAY_BACKWARD:
        want[0] = g + (double)kl_weight * m;
        want[1] = (g * e + (double)kl_weight * (sigma - 1 / sigma)) * chirp_logistic(r);
        return;
    case ARRAY_KL:
        want[0] = 0.5 * (sigma * sigma + m * m - 1) - log(sigma);
        return;
    case ARRAY_ADAM:
        want[0] = (1 - b1) * g;
        want[1] = (1 - b2) * g * g;
        return;
    case ARRAY_SGD:
        want[0] = g;
        return;
    case ARRAY_SQUARES:
        want[0] = g * g;
        return;
    default:
        want[0] = uniform[i] >= rate ? m / (1 - (double)rate) : 0;
        return;
    }
}

/* Sums are compared as sums, arrays element by element. Moments start at 0, so the first step gives them. */
chirp_status layers_check_array(const void *arg, double *relative_error)
{
    enum { COUNT = 100000 };
    const array_case *c = arg;
    float *x[ARRAYS + 2] = {0};
    chirp_status st = open_arrays(COUNT, x);
    x[ARRAYS] = chirp_calloc(COUNT, sizeof(float));
    x[ARRAYS + 1] = chirp_calloc(COUNT, sizeof(float));
    if (!x[ARRAYS] || !x[ARRAYS + 1])
        st = CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        chirp_rng_normal(noise(), 0, COUNT, x[ARRAYS]);
        chirp_rng_uniform(chirp_rng_stream(1, CHIRP_RNG_DROPOUT, 0, 0), 0, COUNT, x[ARRAYS + 1]);
        const bool sum = c->kind == ARRAY_KL || c->kind == ARRAY_SQUARES;
        const double result = run_kind(c->kind, COUNT, x, 0);
        double error = 0, size = 0, total = 0, want[2];
        for (int64_t i = 0; i < COUNT; ++i) {
            want_kind(c->kind, i, x, x[ARRAYS], x[ARRAYS + 1], want);
            total += want[0];
            for (int k = 0; k < 2; ++k) {
                const double got = (double)x[3 + k][i];
                error += (got - want[k]) * (got - want[k]);
                size += want[k] * want[k];
            }
        }
        *relative_error = sum ? fabs(result - total) / fabs(total) : sqrt(error / size);
    }
    close_arrays(x);
    chirp_free(x[ARRAYS]);
    chirp_free(x[ARRAYS + 1]);
    return st;
}

/* ---- the posterior predictive of one event: every leaf's chain of dense layers ---- */

enum { CHAIN = 3 }; /* layers of a leaf */

typedef struct chain {
    chirp_layer_info layer[CHAIN];
    chirp_predictive_plan *plan[CHAIN];
    float *mean[CHAIN], *rho[CHAIN], *bia[CHAIN], *src, *dst[CHAIN];
    int64_t draws; /* per sample */
} chain;

static void close_chain(chain *c)
{
    for (int l = 0; l < CHAIN; ++l) {
        chirp_predictive_plan_destroy(c->plan[l]);
        chirp_free(c->mean[l]);
        chirp_free(c->rho[l]);
        chirp_free(c->bia[l]);
        chirp_free(c->dst[l]);
    }
    chirp_free(c->src);
}

/* Layer l of a leaf; *random: a layer before it is, so that its input differs from sample to sample. */
static chirp_status open_link(const predictive_case *p, uint32_t leaf, int l, int threads,
                              bool *random, chain *c)
{
    const chirp_layer_info *info = &c->layer[l];
    const bool shared = !*random;
    *random = *random || info->variational;
    const int64_t samples = *random ? p->samples : 1;
    const chirp_predictive_desc d = {.events = 1,
                                     .samples = samples,
                                     .I = info->in_channels,
                                     .O = info->out_channels,
                                     .shared = shared,
                                     .activation = info->activation,
                                     .n_threads = threads};
    const chirp_status st = chirp_predictive_plan_create(&d, &c->plan[l]);
    if (st != CHIRP_OK)
        return st;
    c->mean[l] = chirp_calloc((size_t)info->weights, sizeof(float));
    c->rho[l] = chirp_calloc((size_t)info->weights, sizeof(float));
    c->bia[l] = chirp_calloc((size_t)info->biases, sizeof(float));
    c->dst[l] = chirp_calloc((size_t)(samples * d.O), sizeof(float));
    if (!c->mean[l] || !c->rho[l] || !c->bia[l] || !c->dst[l])
        return CHIRP_ERR_NOMEM;
    chirp_rng_normal(chirp_rng_stream(2, CHIRP_RNG_TEST, 1 + (uint32_t)l, leaf), 0, info->weights,
                     c->mean[l]);
    for (int64_t i = 0; i < info->weights; ++i) {
        c->mean[l][i] *= 1 / sqrtf((float)d.I);
        c->rho[l][i] = -4;
    }
    c->draws += info->variational ? d.O : 0;
    chirp_predictive_load(c->plan[l], c->mean[l], info->variational ? c->rho[l] : NULL, c->bia[l]);
    return CHIRP_OK;
}

/* One leaf; layers have one row while no layer before them is random. */
static chirp_status open_chain(const predictive_case *p, uint32_t leaf, int threads, chain *c)
{
    bool random = false;
    *c = (chain){0};
    for (int l = 0; l < CHAIN; ++l) {
        char name[sizeof c->layer[l].name];
        (void)snprintf(name, sizeof name, "leaf%u/dense%d", leaf, l + 1);
        const chirp_status st = chirp_network_layer_find("spin", p->variant, 1, name, &c->layer[l]);
        if (st != CHIRP_OK)
            return st;
    }
    const int64_t features = c->layer[0].in_channels;
    c->src = chirp_calloc((size_t)features, sizeof(float));
    if (!c->src)
        return CHIRP_ERR_NOMEM;
    chirp_rng_normal(chirp_rng_stream(2, CHIRP_RNG_TEST, 0, 0), 0, features, c->src);
    chirp_status st = CHIRP_OK;
    for (int l = 0; l < CHAIN && st == CHIRP_OK; ++l)
        st = open_link(p, leaf, l, threads, &random, c);
    return st;
}

static void run_chain(chain *c, uint32_t leaf, uint64_t event)
{
    const float *src = c->src;
    for (uint32_t l = 0; l < 3; ++l) {
        chirp_predictive_forward(c->plan[l], src,
                                 chirp_rng_stream(3, CHIRP_RNG_PREDICTIVE, leaf * 3 + l, 0), event,
                                 c->dst[l]);
        src = c->dst[l];
    }
}

chirp_status layers_run_predictive(chirp_bench *b, const void *arg)
{
    const predictive_case *p = arg;
    const chirp_network_spec *spec = NULL;
    chain leaf[CHIRP_MAX_LEAVES] = {0};
    chirp_status st = chirp_network_spec_find("spin", &spec);
    if (st != CHIRP_OK)
        return st;
    for (int f = 0; f < spec->n_leaves && st == CHIRP_OK; ++f)
        st = open_chain(p, (uint32_t)f, chirp_bench_threads(b), &leaf[f]);
    uint64_t event = 0;
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        chirp_bench_flush(b);
        for (int f = 0; f < spec->n_leaves; ++f)
            run_chain(&leaf[f], (uint32_t)f, event);
        ++event; /* fresh draws each time */
        chirp_bench_consume(leaf[0].dst[2]);
    }
    chirp_bench_items(b, (double)p->samples);
    chirp_bench_counter(b, "draws",
                        (double)spec->n_leaves * (double)p->samples * (double)leaf[0].draws);
    for (int f = 0; f < spec->n_leaves; ++f)
        close_chain(&leaf[f]);
    return st;
}

/*
 * Mean and standard deviation of the last two layers' chain against their exact values: with no activation between,
 * E y = b + mean3 . h and Var y = sum_i mean3_i^2 v_i + sigma3_i^2 (h_i^2 + v_i), h and v the moments of layer 2. What
 * is returned is the larger of the mean's deviation, over the standard deviation and divided by five standard errors,
 * and that of the variance, times 1e-6: 1e-6 is five standard errors.
 */
chirp_status layers_check_predictive(const void *arg, double *relative_error)
{
    predictive_case p = *(const predictive_case *)arg;
    p.samples = 20000;
    p.variant = CHIRP_VARIANT_LAST2;
    chain c = {0};
    const chirp_status st = open_chain(&p, 0, 0, &c);
    if (st == CHIRP_OK) {
        run_chain(&c, 0, 0);
        const int64_t hidden = c.layer[1].in_channels;
        double mean = 0, variance = 0, sum = 0, squares = 0;
        for (int64_t o = 0; o < hidden; ++o) {
            double h = 0, v = 0;
            for (int64_t i = 0; i < hidden; ++i) {
                const double x = (double)c.dst[0][i],
                             sigma = chirp_softplus((double)c.rho[1][o * hidden + i]);
                h += (double)c.mean[1][o * hidden + i] * x;
                v += sigma * sigma * x * x;
            }
            const double m = (double)c.mean[2][o], s = chirp_softplus((double)c.rho[2][o]);
            mean += m * h;
            variance += m * m * v + s * s * (h * h + v);
        }
        for (int64_t s = 0; s < p.samples; ++s) {
            const double d = (double)c.dst[2][s] - mean;
            sum += d;
            squares += d * d;
        }
        const double n = (double)p.samples;
        const double off_mean = fabs(sum / n) / sqrt(variance / n),
                     off_variance = fabs(squares / n / variance - 1) / sqrt(2 / n);
        *relative_error = 1e-6 * fmax(off_mean, off_variance) / 5;
    }
    close_chain(&c);
    return st;
}

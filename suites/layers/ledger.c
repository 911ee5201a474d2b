/* Whole layers, deterministic beside the three estimators, and where their time goes. */
#include "suites/layers/bench_layer.h"

#include "harness/base/memory.h"
#include "kernels/dense/dense_reference.h"
#include "kernels/random/random.h"
#include "kernels/variational/variational.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void divergence(void *layer)
{
    bench_layer *l = layer;
    if (l->variational)
        l->kl =
            chirp_variational_kl(l->weights, l->mu, l->rho, layer_prior_sigma, l->desc.n_threads);
}

static void optimize(void *layer)
{
    bench_layer *l = layer;
    chirp_adam_step(l->trained, &layer_adam, 1, l->gradient, l->first, l->second, l->param,
                    l->desc.n_threads);
}

/* The products of the forward pass alone. */
static void products(void *layer)
{
    bench_layer *l = layer;
    if (l->c->estimator == CHIRP_VARIATIONAL_LOCAL) {
        chirp_dense_moments(l->dense, l->src, l->mu, l->rho, l->bia, l->dst, l->ddst);
        return;
    }
    chirp_dense_forward(l->dense, l->src, l->mu, l->bia, l->dst);
    if (l->c->estimator == CHIRP_VARIATIONAL_FLIPOUT)
        chirp_dense_forward(l->dense, l->src, l->mu, NULL, l->ddst);
}

static void backward_products(void *layer)
{
    bench_layer *l = layer;
    for (int pair = 0; pair < (l->c->estimator > 0 ? 2 : 1); ++pair) {
        chirp_dense_backward_weights(l->dense, l->src, l->loss, pair ? l->drho : l->dmu,
                                     pair ? NULL : l->dbia);
        chirp_dense_backward_data(l->dense, l->loss, pair ? l->rho : l->mu, l->dsrc);
    }
}

/* The draws of both passes alone, in the first cache, as the kernels make them. */
static void draw_everything(void *layer)
{
    bench_layer *l = layer;
    enum { PIECE = 1024 };
    if (!l->variational)
        return;
    const int64_t n = (int64_t)chirp_variational_dense_draws(
        &l->desc, (chirp_variational_estimator)l->c->estimator);
    const int64_t n_signs =
        l->c->estimator == CHIRP_VARIATIONAL_FLIPOUT ? l->desc.N * (l->desc.I + l->desc.O) : 0;
    for (int pass = 0; pass < 2; ++pass) {
#pragma omp parallel num_threads(n < 16384 ? 1 : l->desc.n_threads)
        {
            float piece[PIECE];
#pragma omp for schedule(static) nowait
            for (int64_t i = 0; i < n; i += PIECE) {
                chirp_rng_normal(l->draws.noise, (uint64_t)i, n - i < PIECE ? n - i : PIECE, piece);
                chirp_bench_consume(piece);
            }
#pragma omp for schedule(static)
            for (int64_t i = 0; i < n_signs; i += PIECE) {
                chirp_rng_sign(l->draws.sign_in, (uint64_t)i,
                               n_signs - i < PIECE ? n_signs - i : PIECE, piece);
                chirp_bench_consume(piece);
            }
        }
    }
}

static void forward(void *layer) { layer_forward(layer); }

static void backward_with_kl(void *layer) { layer_backward(layer, layer_kl_weight); }

static void count(chirp_bench *b, const bench_layer *l)
{
    const layer_case *c = l->c;
    const chirp_variational_estimator e = (chirp_variational_estimator)c->estimator;
    chirp_bench_counter(b, "trained", (double)l->trained);
    chirp_bench_counter(b, "exchanged_bytes", 4.0 * (double)l->trained);
    chirp_bench_counter(b, "extra_gradient_bytes", l->variational ? 4.0 * (double)l->weights : 0);
    chirp_bench_counter(b, "draws",
                        l->variational ? chirp_variational_dense_draws(&l->desc, e) : 0);
    chirp_bench_counter(b, "signs",
                        c->estimator == CHIRP_VARIATIONAL_FLIPOUT
                            ? (double)(l->desc.N * (l->desc.I + l->desc.O))
                            : 0);
}

static double forward_flops(const bench_layer *l)
{
    return l->variational ? chirp_variational_dense_flops(
                                &l->desc, (chirp_variational_estimator)l->c->estimator)
                          : chirp_dense_flops(&l->desc);
}

/* Every tensor of the pass once, and its gradient. */
static double backward_bytes(const bench_layer *l) { return 2 * l->forward_bytes; }

chirp_status layers_run_forward(chirp_bench *b, const void *arg)
{
    bench_layer l;
    const chirp_status st = open_layer(arg, chirp_bench_threads(b), &l);
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        chirp_bench_flush(b);
        layer_forward(&l);
        chirp_bench_consume(l.dst);
    }
    if (st == CHIRP_OK) {
        chirp_bench_flops(b, forward_flops(&l), chirp_dense_flops(&l.desc));
        chirp_bench_bytes(b, l.forward_bytes);
        count(b, &l);
    }
    close_layer(&l);
    return st;
}

chirp_status layers_run_backward(chirp_bench *b, const void *arg)
{
    bench_layer l;
    const chirp_status st = open_layer(arg, chirp_bench_threads(b), &l);
    if (st == CHIRP_OK)
        layer_forward(&l); /* the backward pass needs what a forward pass leaves in the plan */
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        chirp_bench_flush(b);
        layer_backward(&l, layer_kl_weight);
        chirp_bench_consume(l.dmu);
    }
    if (st == CHIRP_OK) {
        chirp_bench_flops(b, 2 * forward_flops(&l), 2 * chirp_dense_flops(&l.desc));
        chirp_bench_bytes(b, backward_bytes(&l));
        count(b, &l);
    }
    close_layer(&l);
    return st;
}

/* Forward, KL, backward, Adam of one layer, then its parts one by one. */
chirp_status layers_run_step(chirp_bench *b, const void *arg)
{
    bench_layer l;
    const chirp_status st = open_layer(arg, chirp_bench_threads(b), &l);
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        chirp_bench_flush(b);
        layer_forward(&l);
        divergence(&l);
        layer_backward(&l, layer_kl_weight);
        optimize(&l);
        chirp_bench_consume(l.param);
    }
    if (st == CHIRP_OK) {
        const double all_us = layer_part_us(&l, forward), products_us = layer_part_us(&l, products);
        const double back_us = layer_part_us(&l, backward_with_kl),
                     back_products_us = layer_part_us(&l, backward_products);
        chirp_bench_counter(b, "forward_us", all_us);
        chirp_bench_counter(b, "products_us", products_us);
        chirp_bench_counter(b, "sampling_us", all_us - products_us);
        chirp_bench_counter(b, "backward_us", back_us);
        chirp_bench_counter(b, "backward_products_us", back_products_us);
        chirp_bench_counter(b, "gradient_us", back_us - back_products_us);
        chirp_bench_counter(b, "random_us", l.variational ? layer_part_us(&l, draw_everything) : 0);
        chirp_bench_counter(b, "kl_us", l.variational ? layer_part_us(&l, divergence) : 0);
        chirp_bench_counter(b, "optimizer_us", layer_part_us(&l, optimize));
        chirp_bench_flops(b, 3 * forward_flops(&l), 3 * chirp_dense_flops(&l.desc));
        chirp_bench_bytes(b, l.forward_bytes + backward_bytes(&l) + 28.0 * (double)l.trained);
        count(b, &l);
    }
    close_layer(&l);
    return st;
}

/* ---- against the reference ---- */

static void add_error(double got, double want, double *error, double *size)
{
    *error += (got - want) * (got - want);
    *size += want * want;
}

/*
 * The estimators share one form: pre = mean product + (a factor of) a second product of transformed inputs and
 * weights. second_src, second_wei and the gradient that belongs to them are made here element by element.
 */
typedef struct reference {
    float *src, *wei, *dpre; /* of the second product */
    float *eps, *sign_in, *sign_out;
    double *mean, *second, *dmu, *dsecond;
} reference;

static double slope(double y, chirp_activation activation)
{
    return activation == CHIRP_ACTIVATION_RELU   ? (y > 0 ? 1 : 0)
           : activation == CHIRP_ACTIVATION_TANH ? 1 - y * y
                                                 : 1;
}

static double activated(double y, chirp_activation activation)
{
    return activation == CHIRP_ACTIVATION_RELU   ? fmax(y, 0)
           : activation == CHIRP_ACTIVATION_TANH ? tanh(y)
                                                 : y;
}

static void transform(const bench_layer *l, reference *r)
{
    const int64_t N = l->desc.N, I = l->desc.I, O = l->desc.O;
    const bool local = l->c->estimator == CHIRP_VARIATIONAL_LOCAL,
               flipout = l->c->estimator == CHIRP_VARIATIONAL_FLIPOUT;
    chirp_rng_normal(l->draws.noise, 0, local ? N * O : I * O, r->eps);
    chirp_rng_sign(l->draws.sign_in, 0, N * I, r->sign_in);
    chirp_rng_sign(l->draws.sign_out, 0, N * O, r->sign_out);
    for (int64_t i = 0; i < N * I; ++i)
        r->src[i] = local ? l->src[i] * l->src[i] : flipout ? l->src[i] * r->sign_in[i] : l->src[i];
    for (int64_t i = 0; i < I * O; ++i) {
        const double sigma = chirp_softplus((double)l->rho[i]);
        r->wei[i] = (float)(local ? sigma * sigma : sigma * (double)r->eps[i]);
    }
}

static double compare(bench_layer *l, reference *r)
{
    const int64_t N = l->desc.N, I = l->desc.I, O = l->desc.O;
    const bool variational = l->variational, local = l->c->estimator == CHIRP_VARIATIONAL_LOCAL,
               flipout = l->c->estimator == CHIRP_VARIATIONAL_FLIPOUT;
    const chirp_activation activation = l->desc.activation;
    chirp_dense_desc linear = l->desc;
    linear.activation = CHIRP_ACTIVATION_NONE;
    layer_forward(l);
    layer_backward(l, 0);
    chirp_dense_forward_reference(&linear, l->src, l->mu, l->bia, r->mean);
    if (variational) {
        transform(l, r);
        chirp_dense_forward_reference(&linear, r->src, r->wei, NULL, r->second);
    }
    double worst = 0, error = 0, size = 0;
    for (int64_t i = 0; i < N * O; ++i) {
        const double scale = local     ? (double)r->eps[i] / sqrt(r->second[i])
                             : flipout ? (double)r->sign_out[i]
                                       : 1;
        const double y =
            activated(r->mean[i] + (variational ? scale * r->second[i] : 0), activation);
        add_error((double)l->dst[i], y, &error, &size);
        /* the kernel's own output decides ReLU's slope: where y is within rounding of 0 either is right */
        const double dpre = (double)l->loss[i] * slope((double)l->dst[i], activation);
        r->dpre[i] = (float)(dpre * (local ? 0.5 * scale : scale));
        l->ddst[i] = (float)dpre;
    }
    worst = sqrt(error / size);
    chirp_dense_backward_weights_reference(&linear, l->src, l->ddst, r->dmu, NULL);
    error = size = 0;
    for (int64_t i = 0; i < I * O; ++i)
        add_error((double)l->dmu[i], r->dmu[i], &error, &size);
    worst = fmax(worst, sqrt(error / size));
    if (variational) {
        chirp_dense_backward_weights_reference(&linear, r->src, r->dpre, r->dsecond, NULL);
        error = size = 0;
        for (int64_t i = 0; i < I * O; ++i) {
            const double rho = (double)l->rho[i];
            const double factor =
                (local ? 2 * chirp_softplus(rho) : (double)r->eps[i]) * chirp_logistic(rho);
            add_error((double)l->drho[i], factor * r->dsecond[i], &error, &size);
        }
        worst = fmax(worst, sqrt(error / size));
    }
    return worst;
}

chirp_status layers_check(const void *arg, double *relative_error)
{
    bench_layer l;
    reference r = {0};
    chirp_status st = open_layer(arg, 0, &l);
    if (st == CHIRP_OK) {
        const chirp_dense_desc *d = &l.desc;
        const size_t NI = (size_t)(d->N * d->I), IO = (size_t)(d->I * d->O),
                     NO = (size_t)(d->N * d->O);
        r = (reference){chirp_calloc(NI, sizeof(float)),  chirp_calloc(IO, sizeof(float)),
                        chirp_calloc(NO, sizeof(float)),  chirp_calloc(IO + NO, sizeof(float)),
                        chirp_calloc(NI, sizeof(float)),  chirp_calloc(NO, sizeof(float)),
                        chirp_calloc(NO, sizeof(double)), chirp_calloc(NO, sizeof(double)),
                        chirp_calloc(IO, sizeof(double)), chirp_calloc(IO, sizeof(double))};
        if (r.src && r.wei && r.dpre && r.eps && r.sign_in && r.sign_out && r.mean && r.second &&
            r.dmu && r.dsecond)
            *relative_error = compare(&l, &r);
        else
            st = CHIRP_ERR_NOMEM;
    }
    void *all[] = {r.src,      r.wei,  r.dpre,   r.eps, r.sign_in,
                   r.sign_out, r.mean, r.second, r.dmu, r.dsecond};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
        chirp_free(all[i]);
    close_layer(&l);
    return st;
}

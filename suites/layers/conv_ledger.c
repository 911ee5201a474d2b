/* Whole convolutions, deterministic beside the three estimators, and where the time of a training step goes. */
#include "suites/layers/conv_layer.h"

#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "kernels/variational/variational.h"
#include "suites/layers/bench_layer.h"

#include <string.h>

void close_conv(conv_layer *l)
{
    chirp_conv1d_plan_destroy(l->plan);
    chirp_variational_conv1d_plan_destroy(l->variational);
    conv1d_buffers_destroy(&l->b);
    float *all[] = {l->param, l->gradient, l->first, l->second, l->drawn};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
        chirp_free(all[i]);
}

chirp_status open_conv(const conv_case *c, int threads, conv_layer *l)
{
    const bool variational = c->estimator >= 0;
    *l = (conv_layer){
        .c = c,
        .draws = layer_draws(),
    };
    chirp_conv1d_desc desc;
    chirp_status st = conv1d_layer_desc(c->layer - 1, c->batch, &desc);
    if (st != CHIRP_OK)
        return st;
    desc.n_threads = threads;
    st = variational ? chirp_variational_conv1d_plan_create(
                           &desc, (chirp_variational_estimator)c->estimator, true, &l->variational)
                     : chirp_conv1d_plan_create(&desc, &l->plan);
    if (st == CHIRP_OK)
        st = conv1d_buffers_create(&desc, threads > 0 ? threads : 1, &l->b);
    if (st != CHIRP_OK)
        return st;
    l->weights = l->b.n_wei;
    l->trained = l->weights * (variational ? 2 : 1) + desc.K;
    float **const array[] = {&l->param, &l->gradient, &l->first, &l->second, &l->drawn};
    for (size_t i = 0; i < sizeof array / sizeof array[0]; ++i) {
        *array[i] = chirp_calloc((size_t)(i < 4 ? l->trained : l->weights), sizeof(float));
        if (!*array[i])
            return CHIRP_ERR_NOMEM;
    }
    l->mu = l->param;
    l->dmu = l->gradient;
    l->rho = variational ? l->param + l->weights : NULL;
    l->drho = variational ? l->gradient + l->weights : NULL;
    memcpy(l->mu, l->b.wei, (size_t)l->weights * sizeof *l->mu);
    for (int64_t i = 0; variational && i < l->weights; ++i)
        l->rho[i] = -3 + 0.5F * l->mu[i];
    return CHIRP_OK;
}

void conv_forward(conv_layer *l)
{
    conv1d_buffers *b = &l->b;
    const chirp_variational_weights weights = {l->mu, l->rho, b->bia};
    if (l->variational) {
        chirp_variational_conv1d_forward(l->variational, b->src, &weights, &l->draws, b->dst,
                                         b->code);
        return;
    }
    chirp_conv1d_load_weights(l->plan, l->mu);
    chirp_conv1d_forward(l->plan, b->src, b->bia, b->dst, b->code);
}

void conv_backward(conv_layer *l, float kl_weight)
{
    conv1d_buffers *b = &l->b;
    float *dsrc = l->c->layer > 1 ? b->dsrc : NULL; /* nothing lies before conv1 */
    const chirp_variational_weights weights = {l->mu, l->rho, b->bia};
    const chirp_variational_gradients gradients = {l->dmu, l->drho, b->dbia};
    const chirp_variational_conv1d_pass pass = {b->src, b->ddst, b->code, dsrc};
    const chirp_variational_prior prior = {kl_weight, layer_prior_sigma};
    if (l->variational)
        chirp_variational_conv1d_backward(l->variational, &pass, &weights, &l->draws, prior,
                                          &gradients);
    else
        chirp_conv1d_backward(l->plan, b->src, b->ddst, b->code, dsrc, l->dmu, b->dbia);
}

static void forward(void *layer) { conv_forward(layer); }

static void backward(void *layer) { conv_backward(layer, layer_kl_weight); }

static void divergence(void *layer)
{
    conv_layer *l = layer;
    if (l->variational)
        l->kl = chirp_variational_kl(l->weights, l->mu, l->rho, layer_prior_sigma, 0);
}

static void optimize(void *layer)
{
    conv_layer *l = layer;
    chirp_adam_step(l->trained, &layer_adam, 1, l->gradient, l->first, l->second, l->param, 0);
}

/* What makes weights from means and rho: a sample, the perturbation, or the variance. */
static void sample(void *layer)
{
    conv_layer *l = layer;
    if (l->c->estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION)
        chirp_variational_sample(l->weights, l->mu, l->rho, l->draws.noise, l->drawn, 0);
    else if (l->c->estimator == CHIRP_VARIATIONAL_FLIPOUT)
        chirp_variational_perturbation(l->weights, l->rho, l->draws.noise, l->drawn, 0);
    else if (l->variational)
        chirp_variational_sigma(l->weights, l->rho, NULL, l->drawn, 0);
}

static double draws_of(const conv_layer *l)
{
    return l->variational ? chirp_variational_conv1d_draws(
                                &l->b.desc, (chirp_variational_estimator)l->c->estimator)
                          : 0;
}

/* The normal numbers of a forward pass alone, in the first cache. */
static void draw(void *layer)
{
    enum { PIECE = 1024 };
    const conv_layer *l = layer;
    const int64_t n = (int64_t)draws_of(l);
#pragma omp parallel
    {
        float piece[PIECE];
#pragma omp for schedule(static)
        for (int64_t i = 0; i < n; i += PIECE) {
            chirp_rng_normal(l->draws.noise, (uint64_t)i, n - i < PIECE ? n - i : PIECE, piece);
            chirp_bench_consume(piece);
        }
    }
}

static double flops(const conv_layer *l)
{
    double sum = 0;
    for (int pass = 0; pass < CHIRP_CONV1D_PASSES; ++pass) {
        const chirp_conv1d_pass p = (chirp_conv1d_pass)pass;
        if (p != CHIRP_CONV1D_BACKWARD_DATA || l->c->layer > 1)
            sum += l->variational ? chirp_variational_conv1d_flops(l->variational, p)
                                  : chirp_conv1d_plan_flops(l->plan, p);
    }
    return sum;
}

/* Least bytes of a step: every tensor of each pass once; weights, gradients and both moments. */
static double least_bytes(const conv_layer *l)
{
    const chirp_conv1d_desc *d = &l->b.desc;
    double bytes = chirp_conv1d_bytes(d, CHIRP_CONV1D_FORWARD) +
                   chirp_conv1d_bytes(d, CHIRP_CONV1D_BACKWARD_WEIGHTS);
    if (l->c->layer > 1)
        bytes += chirp_conv1d_bytes(d, CHIRP_CONV1D_BACKWARD_DATA);
    return bytes + 28.0 * (double)l->trained;
}

/* Forward, KL, backward, Adam of one layer, then its parts one by one. */
chirp_status layers_run_conv_step(chirp_bench *b, const void *arg)
{
    conv_layer l;
    const chirp_status st = open_conv(arg, chirp_bench_threads(b), &l);
    if (st == CHIRP_OK)
        conv_forward(&l); /* touches scratch */
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        conv_forward(&l);
        divergence(&l);
        conv_backward(&l, layer_kl_weight);
        optimize(&l);
        chirp_bench_consume(l.param);
    }
    if (st == CHIRP_OK) {
        const bool flipout = l.c->estimator == CHIRP_VARIATIONAL_FLIPOUT;
        const double forward_us = layer_part_us(&l, forward);
        const double sampling_us = l.variational ? layer_part_us(&l, sample) : 0;
        chirp_bench_counter(b, "forward_us", forward_us);
        chirp_bench_counter(b, "sampling_us", sampling_us);
        chirp_bench_counter(b, "products_us", forward_us - sampling_us);
        chirp_bench_counter(b, "backward_us", layer_part_us(&l, backward));
        chirp_bench_counter(b, "random_us", l.variational ? layer_part_us(&l, draw) : 0);
        chirp_bench_counter(b, "kl_us", l.variational ? layer_part_us(&l, divergence) : 0);
        chirp_bench_counter(b, "optimizer_us", layer_part_us(&l, optimize));
        chirp_bench_counter(b, "trained", (double)l.trained);
        chirp_bench_counter(b, "exchanged_bytes", 4.0 * (double)l.trained);
        chirp_bench_counter(b, "extra_gradient_bytes", l.variational ? 4.0 * (double)l.weights : 0);
        chirp_bench_counter(b, "draws", draws_of(&l));
        chirp_bench_counter(b, "signs",
                            flipout ? (double)(l.b.desc.N * (l.b.desc.C + l.b.desc.K)) : 0);
        const double passes = l.c->layer > 1 ? 3 : 2;
        chirp_bench_flops(b, flops(&l), passes * chirp_conv1d_flops(&l.b.desc));
        chirp_bench_bytes(b, least_bytes(&l));
        chirp_bench_label(
            b, chirp_conv1d_plan_describe(
                   l.variational ? chirp_variational_conv1d_mean_plan(l.variational) : l.plan,
                   CHIRP_CONV1D_FORWARD));
    }
    close_conv(&l);
    return st;
}

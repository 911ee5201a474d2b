/* What the rows of whole layers share: plans, numbers, passes. */
#include "suites/benchmarks/layers/bench_layer.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "kernels/random/random.h"
#include "model/network/shape.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

const chirp_adam layer_adam = {
    .learning_rate = 1e-12F, .beta1 = 0.9F, .beta2 = 0.999F, .epsilon = 1e-8F};

chirp_variational_draws layer_draws(void)
{
    return (chirp_variational_draws){.noise = chirp_rng_stream(1, CHIRP_RNG_WEIGHT_NOISE, 0, 0),
                                     .sign_in = chirp_rng_stream(1, CHIRP_RNG_SIGNS, 0, 0),
                                     .sign_out = chirp_rng_stream(1, CHIRP_RNG_SIGNS, 1, 0)};
}

static void close_layer_plans(bench_layer *l)
{
    chirp_dense_plan_destroy(l->dense);
    chirp_variational_dense_plan_destroy(l->variational);
    l->dense = NULL;
    l->variational = NULL;
}

static chirp_status open_layer_plans(bench_layer *l)
{
    chirp_status st = chirp_dense_plan_create(&l->desc, &l->dense);
    if (st == CHIRP_OK && l->c->estimator >= 0)
        st = chirp_variational_dense_plan_create(
            &l->desc, (chirp_variational_estimator)l->c->estimator, &l->variational);
    return st;
}

void close_layer(bench_layer *l)
{
    close_layer_plans(l);
    float *all[] = {l->param, l->gradient, l->first, l->second, l->src,
                    l->dst,   l->ddst,     l->dsrc,  l->loss};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
        chirp_free(all[i]);
}

chirp_status open_layer(const layer_case *c, int threads, bench_layer *l)
{
    const bool variational = c->estimator >= 0;
    chirp_layer_info info;
    *l = (bench_layer){.c = c, .draws = layer_draws()};
    chirp_status st = chirp_network_layer_find(
        "spin", variational ? CHIRP_VARIANT_ALL : CHIRP_VARIANT_NONE, c->batch, c->name, &info);
    if (st != CHIRP_OK)
        return st;
    l->desc = chirp_layer_dense(&info, c->batch);
    l->desc.n_threads = threads;
    const int64_t N = l->desc.N, I = l->desc.I, O = l->desc.O;
    l->weights = info.weights;
    l->trained = info.trained;
    l->forward_bytes = info.forward_bytes;
    st = open_layer_plans(l);
    if (st != CHIRP_OK)
        return st;
    float **const array[] = {&l->param, &l->gradient, &l->first, &l->second, &l->src,
                             &l->dst,   &l->ddst,     &l->dsrc,  &l->loss};
    const int64_t length[] = {l->trained, l->trained, l->trained, l->trained, N * I,
                              N * O,      N * O,      N * I,      N * O};
    for (size_t i = 0; i < sizeof array / sizeof array[0]; ++i) {
        *array[i] = chirp_calloc((size_t)length[i], sizeof(float));
        if (!*array[i])
            return CHIRP_ERR_NOMEM;
    }
    l->mu = l->param;
    l->dmu = l->gradient;
    l->rho = variational ? l->param + l->weights : NULL;
    l->drho = variational ? l->gradient + l->weights : NULL;
    l->bia = l->param + l->trained - O;
    l->dbia = l->gradient + l->trained - O;
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, N * I, l->src);
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 1, 0), 0, N * O, l->loss);
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 2, 0), 0, l->weights, l->mu);
    for (int64_t i = 0; i < l->weights; ++i) {
        l->mu[i] /= sqrtf((float)I);
        if (variational)
            l->rho[i] = -3 + 0.5F * l->mu[i];
    }
    return CHIRP_OK;
}

void layer_forward(bench_layer *l)
{
    const chirp_variational_weights weights = {l->mu, l->rho, l->bia};
    if (l->variational)
        chirp_variational_dense_forward(l->variational, l->src, &weights, &l->draws, l->dst);
    else
        chirp_dense_forward(l->dense, l->src, l->mu, l->bia, l->dst);
}

void layer_backward(bench_layer *l, float kl_weight)
{
    const chirp_variational_weights weights = {l->mu, l->rho, l->bia};
    const chirp_variational_gradients gradients = {l->dmu, l->drho, l->dbia};
    const chirp_variational_dense_pass pass = {l->src, l->dst, l->ddst, l->dsrc};
    const chirp_variational_prior prior = {kl_weight, layer_prior_sigma};
    memcpy(l->ddst, l->loss, (size_t)(l->desc.N * l->desc.O) * sizeof(float));
    if (l->variational) {
        chirp_variational_dense_backward(l->variational, &pass, &weights, &l->draws, prior,
                                         &gradients);
        return;
    }
    chirp_dense_backward_activation(l->dense, l->dst, l->ddst);
    chirp_dense_backward_weights(l->dense, l->src, l->ddst, l->dmu, l->dbia);
    chirp_dense_backward_data(l->dense, l->ddst, l->mu, l->dsrc);
}

static double seconds(void *layer, void (*part)(void *), int calls)
{
    const double start = chirp_now_s();
    for (int k = 0; k < calls; ++k)
        part(layer);
    return (chirp_now_s() - start) / calls;
}

double layer_part_us(void *layer, void (*part)(void *))
{
    enum { TIMES = 11 };
    double sample[TIMES];
    (void)seconds(layer, part, 1);
    const double once = seconds(layer, part, 3);
    const int calls = once > 1e-4 ? 1 : once > 1e-7 ? (int)(1e-4 / once) + 1 : 1000;
    for (int t = 0; t < TIMES; ++t)
        sample[t] = 1e6 * seconds(layer, part, calls);
    return chirp_median(sample, TIMES);
}

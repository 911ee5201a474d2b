/*
 * The network against an independent one: plain loops in double, written from the formulas in the headers, on a
 * small table. Forward outputs agree to a relative l2 of 1e-5; gradients of the negative ELBO agree with central
 * differences of the double reference to 1e-4 (float forward and backward), for every variant, with the noise held
 * fixed. Then: the same bits for any number of threads, changed parameters, bad tables.
 */
#include "harness/base/memory.h"
#include "kernels/dropout/dropout.h"
#include "kernels/random/random.h"
#include "model/inference/likelihood.h"
#include "model/network/network.h"
#include "model/signal/generator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 5, LENGTH = 61, SEED = 7, STEP = 3, FIRST_ROW = 10 };

static const chirp_network_spec small = {
    .name = "small",
    .length = LENGTH,
    .n_root = 3,
    .root = {CHIRP_CONVOLUTION("conv1", 5, 4, 1, false, 2),
             CHIRP_CONVOLUTION("conv2", 6, 3, 2, true, 3),
             CHIRP_CONVOLUTION("conv3", 4, 2, 2, true, 1)},
    .n_leaf = 3,
    .leaf = {CHIRP_DENSE("dense1", 9, true, true), CHIRP_DENSE("dense2", 7, false, false),
             CHIRP_DENSE("dense3", 0, false, false)},
    .n_leaves = 2,
    .label = {CHIRP_LABEL_FINAL_SPIN, CHIRP_LABEL_M1},
    .label_scale = {1, 80},
    .tanh_output = true,
    .target_relative_error = 0.1,
};

static const double KL_WEIGHT = 0.01;

typedef struct problem {
    chirp_network *net;
    float *strain, *label, *output, *doutput;
    chirp_likelihood likelihood;
    chirp_pass pass;
} problem;

static void make_problem(problem *p, chirp_variant variant, chirp_variational_estimator estimator,
                         int outputs, int n_threads)
{
    chirp_network_config config = chirp_network_config_default(&small);
    config.variant = variant;
    config.estimator = estimator;
    config.outputs = outputs;
    config.batch = N;
    config.dropout = 0.25;
    config.initial_rho = -2;
    config.prior_sigma = 0.7;
    config.seed = SEED;
    config.n_threads = n_threads;
    assert_int_equal(chirp_network_create(&config, &p->net), CHIRP_OK);
    p->likelihood = (chirp_likelihood){.spec = &small, .outputs = outputs, .noise_scale = 0.3};
    chirp_network_initialize(p->net, SEED, chirp_likelihood_scale_bias(&p->likelihood, 0.3));
    /* biases start at zero, where a wrong one would not show */
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(p->net, &n);
    for (int t = 0; t < n; ++t)
        if (tensors[t].kind == CHIRP_TENSOR_BIAS)
            for (int64_t i = 0; i < tensors[t].count; ++i)
                chirp_network_parameters(p->net)[tensors[t].offset + i] +=
                    0.05F * (float)(i % 5) - 0.1F;
    chirp_network_parameters_changed(p->net);
    p->strain = chirp_alloc(sizeof(float) * N * LENGTH);
    p->label = chirp_alloc(sizeof(float) * N * CHIRP_LABELS);
    p->output = chirp_alloc(sizeof(float) * N * 2 * (size_t)outputs);
    p->doutput = chirp_alloc(sizeof(float) * N * 2 * (size_t)outputs);
    chirp_rng_normal(chirp_rng_stream(SEED, CHIRP_RNG_TEST, 1, 0), 0, N * LENGTH, p->strain);
    for (int n_row = 0; n_row < N; ++n_row)
        for (int l = 0; l < CHIRP_LABELS; ++l)
            p->label[n_row * CHIRP_LABELS + l] =
                l < 2 ? 20.0F + 7.0F * (float)n_row : 0.1F * (float)(n_row + l);
    p->pass = (chirp_pass){.training = true, .sample = true, .step = STEP, .first_row = FIRST_ROW};
}

static void free_problem(problem *p)
{
    chirp_network_destroy(p->net);
    chirp_free(p->strain);
    chirp_free(p->label);
    chirp_free(p->output);
    chirp_free(p->doutput);
}

/* --- the double reference ------------------------------------------------------------------------------------- */

static double softplus(double x) { return x > 30 ? x : log1p(exp(x)); }

static const double *find(const problem *p, const double *arena, int layer, const char *what)
{
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(p->net, &n);
    for (int t = 0; t < n; ++t) {
        const char *slash = strrchr(tensors[t].name, '/');
        if (tensors[t].layer == layer && strcmp(slash + 1, what) == 0)
            return arena + tensors[t].offset;
    }
    return NULL;
}

/* What a layer computes with: w the drawn or mean weights, v NULL or the second product's weights. */
typedef struct layer_weights {
    double *w, *v;
} layer_weights;

static chirp_variational_estimator estimator_of(const problem *p)
{
    return chirp_network_configuration(p->net)->estimator;
}

/* The weights of layer `number`, and its share of the KL. Caller frees both arrays. */
static layer_weights weights_of(const problem *p, const double *arena, int number, double *kl)
{
    int n_layers = 0;
    const chirp_layer_info *info = &chirp_network_layers(p->net, &n_layers)[number];
    const double prior = chirp_network_configuration(p->net)->prior_sigma;
    const chirp_variational_estimator estimator = estimator_of(p);
    layer_weights made = {malloc(sizeof(double) * (size_t)info->weights), NULL};
    assert_non_null(made.w);
    if (!info->variational) {
        memcpy(made.w, find(p, arena, number, "weight"), sizeof(double) * (size_t)info->weights);
        return made;
    }
    const double *mean = find(p, arena, number, "mean");
    const double *rho = find(p, arena, number, "rho");
    float *eps = malloc(sizeof *eps * (size_t)info->weights);
    made.v = malloc(sizeof(double) * (size_t)info->weights);
    assert_true(eps && made.v);
    chirp_rng_normal(chirp_rng_stream(SEED, CHIRP_RNG_WEIGHT_NOISE, (uint32_t)number, STEP), 0,
                     info->weights, eps);
    for (int64_t i = 0; i < info->weights; ++i) {
        const double sigma = softplus(rho[i]);
        const bool drawn = estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION;
        made.w[i] = mean[i] + (drawn ? sigma * (double)eps[i] : 0);
        made.v[i] = estimator == CHIRP_VARIATIONAL_LOCAL ? sigma * sigma : sigma * (double)eps[i];
        *kl += log(prior / sigma) + (sigma * sigma + mean[i] * mean[i]) / (2 * prior * prior) - 0.5;
    }
    if (estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION) {
        free(made.v);
        made.v = NULL;
    }
    free(eps);
    return made;
}

/* Signs of one row of one layer: in [channels], out [filters]. */
static void signs_of(int number, int row, int64_t in, int64_t out, float *sign_in, float *sign_out)
{
    chirp_rng_sign(chirp_rng_stream(SEED, CHIRP_RNG_SIGNS, 2 * (uint32_t)number, STEP),
                   (uint64_t)((FIRST_ROW + row) * in), in, sign_in);
    chirp_rng_sign(chirp_rng_stream(SEED, CHIRP_RNG_SIGNS, 2 * (uint32_t)number + 1, STEP),
                   (uint64_t)((FIRST_ROW + row) * out), out, sign_out);
}

/* Normal draw `index` of one row's pre-activations of a layer with `count` of them (local reparameterization). */
static double zeta_of(int number, int row, int64_t count, int64_t index)
{
    float zeta = 0;
    chirp_rng_normal(chirp_rng_stream(SEED, CHIRP_RNG_WEIGHT_NOISE, (uint32_t)number, STEP),
                     (uint64_t)((FIRST_ROW + row) * count + index), 1, &zeta);
    return (double)zeta;
}

/* One signal through the whole network: raw outputs. */
static void reference_row(const problem *p, const layer_weights *weights, const double *arena,
                          int row, double *output)
{
    int n_layers = 0;
    const chirp_layer_info *info = chirp_network_layers(p->net, &n_layers);
    const int outputs = p->likelihood.outputs;
    const bool local = estimator_of(p) == CHIRP_VARIATIONAL_LOCAL;
    double *x = calloc(4096, sizeof *x);
    double *y = calloc(4096, sizeof *y);
    double *features = calloc(4096, sizeof *features);
    assert_true(x && y && features);
    for (int i = 0; i < LENGTH; ++i)
        x[i] = (double)p->strain[row * LENGTH + i];
    for (int l = 0; l < small.n_root; ++l) {
        const chirp_layer_row *spec = &small.root[l];
        const int64_t W = info[l].in_width;
        const int64_t C = info[l].in_channels;
        const int64_t span = (spec->taps - 1) * spec->dilation;
        const int64_t left = spec->same ? span / 2 : 0;
        const int64_t Q = spec->same ? W : W - span;
        const double *bias = find(p, arena, l, "bias");
        const double *w = weights[l].w;
        const double *v = weights[l].v;
        float sign_in[16];
        float sign_out[16];
        signs_of(l, row, C, spec->outputs, sign_in, sign_out);
        for (int64_t q = 0; q < Q / spec->pool; ++q) {
            for (int64_t k = 0; k < spec->outputs; ++k) {
                double best = 0; /* ReLU */
                for (int64_t j = 0; j < spec->pool; ++j) {
                    double sum = bias[k];
                    double second = 0;
                    const int64_t position = q * spec->pool + j;
                    for (int64_t c = 0; c < C; ++c)
                        for (int64_t s = 0; s < spec->taps; ++s) {
                            const int64_t at = position + s * spec->dilation - left;
                            const int64_t i = (k * C + c) * spec->taps + s;
                            if (at < 0 || at >= W)
                                continue;
                            sum += w[i] * x[at * C + c];
                            if (v)
                                second += v[i] * x[at * C + c] *
                                          (local ? x[at * C + c] : (double)sign_in[c]);
                        }
                    if (v)
                        sum += (double)sign_out[k] *
                               (local ? sqrt(second) * zeta_of(l, row, Q * spec->outputs,
                                                               position * spec->outputs + k)
                                      : second);
                    best = sum > best ? sum : best;
                }
                y[q * spec->outputs + k] = best;
            }
        }
        memcpy(x, y, sizeof *x * 4096);
    }
    memcpy(features, x, sizeof *x * 4096);
    for (int leaf = 0; leaf < small.n_leaves; ++leaf) {
        memcpy(x, features, sizeof *x * 4096);
        for (int l = 0; l < small.n_leaf; ++l) {
            const int number = small.n_root + leaf * small.n_leaf + l;
            const int64_t I = info[number].in_channels;
            const int64_t O = info[number].out_channels;
            const double *bias = find(p, arena, number, "bias");
            const double *w = weights[number].w;
            const double *v = weights[number].v;
            float sign_in[256];
            float sign_out[64];
            signs_of(number, row, I, O, sign_in, sign_out);
            float keep[64];
            for (int64_t o = 0; o < O; ++o)
                keep[o] = 1;
            if (small.leaf[l].dropout)
                chirp_dropout(O, 0.25F,
                              chirp_rng_stream(SEED, CHIRP_RNG_DROPOUT, (uint32_t)number, STEP),
                              (uint64_t)((FIRST_ROW + row) * O), keep, keep, 1);
            for (int64_t o = 0; o < O; ++o) {
                double sum = bias[o];
                double second = 0;
                for (int64_t i = 0; i < I; ++i) {
                    sum += w[o * I + i] * x[i];
                    if (v)
                        second += v[o * I + i] * x[i] * (local ? x[i] : (double)sign_in[i]);
                }
                if (v)
                    sum += local ? sqrt(second) * zeta_of(number, row, O, o)
                                 : (double)sign_out[o] * second;
                if (small.leaf[l].relu && sum < 0)
                    sum = 0;
                y[o] = sum * (double)keep[o];
            }
            memcpy(x, y, sizeof *x * 4096);
        }
        for (int o = 0; o < outputs; ++o)
            output[leaf * outputs + o] = x[o];
    }
    free(x);
    free(y);
    free(features);
}

/* Negative ELBO of the batch as a function of all parameters; outputs [N][leaves][outputs] when wanted. */
static double reference_loss(const problem *p, const double *arena, double *output)
{
    int n_layers = 0;
    (void)chirp_network_layers(p->net, &n_layers);
    layer_weights w[16];
    double kl = 0;
    double nll = 0;
    for (int i = 0; i < n_layers; ++i)
        w[i] = weights_of(p, arena, i, &kl);
    for (int row = 0; row < N; ++row) {
        double raw[4];
        reference_row(p, w, arena, row, raw);
        for (int leaf = 0; leaf < 2; ++leaf) {
            const double *r = raw + leaf * p->likelihood.outputs;
            const double y =
                (double)p->label[row * CHIRP_LABELS + small.label[leaf]] / small.label_scale[leaf];
            const double scale = p->likelihood.outputs == 2 ? 1e-3 + softplus(0.05 * r[1]) : 0.3;
            const double z = (y - tanh(r[0])) / scale;
            nll += (0.5 * z * z + log(scale) + 0.5 * log(2 * 3.14159265358979323846)) / N;
        }
        if (output)
            memcpy(output + row * 2 * p->likelihood.outputs, raw,
                   sizeof *raw * 2 * (size_t)p->likelihood.outputs);
    }
    for (int i = 0; i < n_layers; ++i)
        free(w[i].w), free(w[i].v);
    return nll + KL_WEIGHT * kl;
}

/* --- tests ---------------------------------------------------------------------------------------------------- */

static void check_variant(chirp_variant variant, chirp_variational_estimator estimator, int outputs)
{
    problem p;
    make_problem(&p, variant, estimator, outputs, 0);
    const int64_t n = chirp_network_parameter_count(p.net);
    const float *parameters = chirp_network_parameters(p.net);
    double *arena = malloc(sizeof *arena * (size_t)n);
    double *want = malloc(sizeof *want * N * 2 * (size_t)outputs);
    assert_true(arena && want);
    for (int64_t i = 0; i < n; ++i)
        arena[i] = (double)parameters[i];

    chirp_network_forward(p.net, p.strain, &p.pass, p.output);
    const double loss = chirp_likelihood_loss(&p.likelihood, N, p.output, p.label, p.doutput) +
                        KL_WEIGHT * chirp_network_kl(p.net);
    const double want_loss = reference_loss(&p, arena, want);
    double error = 0;
    double norm = 0;
    for (int i = 0; i < N * 2 * outputs; ++i) {
        error += ((double)p.output[i] - want[i]) * ((double)p.output[i] - want[i]);
        norm += want[i] * want[i];
    }
    assert_true(sqrt(error / norm) < 1e-5);
    assert_true(fabs(loss - want_loss) < 1e-5 * fabs(want_loss));

    float *grad = chirp_network_gradients(p.net);
    for (int64_t i = 0; i < n; ++i)
        grad[i] = NAN;
    chirp_network_backward(p.net, p.strain, &p.pass, p.doutput, KL_WEIGHT, NULL, NULL);
    /* every tensor: its largest gradient elements and a few others, by central differences */
    int n_tensors = 0;
    const chirp_tensor *tensors = chirp_network_tensors(p.net, &n_tensors);
    for (int t = 0; t < n_tensors; ++t) {
        double difference = 0;
        double size = 0;
        const int64_t stride = tensors[t].count / 24 + 1;
        for (int64_t i = 0; i < tensors[t].count; i += stride) {
            double *x = &arena[tensors[t].offset + i];
            const double keep = *x;
            const double h = 1e-6;
            *x = keep + h;
            const double above = reference_loss(&p, arena, NULL);
            *x = keep - h;
            const double below = reference_loss(&p, arena, NULL);
            *x = keep;
            const double slope = (above - below) / (2 * h);
            const double got = (double)grad[tensors[t].offset + i];
            assert_true(isfinite(got));
            difference += (got - slope) * (got - slope);
            size += slope * slope;
        }
        if (!(sqrt(difference) <= 1e-4 * sqrt(size) + 1e-8))
            fail_msg("variant %s outputs %d: gradient of %s differs by %.3g of %.3g",
                     chirp_variant_name[variant], outputs, tensors[t].name, sqrt(difference),
                     sqrt(size));
    }
    free(arena);
    free(want);
    free_problem(&p);
}

static void test_elbo_gradients(void **state)
{
    (void)state;
    for (int variant = 0; variant < CHIRP_VARIANTS; ++variant)
        for (int outputs = 1; outputs <= 2; ++outputs)
            check_variant((chirp_variant)variant, CHIRP_VARIATIONAL_REPARAMETERIZATION, outputs);
    check_variant(CHIRP_VARIANT_ALL, CHIRP_VARIATIONAL_LOCAL, 2);
    check_variant(CHIRP_VARIANT_ALL, CHIRP_VARIATIONAL_FLIPOUT, 2);
}

static void count_ready(void *context, int tensor)
{
    int *next = context;
    assert_int_equal(tensor, *next);
    ++*next;
}

static void check_threads(chirp_variational_estimator estimator)
{
    static const int threads[] = {2, 3, 7, 128};
    problem one;
    make_problem(&one, CHIRP_VARIANT_ALL, estimator, 2, 1);
    chirp_network_forward(one.net, one.strain, &one.pass, one.output);
    (void)chirp_likelihood_loss(&one.likelihood, N, one.output, one.label, one.doutput);
    chirp_network_backward(one.net, one.strain, &one.pass, one.doutput, KL_WEIGHT, NULL, NULL);
    const size_t bytes = sizeof(float) * (size_t)chirp_network_parameter_count(one.net);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; ++i) {
        problem many;
        int next = 0;
        int n_tensors = 0;
        make_problem(&many, CHIRP_VARIANT_ALL, estimator, 2, threads[i]);
        chirp_network_forward(many.net, many.strain, &many.pass, many.output);
        assert_memory_equal(many.output, one.output, sizeof(float) * N * 4);
        (void)chirp_likelihood_loss(&many.likelihood, N, many.output, many.label, many.doutput);
        chirp_network_backward(many.net, many.strain, &many.pass, many.doutput, KL_WEIGHT,
                               count_ready, &next);
        (void)chirp_network_tensors(many.net, &n_tensors);
        assert_int_equal(next, n_tensors); /* each tensor announced once, in table order */
        assert_memory_equal(chirp_network_gradients(many.net), chirp_network_gradients(one.net),
                            bytes);
        free_problem(&many);
    }
    free_problem(&one);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    for (int estimator = 0; estimator < CHIRP_VARIATIONAL_ESTIMATORS; ++estimator)
        check_threads((chirp_variational_estimator)estimator);
}

/* Parameters are read and written without side effects: packed weights are made again when a change is said. */
static void test_changed_parameters_are_said(void **state)
{
    (void)state;
    problem p;
    float before[N * 2 * 2];
    make_problem(&p, CHIRP_VARIANT_LAST2, CHIRP_VARIATIONAL_REPARAMETERIZATION, 2, 0);
    chirp_network_forward(p.net, p.strain, &p.pass, p.output);
    memcpy(before, p.output, sizeof before);
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(p.net, &n);
    float *parameters = chirp_network_parameters(p.net);
    for (int t = 0; t < n; ++t)
        if (strcmp(tensors[t].name, "root/conv1/weight") == 0)
            for (int64_t i = 0; i < tensors[t].count; ++i)
                parameters[tensors[t].offset + i] *= 2;
    assert_ptr_equal(chirp_network_parameters(p.net), chirp_network_values(p.net));
    chirp_network_forward(p.net, p.strain, &p.pass, p.output);
    assert_memory_equal(p.output, before, sizeof before);
    chirp_network_parameters_changed(p.net);
    chirp_network_forward(p.net, p.strain, &p.pass, p.output);
    assert_memory_not_equal(p.output, before, sizeof before);
    free_problem(&p);
}

/* Fewer signals in between, more than there was room for, and back: as a network made for that many. */
static void test_batch_may_change(void **state)
{
    (void)state;
    static const int64_t batches[] = {2, N, 1, 3, 2, N - 1, 1, N};
    problem p;
    problem whole;
    make_problem(&p, CHIRP_VARIANT_ALL, CHIRP_VARIATIONAL_FLIPOUT, 2, 2);
    make_problem(&whole, CHIRP_VARIANT_ALL, CHIRP_VARIATIONAL_FLIPOUT, 2, 2);
    chirp_network_forward(whole.net, whole.strain, &whole.pass, whole.output);
    assert_int_equal(chirp_network_set_batch(p.net, 0), CHIRP_ERR_ARG);
    const float *parameters = chirp_network_parameters(p.net);
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; ++i) {
        const int64_t n = batches[i];
        assert_int_equal(chirp_network_set_batch(p.net, n), CHIRP_OK);
        assert_ptr_equal(chirp_network_parameters(p.net), parameters);
        assert_int_equal(chirp_network_configuration(p.net)->batch, n);
        chirp_network_forward(p.net, p.strain, &p.pass, p.output);
        chirp_network_backward(p.net, p.strain, &p.pass, p.output, 0, NULL, NULL);
        for (int64_t k = 0; k < n * 4; ++k) /* other plans may round another way */
            assert_true(fabsf(p.output[k] - whole.output[k]) <=
                        1e-4F * (1 + fabsf(whole.output[k])));
    }
    assert_memory_equal(p.output, whole.output, sizeof(float) * N * 4);
    free_problem(&p);
    free_problem(&whole);
}

static void test_bad_tables(void **state)
{
    (void)state;
    chirp_network *net = NULL;
    const chirp_network_spec *spec = NULL;
    chirp_network_spec bad = small;
    chirp_network_config config = chirp_network_config_default(&bad);
    config.batch = 2;
    assert_int_equal(chirp_network_spec_find("spins", &spec), CHIRP_ERR_ARG);
    bad.root[0].taps = LENGTH + 1; /* longer than the signal */
    assert_int_equal(chirp_network_create(&config, &net), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "conv1"));
    bad = small;
    bad.leaf[2].outputs = 4;
    assert_int_equal(chirp_network_create(&config, &net), CHIRP_ERR_ARG);
    bad = small;
    config.dropout = 1;
    assert_int_equal(chirp_network_create(&config, &net), CHIRP_ERR_ARG);
    assert_null(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elbo_gradients),
        cmocka_unit_test(test_same_bits_for_any_threads),
        cmocka_unit_test(test_changed_parameters_are_said),
        cmocka_unit_test(test_batch_may_change),
        cmocka_unit_test(test_bad_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

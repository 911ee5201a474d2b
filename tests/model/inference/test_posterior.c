/*
 * The posterior predictive: drawing pre-activations (what chirp_posterior does) has the moments of drawing weights (what
 * the network does pass by pass), for each event of a batch; nothing variational means nothing epistemic; threads change
 * no bit. The comparison of moments allows 5 standard errors of both samples.
 */
#include "harness/base/memory.h"
#include "model/inference/posterior.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 40, EVENTS = 2, LEAVES = 2, SAMPLES = 4000 };

static const chirp_network_spec small = {
    .name = "small",
    .length = LENGTH,
    .n_root = 2,
    .root = {CHIRP_CONVOLUTION("conv1", 4, 4, 1, false, 2),
             CHIRP_CONVOLUTION("conv2", 6, 3, 2, true, 2)},
    .n_leaf = 3,
    .leaf = {CHIRP_DENSE("dense1", 9, true, true), CHIRP_DENSE("dense2", 8, false, false),
             CHIRP_DENSE("dense3", 0, false, false)},
    .n_leaves = LEAVES,
    .label = {0, 1},
    .label_scale = {1, 80},
    .tanh_output = true,
};

static const chirp_likelihood likelihood = {.spec = &small, .outputs = 2, .noise_scale = 0.2};

static chirp_network *make(chirp_variant variant, int n_threads)
{
    chirp_network *net = NULL;
    chirp_network_config config = chirp_network_config_default(&small);
    config.variant = variant;
    config.batch = EVENTS;
    config.training = false;
    config.initial_rho = -2;
    config.n_threads = n_threads;
    assert_int_equal(chirp_network_create(&config, &net), CHIRP_OK);
    chirp_network_initialize(net, 3, chirp_likelihood_scale_bias(&likelihood, 0.2));
    return net;
}

static void predict(chirp_variant variant, int n_threads, double *samples,
                    chirp_posterior_summary *summary)
{
    float strain[EVENTS * LENGTH];
    chirp_posterior *posterior = NULL;
    chirp_network *net = make(variant, n_threads);
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, EVENTS * LENGTH, strain);
    assert_int_equal(chirp_posterior_create(net, &likelihood, SAMPLES, &posterior), CHIRP_OK);
    assert_int_equal(chirp_posterior_predict(posterior, strain, 17, samples, summary), CHIRP_OK);
    chirp_posterior_destroy(posterior);
    chirp_network_destroy(net);
}

static float *find(chirp_network *net, const char *name, int64_t *count)
{
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(net, &n);
    for (int t = 0; t < n; ++t)
        if (strcmp(tensors[t].name, name) == 0) {
            *count = tensors[t].count;
            return chirp_network_parameters(net) + tensors[t].offset;
        }
    fail_msg("no tensor %s", name);
    return NULL;
}

/* Finite weights whose posterior isn't finite: refused, and the parameter named. */
static void test_a_posterior_that_is_not_finite_is_refused(void **state)
{
    (void)state;
    const float value[3] = {1e30F, 3e38F, (float)NAN};
    for (int i = 0; i < 3; ++i)
        for (int variant = CHIRP_VARIANT_NONE; variant <= CHIRP_VARIANT_ALL; ++variant) {
            float strain[EVENTS * LENGTH];
            chirp_posterior *posterior = NULL;
            chirp_posterior_summary summary[EVENTS * LEAVES];
            chirp_network *net = make((chirp_variant)variant, 1);
            int64_t n = 0;
            float *w = find(net, variant ? "leaf1/dense3/mean" : "leaf1/dense3/weight", &n);
            for (int64_t k = 0; k < n; ++k)
                w[k] = value[i];
            w = find(net, variant ? "leaf1/dense2/mean" : "leaf1/dense2/weight", &n);
            for (int64_t k = 0; k < n; ++k)
                w[k] = value[i];
            chirp_network_parameters_changed(net);
            chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, EVENTS * LENGTH, strain);
            assert_int_equal(chirp_posterior_create(net, &likelihood, 50, &posterior), CHIRP_OK);
            assert_int_equal(chirp_posterior_predict(posterior, strain, 17, NULL, summary),
                             CHIRP_ERR_NUMERIC);
            assert_non_null(strstr(chirp_error_message(), "posterior of m2"));
            chirp_posterior_destroy(posterior);
            chirp_network_destroy(net);
        }
}

/* Moments of the predicted mean from whole passes of the network with drawn weights. */
static void reference(chirp_variant variant, double mean[EVENTS * LEAVES],
                      double std[EVENTS * LEAVES])
{
    float strain[EVENTS * LENGTH];
    float output[EVENTS * LEAVES * 2];
    double square[EVENTS * LEAVES] = {0};
    chirp_network *net = make(variant, 1);
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, EVENTS * LENGTH, strain);
    memset(mean, 0, sizeof *mean * EVENTS * LEAVES);
    for (uint64_t s = 0; s < SAMPLES; ++s) {
        const chirp_pass pass = {.sample = true, .step = s, .noise = 99};
        chirp_network_forward(net, strain, &pass, output);
        for (int i = 0; i < EVENTS * LEAVES; ++i) {
            double m = 0;
            double scale = 0;
            chirp_likelihood_moments(&likelihood, output + 2 * (ptrdiff_t)i, &m, &scale);
            chirp_likelihood_to_physical(&likelihood, i % LEAVES, &m, &scale);
            mean[i] += m / SAMPLES;
            square[i] += m * m / SAMPLES;
        }
    }
    for (int i = 0; i < EVENTS * LEAVES; ++i)
        std[i] = sqrt(square[i] - mean[i] * mean[i]);
    chirp_network_destroy(net);
}

static void test_moments_are_those_of_drawn_weights(void **state)
{
    (void)state;
    for (int variant = CHIRP_VARIANT_LAST2; variant <= CHIRP_VARIANT_ALL; ++variant) {
        double mean[EVENTS * LEAVES];
        double std[EVENTS * LEAVES];
        chirp_posterior_summary summary[EVENTS * LEAVES];
        predict((chirp_variant)variant, 0, NULL, summary);
        reference((chirp_variant)variant, mean, std);
        for (int i = 0; i < EVENTS * LEAVES; ++i) {
            const double standard_error = std[i] / sqrt(SAMPLES);
            /* summary.mean averages means plus noise of the likelihood */
            const double allowed =
                5 * sqrt(2 * standard_error * standard_error +
                         summary[i].aleatoric_std * summary[i].aleatoric_std / SAMPLES);
            assert_true(std[i] > 0);
            if (!(fabs(summary[i].mean - mean[i]) < allowed))
                fail_msg("variant %d, %d: mean %g, drawn weights %g, allowed %g", variant, i,
                         summary[i].mean, mean[i], allowed);
            if (!(fabs(summary[i].epistemic_std / std[i] - 1) < 5 * sqrt(2 * 0.5 / SAMPLES) * 1.5))
                fail_msg("variant %d, %d: spread %g, drawn weights %g", variant, i,
                         summary[i].epistemic_std, std[i]);
            const double total = sqrt(summary[i].epistemic_std * summary[i].epistemic_std +
                                      summary[i].aleatoric_std * summary[i].aleatoric_std);
            assert_true(fabs(summary[i].std / total - 1) <
                        0.1); /* law of total variance, to the noise of 4000 draws */
            assert_true(summary[i].interval_90[0] < summary[i].median &&
                        summary[i].median < summary[i].interval_90[1]);
        }
    }
}

static void test_a_deterministic_network_is_certain_of_its_weights(void **state)
{
    (void)state;
    chirp_posterior_summary summary[EVENTS * LEAVES];
    predict(CHIRP_VARIANT_NONE, 0, NULL, summary);
    for (int i = 0; i < EVENTS * LEAVES; ++i) {
        assert_true(summary[i].epistemic_std < 1e-9);
        assert_true(summary[i].aleatoric_std > 0);
    }
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    static double one[EVENTS * LEAVES * SAMPLES];
    static double many[EVENTS * LEAVES * SAMPLES];
    chirp_posterior_summary summary[EVENTS * LEAVES];
    predict(CHIRP_VARIANT_LEAF, 1, one, summary);
    predict(CHIRP_VARIANT_LEAF, 7, many, summary);
    assert_memory_equal(one, many, sizeof one);
}

static void test_bad_sample_counts(void **state)
{
    (void)state;
    chirp_posterior *posterior = NULL;
    chirp_network *net = make(CHIRP_VARIANT_LAST2, 1);
    assert_int_equal(chirp_posterior_create(net, &likelihood, 1, &posterior), CHIRP_ERR_ARG);
    assert_null(posterior);
    chirp_network_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_are_those_of_drawn_weights),
        cmocka_unit_test(test_a_posterior_that_is_not_finite_is_refused),
        cmocka_unit_test(test_a_deterministic_network_is_certain_of_its_weights),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_bad_sample_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Posterior predictive by drawn pre-activations: moments and whole distribution against drawn weights, exactness of
 * the chain, independence of threads and of neighbouring events.
 */
#include "kernels/variational/predictive.h"

#include "kernels/variational/variational.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    I = 37,
    H = 20,
    O = 2,
    S = 20000,
    TAIL = 16 /* products load up to 64 bytes behind the end */
};
static float mean1[H * I + TAIL], rho1[H * I], bia1[H], mean2[O * H + TAIL], rho2[O * H], bia2[O],
    x[2 * I + TAIL];
static float hidden[3 * S * H + TAIL], out[3 * S * O], brute[S * O];

static void numbers(uint32_t which, int64_t n, float scale, float shift, float *v)
{
    chirp_rng_normal(chirp_rng_stream(6, CHIRP_RNG_TEST, which, 0), 0, n, v);
    for (int64_t i = 0; i < n; ++i)
        v[i] = v[i] * scale + shift;
}

static void fresh(void)
{
    numbers(1, H * I, 0.2f, 0, mean1);
    numbers(2, H * I, 0.5f, -1.5f, rho1);
    numbers(3, H, 0.3f, 0, bia1);
    numbers(4, O * H, 0.3f, 0, mean2);
    numbers(5, O * H, 0.5f, -1.0f, rho2);
    numbers(6, O, 0.3f, 0, bia2);
    numbers(7, 2 * I, 1, 0, x);
}

static chirp_rng stream(uint32_t which)
{
    return chirp_rng_stream(8, CHIRP_RNG_PREDICTIVE, which, 0);
}

static void run_chain(chirp_activation activation, int64_t events, int64_t samples,
                      uint64_t first_event, const float *src, int threads, float *h, float *dst)
{
    chirp_predictive_plan *first = NULL, *second = NULL;
    assert_int_equal(chirp_predictive_plan_create(&(chirp_predictive_desc){.events = events,
                                                                           .samples = samples,
                                                                           .I = I,
                                                                           .O = H,
                                                                           .shared = true,
                                                                           .activation = activation,
                                                                           .n_threads = threads},
                                                  &first),
                     CHIRP_OK);
    assert_int_equal(
        chirp_predictive_plan_create(
            &(chirp_predictive_desc){
                .events = events, .samples = samples, .I = H, .O = O, .n_threads = threads},
            &second),
        CHIRP_OK);
    chirp_predictive_load(first, mean1, rho1, bia1);
    chirp_predictive_load(second, mean2, rho2, bia2);
    chirp_predictive_forward(first, src, stream(1), first_event, h);
    chirp_predictive_forward(second, h, stream(2), first_event, dst);
    chirp_predictive_plan_destroy(first);
    chirp_predictive_plan_destroy(second);
}

static double act(chirp_activation activation, double v)
{
    return activation == CHIRP_ACTIVATION_RELU   ? fmax(v, 0)
           : activation == CHIRP_ACTIVATION_TANH ? tanh(v)
                                                 : v;
}

/* The definition: draws every weight of both layers for every sample. */
static void brute_force(chirp_activation activation)
{
    static float eps1[H * I], eps2[O * H];
    for (int s = 0; s < S; ++s) {
        double h[H];
        chirp_rng_normal(chirp_rng_stream(8, CHIRP_RNG_TEST, 100, (uint64_t)s), 0, H * I, eps1);
        chirp_rng_normal(chirp_rng_stream(8, CHIRP_RNG_TEST, 101, (uint64_t)s), 0, O * H, eps2);
        for (int o = 0; o < H; ++o) {
            double sum = (double)bia1[o];
            for (int i = 0; i < I; ++i)
                sum += ((double)mean1[o * I + i] +
                        chirp_softplus((double)rho1[o * I + i]) * (double)eps1[o * I + i]) *
                       (double)x[i];
            h[o] = act(activation, sum);
        }
        for (int o = 0; o < O; ++o) {
            double sum = (double)bia2[o];
            for (int i = 0; i < H; ++i)
                sum += ((double)mean2[o * H + i] +
                        chirp_softplus((double)rho2[o * H + i]) * (double)eps2[o * H + i]) *
                       h[i];
            brute[s * O + o] = (float)sum;
        }
    }
}

static int ascending(const void *p, const void *q)
{
    const float a = *(const float *)p, b = *(const float *)q;
    return (a > b) - (a < b);
}

/* Two samples of n each, Kolmogorov and Smirnov: sqrt(n/2) D exceeds 2.2 with probability 2 exp(-2 * 2.2^2) = 1e-4. */
static double two_sample(const float *p, const float *q, int64_t n, int64_t step)
{
    float *a = malloc((size_t)n * sizeof *a), *b = malloc((size_t)n * sizeof *b);
    assert_true(a && b);
    for (int64_t i = 0; i < n; ++i)
        a[i] = p[i * step], b[i] = q[i * step];
    qsort(a, (size_t)n, sizeof *a, ascending);
    qsort(b, (size_t)n, sizeof *b, ascending);
    double worst = 0;
    for (int64_t i = 0, j = 0; i < n; ++i) {
        while (j < n && b[j] <= a[i])
            ++j;
        worst = fmax(worst, fabs((double)(i + 1) - (double)j) / (double)n);
    }
    free(a);
    free(b);
    return worst * sqrt((double)n / 2);
}

static void test_chain_has_the_distribution_of_drawn_weights(void **state)
{
    (void)state;
    static float projected[S], projected_brute[S];
    for (int a = 0; a < 3; ++a) {
        fresh();
        run_chain((chirp_activation)a, 1, S, 0, x, 3, hidden, out);
        brute_force((chirp_activation)a);
        for (int o = 0; o < O; ++o)
            assert_true(two_sample(out + o, brute + o, S, O) <= 2.2);
        /* the two outputs share the hidden layer: their dependence must be there too. Sum and difference see it. */
        for (int k = 0; k < 2; ++k) {
            for (int s = 0; s < S; ++s) {
                const float sign = k ? -1.0f : 1.0f;
                projected[s] = out[s * O] + sign * out[s * O + 1];
                projected_brute[s] = brute[s * O] + sign * brute[s * O + 1];
            }
            assert_true(two_sample(projected, projected_brute, S, 1) <= 2.2);
        }
        /* the comparison can fail: 8 % more scale is seen */
        for (int s = 0; s < S; ++s)
            projected[s] = 1.08f * out[s * O];
        for (int s = 0; s < S; ++s)
            projected_brute[s] = brute[s * O];
        assert_true(two_sample(projected, projected_brute, S, 1) > 2.2);
    }
}

/* One layer without activation: mean and variance are known in closed form. */
static void test_first_layer_has_the_stated_moments(void **state)
{
    (void)state;
    fresh();
    run_chain(CHIRP_ACTIVATION_NONE, 1, S, 0, x, 2, hidden, out);
    for (int o = 0; o < H; ++o) {
        double mean = (double)bia1[o], variance = 0, sum = 0, squares = 0;
        for (int i = 0; i < I; ++i) {
            const double sigma = chirp_softplus((double)rho1[o * I + i]);
            mean += (double)mean1[o * I + i] * (double)x[i];
            variance += pow(sigma * (double)x[i], 2);
        }
        for (int s = 0; s < S; ++s) {
            const double d = (double)hidden[s * H + o] - mean;
            sum += d;
            squares += d * d;
        }
        assert_true(fabs(sum / S) <= 5 * sqrt(variance / S));
        assert_true(fabs(squares / S - variance) <= 5 * variance * sqrt(2.0 / S));
    }
}

static void test_threads_and_neighbours_change_no_bit(void **state)
{
    (void)state;
    static const int teams[] = {2, 3, 16, 128};
    enum { FEW = 1001 };
    static float one[2 * FEW * O], h[2 * FEW * H + TAIL], dst[2 * FEW * O];
    fresh();
    run_chain(CHIRP_ACTIVATION_RELU, 2, FEW, 4, x, 1, h, one);
    for (size_t t = 0; t < 4; ++t) {
        run_chain(CHIRP_ACTIVATION_RELU, 2, FEW, 4, x, teams[t], h, dst);
        assert_memory_equal(dst, one, sizeof one);
    }
    /* the second event alone */
    run_chain(CHIRP_ACTIVATION_RELU, 1, FEW, 5, x + I, 3, h, dst);
    assert_memory_equal(dst, one + FEW * O, FEW * O * sizeof(float));
}

static void test_a_deterministic_layer_repeats_its_rows(void **state)
{
    (void)state;
    fresh();
    chirp_predictive_plan *plan = NULL;
    const chirp_predictive_desc d = {.events = 2,
                                     .samples = 5,
                                     .I = I,
                                     .O = H,
                                     .shared = true,
                                     .activation = CHIRP_ACTIVATION_RELU,
                                     .n_threads = 2};
    assert_int_equal(chirp_predictive_plan_create(&d, &plan), CHIRP_OK);
    chirp_predictive_load(plan, mean1, NULL, bia1);
    chirp_predictive_forward(plan, x, stream(1), 0, hidden);
    for (int e = 0; e < 2; ++e) {
        for (int s = 0; s < 5; ++s) {
            for (int o = 0; o < H; ++o) {
                double want = (double)bia1[o];
                for (int i = 0; i < I; ++i)
                    want += (double)mean1[o * I + i] * (double)x[e * I + i];
                assert_true(fabs((double)hidden[(e * 5 + s) * H + o] - fmax(want, 0)) < 1e-5);
            }
        }
    }
    chirp_predictive_plan_destroy(plan);
}

static void test_impossible_plans_say_why(void **state)
{
    (void)state;
    chirp_predictive_plan *plan = NULL;
    chirp_predictive_desc d = {.events = 1, .samples = 0, .I = 1, .O = 1};
    assert_int_equal(chirp_predictive_plan_create(&d, &plan), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "0 samples"));
    d = (chirp_predictive_desc){.events = 1 << 20, .samples = 1 << 20, .I = 1, .O = 1};
    assert_int_equal(chirp_predictive_plan_create(&d, &plan), CHIRP_ERR_ARG);
    d = (chirp_predictive_desc){.events = 1, .samples = 1, .I = 0, .O = 1};
    assert_int_equal(chirp_predictive_plan_create(&d, &plan), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "I = 0"));
    assert_null(plan);
    chirp_predictive_plan_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_has_the_distribution_of_drawn_weights),
        cmocka_unit_test(test_first_layer_has_the_stated_moments),
        cmocka_unit_test(test_threads_and_neighbours_change_no_bit),
        cmocka_unit_test(test_a_deterministic_layer_repeats_its_rows),
        cmocka_unit_test(test_impossible_plans_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

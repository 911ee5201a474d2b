/*
 * Distance of features: against the closed form for two features, the share of signals beyond the limit against its quantile
 * within binomial error, features as documented, and a window of another kind that is far.
 */
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/inference/distance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

static void must(chirp_status st)
{
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

/* Rows of `width` correlated numbers: each is its own draw and a part of the one before. */
static void draw_rows(uint32_t which, int64_t n, int64_t width, float *x)
{
    chirp_rng_normal(chirp_rng_stream(3, CHIRP_RNG_TEST, which, 0), 0, n * width, x);
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 1; j < width; ++j)
            x[i * width + j] = 5 + 0.1F * x[i * width + j] + 0.7F * x[i * width + j - 1];
}

static void test_closed_form(void **state)
{
    (void)state;
    enum { N = 50 };
    float x[2 * N * 2];
    double m[2] = {0}, s[3] = {0}, scratch[2]; /* s: 00, 01, 11 */
    chirp_distance d;
    draw_rows(0, 2 * N, 2, x);
    must(chirp_distance_fit(x, N, 2, &d));
    assert_true(d.width == 2 && d.signals == N);
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < 2; ++j)
            m[j] += (double)x[2 * i + j] / N;
    for (int i = 0; i < N; ++i) {
        const double a = (double)x[2 * i] - m[0], b = (double)x[2 * i + 1] - m[1];
        s[0] += a * a / (N - 1);
        s[1] += a * b / (N - 1);
        s[2] += b * b / (N - 1);
    }
    const double ridge = 1e-4 * (s[0] + s[2]) / 2;
    const double c[3] = {s[0] + ridge, 0.9 * s[1], s[2] + ridge};
    const double determinant = c[0] * c[2] - c[1] * c[1];
    for (int i = 0; i < 2 * N; ++i) {
        const double a = (double)x[2 * i] - m[0], b = (double)x[2 * i + 1] - m[1];
        const double square = (c[2] * a * a - 2 * c[1] * a * b + c[0] * b * b) / determinant;
        const double expected = sqrt(square / 2);
        /* mean and factor are stored with 2^-24; means of 5 beside spreads of 0.7; the matrix' condition number is below 100 */
        assert_true(fabs(chirp_distance_of(&d, x + 2 * i, scratch) - expected) <
                    100 * 10 * 0x1p-24 * (1 + expected));
    }
    chirp_distance_release(&d);
}

static void test_false_alarms_are_those_of_the_quantile(void **state)
{
    (void)state;
    enum { N = 20000, WIDTH = 6 };
    float *x = chirp_calloc((size_t)3 * N * WIDTH, sizeof *x);
    double scratch[WIDTH];
    chirp_distance d;
    assert_non_null(x);
    draw_rows(1, (int64_t)3 * N, WIDTH, x);
    must(chirp_distance_fit(x, N, WIDTH, &d));
    int beyond = 0;
    for (int64_t i = (int64_t)2 * N; i < (int64_t)3 * N; ++i)
        beyond += chirp_distance_of(&d, x + i * WIDTH, scratch) > d.limit;
    const double p = 1 - CHIRP_DISTANCE_QUANTILE;
    /* the limit's own error is that of N signals, too */
    assert_true(fabs((double)beyond / N - p) < 5 * sqrt(2 * p * (1 - p) / N));
    chirp_distance_release(&d);
    chirp_free(x);
}

enum { LENGTH = 200, CHANNELS = 6 };
static const chirp_network_spec small = {
    .name = "small",
    .length = LENGTH,
    .n_root = 2,
    .root = {CHIRP_CONVOLUTION("conv1", 4, 4, 1, false, 2),
             CHIRP_CONVOLUTION("conv2", CHANNELS, 3, 2, true, 2)},
    .n_leaf = 2,
    .leaf = {CHIRP_DENSE("dense1", 9, true, true), CHIRP_DENSE("dense2", 0, false, false)},
    .n_leaves = 1,
    .label = {0},
    .label_scale = {1},
};

static chirp_network *make(int n_threads)
{
    chirp_network *net = NULL;
    chirp_network_config config = chirp_network_config_default(&small);
    config.batch = 1;
    config.training = false;
    config.n_threads = n_threads;
    must(chirp_network_create(&config, &net));
    chirp_network_initialize(net, 3, 0);
    return net;
}

static void test_features(void **state)
{
    (void)state;
    float strain[LENGTH], one[5 * CHANNELS], two[5 * CHANNELS];
    chirp_network *net = make(1);
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, LENGTH, strain);
    assert_int_equal(chirp_distance_width(net), 5 * CHANNELS);
    chirp_distance_features(net, strain, one);
    const chirp_pass pass = {.sample = false};
    const float *top = chirp_network_forward_root(net, strain, &pass);
    const int64_t width = 49; /* (200 - 3) / 2 = 98, halved */
    double mean[5 * CHANNELS] = {0}, square = 0;
    for (int64_t part = 0; part < 5; ++part)
        for (int64_t c = 0; c < CHANNELS; ++c) {
            const int64_t from = part * width / 5, to = (part + 1) * width / 5;
            for (int64_t t = from; t < to; ++t)
                mean[part * CHANNELS + c] += (double)top[t * CHANNELS + c] / (double)(to - from);
            square += pow(mean[part * CHANNELS + c], 2);
        }
    for (int i = 0; i < 5 * CHANNELS; ++i)
        assert_true(fabs((double)one[i] - mean[i] / sqrt(square)) < 4 * 0x1p-24);
    chirp_network_destroy(net);
    net = make(3);
    chirp_distance_features(net, strain, two);
    assert_memory_equal(one, two, sizeof one);
    chirp_network_destroy(net);
}

/* A network that has only seen noise finds an oscillation far, and other noise near. */
static void test_another_kind_is_far(void **state)
{
    (void)state;
    enum { N = 400 };
    static float strain[LENGTH], x[2 * N * 5 * CHANNELS];
    double scratch[5 * CHANNELS];
    const int64_t width = 5 * CHANNELS;
    chirp_network *net = make(1);
    chirp_distance d;
    for (uint64_t i = 0; i < 2 * N; ++i) {
        chirp_rng_normal(chirp_rng_stream(2, CHIRP_RNG_TEST, 0, i), 0, LENGTH, strain);
        chirp_distance_features(net, strain, x + (int64_t)i * width);
    }
    must(chirp_distance_fit(x, N, width, &d));
    for (int t = 0; t < LENGTH; ++t)
        strain[t] = (float)(M_SQRT2 * sin(0.7 * t));
    chirp_distance_features(net, strain, x);
    assert_true(chirp_distance_of(&d, x, scratch) > d.limit);
    chirp_distance_release(&d);
    chirp_network_destroy(net);
}

static void test_features_that_say_nothing_are_refused(void **state)
{
    (void)state;
    float x[40 * 2] = {0};
    chirp_distance d;
    assert_int_equal(chirp_distance_fit(x, 20, 2, &d), CHIRP_ERR_NUMERIC);
    chirp_distance_release(&d);
    draw_rows(0, 40, 2, x);
    x[3] = (float)NAN;
    assert_int_equal(chirp_distance_fit(x, 20, 2, &d), CHIRP_ERR_NUMERIC);
    chirp_distance_release(&d);
    assert_int_equal(chirp_distance_fit(x, 9, 2, &d), CHIRP_ERR_ARG);
    assert_int_equal(chirp_distance_fit(x, 20, CHIRP_DISTANCE_MOST_WIDTH + 1, &d), CHIRP_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_form),
        cmocka_unit_test(test_false_alarms_are_those_of_the_quantile),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_another_kind_is_far),
        cmocka_unit_test(test_features_that_say_nothing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

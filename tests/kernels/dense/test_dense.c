/* kernels/dense against the reference at edge shapes; exactness on small integers; adjoints; differences; threads. */
#include "kernels/dense/dense.h"
#include "kernels/dense/dense_reference.h"

#include "harness/base/memory.h"
#include "kernels/random/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { GUARD = 16 };

typedef struct buffers {
    float *src, *wei, *bia, *dst, *ddst, *dsrc, *dwei, *dbia;
    double *want_dst, *want_dsrc, *want_dwei, *want_dbia;
} buffers;

static float *filled(uint32_t which, int64_t n, bool integers)
{
    float *x = chirp_alloc((size_t)(n + GUARD) * sizeof *x);
    assert_non_null(x);
    chirp_rng_normal(chirp_rng_stream(5, CHIRP_RNG_TEST, which, (uint64_t)n), 0, n, x);
    for (int64_t i = 0; integers && i < n; ++i)
        x[i] = roundf(fmaxf(-4, fminf(4, 2 * x[i])));
    return x;
}

/* NaN, so that what is not written is seen; a guard behind */
static float *output(int64_t n)
{
    float *x = chirp_alloc((size_t)(n + GUARD) * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; ++i)
        x[i] = NAN;
    for (int i = 0; i < GUARD; ++i)
        x[n + i] = 1234.5f;
    return x;
}

static void check_guard(const float *x, int64_t n)
{
    for (int i = 0; i < GUARD; ++i)
        assert_true(x[n + i] == 1234.5f);
}

static buffers make(const chirp_dense_desc *d, bool integers)
{
    const int64_t N = d->N, I = d->I, O = d->O;
    return (buffers){
        .src = filled(1, N * I, integers),
        .wei = filled(2, O * I, integers),
        .bia = filled(3, O, integers),
        .ddst = filled(4, N * O, integers),
        .dst = output(N * O),
        .dsrc = output(N * I),
        .dwei = output(O * I),
        .dbia = output(O),
        .want_dst = chirp_alloc((size_t)(N * O) * sizeof(double)),
        .want_dsrc = chirp_alloc((size_t)(N * I) * sizeof(double)),
        .want_dwei = chirp_alloc((size_t)(O * I) * sizeof(double)),
        .want_dbia = chirp_alloc((size_t)O * sizeof(double)),
    };
}

static void release(buffers *b)
{
    float *single[] = {b->src, b->wei, b->bia, b->ddst, b->dst, b->dsrc, b->dwei, b->dbia};
    double *wide[] = {b->want_dst, b->want_dsrc, b->want_dwei, b->want_dbia};
    for (int i = 0; i < 8; ++i)
        chirp_free(single[i]);
    for (int i = 0; i < 4; ++i)
        chirp_free(wide[i]);
}

/* `typical` is the size of an output for these inputs: one output alone may be small by cancellation. */
static void compare(const char *what, const chirp_dense_desc *d, int64_t n, const float *got,
                    const double *want, double typical, double bound)
{
    double error = 0, size = 0;
    for (int64_t i = 0; i < n; ++i) {
        error += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        size += want[i] * want[i];
    }
    const double relative = sqrt(error / fmax(size, (double)n * typical * typical));
    if (!(relative <= bound)) /* NaN fails */
        fail_msg("%s n%" PRId64 " i%" PRId64 " o%" PRId64 ": relative l2 error %g, bound %g", what,
                 d->N, d->I, d->O, relative, bound);
}

static void run_all(chirp_dense_plan *plan, buffers *b)
{
    chirp_dense_forward(plan, b->src, b->wei, b->bia, b->dst);
    chirp_dense_backward_data(plan, b->ddst, b->wei, b->dsrc);
    chirp_dense_backward_weights(plan, b->src, b->ddst, b->dwei, b->dbia);
}

static void check_shape(chirp_dense_desc d, bool integers)
{
    chirp_dense_plan *plan = NULL;
    assert_int_equal(chirp_dense_plan_create(&d, &plan), CHIRP_OK);
    buffers b = make(&d, integers);
    for (int64_t i = 0; !integers && i < d.O * d.I;
         ++i) /* outputs of order one, where tanh is not a step */
        b.wei[i] /= sqrtf((float)d.I);
    run_all(plan, &b);
    check_guard(b.dst, d.N * d.O);
    check_guard(b.dsrc, d.N * d.I);
    check_guard(b.dwei, d.O * d.I);
    check_guard(b.dbia, d.O);
    chirp_dense_forward_reference(&d, b.src, b.wei, b.bia, b.want_dst);
    chirp_dense_backward_data_reference(&d, b.ddst, b.wei, b.want_dsrc);
    chirp_dense_backward_weights_reference(&d, b.src, b.ddst, b.want_dwei, b.want_dbia);
    /* random signs: errors of a sum of n terms grow like sqrt(n) * 2^-24, as the sum itself does; 4 is room for
       the few-term sums. Integers below 2^24 are exact, but for tanh. */
    const double bound = integers && d.activation != CHIRP_ACTIVATION_TANH ? 0 : 4 * 6e-8;
    const double grow = 1 + 0.12 * sqrt((double)(d.I + d.N + d.O));
    compare("forward", &d, d.N * d.O, b.dst, b.want_dst, 1, bound * grow);
    compare("backward_data", &d, d.N * d.I, b.dsrc, b.want_dsrc, sqrt((double)d.O / (double)d.I),
            integers ? 0 : bound * grow);
    compare("backward_weights", &d, d.O * d.I, b.dwei, b.want_dwei, sqrt((double)d.N),
            integers ? 0 : bound * grow);
    compare("bias", &d, d.O, b.dbia, b.want_dbia, sqrt((double)d.N), integers ? 0 : bound);
    release(&b);
    chirp_dense_plan_destroy(plan);
}

static const int64_t shapes[][3] = {
    {1, 1, 1},    {1, 128, 1},    {1, 1856, 128},  {2, 3, 5},      {5, 16, 4},   {6, 17, 3},
    {7, 15, 8},   {13, 31, 130},  {23, 64, 33},    {24, 65, 31},   {25, 63, 32}, {32, 128, 128},
    {64, 128, 1}, {64, 128, 2},   {64, 1856, 128}, {65, 129, 127}, {33, 100, 7}, {200, 70, 66},
    {3, 2000, 9}, {4096, 128, 1}, {1000, 20, 40},
};

static void test_small_integers_are_exact(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; ++s) {
        check_shape(
            (chirp_dense_desc){
                .N = shapes[s][0], .I = shapes[s][1], .O = shapes[s][2], .n_threads = 3},
            true);
        check_shape((chirp_dense_desc){.N = shapes[s][0],
                                       .I = shapes[s][1],
                                       .O = shapes[s][2],
                                       .activation = CHIRP_ACTIVATION_RELU,
                                       .n_threads = 3},
                    true);
    }
}

static void test_random_numbers_are_close(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; ++s) {
        for (int a = 0; a < 3; ++a)
            check_shape((chirp_dense_desc){.N = shapes[s][0],
                                           .I = shapes[s][1],
                                           .O = shapes[s][2],
                                           .activation = (chirp_activation)a,
                                           .n_threads = 3},
                        false);
    }
}

/* <ddst, W src> = <W' ddst, src> = <dW, W>: three passes that were written apart must agree. */
static void test_passes_are_adjoint(void **state)
{
    (void)state;
    const chirp_dense_desc d = {.N = 37, .I = 211, .O = 45, .n_threads = 3};
    chirp_dense_plan *plan = NULL;
    assert_int_equal(chirp_dense_plan_create(&d, &plan), CHIRP_OK);
    buffers b = make(&d, false);
    chirp_dense_forward(plan, b.src, b.wei, NULL, b.dst);
    chirp_dense_backward_data(plan, b.ddst, b.wei, b.dsrc);
    chirp_dense_backward_weights(plan, b.src, b.ddst, b.dwei, NULL);
    double forward = 0, data = 0, weights = 0, size = 0;
    for (int64_t i = 0; i < d.N * d.O; ++i) {
        forward += (double)b.ddst[i] * (double)b.dst[i];
        size += fabs((double)b.ddst[i] * (double)b.dst[i]);
    }
    for (int64_t i = 0; i < d.N * d.I; ++i)
        data += (double)b.dsrc[i] * (double)b.src[i];
    for (int64_t i = 0; i < d.O * d.I; ++i)
        weights += (double)b.dwei[i] * (double)b.wei[i];
    assert_true(fabs(forward - data) <= 1e-6 * size);
    assert_true(fabs(forward - weights) <= 1e-6 * size);
    assert_true(isnan(b.dbia[0])); /* NULL: not touched */
    release(&b);
    chirp_dense_plan_destroy(plan);
}

/* loss = <g, act(W src + b)>: central differences of the double reference against the kernels' chain. */
static void test_gradients_agree_with_differences(void **state)
{
    (void)state;
    for (int a = 0; a < 3; ++a) {
        const chirp_dense_desc d = {
            .N = 5, .I = 19, .O = 6, .activation = (chirp_activation)a, .n_threads = 2};
        chirp_dense_plan *plan = NULL;
        assert_int_equal(chirp_dense_plan_create(&d, &plan), CHIRP_OK);
        buffers b = make(&d, false);
        for (int64_t i = 0; i < d.O * d.I; ++i)
            b.wei[i] *= 0.25f;
        float g[30];
        memcpy(g, b.ddst, sizeof g);
        chirp_dense_forward(plan, b.src, b.wei, b.bia, b.dst);
        chirp_dense_backward_activation(plan, b.dst, b.ddst);
        chirp_dense_backward_data(plan, b.ddst, b.wei, b.dsrc);
        chirp_dense_backward_weights(plan, b.src, b.ddst, b.dwei, b.dbia);
        struct {
            const char *name;
            float *x;
            const float *gradient;
            int64_t n;
        } check[] = {{"src", b.src, b.dsrc, d.N * d.I},
                     {"wei", b.wei, b.dwei, d.O * d.I},
                     {"bia", b.bia, b.dbia, d.O}};
        for (int c = 0; c < 3; ++c) {
            for (int64_t i = 0; i < check[c].n; ++i) {
                const float x = check[c].x[i], up = x + 0x1p-12f,
                            down = x - 0x1p-12f; /* a kink of ReLU within is unlikely */
                double loss[2] = {0, 0};
                for (int s = 0; s < 2; ++s) {
                    check[c].x[i] = s ? up : down;
                    chirp_dense_forward_reference(&d, b.src, b.wei, b.bia, b.want_dst);
                    for (int64_t k = 0; k < d.N * d.O; ++k)
                        loss[s] += (double)g[k] * b.want_dst[k];
                }
                check[c].x[i] = x;
                const double want = (loss[1] - loss[0]) / ((double)up - (double)down);
                if (!(fabs((double)check[c].gradient[i] - want) <= 1e-5 * (1 + fabs(want))))
                    fail_msg("activation %d, d%s[%d]: %g, differences give %g", a, check[c].name,
                             (int)i, (double)check[c].gradient[i], want);
            }
        }
        release(&b);
        chirp_dense_plan_destroy(plan);
    }
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    static const int teams[] = {2, 3, 16, 128};
    /* 154 MFLOP: enough for 128 threads on few processors to share it, see dense_plan.c */
    chirp_dense_desc d = {
        .N = 260, .I = 1856, .O = 160, .activation = CHIRP_ACTIVATION_RELU, .n_threads = 1};
    chirp_dense_plan *plan = NULL;
    assert_int_equal(chirp_dense_plan_create(&d, &plan), CHIRP_OK);
    buffers one = make(&d, false);
    run_all(plan, &one);
    chirp_dense_plan_destroy(plan);
    for (size_t t = 0; t < sizeof teams / sizeof teams[0]; ++t) {
        d.n_threads = teams[t];
        assert_int_equal(chirp_dense_plan_create(&d, &plan), CHIRP_OK);
        buffers b = make(&d, false);
        run_all(plan, &b);
        assert_memory_equal(b.dst, one.dst, (size_t)(d.N * d.O) * sizeof(float));
        assert_memory_equal(b.dsrc, one.dsrc, (size_t)(d.N * d.I) * sizeof(float));
        assert_memory_equal(b.dwei, one.dwei, (size_t)(d.O * d.I) * sizeof(float));
        assert_memory_equal(b.dbia, one.dbia, (size_t)d.O * sizeof(float));
        chirp_dense_backward_activation(plan, one.dst, b.ddst);
        for (int64_t i = 0; i < d.N * d.O; ++i)
            assert_true(one.dst[i] > 0 ? b.ddst[i] == one.ddst[i] : b.ddst[i] == 0);
        release(&b);
        chirp_dense_plan_destroy(plan);
    }
    release(&one);
}

/* Two ranks with half the batch compute the rows that one rank does. */
static void test_a_row_does_not_depend_on_the_batch(void **state)
{
    (void)state;
    const int64_t N = 61, I = 203, O = 11;
    chirp_dense_desc d = {
        .N = N, .I = I, .O = O, .activation = CHIRP_ACTIVATION_TANH, .n_threads = 2};
    chirp_dense_plan *plan = NULL;
    assert_int_equal(chirp_dense_plan_create(&d, &plan), CHIRP_OK);
    buffers b = make(&d, false);
    chirp_dense_forward(plan, b.src, b.wei, b.bia, b.dst);
    chirp_dense_plan_destroy(plan);
    for (int64_t first = 0; first < N; first += 7) {
        d.N = N - first < 7 ? N - first : 7;
        assert_int_equal(chirp_dense_plan_create(&d, &plan), CHIRP_OK);
        float piece[7 * 11];
        chirp_dense_forward(plan, b.src + first * I, b.wei, b.bia, piece);
        assert_memory_equal(piece, b.dst + first * O, (size_t)(d.N * O) * sizeof(float));
        chirp_dense_plan_destroy(plan);
    }
    release(&b);
}

/* Means and variances of pre-activations: two products of the reference, one with squares. */
static void test_moments(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; ++s) {
        const chirp_dense_desc d = {
            .N = shapes[s][0], .I = shapes[s][1], .O = shapes[s][2], .n_threads = 3};
        chirp_dense_plan *plan = NULL;
        assert_int_equal(chirp_dense_plan_create(&d, &plan), CHIRP_OK);
        buffers b = make(&d, true);
        float *variance = filled(7, d.O * d.I, true), *second = output(d.N * d.O);
        chirp_dense_moments(plan, b.src, b.wei, variance, b.bia, b.dst, second);
        check_guard(b.dst, d.N * d.O);
        check_guard(second, d.N * d.O);
        chirp_dense_forward_reference(&d, b.src, b.wei, b.bia, b.want_dst);
        compare("moments, mean", &d, d.N * d.O, b.dst, b.want_dst, 1, 0);
        for (int64_t i = 0; i < d.N * d.I; ++i)
            b.src[i] *= b.src[i];
        chirp_dense_forward_reference(&d, b.src, variance, NULL, b.want_dst);
        compare("moments, variance", &d, d.N * d.O, second, b.want_dst, 1, 0);
        chirp_free(variance);
        chirp_free(second);
        release(&b);
        chirp_dense_plan_destroy(plan);
    }
}

static void test_nan_goes_through(void **state)
{
    (void)state;
    const chirp_dense_desc d = {
        .N = 3, .I = 40, .O = 5, .activation = CHIRP_ACTIVATION_RELU, .n_threads = 1};
    chirp_dense_plan *plan = NULL;
    assert_int_equal(chirp_dense_plan_create(&d, &plan), CHIRP_OK);
    buffers b = make(&d, false);
    b.src[40 + 39] = NAN;
    chirp_dense_forward(plan, b.src, b.wei, b.bia, b.dst);
    for (int o = 0; o < 5; ++o)
        assert_true(isfinite(b.dst[o]) && isnan(b.dst[5 + o]) && isfinite(b.dst[10 + o]));
    release(&b);
    chirp_dense_plan_destroy(plan);
}

static void test_impossible_plans_say_why(void **state)
{
    (void)state;
    const struct {
        chirp_dense_desc desc;
        const char *part;
    } bad[] = {
        {{.N = 0, .I = 1, .O = 1}, "N = 0"},
        {{.N = 1, .I = -5, .O = 1}, "I = -5"},
        {{.N = 1, .I = 1, .O = (int64_t)1 << 40}, "O = "},
        {{.N = 1, .I = 1, .O = 1, .activation = (chirp_activation)7}, "activation 7"},
        {{.N = 1, .I = 1, .O = 1, .n_threads = -1}, "n_threads = -1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        chirp_dense_plan *plan = (chirp_dense_plan *)&bad;
        assert_int_equal(chirp_dense_plan_create(&bad[i].desc, &plan), CHIRP_ERR_ARG);
        assert_non_null(strstr(chirp_error_message(), bad[i].part));
        assert_ptr_equal(plan, &bad); /* untouched */
    }
    chirp_dense_plan_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_integers_are_exact),
        cmocka_unit_test(test_random_numbers_are_close),
        cmocka_unit_test(test_passes_are_adjoint),
        cmocka_unit_test(test_gradients_agree_with_differences),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_a_row_does_not_depend_on_the_batch),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_nan_goes_through),
        cmocka_unit_test(test_impossible_plans_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The check that stands before every convolution benchmark must pass right results and catch wrong ones: a shifted
 * tap, one wrong corner, a NaN, a code that names another position.
 */
#include "harness/base/memory.h"
#include "suites/benchmarks/kernels/conv1d_buffers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const chirp_conv1d_desc shape = {.N = 3,
                                        .C = 5,
                                        .K = 6,
                                        .W = 60,
                                        .S = 4,
                                        .dilation = 2,
                                        .relu = true,
                                        .pool = 4,
                                        .algorithm = CHIRP_CONV1D_REFERENCE,
                                        .n_threads = 1};

static conv1d_buffers right_results(void)
{
    conv1d_buffers b;
    chirp_conv1d_plan *plan = NULL;
    assert_int_equal(conv1d_buffers_create(&shape, 1, &b), CHIRP_OK);
    assert_int_equal(chirp_conv1d_plan_create(&shape, &plan), CHIRP_OK);
    chirp_conv1d_load_weights(plan, b.wei);
    chirp_conv1d_forward(plan, b.src, b.bia, b.dst, b.code);
    chirp_conv1d_backward_data(plan, b.ddst, b.code, b.dsrc);
    chirp_conv1d_backward_weights(plan, b.src, b.ddst, b.code, b.dwei, b.dbia);
    chirp_conv1d_plan_destroy(plan);
    return b;
}

static double error_of(const conv1d_buffers *b, chirp_conv1d_pass pass)
{
    double error = NAN;
    return conv1d_buffers_error(b, pass, &error) == CHIRP_OK ? error : INFINITY;
}

static void test_right_results_pass(void **unused)
{
    (void)unused;
    conv1d_buffers b = right_results();
    for (int pass = 0; pass < CHIRP_CONV1D_PASSES; ++pass)
        assert_true(error_of(&b, (chirp_conv1d_pass)pass) < 1e-6);
    conv1d_buffers_destroy(&b);
}

static void test_wrong_results_fail(void **unused)
{
    (void)unused;
    conv1d_buffers b = right_results();
    float *const results[CHIRP_CONV1D_PASSES] = {b.dst, b.dsrc, b.dwei};
    const int64_t sizes[CHIRP_CONV1D_PASSES] = {b.n_dst, b.n_src, b.n_wei};
    for (int pass = 0; pass < CHIRP_CONV1D_PASSES; ++pass) {
        const int64_t corners[] = {0, sizes[pass] - 1};
        for (int i = 0; i < 2; ++i) {
            float *x = results[pass] + corners[i];
            const float saved = *x;
            *x = saved + 1.0f;
            assert_true(error_of(&b, (chirp_conv1d_pass)pass) > 1e-3);
            *x = NAN;
            assert_false(error_of(&b, (chirp_conv1d_pass)pass) < 1.0);
            *x = saved;
        }
    }
    b.bia[0] += 0.5f; /* a forward pass that forgot the bias of one filter */
    assert_true(error_of(&b, CHIRP_CONV1D_FORWARD) > 1e-3);
    conv1d_buffers_destroy(&b);
}

static void test_wrong_codes_fail(void **unused)
{
    (void)unused;
    conv1d_buffers b = right_results();
    const int64_t last = b.n_dst - 1; /* a corner */
    const uint8_t saved = b.code[last];
    int caught = 0;
    for (uint8_t code = 0; code < 4; ++code) {
        b.code[last] = code;
        caught += saved != CHIRP_CONV1D_INACTIVE && isinf(error_of(&b, CHIRP_CONV1D_FORWARD));
    }
    b.code[last] = CHIRP_CONV1D_INACTIVE;
    caught += saved != CHIRP_CONV1D_INACTIVE && isinf(error_of(&b, CHIRP_CONV1D_FORWARD));
    b.code[last] = saved;
    if (saved == CHIRP_CONV1D_INACTIVE)
        skip(); /* the shape's last window is off: nothing to name wrongly */
    assert_int_equal(caught, 4);
    conv1d_buffers_destroy(&b);
}

static void test_layers_of_the_study(void **unused)
{
    (void)unused;
    chirp_conv1d_desc d;
    assert_int_equal(conv1d_layer_desc(3, 64, &d), CHIRP_OK); /* conv4, reference/study.md */
    assert_true(d.N == 64 && d.C == 256 && d.K == 256 && d.W == 118 && d.S == 32 &&
                d.dilation == 2 && d.pool == 4);
    assert_true(d.pad_left == 31 && d.pad_right == 31 && d.relu);
    assert_int_equal(chirp_conv1d_pooled_width(&d), 29);
    assert_int_equal(conv1d_layer_desc(7, 64, &d), CHIRP_ERR_ARG);
    assert_int_equal(conv1d_layer_desc(-1, 64, &d), CHIRP_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_results_pass),
        cmocka_unit_test(test_wrong_results_fail),
        cmocka_unit_test(test_wrong_codes_fail),
        cmocka_unit_test(test_layers_of_the_study),
    };
    return cmocka_run_group_tests_name("conv1d_buffers", tests, NULL, NULL);
}

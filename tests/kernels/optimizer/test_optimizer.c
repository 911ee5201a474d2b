/* kernels/optimizer against the formulas in double; the same bits for every number of threads. */
#include "kernels/optimizer/optimizer.h"
#include "kernels/random/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 70001, MOST = 128 * 16384 + 77 };
static const int teams[] = {1, 2, 3, 16, 128};
/* MOST elements are enough for 128 threads on few processors to share them, see kernels/parallel/chunks.h */
static float grad[MOST], m[MOST + 1], v[MOST + 1], param[MOST + 1];

static void fresh(int64_t n)
{
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, n, grad);
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 1), 0, n, m);
    chirp_rng_uniform(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 2), 0, n, v);
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 3), 0, n, param);
    m[n] = v[n] = param[n] = 99;
    grad[0] = 0;
    m[0] = v[0] = 0; /* 0 / (0 + epsilon) */
    grad[1] = 1e15f;
    grad[2] = 1e-15f;
}

static void check_guards(void) { assert_true(m[N] == 99 && v[N] == 99 && param[N] == 99); }

static void test_adam_is_the_formula(void **state)
{
    (void)state;
    const chirp_adam adam = {
        .learning_rate = 8e-4f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f};
    for (int64_t step = 1; step <= 1000000; step *= 100) {
        static float old_m[N], old_v[N], old_param[N];
        fresh(N);
        memcpy(old_m, m, sizeof old_m);
        memcpy(old_v, v, sizeof old_v);
        memcpy(old_param, param, sizeof old_param);
        chirp_adam_step(N, &adam, step, grad, m, v, param, 3);
        check_guards();
        const double b1 = (double)adam.beta1, b2 = (double)adam.beta2;
        for (int i = 0; i < N; ++i) {
            const double g = (double)grad[i];
            const double first = b1 * (double)old_m[i] + (1 - b1) * g,
                         second = b2 * (double)old_v[i] + (1 - b2) * g * g;
            const double update =
                (double)adam.learning_rate * (first / (1 - pow(b1, (double)step))) /
                (sqrt(second / (1 - pow(b2, (double)step))) + (double)adam.epsilon);
            const double scale = fabs(b1 * (double)old_m[i]) + fabs((1 - b1) * g);
            /* a handful of roundings each; m can cancel, so its bound is relative to its two terms */
            const double bound = 4 * (double)FLT_EPSILON;
            if (!(fabs((double)m[i] - first) <= bound * scale) ||
                !(fabs((double)v[i] - second) <= bound * second))
                fail_msg("step %d element %d: moments %g %g, want %g %g", (int)step, i,
                         (double)m[i], (double)v[i], first, second);
            const double slack = fabs(first) > 0 ? scale / fabs(first) : 1;
            const double room =
                8 * (double)FLT_EPSILON * (fabs(update) * slack + fabs((double)old_param[i]));
            if (!(fabs((double)param[i] - ((double)old_param[i] - update)) <= room))
                fail_msg("step %d element %d: parameter %.9g, want %.9g", (int)step, i,
                         (double)param[i], (double)old_param[i] - update);
        }
    }
}

static void test_sgd_is_the_formula(void **state)
{
    (void)state;
    static float old_u[N], old_param[N];
    fresh(N);
    memcpy(old_u, m, sizeof old_u);
    memcpy(old_param, param, sizeof old_param);
    chirp_sgd_step(N, 0.01f, 0.9f, grad, m, param, 3);
    check_guards();
    for (int i = 0; i < N; ++i) {
        const double u = (double)0.9f * (double)old_u[i] + (double)grad[i];
        const double scale = fabs((double)0.9f * (double)old_u[i]) + fabs((double)grad[i]);
        assert_true(fabs((double)m[i] - u) <= 2 * (double)FLT_EPSILON * scale);
        const double want = (double)old_param[i] - (double)0.01f * u;
        assert_true(fabs((double)param[i] - want) <=
                    4 * (double)FLT_EPSILON * (fabs(want) + 0.01 * scale));
    }
}

/* Adam moves by about the learning rate against the gradient and finds the minimum of a parabola. */
static void test_adam_descends(void **state)
{
    (void)state;
    enum { COUNT = 33 };
    float x[COUNT], g[COUNT], first[COUNT] = {0}, second[COUNT] = {0};
    for (int i = 0; i < COUNT; ++i)
        x[i] = (float)(i - 16);
    const chirp_adam adam = {
        .learning_rate = 0.05f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f};
    for (int64_t step = 1; step <= 3000; ++step) {
        for (int i = 0; i < COUNT; ++i)
            g[i] = 2 * (x[i] - 3);
        chirp_adam_step(COUNT, &adam, step, g, first, second, x, 1);
    }
    for (int i = 0; i < COUNT; ++i)
        assert_true(fabsf(x[i] - 3) < 1e-2f);
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    const chirp_adam adam = {
        .learning_rate = 8e-4f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f};
    static float m1[MOST], v1[MOST], p1[MOST], u1[MOST], q1[MOST];
    double sum1 = 0;
    for (size_t t = 0; t < sizeof teams / sizeof teams[0]; ++t) {
        fresh(MOST);
        chirp_adam_step(MOST, &adam, 7, grad, m, v, param, teams[t]);
        const double sum = chirp_sum_of_squares(MOST, param, teams[t]);
        if (t == 0) {
            memcpy(m1, m, MOST * sizeof *m);
            memcpy(v1, v, sizeof v1);
            memcpy(p1, param, sizeof p1);
            sum1 = sum;
        }
        assert_memory_equal(m, m1, MOST * sizeof *m);
        assert_memory_equal(v, v1, sizeof v1);
        assert_memory_equal(param, p1, sizeof p1);
        assert_memory_equal(&sum, &sum1, sizeof sum);
        fresh(MOST);
        chirp_sgd_step(MOST, 0.1f, 0.9f, grad, m, param, teams[t]);
        if (t == 0) {
            memcpy(u1, m, sizeof u1);
            memcpy(q1, param, sizeof q1);
        }
        assert_memory_equal(m, u1, sizeof u1);
        assert_memory_equal(param, q1, sizeof q1);
    }
}

static void test_sum_of_squares(void **state)
{
    (void)state;
    assert_true(chirp_sum_of_squares(0, grad, 2) == 0);
    fresh(N);
    for (int64_t n = 1; n <= N; n = 3 * n + 1) {
        double want = 0;
        for (int64_t i = 0; i < n; ++i)
            want += (double)param[i] * (double)param[i];
        const double got = chirp_sum_of_squares(n, param, 3);
        /* squares of floats are exact in double: only the additions round */
        assert_true(fabs(got - want) <= (double)n * DBL_EPSILON * want);
    }
    param[N / 2] = NAN;
    assert_true(isnan(chirp_sum_of_squares(N, param, 3)));
    /* more chunks than partial sums: small integers add up exactly */
    const int64_t large = 5000000;
    float *ones = malloc((size_t)large * sizeof *ones);
    assert_non_null(ones);
    for (int64_t i = 0; i < large; ++i)
        ones[i] = 2;
    assert_true(chirp_sum_of_squares(large, ones, 3) == 4.0 * (double)large);
    free(ones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adam_is_the_formula), cmocka_unit_test(test_sgd_is_the_formula),
        cmocka_unit_test(test_adam_descends),       cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_sum_of_squares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

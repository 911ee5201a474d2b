/*
 * Products of small integers are exact in float below 2^24, so the JIT code must equal the plain loops bit for
 * bit; C starts as NaN where it is overwritten, and guard words stand between and behind its columns.
 */
#include "harness/base/memory.h"
#include "kernels/gemm/gemm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { GUARD = 16 };

static uint32_t state = 1;

static uint32_t next(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static float *integers(int64_t n)
{
    float *x = chirp_alloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; ++i)
        x[i] = (float)next(17) - 8.0f;
    return x;
}

static void check(const chirp_gemm_shape *s, int64_t count)
{
    const int64_t entries = s->reduce ? count : 1;
    const int64_t span_a = s->lda * s->k + s->stride_a * (entries - 1);
    const int64_t span_b = s->ldb * (s->transpose_b ? s->k : s->n) + s->stride_b * (entries - 1);
    float *a = integers(span_a), *b = integers(span_b);
    const int64_t n_c = s->ldc * s->n + GUARD;
    float *got = chirp_alloc((size_t)n_c * sizeof *got),
          *want = chirp_alloc((size_t)n_c * sizeof *want);
    assert_non_null(got);
    assert_non_null(want);
    for (int64_t i = 0; i < n_c; ++i)
        got[i] = s->accumulate && i % s->ldc < s->m ? (float)next(9) : NAN;
    memcpy(want, got, (size_t)n_c * sizeof *got);

    chirp_gemm gemm = {0};
    const chirp_status st = chirp_gemm_dispatch(s, &gemm);
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
    if (s->reduce)
        chirp_gemm_reduce(&gemm, a, b, got, count);
    else
        chirp_gemm_run(&gemm, a, b, got);
    chirp_gemm_reference(s, a, b, want, count);
    if (memcmp(got, want, (size_t)n_c * sizeof *got) != 0)
        fail_msg(
            "m %d n %d k %d lda %d ldb %d ldc %d transpose %d accumulate %d reduce %d count %d",
            (int)s->m, (int)s->n, (int)s->k, (int)s->lda, (int)s->ldb, (int)s->ldc, s->transpose_b,
            s->accumulate, s->reduce, (int)count);
    chirp_free(a);
    chirp_free(b);
    chirp_free(got);
    chirp_free(want);
}

static void test_random_shapes(void **unused)
{
    (void)unused;
    for (int round = 0; round < 300; ++round) {
        chirp_gemm_shape s = {.m = 1 + next(70), .n = 1 + next(70), .k = 1 + next(70)};
        s.lda = s.m + next(2) * next(20);
        s.ldc = s.m + next(2) * next(20);
        s.accumulate = next(2);
        s.reduce = next(2);
        s.transpose_b = next(2);
        s.ldb = (s.transpose_b ? s.n : s.k) + next(2) * next(20);
        int64_t count = 1;
        if (s.reduce) {
            count = 1 + next(9);
            s.stride_a = next(200);
            s.stride_b = next(200);
        }
        check(&s, count);
    }
}

static void test_shapes_of_the_network(void **unused)
{
    (void)unused;
    const int64_t widths[] = {1, 2, 6, 28, 29, 42, 54, 63, 64};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; ++i) {
        check(&(chirp_gemm_shape){.m = 32,
                                  .n = widths[i],
                                  .k = 64,
                                  .lda = 32,
                                  .ldb = 128,
                                  .ldc = 128,
                                  .reduce = true,
                                  .stride_a = 32 * 64,
                                  .stride_b = 128},
              16);
        check(&(chirp_gemm_shape){.m = 64,
                                  .n = widths[i],
                                  .k = 1,
                                  .lda = 64,
                                  .ldb = 1,
                                  .ldc = 64,
                                  .reduce = true,
                                  .stride_a = 64,
                                  .stride_b = 1},
              16);
    }
}

static void test_impossible_shapes(void **unused)
{
    (void)unused;
    const chirp_gemm_shape good = {.m = 4, .n = 4, .k = 4, .lda = 4, .ldb = 4, .ldc = 4};
    chirp_gemm gemm = {0};
    chirp_gemm_shape bad = good;
    bad.m = 0;
    assert_int_equal(chirp_gemm_dispatch(&bad, &gemm), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "m = 0"));
    bad = good;
    bad.lda = 3;
    assert_int_equal(chirp_gemm_dispatch(&bad, &gemm), CHIRP_ERR_ARG);
    bad = good;
    bad.k = (int64_t)1 << 40;
    bad.ldb = bad.k;
    assert_int_equal(chirp_gemm_dispatch(&bad, &gemm), CHIRP_ERR_ARG);
    bad = good;
    bad.reduce = true;
    bad.stride_b = INT64_MAX;
    assert_int_equal(chirp_gemm_dispatch(&bad, &gemm), CHIRP_ERR_ARG);
    bad.stride_b = -1;
    assert_int_equal(chirp_gemm_dispatch(&bad, &gemm), CHIRP_ERR_ARG);
    assert_null(gemm.code);
}

static void test_target(void **unused)
{
    (void)unused;
    const int floats = chirp_gemm_vector_floats();
    assert_true(floats == 4 || floats == 8 || floats == 16);
    assert_true(strlen(chirp_gemm_target()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_shapes_of_the_network),
        cmocka_unit_test(test_impossible_shapes),
        cmocka_unit_test(test_target),
    };
    return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}

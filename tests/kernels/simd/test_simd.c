/* kernels/simd: every function against a plain loop over lanes. */
#include "kernels/simd/simd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

enum { L = SIMD_LANES, GUARD = 77 };

static void test_partial_loads_and_stores_touch_only_their_elements(void **state)
{
    (void)state;
    for (int n = 0; n < L; ++n) {
        float from[L], to[L], out[L];
        uint8_t byte_from[L], byte_to[L];
        int32_t ints[L];
        for (int i = 0; i < L; ++i) {
            from[i] = i < n ? (float)(i + 1) : (float)NAN;
            to[i] = GUARD;
            byte_from[i] = (uint8_t)(250 + i);
            byte_to[i] = GUARD;
        }
        const simd_float v = simd_load_partial(from, n);
        simd_store(out, v);
        simd_store_partial(to, v, n);
        const simd_int bytes = simd_load_bytes_partial(byte_from, n);
        simd_store_ints(ints, bytes);
        simd_store_bytes_partial(byte_to, bytes, n);
        for (int i = 0; i < L; ++i) {
            assert_true(out[i] == (i < n ? (float)(i + 1) : 0.0f));
            assert_true(to[i] == (i < n ? (float)(i + 1) : (float)GUARD));
            assert_int_equal(ints[i], i < n ? byte_from[i] : 0);
            assert_int_equal(byte_to[i], i < n ? byte_from[i] : GUARD);
        }
    }
}

/* A lane each of less, equal, greater, NaN, both zeros. */
static void test_masks(void **state)
{
    (void)state;
    const float values[] = {-1, 0, -0.0f, 1, (float)NAN, 2, (float)INFINITY, -3};
    float x[L], out[L];
    uint8_t flags[L], codes[L], back[L];
    int32_t chosen[L];
    for (int i = 0; i < L; ++i) {
        x[i] = values[i % 8];
        codes[i] = (uint8_t)(i % 3 == 0 ? 255 : i % 3);
    }
    const simd_float v = simd_load(x);
    simd_store_flags(flags, simd_greater_or_nan(v, simd_set(1)));
    for (int i = 0; i < L; ++i)
        assert_int_equal(flags[i], x[i] > 1 || isnan(x[i]) ? 255 : 0);
    simd_store_flags(flags, simd_not_positive(v));
    simd_store(out, simd_select(simd_not_positive(v), simd_zero(), simd_set(5)));
    for (int i = 0; i < L; ++i) {
        assert_int_equal(flags[i], x[i] <= 0 ? 255 : 0);
        assert_true(out[i] == (x[i] <= 0 ? 0 : 5));
    }
    const simd_int code = simd_load_bytes(codes);
    simd_store_bytes(back, code);
    simd_store_ints(chosen,
                    simd_select_int(simd_equal(code, simd_set_int(255)), simd_set_int(-7), code));
    simd_store_flags(flags, simd_bytes_equal(codes, 2));
    for (int i = 0; i < L; ++i) {
        assert_int_equal(back[i], codes[i]);
        assert_int_equal(chosen[i], codes[i] == 255 ? -7 : codes[i]);
        assert_int_equal(flags[i], codes[i] == 2 ? 255 : 0);
    }
}

static void test_transpose_and_sums(void **state)
{
    (void)state;
    simd_float rows[L];
    for (int i = 0; i < L; ++i)
        for (int l = 0; l < L; ++l)
            rows[i][l] = (float)(100 * i + l);
    const simd_float4 sum = simd_sum4(rows);
    for (int i = 0; i < 4; ++i)
        assert_true(sum[i] == (float)(100 * i * L + L * (L - 1) / 2));
    simd_transpose(rows);
    for (int i = 0; i < L; ++i)
        for (int l = 0; l < L; ++l)
            assert_true(rows[i][l] == (float)(100 * l + i));
}

static void test_arithmetic(void **state)
{
    (void)state;
    const simd_float v = simd_fma(simd_set(2), simd_set(3), simd_keep(simd_set(4)));
    for (int i = 0; i < L; ++i)
        assert_true(v[i] == 10);
#ifdef SIMD_HAS_WIDE
    const simd_wide lanes = simd_even_lanes() + 3;
    const simd_wide p =
        simd_multiply_wide(lanes | simd_set_wide(UINT64_C(5) << 32), simd_set_wide(UINT32_MAX));
    const simd_wide x = simd_xor3(p, lanes, simd_set_wide(UINT64_C(1) << 63));
    const simd_int turns = simd_interleave_wide(lanes, lanes + 100);
    for (int i = 0; i < L / 2; ++i) {
        const uint64_t lane = 2 * (uint64_t)i + 3;
        assert_true(p[i] == lane * UINT32_MAX);
        assert_true(x[i] == (p[i] ^ lane ^ UINT64_C(1) << 63));
        assert_int_equal(turns[2 * i], lane);
        assert_int_equal(turns[2 * i + 1], lane + 100);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partial_loads_and_stores_touch_only_their_elements),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_transpose_and_sums),
        cmocka_unit_test(test_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

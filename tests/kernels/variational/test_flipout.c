/* kernels/variational/flipout: signs, joins, pooling and its gradient against plain loops. */
#include "kernels/variational/flipout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INACTIVE = 255, MOST = 7 * 301 * 130 };
static float a[MOST], b[MOST], sign[7 * 1100], got[MOST + 1], got2[MOST + 1], want[MOST],
    want2[MOST];
static uint8_t code[MOST + 1], want_code[MOST];

static void fill(float *x, uint32_t which)
{
    chirp_rng_normal(chirp_rng_stream(2, CHIRP_RNG_TEST, which, 0), 0, MOST, x);
}

static const int64_t shape[][4] = {/* rows, positions, channels, pool */
                                   {1, 1, 1, 1},     {7, 1, 1100, 1}, {3, 29, 64, 1},
                                   {2, 301, 130, 4}, {5, 130, 33, 3}, {7, 128, 16, 4},
                                   {1, 7, 600, 2},   {2, 515, 5, 16}};

static chirp_flipout describe(size_t s, int threads)
{
    return (chirp_flipout){.rows = shape[s][0],
                           .positions = shape[s][1],
                           .channels = shape[s][2],
                           .rng = chirp_rng_stream(9, CHIRP_RNG_SIGNS, 1, s),
                           .first_row = 3,
                           .n_threads = threads};
}

/* sign of (row, channel), drawn in one piece */
static void draw_signs(const chirp_flipout *f)
{
    chirp_rng_sign(f->rng, f->first_row * (uint64_t)f->channels, f->rows * f->channels, sign);
}

static void test_signs_and_joins(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shape / sizeof shape[0]; ++s) {
        for (int threads = 1; threads < 200; threads = threads * 4 + 1) {
            const chirp_flipout f = describe(s, threads);
            const int64_t n = f.rows * f.positions * f.channels;
            fill(a, 1);
            fill(b, 2);
            draw_signs(&f);
            memcpy(got2, b, sizeof b);
            got[n] = got2[n] = 99;
            chirp_flipout_sign(&f, a, got);
            chirp_flipout_add(&f, a, got2);
            assert_true(got[n] == 99 && got2[n] == 99);
            for (int64_t i = 0; i < n; ++i) {
                const float r = sign[i / f.channels / f.positions * f.channels + i % f.channels];
                assert_true(got[i] == r * a[i]);
                assert_true(
                    got2[i] ==
                    b[i] +
                        r * a[i]); /* a product with a sign is exact: fused or not is one result */
            }
        }
    }
}

static void test_finish_and_its_gradient(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shape / sizeof shape[0]; ++s) {
        for (int relu = 0; relu < 2; ++relu) {
            const chirp_flipout f = describe(s, 3);
            const int64_t pool = shape[s][3], K = f.channels, Q = f.positions, P = Q / pool;
            fill(a, 1);
            fill(b, 2);
            draw_signs(&f);
            const int64_t n = f.rows * P * K, all = f.rows * Q * K;
            got[n] = 99;
            code[n] = 77;
            chirp_flipout_finish(&f, relu, pool, a, b, got, code);
            assert_true(got[n] == 99 && code[n] == 77);
            for (int64_t row = 0; row < f.rows; ++row) {
                for (int64_t p = 0; p < P; ++p) {
                    for (int64_t k = 0; k < K; ++k) {
                        float best = -INFINITY;
                        int winner = 0;
                        for (int64_t j = 0; j < pool; ++j) {
                            const int64_t at = (row * Q + p * pool + j) * K + k;
                            const float pre = a[at] + sign[row * K + k] * b[at];
                            if (pre > best) {
                                best = pre;
                                winner = (int)j;
                            }
                        }
                        want[(row * P + p) * K + k] = relu && best < 0 ? 0 : best;
                        want_code[(row * P + p) * K + k] =
                            (uint8_t)(relu && best <= 0 ? INACTIVE : winner);
                    }
                }
            }
            assert_memory_equal(got, want, (size_t)n * sizeof(float));
            assert_memory_equal(code, want_code, (size_t)n);

            /* gradient: ddst to the winners, elsewhere 0 */
            fill(a, 3);
            for (int64_t i = 0; i < all; ++i)
                want[i] = want2[i] = 0, got[i] = got2[i] = NAN;
            got[all] = got2[all] = 99;
            chirp_flipout_finish_backward(&f, pool, a, code, got, got2);
            assert_true(got[all] == 99 && got2[all] == 99);
            for (int64_t i = 0; i < n; ++i) {
                if (code[i] == INACTIVE)
                    continue;
                const int64_t row = i / K / P, k = i % K,
                              at = (row * Q + i / K % P * pool + code[i]) * K + k;
                want[at] = a[i];
                want2[at] = sign[row * K + k] * a[i];
            }
            for (int64_t i = 0; i < all; ++i)
                assert_true(got[i] == want[i] && got2[i] == want2[i]);
        }
    }
    /* no ReLU, no pool: no code */
    const chirp_flipout f = describe(2, 2);
    const int64_t n = f.rows * f.positions * f.channels;
    draw_signs(&f);
    chirp_flipout_finish(&f, false, 1, a, b, got, NULL);
    chirp_flipout_sign(&f, b, want);
    for (int64_t i = 0; i < n; ++i)
        assert_true(got[i] == a[i] + want[i]);
    chirp_flipout_finish_backward(&f, 1, a, NULL, got, got2);
    assert_memory_equal(got, a, (size_t)n * sizeof(float));
}

static void test_nan_is_not_pooled_away(void **state)
{
    (void)state;
    const chirp_flipout f = {.rows = 1,
                             .positions = 4,
                             .channels = 4,
                             .rng = chirp_rng_stream(9, CHIRP_RNG_SIGNS, 1, 0)};
    for (int at = 0; at < 4; ++at) {
        fill(a, 1);
        fill(b, 2);
        a[4 * at + 2] = NAN;
        chirp_flipout_finish(&f, true, 4, a, b, got, code);
        assert_true(isnan(got[2]) && !isnan(got[0]) && !isnan(got[1]) && !isnan(got[3]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs_and_joins),
        cmocka_unit_test(test_finish_and_its_gradient),
        cmocka_unit_test(test_nan_is_not_pooled_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* kernels/dropout: the mask is the stream's, the mean stays, threads and pieces change nothing. */
#include "kernels/dropout/dropout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

enum { N = 70001, MOST = 128 * 16384 + 77 };
/* MOST elements are enough for 128 threads on few processors to share them, see kernels/parallel/chunks.h */
static float src[MOST], dst[MOST + 1], uniform[N];

static void test_mask_is_the_streams(void **state)
{
    (void)state;
    const chirp_rng rng = chirp_rng_stream(3, CHIRP_RNG_DROPOUT, 1, 2);
    const float rates[] = {0, 0.1f, 0.5f, 0.99f};
    chirp_rng_normal(chirp_rng_stream(3, CHIRP_RNG_TEST, 0, 0), 0, N, src);
    for (size_t r = 0; r < 4; ++r) {
        const uint64_t first = r * 1001;
        chirp_rng_uniform(rng, first, N, uniform);
        dst[N] = 99;
        chirp_dropout(N, rates[r], rng, first, src, dst, 3);
        assert_true(dst[N] == 99);
        int64_t kept = 0;
        for (int i = 0; i < N; ++i) {
            const double want =
                uniform[i] >= rates[r] ? (double)src[i] / (1 - (double)rates[r]) : 0;
            assert_true(fabs((double)dst[i] - want) <= 2e-7 * fabs(want)); /* two roundings */
            kept += dst[i] != 0;
        }
        /* five standard deviations of a binomial */
        const double p = 1 - (double)rates[r];
        assert_true(fabs((double)kept - N * p) <= 5 * sqrt(N * p * (1 - p)) + 1e-6 * N);
    }
}

static void test_dropped_numbers_are_zero_whatever_they_were(void **state)
{
    (void)state;
    const chirp_rng rng = chirp_rng_stream(3, CHIRP_RNG_DROPOUT, 1, 2);
    for (int i = 0; i < 4096; ++i)
        src[i] = i % 2 ? INFINITY : NAN;
    chirp_rng_uniform(rng, 0, 4096, uniform);
    chirp_dropout(4096, 0.5f, rng, 0, src, dst, 1);
    for (int i = 0; i < 4096; ++i)
        assert_true(uniform[i] >= 0.5f ? !isfinite(dst[i]) : dst[i] == 0);
}

static void test_threads_pieces_and_place_change_no_bit(void **state)
{
    (void)state;
    const chirp_rng rng = chirp_rng_stream(4, CHIRP_RNG_DROPOUT, 1, 2);
    static const int teams[] = {2, 3, 16, 128};
    static float one[MOST];
    chirp_rng_normal(chirp_rng_stream(3, CHIRP_RNG_TEST, 0, 0), 0, MOST, src);
    chirp_dropout(MOST, 0.1f, rng, 5, src, one, 1);
    for (size_t t = 0; t < 4; ++t) {
        memset(dst, 0xff, sizeof dst);
        chirp_dropout(MOST, 0.1f, rng, 5, src, dst, teams[t]);
        assert_memory_equal(dst, one, sizeof one);
    }
    /* a batch in two pieces, in place */
    memcpy(dst, src, sizeof src);
    chirp_dropout(12345, 0.1f, rng, 5, dst, dst, 3);
    chirp_dropout(MOST - 12345, 0.1f, rng, 5 + 12345, dst + 12345, dst + 12345, 3);
    assert_memory_equal(dst, one, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask_is_the_streams),
        cmocka_unit_test(test_dropped_numbers_are_zero_whatever_they_were),
        cmocka_unit_test(test_threads_pieces_and_place_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* kernels/random: known answers, and one value per (stream, index) however it is asked for. */
#include "kernels/random/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Random123 (Salmon et al. 2011), kat_vectors, "philox4x32 10". */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } kat[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof kat / sizeof kat[0]; ++i) {
        uint32_t out[4] = {0};
        chirp_philox4x32(kat[i].counter, kat[i].key, out);
        assert_memory_equal(out, kat[i].answer, sizeof out);
    }
}

typedef void (*draw_function)(chirp_rng, uint64_t, int64_t, float *);

/* Whatever first, length and alignment, element i is draw first + i; nothing is written outside. */
static void check_pieces(draw_function draw)
{
    enum { N = 5000 };
    static float whole[N], piece[N + 32];
    const uint64_t bases[] = {
        0, 1, 63, 64, 2047, 2048, (uint64_t)1 << 36, ((uint64_t)1 << 36) - 70};
    for (size_t b = 0; b < sizeof bases / sizeof bases[0]; ++b) {
        const chirp_rng rng = chirp_rng_stream(77, CHIRP_RNG_TEST, 3, b);
        draw(rng, bases[b], N, whole);
        srand(12345);
        for (int trial = 0; trial < 300; ++trial) {
            const int64_t from = rand() % N, n = trial % 5 ? rand() % (N - from) : rand() % 3;
            const int64_t shift = rand() % 16;
            const int64_t count = from + n <= N ? n : N - from;
            for (int64_t i = 0; i < N + 32; ++i)
                piece[i] = 99;
            draw(rng, bases[b] + (uint64_t)from, count, piece + shift);
            assert_memory_equal(piece + shift, whole + from, (size_t)count * sizeof(float));
            assert_true(piece[shift + count] == 99);
            assert_true(shift == 0 || piece[shift - 1] == 99);
        }
    }
}

static void test_normal_is_a_function_of_the_index(void **state)
{
    (void)state;
    check_pieces(chirp_rng_normal);
}

static void test_uniform_is_a_function_of_the_index(void **state)
{
    (void)state;
    check_pieces(chirp_rng_uniform);
}

static void test_sign_is_a_function_of_the_index(void **state)
{
    (void)state;
    check_pieces(chirp_rng_sign);
}

/* The layout that random.c states, from the raw generator: signs by their bits, normals by Box-Muller in double. */
static void test_draws_come_from_the_stated_words(void **state)
{
    (void)state;
    const chirp_rng rng = chirp_rng_stream(0x123456789abcdef0u, CHIRP_RNG_TEST, 9, 4);
    const uint32_t key[2] = {(uint32_t)rng.seed, (uint32_t)(rng.seed >> 32)};
    const uint64_t start = ((uint64_t)1 << 38) + 128; /* blocks need their upper counter word */
    static float normal[4096], uniform[4096], sign[4096];
    chirp_rng_normal(rng, start, 4096, normal);
    chirp_rng_uniform(rng, start, 4096, uniform);
    chirp_rng_sign(rng, start, 4096, sign);
    double worst = 0;
    for (uint64_t i = 0; i < 4096; ++i) {
        const uint64_t draw = start + i, block = draw / 64 * 16 + draw % 16;
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)rng.stream,
                                     (uint32_t)(rng.stream >> 32)};
        uint32_t w[4];
        chirp_philox4x32(counter, key, w);
        const uint64_t slot = draw % 64 / 16;
        assert_true(uniform[i] == (float)((w[slot] >> 9) + 0.5) * 0x1p-23f);
        const double u = ((w[slot & 2] >> 1) + 0.5) * 0x1p-31;
        /* top two bits of the second word: quadrant; the rest: from -pi/4 to pi/4 */
        const uint32_t w1 = w[slot | 1];
        const double quarter = (double)(int32_t)(w1 << 2) * 0x1p-32;
        const double angle = ((double)(w1 >> 30) + quarter) * 1.5707963267948966;
        const double want = sqrt(-2 * log(u)) * (slot & 1 ? sin(angle) : cos(angle));
        const double error = fabs((double)normal[i] - want);
        worst = error > worst ? error : worst;

        const uint64_t group = draw / 2048, p = draw % 64, bit = draw % 2048 / 64;
        const uint64_t sign_block = group * 16 + p % 16;
        const uint32_t sign_counter[4] = {(uint32_t)sign_block, (uint32_t)(sign_block >> 32),
                                          (uint32_t)rng.stream, (uint32_t)(rng.stream >> 32)};
        chirp_philox4x32(sign_counter, key, w);
        assert_true(sign[i] == (w[p / 16] >> bit & 1 ? -1.0f : 1.0f));
    }
    /* u near 1 is rounded to 24 bits, which moves a normal near 0 by up to 2^-25 / r; elsewhere some ulp of 4 */
    if (!(worst < 2e-5))
        fail_msg("a normal is off by %g", worst);
}

static int compare_streams(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Each bit of each field has a place of its own: all tuples of edge values give different streams, part 0 the plain one. */
static void test_parts_of_a_stream_never_meet(void **state)
{
    (void)state;
    static uint64_t stream[12 * 12 * 18];
    size_t n = 0;
    for (uint32_t which = 0; which < 1u << CHIRP_RNG_PART_WHICH_BITS; which = which ? 2 * which : 1)
        for (uint64_t step = 0; step < (uint64_t)1 << CHIRP_RNG_PART_STEP_BITS;
             step = step ? 8 * step : 1)
            for (uint32_t part = 0; part < 1u << CHIRP_RNG_PART_BITS; part = part ? 2 * part : 1) {
                const chirp_rng rng =
                    chirp_rng_stream_part(5, CHIRP_RNG_WEIGHT_NOISE, which, step, part);
                assert_true(n < sizeof stream / sizeof stream[0] && rng.seed == 5);
                if (part == 0)
                    assert_true(rng.stream ==
                                chirp_rng_stream(5, CHIRP_RNG_WEIGHT_NOISE, which, step).stream);
                stream[n++] = rng.stream;
            }
    qsort(stream, n, sizeof stream[0], compare_streams);
    for (size_t i = 1; i < n; ++i)
        assert_true(stream[i] != stream[i - 1]);
}

static void test_streams_keep_their_fields_apart(void **state)
{
    (void)state;
    const chirp_rng a = chirp_rng_stream(5, CHIRP_RNG_INIT, 0xffff, 0xffffffffffu);
    assert_true(a.seed == 5 && a.stream == 0x01ffffffffffffffu);
    const chirp_rng b = chirp_rng_stream(5, CHIRP_RNG_WEIGHT_NOISE, 0, 1);
    assert_true(b.stream == 0x0200000000000001u);
    float x[64], y[64];
    const chirp_rng others[] = {chirp_rng_stream(5, CHIRP_RNG_DROPOUT, 0, 1),
                                chirp_rng_stream(6, CHIRP_RNG_WEIGHT_NOISE, 0, 1),
                                chirp_rng_stream(5, CHIRP_RNG_WEIGHT_NOISE, 1, 1),
                                chirp_rng_stream(5, CHIRP_RNG_WEIGHT_NOISE, 0, 2)};
    chirp_rng_normal(b, 0, 64, x);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i) {
        chirp_rng_normal(others[i], 0, 64, y);
        for (int j = 0; j < 64; ++j)
            assert_true(x[j] != y[j]);
    }
}

static void test_uniforms_never_touch_the_ends(void **state)
{
    (void)state;
    const chirp_rng rng = chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0);
    enum { N = 1 << 14 };
    static float u[N];
    float least = 1, most = 0;
    double sum = 0, least_double = 1, most_double = 0;
    for (int64_t k = 0; k < 512; ++k) {
        chirp_rng_uniform(rng, (uint64_t)k * N, N, u);
        for (int i = 0; i < N; ++i) {
            least = fminf(least, u[i]);
            most = fmaxf(most, u[i]);
        }
    }
    for (uint64_t i = 0; i < 1000000; ++i) {
        const double x = chirp_rng_uniform_double(rng, i);
        sum += x;
        least_double = fmin(least_double, x);
        most_double = fmax(most_double, x);
    }
    assert_true(least > 0 && most < 1 && least < 1e-5f && most > 1 - 1e-5f);
    assert_true(least_double > 0 && most_double < 1 && least_double < 1e-4 &&
                most_double > 1 - 1e-4);
    /* five standard deviations of the mean of 10^6 uniforms: 5 / sqrt(12e6) */
    assert_true(fabs(sum * 1e-6 - 0.5) < 1.45e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_normal_is_a_function_of_the_index),
        cmocka_unit_test(test_uniform_is_a_function_of_the_index),
        cmocka_unit_test(test_sign_is_a_function_of_the_index),
        cmocka_unit_test(test_draws_come_from_the_stated_words),
        cmocka_unit_test(test_streams_keep_their_fields_apart),
        cmocka_unit_test(test_parts_of_a_stream_never_meet),
        cmocka_unit_test(test_uniforms_never_touch_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

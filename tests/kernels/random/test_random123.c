/* kernels/random against Random123, the library of Philox's authors: the same words for any counter, key and stream. */
#include "kernels/random/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#if defined(CHIRP_HAVE_RANDOM123)
#include <Random123/philox.h>

/* 64 bits that have nothing to do with Philox (splitmix64, Steele et al. 2014). */
static uint64_t any(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* Block `block` of a stream by Random123. */
static philox4x32_ctr_t oracle(chirp_rng rng, uint64_t block)
{
    const philox4x32_ctr_t counter = {{(uint32_t)block, (uint32_t)(block >> 32),
                                       (uint32_t)rng.stream, (uint32_t)(rng.stream >> 32)}};
    const philox4x32_key_t key = {{(uint32_t)rng.seed, (uint32_t)(rng.seed >> 32)}};
    return philox4x32(counter, key);
}

static void words_agree(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (int i = 0; i < 20000; ++i) {
        const chirp_rng rng = {any(&state), any(&state)};
        const uint64_t block = any(&state);
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)rng.stream,
                                     (uint32_t)(rng.stream >> 32)};
        const uint32_t key[2] = {(uint32_t)rng.seed, (uint32_t)(rng.seed >> 32)};
        uint32_t out[4];
        chirp_philox4x32(counter, key, out);
        assert_memory_equal(out, oracle(rng, block).v, sizeof out);
    }
}

/* Signs show every bit of the words that the vector code makes: sign 2048 g + 64 b + 16 w + l is bit b of word w of
 * block 16 g + l. */
static void vectors_agree(void **unused)
{
    (void)unused;
    enum { SIGNS = 2048, LANES = 16 };
    static float sign[SIGNS];
    uint64_t state = 2;
    for (int trial = 0; trial < 300; ++trial) {
        const chirp_rng rng = {any(&state), any(&state)};
        /* small groups, and those around which a block's number passes 2^32 */
        const uint64_t group = trial < 100 ? (uint64_t)trial
                                           : (UINT64_C(1) << 28) - 100 + (uint64_t)(trial - 100);
        chirp_rng_sign(rng, group * SIGNS, SIGNS, sign);
        for (uint64_t lane = 0; lane < LANES; ++lane) {
            const philox4x32_ctr_t words = oracle(rng, group * LANES + lane);
            for (size_t w = 0; w < 4; ++w)
                for (size_t bit = 0; bit < 32; ++bit) {
                    const float expected = words.v[w] >> bit & 1u ? -1.0f : 1.0f;
                    assert_true(sign[64 * bit + LANES * w + lane] == expected);
                }
        }
    }
}

/* The 52 bits of a double are the upper ones of a block's first two words. */
static void doubles_agree(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (int i = 0; i < 20000; ++i) {
        const chirp_rng rng = {any(&state), any(&state)};
        const uint64_t index = any(&state);
        const philox4x32_ctr_t w = oracle(rng, index);
        const uint64_t bits = ((uint64_t)w.v[0] << 32 | w.v[1]) >> 12;
        assert_true(chirp_rng_uniform_double(rng, index) == ((double)bits + 0.5) * 0x1p-52);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_agree),
        cmocka_unit_test(vectors_agree),
        cmocka_unit_test(doubles_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    printf("skipped: Random123 is missing (Debian package librandom123-dev)\n");
    return 77;
}

#endif

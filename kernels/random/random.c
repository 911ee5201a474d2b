/* Groups of 64 draws from 16 Philox blocks side by side; edges of a call go through a buffer. */
#include "kernels/random/random.h"

#include "kernels/random/random_lanes.h"
#include "kernels/random/random_words.h"

#include <stdbool.h>
#include <string.h>

chirp_rng chirp_rng_stream(uint64_t seed, chirp_rng_purpose purpose, uint32_t which, uint64_t step)
{
    const uint64_t stream =
        (uint64_t)purpose << 56 | (uint64_t)(which & 0xffffu) << 40 | (step & 0xffffffffffu);
    return (chirp_rng){seed, stream};
}

/* The part fills what shorter `which` and `step` leave free in their fields: 10 bits above the step, 6 above `which`. */
chirp_rng chirp_rng_stream_part(uint64_t seed, chirp_rng_purpose purpose, uint32_t which,
                                uint64_t step, uint32_t part)
{
    const uint32_t low_bits = 40 - CHIRP_RNG_PART_STEP_BITS;
    const uint32_t low = part & ((1u << low_bits) - 1);
    const uint32_t high = part >> low_bits & ((1u << (CHIRP_RNG_PART_BITS - low_bits)) - 1);
    which &= (1u << CHIRP_RNG_PART_WHICH_BITS) - 1;
    step &= ((uint64_t)1 << CHIRP_RNG_PART_STEP_BITS) - 1;
    return chirp_rng_stream(seed, purpose, which | high << CHIRP_RNG_PART_WHICH_BITS,
                            step | (uint64_t)low << CHIRP_RNG_PART_STEP_BITS);
}

void chirp_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    const random_words w =
        philox_lane((random_words){counter[0], counter[1], counter[2], counter[3]}, key[0], key[1]);
    out[0] = w.a, out[1] = w.b, out[2] = w.c, out[3] = w.d;
}

/* The four words of block high * 2^32 + low. */
SIMD_INLINE random_words block_words(chirp_rng rng, uint32_t low, uint32_t high)
{
    const random_words counter = {low, high, (uint32_t)rng.stream, (uint32_t)(rng.stream >> 32)};
    return philox_lane(counter, (uint32_t)rng.seed, (uint32_t)(rng.seed >> 32));
}

SIMD_INLINE void normal_group(chirp_rng rng, uint64_t group, float *restrict out)
{
    uint32_t w[RANDOM_GROUP] __attribute__((aligned(64)));
    random_group_words(rng.seed, rng.stream, group, w);
#pragma omp simd
    for (int pair = 0; pair < RANDOM_BLOCKS; ++pair) {
        float z0, z1, z2, z3;
        normal_lane(w[pair], w[16 + pair], &z0, &z1);
        normal_lane(w[32 + pair], w[48 + pair], &z2, &z3);
        out[pair] = z0;
        out[16 + pair] = z1;
        out[32 + pair] = z2;
        out[48 + pair] = z3;
    }
}

SIMD_INLINE void uniform_group(chirp_rng rng, uint64_t group, float *restrict out)
{
    uint32_t w[RANDOM_GROUP] __attribute__((aligned(64)));
    random_group_words(rng.seed, rng.stream, group, w);
    /* 23 bits and a half: (w + 1/2) 2^-23 is exact, so neither 0 nor 1 comes from rounding */
#pragma omp simd
    for (int i = 0; i < RANDOM_GROUP; ++i)
        out[i] = ((float)(int32_t)(w[i] >> 9) + 0.5f) * 0x1p-23f;
}

/* Whole groups go straight to out, cut ones through a buffer: the same arithmetic, hence the same bits. */
SIMD_INLINE void fill(void (*make)(chirp_rng, uint64_t, float *restrict), chirp_rng rng,
                      uint64_t first, int64_t n, float *out)
{
    float buffer[RANDOM_GROUP] __attribute__((aligned(64)));
    for (int64_t done = 0; done < n;) {
        const uint64_t draw = first + (uint64_t)done;
        const uint64_t group = draw / RANDOM_GROUP;
        const int64_t skip = (int64_t)(draw % RANDOM_GROUP);
        if (skip == 0 && n - done >= RANDOM_GROUP) {
            make(rng, group, out + done);
            done += RANDOM_GROUP;
            continue;
        }
        const int64_t left = n - done, most = RANDOM_GROUP - skip;
        const int64_t count = left < most ? left : most;
        make(rng, group, buffer);
        memcpy(out + done, buffer + skip, (size_t)count * sizeof *out);
        done += count;
    }
}

void chirp_rng_normal(chirp_rng rng, uint64_t first, int64_t n, float *out)
{
    fill(normal_group, rng, first, n, out);
}

void chirp_rng_uniform(chirp_rng rng, uint64_t first, int64_t n, float *out)
{
    fill(uniform_group, rng, first, n, out);
}

double chirp_rng_uniform_double(chirp_rng rng, uint64_t index)
{
    const random_words w = block_words(rng, (uint32_t)index, (uint32_t)(index >> 32));
    const uint64_t bits =
        ((uint64_t)w.a << 32 | w.b) >> 12; /* 52, so that adding one half stays exact */
    return ((double)bits + 0.5) * 0x1p-52;
}

/* 2048 signs from 64 words: sign 64 b + p is bit b of word p. */
void chirp_rng_sign(chirp_rng rng, uint64_t first, int64_t n, float *out)
{
    enum { SIGNS = 32 * RANDOM_GROUP };
    uint32_t word[RANDOM_GROUP] __attribute__((aligned(64)));
    float row[RANDOM_GROUP] __attribute__((aligned(64)));
    uint64_t held =
        UINT64_MAX; /* the group whose words are in `word`; first/2048 never gets there */
    for (int64_t done = 0; done < n;) {
        const uint64_t draw = first + (uint64_t)done;
        if (draw / SIGNS != held) {
            held = draw / SIGNS;
            random_group_words(rng.seed, rng.stream, held, word);
        }
        const uint32_t bit = (uint32_t)(draw % SIGNS / RANDOM_GROUP);
        const int64_t skip = (int64_t)(draw % RANDOM_GROUP), left = n - done;
        const int64_t count = left < RANDOM_GROUP - skip ? left : RANDOM_GROUP - skip;
        const bool whole = count == RANDOM_GROUP;
        float *restrict dst = whole ? out + done : row;
#pragma omp simd
        for (int p = 0; p < RANDOM_GROUP; ++p)
            dst[p] = float_of_bits(0x3f800000u | (word[p] >> bit & 1u) << 31);
        if (!whole)
            memcpy(out + done, row + skip, (size_t)count * sizeof *out);
        done += count;
    }
}

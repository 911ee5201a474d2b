/*
 * The 64 words of a group: four words of each of 16 consecutive blocks, words[16 * w + lane]. For kernels only.
 *
 * Philox multiplies 32 by 32 bits and needs both halves of the product. The vector instruction for that reads the low
 * half of every 64-bit lane and ignores the upper one, so blocks are kept one to a 64-bit lane, even blocks in one
 * register and odd ones in another: a round is then two products, two shifts and two exclusive ors, without a single
 * shuffle, and interleaving both registers at the end gives the blocks in order.
 */
#ifndef CHIRP_KERNELS_RANDOM_RANDOM_WORDS_H
#define CHIRP_KERNELS_RANDOM_RANDOM_WORDS_H

#include "kernels/random/random_lanes.h"
#include "kernels/simd/simd.h"

#ifdef SIMD_HAS_WIDE

/* SIMD_LANES/2 blocks; the upper halves of lanes are whatever products left there. */
typedef struct random_half {
    simd_wide a, b, c, d;
} random_half;

SIMD_INLINE random_half philox_half(random_half w, uint32_t k0, uint32_t k1)
{
    const simd_wide m0 = (simd_wide)simd_set_int((int32_t)0xD2511F53),
                    m1 = (simd_wide)simd_set_int((int32_t)0xCD9E8D57);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
        const simd_wide p0 = simd_multiply_wide(w.a, m0), p1 = simd_multiply_wide(w.c, m1);
        w.a = simd_xor3(p1 >> 32, w.b, (simd_wide)simd_set_int((int32_t)k0));
        w.b = p1;
        w.c = simd_xor3(p0 >> 32, w.d, (simd_wide)simd_set_int((int32_t)k1));
        w.d = p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return w;
}

/* Words of SIMD_LANES blocks from `block` on, to out[16 * word + lane]. */
SIMD_INLINE void philox_blocks(uint64_t seed, uint64_t stream, uint64_t block, uint32_t *out)
{
    const simd_wide even_low = simd_set_wide(block & 0xffffffffu) + simd_even_lanes();
    const simd_wide high = simd_set_wide(block >> 32);
    const simd_wide stream_low = simd_set_wide(stream), stream_high = simd_set_wide(stream >> 32);
    const uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    const random_half even =
        philox_half((random_half){even_low, high, stream_low, stream_high}, k0, k1);
    const random_half odd =
        philox_half((random_half){even_low + 1, high, stream_low, stream_high}, k0, k1);
    int32_t *const to = (int32_t *)(void *)out;
    simd_store_ints(to, simd_interleave_wide(even.a, odd.a));
    simd_store_ints(to + 16, simd_interleave_wide(even.b, odd.b));
    simd_store_ints(to + 32, simd_interleave_wide(even.c, odd.c));
    simd_store_ints(to + 48, simd_interleave_wide(even.d, odd.d));
}

SIMD_INLINE void random_group_words(uint64_t seed, uint64_t stream, uint64_t group,
                                    uint32_t words[RANDOM_GROUP])
{
    const uint64_t block = group * RANDOM_BLOCKS; /* a multiple of 16: adding a lane can't carry */
    for (int part = 0; part < RANDOM_BLOCKS; part += SIMD_LANES)
        philox_blocks(seed, stream, block + (uint64_t)part, words + part);
}

#else

SIMD_INLINE void random_group_words(uint64_t seed, uint64_t stream, uint64_t group,
                                    uint32_t words[RANDOM_GROUP])
{
    const uint64_t block = group * RANDOM_BLOCKS; /* a multiple of 16: adding a lane can't carry */
    const uint32_t low = (uint32_t)block, high = (uint32_t)(block >> 32);
#pragma omp simd
    for (uint32_t lane = 0; lane < RANDOM_BLOCKS; ++lane) {
        const random_words counter = {low + lane, high, (uint32_t)stream, (uint32_t)(stream >> 32)};
        const random_words w = philox_lane(counter, (uint32_t)seed, (uint32_t)(seed >> 32));
        words[lane] = w.a;
        words[16 + lane] = w.b;
        words[32 + lane] = w.c;
        words[48 + lane] = w.d;
    }
}

#endif

#endif

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

#include "kernels/random/random.h"
#include "kernels/random/random_lanes.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)

typedef struct
    random_half { /* eight blocks; the upper halves of lanes are whatever products left there */
    __m512i a, b, c, d;
} random_half;

static inline __attribute__((always_inline)) random_half philox_half(random_half w, uint32_t k0,
                                                                     uint32_t k1)
{
    const __m512i m0 = _mm512_set1_epi64(0xD2511F53), m1 = _mm512_set1_epi64(0xCD9E8D57);
    enum { XOR3 = 0x96 };
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
        const __m512i p0 = _mm512_mul_epu32(w.a, m0), p1 = _mm512_mul_epu32(w.c, m1);
        w.a = _mm512_ternarylogic_epi64(_mm512_srli_epi64(p1, 32), w.b,
                                        _mm512_set1_epi32((int32_t)k0), XOR3);
        w.b = p1;
        w.c = _mm512_ternarylogic_epi64(_mm512_srli_epi64(p0, 32), w.d,
                                        _mm512_set1_epi32((int32_t)k1), XOR3);
        w.d = p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return w;
}

/* Low halves of `even` and of `odd`, interleaved. */
static inline __attribute__((always_inline)) void random_join(__m512i even, __m512i odd,
                                                              uint32_t *out)
{
    _mm512_storeu_si512(out, _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32)));
}

static inline __attribute__((always_inline)) void random_group_words(chirp_rng rng, uint64_t group,
                                                                     uint32_t words[RANDOM_GROUP])
{
    const uint64_t block = group * RANDOM_LANES; /* a multiple of 16: adding a lane can't carry */
    const __m512i lane = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    const __m512i even_low =
        _mm512_add_epi64(_mm512_set1_epi64((int64_t)(block & 0xffffffffu)), lane);
    const __m512i high = _mm512_set1_epi64((int64_t)(block >> 32));
    const __m512i stream_low = _mm512_set1_epi64((int64_t)rng.stream),
                  stream_high = _mm512_set1_epi64((int64_t)(rng.stream >> 32));
    const uint32_t k0 = (uint32_t)rng.seed, k1 = (uint32_t)(rng.seed >> 32);
    const random_half even =
        philox_half((random_half){even_low, high, stream_low, stream_high}, k0, k1);
    const __m512i odd_low = _mm512_add_epi64(even_low, _mm512_set1_epi64(1));
    const random_half odd =
        philox_half((random_half){odd_low, high, stream_low, stream_high}, k0, k1);
    random_join(even.a, odd.a, words);
    random_join(even.b, odd.b, words + 16);
    random_join(even.c, odd.c, words + 32);
    random_join(even.d, odd.d, words + 48);
}

#elif defined(__AVX2__)

typedef struct
    random_half { /* four blocks; the upper halves of lanes are whatever products left there */
    __m256i a, b, c, d;
} random_half;

static inline __attribute__((always_inline)) random_half philox_half(random_half w, uint32_t k0,
                                                                     uint32_t k1)
{
    const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
        const __m256i p0 = _mm256_mul_epu32(w.a, m0), p1 = _mm256_mul_epu32(w.c, m1);
        w.a = _mm256_xor_si256(_mm256_srli_epi64(p1, 32),
                               _mm256_xor_si256(w.b, _mm256_set1_epi32((int32_t)k0)));
        w.b = p1;
        w.c = _mm256_xor_si256(_mm256_srli_epi64(p0, 32),
                               _mm256_xor_si256(w.d, _mm256_set1_epi32((int32_t)k1)));
        w.d = p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return w;
}

/* Low halves of `even` and of `odd`, interleaved. */
static inline __attribute__((always_inline)) void random_join(__m256i even, __m256i odd,
                                                              uint32_t *out)
{
    _mm256_storeu_si256((__m256i *)(void *)out,
                        _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa));
}

static inline __attribute__((always_inline)) void random_group_words(chirp_rng rng, uint64_t group,
                                                                     uint32_t words[RANDOM_GROUP])
{
    const uint64_t block = group * RANDOM_LANES; /* a multiple of 16: adding a lane can't carry */
    const __m256i high = _mm256_set1_epi64x((int64_t)(block >> 32));
    const __m256i stream_low = _mm256_set1_epi64x((int64_t)rng.stream),
                  stream_high = _mm256_set1_epi64x((int64_t)(rng.stream >> 32));
    const uint32_t k0 = (uint32_t)rng.seed, k1 = (uint32_t)(rng.seed >> 32);
    for (int part = 0; part < 2; ++part) { /* eight blocks at a time: 16 registers hold no more */
        const __m256i even_low =
            _mm256_add_epi64(_mm256_set1_epi64x((int64_t)(block & 0xffffffffu) + 8 * part),
                             _mm256_setr_epi64x(0, 2, 4, 6));
        const random_half even =
            philox_half((random_half){even_low, high, stream_low, stream_high}, k0, k1);
        const __m256i odd_low = _mm256_add_epi64(even_low, _mm256_set1_epi64x(1));
        const random_half odd =
            philox_half((random_half){odd_low, high, stream_low, stream_high}, k0, k1);
        uint32_t *const out = words + 8 * part;
        random_join(even.a, odd.a, out);
        random_join(even.b, odd.b, out + 16);
        random_join(even.c, odd.c, out + 32);
        random_join(even.d, odd.d, out + 48);
    }
}

#else

static inline void random_group_words(chirp_rng rng, uint64_t group, uint32_t words[RANDOM_GROUP])
{
    const uint64_t block = group * RANDOM_LANES; /* a multiple of 16: adding a lane can't carry */
    const uint32_t low = (uint32_t)block, high = (uint32_t)(block >> 32);
#pragma omp simd
    for (uint32_t lane = 0; lane < RANDOM_LANES; ++lane) {
        const random_words counter = {low + lane, high, (uint32_t)rng.stream,
                                      (uint32_t)(rng.stream >> 32)};
        const random_words w = philox_lane(counter, (uint32_t)rng.seed, (uint32_t)(rng.seed >> 32));
        words[lane] = w.a;
        words[16 + lane] = w.b;
        words[32 + lane] = w.c;
        words[48 + lane] = w.d;
    }
}

#endif

#endif

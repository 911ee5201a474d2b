/* One lane of the generator: what a simd loop over 16 blocks inlines. For kernels only. */
#ifndef CHIRP_KERNELS_RANDOM_RANDOM_LANES_H
#define CHIRP_KERNELS_RANDOM_RANDOM_LANES_H

#include "kernels/simd/simd_math.h"

#include <math.h>
#include <stdint.h>

enum { RANDOM_BLOCKS = 16, RANDOM_GROUP = 64 /* draws of so many blocks */ };

typedef struct
    random_words { /* a struct, as an array would live in memory and stop the vectoriser */
    uint32_t a, b, c, d;
} random_words;

/* Ten rounds of Philox4x32 (Salmon et al. 2011, section 3.3 and table 2). */
SIMD_INLINE random_words philox_lane(random_words w, uint32_t k0, uint32_t k1)
{
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * w.a, p1 = (uint64_t)0xCD9E8D57u * w.c;
        w = (random_words){(uint32_t)(p1 >> 32) ^ w.b ^ k0, (uint32_t)p1,
                           (uint32_t)(p0 >> 32) ^ w.d ^ k1, (uint32_t)p0};
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return w;
}

/*
 * cos and sin of an angle that is uniform on the circle: the top two bits of w are the quadrant, the others the
 * position within it, from -pi/4 to pi/4. Polynomial errors: sin 5e-9 relative, cos 3e-8.
 */
SIMD_INLINE void circle_lane(uint32_t w, float *cosine, float *sine)
{
    const float f = (float)(int32_t)(w << 2) * 0x1p-32f; /* in quarter turns */
    const float y = f * f;
    float s = -4.602149213e-03f;
    s = s * y + 7.968021765e-02f;
    s = s * y - 6.459634777e-01f;
    s = s * y + 1.570796322f;
    s *= f;
    float c = -2.040815839e-02f;
    c = c * y + 2.535985713e-01f;
    c = c * y - 1.233697007f;
    c = c * y + 9.999999723e-01f;
    const uint32_t quadrant = w >> 30;
    const uint32_t swap = 0u - (quadrant & 1u); /* all ones in odd quadrants */
    const uint32_t cb = bits_of_float(c), sb = bits_of_float(s);
    *cosine = float_of_bits(((cb & ~swap) | (sb & swap)) ^ (((quadrant + 1u) & 2u) << 30));
    *sine = float_of_bits(((sb & ~swap) | (cb & swap)) ^ ((quadrant & 2u) << 30));
}

/* Two independent standard normals from two words (Box and Muller 1958). |z| <= sqrt(2 * 32 * ln 2) = 6.66. */
SIMD_INLINE void normal_lane(uint32_t w0, uint32_t w1, float *z0, float *z1)
{
    /* u in [2^-32, 1]: 31 bits, as a signed conversion is one instruction everywhere; log 1 = 0 is harmless */
    const float u = ((float)(int32_t)(w0 >> 1) + 0.5f) * 0x1p-31f;
    const float r = sqrtf(-2.0f * log_lane(u));
    float c, s;
    circle_lane(w1, &c, &s);
    *z0 = r * c;
    *z1 = r * s;
}

#endif

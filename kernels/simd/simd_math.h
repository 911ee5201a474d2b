/*
 * exp, log, softplus and its derivative of one number, branch-free: what a simd loop over many numbers inlines. The same
 * bits in every lane of every instruction set that has fused multiply-adds. For kernels only.
 *
 * softplus(rho) = log(1 + exp(rho)); its derivative is the logistic function. With a = |rho| and t = exp(-a) in (0, 1]:
 *     softplus = max(rho, 0) + log1p(t)        logistic = 1/(1+t) for rho >= 0, t/(1+t) below
 * so that nothing overflows and nothing cancels.
 */
#ifndef CHIRP_KERNELS_SIMD_SIMD_MATH_H
#define CHIRP_KERNELS_SIMD_SIMD_MATH_H

#include "kernels/simd/simd.h"

#include <stdint.h>
#include <string.h>

SIMD_INLINE float float_of_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

SIMD_INLINE uint32_t bits_of_float(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

/*
 * log of a positive normal float: |error| <= 1e-7 * |log x| + 3e-8 (tested at every exponent).
 * x = m 2^e with m in [sqrt(1/2), sqrt(2)); log m = f - f^2/2 + f^3 p(f), f = m - 1 exact; p interpolates at
 * Chebyshev nodes, error 1.9e-7 * |f|^3.
 */
SIMD_INLINE float log_lane(float x)
{
    const uint32_t shifted =
        bits_of_float(x) - 0x3f3504f3u; /* moves the cut of the exponent to sqrt(1/2) */
    const float e = (float)((int32_t)shifted >> 23);
    const float f = float_of_bits((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float p = -7.902743771e-02f;
    p = p * f + 1.262231985e-01f;
    p = p * f - 1.299818376e-01f;
    p = p * f + 1.421449592e-01f;
    p = p * f - 1.664128146e-01f;
    p = p * f + 2.000104509e-01f;
    p = p * f - 2.500030642e-01f;
    p = p * f + 3.333333073e-01f;
    const float f2 = f * f;
    /* ln 2 in two parts: the first has 9 bits, so that its product with e is exact */
    const float low = e * -2.12194440e-4f + (f * f2 * p - 0.5f * f2);
    return e * 0.693359375f + (f + low);
}

/*
 * exp(-a) for a >= 0: relative error below 1.5e-7. a is cut at 87, before results leave the normal numbers:
 * softplus stays at 1.6e-38 below rho = -87, so that 1/sigma and logistic/sigma are finite everywhere.
 */
SIMD_INLINE float exp_minus_lane(float a)
{
    const float x = -(a > 87.0f ? 87.0f : a); /* written so that NaN goes through */
    const float magic =
        0x1.8p23f; /* adding it rounds to an integer, which is then in the low bits */
    const float shifted = x * 1.44269504f + magic;
    const float n = shifted - magic;
    /* ln 2 in two parts, the first with 9 bits: n * high is exact */
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.394110844e-03f; /* degree 6 on [-ln2/2, ln2/2], error 2e-9 */
    p = p * r + 8.375126398e-03f;
    p = p * r + 4.166635290e-02f;
    p = p * r + 1.666641551e-01f;
    p = p * r + 5.000000047e-01f;
    p = p * r + 1.000000038e+00f;
    p = p * r + 1.0f;
    /* the exponent field of 2^n; the magic's own bits are shifted out */
    return p * float_of_bits((bits_of_float(shifted) + 127u) << 23);
}

/* log1p(t), t in (0, 1]: t times a polynomial of degree 9, relative error 5e-9 plus rounding */
SIMD_INLINE float log1p_lane(float t)
{
    float p = -3.176057020e-03f;
    p = p * t + 1.954252726e-02f;
    p = p * t - 5.637361283e-02f;
    p = p * t + 1.054362380e-01f;
    p = p * t - 1.526966707e-01f;
    p = p * t + 1.966327426e-01f;
    p = p * t - 2.495161626e-01f;
    p = p * t + 3.332971050e-01f;
    p = p * t - 4.999989265e-01f;
    p = p * t + 9.999999947e-01f;
    return p * t;
}

SIMD_INLINE float abs_lane(float x) { return x < 0.0f ? -x : x; }

SIMD_INLINE float softplus_lane(float rho)
{
    return (rho > 0.0f ? rho : 0.0f) + log1p_lane(exp_minus_lane(abs_lane(rho)));
}

/* softplus and logistic from one exponential */
SIMD_INLINE void softplus_logistic_lane(float rho, float *softplus, float *logistic)
{
    const float t = exp_minus_lane(abs_lane(rho));
    *softplus = (rho > 0.0f ? rho : 0.0f) + log1p_lane(t);
    *logistic = (rho >= 0.0f ? 1.0f : t) / (1.0f + t);
}

/* The same in double, for sums that must hold many digits; relative errors below 4e-16 plus rounding. */
SIMD_INLINE double exp_minus_lane_double(double a)
{
    const double x = -(a > 700.0 ? 700.0 : a);
    const double magic = 0x1.8p52;
    const double shifted = x * 1.4426950408889634 + magic;
    const double n = shifted - magic;
    const double r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
    double p = 2.5110037605963777e-08; /* degree 11, error 3e-18 */
    p = p * r + 2.7632639639041029e-07;
    p = p * r + 2.755724091857897e-06;
    p = p * r + 2.4801485482328494e-05;
    p = p * r + 0.00019841269890047113;
    p = p * r + 0.0013888888952314775;
    p = p * r + 0.0083333333333196011;
    p = p * r + 0.041666666666488099;
    p = p * r + 0.1666666666666668;
    p = p * r + 0.50000000000000189;
    p = p * r + 1.0;
    p = p * r + 1.0;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023u) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

/* log((1+s)/(1-s)) / s as a polynomial in y = s^2, y <= 1/9, error 1e-16 */
SIMD_INLINE double atanh_ratio_lane(double y)
{
    double p = 0.17780763826113302;
    p = p * y + 0.098807890487647862;
    p = p * y + 0.13591305485579894;
    p = p * y + 0.15363676248891633;
    p = p * y + 0.18182859800473911;
    p = p * y + 0.22222190861346283;
    p = p * y + 0.28571429111657159;
    p = p * y + 0.399999999952876;
    p = p * y + 0.66666666666682572;
    p = p * y + 2.0;
    return p;
}

SIMD_INLINE double softplus_lane_double(double rho)
{
    const double t = exp_minus_lane_double(rho < 0.0 ? -rho : rho);
    const double s = t / (2.0 + t); /* (1+s)/(1-s) = 1 + t */
    return (rho > 0.0 ? rho : 0.0) + s * atanh_ratio_lane(s * s);
}

/* x = f 2^(e - 1023) with f in [1, 2), for a positive normal number; e as a double, as AVX2 lacks the conversion */
SIMD_INLINE void split_lane_double(double x, double *e, double *f)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t exponent = (bits >> 52) | 0x4330000000000000u; /* the bits of 2^52 + e */
    const uint64_t mantissa = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
    memcpy(e, &exponent, sizeof *e);
    memcpy(f, &mantissa, sizeof *f);
    *e -= 0x1p52;
}

#endif

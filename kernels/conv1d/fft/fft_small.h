/*
 * Straight-line complex Fourier transforms of 2 to 16 points on vectors of channels.
 *
 * One "point" is a vector of SIMD_LANES channels, so a butterfly never shuffles. Real and imaginary parts
 * live in two arrays of vectors that a caller keeps in local variables: every index here is a constant once
 * inlined, so that the compiler turns the arrays into registers.
 *
 *     X[k] = sum_n x[n] exp(-2 pi i n k / N),  in place, natural order in and out
 *
 * Internal to kernels/conv1d.
 */
#ifndef CHIRP_KERNELS_CONV1D_FFT_SMALL_H
#define CHIRP_KERNELS_CONV1D_FFT_SMALL_H

#include "kernels/simd/simd.h"

static const float fft_sqrt1_2 = 0.70710678118654752440F;

SIMD_INLINE void fft_dft2(simd_float *re, simd_float *im, int a, int b)
{
    const simd_float r = re[a] - re[b];
    const simd_float i = im[a] - im[b];
    re[a] += re[b];
    im[a] += im[b];
    re[b] = r;
    im[b] = i;
}

/* points a, b, c; the results of k = 0, 1, 2 land in a, b, c */
SIMD_INLINE void fft_dft3(simd_float *re, simd_float *im, int a, int b, int c)
{
    const float half_sqrt3 = 0.86602540378443864676F;
    const simd_float sum_re = re[b] + re[c];
    const simd_float sum_im = im[b] + im[c];
    const simd_float dif_re = half_sqrt3 * (re[b] - re[c]);
    const simd_float dif_im = half_sqrt3 * (im[b] - im[c]);
    const simd_float mid_re = re[a] - 0.5F * sum_re;
    const simd_float mid_im = im[a] - 0.5F * sum_im;
    re[a] += sum_re;
    im[a] += sum_im;
    re[b] = mid_re + dif_im;
    im[b] = mid_im - dif_re;
    re[c] = mid_re - dif_im;
    im[c] = mid_im + dif_re;
}

SIMD_INLINE void fft_dft4(simd_float *re, simd_float *im, int a, int b, int c, int d)
{
    const simd_float s0r = re[a] + re[c];
    const simd_float s0i = im[a] + im[c];
    const simd_float d0r = re[a] - re[c];
    const simd_float d0i = im[a] - im[c];
    const simd_float s1r = re[b] + re[d];
    const simd_float s1i = im[b] + im[d];
    const simd_float d1r = re[b] - re[d];
    const simd_float d1i = im[b] - im[d];
    re[a] = s0r + s1r;
    im[a] = s0i + s1i;
    re[b] = d0r + d1i;
    im[b] = d0i - d1r;
    re[c] = s0r - s1r;
    im[c] = s0i - s1i;
    re[d] = d0r - d1i;
    im[d] = d0i + d1r;
}

/* Rader's symmetric and antisymmetric halves of the 5-point transform */
SIMD_INLINE void fft_dft5(simd_float *re, simd_float *im, int a, int b, int c, int d, int e)
{
    const float cos1 = 0.30901699437494742410F;
    const float cos2 = -0.80901699437494742410F;
    const float sin1 = 0.95105651629515357212F;
    const float sin2 = 0.58778525229247312917F;
    const simd_float s1r = re[b] + re[e];
    const simd_float s1i = im[b] + im[e];
    const simd_float d1r = re[b] - re[e];
    const simd_float d1i = im[b] - im[e];
    const simd_float s2r = re[c] + re[d];
    const simd_float s2i = im[c] + im[d];
    const simd_float d2r = re[c] - re[d];
    const simd_float d2i = im[c] - im[d];
    const simd_float m1r = re[a] + cos1 * s1r + cos2 * s2r;
    const simd_float m1i = im[a] + cos1 * s1i + cos2 * s2i;
    const simd_float m2r = re[a] + cos2 * s1r + cos1 * s2r;
    const simd_float m2i = im[a] + cos2 * s1i + cos1 * s2i;
    const simd_float n1r = sin1 * d1r + sin2 * d2r;
    const simd_float n1i = sin1 * d1i + sin2 * d2i;
    const simd_float n2r = sin2 * d1r - sin1 * d2r;
    const simd_float n2i = sin2 * d1i - sin1 * d2i;
    re[a] += s1r + s2r;
    im[a] += s1i + s2i;
    re[b] = m1r + n1i;
    im[b] = m1i - n1r;
    re[c] = m2r + n2i;
    im[c] = m2i - n2r;
    re[d] = m2r - n2i;
    im[d] = m2i + n2r;
    re[e] = m1r - n1i;
    im[e] = m1i + n1r;
}

SIMD_INLINE void fft_swap(simd_float *re, simd_float *im, int a, int b)
{
    const simd_float r = re[a];
    const simd_float i = im[a];
    re[a] = re[b];
    im[a] = im[b];
    re[b] = r;
    im[b] = i;
}

/* x[a] *= c - i s */
SIMD_INLINE void fft_rotate(simd_float *re, simd_float *im, int a, float c, float s)
{
    const simd_float r = re[a] * c + im[a] * s;
    im[a] = im[a] * c - re[a] * s;
    re[a] = r;
}

/* Even points, odd points, twiddles exp(-i pi k/4), butterflies. */
SIMD_INLINE void fft_dft8(simd_float *re, simd_float *im)
{
    fft_dft4(re, im, 0, 2, 4, 6); /* results k = 0..3 in 0, 2, 4, 6 */
    fft_dft4(re, im, 1, 3, 5, 7); /* results k = 0..3 in 1, 3, 5, 7 */
    const simd_float r3 = fft_sqrt1_2 * (re[3] + im[3]);
    const simd_float i3 = fft_sqrt1_2 * (im[3] - re[3]);
    const simd_float r5 = im[5];
    const simd_float i5 = -re[5];
    const simd_float r7 = fft_sqrt1_2 * (im[7] - re[7]);
    const simd_float i7 = -fft_sqrt1_2 * (re[7] + im[7]);
    const simd_float e0r = re[0], e0i = im[0], e1r = re[2], e1i = im[2];
    const simd_float e2r = re[4], e2i = im[4], e3r = re[6], e3i = im[6];
    const simd_float o0r = re[1], o0i = im[1];
    re[0] = e0r + o0r;
    im[0] = e0i + o0i;
    re[4] = e0r - o0r;
    im[4] = e0i - o0i;
    re[1] = e1r + r3;
    im[1] = e1i + i3;
    re[5] = e1r - r3;
    im[5] = e1i - i3;
    re[2] = e2r + r5;
    im[2] = e2i + i5;
    re[6] = e2r - r5;
    im[6] = e2i - i5;
    re[3] = e3r + r7;
    im[3] = e3i + i7;
    re[7] = e3r - r7;
    im[7] = e3i - i7;
}

/* 6 = 2 x 3 by the prime-factor map n = (3 n1 + 2 n2) mod 6, k = (3 k1 + 4 k2) mod 6: no twiddles. */
SIMD_INLINE void fft_dft6(simd_float *re, simd_float *im)
{
    fft_dft3(re, im, 0, 2, 4); /* n1 = 0; k2 = 0, 1, 2 */
    fft_dft3(re, im, 3, 5, 1); /* n1 = 1 */
    fft_dft2(re, im, 0, 3);    /* k2 = 0: k = 0, 3 */
    fft_dft2(re, im, 2, 5);    /* k2 = 1: k = 4, 1 */
    fft_dft2(re, im, 4, 1);    /* k2 = 2: k = 2, 5 */
    /* slot:   0 1 2 3 4 5   holds k: 0 5 4 3 2 1 */
    fft_swap(re, im, 1, 5);
    fft_swap(re, im, 2, 4);
}

/* 10 = 2 x 5 by the prime-factor map n = (5 n1 + 2 n2) mod 10, k = (5 k1 + 6 k2) mod 10. */
SIMD_INLINE void fft_dft10(simd_float *re, simd_float *im)
{
    fft_dft5(re, im, 0, 2, 4, 6, 8); /* n1 = 0; k2 = 0..4 in 0, 2, 4, 6, 8 */
    fft_dft5(re, im, 5, 7, 9, 1, 3); /* n1 = 1; k2 = 0..4 in 5, 7, 9, 1, 3 */
    fft_dft2(re, im, 0, 5);          /* k2 = 0: k = 0, 5 */
    fft_dft2(re, im, 2, 7);          /* k2 = 1: k = 6, 1 */
    fft_dft2(re, im, 4, 9);          /* k2 = 2: k = 2, 7 */
    fft_dft2(re, im, 6, 1);          /* k2 = 3: k = 8, 3 */
    fft_dft2(re, im, 8, 3);          /* k2 = 4: k = 4, 9 */
    /* slot:   0 1 2 3 4 5 6 7 8 9   holds k: 0 3 6 9 2 5 8 1 4 7 */
    const simd_float r1 = re[1], i1 = im[1], r2 = re[2], i2 = im[2];
    re[1] = re[7];
    im[1] = im[7];
    re[7] = re[9];
    im[7] = im[9];
    re[9] = re[3];
    im[9] = im[3];
    re[3] = r1;
    im[3] = i1;
    re[2] = re[4];
    im[2] = im[4];
    re[4] = re[8];
    im[4] = im[8];
    re[8] = re[6];
    im[8] = im[6];
    re[6] = r2;
    im[6] = i2;
}

/* 12 = 3 x 4 by the prime-factor map n = (4 n1 + 3 n2) mod 12, k = (4 k1 + 9 k2) mod 12. */
SIMD_INLINE void fft_dft12(simd_float *re, simd_float *im)
{
    fft_dft3(re, im, 0, 4, 8);     /* n2 = 0; k1 = 0, 1, 2 */
    fft_dft3(re, im, 3, 7, 11);    /* n2 = 1 */
    fft_dft3(re, im, 6, 10, 2);    /* n2 = 2 */
    fft_dft3(re, im, 9, 1, 5);     /* n2 = 3 */
    fft_dft4(re, im, 0, 3, 6, 9);  /* k1 = 0: k = 0, 9, 6, 3 */
    fft_dft4(re, im, 4, 7, 10, 1); /* k1 = 1: k = 4, 1, 10, 7 */
    fft_dft4(re, im, 8, 11, 2, 5); /* k1 = 2: k = 8, 5, 2, 11 */
    /* slot:   0 1 2 3 4 5  6 7 8 9 10 11   holds k: 0 7 2 9 4 11 6 1 8 3 10 5 */
    fft_swap(re, im, 1, 7);
    fft_swap(re, im, 3, 9);
    fft_swap(re, im, 5, 11);
}

/* 16 = 4 x 4: n = 4 n1 + n2, k = k1 + 4 k2, twiddles exp(-2 pi i n2 k1 / 16). */
SIMD_INLINE void fft_dft16(simd_float *re, simd_float *im)
{
    const float c1 = 0.92387953251128675613F;
    const float s1 = 0.38268343236508977173F;
    fft_dft4(re, im, 0, 4, 8, 12); /* slot 4 k1 + n2 from here on */
    fft_dft4(re, im, 1, 5, 9, 13);
    fft_dft4(re, im, 2, 6, 10, 14);
    fft_dft4(re, im, 3, 7, 11, 15);
    fft_rotate(re, im, 5, c1, s1);
    fft_rotate(re, im, 6, fft_sqrt1_2, fft_sqrt1_2);
    fft_rotate(re, im, 7, s1, c1);
    fft_rotate(re, im, 9, fft_sqrt1_2, fft_sqrt1_2);
    const simd_float r10 = im[10]; /* k1 = n2 = 2: times -i */
    im[10] = -re[10];
    re[10] = r10;
    fft_rotate(re, im, 11, -fft_sqrt1_2, fft_sqrt1_2);
    fft_rotate(re, im, 13, s1, c1);
    fft_rotate(re, im, 14, -fft_sqrt1_2, fft_sqrt1_2);
    fft_rotate(re, im, 15, -c1, -s1);
    fft_dft4(re, im, 0, 1, 2, 3); /* slot 4 k1 + k2 */
    fft_dft4(re, im, 4, 5, 6, 7);
    fft_dft4(re, im, 8, 9, 10, 11);
    fft_dft4(re, im, 12, 13, 14, 15);
    fft_swap(re, im, 1, 4);
    fft_swap(re, im, 2, 8);
    fft_swap(re, im, 3, 12);
    fft_swap(re, im, 6, 9);
    fft_swap(re, im, 7, 13);
    fft_swap(re, im, 11, 14);
}

/* n is a constant at every call: one case survives */
SIMD_INLINE void fft_dft(int n, simd_float *re, simd_float *im)
{
    switch (n) {
    case 4:
        fft_dft4(re, im, 0, 1, 2, 3);
        break;
    case 6:
        fft_dft6(re, im);
        break;
    case 8:
        fft_dft8(re, im);
        break;
    case 10:
        fft_dft10(re, im);
        break;
    case 12:
        fft_dft12(re, im);
        break;
    case 16:
        fft_dft16(re, im);
        break;
    default:
        break;
    }
}

#endif

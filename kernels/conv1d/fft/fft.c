/*
 * Two passes over a tile in L1: n = N2 n1 + n2, k = k1 + N1 k2,
 *
 *     Z[k1 + N1 k2] = sum_{n2} exp(-2 pi i n2 k2 / N2) exp(-2 pi i n2 k1 / T) y[k1][n2]
 *     y[k1][n2]     = sum_{n1} exp(-2 pi i n1 k1 / N1) z[N2 n1 + n2]
 *
 * The bodies are written once; `first` and `second` are constants in every instance, so loops over a factor unroll
 * into straight-line code on registers, and which half of the spectrum a point belongs to is known when compiled.
 */
#include "kernels/conv1d/fft/fft.h"

#include "kernels/conv1d/fft/fft_small.h"

#include <math.h>

enum { LANES = SIMD_LANES, FFT_MAX_FACTOR = 16 };

#define FFT_UNROLL _Pragma("GCC unroll 16")

/* Transforms of the first factor and twiddles, into work [k1][n2][re, im][lanes]. */
SIMD_INLINE void finish_first(int first, int second, int n2, const float *twiddle, simd_float *re,
                              simd_float *im, float *work)
{
    fft_dft(first, re, im);
    const float *w = twiddle + (ptrdiff_t)n2 * (first - 1) * 2;
    simd_store(work + (ptrdiff_t)n2 * 2 * LANES, re[0]);
    simd_store(work + ((ptrdiff_t)n2 * 2 + 1) * LANES, im[0]);
    FFT_UNROLL
    for (int k1 = 1; k1 < first; ++k1) {
        const float c = w[(k1 - 1) * 2];
        const float s = w[(k1 - 1) * 2 + 1];
        float *to = work + ((ptrdiff_t)k1 * second + n2) * 2 * LANES;
        simd_store(to, re[k1] * c + im[k1] * s);
        simd_store(to + LANES, im[k1] * c - re[k1] * s);
    }
}

SIMD_INLINE void first_pass(int first, int second, const float *twiddle, const conv1d_signals *in,
                            float *work)
{
    for (int n2 = 0; n2 < second; ++n2) {
        simd_float re[FFT_MAX_FACTOR], im[FFT_MAX_FACTOR];
        FFT_UNROLL
        for (int n1 = 0; n1 < first; ++n1) {
            const ptrdiff_t at = (ptrdiff_t)(n1 * second + n2) * in->time;
            re[n1] = simd_load(in->re + at);
            im[n1] = simd_load(in->im + at);
        }
        finish_first(first, second, n2, twiddle, re, im, work);
    }
}

SIMD_INLINE void load_second(int second, int k1, const float *work, simd_float *re, simd_float *im)
{
    FFT_UNROLL
    for (int n2 = 0; n2 < second; ++n2) {
        const float *from = work + ((ptrdiff_t)k1 * second + n2) * 2 * LANES;
        re[n2] = simd_load(from);
        im[n2] = simd_load(from + LANES);
    }
    fft_dft(second, re, im);
}

SIMD_INLINE void second_pass(int first, int second, const float *work, const conv1d_signals *out)
{
    for (int k1 = 0; k1 < first; ++k1) {
        simd_float re[FFT_MAX_FACTOR], im[FFT_MAX_FACTOR];
        load_second(second, k1, work, re, im);
        FFT_UNROLL
        for (int k2 = 0; k2 < second; ++k2) {
            const ptrdiff_t at = (ptrdiff_t)(k1 + first * k2) * out->time;
            simd_store(out->re + at, re[k2]);
            simd_store(out->im + at, im[k2]);
        }
    }
}

SIMD_INLINE void second_pass_spectrum(int first, int second, const float *work,
                                      const conv1d_spectrum *out)
{
    const int T = first * second;
    for (int k1 = 0; k1 < first; ++k1) {
        simd_float re[FFT_MAX_FACTOR], im[FFT_MAX_FACTOR];
        load_second(second, k1, work, re, im);
        FFT_UNROLL
        for (int k2 = 0; k2 < second; ++k2) {
            const int k = k1 + first * k2;
            if (k2 % (second / 2) == 0 && k1 == 0) { /* k = 0 or T/2 */
                simd_store(out->at + k * out->frequency, re[k2]);
                simd_store(out->at + k * out->frequency + out->row, im[k2]);
            } else if (k2 < second / 2) {
                simd_store(out->at + k * out->frequency, re[k2]);
                simd_store(out->at + k * out->frequency + out->plane, im[k2]);
            } else {
                float *at = out->at + (T - k) * out->frequency + out->row;
                simd_store(at, re[k2]);
                simd_store(at + out->plane, -im[k2]);
            }
        }
    }
}

/* exp(+...) by exchanging real and imaginary parts of input and output */
SIMD_INLINE void first_pass_spectrum(int first, int second, const float *twiddle,
                                     const conv1d_spectrum *in, float *work)
{
    const int T = first * second;
    for (int n2 = 0; n2 < second; ++n2) {
        simd_float re[FFT_MAX_FACTOR], im[FFT_MAX_FACTOR];
        FFT_UNROLL
        for (int n1 = 0; n1 < first; ++n1) {
            const int k = n1 * second + n2;
            if (n1 % (first / 2) == 0 && n2 == 0) {
                im[n1] = simd_load(in->at + k * in->frequency);
                re[n1] = simd_load(in->at + k * in->frequency + in->row);
            } else if (n1 < first / 2) {
                im[n1] = simd_load(in->at + k * in->frequency);
                re[n1] = simd_load(in->at + k * in->frequency + in->plane);
            } else {
                const float *at = in->at + (T - k) * in->frequency + in->row;
                im[n1] = simd_load(at);
                re[n1] = -simd_load(at + in->plane);
            }
        }
        finish_first(first, second, n2, twiddle, re, im, work);
    }
}

/* Three functions of one length. */
#define FFT_INSTANCE(first, second)                                                                \
    static void plain_##first##x##second(const float *twiddle, const conv1d_signals *in,           \
                                         float *work, const conv1d_signals *out)                   \
    {                                                                                              \
        first_pass(first, second, twiddle, in, work);                                              \
        second_pass(first, second, work, out);                                                     \
    }                                                                                              \
    static void forward_##first##x##second(const float *twiddle, const conv1d_signals *in,         \
                                           float *work, const conv1d_spectrum *out)                \
    {                                                                                              \
        first_pass(first, second, twiddle, in, work);                                              \
        second_pass_spectrum(first, second, work, out);                                            \
    }                                                                                              \
    static void inverse_##first##x##second(const float *twiddle, const conv1d_spectrum *in,        \
                                           float *work, const conv1d_signals *out)                 \
    {                                                                                              \
        first_pass_spectrum(first, second, twiddle, in, work);                                     \
        second_pass(first, second, work,                                                           \
                    &(conv1d_signals){.re = out->im, .im = out->re, .time = out->time});           \
    }

FFT_INSTANCE(4, 4)
FFT_INSTANCE(4, 8)
FFT_INSTANCE(6, 8)
FFT_INSTANCE(8, 8)
FFT_INSTANCE(8, 10)
FFT_INSTANCE(8, 12)
FFT_INSTANCE(8, 16)
FFT_INSTANCE(10, 16)
FFT_INSTANCE(12, 16)
FFT_INSTANCE(16, 16)

#define FFT_ENTRY(first, second)                                                                   \
    {                                                                                              \
        .length = (first) * (second), .factor = first, .plain = plain_##first##x##second,          \
        .forward = forward_##first##x##second, .inverse = inverse_##first##x##second               \
    }

static const conv1d_fft ffts[] = {
    FFT_ENTRY(4, 4),  FFT_ENTRY(4, 8),  FFT_ENTRY(6, 8),   FFT_ENTRY(8, 8),   FFT_ENTRY(8, 10),
    FFT_ENTRY(8, 12), FFT_ENTRY(8, 16), FFT_ENTRY(10, 16), FFT_ENTRY(12, 16), FFT_ENTRY(16, 16),
};

const conv1d_fft *conv1d_ffts(size_t *n)
{
    *n = sizeof ffts / sizeof *ffts;
    return ffts;
}

int64_t conv1d_fft_twiddle_floats(const conv1d_fft *fft)
{
    return (int64_t)(fft->length / fft->factor) * (fft->factor - 1) * 2;
}

void conv1d_fft_twiddle(const conv1d_fft *fft, float *twiddle)
{
    const double turn = 2.0 * 3.14159265358979323846 / fft->length;
    for (int n2 = 0; n2 < fft->length / fft->factor; ++n2) {
        for (int k1 = 1; k1 < fft->factor; ++k1) {
            *twiddle++ = (float)cos(turn * n2 * k1);
            *twiddle++ = (float)sin(turn * n2 * k1);
        }
    }
}

int64_t conv1d_fft_work_floats(const conv1d_fft *fft) { return (int64_t)fft->length * 2 * LANES; }

int conv1d_fft_lanes(void) { return LANES; }

double conv1d_fft_flops(int length) { return 5.0 * length * log2((double)length); }

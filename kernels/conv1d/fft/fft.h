/**
 * Complex Fourier transforms of 16 to 256 points, of a vector of channels at once.
 *
 * Each transforms TWO real signals x0 and x1 (two interleaved phases of a dilated signal, or two tiles) as
 * z = x0 + i x1, into or out of a block of spectra that small matrix products read:
 *
 *     rows u = Z[f],  v = conj(Z[T - f]),   f = 0 .. T/2      (u = X0 + i X1, v = X0 - i X1)
 *
 * Both rows belong to frequency f, and a real filter multiplies both by the same complex number, so X0 and X1 are
 * never separated. At f = 0 and T/2 the spectra of x0 and x1 are real: row u of plane 0 holds X0, row v X1.
 *
 * A spectrum has two planes, re and im, of one float per channel, row and frequency.
 *
 * Unscaled in both directions. All strides are in floats; no address needs more than a float's alignment.
 * Source: Cooley & Tukey 1965 (two factors, twiddles between), Good 1958 (factors 6, 10, 12 without twiddles).
 * Private to kernels/conv1d.
 */
#ifndef CHIRP_KERNELS_CONV1D_FFT_H
#define CHIRP_KERNELS_CONV1D_FFT_H

#include <stddef.h>
#include <stdint.h>

typedef struct conv1d_spectrum {
    float *at;                     /**< frequency 0, plane 0, row u, first channel of the lanes */
    int64_t frequency, plane, row; /**< strides [floats]; row: from u to v */
} conv1d_spectrum;

typedef struct conv1d_signals {
    float *re, *im; /**< x0 and x1 at time 0, first channel of the lanes */
    int64_t time;   /**< stride between points [floats] */
} conv1d_signals;

typedef struct conv1d_fft {
    int length;
    int factor; /**< first factor; length/factor is the second */
    /** z -> Z in natural order */
    void (*plain)(const float *twiddle, const conv1d_signals *in, float *work,
                  const conv1d_signals *out);
    /** z -> rows u and v */
    void (*forward)(const float *twiddle, const conv1d_signals *in, float *work,
                    const conv1d_spectrum *out);
    /** sum over f exp(+2 pi i f t / T): T times the signals */
    void (*inverse)(const float *twiddle, const conv1d_spectrum *in, float *work,
                    const conv1d_signals *out);
} conv1d_fft;

/** Every length there is, ascending. @param n  receives their number */
const conv1d_fft *conv1d_ffts(size_t *n);

/** Floats in the twiddle table of a length. */
int64_t conv1d_fft_twiddle_floats(const conv1d_fft *fft);

/** Fills the table. */
void conv1d_fft_twiddle(const conv1d_fft *fft, float *twiddle);

/** Floats of work space a call needs. */
int64_t conv1d_fft_work_floats(const conv1d_fft *fft);

/** Channels that a call transforms: the floats of a vector of the instruction set compiled for. */
int conv1d_fft_lanes(void);

/** Additions and multiplications of one transform of one lane, counted roughly: 5 T log2 T [flop]. */
double conv1d_fft_flops(int length);

#endif

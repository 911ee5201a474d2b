/**
 * FFTW plans (private to model/signal). Planning is not thread-safe in FFTW: everything here takes one lock. Plans are made
 * with FFTW_ESTIMATE, which is deterministic: measured plans would differ from run to run and change signals in their last bits.
 */
#ifndef CHIRP_MODEL_SIGNAL_TRANSFORM_H
#define CHIRP_MODEL_SIGNAL_TRANSFORM_H

#include "harness/base/status.h"

#include <fftw3.h>
#include <stdint.h>

/**
 * Unnormalised inverse real transform of a band, second half of the result only, in single precision:
 *     x[j] = sum over bins k = first .. first + n_bins - 1 of both signs of X_k exp(2 pi i j k/n),   j = n/2 .. n - 1
 *
 * Done as a complex transform of half the length, of which bins outside the band cost nothing. A band that ends below 0.27 of half the
 * sample rate (1000 Hz of 8192 does) is transformed at that half rate and interpolated by a half-band filter of 20 taps (Kaiser,
 * 130 dB): four times faster than FFTW's own real transform. Accuracy: 2e-6 of the largest |x|.
 */
typedef struct chirp_band_transform chirp_band_transform;

/** @param n  real samples, a multiple of 8; 0 < first, first + n_bins <= n/2 */
chirp_status chirp_band_transform_create(int64_t n, int64_t first, int64_t n_bins,
                                         chirp_band_transform **transform);
void chirp_band_transform_destroy(chirp_band_transform *transform); /**< accepts NULL */

/** Floats of the work array of a thread; the caller allocates it with chirp_calloc() and leaves it alone between calls. */
size_t chirp_band_transform_work(const chirp_band_transform *transform);

/**
 * @param spectrum  [2 * n_bins] real and imaginary parts in turn
 * @param work      from chirp_calloc()
 * @param x         [n/2]
 */
void chirp_band_transform_execute(const chirp_band_transform *transform, const float *spectrum,
                                  float *work, float *x);

/** Around every call of an FFTW planner. */
void chirp_transform_lock(void);
void chirp_transform_unlock(void);

/** In place on two double arrays made with chirp_alloc(): real [n] <-> complex [n/2 + 1]. For strain files; plans and executes. */
chirp_status chirp_transform_forward(int64_t n, double *real, fftw_complex *spectrum);
/** Unnormalised; `spectrum` is destroyed. */
chirp_status chirp_transform_inverse(int64_t n, fftw_complex *spectrum, double *real);

#endif

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
 * Unnormalised inverse real transform in single precision: [n/2 + 1] complex -> [n] real. Execute with
 * fftwf_execute_dft_c2r() on arrays from chirp_alloc(), from any thread; the spectrum is destroyed.
 */
chirp_status chirp_transform_inverse_f(int64_t n, fftwf_plan *plan);
void chirp_transform_destroy_f(fftwf_plan plan); /**< accepts NULL */

/** In place on two double arrays made with chirp_alloc(): real [n] <-> complex [n/2 + 1]. For strain files; plans and executes. */
chirp_status chirp_transform_forward(int64_t n, double *real, fftw_complex *spectrum);
/** Unnormalised; `spectrum` is destroyed. */
chirp_status chirp_transform_inverse(int64_t n, fftw_complex *spectrum, double *real);

#endif

/** What a generator is made of (private to model/signal). */
#ifndef CHIRP_MODEL_SIGNAL_GENERATOR_INTERNAL_H
#define CHIRP_MODEL_SIGNAL_GENERATOR_INTERNAL_H

#include "model/signal/generator.h"
#include "model/signal/noise.h"
#include "model/signal/phenomd_grid.h"
#include "model/signal/strain.h"
#include "model/signal/transform.h"

enum { CHIRP_MAX_DETECTORS = 2 };

/*
 * Grid: twice the window. The window is its second half, so that noise does not wrap around inside the window, and a chirp
 * too long for the window has a second in which to be faded in before the window begins.
 */
typedef struct chirp_scratch {
    float *spectrum, *work, *signal,
        *noise; /* [2 * bins of the band], the transform's, [length], [length] */
} chirp_scratch;

struct chirp_generator {
    chirp_signal_config config;
    char *psd_path, *noise_path;
    chirp_psd *psd;
    int64_t grid_length;
    double grid_s;
    chirp_phenomd_grid grid; /* the bins of the band */
    double *tables;
    float *weight; /* [grid.n] band gain / sqrt(S) * f^(-7/6), of order one */
    float *gain;   /* [grid.n] of the noise's normal numbers */
    chirp_band_transform *inverse;
    int n_threads;
    chirp_scratch *scratch;                    /* [n_threads] */
    chirp_curriculum curriculum;               /* n = 0: config's SNR range */
    chirp_whitened *real[CHIRP_MAX_DETECTORS]; /* NULL: Gaussian noise */
    int64_t allowed[CHIRP_MAX_DETECTORS][2]
                   [2]; /* [before and after the event][first, one past last] start of a window */
};

/** Spectrum of the noiseless whitened band-passed signal, of arbitrary size, its envelope's peak at merger_s of the window.
 * @param peak_s  of the model: chirp_phenomd_peak_time()
 * @param band    [2 * bins of the band] real and imaginary parts in turn */
void chirp_generator_spectrum(const chirp_generator *g, const chirp_phenomd *m, double peak_s,
                              double merger_s, double phase, float *band);

#endif

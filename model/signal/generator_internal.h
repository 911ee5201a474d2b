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
    float *error,
        *knot; /* [bins of the band], [n_knots]: how the signal's curve misses the truth */
} chirp_scratch;

struct chirp_generator {
    chirp_signal_config config;
    char *psd_path, *noise_path;
    chirp_curves curves;
    int64_t grid_length;
    double grid_s;
    chirp_phenomd_grid grid; /* the bins of the band */
    double *tables;
    float *weight; /* [grid.n] band gain / sqrt(S) * f^(-7/6), of order one, of the first curve */
    float *other;  /* [curves.n - 1][grid.n] whitening of each other curve over that of the first */
    float *gain;   /* [grid.n] of the noise's normal numbers */
    float *miss; /* quantiles of an estimated curve's error in amplitude; NULL: curves are exact */
    double miss_mean;
    int64_t n_knots; /* of independent errors over the band, and two beside each end */
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

/** Fills the tables for curve errors, when the configuration asks for them. */
chirp_status chirp_curve_errors_prepare(chirp_generator *g);

/**
 * Whitens s->spectrum with the curve that (seed, index) chooses in place of the first, and with its error, which is left in
 * s->error for the noise.
 * @return amplitude of the signal over that under the true curve, to which its SNR refers; from the whole spectrum, of which a
 *         window may lack a part
 */
double chirp_curve_change(const chirp_generator *g, uint64_t index, int detector, chirp_scratch *s);
/** Gives noise of the first curve the error of the signal's. */
void chirp_curve_change_noise(const chirp_generator *g, const chirp_scratch *s, float *band);

#endif

/**
 * Training signals: whitened, noisy one-second strain of binary black-hole mergers with labels.
 * Signal i is a pure function of (config.seed, i): any rank or thread makes the same one.
 *
 * Recipe: masses, spins and phase from their priors -> IMRPhenomD (phenomd.h) -> whitened with the detector's
 * PSD (noise.h) -> merger at a random time of the window -> scaled to a drawn SNR (in the window) -> unit white
 * noise added -> normalised to zero mean and unit variance.
 */
#ifndef CHIRP_MODEL_SIGNAL_GENERATOR_H
#define CHIRP_MODEL_SIGNAL_GENERATOR_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/** Order of labels everywhere: detector-frame masses [solar masses], remnant spin, M omega_R, M omega_I. */
enum { CHIRP_LABEL_M1, CHIRP_LABEL_M2, CHIRP_LABEL_FINAL_SPIN, CHIRP_LABEL_OMEGA_R, CHIRP_LABEL_OMEGA_I, CHIRP_LABELS };
/** Names as in JSON and --help: "m1", "m2", "a_f", "omega_R", "omega_I". */
extern const char *const chirp_label_name[CHIRP_LABELS];

/** Order of parameters: m1, m2 [solar masses, detector frame], chi1, chi2 (aligned spins). */
enum { CHIRP_PARAMETER_M1, CHIRP_PARAMETER_M2, CHIRP_PARAMETER_CHI1, CHIRP_PARAMETER_CHI2, CHIRP_PARAMETERS };

typedef struct chirp_signal_config {
    int64_t length;              /**< [samples] of a window, 8192 */
    double sample_rate_hz;       /**< 8192 */
    double mass_min_msun, mass_max_msun; /**< of each component, detector frame, uniform: 5, 80 */
    double spin_max;             /**< |chi| uniform up to this: 0.8 */
    double snr_min, snr_max;     /**< optimal SNR in the window, uniform */
    double merger_min_s, merger_max_s; /**< peak of the envelope inside the window, uniform: 0.8, 0.95 */
    double f_low_hz;             /**< whitening band starts here: 20 */
    const char *psd_path;        /**< table file, or NULL for the analytic aLIGO design curve */
    bool noise;                  /**< false: noiseless whitened signals (normalised too) */
    uint64_t seed;
    int n_threads;               /**< 0: omp_get_max_threads() */
} chirp_signal_config;

/** Defaults as in the comments above; SNR 10 to 30; seed 0. */
chirp_signal_config chirp_signal_config_default(void);

typedef struct chirp_generator chirp_generator;

/** Checks the configuration, reads the PSD, plans FFTs. Strings of config are not kept. */
chirp_status chirp_generator_create(const chirp_signal_config *config, chirp_generator **generator);
void chirp_generator_destroy(chirp_generator *generator); /**< accepts NULL */

/** Changes the SNR range (the study's curriculum) from the next batch on. */
chirp_status chirp_generator_set_snr(chirp_generator *generator, double snr_min, double snr_max);

/**
 * Makes signals first .. first + n - 1, in parallel, without allocation.
 * @param strain      [n][length], dimensionless (units of the noise's standard deviation)
 * @param label       [n][CHIRP_LABELS], NULL when not wanted
 * @param snr         [n], NULL when not wanted
 * @param parameters  [n][CHIRP_PARAMETERS], NULL when not wanted
 */
chirp_status chirp_generator_batch(chirp_generator *generator, uint64_t first, int64_t n, float *strain, float *label,
                                   float *snr, float *parameters);

#endif

/**
 * Training signals: whitened, noisy one-second strain of binary black-hole mergers with labels.
 * Signal i is a pure function of (config.seed, i): any rank or thread makes the same one.
 *
 * The SNR is that of the window in the band: the root of the sum of squares of the band-passed whitened signal, in units of
 * white noise of unit variance before the band-pass.
 *
 * Recipe: masses, spins and phase from their priors -> IMRPhenomD (phenomd.h) -> whitened with the detector's
 * PSD and band-passed (noise.h) -> merger at a random time of the window -> scaled to a drawn SNR (in the window) -> white
 * noise added, band-passed alike -> normalised to zero mean and unit variance.
 */
#ifndef CHIRP_MODEL_SIGNAL_GENERATOR_H
#define CHIRP_MODEL_SIGNAL_GENERATOR_H

#include "harness/base/status.h"
#include "model/signal/curriculum.h"
#include "model/signal/curves.h"
#include "model/signal/remnant.h"

#include <stdbool.h>
#include <stdint.h>

/** Order of labels everywhere: detector-frame masses [solar masses], remnant spin, M omega_R, M omega_I. */
enum {
    CHIRP_LABEL_M1,
    CHIRP_LABEL_M2,
    CHIRP_LABEL_FINAL_SPIN,
    CHIRP_LABEL_OMEGA_R,
    CHIRP_LABEL_OMEGA_I,
    CHIRP_LABELS
};
/** Names as in JSON and --help: "m1", "m2", "a_f", "omega_R", "omega_I". */
extern const char *const chirp_label_name[CHIRP_LABELS];

/** Order of parameters: m1, m2 [solar masses, detector frame], chi1, chi2 (aligned spins). */
enum {
    CHIRP_PARAMETER_M1,
    CHIRP_PARAMETER_M2,
    CHIRP_PARAMETER_CHI1,
    CHIRP_PARAMETER_CHI2,
    CHIRP_PARAMETERS
};

/** Density of the SNR rho between its least and its largest value. */
typedef enum chirp_snr_law {
    CHIRP_SNR_UNIFORM,
    CHIRP_SNR_LOG_UNIFORM, /**< 1/rho: as many signals from 5 to 10 as from 50 to 100 */
    CHIRP_SNR_VOLUMETRIC, /**< 1/rho^4: sources spread evenly in Euclidean space (Schutz 2011, arXiv:1102.5421) */
    CHIRP_SNR_LAWS
} chirp_snr_law;

extern const char *const chirp_snr_law_name[CHIRP_SNR_LAWS];

/**
 * The SNR below which a fraction u of the signals lies: the inverse of the law's cumulative distribution.
 * @param snr_min, snr_max  0 < snr_min <= snr_max
 * @param u                 0 to 1
 */
double chirp_snr_quantile(chirp_snr_law law, double snr_min, double snr_max, double u);

/** ln of the law's density at an SNR within its range, up to a constant. */
double chirp_snr_log_density(chirp_snr_law law, double snr);

typedef struct chirp_signal_config {
    int64_t length;        /**< [samples] of a window, 8192 */
    double sample_rate_hz; /**< 8192 */
    /** Of each component, detector frame, uniform: 5, 80 */
    double mass_min_msun, mass_max_msun;
    double spin_max; /**< |chi| uniform up to this: 0.8 */
    /** Optimal SNR in the window, all detectors together: 5, 100, log-uniform */
    double snr_min, snr_max;
    chirp_snr_law snr_law;
    /** Peak of the strain's envelope, from the start of the window, uniform: 0.8, 0.95 */
    double merger_min_s, merger_max_s;
    double f_low_hz; /**< the band starts here: 20 */
    /** Noise curve that whitens: NULL for the analytic aLIGO design, a table file (noise.h), or a
     * strain file (HDF5) whose Welch estimate is used: signals as that detector would show them; several with commas
     * between: each signal draws one of them */
    const char *psd_path;
    const chirp_curves *curves; /**< not NULL: these, which are copied, in place of psd_path */
    bool noise;                 /**< false: noiseless whitened signals (normalised too) */
    uint64_t seed;
    int n_threads; /**< 0: omp_get_max_threads() */
    /** The band ends here (chirp_band in noise.h): 1000, as chirp_strain_window() filters real data */
    double f_high_hz;
    int n_detectors; /**< 1, or 2: strain is then [n][2][length], see chirp_generator_batch() */
    double mass_ratio_max; /**< draws above are repeated: 18, the model's calibration */
    /**
     * Strain file (HDF5; one for each detector, separated by a comma) whose real noise takes the place of Gaussian noise:
     * windows at random times (of up to 1024 s), whitened with psd_path or else the file's own estimate, as are the signals. NULL: Gaussian.
     */
    const char *noise_path;
    /** an event in noise_path: windows that hold it are not used; 0 for none */
    double noise_avoid_gps;
    /**
     * The true noise is not that of the curve, which is taken to be a Welch median of this many segments of 4 s (15 for 32 s of
     * data): each signal draws the error that such an estimate makes by chance. 0: the curve is exact.
     */
    int64_t curve_segments;
    /** standard deviation of a smooth error of the curve, of the logarithm of its amplitude at knots an octave apart */
    double curve_tilt;
} chirp_signal_config;

/** Defaults as in the comments above; seed 0; one detector. */
chirp_signal_config chirp_signal_config_default(void);

/** One sentence when a configuration is allowed but stretches the model, else NULL. Static text. */
const char *chirp_signal_config_warning(const chirp_signal_config *config);

typedef struct chirp_generator chirp_generator;

/** Checks the configuration, reads the PSD, plans FFTs. Strings of config are not kept. */
chirp_status chirp_generator_create(const chirp_signal_config *config, chirp_generator **generator);
void chirp_generator_destroy(chirp_generator *generator); /**< accepts NULL */

/** What signal `index` is made of; everything chirp_generator_batch() draws except the noise. */
typedef struct chirp_signal_draw {
    chirp_binary binary; /**< m1 >= m2 */
    double final_spin, omega_r, omega_i;
    double phase; /**< [rad] overall */
    /** peak of the strain's envelope, from the start of the window; first detector */
    double merger_s;
    double snr; /**< in the window, all detectors together */
    /** second detector: later by delay_s, its phase; shares of the SNR (squares sum to 1) */
    double delay_s, phase2, weight[2];
} chirp_signal_draw;

chirp_status chirp_generator_draw(const chirp_generator *generator, uint64_t index,
                                  chirp_signal_draw *draw);

/** What a network should say of such a signal, in the order of chirp_label_name. */
void chirp_draw_labels(const chirp_signal_draw *draw, double label[CHIRP_LABELS]);

/**
 * Makes one signal from a draw of the caller's (masses, merger time, ...) with the noise of signal `index`. Serial.
 * @param strain  [n_detectors][length]
 */
chirp_status chirp_generator_make(chirp_generator *generator, const chirp_signal_draw *draw,
                                  uint64_t index, float *strain);

/** The configuration in force (its psd_path is NULL or the generator's own copy) and the name of the noise curve. */
const chirp_signal_config *chirp_generator_config(const chirp_generator *generator);
const char *chirp_generator_noise_name(const chirp_generator *generator);
/** The noise curves that whiten; they live as long as the generator. */
const chirp_curves *chirp_generator_curves(const chirp_generator *generator);

/** Stages of making a signal. */
typedef enum chirp_generator_stage {
    CHIRP_STAGE_PARAMETERS, /**< draw, remnant, coefficients of the waveform */
    CHIRP_STAGE_PEAK,       /**< where the envelope is largest */
    CHIRP_STAGE_WAVEFORM,   /**< whitened spectrum */
    CHIRP_STAGE_RANDOM,     /**< normal numbers of the noise */
    CHIRP_STAGE_TRANSFORM,  /**< inverse transforms of signal and noise */
    CHIRP_STAGE_WINDOW,     /**< scale, add, normalise */
    CHIRP_STAGES
} chirp_generator_stage;
extern const char *const chirp_generator_stage_name[CHIRP_STAGES];

/**
 * Like chirp_generator_batch() on the calling thread alone, each signal over the last: for benchmarks.
 * @param strain   [n_detectors][length]
 * @param seconds  [CHIRP_STAGES] time of each stage for the n signals together
 */
chirp_status chirp_generator_profile(chirp_generator *generator, uint64_t first, int64_t n,
                                     float *strain, double seconds[CHIRP_STAGES]);

/** Changes the SNR range (the study's curriculum) from the next batch on. */
chirp_status chirp_generator_set_snr(chirp_generator *generator, double snr_min, double snr_max);

/** Lets the SNR range follow stages of signal indices instead (curriculum.h, after chirp_curriculum_signals()); NULL: no more. */
chirp_status chirp_generator_set_curriculum(chirp_generator *generator,
                                            const chirp_curriculum *curriculum);

/**
 * Makes signals first .. first + n - 1, in parallel, without allocation.
 *
 * A second detector (n_detectors 2) sees the same binary up to 10 ms earlier or later, at another phase, 0.5 to 2 times as
 * strong, in noise of its own; the SNR is then that of both together (root of the sum of squares). Each detector's
 * window is normalised by itself.
 *
 * @param strain      [n][n_detectors][length], dimensionless, zero mean and unit variance per window
 * @param label       [n][CHIRP_LABELS], NULL when not wanted
 * @param snr         [n], NULL when not wanted
 * @param parameters  [n][CHIRP_PARAMETERS], NULL when not wanted
 */
chirp_status chirp_generator_batch(chirp_generator *generator, uint64_t first, int64_t n,
                                   float *strain, float *label, float *snr, float *parameters);

#endif

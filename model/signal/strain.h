/**
 * Real strain: HDF5 files of GWOSC (LOSC and GWOSC layout, 4 and 16 kHz), gwpy and pycbc, whitened windows for inference, and
 * files of our own. A path is "FILE" or, where a file holds several series, "FILE:SERIES" with the name of a dataset or a detector.
 *
 * Layouts read: a series of gwpy (attributes x0, dx; channel or name begins with the detector) or pycbc (start_time, delta_t);
 * and GWOSC's: strain/Strain with attributes Xstart and Xspacing, meta/GPSstart, meta/Duration, meta/Detector,
 * quality/simple/DQmask (one word a second; bit 0 DATA, 1 CBC_CAT1, 2 CBC_CAT2, 3 CBC_CAT3). Seconds without DATA or
 * CBC_CAT1 are never used; CAT2 and CAT3 give a warning. Missing data are never used either, whatever the mask says: numbers
 * that aren't finite, and 16 or more equal samples in a row (zeros, or the last value held). A file without a mask is taken as
 * good elsewhere.
 */
#ifndef CHIRP_MODEL_SIGNAL_STRAIN_H
#define CHIRP_MODEL_SIGNAL_STRAIN_H

#include "model/signal/noise.h"
#include "model/signal/remnant.h"

#include <stdbool.h>
#include <stdint.h>

/** A stretch of a strain file as it stands. */
typedef struct chirp_strain {
    char detector[16]; /**< "H1" */
    double gps_start;  /**< of sample 0 */
    double sample_rate_hz;
    int64_t n;
    double *sample;    /**< [n] dimensionless strain; NaN where there are no data */
    int64_t n_seconds; /**< ceil(n / rate) */
    bool *good;        /**< [n_seconds] DATA and CBC_CAT1 set and not missing */
    bool *missing; /**< [n_seconds] holds a number that isn't finite or 16 equal samples in a row */
    bool *doubtful;                         /**< [n_seconds] CBC_CAT2 or CBC_CAT3 not set */
    double file_start_gps, file_duration_s; /**< of the whole file */
} chirp_strain;

/**
 * Reads the seconds of a file that overlap [gps_from, gps_to]; pass -INFINITY and INFINITY for all.
 * @return CHIRP_ERR_IO, CHIRP_ERR_FORMAT  missing; not HDF5; truncated; a field is absent or contradicts another: named
 * @return CHIRP_ERR_RANGE                 the file has nothing in that range
 */
chirp_status chirp_strain_read(const char *path, double gps_from, double gps_to,
                               chirp_strain *strain);
void chirp_strain_destroy(chirp_strain *strain); /**< frees the arrays; accepts an empty one */

/** Start, duration and rate of a strain file without reading its samples. */
chirp_status chirp_strain_times(const char *path, double *start_gps, double *duration_s,
                                double *sample_rate_hz);

/**
 * The next path of a list with commas between. A name that holds commas itself is found first: the longest beginning that
 * is a file, before any comma splits it.
 * @param list  moves behind the path and its comma
 * @param path  caller frees; NULL at the end of the list
 */
chirp_status chirp_strain_next(const char **list, char **path);

/** True when `path` is an HDF5 file (a strain file rather than a table). */
bool chirp_strain_is_hdf5(const char *path);

/**
 * Whether `path` is a strain file that chirp_strain_write() made: its report must not call it real.
 * @param simulated  receives the answer, when there is one
 * @param binary  receives the injected signal's parameters (all zero when the file does not tell); may be NULL
 */
chirp_status chirp_strain_is_simulated(const char *path, bool *simulated, chirp_binary *binary);

/** How strain is whitened. */
typedef struct chirp_whiten_options {
    double sample_rate_hz; /**< of the result; data are resampled in the frequency domain: 8192 */
    chirp_band band;       /**< 20 to 1000 Hz, as generated signals by default */
    double stretch_s; /**< of data used around the time of interest, when the file has them: 64 */
    /** Length to which the whitening filter's response is cut: that of the noise estimate's segments, 4. A shorter one
     * leaves the lines of the estimate in the data; half of it is dropped at both ends of a stretch. */
    double response_s;
    /** NULL: Welch's estimate from the stretch itself (4 s, Hann, median); else a table or a strain file */
    const char *psd_path;
} chirp_whiten_options;

chirp_whiten_options chirp_whiten_options_default(void);

/** Whitened data with a bin above this times white noise hold more than noise: twice what the mean of the segments of 32 s of
 * Gaussian noise reaches in some bin. */
#define CHIRP_WORST_BIN_MOST 6.0

/** Whitened, band-passed strain: noise is white in the band, with variance (band share of the Nyquist frequency) before normalising. */
typedef struct chirp_whitened {
    char detector[16];
    double gps_start; /**< of sample 0; samples fall exactly on the time of interest */
    double sample_rate_hz;
    int64_t n;
    float *sample;         /**< [n], edges of the stretch already dropped */
    double source_rate_hz; /**< of the file */
    double file_start_gps, file_duration_s;
    double used_from_gps, used_to_gps; /**< data that went into the noise estimate */
    int64_t n_segments;
    chirp_psd *psd;
    chirp_band band;
    /** measured over expected standard deviation of the noise: 1 when the estimate is right */
    double noise_scale;
    bool doubtful; /**< some second of the stretch lacks CBC_CAT2 or CBC_CAT3 */
} chirp_whitened;

/**
 * Reads, estimates the noise, whitens.
 * @param gps  time of interest; NAN for the longest good part of a stretch around the middle of the file
 * @return CHIRP_ERR_RANGE    gps outside the file or too near its edge, or fewer than 16 s of good data around it
 * @return CHIRP_ERR_NUMERIC  NaN or missing data at gps
 */
chirp_status chirp_strain_whiten(const char *path, double gps, const chirp_whiten_options *options,
                                 chirp_whitened **whitened);
void chirp_whitened_destroy(chirp_whitened *whitened); /**< accepts NULL */

/**
 * The bin of 0.25 Hz in the band whose power, averaged over segments of 4 s, is farthest above white noise: 2 to 4 times is usual
 * for 32 s, a line that whitening left gives more.
 * @param power  over that of white noise
 * @param hz     where
 */
chirp_status chirp_whitened_worst_bin(const chirp_whitened *whitened, double *power, double *hz);

/**
 * A window of `length` samples that starts at gps_start (the nearest sample), normalised to zero mean and unit variance like
 * generated signals.
 * @return CHIRP_ERR_RANGE when it is not inside the whitened stretch
 */
chirp_status chirp_whitened_window(const chirp_whitened *whitened, double gps_start, int64_t length,
                                   float *window);

/** `infer --sweep`: how far from the start of window i of n the merger lies [s], merger_at_s in the middle one. */
double chirp_sweep_offset(double merger_at_s, double step_s, int64_t n, int64_t i);

/** What chirp_strain_window() found on the way, for reports. Arrays belong to the caller: chirp_strain_info_destroy(). */
typedef struct chirp_strain_info {
    char detector[16];
    double gps, window_start_gps;
    double file_start_gps, file_duration_s, source_rate_hz, sample_rate_hz;
    double used_from_gps, used_to_gps; /**< stretch of the noise estimate */
    int64_t n_segments;
    double noise_scale;
    double worst_bin_power, worst_bin_hz; /**< chirp_whitened_worst_bin() */
    /** times this, the window's noise has unit variance before the band-pass */
    double window_scale;
    chirp_band band;
    bool doubtful;
    int64_t n_psd;
    double *psd_f_hz, *psd; /**< [n_psd] within the band */
} chirp_strain_info;

/**
 * One window for a network: `gps` falls merger_at_s seconds after its start (0.875 s is the middle of the range the network was
 * trained on). Whitened with the file's own noise, f_low_hz to 1000 Hz (or the file's Nyquist frequency if that is lower).
 * @param window  [length] zero mean, unit variance
 * @param info    NULL when not wanted; written on success only
 */
chirp_status chirp_strain_window(const char *path, double gps, double merger_at_s, int64_t length,
                                 double sample_rate_hz, double f_low_hz, float *window,
                                 chirp_strain_info *info);
void chirp_strain_info_destroy(chirp_strain_info *info);

/** Welch's estimate from a strain file (up to 256 s around gps; NAN: from its start), for training on that detector's noise. */
chirp_status chirp_strain_psd(const char *path, double gps, chirp_psd **psd);

/** A simulated strain file: design noise with one signal. */
typedef struct chirp_strain_spec {
    chirp_binary binary;
    double snr;            /**< optimal, 20 Hz to 1000 Hz, in design noise; 0 for noise alone */
    double gps_merger;     /**< peak of the strain's envelope */
    double phase;          /**< [rad] */
    double gps_start;      /**< whole seconds */
    int64_t duration_s;    /**< 32 */
    double sample_rate_hz; /**< 4096 */
    const char *detector;  /**< "H1" */
    const char *psd_path;  /**< NULL: the analytic design curve */
    uint64_t seed;
    uint32_t stream; /**< detectors of one event differ here */
} chirp_strain_spec;

/** 36 + 29 solar masses without spin at SNR 24, merger 16.4 s into 32 s from GPS 1126259446, 4096 Hz, H1, seed 0. */
chirp_strain_spec chirp_strain_spec_default(void);

/** Writes it in the GWOSC layout (whole or not at all). */
chirp_status chirp_strain_write(const char *path, const chirp_strain_spec *spec);

#endif

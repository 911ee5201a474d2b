/** What `calibrate --json` says: how good and how honest a network's posteriors are, for each parameter and SNR bin. */
#ifndef CHIRP_HARNESS_RESULTS_CALIBRATION_H
#define CHIRP_HARNESS_RESULTS_CALIBRATION_H

#include "harness/results/document.h"

#include <stdint.h>

/** A share with its 95 % interval. */
typedef struct chirp_proportion {
    double value, low, high;
} chirp_proportion;

/** The curve of ranks has this many steps of equal width, and one point more. */
enum { CHIRP_RANK_STEPS = 40 };

/**
 * One parameter in one SNR bin. Absent numbers are NaN. Errors are relative: mean |median - truth| / mean |truth|.
 * What ends in _se is a standard error over signals.
 */
typedef struct chirp_calibration_row {
    const char *parameter;
    double snr_min, snr_max;
    bool trained; /**< the bin lies within the SNR of training */
    int64_t signals;
    double error, error_se;
    double guess_error; /**< of answering with the prior's median always */
    chirp_proportion coverage_50, coverage_90;
    /** of the truth's rank among the answer's draws, uniform if the answer is honest: Kolmogorov and Smirnov's distance, its p */
    double rank_distance, rank_p;
    double
        rank_band; /**< the whole curve of an honest answer stays this close to the diagonal with 95 % probability */
    double rank_curve[CHIRP_RANK_STEPS + 1]; /**< share of ranks up to k / CHIRP_RANK_STEPS */
    double crps, crps_se; /**< continuous ranked probability score, in the parameter's unit */
    double nll, nll_se;   /**< negative log of the density at the truth [nats] */
    double nll_before;    /**< the same without recalibration; NaN when there is none */
    double width_90;      /**< mean width of the 90 % interval, in the parameter's unit */
    /** the exact posterior on the first `exact_signals` of the signals (0: it wasn't computed), and ours over it on these */
    int64_t exact_signals;
    double exact_error, exact_error_se, exact_coverage_90, exact_width_90;
    double exact_doubtful; /**< of them, how many had chains that hadn't converged */
    double error_over_exact, width_over_exact;
} chirp_calibration_row;

/** How many windows of one kind are doubted: by the distance of features, by matching training signals, by either. NaN: not measured. */
typedef struct chirp_unlike_row {
    const char *window; /**< "training signals", "noise alone", ... */
    double snr;         /**< of a glitch or a line; else NaN */
    int64_t windows;
    chirp_proportion doubted[3];
} chirp_unlike_row;

/** Texts belong to whoever made the record: to the caller when writing, to the document when reading. */
typedef struct chirp_calibration_file {
    const char *checkpoint, *network, *variational, *noise;
    int64_t iterations, samples, seed;
    const char *
        recalibration; /**< NULL, or what was done: a factor for each parameter, and on what it was fitted */
    chirp_calibration_row *row;
    size_t count;
    const chirp_unlike_row *unlike; /**< written only */
    size_t n_unlike;
} chirp_calibration_file;

chirp_status chirp_calibration_file_write(const char *path, const chirp_calibration_file *file);

/** The same document on one line; NULL without memory. cJSON_free() it. */
char *chirp_calibration_file_text(const chirp_calibration_file *file);

/**
 * Takes a document of kind CHIRP_DOCUMENT_CALIBRATION apart; it must outlive the record.
 * @param path  for errors
 * @return CHIRP_OK, CHIRP_ERR_NOMEM, CHIRP_ERR_FORMAT: a row without parameter, SNR or error;
 *         chirp_calibration_file_release()
 */
chirp_status chirp_calibration_file_read(const chirp_document *document, const char *path,
                                         chirp_calibration_file *file);
void chirp_calibration_file_release(chirp_calibration_file *file);

#endif

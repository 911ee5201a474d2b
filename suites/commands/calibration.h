/** What the parts of `chirpbench calibrate` share, and export with them: a network asked about fresh signals whose truth is known. */
#ifndef CHIRP_SUITES_COMMANDS_CALIBRATION_H
#define CHIRP_SUITES_COMMANDS_CALIBRATION_H

#include "harness/results/calibration.h"
#include "model/inference/calibration.h"
#include "model/inference/posterior.h"
#include "model/training/trained.h"

#include <stdint.h>

enum { CALIBRATION_MOST_BINS = 16 };

/** Signals are made this many at a time. */
enum { CALIBRATION_BATCH = 32 };

typedef struct calibration_trial {
    chirp_trained *trained;
    int64_t signals, samples; /**< of a bin; weight samples of each */
    uint64_t seed;
    int n_threads;
    chirp_signal_config signal; /**< of training, with the caller's changes */
    chirp_generator *generator;
    chirp_posterior *posterior;
    double guess[CHIRP_MAX_LEAVES]; /**< medians of the prior */
    float *strain;                  /**< [CALIBRATION_BATCH][length] */
    double *drawn, *scratch;        /**< [leaves][samples]; [samples] */
    chirp_answer *answer;           /**< [leaves][signals] of the last bin */
    double *nll_before;             /**< likewise, without recalibration */
} calibration_trial;

/** Signals that no training and no other purpose has seen: bins and purposes have numbers of their own. */
typedef enum calibration_purpose { CALIBRATION_TEST, CALIBRATION_FIT } calibration_purpose;

/**
 * Plans generator, posterior and arrays from the fields above `generator`.
 * @return with a sentence that names `checkpoint` when its noise curve can't be read
 */
chirp_status calibration_create(const char *checkpoint, calibration_trial *trial);
void calibration_destroy(calibration_trial *trial); /**< not the trained network */

/** Number of the first signal of a bin. */
uint64_t calibration_first(int bin, calibration_purpose purpose);

/** Answers to the signals of one bin, with SNR from snr[0] to snr[1]. */
chirp_status calibration_ask(calibration_trial *trial, int bin, const double snr[2],
                             calibration_purpose purpose);

/** The row of one leaf from these answers, without the exact posterior. */
chirp_status calibration_row(const calibration_trial *trial, int leaf, const double snr[2],
                             chirp_calibration_row *row);

/**
 * Adds what the exact posterior says about the first n signals of the bin that was asked last.
 * @param row  [leaves] of calibration_row()
 */
chirp_status calibration_exact(calibration_trial *trial, int bin, const double snr[2], int64_t n,
                               chirp_calibration_row *row);

/** What a calibration file says of the network and of the trial, without rows. @param network  its file */
chirp_calibration_file calibration_file(const calibration_trial *trial, const char *network);

enum { CALIBRATION_MOST_EXACT = 100000 };

/** Measures the distance of features on fresh signals, 2 n in all, in place of the one that the network had. */
chirp_status calibration_distance(calibration_trial *trial, int64_t n);

/** Kinds of windows that calibrate --intruders tries. */
enum { CALIBRATION_UNLIKE = 16 };

/** Tries n windows of each kind (model/signal/intruders.h) and prints how many are doubted. */
chirp_status calibration_intruders(const calibration_trial *trial, int64_t n,
                                   chirp_unlike_row row[CALIBRATION_UNLIKE]);

/** Numbers of signals for purposes that have no bins. */
enum { CALIBRATION_FEATURES = CALIBRATION_MOST_BINS, CALIBRATION_INTRUDERS, CALIBRATION_DECOMPOSE };

#endif

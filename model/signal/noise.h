/**
 * Detector noise: one-sided power spectral densities S(f) [1/Hz], and the band in which signals are whitened.
 *
 *     <n~(f) n~*(f')> = S(|f|)/2 delta(f - f')        amplitude spectral density = sqrt(S)
 */
#ifndef CHIRP_MODEL_SIGNAL_NOISE_H
#define CHIRP_MODEL_SIGNAL_NOISE_H

#include "harness/base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct chirp_psd chirp_psd;

/** What a table's second column holds. */
typedef enum chirp_psd_unit {
    CHIRP_PSD_DETECT, /**< decided from the size of the numbers: strain PSDs are below 1e-30/Hz, ASDs above */
    CHIRP_PSD_POWER,     /**< 1/Hz */
    CHIRP_PSD_AMPLITUDE, /**< 1/sqrt(Hz) */
} chirp_psd_unit;

/**
 * Advanced LIGO, zero detuning, high power (Ajith 2011, arXiv:1107.1267, Eq. 4.7), with x = f/245.4 Hz:
 *     S(f) = 1e-48 (0.0152 x^-4 + 0.2935 x^(9/4) + 2.7951 x^(3/2) - 6.5080 x^(3/4) + 17.7622)
 * for every f > 0.
 */
chirp_status chirp_psd_design(chirp_psd **psd);

/**
 * Reads a table: two columns, frequency [Hz] rising and S or sqrt(S); '#' starts a comment.
 * @param path  a file; "asd:FILE" or "psd:FILE" declares the unit when `unit` is CHIRP_PSD_DETECT
 * @return CHIRP_ERR_FORMAT  not a table of positive numbers, frequencies that fall or leave a gap (more than a factor
 *                           1.5 and 1 Hz between rows), or a unit that can't be told: the sentence names the line
 */
chirp_status chirp_psd_read(const char *path, chirp_psd_unit unit, chirp_psd **psd);

/** A density from numbers of our own (a Welch estimate). `f_hz` [n] rising and positive, `s` [n] positive. */
chirp_status chirp_psd_from_table(const char *name, const double *f_hz, const double *s, size_t n,
                                  chirp_psd **psd);

chirp_status chirp_psd_copy(const chirp_psd *psd, chirp_psd **copy);
void chirp_psd_destroy(chirp_psd *psd); /**< accepts NULL */

/** S(f); tables are interpolated in ln S against ln f, and infinite outside their range. */
double chirp_psd_at(const chirp_psd *psd, double f_hz);

/** Range of the table [Hz]; 0 and infinity for the analytic curve. */
void chirp_psd_range(const chirp_psd *psd, double *f_min_hz, double *f_max_hz);

/** "aLIGO design (analytic)" or the file. */
const char *chirp_psd_name(const chirp_psd *psd);

/** CHIRP_OK when the density covers [f_min, f_max], else CHIRP_ERR_RANGE naming both ranges. */
chirp_status chirp_psd_require(const chirp_psd *psd, double f_min_hz, double f_max_hz);

/**
 * The band of whitened data. Generated and real strain pass the same zero-phase filter, so that a network trained on one knows the other:
 * a half-cosine rise over [f_low, 1.2 f_low], one in between, a half-cosine fall over [0.9 f_high, f_high].
 * 20 to 1000 Hz by default: real 4 kHz files hold nothing above 2 kHz, and the signals almost nothing above 1 kHz.
 */
typedef struct chirp_band {
    double low_hz, high_hz;
} chirp_band;

/** Gain of the band filter at f, 0 to 1. */
double chirp_band_gain(chirp_band band, double f_hz);

#endif

/** The noise curves that a training whitens with, and how alike two of them are. */
#ifndef CHIRP_MODEL_SIGNAL_CURVES_H
#define CHIRP_MODEL_SIGNAL_CURVES_H

#include "harness/base/status.h"
#include "model/signal/noise.h"

#include <stdbool.h>

enum { CHIRP_MAX_CURVES = 16 };

/** {0} holds no curve. */
typedef struct chirp_curves {
    int n;
    chirp_psd *psd[CHIRP_MAX_CURVES]; /**< owned */
    bool estimated
        [CHIRP_MAX_CURVES]; /**< from data: it has lines, so its filter's response is cut */
} chirp_curves;

/**
 * Loads the curves of `--psd`.
 * @param paths   NULL: the analytic design curve; else tables and strain files with commas between, at most CHIRP_MAX_CURVES
 * @param band    which every curve must cover
 * @param curves  receives them; release it with chirp_curves_release(), also after a failure
 */
chirp_status chirp_curves_load(const char *paths, chirp_band band, chirp_curves *curves);
chirp_status chirp_curves_copy(const chirp_curves *from, chirp_curves *to);
void chirp_curves_release(chirp_curves *curves);

/** Below this overlap a network does not know the data's curve (chirp_psd_overlap()): the two LIGO detectors of one time reach 0.98,
 * between the design and a measured curve it is 0.93. */
#define CHIRP_OVERLAP_LEAST 0.97

/**
 * Overlap of a signal h that is whitened with one curve and with the other, over the band's filter B:
 *     sum B^2 |h|^2 / sqrt(S_a S_b)  /  sqrt(sum B^2 |h|^2 / S_a  sum B^2 |h|^2 / S_b)
 * 1 when the curves differ by a factor alone, which no network sees because windows are normalised. h is IMRPhenomD with 36 and
 * 29 solar masses without spin. Each curve is averaged over steps of 4 Hz (mean of ln S), so that the scatter of an estimate
 * counts little. Frequencies that one of them does not cover are left out.
 * @return CHIRP_ERR_RANGE when they cover no step together
 */
chirp_status chirp_psd_overlap(const chirp_psd *a, const chirp_psd *b, chirp_band band,
                               double *overlap);

#endif

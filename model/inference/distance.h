/**
 * How far the features of a window are from those of training signals.
 *
 * Features x are what the root hands to the leaves, averaged over at most 5 parts of the window and divided by their norm, which
 * grows with the SNR. Their distance is Mahalanobis' with a shrunk covariance,
 *
 *     d = sqrt( (x - mean)^T C^-1 (x - mean) / width ),     C = (1 - a) S + a diag(S) + b trace(S) / width,
 *
 * S being the covariance of training signals, a = 0.1 (Ledoit and Wolf 2004, J. Multivariate Anal. 88, 365, towards the diagonal) and
 * b = 1e-4, so that features that never move don't divide by zero. In training signals d is about 1. What the root doesn't see, the
 * distance doesn't see: likeness.h judges the window without the network.
 */
#ifndef CHIRP_MODEL_INFERENCE_DISTANCE_H
#define CHIRP_MODEL_INFERENCE_DISTANCE_H

#include "harness/base/status.h"
#include "model/network/network.h"

#include <stdint.h>

enum { CHIRP_DISTANCE_MOST_WIDTH = 4096 };

/** Whose training signals' distances stay below the limit. */
#define CHIRP_DISTANCE_QUANTILE 0.99

typedef struct chirp_distance {
    int64_t width;   /**< [features]; 0: there is none */
    int64_t signals; /**< behind mean and covariance; as many again are behind the limit */
    double limit;    /**< the CHIRP_DISTANCE_QUANTILE of signals that the covariance has not seen */
    float *mean;     /**< [width] */
    float *factor;   /**< Cholesky factor of C: row i has i + 1 numbers, rows behind each other */
} chirp_distance;

/** Numbers of a Cholesky factor. */
static inline int64_t chirp_distance_triangle(int64_t width) { return width * (width + 1) / 2; }

/** Features that the networks of a shape have; at most CHIRP_DISTANCE_MOST_WIDTH or chirp_distance_fit() refuses them. */
int64_t chirp_distance_width(const chirp_network *net);

/**
 * Features of the first window of a batch, with mean weights; a forward pass of the root.
 * @param strain    [batch][length]
 * @param features  [chirp_distance_width()]
 */
void chirp_distance_features(chirp_network *net, const float *strain, float *features);

/**
 * Mean and covariance of the first half of the rows, limit of the second half.
 * @param features  [2 signals][width]
 * @param distance  receives it; release it with chirp_distance_release(), also after a failure
 * @return CHIRP_ERR_ARG with fewer than 2 * 10 rows or too many features, CHIRP_ERR_NUMERIC when the features are not finite or don't move at all
 */
chirp_status chirp_distance_fit(const float *features, int64_t signals, int64_t width,
                                chirp_distance *distance);
void chirp_distance_release(chirp_distance *distance); /**< accepts a zeroed value */

/** d of one row of features. @param scratch  [width] */
double chirp_distance_of(const chirp_distance *distance, const float *features, double *scratch);

#endif

/** The strain of one binary as a time series: what `chirpbench waveform --domain time` prints. For training signals see generator.h. */
#ifndef CHIRP_MODEL_SIGNAL_SERIES_H
#define CHIRP_MODEL_SIGNAL_SERIES_H

#include "harness/base/status.h"
#include "model/signal/remnant.h"

#include <stdint.h>

typedef struct chirp_series {
    chirp_binary binary;
    double distance_mpc;
    double inclination; /**< [rad], 0 is face-on */
    double phase;       /**< [rad] of the strain, added to Psi */
    double f_low_hz;    /**< where the signal begins; turned on over a fifth of it */
    double sample_rate_hz;
    int64_t length;   /**< [samples] wanted */
    double peak_at_s; /**< where in them |h(t)| is largest */
} chirp_series;

/** 36 + 29 solar masses at 400 Mpc, face-on, from 20 Hz; 8192 samples at 8192 Hz, peak at 0.875 s. */
chirp_series chirp_series_default(void);

/**
 * h+(t) = h (1 + cos^2 iota)/2, hx(t) = -i h cos iota, made on a grid longer than the whole chirp and cut.
 * @param plus, cross  [length] dimensionless strain
 * @return CHIRP_ERR_RANGE when a value is impossible: named
 */
chirp_status chirp_series_make(const chirp_series *series, double *plus, double *cross);

#endif

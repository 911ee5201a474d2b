/**
 * The likelihood of one window with phase, amplitude and the scale of the window integrated out.
 *
 * A window of the generator is y = (rho h/|h| + noise)/s with an unknown s, for windows are brought to unit variance. With b
 * of model/signal/match.h, N degrees of freedom of the noise and n = sum y^2, the posterior's dependence on the signal's
 * shape is
 *
 *     L(b) = int d rho p(rho) int ds s^(N-1) exp(-s^2 n/2 - rho^2/2) I0(s rho b)
 *
 * p(rho) is the prior of the SNR; I0 comes from the phase, uniform; ds s^(N-1) from the density of the direction of a vector
 * that is known up to its length. The integral over s is Laplace's (error of order 1/N), that over rho a sum.
 */
#ifndef CHIRP_MODEL_INFERENCE_AMPLITUDE_H
#define CHIRP_MODEL_INFERENCE_AMPLITUDE_H

#include "model/signal/generator.h"

typedef struct chirp_amplitude {
    double square;                    /**< n: sum of squares of the window */
    double freedom;                   /**< N: chirp_match_noise_power() */
    const chirp_signal_config *prior; /**< of the SNR */
} chirp_amplitude;

/** ln L(b) up to a constant of the window. */
double chirp_amplitude_likelihood(const chirp_amplitude *amplitude, double b);

/** An SNR from its posterior given b: the quantile at u in (0, 1). */
double chirp_amplitude_snr(const chirp_amplitude *amplitude, double b, double u);

/** ln I0(x) for x >= 0 (Abramowitz and Stegun 9.8.1 and 9.8.2; error 2e-7), and I1(x)/I0(x) when `ratio` isn't NULL. */
double chirp_log_bessel(double x, double *ratio);

#endif

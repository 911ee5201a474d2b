/** Constant-Q spectrogram of a short series, for a picture. */
#ifndef CHIRP_REPORTS_SECTIONS_SPECTROGRAM_H
#define CHIRP_REPORTS_SECTIONS_SPECTROGRAM_H

#include <stddef.h>

/**
 * Magnitude of the series seen through Gaussian windows of Q cycles (standard deviation Q / (2 pi f) seconds), in units of
 * the series' own standard deviation when it is white noise: about 1 for noise, more for a signal.
 *
 *     out[f][t] = | sum_i x[i] w(i - t) exp(-2 pi i f (i - t) / rate) | / sqrt(sum_i w(i - t)^2)
 *
 * @param x        [n] finite numbers
 * @param rate_hz  samples per second
 * @param f_low_hz, f_high_hz  rows go from one to the other in equal ratios
 * @param out      [rows][columns]; columns are spread evenly over the series
 */
void chirp_spectrogram(const double *x, size_t n, double rate_hz, double f_low_hz, double f_high_hz,
                       double q, size_t rows, size_t columns, double *out);

#endif

/** Constant-Q spectrogram of a short series, for a picture. */
#ifndef CHIRP_REPORTS_SECTIONS_SPECTROGRAM_H
#define CHIRP_REPORTS_SECTIONS_SPECTROGRAM_H

#include <stddef.h>

typedef struct chirp_spectrogram_grid {
    /** Samples per second. */
    double rate_hz;
    /** Rows go from one to the other in equal ratios. */
    double f_low_hz, f_high_hz;
    /** Cycles of a window. */
    double q;
    /** Columns are spread evenly over the series. */
    size_t rows, columns;
} chirp_spectrogram_grid;

/**
 * Magnitude of the series seen through Gaussian windows of Q cycles (standard deviation Q / (2 pi f) seconds), in units of
 * the series' own standard deviation when it is white noise: about 1 for noise, more for a signal.
 *
 *     out[f][t] = | sum_i x[i] w(i - t) exp(-2 pi i f (i - t) / rate) | / sqrt(sum_i w(i - t)^2)
 *
 * @param x        [n] finite numbers
 * @param out      [rows][columns]
 */
void chirp_spectrogram(const double *x, size_t n, const chirp_spectrogram_grid *grid, double *out);

#endif

/** Cubic splines through tables (private to model/signal). */
#ifndef CHIRP_MODEL_SIGNAL_SPLINE_H
#define CHIRP_MODEL_SIGNAL_SPLINE_H

#include <stddef.h>

/**
 * Second derivatives of the cubic spline through (x[i], y[i]).
 * @param ends  second derivatives at the two ends: 0 and 0 is the natural spline
 * @param x     [n], strictly increasing, n >= 3
 * @param y2    [n], overwritten
 * @param work  [n]
 */
void chirp_spline_prepare(const double *x, const double *y, size_t n, const double ends[2],
                          double *y2, double *work);

/** Value at `at`; outside the table the end cubic is continued. */
double chirp_spline_value(const double *x, const double *y, const double *y2, size_t n, double at);

#endif

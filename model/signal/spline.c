#include "model/signal/spline.h"

void chirp_spline_prepare(const double *x, const double *y, size_t n, const double ends[2],
                          double *y2, double *work)
{
    /* Thomas algorithm on the tridiagonal system of the inner second derivatives: y2 holds the upper diagonal's ratios first. */
    y2[0] = 0;
    work[0] = ends[0];
    for (size_t i = 1; i + 1 < n; ++i) {
        const double left = x[i] - x[i - 1], right = x[i + 1] - x[i];
        const double pivot = 2 * (left + right) - left * y2[i - 1];
        const double slope = (y[i + 1] - y[i]) / right - (y[i] - y[i - 1]) / left;
        y2[i] = right / pivot;
        work[i] = (6 * slope - left * work[i - 1]) / pivot;
    }
    y2[n - 1] = ends[1];
    for (size_t i = n - 1; i-- > 1;)
        y2[i] = work[i] - y2[i] * y2[i + 1];
    y2[0] = ends[0];
}

double chirp_spline_value(const double *x, const double *y, const double *y2, size_t n, double at)
{
    size_t low = 0, high = n - 1;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (x[middle] > at)
            high = middle;
        else
            low = middle;
    }
    const double h = x[high] - x[low];
    const double a = (x[high] - at) / h, b = (at - x[low]) / h;
    return a * y[low] + b * y[high] +
           ((a * a * a - a) * y2[low] + (b * b * b - b) * y2[high]) * (h * h) / 6;
}

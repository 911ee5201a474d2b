#include "reports/sections/spectrogram.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

void chirp_spectrogram(const double *x, size_t n, const chirp_spectrogram_grid *grid, double *out)
{
    const size_t rows = grid->rows;
    const size_t columns = grid->columns;
    const double ratio = grid->f_high_hz / grid->f_low_hz;
    for (size_t row = 0; row < rows; ++row) {
        const double f =
            grid->f_low_hz * pow(ratio, rows > 1 ? (double)row / (double)(rows - 1) : 0);
        const double sigma = grid->q / (2 * PI * f) * grid->rate_hz; /* samples */
        const double omega = 2 * PI * f / grid->rate_hz;
        for (size_t column = 0; column < columns; ++column) {
            const double centre = ((double)column + 0.5) * (double)n / (double)columns;
            const double reach = 4 * sigma;
            const size_t from = centre > reach ? (size_t)(centre - reach) : 0;
            const size_t to = centre + reach < (double)n ? (size_t)(centre + reach) : n;
            double re = 0;
            double im = 0;
            double norm = 0;
            for (size_t i = from; i < to; ++i) {
                const double d = (double)i - centre;
                const double w = exp(-0.5 * d * d / (sigma * sigma));
                re += w * x[i] * cos(omega * d);
                im -= w * x[i] * sin(omega * d);
                norm += w * w;
            }
            out[row * columns + column] = norm > 0 ? sqrt((re * re + im * im) / norm) : 0;
        }
    }
}

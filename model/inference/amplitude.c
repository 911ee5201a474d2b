#include "model/inference/amplitude.h"

#include <math.h>

enum { POINTS = 33 }; /* over at most 14 standard deviations: Simpson's rule is good to 2e-4 */

static double polynomial(const double *c, int n, double x)
{
    double sum = 0;
    for (int k = n - 1; k >= 0; --k)
        sum = sum * x + c[k];
    return sum;
}

double chirp_log_bessel(double x, double *ratio)
{
    static const double zero_small[] = {1.0,       3.5156229, 3.0899424, 1.2067492,
                                        0.2659732, 0.0360768, 0.0045813},
                        one_small[] = {0.5,        0.87890594, 0.51498869, 0.15084934,
                                       0.02658733, 0.00301532, 0.00032411},
                        zero_large[] = {0.39894228,  0.01328592,  0.00225319,
                                        -0.00157565, 0.00916281,  -0.02057706,
                                        0.02635537,  -0.01647633, 0.00392377},
                        one_large[] = {0.39894228,  -0.03988024, -0.00362018,
                                       0.00163801,  -0.01031555, 0.02282967,
                                       -0.02895312, 0.01787654,  -0.00420059};
    if (x < 3.75) {
        const double t = x / 3.75 * (x / 3.75), zero = polynomial(zero_small, 7, t);
        if (ratio)
            *ratio = x * polynomial(one_small, 7, t) / zero;
        return log(zero);
    }
    const double t = 3.75 / x, zero = polynomial(zero_large, 9, t);
    if (ratio)
        *ratio = polynomial(one_large, 9, t) / zero;
    return x + log(zero) - 0.5 * log(x);
}

/* ln of the integral over s at one SNR, k = rho b. */
static double over_scale(const chirp_amplitude *a, double k)
{
    const double m = a->freedom - 1, n = a->square;
    double s = (k + sqrt(k * k + 4 * n * m)) / (2 * n), ratio = 0, bessel = 0, bend = n;
    for (int pass = 0; pass < 4; ++pass) {
        bessel = chirp_log_bessel(s * k, &ratio);
        const double slope = m / s - n * s + k * ratio,
                     width = s * k > 0 ? 1 - ratio / (s * k) - ratio * ratio : 0.5;
        bend = m / (s * s) + n - k * k * width;
        if (fabs(slope) < 1e-6 * n * s)
            break;
        s += slope / bend;
    }
    return m * log(s) - 0.5 * n * s * s + bessel - 0.5 * log(bend);
}

/*
 * Equal steps over the SNRs that matter: from where the likelihood is largest, as far as it falls by e^-25, within the
 * prior. The maximum: s^2 (n - b^2) = N, rho = s b.
 */
static void choose_points(const chirp_amplitude *a, double b, double *first, double *step)
{
    const double low = a->prior->snr_min, high = a->prior->snr_max;
    const double rest = fmax(a->square - b * b, 1e-12 * a->square);
    const double most = b * sqrt(a->freedom / rest);
    const double at = fmin(fmax(most, low), high), gap = fabs(most - at);
    const double unit = sqrt(1 + most * most / (2 * a->freedom));
    const double reach = unit * (sqrt(gap / unit * gap / unit + 50) - gap / unit);
    const double from = most < low ? low : fmax(low, at - reach),
                 to = most > high ? high : fmin(high, at + reach);
    *first = from;
    *step = (to - from) / (POINTS - 1);
}

/* ln of prior times likelihood at the points, with Simpson's weights; the largest of them. */
static double fill_points(const chirp_amplitude *a, double b, double first, double step,
                          double value[POINTS])
{
    double most = -INFINITY;
    for (int i = 0; i < POINTS; ++i) {
        const double rho = first + step * i, weight = i == 0 || i == POINTS - 1 ? 1 : i % 2 ? 4 : 2;
        value[i] = over_scale(a, rho * b) - 0.5 * rho * rho + log(weight);
        most = fmax(most, value[i]);
    }
    return most;
}

double chirp_amplitude_likelihood(const chirp_amplitude *a, double b)
{
    double first, step, value[POINTS], sum = 0;
    choose_points(a, b, &first, &step);
    if (!(step > 0)) /* the prior is a single SNR */
        return over_scale(a, first * b) - 0.5 * first * first;
    const double most = fill_points(a, b, first, step, value);
    for (int i = 0; i < POINTS; ++i)
        sum += exp(value[i] - most);
    return most + log(sum * step);
}

double chirp_amplitude_snr(const chirp_amplitude *a, double b, double u)
{
    double first, step, value[POINTS], sum = 0, reached = 0;
    choose_points(a, b, &first, &step);
    if (!(step > 0))
        return first;
    const double most = fill_points(a, b, first, step, value);
    double density[POINTS], total = 0;
    for (int i = 0; i < POINTS; ++i) {
        const double weight = i == 0 || i == POINTS - 1 ? 1 : i % 2 ? 4 : 2;
        density[i] = exp(value[i] - most) / weight;
        if (i > 0)
            total += 0.5 * (density[i] + density[i - 1]);
    }
    for (int i = 1; i < POINTS; ++i, reached = sum) {
        sum += 0.5 * (density[i] + density[i - 1]);
        if (sum >= u * total)
            return first + step * (i - 1 + (u * total - reached) / (sum - reached));
    }
    return first + step * (POINTS - 1);
}

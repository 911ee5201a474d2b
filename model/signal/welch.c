#include "model/signal/welch.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "model/signal/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

chirp_welch chirp_welch_default(void)
{
    return (chirp_welch){.segment_s = 4, .window = CHIRP_WELCH_HANN, .mean = false};
}

double chirp_median_bias(int64_t n)
{
    if (n % 2 == 0)
        n -= 1; /* the mean of the two middle values has the expectation of one value fewer */
    double sum = 0;
    for (int64_t k = 1; k <= n; ++k)
        sum += (k % 2 ? 1.0 : -1.0) / (double)k;
    return sum;
}

static bool segment_is_good(const bool *good, int64_t first, int64_t length, double rate)
{
    if (!good)
        return true;
    const int64_t from = (int64_t)floor((double)first / rate),
                  to = (int64_t)floor(((double)(first + length) - 0.5) / rate);
    for (int64_t second = from; second <= to; ++second)
        if (!good[second])
            return false;
    return true;
}

static void fill_window(chirp_welch_window kind, int64_t n, double *w)
{
    for (int64_t i = 0; i < n; ++i) {
        const double x = ((double)i + 0.5) / (double)n;
        if (kind == CHIRP_WELCH_HANN)
            w[i] = 0.5 * (1 - cos(2 * M_PI * x));
        else
            w[i] = x < 0.25 || x > 0.75 ? 0.5 * (1 - cos(4 * M_PI * x)) : 1;
    }
}

typedef struct welch_buffers {
    double *window, *segment, *power; /* [length], [length], [bins][max_segments] */
    fftw_complex *spectrum;           /* [length/2 + 1] */
    double *f, *s;                    /* [bins] */
} welch_buffers;

static void buffers_destroy(welch_buffers *b)
{
    chirp_free(b->window);
    chirp_free(b->segment);
    chirp_free(b->power);
    chirp_free(b->spectrum);
    chirp_free(b->f);
    chirp_free(b->s);
}

static chirp_status periodogram(const welch_buffers *b, const double *x, int64_t length,
                                double rate, int64_t row, int64_t rows)
{
    double mean = 0, square = 0;
    for (int64_t i = 0; i < length; ++i)
        mean += x[i] / (double)length;
    for (int64_t i = 0; i < length; ++i) {
        b->segment[i] = (x[i] - mean) * b->window[i];
        square += b->window[i] * b->window[i];
    }
    const chirp_status st = chirp_transform_forward(length, b->segment, b->spectrum);
    for (int64_t k = 1; st == CHIRP_OK && k <= length / 2; ++k) {
        const double re = b->spectrum[k][0], im = b->spectrum[k][1];
        b->power[(k - 1) * rows + row] =
            (k == length / 2 ? 1 : 2) * (re * re + im * im) / (rate * square);
    }
    return st;
}

static double combine(double *values, int64_t n, bool mean)
{
    if (mean) {
        double sum = 0;
        for (int64_t i = 0; i < n; ++i)
            sum += values[i];
        return sum / (double)n;
    }
    return chirp_median(values, (size_t)n) / chirp_median_bias(n);
}

chirp_status chirp_welch_estimate(const chirp_welch *welch, const char *name, const double *x,
                                  int64_t n, double sample_rate_hz, const bool *good,
                                  chirp_psd **psd, int64_t *n_used)
{
    const int64_t length = 2 * (int64_t)llround(welch->segment_s * sample_rate_hz / 2),
                  hop = length / 2, bins = length / 2;
    if (length < 16)
        return chirp_fail(CHIRP_ERR_ARG, "Welch segments of %g s at %g Hz are too short",
                          welch->segment_s, sample_rate_hz);
    const int64_t most = n >= length ? (n - length) / hop + 1 : 0;
    int64_t used = 0;
    for (int64_t i = 0; i < most; ++i)
        used += segment_is_good(good, i * hop, length, sample_rate_hz);
    if (used < 3)
        return chirp_fail(CHIRP_ERR_RANGE,
                          "%s: %.3g s of data hold %lld good segments of %g s: a noise estimate "
                          "needs 3 or more (longer data)",
                          name, (double)n / sample_rate_hz, (long long)used, welch->segment_s);
    welch_buffers b = {
        .window = chirp_calloc((size_t)length, sizeof(double)),
        .segment = chirp_calloc((size_t)length, sizeof(double)),
        .power = chirp_calloc((size_t)bins * (size_t)used, sizeof(double)),
        .spectrum = chirp_calloc((size_t)bins + 1, sizeof(fftw_complex)),
        .f = chirp_calloc((size_t)bins, sizeof(double)),
        .s = chirp_calloc((size_t)bins, sizeof(double)),
    };
    chirp_status st = CHIRP_ERR_NOMEM;
    if (!b.window || !b.segment || !b.power || !b.spectrum || !b.f || !b.s)
        goto done;
    fill_window(welch->window, length, b.window);
    st = CHIRP_OK;
    for (int64_t i = 0, row = 0; i < most && st == CHIRP_OK; ++i)
        if (segment_is_good(good, i * hop, length, sample_rate_hz))
            st = periodogram(&b, x + i * hop, length, sample_rate_hz, row++, used);
    for (int64_t k = 0; k < bins && st == CHIRP_OK; ++k) {
        b.f[k] = (double)(k + 1) * sample_rate_hz / (double)length;
        b.s[k] = combine(b.power + k * used, used, welch->mean);
        if (!(b.s[k] > 0) || !isfinite(b.s[k]))
            st = chirp_fail(CHIRP_ERR_NUMERIC,
                            "%s: the noise estimate is %g at %g Hz: constant or damaged data", name,
                            b.s[k], b.f[k]);
    }
    if (st == CHIRP_OK)
        st = chirp_psd_from_table(name, b.f, b.s, (size_t)bins, psd);
    if (st == CHIRP_OK && n_used)
        *n_used = used;
done:
    buffers_destroy(&b);
    return st;
}

chirp_status chirp_whitening_gain(const chirp_psd *psd, chirp_band band, int64_t n,
                                  double sample_rate_hz, double response_s, double *gain)
{
    const int64_t bins = n / 2 + 1;
    const double df = sample_rate_hz / (double)n;
    /* The band is applied after the cut: its edges must stay where they are. Outside the band the curve is continued flat. */
    for (int64_t k = 0; k < bins; ++k)
        gain[k] =
            1 / sqrt(chirp_psd_at(psd, fmax(band.low_hz, fmin(band.high_hz, (double)k * df))));
    chirp_status st = CHIRP_OK;
    if (response_s > 0) {
        fftw_complex *spectrum = chirp_calloc((size_t)bins, sizeof *spectrum);
        double *response = chirp_calloc((size_t)n, sizeof *response);
        st = spectrum && response ? CHIRP_OK : CHIRP_ERR_NOMEM;
        for (int64_t k = 0; st == CHIRP_OK && k < bins; ++k)
            spectrum[k][0] = gain[k] / (double)n;
        if (st == CHIRP_OK)
            st = chirp_transform_inverse(n, spectrum, response);
        const double half = response_s / 2 * sample_rate_hz;
        for (int64_t i = 0; st == CHIRP_OK && i < n; ++i) {
            const double distance =
                (double)(i < n - i ? i : n - i); /* even: the response is symmetric around 0 */
            response[i] *= distance < half ? 0.5 * (1 + cos(M_PI * distance / half)) : 0;
        }
        if (st == CHIRP_OK)
            st = chirp_transform_forward(n, response, spectrum);
        for (int64_t k = 0; st == CHIRP_OK && k < bins; ++k)
            gain[k] = fmax(0, spectrum[k][0]);
        chirp_free(spectrum);
        chirp_free(response);
    }
    for (int64_t k = 0; k < bins; ++k)
        gain[k] *= chirp_band_gain(band, (double)k * df);
    return st;
}

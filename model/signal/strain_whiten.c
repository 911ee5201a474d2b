/* From a strain file to whitened windows. */
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "model/signal/strain.h"
#include "model/signal/transform.h"
#include "model/signal/welch.h"

#include <math.h>
#include <string.h>

/* Data at both ends that the taper and the filter's response reach: dropped. */
#define TAPER_S 0.5
#define LEAST_S 16.0

chirp_whiten_options chirp_whiten_options_default(void)
{
    /* a shorter response can't hold the notches of the estimate's lines: they would stay in the data */
    return (chirp_whiten_options){.sample_rate_hz = 8192,
                                  .band = {20, 1000},
                                  .stretch_s = 64,
                                  .response_s = chirp_welch_default().segment_s};
}

void chirp_whitened_destroy(chirp_whitened *w)
{
    if (!w)
        return;
    chirp_free(w->sample);
    chirp_psd_destroy(w->psd);
    chirp_free(w);
}

/* The second `at` and the good ones around it: [*first, *last), empty when it is bad. A partial last second is left out. */
static void good_part(const chirp_strain *s, int64_t at, int64_t *first, int64_t *last)
{
    const int64_t whole = (int64_t)floor((double)s->n / s->sample_rate_hz);
    int64_t a = at, b = at;
    while (a > 0 && s->good[at] && s->good[a - 1])
        --a;
    while (b < whole && s->good[b])
        ++b;
    *first = a;
    *last = b;
}

static chirp_status bad_second(const char *path, const chirp_strain *s, int64_t at)
{
    const double gps = s->gps_start + (double)at;
    if (s->missing[at])
        return chirp_fail(CHIRP_ERR_NUMERIC,
                          "%s: the second at GPS %.0f has missing data (NaN, or equal samples in a "
                          "row such as zeros): choose another --gps or file",
                          path, gps);
    return chirp_fail(CHIRP_ERR_NUMERIC,
                      "%s: the second at GPS %.0f fails the data-quality mask (DATA, CBC_CAT1): "
                      "choose another --gps or file",
                      path, gps);
}

/* [*first, *last) seconds that are good: those around gps, or the longest part of all when gps is NAN. */
static chirp_status good_seconds(const char *path, const chirp_strain *s, double gps,
                                 int64_t *first, int64_t *last)
{
    int64_t a = 0, b = 0;
    if (isnan(gps)) {
        for (int64_t at = 0, from, to; at<s->n_seconds; at = to> at ? to : at + 1) {
            good_part(s, at, &from, &to);
            if (to - from > b - a) {
                a = from;
                b = to;
            }
        }
    } else {
        const int64_t at = (int64_t)floor(gps - s->gps_start);
        if (at < 0 || at >= s->n_seconds)
            return chirp_fail(CHIRP_ERR_RANGE, "GPS %.3f lies outside %s (%.3f to %.3f)", gps, path,
                              s->file_start_gps, s->file_start_gps + s->file_duration_s);
        if (!s->good[at])
            return bad_second(path, s, at);
        good_part(s, at, &a, &b);
    }
    if ((double)(b - a) < LEAST_S)
        return chirp_fail(CHIRP_ERR_RANGE,
                          "%s: only %lld s of good data in a row (GPS %.0f to %.0f): %g s are "
                          "needed for whitening",
                          path, (long long)(b - a), s->gps_start + (double)a,
                          s->gps_start + (double)b, LEAST_S);
    *first = a;
    *last = b;
    return CHIRP_OK;
}

/* Filters and resamples x[n] in one pass over the spectrum; result [n_out] begins `lead_s` after x[0]. */
static chirp_status filter(const chirp_psd *psd, const chirp_whiten_options *o, double *x,
                           int64_t n, double rate, double lead_s, double *out, int64_t n_out)
{
    const int64_t bins = n / 2 + 1, bins_out = n_out / 2 + 1;
    double *gain = chirp_calloc((size_t)bins, sizeof *gain);
    fftw_complex *spectrum = chirp_calloc((size_t)bins, sizeof *spectrum),
                 *resampled = chirp_calloc((size_t)bins_out, sizeof *resampled);
    chirp_status st = gain && spectrum && resampled ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_whitening_gain(psd, o->band, n, rate, o->response_s, gain);
    if (st == CHIRP_OK)
        st = chirp_transform_forward(n, x, spectrum);
    const int64_t common = bins < bins_out ? bins : bins_out;
    /* h~ = dt FFT(x), back by df sum; sqrt(2/fs_out) makes white noise of unit variance at the new rate */
    const double df = rate / (double)n, scale = df / rate * sqrt(2 / o->sample_rate_hz);
    for (int64_t k = 1; st == CHIRP_OK && k < common - 1; ++k) {
        const double turn = 2 * M_PI * (double)k * df * lead_s, c = cos(turn), s = sin(turn),
                     g = gain[k] * scale;
        resampled[k][0] = g * (spectrum[k][0] * c - spectrum[k][1] * s);
        resampled[k][1] = g * (spectrum[k][0] * s + spectrum[k][1] * c);
    }
    if (st == CHIRP_OK)
        st = chirp_transform_inverse(n_out, resampled, out);
    chirp_free(gain);
    chirp_free(spectrum);
    chirp_free(resampled);
    return st;
}

static void taper(double *x, int64_t n, int64_t width)
{
    double mean = 0;
    for (int64_t i = 0; i < n; ++i)
        mean += x[i] / (double)n;
    for (int64_t i = 0; i < n; ++i)
        x[i] -= mean;
    for (int64_t i = 0; i < width; ++i) {
        const double w = 0.5 * (1 - cos(M_PI * ((double)i + 0.5) / (double)width));
        x[i] *= w;
        x[n - 1 - i] *= w;
    }
}

/* Robust measure of the noise: median of squares over their expectation would need a table; 1 s blocks' median power does. */
static double measure_scale(const chirp_whitened *w)
{
    const int64_t block = (int64_t)w->sample_rate_hz, blocks = w->n / block;
    double power[4096];
    int64_t used = 0;
    for (int64_t b = 0; b < blocks && used < 4096; ++b) {
        double sum = 0;
        for (int64_t i = b * block; i < (b + 1) * block; ++i)
            sum += (double)w->sample[i] * (double)w->sample[i];
        power[used++] = sum / (double)block;
    }
    chirp_sort(power, (size_t)used);
    double share = 0;
    const double step = 0.25;
    for (double f = w->band.low_hz; f < w->band.high_hz; f += step)
        share += chirp_band_gain(w->band, f) * chirp_band_gain(w->band, f) * step /
                 (w->sample_rate_hz / 2);
    return used ? sqrt(power[used / 2] / share) : 0;
}

static chirp_status check_options(const char *path, const chirp_strain *s,
                                  const chirp_whiten_options *o)
{
    if (!(o->band.low_hz > 0) || !(o->band.high_hz > o->band.low_hz) ||
        !(o->band.high_hz <= o->sample_rate_hz / 2))
        return chirp_fail(CHIRP_ERR_RANGE,
                          "band %g to %g Hz: expected 0 < low < high <= %g Hz (Nyquist)",
                          o->band.low_hz, o->band.high_hz, o->sample_rate_hz / 2);
    if (o->band.high_hz > s->sample_rate_hz / 2)
        return chirp_fail(
            CHIRP_ERR_RANGE,
            "%s is sampled at %g Hz and holds nothing above %g Hz: the band ends at %g Hz", path,
            s->sample_rate_hz, s->sample_rate_hz / 2, o->band.high_hz);
    if (!(o->sample_rate_hz >= 64) || o->sample_rate_hz != round(o->sample_rate_hz))
        return chirp_fail(CHIRP_ERR_RANGE, "sample rate %g Hz: expected a whole number from 64",
                          o->sample_rate_hz);
    return CHIRP_OK;
}

static chirp_status whiten_stretch(const char *path, double gps, const chirp_strain *s,
                                   const chirp_whiten_options *o, chirp_whitened *w)
{
    int64_t first = 0, last = 0;
    chirp_status st = check_options(path, s, o);
    if (st == CHIRP_OK)
        st = good_seconds(path, s, gps, &first, &last);
    if (st != CHIRP_OK)
        return st;
    const double rate = s->sample_rate_hz, seconds = (double)(last - first);
    const int64_t n = (int64_t)(seconds * rate), n_out = (int64_t)(seconds * o->sample_rate_hz);
    double *x = chirp_alloc((size_t)n * sizeof *x), *out = chirp_alloc((size_t)n_out * sizeof *out);
    st = x && out ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st != CHIRP_OK)
        goto done;
    memcpy(x, s->sample + first * (int64_t)rate, (size_t)n * sizeof *x);
    const chirp_welch welch = chirp_welch_default();
    if (!o->psd_path)
        st = chirp_welch_estimate(&welch, path, x, n, rate, NULL, &w->psd, &w->n_segments);
    else if (chirp_strain_is_hdf5(o->psd_path))
        st = chirp_strain_psd(o->psd_path, (double)NAN, &w->psd);
    else
        st = chirp_psd_read(o->psd_path, CHIRP_PSD_DETECT, &w->psd);
    if (st == CHIRP_OK)
        st = chirp_psd_require(w->psd, o->band.low_hz, o->band.high_hz);
    if (st != CHIRP_OK)
        goto done;
    taper(x, n, (int64_t)(TAPER_S * rate));
    /* a fraction of a sample, so that gps itself is a sample */
    const double start = s->gps_start + (double)first,
                 at = isnan(gps) ? 0 : (gps - start) * o->sample_rate_hz;
    const double lead_s = (at - floor(at)) / o->sample_rate_hz;
    st = filter(w->psd, o, x, n, rate, lead_s, out, n_out);
    if (st != CHIRP_OK)
        goto done;
    const int64_t edge = (int64_t)ceil((TAPER_S + o->response_s / 2) * o->sample_rate_hz);
    w->n = n_out - 2 * edge;
    w->gps_start = start + lead_s + (double)edge / o->sample_rate_hz;
    w->sample = chirp_alloc((size_t)w->n * sizeof *w->sample);
    st = w->sample ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int64_t i = 0; st == CHIRP_OK && i < w->n; ++i)
        w->sample[i] = (float)out[edge + i];
    memcpy(w->detector, s->detector, sizeof w->detector);
    w->sample_rate_hz = o->sample_rate_hz;
    w->source_rate_hz = rate;
    w->file_start_gps = s->file_start_gps;
    w->file_duration_s = s->file_duration_s;
    w->used_from_gps = start;
    w->used_to_gps = start + seconds;
    w->band = o->band;
    for (int64_t i = first; i < last; ++i)
        w->doubtful = w->doubtful || s->doubtful[i];
    if (st == CHIRP_OK)
        w->noise_scale = measure_scale(w);
done:
    chirp_free(x);
    chirp_free(out);
    return st;
}

/* Reads stretch_s around gps (NAN: the file's middle), moved inside the file where it would stick out. */
static chirp_status read_around(const char *path, double gps, double stretch_s, chirp_strain *s)
{
    double start, duration, rate;
    chirp_status st = chirp_strain_times(path, &start, &duration, &rate);
    if (st != CHIRP_OK)
        return st;
    if (!isnan(gps) && !(gps >= start && gps < start + duration))
        return chirp_fail(CHIRP_ERR_RANGE, "GPS %.3f lies outside %s (%.3f to %.3f)", gps, path,
                          start, start + duration);
    const double at = isnan(gps) ? start + duration / 2 : gps;
    double from = at - stretch_s / 2, to = at + stretch_s / 2;
    if (from < start) {
        to += start - from;
        from = start;
    }
    if (to > start + duration)
        from -= to - (start + duration);
    return chirp_strain_read(path, from, to, s);
}

chirp_status chirp_strain_whiten(const char *path, double gps, const chirp_whiten_options *options,
                                 chirp_whitened **whitened)
{
    chirp_strain s = {0};
    chirp_status st = read_around(path, gps, options->stretch_s, &s);
    if (st != CHIRP_OK)
        return st;
    chirp_whitened *w = chirp_calloc(1, sizeof *w);
    st = w ? whiten_stretch(path, gps, &s, options, w) : CHIRP_ERR_NOMEM;
    chirp_strain_destroy(&s);
    if (st != CHIRP_OK) {
        chirp_whitened_destroy(w);
        return st;
    }
    *whitened = w;
    return CHIRP_OK;
}

/* Mean and standard deviation. */
static void moments(const float *x, int64_t n, double *mean, double *size)
{
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; ++i)
        sum += (double)x[i];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; ++i)
        square += ((double)x[i] - *mean) * ((double)x[i] - *mean);
    *size = sqrt(square / (double)n);
}

chirp_status chirp_whitened_window(const chirp_whitened *w, double gps_start, int64_t length,
                                   float *window)
{
    const double at = round((gps_start - w->gps_start) * w->sample_rate_hz);
    if (length < 2 || !(at >= 0) || !(at + (double)length <= (double)w->n))
        return chirp_fail(CHIRP_ERR_RANGE,
                          "the window of %g s from GPS %.4f is not inside the whitened data (%.4f "
                          "to %.4f): too near the edge of the good data",
                          (double)length / w->sample_rate_hz, gps_start, w->gps_start,
                          w->gps_start + (double)w->n / w->sample_rate_hz);
    const float *x = w->sample + (int64_t)at;
    double mean, size;
    moments(x, length, &mean, &size);
    if (!(size > 0) || !isfinite(size))
        return chirp_fail(CHIRP_ERR_NUMERIC, "the window from GPS %.4f is constant or not finite",
                          gps_start);
    const double unit = 1 / size;
    for (int64_t i = 0; i < length; ++i)
        window[i] = (float)(((double)x[i] - mean) * unit);
    return CHIRP_OK;
}

double chirp_sweep_offset(double merger_at_s, double step_s, int64_t n, int64_t i)
{
    return merger_at_s + ((double)i - 0.5 * (double)(n - 1)) * step_s;
}

chirp_status chirp_whitened_worst_bin(const chirp_whitened *w, double *power, double *hz)
{
    static const double least_gain =
        0.5; /* at the band's edges the filter lets too little through */
    chirp_welch welch = chirp_welch_default();
    chirp_psd *psd = NULL;
    double *x = chirp_alloc((size_t)w->n * sizeof *x);
    if (!x)
        return CHIRP_ERR_NOMEM;
    welch.mean = true; /* a median would not see what lasts less than half of the stretch */
    for (int64_t i = 0; i < w->n; ++i)
        x[i] = (double)w->sample[i];
    const chirp_status st =
        chirp_welch_estimate(&welch, w->detector, x, w->n, w->sample_rate_hz, NULL, &psd, NULL);
    chirp_free(x);
    if (st != CHIRP_OK)
        return st;
    *power = *hz = 0;
    for (double f = w->band.low_hz; f <= w->band.high_hz; f += 1 / welch.segment_s) {
        const double gain = chirp_band_gain(w->band, f);
        const double here = chirp_psd_at(psd, f) * w->sample_rate_hz / 2 / (gain * gain);
        if (gain >= least_gain && here > *power) {
            *power = here;
            *hz = f;
        }
    }
    chirp_psd_destroy(psd);
    return CHIRP_OK;
}

static chirp_status fill_info(const chirp_whitened *w, double gps, double start, int64_t length,
                              chirp_strain_info *info)
{
    double mean, size; /* the window is inside: chirp_whitened_window() has succeeded */
    moments(w->sample + llround((start - w->gps_start) * w->sample_rate_hz), length, &mean, &size);

    chirp_strain_info made = {.gps = gps,
                              .window_start_gps = start,
                              .file_start_gps = w->file_start_gps,
                              .file_duration_s = w->file_duration_s,
                              .source_rate_hz = w->source_rate_hz,
                              .sample_rate_hz = w->sample_rate_hz,
                              .used_from_gps = w->used_from_gps,
                              .used_to_gps = w->used_to_gps,
                              .n_segments = w->n_segments,
                              .noise_scale = w->noise_scale,
                              .window_scale = size / w->noise_scale,
                              .band = w->band,
                              .doubtful = w->doubtful};
    memcpy(made.detector, w->detector, sizeof made.detector);
    const chirp_status st = chirp_whitened_worst_bin(w, &made.worst_bin_power, &made.worst_bin_hz);
    if (st != CHIRP_OK)
        return st;
    const double df = 0.25;
    made.n_psd = (int64_t)floor((w->band.high_hz - w->band.low_hz) / df) + 1;
    made.psd_f_hz = chirp_calloc((size_t)made.n_psd, sizeof *made.psd_f_hz);
    made.psd = chirp_calloc((size_t)made.n_psd, sizeof *made.psd);
    if (!made.psd_f_hz || !made.psd) {
        chirp_strain_info_destroy(&made);
        return CHIRP_ERR_NOMEM;
    }
    for (int64_t i = 0; i < made.n_psd; ++i) {
        made.psd_f_hz[i] = w->band.low_hz + df * (double)i;
        made.psd[i] = chirp_psd_at(w->psd, made.psd_f_hz[i]);
    }
    *info = made;
    return CHIRP_OK;
}

void chirp_strain_info_destroy(chirp_strain_info *info)
{
    chirp_free(info->psd_f_hz);
    chirp_free(info->psd);
    *info = (chirp_strain_info){0};
}

chirp_status chirp_strain_window(const char *path, double gps, double merger_at_s, int64_t length,
                                 double sample_rate_hz, double f_low_hz, float *window,
                                 chirp_strain_info *info)
{
    if (!isfinite(gps))
        return chirp_fail(CHIRP_ERR_ARG, "GPS time %g: expected seconds, e.g. 1126259462.4", gps);
    if (!(merger_at_s >= 0) || !(merger_at_s <= (double)length / sample_rate_hz))
        return chirp_fail(CHIRP_ERR_ARG, "the merger at %g s lies outside the window of %g s",
                          merger_at_s, (double)length / sample_rate_hz);
    chirp_whiten_options options = chirp_whiten_options_default();
    options.sample_rate_hz = sample_rate_hz;
    options.band.low_hz = f_low_hz;
    if (options.band.high_hz > sample_rate_hz / 2)
        options.band.high_hz = sample_rate_hz / 2;
    chirp_whitened *w = NULL;
    chirp_strain_info made = {0};
    chirp_status st = chirp_strain_whiten(path, gps, &options, &w);
    if (st != CHIRP_OK)
        return st;
    const double start = gps - merger_at_s;
    st = chirp_whitened_window(w, start, length, window);
    if (st == CHIRP_OK && info)
        st = fill_info(w, gps, start, length, &made);
    if (st != CHIRP_OK)
        st = chirp_fail(st, "%s: %s", path, chirp_error_message());
    chirp_whitened_destroy(w);
    if (st == CHIRP_OK && info)
        *info = made;
    return st;
}

chirp_status chirp_strain_psd(const char *path, double gps, chirp_psd **psd)
{
    chirp_strain s = {0};
    double start, duration, rate;
    chirp_status st = chirp_strain_times(path, &start, &duration, &rate);
    if (st == CHIRP_OK)
        st = isnan(gps) ? chirp_strain_read(path, start, start + fmin(duration, 256), &s)
                        : read_around(path, gps, 256, &s);
    const chirp_welch welch = chirp_welch_default();
    if (st == CHIRP_OK)
        st = chirp_welch_estimate(&welch, path, s.sample, s.n, s.sample_rate_hz, s.good, psd, NULL);
    chirp_strain_destroy(&s);
    return st;
}

/* Strain files: samples, times, data quality, holes. */
#include "harness/base/memory.h"
#include "model/signal/hdf.h"
#include "model/signal/strain.h"
#include "model/signal/strain_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DATA = 1u << 0, CBC_CAT1 = 1u << 1, CBC_CAT2 = 1u << 2, CBC_CAT3 = 1u << 3 };

/*
 * Equal samples in a row that are no measurement. Noise moves from sample to sample; only rounding makes neighbours equal.
 * Even where the rounding step is half the standard deviation of that movement, two neighbours are equal with probability
 * 0.2 and 16 in a row with 0.2^15 = 3e-11: less than once in 100 files of 4096 s at 16 kHz. Files whose samples are
 * repeated to reach a higher rate have runs of 2 to 8.
 */
enum { LEAST_RUN = 16 };

void chirp_strain_destroy(chirp_strain *s)
{
    chirp_free(s->sample);
    chirp_free(s->good);
    chirp_free(s->missing);
    chirp_free(s->doubtful);
    *s = (chirp_strain){0};
}

/* What a file says about its times; fields that are absent are NAN. */
typedef struct times {
    double start, spacing, meta_start, duration;
} times;

static chirp_status optional_number(const chirp_strain_source *o, const char *name, double *value)
{
    char path[sizeof o->group + 32];
    (void)snprintf(path, sizeof path, "%s%s", o->group, name);
    return o->gwosc && chirp_hdf_has(o->file, path)
               ? chirp_hdf_number(o->file, o->name, path, value)
               : CHIRP_OK;
}

static chirp_status find_times(const chirp_strain_source *o, times *t)
{
    bool has_spacing = false, has_start = false;
    *t = (times){(double)NAN, (double)NAN, (double)NAN, (double)NAN};
    chirp_status st =
        chirp_hdf_attribute(o->file, o->name, o->dataset, o->spacing, &t->spacing, &has_spacing);
    if (st == CHIRP_OK)
        st = chirp_hdf_attribute(o->file, o->name, o->dataset, o->start, &t->start, &has_start);
    if (st == CHIRP_OK)
        st = optional_number(o, "meta/GPSstart", &t->meta_start);
    if (st == CHIRP_OK)
        st = optional_number(o, "meta/Duration", &t->duration);
    if (st != CHIRP_OK)
        return st;
    if (!has_start && isnan(t->meta_start))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: neither /meta/GPSstart nor attribute %s of /%s: when was this?",
                          o->name, o->start, o->dataset);
    if (!has_spacing && isnan(t->duration))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: neither attribute %s of /%s nor /meta/Duration: no sample rate",
                          o->name, o->spacing, o->dataset);
    if (has_spacing && !(t->spacing > 0))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: attribute %s of /%s is %g s: expected 1/4096 or so", o->name,
                          o->spacing, o->dataset, t->spacing);
    return CHIRP_OK;
}

/* Start, rate and duration from whichever fields the file has; those that are there must agree. */
static chirp_status read_times(const chirp_strain_source *o, hsize_t n, chirp_strain *s)
{
    times t;
    const chirp_status st = find_times(o, &t);
    if (st != CHIRP_OK)
        return st;
    s->file_start_gps = isnan(t.start) ? t.meta_start : t.start;
    if (!isfinite(s->file_start_gps) || fabs(s->file_start_gps) > 1e11)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: start time GPS %g is impossible", o->name,
                          s->file_start_gps);
    if (fabs(t.start - t.meta_start) > 1)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: /meta/GPSstart %.3f contradicts Xstart %.3f",
                          o->name, t.meta_start, t.start);
    const double rate = isnan(t.spacing) ? (double)n / t.duration : 1 / t.spacing;
    if (!(rate >= 64) || !(rate <= 1e6))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: sample rate %g Hz (%s %g s): expected 4096 or 16384 Hz", o->name,
                          rate, o->spacing, t.spacing);
    s->sample_rate_hz = fabs(rate - round(rate)) < 1e-6 * rate ? round(rate) : rate;
    if (s->sample_rate_hz != round(s->sample_rate_hz))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: sample rate %.9g Hz is not a whole number",
                          o->name, rate);
    s->file_duration_s = (double)n / s->sample_rate_hz;
    if (fabs(t.duration - s->file_duration_s) > 0.5)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: /%s has %llu samples, %g s at %g Hz, but /meta/Duration "
                          "is %g s: truncated?",
                          o->name, o->dataset, (unsigned long long)n, s->file_duration_s,
                          s->sample_rate_hz, t.duration);
    return CHIRP_OK;
}

static chirp_status read_quality(const chirp_strain_source *o, int64_t first_second,
                                 chirp_strain *s)
{
    char name[sizeof o->group + 32];
    const char *const path = o->name;
    (void)snprintf(name, sizeof name, "%squality/simple/DQmask", o->group);
    if (!o->gwosc || !chirp_hdf_has(o->file, name))
        return CHIRP_OK;
    hsize_t extent[1];
    hid_t dataset = -1;
    chirp_status st = chirp_hdf_dataset(o->file, path, name, 1, extent, &dataset);
    if (st != CHIRP_OK)
        return st;
    uint32_t *mask = NULL;
    if ((int64_t)extent[0] < first_second + s->n_seconds) {
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: /quality/simple/DQmask has %llu seconds, the strain %g s: truncated?",
                        path, (unsigned long long)extent[0], s->file_duration_s);
    } else {
        mask = chirp_calloc((size_t)s->n_seconds, sizeof *mask);
        st = mask ? chirp_hdf_read_rows(
                        dataset, path, name, H5T_NATIVE_UINT32,
                        (chirp_hdf_rows){(hsize_t)first_second, (hsize_t)s->n_seconds, 1}, mask)
                  : CHIRP_ERR_NOMEM;
    }
    for (int64_t i = 0; st == CHIRP_OK && i < s->n_seconds; ++i) {
        s->good[i] = (mask[i] & DATA) && (mask[i] & CBC_CAT1);
        s->doubtful[i] = !(mask[i] & CBC_CAT2) || !(mask[i] & CBC_CAT3);
    }
    chirp_free(mask);
    chirp_hdf_close(dataset);
    return st;
}

/* Seconds with a number that isn't finite, or with samples that stand still: zeros or a held value in place of data. */
static void find_missing(chirp_strain *s)
{
    int64_t run = 0;
    for (int64_t i = 0; i < s->n; ++i) {
        const int64_t second = (int64_t)((double)i / s->sample_rate_hz);
        run = i > 0 && s->sample[i] == s->sample[i - 1] ? run + 1 : 1;
        if (isfinite(s->sample[i]) && run < LEAST_RUN)
            continue;
        s->missing[second] = true;
        if (run == LEAST_RUN) /* the run may have begun in the second before */
            s->missing[(int64_t)((double)(i - LEAST_RUN + 1) / s->sample_rate_hz)] = true;
    }
    for (int64_t second = 0; second < s->n_seconds; ++second)
        s->good[second] = s->good[second] && !s->missing[second];
}

/* Opens the samples and learns their times. */
static chirp_status open_samples(const chirp_strain_source *o, hsize_t extent[1], hid_t *dataset,
                                 chirp_strain *s)
{
    chirp_status st = chirp_hdf_dataset(o->file, o->name, o->dataset, 1, extent, dataset);
    if (st == CHIRP_OK && extent[0] < 2)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: /%s is empty", o->name, o->dataset);
    return st == CHIRP_OK ? read_times(o, extent[0], s) : st;
}

static chirp_status read_stretch(const chirp_strain_source *o, double gps_from, double gps_to,
                                 chirp_strain *s)
{
    const char *const path = o->name;
    hsize_t extent[1];
    hid_t dataset = -1;
    chirp_status st = open_samples(o, extent, &dataset, s);
    /* whole seconds, so that the quality mask lines up */
    const double from = fmax(0, floor(gps_from - s->file_start_gps));
    const double to = fmin(s->file_duration_s, ceil(gps_to - s->file_start_gps));
    if (st == CHIRP_OK && !(from < to))
        st = chirp_fail(CHIRP_ERR_RANGE,
                        "%s: GPS %.3f to %.3f lies outside the file (%.3f to %.3f)", path, gps_from,
                        gps_to, s->file_start_gps, s->file_start_gps + s->file_duration_s);
    if (st != CHIRP_OK)
        goto done;
    const int64_t first = (int64_t)(from * s->sample_rate_hz),
                  last = (int64_t)llround(to * s->sample_rate_hz);
    s->n = (last > (int64_t)extent[0] ? (int64_t)extent[0] : last) - first;
    s->gps_start = s->file_start_gps + from;
    s->n_seconds = (int64_t)ceil((double)s->n / s->sample_rate_hz);
    s->sample = chirp_alloc((size_t)s->n * sizeof *s->sample);
    s->good = chirp_calloc((size_t)s->n_seconds, sizeof *s->good);
    s->missing = chirp_calloc((size_t)s->n_seconds, sizeof *s->missing);
    s->doubtful = chirp_calloc((size_t)s->n_seconds, sizeof *s->doubtful);
    st = s->sample && s->good && s->missing && s->doubtful ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_hdf_read_rows(dataset, path, o->dataset, H5T_NATIVE_DOUBLE,
                                 (chirp_hdf_rows){(hsize_t)first, (hsize_t)s->n, 1}, s->sample);
    if (st != CHIRP_OK)
        goto done;
    memset(s->good, 1, (size_t)s->n_seconds);
    st = read_quality(o, (int64_t)from, s);
    if (st == CHIRP_OK)
        find_missing(s);
done:
    chirp_hdf_close(dataset);
    return st;
}

chirp_status chirp_strain_times(const char *path, double *start_gps, double *duration_s,
                                double *sample_rate_hz)
{
    hid_t dataset = -1;
    hsize_t extent[1];
    chirp_strain s = {0};
    chirp_strain_source source;
    chirp_status st = chirp_strain_source_open(path, &source);
    if (st != CHIRP_OK)
        return st;
    st = open_samples(&source, extent, &dataset, &s);
    chirp_hdf_close(dataset);
    chirp_strain_source_close(&source);
    if (st != CHIRP_OK)
        return st;
    *start_gps = s.file_start_gps;
    *duration_s = s.file_duration_s;
    *sample_rate_hz = s.sample_rate_hz;
    return CHIRP_OK;
}

chirp_status chirp_strain_read(const char *path, double gps_from, double gps_to,
                               chirp_strain *strain)
{
    chirp_strain s = {0};
    chirp_strain_source source;
    chirp_status st = chirp_strain_source_open(path, &source);
    if (st != CHIRP_OK)
        return st;
    memcpy(s.detector, source.detector, sizeof s.detector);
    st = read_stretch(&source, gps_from, gps_to, &s);
    chirp_strain_source_close(&source);
    if (st != CHIRP_OK) {
        chirp_strain_destroy(&s);
        return st;
    }
    *strain = s;
    return CHIRP_OK;
}

chirp_status chirp_strain_is_simulated(const char *path, bool *simulated, chirp_binary *binary)
{
    static const char field[] = "meta/Description";
    char description[256] = "";
    chirp_strain_source source;
    chirp_status st = chirp_strain_source_open(path, &source);
    if (st != CHIRP_OK)
        return st;
    if (source.gwosc && chirp_hdf_has(source.file, field))
        st = chirp_hdf_string(source.file, path, field, description, sizeof description);
    chirp_strain_source_close(&source);
    if (st != CHIRP_OK)
        return st;
    *simulated = strncmp(description, CHIRP_STRAIN_SIMULATED, strlen(CHIRP_STRAIN_SIMULATED)) == 0;
    if (*simulated && binary) {
        const char *at = strstr(description, " m1 ");
        *binary = (chirp_binary){0};
        if (!at || sscanf(at, " m1 %lf, m2 %lf, chi1 %lf, chi2 %lf", &binary->m1_msun,
                          &binary->m2_msun, &binary->chi1, &binary->chi2) != 4)
            *binary = (chirp_binary){0};
    }
    return CHIRP_OK;
}

/* GWOSC strain files: layout, data quality, holes. */
#include "harness/base/memory.h"
#include "model/signal/hdf.h"
#include "model/signal/strain.h"

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

bool chirp_strain_is_hdf5(const char *path)
{
    chirp_hdf_quiet();
    return H5Fis_hdf5(path) > 0;
}

void chirp_strain_destroy(chirp_strain *s)
{
    chirp_free(s->sample);
    chirp_free(s->good);
    chirp_free(s->missing);
    chirp_free(s->doubtful);
    *s = (chirp_strain){0};
}

/* Start, rate and duration from whichever fields the file has; those that are there must agree. */
static chirp_status read_times(hid_t file, const char *path, hsize_t n, chirp_strain *s)
{
    double spacing = 0, start = 0, meta_start = 0, duration = 0;
    bool has_spacing = false, has_start = false;
    chirp_status st =
        chirp_hdf_attribute(file, path, "strain/Strain", "Xspacing", &spacing, &has_spacing);
    if (st == CHIRP_OK)
        st = chirp_hdf_attribute(file, path, "strain/Strain", "Xstart", &start, &has_start);
    const bool has_meta_start = chirp_hdf_has(file, "meta/GPSstart"),
               has_duration = chirp_hdf_has(file, "meta/Duration");
    if (st == CHIRP_OK && has_meta_start)
        st = chirp_hdf_number(file, path, "meta/GPSstart", &meta_start);
    if (st == CHIRP_OK && has_duration)
        st = chirp_hdf_number(file, path, "meta/Duration", &duration);
    if (st != CHIRP_OK)
        return st;
    if (!has_start && !has_meta_start)
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: neither /meta/GPSstart nor attribute Xstart of /strain/Strain: when was this?",
            path);
    if (!has_spacing && !has_duration)
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: neither attribute Xspacing of /strain/Strain nor /meta/Duration: no sample rate",
            path);
    s->file_start_gps = has_start ? start : meta_start;
    if (!isfinite(s->file_start_gps) || fabs(s->file_start_gps) > 1e11)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: start time GPS %g is impossible", path,
                          s->file_start_gps);
    if (has_start && has_meta_start && fabs(start - meta_start) > 1)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: /meta/GPSstart %.3f contradicts Xstart %.3f", path,
                          meta_start, start);
    const double rate = has_spacing ? 1 / spacing : (double)n / duration;
    if (!(rate >= 64) || !(rate <= 1e6))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: sample rate %g Hz (Xspacing %g s): expected 4096 or 16384 Hz", path,
                          rate, spacing);
    s->sample_rate_hz = fabs(rate - round(rate)) < 1e-6 * rate ? round(rate) : rate;
    if (s->sample_rate_hz != round(s->sample_rate_hz))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: sample rate %.9g Hz is not a whole number", path,
                          rate);
    s->file_duration_s = (double)n / s->sample_rate_hz;
    if (has_duration && fabs(duration - s->file_duration_s) > 0.5)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: /strain/Strain has %llu samples, %g s at %g Hz, but /meta/Duration "
                          "is %g s: truncated?",
                          path, (unsigned long long)n, s->file_duration_s, s->sample_rate_hz,
                          duration);
    return CHIRP_OK;
}

static chirp_status read_quality(hid_t file, const char *path, int64_t first_second,
                                 chirp_strain *s)
{
    if (!chirp_hdf_has(file, "quality/simple/DQmask"))
        return CHIRP_OK;
    hsize_t extent[1];
    hid_t dataset = -1;
    chirp_status st = chirp_hdf_dataset(file, path, "quality/simple/DQmask", 1, extent, &dataset);
    if (st != CHIRP_OK)
        return st;
    uint32_t *mask = NULL;
    if ((int64_t)extent[0] < first_second + s->n_seconds) {
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: /quality/simple/DQmask has %llu seconds, the strain %g s: truncated?",
                        path, (unsigned long long)extent[0], s->file_duration_s);
    } else {
        mask = chirp_calloc((size_t)s->n_seconds, sizeof *mask);
        st = mask ? chirp_hdf_read_rows(dataset, path, "quality/simple/DQmask", H5T_NATIVE_UINT32,
                                        (hsize_t)first_second, (hsize_t)s->n_seconds, mask)
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

static chirp_status read_stretch(hid_t file, const char *path, double gps_from, double gps_to,
                                 chirp_strain *s)
{
    hsize_t extent[1];
    hid_t dataset = -1;
    chirp_status st = chirp_hdf_dataset(file, path, "strain/Strain", 1, extent, &dataset);
    if (st != CHIRP_OK)
        return st;
    st = extent[0] >= 2 ? read_times(file, path, extent[0], s)
                        : chirp_fail(CHIRP_ERR_FORMAT, "%s: /strain/Strain is empty", path);
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
        st = chirp_hdf_read_rows(dataset, path, "strain/Strain", H5T_NATIVE_DOUBLE, (hsize_t)first,
                                 (hsize_t)s->n, s->sample);
    if (st != CHIRP_OK)
        goto done;
    memset(s->good, 1, (size_t)s->n_seconds);
    st = read_quality(file, path, (int64_t)from, s);
    if (st == CHIRP_OK)
        find_missing(s);
done:
    chirp_hdf_close(dataset);
    return st;
}

chirp_status chirp_strain_times(const char *path, double *start_gps, double *duration_s,
                                double *sample_rate_hz)
{
    hid_t file = -1, dataset = -1;
    hsize_t extent[1];
    chirp_strain s = {0};
    chirp_status st = chirp_hdf_open(path, false, &file);
    if (st != CHIRP_OK)
        return st;
    st = chirp_hdf_dataset(file, path, "strain/Strain", 1, extent, &dataset);
    if (st == CHIRP_OK)
        st = extent[0] >= 2 ? read_times(file, path, extent[0], &s)
                            : chirp_fail(CHIRP_ERR_FORMAT, "%s: /strain/Strain is empty", path);
    chirp_hdf_close(dataset);
    chirp_hdf_close(file);
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
    hid_t file = -1;
    chirp_strain s = {0};
    chirp_status st = chirp_hdf_open(path, false, &file);
    if (st != CHIRP_OK)
        return st;
    if (!chirp_hdf_has(file, "meta/Detector"))
        memcpy(s.detector, "unknown", 8);
    else
        st = chirp_hdf_string(file, path, "meta/Detector", s.detector, sizeof s.detector);
    if (st == CHIRP_OK)
        st = read_stretch(file, path, gps_from, gps_to, &s);
    chirp_hdf_close(file);
    if (st != CHIRP_OK) {
        chirp_strain_destroy(&s);
        return st;
    }
    *strain = s;
    return CHIRP_OK;
}

bool chirp_strain_is_simulated(const char *path, chirp_binary *binary)
{
    char description[256] = "";
    hid_t file = -1;
    if (chirp_hdf_open(path, false, &file) != CHIRP_OK)
        return false;
    const bool simulated =
        chirp_hdf_has(file, "meta/Description") &&
        chirp_hdf_string(file, path, "meta/Description", description, sizeof description) ==
            CHIRP_OK &&
        strncmp(description, CHIRP_STRAIN_SIMULATED, strlen(CHIRP_STRAIN_SIMULATED)) == 0;
    chirp_hdf_close(file);
    if (simulated && binary) {
        const char *at = strstr(description, " m1 ");
        *binary = (chirp_binary){0};
        if (!at || sscanf(at, " m1 %lf, m2 %lf, chi1 %lf, chi2 %lf", &binary->m1_msun,
                          &binary->m2_msun, &binary->chi1, &binary->chi2) != 4)
            *binary = (chirp_binary){0};
    }
    return simulated;
}

/* Simulated strain in the GWOSC layout: design noise with one injected signal. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/signal/hdf.h"
#include "model/signal/phenomd.h"
#include "model/signal/strain.h"
#include "model/signal/transform.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* GPS seconds of 1970-01-01 and leap seconds since 1980 that hold from 2017 on (one less before). */
#define UNIX_OF_GPS_EPOCH 315964800
#define GPS_OF_2017 1167264018

chirp_strain_spec chirp_strain_spec_default(void)
{
    return (chirp_strain_spec){
        .binary = {36, 29, 0, 0},
        .snr = 24,
        .gps_merger = 1126259462.4,
        .gps_start = 1126259446,
        .duration_s = 32,
        .sample_rate_hz = 4096,
        .detector = "H1",
    };
}

static chirp_status check_spec(const chirp_strain_spec *s)
{
    if (s->duration_s < 4 || s->duration_s > 4096)
        return chirp_fail(CHIRP_ERR_RANGE, "strain of %lld s: expected 4 to 4096",
                          (long long)s->duration_s);
    if (!(s->sample_rate_hz >= 2048) || !(s->sample_rate_hz <= 65536) ||
        s->sample_rate_hz != round(s->sample_rate_hz))
        return chirp_fail(
            CHIRP_ERR_RANGE,
            "strain at %g Hz: expected a whole number of 2048 to 65536 (GWOSC: 4096 or 16384)",
            s->sample_rate_hz);
    if (!(s->gps_start >= 0) || !(s->gps_start < 1e11) || s->gps_start != floor(s->gps_start))
        return chirp_fail(CHIRP_ERR_RANGE, "strain from GPS %g: expected whole seconds",
                          s->gps_start);
    if (!(s->snr >= 0) || !(s->snr <= 1e6))
        return chirp_fail(CHIRP_ERR_RANGE, "SNR %g: expected 0 to 1000000", s->snr);
    if (s->snr > 0 && (!(s->gps_merger >= s->gps_start) ||
                       !(s->gps_merger <= s->gps_start + (double)s->duration_s)))
        return chirp_fail(CHIRP_ERR_RANGE,
                          "merger at GPS %.3f lies outside the strain (%.0f to %.0f)",
                          s->gps_merger, s->gps_start, s->gps_start + (double)s->duration_s);
    if (!isfinite(s->phase))
        return chirp_fail(CHIRP_ERR_RANGE, "phase %g: expected radians", s->phase);
    if (!s->detector || strlen(s->detector) < 1 || strlen(s->detector) > 8)
        return chirp_fail(CHIRP_ERR_ARG, "detector name: expected 1 to 8 letters, e.g. H1");
    return CHIRP_OK;
}

/* S(f) continued flat outside its table and below 10 Hz, where the instrument's noise would drown single precision readers. */
static double noise_at(const chirp_psd *psd, double f)
{
    double low, high;
    chirp_psd_range(psd, &low, &high);
    return chirp_psd_at(psd, fmax(fmax(low, 10), fmin(high, f)));
}

/* Adds the signal's spectrum; time zero is the first sample, the transform's period period_s. */
static chirp_status add_signal(const chirp_strain_spec *s, const chirp_psd *psd, int64_t bins,
                               double period_s, fftw_complex *spectrum)
{
    chirp_phenomd m;
    chirp_status st = chirp_phenomd_prepare(&s->binary, &m);
    if (st != CHIRP_OK)
        return st;
    const double df = 1 / period_s, merger_s = s->gps_merger - s->gps_start;
    const double delay = merger_s - chirp_phenomd_peak_time(&m);
    /* The period is twice the file: what was emitted long before the file is faded out before it could be folded into it. */
    double none = 10;
    while (chirp_phenomd_time_to_merger(&m, none) > merger_s + 0.4 * period_s && none < 200)
        none *= 1.001;
    double full = none + 2;
    while (chirp_phenomd_time_to_merger(&m, full) > merger_s + 0.05 * period_s && full < 300)
        full *= 1.001;
    const chirp_band band = {20, 1000};
    double square = 0;
    for (int64_t k = 1; k < bins - 1; ++k) {
        const double f = (double)k * df, a = chirp_phenomd_amplitude(&m, f),
                     g = chirp_band_gain(band, f);
        if (g > 0 && f > none)
            square += 4 * df * g * g * a * a / noise_at(psd, f);
    }
    if (!(square > 0))
        return chirp_fail(CHIRP_ERR_RANGE, "masses %g and %g: no signal between 20 and 1000 Hz",
                          s->binary.m1_msun, s->binary.m2_msun);
    const double scale = s->snr / sqrt(square);
    for (int64_t k = 1; k < bins - 1; ++k) {
        const double f = (double)k * df;
        if (f <= none)
            continue;
        const double fade = f < full ? 0.5 * (1 - cos(M_PI * (f - none) / (full - none))) : 1;
        const double a = fade * scale * chirp_phenomd_amplitude(&m, f);
        if (a == 0)
            continue;
        const double phase = chirp_phenomd_raw_phase(&m, f) + 2 * M_PI * f * delay + s->phase;
        spectrum[k][0] += a * cos(phase);
        spectrum[k][1] -= a * sin(phase);
    }
    return CHIRP_OK;
}

static chirp_status make_strain(const chirp_strain_spec *s, double *x, int64_t n)
{
    const int64_t period = 2 * n,
                  bins = period / 2 + 1; /* twice as long, so that noise does not wrap around */
    const double period_s = (double)period / s->sample_rate_hz, df = 1 / period_s;
    chirp_psd *psd = NULL;
    fftw_complex *spectrum = chirp_calloc((size_t)bins, sizeof *spectrum);
    float *normal = chirp_alloc(2 * (size_t)bins * sizeof *normal);
    double *long_x = chirp_alloc((size_t)period * sizeof *long_x);
    chirp_status st = spectrum && normal && long_x ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = s->psd_path ? chirp_psd_read(s->psd_path, CHIRP_PSD_DETECT, &psd)
                         : chirp_psd_design(&psd);
    if (st == CHIRP_OK)
        st = chirp_psd_require(psd, 20, 1000);
    if (st != CHIRP_OK)
        goto done;
    chirp_rng_normal(chirp_rng_stream(s->seed, CHIRP_RNG_NOISE, 0x8000u | (s->stream & 0x7fffu), 0),
                     0, 2 * bins, normal);
    for (int64_t k = 1; k < bins - 1; ++k) { /* E|n_k|^2 = S T/2 */
        const double size = sqrt(noise_at(psd, (double)k * df) * period_s) / 2;
        spectrum[k][0] = size * (double)normal[2 * k];
        spectrum[k][1] = size * (double)normal[2 * k + 1];
    }
    if (s->snr > 0)
        st = add_signal(s, psd, bins, period_s, spectrum);
    if (st == CHIRP_OK)
        st = chirp_transform_inverse(period, spectrum, long_x);
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i)
        x[i] = long_x[i] * df;
done:
    chirp_free(spectrum);
    chirp_free(normal);
    chirp_free(long_x);
    chirp_psd_destroy(psd);
    return st;
}

static chirp_status write_samples(hid_t group, const char *path, const chirp_strain_spec *s,
                                  const double *x, hsize_t n)
{
    const hsize_t chunk = n < 2048 ? n : 2048;
    const hid_t space = H5Screate_simple(1, &n, NULL), create = H5Pcreate(H5P_DATASET_CREATE);
    chirp_status st = CHIRP_ERR_LIBRARY;
    hid_t id = -1;
    if (space >= 0 && create >= 0 && H5Pset_chunk(create, 1, &chunk) >= 0 &&
        H5Pset_deflate(create, 1) >= 0 && H5Pset_fletcher32(create) >= 0)
        id = H5Dcreate2(group, "Strain", H5T_IEEE_F64LE, space, H5P_DEFAULT, create, H5P_DEFAULT);
    st = id >= 0 && H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0
             ? CHIRP_OK
             : chirp_fail(CHIRP_ERR_IO, "%s: /strain/Strain can't be written: %s", path,
                          chirp_hdf_reason());
    if (st == CHIRP_OK)
        st = chirp_hdf_put_integer(id, path, "Npoints", (int64_t)n);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_real(id, path, "Xspacing", 1 / s->sample_rate_hz);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_integer(id, path, "Xstart", (int64_t)s->gps_start);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(id, path, "Xlabel", "GPS time");
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(id, path, "Xunits", "second");
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(id, path, "Ylabel", "Strain");
    chirp_hdf_close(id);
    chirp_hdf_close(create);
    chirp_hdf_close(space);
    return st;
}

static chirp_status write_mask(hid_t group, const char *path, const char *name, int64_t seconds,
                               uint32_t value)
{
    uint32_t *mask = chirp_alloc((size_t)seconds * sizeof *mask);
    if (!mask)
        return CHIRP_ERR_NOMEM;
    for (int64_t i = 0; i < seconds; ++i)
        mask[i] = value;
    const chirp_hdf_array array = {H5T_STD_U32LE, H5T_NATIVE_UINT32, 1, {(hsize_t)seconds}};
    const chirp_status st = chirp_hdf_put_array(group, path, name, &array, mask);
    chirp_free(mask);
    return st;
}

static chirp_status write_names(hid_t group, const char *path, const char *name,
                                const char (*names)[16], hsize_t n)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    const chirp_hdf_array array = {type, type, 1, {n}};
    const chirp_status st = type >= 0 && H5Tset_size(type, 16) >= 0
                                ? chirp_hdf_put_array(group, path, name, &array, names)
                                : chirp_fail(CHIRP_ERR_LIBRARY, "%s: HDF5 has no text type", path);
    chirp_hdf_close(type);
    return st;
}

static chirp_status write_meta(hid_t group, const char *path, const chirp_strain_spec *s)
{
    char description[256], utc[32] = "";
    (void)snprintf(description, sizeof description,
                   CHIRP_STRAIN_SIMULATED ": design noise with a signal of m1 %g, m2 %g, chi1 %g, "
                                          "chi2 %g, SNR %g, GPS %.4f, seed %llu",
                   s->binary.m1_msun, s->binary.m2_msun, s->binary.chi1, s->binary.chi2, s->snr,
                   s->gps_merger, (unsigned long long)s->seed);
    const time_t unix_time =
        (time_t)s->gps_start + UNIX_OF_GPS_EPOCH - (s->gps_start >= GPS_OF_2017 ? 18 : 17);
    struct tm parts;
    if (!gmtime_r(&unix_time, &parts) ||
        strftime(utc, sizeof utc, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return chirp_fail(CHIRP_ERR_RANGE, "GPS %.0f has no calendar date", s->gps_start);
    chirp_status st = chirp_hdf_put_string(group, path, "Detector", s->detector);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_string(group, path, "Description", description);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_string(group, path, "Observatory",
                                  s->detector[1] ? (char[2]){s->detector[0], '\0'} : s->detector);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_string(group, path, "Type", "StrainTimeSeries");
    if (st == CHIRP_OK)
        st = chirp_hdf_put_string(group, path, "UTCstart", utc);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_scalar(group, path, "GPSstart", (int64_t)s->gps_start);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_scalar(group, path, "Duration", s->duration_s);
    return st;
}

static chirp_status write_file(const char *path, const chirp_strain_spec *s, const double *x,
                               int64_t n)
{
    static const char quality_names[7][16] = {"DATA",       "CBC_CAT1",   "CBC_CAT2",  "CBC_CAT3",
                                              "BURST_CAT1", "BURST_CAT2", "BURST_CAT3"};
    static const char injection_names[5][16] = {"NO_CBC_HW_INJ", "NO_BURST_HW_INJ",
                                                "NO_DETCHAR_INJ", "NO_CW_HW_INJ", "NO_STOCH_INJ"};
    chirp_hdf_quiet();
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0)
        return chirp_fail(CHIRP_ERR_IO, "%s: HDF5 can't create it: %s", path, chirp_hdf_reason());
    const char *const names[5] = {"strain", "meta", "quality", "quality/simple",
                                  "quality/injections"};
    hid_t group[5];
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < 5; ++i) {
        group[i] = H5Gcreate2(file, names[i], H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (group[i] < 0)
            st = chirp_fail(CHIRP_ERR_IO, "%s: group /%s can't be written: %s", path, names[i],
                            chirp_hdf_reason());
    }
    if (st == CHIRP_OK)
        st = write_samples(group[0], path, s, x, (hsize_t)n);
    if (st == CHIRP_OK)
        st = write_meta(group[1], path, s);
    if (st == CHIRP_OK)
        st = write_mask(group[3], path, "DQmask", s->duration_s, 127);
    if (st == CHIRP_OK)
        st = write_names(group[3], path, "DQShortnames", quality_names, 7);
    if (st == CHIRP_OK) /* bit 0: no injection of a binary merger */
        st = write_mask(group[4], path, "Injmask", s->duration_s, s->snr > 0 ? 30 : 31);
    if (st == CHIRP_OK)
        st = write_names(group[4], path, "InjShortnames", injection_names, 5);
    for (int i = 0; i < 5; ++i)
        chirp_hdf_close(group[i]);
    if (H5Fclose(file) < 0 && st == CHIRP_OK)
        st = chirp_fail(CHIRP_ERR_IO, "%s: HDF5 can't finish it: %s", path, chirp_hdf_reason());
    return st;
}

chirp_status chirp_strain_write(const char *path, const chirp_strain_spec *spec)
{
    chirp_status st = check_spec(spec);
    if (st != CHIRP_OK)
        return st;
    char *temporary = NULL;
    const int64_t n = spec->duration_s * (int64_t)spec->sample_rate_hz;
    double *x = chirp_alloc((size_t)n * sizeof *x);
    if (!x)
        return CHIRP_ERR_NOMEM;
    st = make_strain(spec, x, n);
    if (st == CHIRP_OK)
        st = chirp_file_temporary(path, &temporary);
    if (st == CHIRP_OK)
        st = write_file(temporary, spec, x, n);
    chirp_free(x);
    if (st != CHIRP_OK) {
        chirp_file_discard(temporary);
        return st;
    }
    return chirp_file_commit(temporary, path);
}

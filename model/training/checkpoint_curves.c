#include "model/training/checkpoint_curves.h"

#include "harness/base/memory.h"
#include "harness/base/text.h"
#include "model/signal/hdf.h"

#include <math.h>
#include <string.h>

static const double STEP_HZ = 0.25; /* of Welch's segments of 4 s */
enum { MOST_ROWS = 1 << 22 };

chirp_status chirp_checkpoint_curves_write(hid_t file, const char *path, const chirp_curves *curves,
                                           chirp_band band)
{
    const int64_t first = (int64_t)ceil(band.low_hz / STEP_HZ);
    const int64_t n = (int64_t)floor(band.high_hz / STEP_HZ) - first + 1;
    double *f = chirp_calloc((size_t)n, sizeof *f);
    double *s = chirp_calloc((size_t)(n * curves->n), sizeof *s);
    chirp_text names = {0};
    chirp_status st = f && s ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int64_t k = 0; st == CHIRP_OK && k < n; ++k) {
        f[k] = STEP_HZ * (double)(first + k);
        for (int i = 0; i < curves->n; ++i)
            s[i * n + k] = chirp_psd_at(curves->psd[i], f[k]);
    }
    for (int i = 0; i < curves->n; ++i)
        chirp_text_appendf(&names, "%s%s", i ? "\n" : "", chirp_psd_name(curves->psd[i]));
    if (st == CHIRP_OK && names.failed)
        st = chirp_fail(CHIRP_ERR_NOMEM, "no memory for the names of the noise curves");
    chirp_hdf_array array = {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, {(hsize_t)n}};
    if (st == CHIRP_OK)
        st = chirp_hdf_put_array(file, path, "noise_curve/frequency_hz", &array, f);
    array.dims = 2;
    array.extent[0] = (hsize_t)curves->n;
    array.extent[1] = (hsize_t)n;
    if (st == CHIRP_OK)
        st = chirp_hdf_put_array(file, path, "noise_curve/psd", &array, s);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_fixed_text(file, path, "noise_curve", chirp_utf8_mend(names.bytes));
    chirp_free(names.bytes);
    chirp_free(f);
    chirp_free(s);
    return st;
}

static chirp_status read_row(const char *path, hid_t set, const double *f, hsize_t n,
                             const char *name, chirp_curves *c)
{
    double *s = chirp_calloc(n, sizeof *s);
    chirp_status st = s ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_hdf_read_rows(set, path, "noise_curve/psd", H5T_NATIVE_DOUBLE,
                                 (chirp_hdf_rows){(hsize_t)c->n, 1, n}, s);
    if (st == CHIRP_OK) {
        st = chirp_psd_from_table(name, f, s, n, &c->psd[c->n]);
        st = st == CHIRP_OK ? st
                            : chirp_fail(st, "%s: noise_curve: %s", path, chirp_error_message());
    }
    if (st == CHIRP_OK)
        c->estimated[c->n++] = true; /* lines or none: a smooth curve's response is short */
    chirp_free(s);
    return st;
}

/* @param names  of the curves, one a line; is cut up */
static chirp_status read_group(const char *path, hid_t file, char *names, chirp_curves *c)
{
    hsize_t n = 0;
    hsize_t extent[2] = {0};
    hid_t f_set = H5I_INVALID_HID;
    hid_t s_set = H5I_INVALID_HID;
    double *f = NULL;
    chirp_status st = chirp_hdf_dataset(file, path, "noise_curve/frequency_hz", 1, &n, &f_set);
    if (st == CHIRP_OK)
        st = chirp_hdf_dataset(file, path, "noise_curve/psd", 2, extent, &s_set);
    if (st == CHIRP_OK &&
        (n < 2 || n > MOST_ROWS || extent[1] != n || extent[0] < 1 || extent[0] > CHIRP_MAX_CURVES))
        st =
            chirp_fail(CHIRP_ERR_FORMAT,
                       "%s: noise_curve/psd has %llu x %llu numbers for %llu frequencies; expected "
                       "1 to %d curves of as many",
                       path, (unsigned long long)extent[0], (unsigned long long)extent[1],
                       (unsigned long long)n, (int)CHIRP_MAX_CURVES);
    if (st == CHIRP_OK && !(f = chirp_calloc(n, sizeof *f)))
        st = CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_hdf_read_rows(f_set, path, "noise_curve/frequency_hz", H5T_NATIVE_DOUBLE,
                                 (chirp_hdf_rows){0, n, 1}, f);
    for (hsize_t i = 0; st == CHIRP_OK && i < extent[0]; ++i) {
        char *end = strchr(names, '\n');
        if (end)
            *end = '\0';
        st = read_row(path, s_set, f, n, names, c);
        names = end ? end + 1 : names + strlen(names);
    }
    chirp_free(f);
    chirp_hdf_close(f_set);
    chirp_hdf_close(s_set);
    return st;
}

chirp_status chirp_checkpoint_curves_read(hid_t file, const char *path, chirp_curves *curves)
{
    char *names = NULL;
    *curves = (chirp_curves){0};
    if (!chirp_hdf_has(file, "noise_curve"))
        return CHIRP_OK;
    chirp_status st = chirp_hdf_text_attribute(file, path, "noise_curve", &names);
    if (st == CHIRP_OK)
        st = read_group(path, file, names, curves);
    chirp_free(names);
    return st;
}

#include "model/signal/noise.h"
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct chirp_psd {
    char *name;
    size_t n; /* 0: the analytic curve */
    double *log_f, *log_s;
};

static double design(double f)
{
    const double x = f / 245.4;
    return 1e-48 * (0.0152 * pow(x, -4) + 0.2935 * pow(x, 2.25) + 2.7951 * pow(x, 1.5) -
                    6.5080 * pow(x, 0.75) + 17.7622);
}

static chirp_psd *psd_new(const char *name, size_t n)
{
    chirp_psd *psd = chirp_calloc(1, sizeof *psd);
    if (!psd)
        return NULL;
    psd->n = n;
    psd->name = chirp_strdup(name);
    psd->log_f = chirp_calloc(n + 1, sizeof *psd->log_f);
    psd->log_s = chirp_calloc(n + 1, sizeof *psd->log_s);
    if (!psd->name || !psd->log_f || !psd->log_s) {
        chirp_psd_destroy(psd);
        return NULL;
    }
    return psd;
}

void chirp_psd_destroy(chirp_psd *psd)
{
    if (!psd)
        return;
    chirp_free(psd->name);
    chirp_free(psd->log_f);
    chirp_free(psd->log_s);
    chirp_free(psd);
}

chirp_status chirp_psd_design(chirp_psd **psd)
{
    chirp_psd *made = psd_new("aLIGO design (analytic)", 0);
    if (!made)
        return CHIRP_ERR_NOMEM;
    *psd = made;
    return CHIRP_OK;
}

chirp_status chirp_psd_from_table(const char *name, const double *f_hz, const double *s, size_t n,
                                  chirp_psd **psd)
{
    if (n < 2)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: a noise curve needs two rows or more, this has %zu", name, n);
    chirp_psd *made = psd_new(name, n);
    if (!made)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < n; ++i) {
        if (!(f_hz[i] > 0) || !isfinite(f_hz[i]) || !(s[i] > 0) || !isfinite(s[i]) ||
            (i > 0 && !(f_hz[i] > f_hz[i - 1]))) {
            chirp_psd_destroy(made);
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s: noise curve row %zu (%g Hz, %g): frequencies must rise and "
                              "densities be positive",
                              name, i + 1, f_hz[i], s[i]);
        }
        made->log_f[i] = log(f_hz[i]);
        made->log_s[i] = log(s[i]);
    }
    *psd = made;
    return CHIRP_OK;
}

chirp_status chirp_psd_copy(const chirp_psd *psd, chirp_psd **copy)
{
    chirp_psd *made = psd_new(psd->name, psd->n);
    if (!made)
        return CHIRP_ERR_NOMEM;
    memcpy(made->log_f, psd->log_f, psd->n * sizeof *made->log_f);
    memcpy(made->log_s, psd->log_s, psd->n * sizeof *made->log_s);
    *copy = made;
    return CHIRP_OK;
}

/* Two numbers of a line; 1 for a row, 0 for a blank line or comment, -1 for anything else. */
static int parse_row(const char *line, double row[2])
{
    line += strspn(line, " \t\r");
    if (*line == '\0' || *line == '#')
        return 0;
    for (int c = 0; c < 2; ++c) {
        char *end;
        row[c] = strtod(line, &end);
        if (end == line || !strchr(" \t,;\r#", *end)) /* strchr also finds the end */
            return -1;
        line = end + strspn(end, " \t,;\r");
    }
    return 1;
}

static chirp_status detect_unit(const char *path, const double *s, size_t n, chirp_psd_unit *unit)
{
    double *sorted = chirp_alloc(n * sizeof *sorted);
    if (!sorted)
        return CHIRP_ERR_NOMEM;
    memcpy(sorted, s, n * sizeof *sorted);
    chirp_sort(sorted, n);
    const double median = sorted[n / 2];
    chirp_free(sorted);
    if (median > 1e-60 && median < 1e-32)
        *unit = CHIRP_PSD_POWER;
    else if (median > 1e-28 && median < 1e-14)
        *unit = CHIRP_PSD_AMPLITUDE;
    else
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: a median of %g is neither a strain PSD [1/Hz] nor an ASD "
                          "[1/sqrt(Hz)]: declare it as psd:FILE or asd:FILE",
                          path, median);
    return CHIRP_OK;
}

static chirp_status parse_table(const char *path, char *text, double *f, double *s, size_t *n)
{
    long line_number = 0;
    *n = 0;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        ++line_number;
        double row[2];
        const int kind = parse_row(line, row);
        if (kind == 0)
            continue;
        if (kind < 0)
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s:%ld: expected two numbers, a frequency [Hz] and a density", path,
                              line_number);
        if (!(row[0] > 0) || !isfinite(row[0]))
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s:%ld: frequency %g Hz: it must be a positive number", path,
                              line_number, row[0]);
        if (!(row[1] > 0) || !isfinite(row[1]))
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s:%ld: density %g at %g Hz: it must be a positive number", path,
                              line_number, row[1], row[0]);
        if (*n > 0 && !(row[0] > f[*n - 1]))
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s:%ld: frequency %g Hz does not rise above %g Hz: sort the table",
                              path, line_number, row[0], f[*n - 1]);
        if (*n > 0 && row[0] > 1.5 * f[*n - 1] && row[0] > f[*n - 1] + 1)
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s:%ld: no rows between %g and %g Hz: fill the gap", path,
                              line_number, f[*n - 1], row[0]);
        f[*n] = row[0];
        s[(*n)++] = row[1];
    }
    return CHIRP_OK;
}

chirp_status chirp_psd_read(const char *path, chirp_psd_unit unit, chirp_psd **psd)
{
    const char *file = path;
    if (unit == CHIRP_PSD_DETECT && strncmp(path, "psd:", 4) == 0) {
        unit = CHIRP_PSD_POWER;
        file += 4;
    } else if (unit == CHIRP_PSD_DETECT && strncmp(path, "asd:", 4) == 0) {
        unit = CHIRP_PSD_AMPLITUDE;
        file += 4;
    }
    char *text = NULL;
    size_t length = 0;
    chirp_status st = chirp_file_read(file, &text, &length);
    if (st != CHIRP_OK)
        return st;
    double *f = NULL, *s = NULL;
    size_t n = 0, lines = 2;
    if (strlen(text) != length) {
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: not a text table of a noise curve (it holds zero bytes)", file);
        goto done;
    }
    for (size_t i = 0; i < length; ++i)
        lines += text[i] == '\n';
    st = CHIRP_ERR_NOMEM;
    f = chirp_calloc(lines, sizeof *f);
    s = chirp_calloc(lines, sizeof *s);
    if (!f || !s)
        goto done;
    st = parse_table(file, text, f, s, &n);
    if (st == CHIRP_OK && n < 2)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: a noise curve needs two rows or more, this has %zu",
                        file, n);
    if (st == CHIRP_OK && unit == CHIRP_PSD_DETECT)
        st = detect_unit(file, s, n, &unit);
    if (st != CHIRP_OK)
        goto done;
    if (unit == CHIRP_PSD_AMPLITUDE)
        for (size_t i = 0; i < n; ++i)
            s[i] *= s[i];
    st = chirp_psd_from_table(file, f, s, n, psd);
done:
    chirp_free(text);
    chirp_free(f);
    chirp_free(s);
    return st;
}

double chirp_psd_at(const chirp_psd *psd, double f_hz)
{
    if (!(f_hz > 0))
        return (double)INFINITY;
    if (psd->n == 0)
        return design(f_hz);
    double lowest, highest;
    chirp_psd_range(psd, &lowest, &highest);
    const double at = log(f_hz);
    /* the ends themselves belong to the table although exp(log(f)) may miss f by a rounding */
    if (f_hz < lowest * (1 - 1e-12) || f_hz > highest * (1 + 1e-12))
        return (double)INFINITY;
    size_t low = 0, high = psd->n - 1;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (psd->log_f[middle] > at)
            high = middle;
        else
            low = middle;
    }
    const double w = (at - psd->log_f[low]) / (psd->log_f[high] - psd->log_f[low]);
    return exp((1 - w) * psd->log_s[low] + w * psd->log_s[high]);
}

void chirp_psd_range(const chirp_psd *psd, double *f_min_hz, double *f_max_hz)
{
    *f_min_hz = psd->n ? exp(psd->log_f[0]) : 0;
    *f_max_hz = psd->n ? exp(psd->log_f[psd->n - 1]) : (double)INFINITY;
}

const char *chirp_psd_name(const chirp_psd *psd) { return psd->name; }

chirp_status chirp_psd_require(const chirp_psd *psd, double f_min_hz, double f_max_hz)
{
    double low, high;
    chirp_psd_range(psd, &low, &high);
    if (low * (1 - 1e-12) > f_min_hz || high * (1 + 1e-12) < f_max_hz)
        return chirp_fail(
            CHIRP_ERR_RANGE,
            "noise curve %s covers %g to %g Hz, but the band is %g to %g Hz: narrow the band",
            psd->name, low, high, f_min_hz, f_max_hz);
    return CHIRP_OK;
}

double chirp_band_gain(chirp_band band, double f_hz)
{
    if (!(f_hz > band.low_hz) || !(f_hz < band.high_hz))
        return 0;
    double gain = 1;
    const double rise = 0.2 * band.low_hz, fall = 0.1 * band.high_hz;
    if (f_hz < band.low_hz + rise)
        gain *= 0.5 * (1 - cos(M_PI * (f_hz - band.low_hz) / rise));
    if (f_hz > band.high_hz - fall)
        gain *= 0.5 * (1 - cos(M_PI * (band.high_hz - f_hz) / fall));
    return gain;
}

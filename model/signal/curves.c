#include "model/signal/curves.h"

#include "harness/base/memory.h"
#include "model/signal/phenomd.h"
#include "model/signal/strain.h"

#include <math.h>

static chirp_status load_one(const char *path, chirp_band band, chirp_curves *c)
{
    chirp_psd **psd = &c->psd[c->n];
    c->estimated[c->n] = path && chirp_strain_is_hdf5(path);
    chirp_status st = !path                ? chirp_psd_design(psd)
                      : c->estimated[c->n] ? chirp_strain_psd(path, (double)NAN, psd)
                                           : chirp_psd_read(path, CHIRP_PSD_DETECT, psd);
    if (st != CHIRP_OK)
        return st;
    c->n += 1;
    return chirp_psd_require(*psd, band.low_hz, band.high_hz);
}

chirp_status chirp_curves_load(const char *paths, chirp_band band, chirp_curves *curves)
{
    *curves = (chirp_curves){0};
    if (!paths)
        return load_one(NULL, band, curves);
    for (const char *rest = paths;;) {
        char *path = NULL;
        chirp_status st = chirp_strain_next(&rest, &path);
        const bool more = st == CHIRP_OK && path;
        if (more && curves->n == CHIRP_MAX_CURVES)
            st = chirp_fail(CHIRP_ERR_ARG, "%s: more than %d noise curves", paths,
                            (int)CHIRP_MAX_CURVES);
        if (more && st == CHIRP_OK)
            st = load_one(path, band, curves);
        chirp_free(path);
        if (st == CHIRP_OK && !more && curves->n == 0)
            st = chirp_fail(CHIRP_ERR_ARG, "the noise curve's file has an empty name");
        if (!more || st != CHIRP_OK)
            return st;
    }
}

chirp_status chirp_curves_copy(const chirp_curves *from, chirp_curves *to)
{
    *to = (chirp_curves){0};
    for (int i = 0; i < from->n; ++i) {
        const chirp_status st = chirp_psd_copy(from->psd[i], &to->psd[i]);
        if (st != CHIRP_OK)
            return st;
        to->estimated[i] = from->estimated[i];
        to->n = i + 1;
    }
    return CHIRP_OK;
}

void chirp_curves_release(chirp_curves *curves)
{
    for (int i = 0; i < curves->n; ++i)
        chirp_psd_destroy(curves->psd[i]);
    *curves = (chirp_curves){0};
}

enum { POINTS = 16 }; /* of an average: every 1/4 Hz of 4 Hz */
static const double STEP_HZ = 0.25;

/* Mean of ln S of both curves over the points from `first` on that both cover. @return how many these are */
static int average(const chirp_psd *const curve[2], int64_t first, double log_s[2])
{
    int n = 0;
    log_s[0] = log_s[1] = 0;
    for (int64_t k = first; k < first + POINTS; ++k) {
        const double s[2] = {chirp_psd_at(curve[0], STEP_HZ * (double)k),
                             chirp_psd_at(curve[1], STEP_HZ * (double)k)};
        if (!isfinite(s[0]) || !isfinite(s[1]))
            continue;
        log_s[0] += log(s[0]);
        log_s[1] += log(s[1]);
        ++n;
    }
    for (int c = 0; n > 0 && c < 2; ++c)
        log_s[c] /= n;
    return n;
}

chirp_status chirp_psd_overlap(const chirp_psd *a, const chirp_psd *b, chirp_band band,
                               double *overlap)
{
    const chirp_binary binary = {36, 29, 0, 0};
    const chirp_psd *const curve[2] = {a, b};
    chirp_phenomd model;
    double both = 0;
    double own[2] = {0, 0};
    double reference[2] = {0, 0}; /* of order one: S is near 1e-46 */
    const chirp_status st = chirp_phenomd_prepare(&binary, &model);
    if (st != CHIRP_OK)
        return st;
    for (int64_t first = (int64_t)ceil(band.low_hz / STEP_HZ);
         (double)first * STEP_HZ < band.high_hz; first += POINTS) {
        const double f = STEP_HZ * ((double)first + 0.5 * (POINTS - 1));
        const double h = 1e24 * chirp_band_gain(band, f) * chirp_phenomd_amplitude(&model, f);
        double log_s[2];
        if (average(curve, first, log_s) == 0)
            continue;
        for (int c = 0; c < 2; ++c)
            reference[c] = own[c] > 0 ? reference[c] : log_s[c];
        const double whitening[2] = {exp(0.5 * (reference[0] - log_s[0])),
                                     exp(0.5 * (reference[1] - log_s[1]))};
        both += h * h * whitening[0] * whitening[1];
        for (int c = 0; c < 2; ++c)
            own[c] += h * h * whitening[c] * whitening[c];
    }
    if (!(both > 0))
        return chirp_fail(CHIRP_ERR_RANGE,
                          "noise curves %s and %s cover no frequency of %g to %g Hz together",
                          chirp_psd_name(a), chirp_psd_name(b), band.low_hz, band.high_hz);
    *overlap = both / sqrt(own[0] * own[1]);
    return CHIRP_OK;
}

#include "model/signal/series.h"
#include "harness/base/memory.h"
#include "model/signal/phenomd.h"
#include "model/signal/transform.h"

#include <math.h>

chirp_series chirp_series_default(void)
{
    return (chirp_series){.binary = {36, 29, 0, 0},
                          .distance_mpc = 400,
                          .f_low_hz = 20,
                          .sample_rate_hz = 8192,
                          .length = 8192,
                          .peak_at_s = 0.875};
}

static chirp_status check(const chirp_series *s)
{
    if (!(s->distance_mpc > 0) || !isfinite(s->distance_mpc))
        return chirp_fail(CHIRP_ERR_RANGE, "distance %g Mpc: it must be a positive number",
                          s->distance_mpc);
    if (!isfinite(s->inclination) || !isfinite(s->phase))
        return chirp_fail(CHIRP_ERR_RANGE, "inclination %g or phase %g: expected radians",
                          s->inclination, s->phase);
    if (!(s->sample_rate_hz >= 64) || !(s->sample_rate_hz <= 1e6))
        return chirp_fail(CHIRP_ERR_RANGE, "sample rate %g Hz: expected 64 to 1000000",
                          s->sample_rate_hz);
    if (!(s->f_low_hz >= 1) || !(s->f_low_hz < s->sample_rate_hz / 4))
        return chirp_fail(CHIRP_ERR_RANGE,
                          "lowest frequency %g Hz: expected 1 to a quarter of the sample rate",
                          s->f_low_hz);
    if (s->length < 2 || s->length > (1 << 26))
        return chirp_fail(CHIRP_ERR_RANGE, "%lld samples: expected 2 to 67108864",
                          (long long)s->length);
    if (!(s->peak_at_s >= 0) || !(s->peak_at_s * s->sample_rate_hz <= (double)s->length))
        return chirp_fail(CHIRP_ERR_RANGE, "merger at %g s: expected within the %g s asked for",
                          s->peak_at_s, (double)s->length / s->sample_rate_hz);
    return CHIRP_OK;
}

/* One polarisation: Psi shifted so that the peak lies at peak_at_s, the amplitude times `factor`. */
static chirp_status make_one(const chirp_series *s, const chirp_phenomd *m, int64_t n,
                             double factor, double phase, fftw_complex *spectrum, double *grid,
                             double *out)
{
    const double df = s->sample_rate_hz / (double)n, width = 0.2 * s->f_low_hz;
    const double lead =
        (double)(n - s->length) / s->sample_rate_hz; /* the series is the grid's end */
    const double delay = lead + s->peak_at_s - chirp_phenomd_peak_time(m);
    for (int64_t k = 0; k <= n / 2; ++k) {
        const double f = (double)k * df;
        spectrum[k][0] = spectrum[k][1] = 0;
        if (f <= s->f_low_hz || k == n / 2)
            continue;
        const double turn_on =
            f < s->f_low_hz + width ? 0.5 * (1 - cos(M_PI * (f - s->f_low_hz) / width)) : 1;
        const double a = df * factor * turn_on * chirp_phenomd_amplitude(m, f) / s->distance_mpc;
        if (a == 0)
            continue;
        const double p = chirp_phenomd_raw_phase(m, f) + phase + 2 * M_PI * f * delay;
        spectrum[k][0] = a * cos(p);
        spectrum[k][1] = -a * sin(p);
    }
    const chirp_status st = chirp_transform_inverse(n, spectrum, grid);
    for (int64_t i = 0; st == CHIRP_OK && i < s->length; ++i)
        out[i] = grid[n - s->length + i];
    return st;
}

chirp_status chirp_series_make(const chirp_series *s, double *plus, double *cross)
{
    chirp_phenomd m;
    chirp_status st = check(s);
    if (st == CHIRP_OK)
        st = chirp_phenomd_prepare(&s->binary, &m);
    if (st != CHIRP_OK)
        return st;
    /* Room for the chirp from f_low and for the ringdown, so that nothing is folded into the series. */
    const double needed = 1.05 * chirp_phenomd_time_to_merger(&m, s->f_low_hz) + 2 +
                          (double)s->length / s->sample_rate_hz;
    if (needed * s->sample_rate_hz > (double)(1 << 27))
        return chirp_fail(
            CHIRP_ERR_RANGE,
            "a chirp of %.0f s from %g Hz at %g Hz is too long: raise the lowest frequency", needed,
            s->f_low_hz, s->sample_rate_hz);
    int64_t n = 1;
    while ((double)n < needed * s->sample_rate_hz)
        n *= 2;
    fftw_complex *spectrum = chirp_alloc((size_t)(n / 2 + 1) * sizeof *spectrum);
    double *grid = chirp_alloc((size_t)n * sizeof *grid);
    st = spectrum && grid ? CHIRP_OK : CHIRP_ERR_NOMEM;
    const double c = cos(s->inclination);
    if (st == CHIRP_OK)
        st = make_one(s, &m, n, (1 + c * c) / 2, s->phase, spectrum, grid, plus);
    if (st == CHIRP_OK) /* -i = exp(-i pi/2) */
        st = make_one(s, &m, n, c, s->phase + M_PI / 2, spectrum, grid, cross);
    chirp_free(spectrum);
    chirp_free(grid);
    return st;
}

/* Preparation of IMRPhenomD: coefficients, remnant, C1 matching. Equation numbers: Khan et al., arXiv:1508.07253. */
#include "model/signal/phenomd.h"
#include "model/signal/phenomd_internal.h"

#include <math.h>
#include <stddef.h>

#define EULER_GAMMA 0.5772156649015328606

static void evaluate_fits(double eta, double xi, double fit[CHIRP_PHENOMD_FITS])
{
    for (int i = 0; i < CHIRP_PHENOMD_FITS; ++i) { /* Eq. 31 */
        const double *c = chirp_phenomd_fit[i];
        fit[i] = c[0] + c[1] * eta + xi * (c[2] + c[3] * eta + c[4] * eta * eta) +
                 xi * xi * (c[5] + c[6] * eta + c[7] * eta * eta) +
                 xi * xi * xi * (c[8] + c[9] * eta + c[10] * eta * eta);
    }
}

/* Eqs. 29-30 and appendix B. The paper's A_n multiply v^n with v = (pi F)^(1/3); stored for F^(n/3). */
static void inspiral_amplitude(chirp_phenomd *m, double chi_s, double chi_a)
{
    const double eta = m->eta, eta2 = eta * eta, delta = m->delta, pi = M_PI;
    double *a = m->inspiral_amplitude;
    a[0] = 1;
    a[1] = 0;
    a[2] = -323.0 / 224 + 451 * eta / 168;
    a[3] = 27.0 / 8 * delta * chi_a + (27.0 / 8 - 11 * eta / 6) * chi_s;
    a[4] = -27312085.0 / 8128512 - 1975055 * eta / 338688 + 105271 * eta2 / 24192 +
           (-81.0 / 32 + 8 * eta) * chi_a * chi_a - 81.0 / 16 * delta * chi_a * chi_s +
           (-81.0 / 32 + 17 * eta / 8) * chi_s * chi_s;
    a[5] = -85 * pi / 64 + 85 * pi * eta / 16 +
           delta * (285197.0 / 16128 - 1579 * eta / 4032) * chi_a +
           (285197.0 / 16128 - 15317 * eta / 672 - 2227 * eta2 / 1008) * chi_s;
    a[6] = -177520268561.0 / 8583708672.0 +
           (545384828789.0 / 5007163392.0 - 205 * pi * pi / 48) * eta -
           3248849057.0 * eta2 / 178827264 + 34473079 * eta2 * eta / 6386688 +
           (1614569.0 / 64512 - 1873643 * eta / 16128 + 2167 * eta2 / 42) * chi_a * chi_a +
           (31 * pi / 12 - 7 * pi * eta / 3) * chi_s +
           (1614569.0 / 64512 - 61391 * eta / 1344 + 57451 * eta2 / 4032) * chi_s * chi_s +
           delta * chi_a * (31 * pi / 12 + (1614569.0 / 32256 - 165961 * eta / 2688) * chi_s);
    const double root = cbrt(pi);
    double power = root;
    for (int n = 2; n <= 6; ++n)
        a[n] *= power *= root;
    for (int n = 0; n < 3; ++n) /* no power of pi here */
        a[7 + n] = m->fit[CHIRP_PHENOMD_RHO1 + n];
}

/* Eqs. 27-28: TaylorF2 to 3.5PN (spin-spin at 2PN only: so the model was tuned) and the sigma terms. */
static void inspiral_phase(chirp_phenomd *m, double mu1, double mu2, double chi1, double chi2)
{
    const double eta = m->eta, eta2 = eta * eta, pi = M_PI;
    const double s = mu1 * mu1 * chi1 + mu2 * mu2 * chi2;
    const double sg = m->delta * (mu2 * chi2 - mu1 * chi1);
    const double p5 = pi * (38645.0 / 756 - 65 * eta / 9) -
                      ((554345.0 / 1134 + 110 * eta / 9) * s + (13915.0 / 84 - 10 * eta / 3) * sg);
    const double p6_log = -6848.0 / 21;
    const double p[8] = {
        1,
        0,
        3715.0 / 756 + 55 * eta / 9,
        -16 * pi + 113.0 / 3 * m->chi_eff - 38 * eta / 3 * (chi1 + chi2),
        15293365.0 / 508032 + 27145 * eta / 504 + 3085 * eta2 / 72 - 395.0 / 4 * eta * chi1 * chi2 -
            405.0 / 8 * (mu1 * mu1 * chi1 * chi1 + mu2 * mu2 * chi2 * chi2),
        p5,
        11583231236531.0 / 4694215680.0 - 640 * pi * pi / 3 -
            6848.0 / 21 * (EULER_GAMMA + log(4.0)) +
            eta * (-15737765635.0 / 3048192 + 2255 * pi * pi / 12) + 76055 * eta2 / 1728 -
            127825 * eta2 * eta / 1296 + pi * (3760 * s / 3 + 1490 * sg / 3),
        pi * (77096675.0 / 254016 + 378515 * eta / 1512 - 74045 * eta2 / 756) +
            (-8980424995.0 / 762048 + 6586595 * eta / 756 - 305 * eta2 / 36) * s -
            (170978035.0 / 48384 - 2876425 * eta / 672 - 4735 * eta2 / 144) * sg,
    };
    const double root = cbrt(pi), log_root = log(root), lead = 3 / (128 * eta);
    double *c = m->inspiral_phase;
    double power = lead / (root * root * root * root * root); /* of v^-5 = pi^(-5/3) F^(-5/3) */
    for (int n = 0; n < 8; ++n, power *= root)
        c[n] = power * p[n];
    /* ln v = ln pi^(1/3) + ln F^(1/3) */
    c[5] += lead * p5 * 3 * log_root - pi / 4;
    c[6] += lead * p6_log * log_root * root;
    m->inspiral_log[0] = lead * p5 * 3;
    m->inspiral_log[1] = lead * p6_log * root;
    const double *sigma = &m->fit[CHIRP_PHENOMD_SIGMA1];
    for (int n = 0; n < 4; ++n) /* F, 3/4 F^(4/3), 3/5 F^(5/3), 1/2 F^2 */
        c[8 + n] = sigma[n] / eta * 3 / (3 + n);
}

static double inspiral_amplitude_slope(const chirp_phenomd *m, double F)
{
    const double u = cbrt(F);
    double sum = 0;
    for (int n = 9; n >= 1; --n)
        sum = sum * u + n * m->inspiral_amplitude[n];
    return sum * u / (3 * F);
}

static double inspiral_amplitude_value(const chirp_phenomd *m, double F)
{
    const double u = cbrt(F);
    double sum = 0;
    for (int n = 9; n >= 0; --n)
        sum = sum * u + m->inspiral_amplitude[n];
    return sum;
}

/* Eqs. 21-26 as a Hermite quartic in s = (F - F1)/(F3 - F1): two values, two slopes, and the middle value v2. */
static void intermediate_amplitude(chirp_phenomd *m)
{
    const double F1 = CHIRP_PHENOMD_AMPLITUDE_JOIN, h = m->peak - F1;
    const double w = m->fit[CHIRP_PHENOMD_GAMMA3] * m->damp, x = m->peak - m->ring;
    const double gamma2 = m->fit[CHIRP_PHENOMD_GAMMA2];
    const double y3 =
        m->fit[CHIRP_PHENOMD_GAMMA1] * w / (x * x + w * w) * exp(-gamma2 * x / w); /* Eq. 19 */
    const double d3 = y3 * (-2 * x / (x * x + w * w) - gamma2 / w);
    double *a = m->intermediate_amplitude;
    a[0] = inspiral_amplitude_value(m, F1);
    a[1] = h * inspiral_amplitude_slope(m, F1);
    const double r1 = y3 - a[0] - a[1], r2 = h * d3 - a[1];
    const double r3 = m->fit[CHIRP_PHENOMD_V2] - a[0] - a[1] / 2;
    a[4] = 16 * r3 - 8 * r1 + 2 * r2;
    a[3] = r2 - 2 * r1 - 2 * a[4];
    a[2] = r1 - a[3] - a[4];
}

static double inspiral_phase_slope(const chirp_phenomd *m, double F)
{
    const double u = cbrt(F);
    const double *c = m->inspiral_phase;
    double sum = 0; /* d/dF F^((n-5)/3) = (n-5)/(3F) F^((n-5)/3) */
    for (int n = 11; n >= 0; --n)
        sum = sum * u + (n - 5) * c[n];
    sum /= u * u * u * u * u;
    sum += m->inspiral_log[0] + m->inspiral_log[1] * u * (1 + log(u));
    return sum / (3 * F);
}

static double inspiral_phase_value(const chirp_phenomd *m, double F)
{
    const double u = cbrt(F);
    double sum = 0;
    for (int n = 11; n >= 0; --n)
        sum = sum * u + m->inspiral_phase[n];
    return sum / (u * u * u * u * u) + log(u) * (m->inspiral_log[0] + m->inspiral_log[1] * u);
}

/* Eq. 16 without C1 + C2 F */
static double intermediate_phase_value(const chirp_phenomd *m, double F)
{
    const double *beta = &m->fit[CHIRP_PHENOMD_BETA1];
    return (beta[0] * F + beta[1] * log(F) - beta[2] / (3 * F * F * F)) / m->eta;
}

static double intermediate_phase_slope(const chirp_phenomd *m, double F)
{
    const double *beta = &m->fit[CHIRP_PHENOMD_BETA1];
    return (beta[0] + beta[1] / F + beta[2] / (F * F * F * F)) / m->eta;
}

/* Eq. 14 without C3 + C4 F */
static double merger_phase_value(const chirp_phenomd *m, double F)
{
    const double *alpha = &m->fit[CHIRP_PHENOMD_ALPHA1];
    return (alpha[0] * F - alpha[1] / F + 4.0 / 3 * alpha[2] * sqrt(F * sqrt(F)) +
            alpha[3] * atan((F - alpha[4] * m->ring) / m->damp)) /
           m->eta;
}

static double merger_phase_slope(const chirp_phenomd *m, double F)
{
    const double *alpha = &m->fit[CHIRP_PHENOMD_ALPHA1];
    const double x = F - alpha[4] * m->ring;
    return (alpha[0] + alpha[1] / (F * F) + alpha[2] / sqrt(sqrt(F)) +
            alpha[3] * m->damp / (m->damp * m->damp + x * x)) /
           m->eta;
}

static chirp_status check_binary(const chirp_binary *b)
{
    const double masses[2] = {b->m1_msun, b->m2_msun}, spins[2] = {b->chi1, b->chi2};
    for (int i = 0; i < 2; ++i) {
        if (!(masses[i] > 0) || !isfinite(masses[i]))
            return chirp_fail(CHIRP_ERR_RANGE,
                              "mass %d is %g solar masses: it must be a positive number", i + 1,
                              masses[i]);
        if (!(fabs(spins[i]) <= 1))
            return chirp_fail(CHIRP_ERR_RANGE,
                              "spin %d is %g: an aligned spin lies between -1 and 1", i + 1,
                              spins[i]);
    }
    return CHIRP_OK;
}

chirp_status chirp_phenomd_prepare(const chirp_binary *binary, chirp_phenomd *model)
{
    const chirp_status st = check_binary(binary);
    if (st != CHIRP_OK)
        return st;
    chirp_phenomd m = {.binary = chirp_binary_ordered(*binary)};
    const double chi1 = m.binary.chi1, chi2 = m.binary.chi2;
    const double total = m.binary.m1_msun + m.binary.m2_msun;
    const double mu1 = m.binary.m1_msun / total, mu2 = m.binary.m2_msun / total;
    m.mass_s = total * CHIRP_MSUN_S;
    m.eta = mu1 * mu2;
    m.delta = sqrt(fmax(0, 1 - 4 * m.eta)); /* rounding can make equal masses negative */
    m.chi_eff = mu1 * chi1 + mu2 * chi2;
    m.chi_pn = (chi1 + chi2) / 2 * (1 - 76 * m.eta / 113) + m.delta * (chi1 - chi2) / 2;
    m.final_spin = chirp_final_spin(&m.binary);
    if (!(fabs(m.final_spin) <= 1))
        return chirp_fail(
            CHIRP_ERR_RANGE,
            "masses %g and %g with spins %g and %g give a remnant spin of %g: use smaller spins",
            m.binary.m1_msun, m.binary.m2_msun, chi1, chi2, m.final_spin);
    m.radiated_fraction = chirp_radiated_fraction(&m.binary);
    chirp_phenomd_ringdown_at(m.final_spin, &m.ring, &m.damp);
    m.ring /= 1 - m.radiated_fraction;
    m.damp /= 1 - m.radiated_fraction;
    evaluate_fits(m.eta, m.chi_pn - 1, m.fit);

    const double gamma2 = m.fit[CHIRP_PHENOMD_GAMMA2], gamma3 = m.fit[CHIRP_PHENOMD_GAMMA3];
    const double root = gamma2 < 1 ? sqrt(1 - gamma2 * gamma2) : 0;
    m.peak = fabs(m.ring + m.damp * gamma3 * (root - 1) / gamma2); /* Eq. 20 */
    if (!(m.peak > CHIRP_PHENOMD_AMPLITUDE_JOIN))
        return chirp_fail(
            CHIRP_ERR_RANGE,
            "masses %g and %g with spins %g and %g: the model has no peak there (mass ratio %.3g)",
            m.binary.m1_msun, m.binary.m2_msun, chi1, chi2, mu1 / mu2);
    inspiral_amplitude(&m, (chi1 + chi2) / 2, (chi1 - chi2) / 2);
    intermediate_amplitude(&m);
    inspiral_phase(&m, mu1, mu2, chi1, chi2);

    const double join = CHIRP_PHENOMD_PHASE_JOIN,
                 half = m.ring / 2; /* section VIII: equal slope, then equal value */
    m.c2_int = inspiral_phase_slope(&m, join) - intermediate_phase_slope(&m, join);
    m.c1_int =
        inspiral_phase_value(&m, join) - intermediate_phase_value(&m, join) - m.c2_int * join;
    m.c2_mrd = intermediate_phase_slope(&m, half) + m.c2_int - merger_phase_slope(&m, half);
    m.c1_mrd = intermediate_phase_value(&m, half) + m.c1_int + m.c2_int * half -
               merger_phase_value(&m, half) - m.c2_mrd * half;
    m.t0 = merger_phase_slope(&m, m.peak);
    /* face-on value of the (2,2) harmonics, Eq. 17 without F^(-7/6), one megaparsec */
    m.amplitude0 = 2 * sqrt(5 / (64 * M_PI)) * m.mass_s * m.mass_s / CHIRP_MPC_S *
                   sqrt(2 * m.eta / 3) * pow(M_PI, -1.0 / 6);
    *model = m;
    return CHIRP_OK;
}

const char *chirp_phenomd_warning(const chirp_phenomd *m)
{
    const double ratio = m->binary.m1_msun / m->binary.m2_msun;
    const double spin = fmax(fabs(m->binary.chi1), fabs(m->binary.chi2));
    if (ratio > 18)
        return "mass ratio above 18: outside the calibration of IMRPhenomD";
    if (spin > 0.98 || (ratio > 1.5 && spin > 0.85))
        return "spins beyond the calibration of IMRPhenomD at this mass ratio";
    return NULL;
}

double chirp_phenomd_amplitude(const chirp_phenomd *m, double f_hz)
{
    const double F = m->mass_s * f_hz;
    if (!(F > 0) || F >= CHIRP_PHENOMD_CUT)
        return 0;
    double shape;
    if (F < CHIRP_PHENOMD_AMPLITUDE_JOIN) {
        shape = inspiral_amplitude_value(m, F);
    } else if (F < m->peak) {
        const double s =
            (F - CHIRP_PHENOMD_AMPLITUDE_JOIN) / (m->peak - CHIRP_PHENOMD_AMPLITUDE_JOIN);
        const double *a = m->intermediate_amplitude;
        shape = a[0] + s * (a[1] + s * (a[2] + s * (a[3] + s * a[4])));
    } else {
        const double w = m->fit[CHIRP_PHENOMD_GAMMA3] * m->damp, x = F - m->ring;
        shape = m->fit[CHIRP_PHENOMD_GAMMA1] * w / (x * x + w * w) *
                exp(-m->fit[CHIRP_PHENOMD_GAMMA2] * x / w);
    }
    return m->amplitude0 * pow(F, -7.0 / 6) * shape;
}

double chirp_phenomd_raw_phase(const chirp_phenomd *m, double f_hz)
{
    const double F = m->mass_s * f_hz;
    if (F < CHIRP_PHENOMD_PHASE_JOIN)
        return inspiral_phase_value(m, F);
    if (F < m->ring / 2)
        return intermediate_phase_value(m, F) + m->c1_int + m->c2_int * F;
    return merger_phase_value(m, F) + m->c1_mrd + m->c2_mrd * F;
}

double chirp_phenomd_phase_slope(const chirp_phenomd *m, double F)
{
    if (F < CHIRP_PHENOMD_PHASE_JOIN)
        return inspiral_phase_slope(m, F);
    if (F < m->ring / 2)
        return intermediate_phase_slope(m, F) + m->c2_int;
    return merger_phase_slope(m, F) + m->c2_mrd;
}

chirp_status chirp_phenomd_evaluate(const chirp_phenomd *m, const double *f_hz, int64_t n,
                                    double f_ref_hz, double distance_mpc, double *amplitude,
                                    double *phase)
{
    if (!(distance_mpc > 0) || !isfinite(distance_mpc))
        return chirp_fail(CHIRP_ERR_RANGE, "distance %g Mpc: it must be a positive number",
                          distance_mpc);
    if (!(f_ref_hz > 0) || !isfinite(f_ref_hz))
        return chirp_fail(CHIRP_ERR_RANGE,
                          "reference frequency %g Hz: it must be a positive number", f_ref_hz);
    for (int64_t i = 0; i < n; ++i)
        if (!(f_hz[i] > 0) || !isfinite(f_hz[i]))
            return chirp_fail(CHIRP_ERR_RANGE, "frequency %g Hz (number %lld): it must be positive",
                              f_hz[i], (long long)i + 1);
    const double reference = chirp_phenomd_raw_phase(m, f_ref_hz);
    for (int64_t i = 0; i < n; ++i) {
        amplitude[i] = chirp_phenomd_amplitude(m, f_hz[i]) / distance_mpc;
        phase[i] = chirp_phenomd_raw_phase(m, f_hz[i]) -
                   m->t0 * (m->mass_s * (f_hz[i] - f_ref_hz)) - reference;
    }
    return CHIRP_OK;
}

double chirp_phenomd_time_to_merger(const chirp_phenomd *m, double f_hz)
{
    return m->mass_s / (2 * M_PI) *
           (m->t0 + m->c2_mrd - chirp_phenomd_phase_slope(m, m->mass_s * f_hz));
}

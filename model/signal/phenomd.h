/**
 * IMRPhenomD: frequency-domain strain of an aligned-spin binary black hole through inspiral, merger and ringdown.
 *
 *     h~(f) = A(f) exp(-i Psi(f)),   h~(f) = integral h(t) exp(-2 pi i f t) dt   [strain per Hz], f > 0
 *
 * of a face-on binary; h+ = h (1 + cos^2 iota)/2, hx = -i h cos iota. Masses are detector-frame, the distance is the
 * luminosity distance. Zero for M f >= 0.2.
 * Source: Khan et al. 2016, arXiv:1508.07253 (equation numbers in the code are theirs), Husa et al. 2016, arXiv:1508.07250.
 * Valid: mass ratios to 18, |chi| <= 0.95 or so (calibrated on -0.95..0.98 at ratio 1, -0.8..0.4 at ratio 18).
 */
#ifndef CHIRP_MODEL_SIGNAL_PHENOMD_H
#define CHIRP_MODEL_SIGNAL_PHENOMD_H

#include "harness/base/status.h"
#include "model/signal/remnant.h"

#include <stdint.h>

/** G Msun / c^3 [s], with the nominal G Msun. */
#define CHIRP_MSUN_S 4.925491025543575e-6
/** One megaparsec over the speed of light [s]. */
#define CHIRP_MPC_S (3.085677581491367279e22 / 299792458.0)

/** The fitted coefficients, in the order of the paper's Table V. */
enum {
    CHIRP_PHENOMD_RHO1,
    CHIRP_PHENOMD_RHO2,
    CHIRP_PHENOMD_RHO3,
    CHIRP_PHENOMD_V2,
    CHIRP_PHENOMD_GAMMA1,
    CHIRP_PHENOMD_GAMMA2,
    CHIRP_PHENOMD_GAMMA3,
    CHIRP_PHENOMD_SIGMA1,
    CHIRP_PHENOMD_SIGMA2,
    CHIRP_PHENOMD_SIGMA3,
    CHIRP_PHENOMD_SIGMA4,
    CHIRP_PHENOMD_BETA1,
    CHIRP_PHENOMD_BETA2,
    CHIRP_PHENOMD_BETA3,
    CHIRP_PHENOMD_ALPHA1,
    CHIRP_PHENOMD_ALPHA2,
    CHIRP_PHENOMD_ALPHA3,
    CHIRP_PHENOMD_ALPHA4,
    CHIRP_PHENOMD_ALPHA5,
    CHIRP_PHENOMD_FITS
};

/** Region boundaries in F = M f (Khan et al.): of the amplitude, of the phase, and the end of the model. */
#define CHIRP_PHENOMD_AMPLITUDE_JOIN 0.014
#define CHIRP_PHENOMD_PHASE_JOIN 0.018
#define CHIRP_PHENOMD_CUT 0.2

/** Everything about one binary that does not depend on frequency. Plain data: copy freely. */
typedef struct chirp_phenomd {
    chirp_binary binary; /**< m1 >= m2 */
    double mass_s;       /**< M G/c^3 [s]: F = mass_s * f */
    double eta, delta, chi_eff, chi_pn;
    double final_spin, radiated_fraction;
    double ring, damp, peak; /**< F_RD, F_DM, F_peak: dimensionless, times 1/mass_s gives Hz */
    double fit[CHIRP_PHENOMD_FITS];
    double inspiral_amplitude[10];    /**< coefficients of F^(n/3), n = 0..9 */
    double intermediate_amplitude[5]; /**< powers of (F - 0.014)/(F_peak - 0.014) */
    /** Psi_ins = sum_n inspiral_phase[n] F^((n-5)/3) + ln(F^(1/3)) (inspiral_log[0] + inspiral_log[1] F^(1/3)) */
    double inspiral_phase[12], inspiral_log[2];
    double c1_int, c2_int, c1_mrd, c2_mrd; /**< constants of the C1 matching */
    double t0;                             /**< raw slope of the phase at F_peak, without c2_mrd */
    double amplitude0; /**< A0 at F = 1 times the factor of one megaparsec [strain/Hz] */
} chirp_phenomd;

/**
 * Prepares a binary (swapped to m1 >= m2 if needed).
 * @return CHIRP_ERR_RANGE  a mass is not positive and finite, |chi| > 1, or the final spin exceeds 1
 */
chirp_status chirp_phenomd_prepare(const chirp_binary *binary, chirp_phenomd *model);

/** One sentence when the binary lies outside the calibration (mass ratio, spins), else NULL. Static text. */
const char *chirp_phenomd_warning(const chirp_phenomd *model);

/** |h~(f)| at one megaparsec [strain/Hz]. */
double chirp_phenomd_amplitude(const chirp_phenomd *model, double f_hz);

/** Psi(f) as the regions give it, before any alignment [rad]. */
double chirp_phenomd_raw_phase(const chirp_phenomd *model, double f_hz);

/** dPsi/dF of the raw phase at F = M f; the stationary-phase time of F is this times mass_s/(2 pi). */
double chirp_phenomd_phase_slope(const chirp_phenomd *model, double F);

/**
 * The published alignment: Psi is zero at f_ref, and shifted by t0 = the raw slope at F_peak (waveform vectors use it).
 *     h~ = A exp(-i Psi),  Psi(F) <- Psi(F) - t0 (F - F_ref) - Psi(F_ref)
 * @param f_hz       [n] > 0
 * @param amplitude  [n] strain/Hz at distance_mpc
 * @param phase      [n] rad
 */
chirp_status chirp_phenomd_evaluate(const chirp_phenomd *model, const double *f_hz, int64_t n,
                                    double f_ref_hz, double distance_mpc, double *amplitude,
                                    double *phase);

/** Stationary-phase time from frequency f to the merger (F_peak) [s]; negative beyond F_peak. */
double chirp_phenomd_time_to_merger(const chirp_phenomd *model, double f_hz);

/**
 * Time of the largest |h(t)| of the strain's analytic envelope when Psi is the raw phase [s].
 * To put that maximum at time t, use the phase Psi(f) - 2 pi f (t_peak - t). Found numerically on the model itself (a short
 * inverse transform around the merger and a parabola), to about 0.02 mass_s.
 */
double chirp_phenomd_peak_time(const chirp_phenomd *model);

#endif

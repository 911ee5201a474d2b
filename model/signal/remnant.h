/**
 * The black hole that remains: spin, radiated energy, and the frequencies at which it rings.
 *
 * Final spin and energy: fits of Husa et al. 2016 (arXiv:1508.07250, Eqs. 3.6 to 3.8). Ringing: the quasi-normal mode
 * l = m = 2, n = 0, omega = omega_R - i omega_I, by cubic spline through an accurate table. The spline reproduces the
 * table's own accuracy (1e-9 away from the ends); the fit of Berti, Cardoso, Will 2006 is off by up to 1.9 % in omega_R
 * and 2.3 % in omega_I on 0 <= a <= 0.99, too coarse for a network trained to 0.16 %.
 */
#ifndef CHIRP_MODEL_SIGNAL_REMNANT_H
#define CHIRP_MODEL_SIGNAL_REMNANT_H

#include "harness/base/status.h"

/** Aligned-spin binary: detector-frame masses [solar masses], spins along the orbital angular momentum. */
typedef struct chirp_binary {
    double m1_msun, m2_msun;
    double chi1, chi2;
} chirp_binary;

/** The heavier hole first: swaps masses and spins together when m1 < m2. */
chirp_binary chirp_binary_ordered(chirp_binary binary);

/** Dimensionless spin of the remnant, -1 to 1; negative when it opposes the orbital angular momentum. */
double chirp_final_spin(const chirp_binary *binary);

/** Energy radiated, as a fraction of m1 + m2; the remnant's mass is (1 - fraction)(m1 + m2). */
double chirp_radiated_fraction(const chirp_binary *binary);

/**
 * Dimensionless M omega_R and M omega_I of a hole with spin a; a < 0 is the retrograde branch.
 * @return CHIRP_ERR_RANGE outside the table, -0.99 to 0.99
 */
chirp_status chirp_qnm(double a, double *omega_r, double *omega_i);

/** The published fit (Berti, Cardoso, Will 2006), for comparison only; a from 0 to below 1. */
void chirp_qnm_fit(double a, double *omega_r, double *omega_i);

/** The ringdown table inside IMRPhenomD: M_f f_ring and M_f f_damp for -1 <= a_f <= 1 (natural cubic spline). */
void chirp_phenomd_ringdown_at(double a_f, double *mf_ring, double *mf_damp);

#endif

/**
 * IMRPhenomD on an equally spaced frequency grid, vectorised: what the signal generator calls ten million times.
 *
 * Powers and logarithms of the frequencies are tabulated once; masses enter as factors of polynomial coefficients, so a bin
 * costs two polynomials, and an arctangent and an exponential only beyond the merger. Phases are kept in double precision until
 * whole turns are removed. Against chirp_phenomd_amplitude() and _raw_phase(): relative error of h~ below 2e-6.
 */
#ifndef CHIRP_MODEL_SIGNAL_PHENOMD_GRID_H
#define CHIRP_MODEL_SIGNAL_PHENOMD_GRID_H

#include "model/signal/phenomd.h"

#include <stdint.h>

enum { CHIRP_PHENOMD_GRID_TABLES = 6 };

/** Bins k = first .. first + n - 1 at f = k df > 0. The tables belong to the caller. */
typedef struct chirp_phenomd_grid {
    double df_hz;
    int64_t first, n;
    double *f, *root, *root_inv5, *log_root, *inverse,
        *power34; /**< [n] f, f^(1/3), f^(-5/3), ln f^(1/3), 1/f, f^(3/4) */
} chirp_phenomd_grid;

/** @param tables  [CHIRP_PHENOMD_GRID_TABLES * n] doubles, filled; must outlive the grid */
void chirp_phenomd_grid_prepare(chirp_phenomd_grid *grid, double df_hz, int64_t first, int64_t n,
                                double *tables);

/**
 * out[k] = weight[k] * shape(f) * exp(-i (Psi_raw(f) + phase + 2 pi f delay)),  k = begin .. end - 1 (bins of the grid from 0)
 *
 * where |h~| at one megaparsec = amplitude0 F^(-7/6) shape: the caller's weight holds f^(-7/6) and whatever filter is wanted;
 * constant factors are the caller's too. Zero for M f >= 0.2.
 * @param weight  [grid->n]
 * @param out     [2 * grid->n] real and imaginary parts in turn
 */
void chirp_phenomd_grid_evaluate(const chirp_phenomd_grid *grid, const chirp_phenomd *model,
                                 int64_t begin, int64_t end, double delay_s, double phase,
                                 const float *weight, float *out);

#endif

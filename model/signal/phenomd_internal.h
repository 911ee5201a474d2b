/** The fit of the waveform model (private to model/signal). */
#ifndef CHIRP_MODEL_SIGNAL_PHENOMD_INTERNAL_H
#define CHIRP_MODEL_SIGNAL_PHENOMD_INTERNAL_H

#include "model/signal/phenomd.h"

#define CHIRP_PHENOMD_TERMS 11

/** Polynomials in eta and xi of the 19 coefficients; the term order stands in phenomd_coefficients.c. */
extern const double chirp_phenomd_fit[CHIRP_PHENOMD_FITS][CHIRP_PHENOMD_TERMS];

#endif

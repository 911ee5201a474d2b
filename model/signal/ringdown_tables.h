/** Constant tables of ringdown frequencies, for the waveform and for labels (private to model/signal). */
#ifndef CHIRP_MODEL_SIGNAL_RINGDOWN_TABLES_H
#define CHIRP_MODEL_SIGNAL_RINGDOWN_TABLES_H

#define CHIRP_PHENOMD_RINGDOWN_ROWS 1003
#define CHIRP_QNM_ROWS 991

/** {a_f, M_f f_ring, M_f f_damp}, a_f increasing from -1 to 1. */
extern const double chirp_phenomd_ringdown[CHIRP_PHENOMD_RINGDOWN_ROWS][3];
/** {M omega_R, M omega_I} at a = 0, 0.001, ..., 0.99. */
extern const double chirp_qnm_prograde[CHIRP_QNM_ROWS][2];
/** {M omega_R, M omega_I} at a = -0.99, -0.989, ..., 0. */
extern const double chirp_qnm_retrograde[CHIRP_QNM_ROWS][2];

#endif

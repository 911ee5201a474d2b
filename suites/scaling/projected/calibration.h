/**
 * Fits an exchange that negotiates, as the study's did, to what somebody measured on few nodes. With N nodes, a one-node step of t1 and the reduction
 * and copies taken from the cost model, which have no free number left,
 *
 *     extra(N) - allreduce(N) - copies = cycles * cycle + sd * e(N),      cycles >= 0, sd >= 0
 *
 * by least squares; e(N) is the expected maximum of N standard normals. sd is read either as relative (it grows with
 * the step: r = sd / t1) or as absolute; a few nodes and one step length can't tell the two apart, and the projection
 * reports both.
 */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_CALIBRATION_H
#define CHIRP_SUITES_SCALING_PROJECTED_CALIBRATION_H

#include "suites/scaling/projected/machine.h"

typedef struct chirp_fit {
    char network[24];
    double cycles;   /**< [1] communication periods per step */
    double sd_s;     /**< [s] */
    double relative; /**< [1] sd_s over the one-node step */
    double rms_s;    /**< [s] root mean square residual */
} chirp_fit;

enum { CHIRP_MAX_HELD_OUT = CHIRP_MAX_OBSERVATIONS * CHIRP_MAX_OBSERVED_NETWORKS };

/** Observation that the first fit did not see. */
typedef struct chirp_held_out {
    char network[24];
    int nodes;
    double measured_efficiency, predicted_efficiency;
} chirp_held_out;

typedef struct chirp_calibration {
    int n;
    chirp_fit fit[CHIRP_MAX_OBSERVED_NETWORKS]; /**< each network alone, on all observations */
    chirp_fit pooled; /**< all networks, one cycles and one sd: the central prediction */
    int n_held_out;
    chirp_held_out held_out
        [CHIRP_MAX_HELD_OUT]; /**< fitted per network up to machine.fit_nodes_max, tested beyond */
} chirp_calibration;

/** @return CHIRP_ERR_ARG for a machine without observations */
chirp_status chirp_calibrate(const chirp_machine *machine, chirp_calibration *calibration);

/** [s] What the cost model says that reductions and copies cost a step of the observed runs on so many nodes. */
double chirp_observed_known_s(const chirp_machine *machine, int nodes);

#endif

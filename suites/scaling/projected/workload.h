/** What a training step of a network computes and exchanges, layer by layer. */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_WORKLOAD_H
#define CHIRP_SUITES_SCALING_PROJECTED_WORKLOAD_H

#include "harness/base/status.h"
#include "model/network/shape.h"

#include <stdbool.h>
#include <stdint.h>

enum { CHIRP_WORKLOAD_MAX_LAYERS = CHIRP_MAX_LAYERS };

/** One layer's share of a step. */
typedef struct chirp_workload_layer {
    char name[32];
    int64_t trained;       /**< numbers whose gradients are exchanged */
    double forward_flops;  /**< per signal */
    double backward_flops; /**< per signal */
    double backward;       /**< [1] the backward part's share of a pass */
} chirp_workload_layer;

/** The network in forward order. */
typedef struct chirp_workload {
    int n;
    chirp_workload_layer layer[CHIRP_WORKLOAD_MAX_LAYERS];
    /** layers in the order in which the backward pass finishes them */
    int backward[CHIRP_WORKLOAD_MAX_LAYERS];
    int64_t trained;
    double flops;              /**< forward and backward, per signal */
    double forward;            /**< [1] share of a pass at which the forward part ends */
    double seconds_per_signal; /**< of a pass, by a profile or a file; 0: none was read */
    int samples_per_rank;      /**< [1] of a pass, by a file; 0: as the settings say */
    bool forward_only; /**< ranks exchange nothing and wait for nobody: evaluation, inference */
    char name[48];     /**< by a file; "": one of the built-in networks */
} chirp_workload;

/**
 * @param network  "spin" or "mass"
 * @param shared_noise  all ranks draw the same weight noise, so that rho's gradient needn't travel: one number a weight
 */
chirp_status chirp_workload_make(const char *network, chirp_variant variant, bool shared_noise,
                                 chirp_workload *workload);

/**
 * Another network, by a file: suites/scaling/machines/workloads/README.md lists its members.
 * @param name  one that ships ("cosmoflow") or the path of a JSON file
 * @return CHIRP_ERR_ARG for an unknown name, CHIRP_ERR_FORMAT with file and member
 */
chirp_status chirp_workload_read(const char *name, chirp_workload *workload);

/** Takes the shares and seconds of a pass from times that `chirpbench scale --profile` has measured. */
chirp_status chirp_workload_profile(const char *path, chirp_workload *workload);

#endif

/**
 * Checkpoints: HDF5 files that h5py opens without our help.
 *
 *   /root/conv1/weight [out][in][taps], /leaf0/dense2/mean, rho, bias ...   float32, names of the tensor table
 *   /trained/root/conv1/weight ...   the same tree, where training averages parameters: what it goes on from; those above are
 *                                    then their average
 *   /optimizer/first/..., /optimizer/second/...   the same tree: Adam's moments, or SGD's velocity (first only)
 *   /noise_curve/frequency_hz [n], psd [curves][n] [1/Hz], float64: what whitened the signals
 *   /cut/width, leaf   of a network that was cut out of another: see cut.c
 *   /feature_distance/mean, factor, limit   of files of chirpbench export: see feature_distance.c
 *   attributes of /: iteration, seed (int64), configuration (JSON text), software_version, format; progress, typical_norm,
 *                    best_score (float64) and crossings (int64) of a run that is not over, absent in earlier versions;
 *                    noise_curve (the curves' names, one a line)
 *
 * Draws are functions of (seed, stream, iteration), so seed and iteration are the whole random state.
 */
#ifndef CHIRP_MODEL_TRAINING_CHECKPOINT_H
#define CHIRP_MODEL_TRAINING_CHECKPOINT_H

#include "harness/base/status.h"
#include "model/inference/impact.h"
#include "model/network/network.h"
#include "model/signal/curves.h"

#include <stdint.h>

/** How far a run has come, beyond its iterations; what a resume goes on with. */
typedef struct chirp_course_state {
    double progress;     /**< share of the run that is over, by its time; 0: by its iterations */
    double typical_norm; /**< of gradients, for clipping; 0: not known */
    double best_score;   /**< least held-out score so far; only where crossings is not negative */
    int64_t crossings;   /**< held-out checks in a row below the target; -1: none was made */
} chirp_course_state;

typedef struct chirp_checkpoint {
    int64_t iteration;
    uint64_t seed;
    char *configuration;   /**< JSON; after a read owned by the caller, chirp_free() */
    float *first, *second; /**< optimiser state in arena layout, or NULL */
    float *
        trained; /**< parameters that training goes on from where they are not those for use, in arena layout; or NULL */
    bool has_trained; /**< after a read */
    chirp_course_state course;
    const chirp_curves
        *curves; /**< written every 1/4 Hz of `band`; NULL: none, as for a data set */
    chirp_band band;
    const chirp_cut *
        cut; /**< written where the network is a part of the one that `configuration` names (cut.h); or NULL */
} chirp_checkpoint;

/** Writes atomically: the file at `path` is the old one or the new one, never half of it. */
chirp_status chirp_checkpoint_write(const char *path, const chirp_checkpoint *state,
                                    const chirp_tensor *tensors, int n_tensors,
                                    const float *parameters);

/** Reads the attributes alone (configuration, iteration, seed): what is needed to make the network. */
chirp_status chirp_checkpoint_read_header(const char *path, chirp_checkpoint *state);

/**
 * Reads parameters for use, and optimiser state and trained parameters into state->first, second and trained where those are
 * not NULL (and there are any of the latter). Nothing is written to the arrays unless every tensor is there, of the right shape and finite.
 */
chirp_status chirp_checkpoint_read(const char *path, chirp_checkpoint *state,
                                   const chirp_tensor *tensors, int n_tensors, float *parameters);

/**
 * The noise curves that training whitened with.
 * @param curves  receives them, none when the file has none (trained on a data set, or by an earlier version); release it with
 *                chirp_curves_release(), also after a failure
 * @return CHIRP_ERR_FORMAT when they are no curves
 */
chirp_status chirp_checkpoint_read_curves(const char *path, chirp_curves *curves);

#endif

/** A trained network, as those who ask it need it: made after its checkpoint, for inference. */
#ifndef CHIRP_MODEL_TRAINING_TRAINED_H
#define CHIRP_MODEL_TRAINING_TRAINED_H

#include "model/inference/distance.h"
#include "model/training/config.h"

typedef struct chirp_trained {
    chirp_train_record record; /**< as stored, with its strings */
    const chirp_network_spec *spec;
    chirp_network_spec *own_spec; /**< of a network that was cut out of another; or NULL */
    chirp_network *net;           /**< with the parameters of the checkpoint */
    chirp_likelihood likelihood;
    int64_t iteration;
    chirp_curves curves; /**< that whitened the signals; none when the checkpoint holds none */
    double recalibration[CHIRP_MAX_LEAVES]; /**< for chirp_posterior_recalibrate() */
    char *recalibration_note;               /**< NULL: none */
    chirp_distance distance;                /**< of features; of width 0: the checkpoint has none */
} chirp_trained;

/**
 * Makes the network that a checkpoint describes and fills in its parameters.
 * @param path       file of chirpbench train or export
 * @param batch      events of a forward pass
 * @param n_threads  0: omp_get_max_threads()
 * @param trained    release it with chirp_trained_release(), also after a failure
 * @return CHIRP_ERR_IO, CHIRP_ERR_FORMAT, CHIRP_ERR_NUMERIC naming the file and what is wrong in it
 */
chirp_status chirp_trained_load(const char *path, int64_t batch, int n_threads,
                                chirp_trained *trained);
/** Signals like those of the training, whitened with the checkpoint's own curves, which stay the network's. */
chirp_signal_config chirp_trained_signals(const chirp_trained *trained);

void chirp_trained_release(chirp_trained *trained); /**< accepts a zeroed value */

#endif

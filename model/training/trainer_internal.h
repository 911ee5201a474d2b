/* What trainer.c (making, stepping) and trainer_resume.c (checkpoints) share. Not for other folders. */
#ifndef CHIRP_MODEL_TRAINING_TRAINER_INTERNAL_H
#define CHIRP_MODEL_TRAINING_TRAINER_INTERNAL_H

#include "model/training/batches.h"
#include "model/training/trainer.h"

enum { SHARE_STEPS = 10 }; /* steps that are timed for new shares */

struct chirp_trainer {
    chirp_train_config config;
    const chirp_network_spec *spec;
    chirp_likelihood likelihood;
    chirp_network *net;
    chirp_batches *batches;
    chirp_exchange *exchange, *prompt; /* prompt: of the first steps of a delayed one, else NULL */
    int *sent; /* a tensor's number in the exchange; -1: its gradient does not travel */
    chirp_status exchange_status; /* first failure inside the backward pass */
    int rank, ranks;
    bool stop_requested;
    int64_t iteration;       /* steps done */
    int64_t travelling;      /* delayed: step whose mean is on its way, -1: none */
    float *output, *doutput; /* [batch][leaves][outputs] */
    float *first, *second;   /* optimiser state, arena layout */
    /* parts of a step */
    int64_t *share, *wanted;  /* [ranks] parts of each rank; scratch */
    int64_t first_part, part; /* this rank's first; its pass at hand, counted from 0 */
    bool new_shares;          /* not reported yet */
    float
        *sum; /* gradients of this step's passes so far, arena layout; NULL without --accumulate */
    double *seconds;                  /* [ranks] of one part */
    double part_seconds[SHARE_STEPS]; /* of this rank's last steps, one part */
};

/* Whether that step's mean is applied in the step after it. */
static inline bool chirp_trainer_delays(const chirp_trainer *trainer, int64_t step)
{
    return trainer->prompt && step >= trainer->config.delay_after;
}

/* The exchange of the step at hand. */
static inline chirp_exchange *chirp_trainer_current(const chirp_trainer *trainer)
{
    return trainer->prompt && !chirp_trainer_delays(trainer, trainer->iteration)
               ? trainer->prompt
               : trainer->exchange;
}

#endif

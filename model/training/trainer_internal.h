/* What trainer.c (making, stepping) and trainer_resume.c (checkpoints) share. Not for other folders. */
#ifndef CHIRP_MODEL_TRAINING_TRAINER_INTERNAL_H
#define CHIRP_MODEL_TRAINING_TRAINER_INTERNAL_H

#include "harness/json/json.h"
#include "model/training/batches.h"
#include "model/training/checkpoint.h"
#include "model/training/participation.h"
#include "model/training/trainer.h"

/* Shares that follow speeds may change in every step; reports have them every so many. */
enum { SHARE_REPORT_STEPS = 10 };

struct chirp_trainer {
    chirp_train_config config;
    const chirp_network_spec *spec;
    chirp_likelihood likelihood;
    chirp_network *net;
    chirp_batches *batches;
    chirp_exchange *exchange;
    int *sent; /* a tensor's number in the exchange; -1: its gradient does not travel */
    int n_sent;
    chirp_status exchange_status; /* first failure inside the backward pass */
    double sum_of_squares;        /* of the gradient applied so far in this step */
    int rank, ranks;
    bool stop_requested;
    int64_t iteration;         /* steps done */
    float *output, *doutput;   /* [room][leaves][outputs] */
    int64_t room;              /* signals */
    float *first, *second;     /* optimiser state, arena layout */
    float *average;            /* of the parameters, arena layout; NULL without --average */
    chirp_course_state course; /* its progress is rank 0's, as all ranks know it */
    double own_progress; /* share of this rank's time that is over; negative: time is not limited */
    int64_t pass;        /* of this step, counted from 0 */
    chirp_participation *participation; /* NULL: steps wait for all ranks */
    int announced;    /* tensors whose gradient this pass has, in the table's order */
    bool exchanging;  /* this step's gradients travel */
    bool gave_up;     /* this step, as this rank was late */
    int64_t left_out; /* signals that the step lacks therefore */
    float
        *sum; /* gradients of this step's passes so far, arena layout; NULL without --accumulate */
    chirp_share_control *control; /* who computes how much */
    chirp_share share;            /* this rank's in the coming step */
    bool new_shares;              /* not reported yet */
    chirp_text resume_note;       /* what a resume changed */
};

#endif

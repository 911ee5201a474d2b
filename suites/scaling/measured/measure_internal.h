/* What measure.c (running blocks) and rows.c (making sense of them) share. Not for other folders. */
#ifndef CHIRP_SUITES_SCALING_MEASURED_MEASURE_INTERNAL_H
#define CHIRP_SUITES_SCALING_MEASURED_MEASURE_INTERNAL_H

#include "suites/scaling/measured/measure.h"

struct cJSON;

/* One step of one rank; instants on rank 0's clock. */
typedef struct chirp_step_record {
    double input, forward, backward, exchange, optimizer, total;
    double exposed, control, bytes, calls;
    double finish, done;
} chirp_step_record;

/* Ranks and steps of all repetitions of a row, for what needs more than a mean. */
typedef struct chirp_lateness {
    double *compute; /* [ranks][steps of all repetitions] */
    int *last;       /* [ranks] how often the slowest */
    double *late;    /* [ranks] sum of lateness behind the first */
    double *common;  /* [steps of all repetitions] scratch */
    double span;     /* sum of the last one's */
    int steps;
} chirp_lateness;

/* What a rank writes down of a step. @param offset  [s] to rank 0's clock */
chirp_step_record chirp_scale_record(const chirp_step_profile *profile, double offset);

/* This rank's clock against rank 0's before and after the steps of a block, with a straight line between. */
typedef struct chirp_scale_clock {
    double at[2], offset[2]; /* [s] */
} chirp_scale_clock;
double chirp_scale_offset_at(const chirp_scale_clock *clock, double instant);

/* Means of one block into the row's repetition, and its steps into the lateness. @param all  [ranks][steps] */
void chirp_scale_block(const chirp_scale_options *options, chirp_scale_row *row, int repetition,
                       const chirp_step_record *all, double wall, chirp_lateness *late);
/* What takes the steps of all repetitions. */
void chirp_scale_analyse(const chirp_scale_options *options, chirp_scale_row *row,
                         const chirp_lateness *late);

/* Adds where the ranks of the job ran, and with what. @param places  [ranks] */
void chirp_scale_provenance(struct cJSON *root, const chirp_place *places, int ranks);

/* Fills min and max from every rank's table; complete on rank 0. Collective over the group. */
chirp_status chirp_scale_gather_calls(chirp_scale_calls *calls, int ranks, int steps);

#endif

/** What the parts of `chirpbench decompose` share. */
#ifndef CHIRP_SUITES_COMMANDS_DECOMPOSE_H
#define CHIRP_SUITES_COMMANDS_DECOMPOSE_H

#include "model/inference/impact.h"
#include "suites/commands/calibration.h"

struct cJSON;

enum { DECOMPOSE_BATCH = 16 };

/** A network beside the whole one, or the whole one. */
typedef struct decomposition_side {
    double error[CHIRP_MAX_LEAVES]; /**< relative, of the leaves that are kept */
    double flops;                   /**< forward pass of one signal, the direct method's */
    double seconds;                 /**< likewise: the fastest of passes taken in turn */
} decomposition_side;

typedef struct decomposition {
    const char *checkpoint, *json, *leaves, *out;
    int64_t signals, check, test, seed, threads;
    double threshold, alike;
    chirp_trained trained;
    calibration_trial trial;
    chirp_impact impact;
    float *strain;               /* [signals][length] */
    double *change;              /* [check][leaves][2] impact, and change without the filter */
    int group[CHIRP_MAX_LEAVES]; /* number of the first leaf of its group */
    chirp_cut cut;
    decomposition_side side[2]; /* whole, part */
} decomposition;

/** Number of the i-th filter that was left out. */
int64_t decomposition_checked(const decomposition *d, int64_t i);

/** Takes --leaves apart into d->cut. */
chirp_status decomposition_read_leaves(decomposition *d);

/** Cuts the network out, writes it to --out and prints it beside the whole one. */
chirp_status decomposition_cut(decomposition *d);

/** Adds "part" to a document. */
void decomposition_part_json(const decomposition *d, struct cJSON *root);

#endif

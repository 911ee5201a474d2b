/** What the parts of `chirpbench infer` share: one network, its posterior and the JSON of its answers. */
#ifndef CHIRP_SUITES_COMMANDS_INFERENCE_H
#define CHIRP_SUITES_COMMANDS_INFERENCE_H

#include "model/inference/posterior.h"
#include "model/signal/match.h"
#include "model/signal/strain.h"
#include "model/training/trained.h"
#include "suites/commands/shipped_network.h"

#include <stdbool.h>
#include <stdint.h>

struct cJSON;

enum { INFERENCE_DETECTORS = 4 };

/** What is kept of a detector until all have been read. */
typedef struct inference_detector {
    chirp_strain_info info;
    float *window; /**< [length] */
    double *drawn; /**< [leaves][samples] */
} inference_detector;

typedef struct inference {
    const char *checkpoint, *json;
    const char *network; /* of a checkpoint that comes with the program */
    char found[CHIRP_NETWORK_PATH];
    const char *strain; /* one file, or several with commas between */
    const char *data, *rows;
    double gps, merger_at_s; /* merger_at_s 0: the middle of the trained range */
    int64_t samples, seed, threads;
    int64_t sweep; /* windows; 0: none */
    double sweep_step_s;
    double credible; /* [%] of the printed interval */
    bool exact;      /* the exact posterior beside the network's */
    inference_detector detector[INFERENCE_DETECTORS];
    int n_detectors;
    chirp_trained trained;
    chirp_train_config config; /* of the training, whose strings it borrows */
    const chirp_network_spec *spec;
    chirp_posterior *posterior;
    float *window; /* [length] */
    double *drawn; /* [leaves][samples] */
    struct cJSON *events;
} inference;

/** Draws into f->drawn; what goes wrong is the checkpoint's fault. @param summary  [leaves] */
chirp_status inference_predict(inference *f, const float *window, uint64_t seed,
                               chirp_posterior_summary *summary);

/** The interval that --credible asks for, of samples as inference_predict() left them. */
chirp_status inference_credible(const inference *f, int leaf, double interval[2]);

/** "std", "90 % interval" and the other headings of a table of parameters, and one line of it. */
void inference_print_heading(const inference *f, const char *more);
chirp_status inference_print_leaf(const inference *f, int leaf, const chirp_posterior_summary *s);

/** Mean, spread and intervals of one parameter; "interval" holds "credible_percent" of the probability. */
struct cJSON *inference_summary(const inference *f, int leaf, const chirp_posterior_summary *s);

/** "checkpoint", "network", "variational", "iterations" and "credible_percent" of an event. */
void inference_add_network(const inference *f, struct cJSON *event);

/** Takes --rows "A:B" of a data set apart; NULL: all rows. @param command  for the error's sentence */
chirp_status inference_read_rows(const char *command, const char *text, int64_t rows,
                                 int64_t *first, int64_t *n);

/** Prints the exact posterior and adds it to an event as "exact". @param curve, window  [n_detectors] */
chirp_status inference_exact(const inference *f, const chirp_signal_config *signal,
                             const chirp_match_curve *curve, int n_detectors, const float *window,
                             struct cJSON *event);

/** Keeps what was read of a detector (takes `info` over) and answers --exact for it. */
chirp_status inference_keep(inference *f, chirp_strain_info *info, struct cJSON *event);
void inference_forget(inference *f);

/** The combined posterior of the detectors kept, as an event of its own; nothing with one detector. */
chirp_status inference_together(inference *f);

/** Says whether the window is like those of training, and adds it to an event as "likeness". */
chirp_status inference_judge(const inference *f, const chirp_strain_info *info,
                             struct cJSON *event);

/** A posterior for each of --rows of the data set --data, beside the truth. */
chirp_status inference_of_data(inference *f);

#endif

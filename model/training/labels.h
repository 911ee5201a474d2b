/** Standardised labels: their mean and spread over the prior that training draws its signals from. */
#ifndef CHIRP_MODEL_TRAINING_LABELS_H
#define CHIRP_MODEL_TRAINING_LABELS_H

#include "model/training/trainer.h"

struct cJSON;

/**
 * Fills in the centres and units of config->labels: mean and four standard deviations of every leaf's label over draws of the prior in config->signal, which are
 * the same for every seed. With the study's labels there is nothing to fill in.
 */
chirp_status chirp_train_labels(chirp_train_config *config);

/** Adds "label_map", {"a_f": [centre, unit], ...}, to a stored configuration; nothing with the study's labels. */
void chirp_train_labels_write(const chirp_train_config *config, struct cJSON *root);

/** @return CHIRP_ERR_FORMAT  standardised labels whose map is missing or impossible; the sentence begins with `path` */
chirp_status chirp_train_labels_read(const char *path, const struct cJSON *root,
                                     chirp_train_config *config);

#endif

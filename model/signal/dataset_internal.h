/** Names and tables that the data-set writer and reader share (private to model/signal). */
#ifndef CHIRP_MODEL_SIGNAL_DATASET_INTERNAL_H
#define CHIRP_MODEL_SIGNAL_DATASET_INTERNAL_H

#define CHIRP_DATASET_FORMAT "chirpbench data set 1"

/** The four datasets of a file, in this order everywhere. */
enum {
    CHIRP_DATASET_STRAIN,
    CHIRP_DATASET_LABEL,
    CHIRP_DATASET_SNR,
    CHIRP_DATASET_PARAMETERS,
    CHIRP_DATASET_FIELDS
};
extern const char *const chirp_dataset_field[CHIRP_DATASET_FIELDS];

#endif

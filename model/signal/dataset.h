/**
 * Data sets of training signals in HDF5, which h5py opens without our help.
 *
 *   /strain      float32 [n][length], or [n][2][length] for two detectors
 *   /label       float32 [n][5]  m1, m2 (solar masses, detector frame), a_f, omega_R, omega_I
 *   /snr         float32 [n]
 *   /parameters  float32 [n][4]  m1, m2, chi1, chi2
 *   attributes of the file: format, software, version, seed, first_index, rows, sample_rate_hz, length, detector,
 *   n_detectors, noise, has_noise, f_low_hz, f_high_hz, and the priors. Row i is signal first_index + i of that seed.
 *
 * `rows` is raised last: after a crash the rows it counts are whole.
 */
#ifndef CHIRP_MODEL_SIGNAL_DATASET_H
#define CHIRP_MODEL_SIGNAL_DATASET_H

#include "harness/base/status.h"
#include "model/signal/generator.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct chirp_dataset_writer chirp_dataset_writer;

typedef struct chirp_dataset_options {
    uint64_t first_index; /**< of row 0 */
    int compress;         /**< deflate level 0 (off) to 9, with byte shuffle */
    int64_t chunk_rows;   /**< rows of a chunk: 16; what a reader decompresses at once */
    const char *version;  /**< of the software, for the attributes */
} chirp_dataset_options;

/** Starts a new data set in `path`, whatever it held. Strings are not kept. */
chirp_status chirp_dataset_create(const char *path, const chirp_generator *generator,
                                  const chirp_dataset_options *options,
                                  chirp_dataset_writer **writer);

/**
 * Opens an existing file to add rows. When the process is killed while it adds some, HDF5 may not read the file again: add to a
 * copy (chirp_file_copy) of a data set that is to last.
 * @return CHIRP_ERR_ARG when it was made with another configuration or seed than `generator`'s: the sentence names the
 *         attribute; CHIRP_ERR_FORMAT when it is damaged
 */
chirp_status chirp_dataset_append(const char *path, const chirp_generator *generator,
                                  chirp_dataset_writer **writer);

/** Rows of an existing file that chirp_dataset_append() could go on with, and the same errors. The file is only read. */
chirp_status chirp_dataset_count(const char *path, const chirp_generator *generator, int64_t *rows);

/** Rows in the file, and the index of the signal that comes next. */
int64_t chirp_dataset_written(const chirp_dataset_writer *writer, uint64_t *next_index);

/** Adds n rows and flushes them to the file. Shapes as chirp_generator_batch() makes them. */
chirp_status chirp_dataset_write(chirp_dataset_writer *writer, int64_t n, const float *strain,
                                 const float *label, const float *snr, const float *parameters);

/** Closes the file and frees the writer; the file's last failure, if any. Accepts NULL. */
chirp_status chirp_dataset_finish(chirp_dataset_writer *writer);

typedef struct chirp_dataset chirp_dataset;

/** What a file holds. */
typedef struct chirp_dataset_info {
    int64_t rows;
    chirp_signal_config
        signal; /**< the numbers that are stored (model/signal/parameters.h); other fields have their defaults */
    uint64_t seed, first_index;
    char noise[256], version[32];
} chirp_dataset_info;

/** @return CHIRP_ERR_IO, CHIRP_ERR_FORMAT (missing, truncated, foreign or wrongly shaped: names the field) */
chirp_status chirp_dataset_open(const char *path, chirp_dataset **dataset);
void chirp_dataset_close(chirp_dataset *dataset); /**< accepts NULL */
const chirp_dataset_info *chirp_dataset_describe(const chirp_dataset *dataset);

/**
 * Reads every label in use.
 * @return CHIRP_ERR_FORMAT naming the row and the label that is not finite, or not positive; a remnant's spin may be
 *         negative (against the orbit) but not zero, as errors are relative to it
 */
chirp_status chirp_dataset_check_labels(chirp_dataset *dataset);

/** Uses only rows first .. first + n - 1 from now on (training and held-out parts of one file). */
chirp_status chirp_dataset_restrict(chirp_dataset *dataset, int64_t first, int64_t n);

/** Rows first .. first + n - 1 in the file's order; shapes as chirp_generator_batch(), NULL where not wanted. */
chirp_status chirp_dataset_rows(chirp_dataset *dataset, int64_t first, int64_t n, float *strain,
                                float *label, float *snr, float *parameters);

/**
 * Positions first .. first + n - 1 of an endless shuffled stream: every row once an epoch, each epoch in another order, a
 * pure function of (seed, position): ranks take their slices of a step's positions as they take a generator's indices, and a
 * resume continues where it stopped.
 *
 * Files may be larger than memory: chunks are shuffled, then the rows of some 2048 neighbours of the shuffled order, which is
 * what stays in memory (64 MB). Positions that rise read every chunk once an epoch; any order gives the same rows.
 */
chirp_status chirp_dataset_batch(chirp_dataset *dataset, uint64_t seed, uint64_t first, int64_t n,
                                 float *strain, float *label, float *snr, float *parameters);

#endif

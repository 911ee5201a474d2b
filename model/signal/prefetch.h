/**
 * Batches made ahead of time by a thread of their own, from a generator or a data set, in a fixed order.
 *
 *     chirp_prefetch_config config = {.source = chirp_generator_source, .context = generator, .batch = 64, .row = 8192,
 *                                     .first = rank * 64, .stride = ranks * 64, .depth = 3};
 *     chirp_prefetch_create(&config, &prefetch);
 *     while (...) {
 *         chirp_prefetch_next(prefetch, &batch);   // batch.strain is valid until the next call
 *         ... train ...
 *     }
 *
 * The generator belongs to the thread while the prefetcher lives: change nothing about it (a curriculum is set before,
 * chirp_generator_set_curriculum()). Give it n_threads = 1 so that it stays out of the training threads' way: one core makes
 * some ten thousand signals a second.
 */
#ifndef CHIRP_MODEL_SIGNAL_PREFETCH_H
#define CHIRP_MODEL_SIGNAL_PREFETCH_H

#include "harness/base/status.h"
#include "model/signal/dataset.h"
#include "model/signal/generator.h"

#include <stdint.h>

/** Makes signals first .. first + n - 1; shapes as chirp_generator_batch(). */
typedef chirp_status chirp_batch_source(void *context, uint64_t first, int64_t n, float *strain,
                                        float *label, float *snr, float *parameters);

/** A chirp_batch_source with a chirp_generator as context. */
chirp_status chirp_generator_source(void *context, uint64_t first, int64_t n, float *strain,
                                    float *label, float *snr, float *parameters);

/** Context of chirp_dataset_source(): shuffled rows of a file. */
typedef struct chirp_dataset_stream {
    chirp_dataset *dataset;
    uint64_t seed;
} chirp_dataset_stream;
/** A chirp_batch_source with a chirp_dataset_stream as context. */
chirp_status chirp_dataset_source(void *context, uint64_t first, int64_t n, float *strain,
                                  float *label, float *snr, float *parameters);

typedef struct chirp_prefetch_config {
    chirp_batch_source *source;
    void *context;
    int64_t batch;          /**< signals of a batch */
    int64_t row;            /**< floats of a signal: length times detectors */
    uint64_t first, stride; /**< batch k is made of signals first + k * stride .. + batch - 1 */
    int64_t n_batches;      /**< how many there are; 0 for no end */
    int depth;              /**< batches held: 2 to 64 */
} chirp_prefetch_config;

typedef struct chirp_batch {
    uint64_t first;
    int64_t n;
    const float *strain, *label, *snr, *parameters;
} chirp_batch;

typedef struct chirp_prefetch chirp_prefetch;

/** Allocates the ring and starts the thread. */
chirp_status chirp_prefetch_create(const chirp_prefetch_config *config, chirp_prefetch **prefetch);

/**
 * The next batch, waiting for it if need be; the one before may be overwritten from now on.
 * @return the source's failure with its sentence (again at every further call); CHIRP_ERR_RANGE after the last of n_batches
 */
chirp_status chirp_prefetch_next(chirp_prefetch *prefetch, chirp_batch *batch);

/** Seconds that chirp_prefetch_next() has waited so far, and that the source has worked. */
void chirp_prefetch_times(chirp_prefetch *prefetch, double *waited_s, double *worked_s);

/** Stops and joins the thread (it finishes the batch in hand). Accepts NULL. */
void chirp_prefetch_destroy(chirp_prefetch *prefetch);

#endif

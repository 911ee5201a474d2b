/**
 * Averages gradients over ranks. The gradient is one flat array of floats cut into tensors; the backward pass
 * announces each tensor as soon as its gradient is final.
 *
 *     chirp_exchange_create(&config, tensors, n_tensors, &exchange);     // tensors in the order backward frees them
 *     each step:  chirp_exchange_begin(exchange, grad);
 *                 ... backward:  chirp_exchange_ready(exchange, t) for every tensor t ...
 *                 chirp_exchange_finish(exchange, &profile);              // grad now holds the mean over ranks
 *
 * With one rank every call is a no-op. All calls come from the thread that called chirp_parallel_init().
 */
#ifndef CHIRP_MODEL_PARALLEL_EXCHANGE_H
#define CHIRP_MODEL_PARALLEL_EXCHANGE_H

#include "harness/base/status.h"

#include <stdint.h>

typedef enum chirp_exchange_mode {
    CHIRP_EXCHANGE_OVERLAP =
        0, /**< static buckets in backward order, MPI_Iallreduce as soon as one is full */
    CHIRP_EXCHANGE_STUDY, /**< every tensor agreed on each step, fused buffer, reduced after the backward pass */
} chirp_exchange_mode;

typedef struct chirp_exchange_config {
    chirp_exchange_mode mode;
    int64_t
        bucket_bytes; /**< overlap: a bucket is closed when it holds this many; study: fusion buffer, 64 MiB */
} chirp_exchange_config;

typedef struct chirp_exchange_tensor {
    const char *name; /**< "root/conv4/weight" */
    int64_t offset;   /**< [floats] into the gradient array */
    int64_t count;    /**< [floats] */
} chirp_exchange_tensor;

/** What one step cost on this rank. */
typedef struct chirp_exchange_profile {
    double exposed_s;       /**< time in finish() and in blocking calls */
    double control_s;       /**< of which negotiation */
    double exchanged_bytes; /**< payload sent into reductions */
    int64_t calls;          /**< reductions started */
} chirp_exchange_profile;

typedef struct chirp_exchange chirp_exchange;

chirp_status chirp_exchange_create(const chirp_exchange_config *config,
                                   const chirp_exchange_tensor *tensors, int n_tensors,
                                   chirp_exchange **exchange);
void chirp_exchange_destroy(chirp_exchange *exchange); /**< accepts NULL */

chirp_status chirp_exchange_begin(chirp_exchange *exchange, float *grad);
chirp_status chirp_exchange_ready(chirp_exchange *exchange, int tensor);
/** Gives MPI a chance to progress; cheap; call between layers. */
void chirp_exchange_progress(chirp_exchange *exchange);
/** @param profile  NULL when not wanted */
chirp_status chirp_exchange_finish(chirp_exchange *exchange, chirp_exchange_profile *profile);

#endif

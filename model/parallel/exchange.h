/**
 * Averages gradients over ranks. The gradient is one flat array of floats cut into tensors; the backward pass
 * announces each tensor as soon as its gradient is final.
 *
 *     chirp_exchange_create(&config, tensors, n_tensors, &exchange);     // tensors in the order backward frees them
 *     each step:  chirp_exchange_begin(exchange, grad);
 *                 ... backward:  chirp_exchange_ready(exchange, t) for every tensor t ...
 *                 chirp_exchange_finish(exchange, &profile);              // grad now holds the mean over ranks
 *
 * What to do with a mean (an optimiser's step) can start while others still travel: chirp_exchange_on_reduced().
 * With one rank every call is a no-op. All calls come from the thread that called chirp_parallel_init().
 */
#ifndef CHIRP_MODEL_PARALLEL_EXCHANGE_H
#define CHIRP_MODEL_PARALLEL_EXCHANGE_H

#include "harness/base/status.h"

#include <stdint.h>

typedef enum chirp_exchange_mode {
    CHIRP_EXCHANGE_OVERLAP =
        0, /**< static buckets in backward order, reduced from the moment one is full */
    CHIRP_EXCHANGE_STUDY, /**< every tensor agreed on each step, fused buffer, reduced after the backward pass */
    CHIRP_EXCHANGE_HALVING, /**< one reduction after the backward pass by our own recursive halving and doubling, in
                                 which all threads add: no overlap, and no core left to communication. Any number of
                                 ranks; the sum of ranks 0 to 6 is (((0+4)+(1+5)) + ((2+6)+3)), whatever the threads,
                                 pieces and placement of ranks */
    CHIRP_EXCHANGE_MODES
} chirp_exchange_mode;
/** "overlap", ...: as options and files spell it */
extern const char *const chirp_exchange_name[CHIRP_EXCHANGE_MODES];

typedef enum chirp_exchange_compress {
    CHIRP_COMPRESS_NONE = 0,
    CHIRP_COMPRESS_BF16, /**< half the bytes; what rounding takes away is added to the next step's gradient (error
                              feedback), on the way to the sum and on the way back. Not with study and halving */
} chirp_exchange_compress;

typedef struct chirp_exchange_config {
    chirp_exchange_mode mode;
    int64_t
        bucket_bytes; /**< overlap: a bucket is closed when it holds this many bytes of floats, 0: 1 MiB;
                               study: size of the fusion buffer, 0: 64 MiB;
                               halving: a message, 0: 1 MiB. Threads add one while the next one arrives */
    chirp_exchange_compress compress;
    int n_threads; /**< halving: that add and copy, 0: omp_get_max_threads(). Need not be the same on all ranks */
} chirp_exchange_config;

typedef struct chirp_exchange_tensor {
    const char *name; /**< "root/conv4/weight" */
    int64_t offset;   /**< [floats] into the gradient array */
    int64_t count;    /**< [floats] */
} chirp_exchange_tensor;

/** What one step cost on this rank. Instants are readings of chirp_now_s(). */
typedef struct chirp_exchange_profile {
    double
        exposed_s; /**< time in finish(), less applied_s, and in the calls that start reductions */
    double applied_s;       /**< time in the callback of chirp_exchange_on_reduced() */
    double control_s;       /**< of which negotiation, waiting for the slowest rank included */
    double exchanged_bytes; /**< payload sent into reductions */
    int64_t calls;          /**< reductions started */
    double begin_s;         /**< instant of begin() */
    double finish_s;        /**< instant of finish(): this rank's gradient is complete */
    double done_s;          /**< instant at which finish() returned; all zero with one rank */
} chirp_exchange_profile;

/**
 * Halving's order: in round k a rank's partner is rank ^ 2^bit, 0 <= k < log2 of the largest power of two within `ranks`. The
 * first two rounds stay within four neighbours, who often share a router. The order of the next four rounds depends on the
 * rank's two lowest bits, so the four neighbours use four different links at a time. Two partners of such a round have equal
 * low bits, hence the same order.
 */
int chirp_halving_bit(int ranks, int rank, int round);

typedef struct chirp_exchange chirp_exchange;

chirp_status chirp_exchange_create(const chirp_exchange_config *config,
                                   const chirp_exchange_tensor *tensors, int n_tensors,
                                   chirp_exchange **exchange);
void chirp_exchange_destroy(chirp_exchange *exchange); /**< accepts NULL */

/**
 * From now on finish() calls `reduced` as soon as the mean of tensors first .. first + n - 1 lies in grad, in ascending order
 * and once for each: a bucket at a time, all at once with one rank. Others may still travel.
 */
typedef void (*chirp_exchange_reduced)(void *context, int first, int n);
void chirp_exchange_on_reduced(chirp_exchange *exchange, chirp_exchange_reduced reduced,
                               void *context);

chirp_status chirp_exchange_begin(chirp_exchange *exchange, float *grad);
chirp_status chirp_exchange_ready(chirp_exchange *exchange, int tensor);
/** Gives MPI a chance to progress; cheap; call between layers. */
void chirp_exchange_progress(chirp_exchange *exchange);
/** @param profile  NULL when not wanted */
chirp_status chirp_exchange_finish(chirp_exchange *exchange, chirp_exchange_profile *profile);

/** For a timeline: what happened in one step, on this rank's clock. */
typedef struct chirp_exchange_event {
    char name[48]; /**< a tensor, "bucket 3", "update 3", "wait" */
    char
        kind; /**< 't' tensor ready (start_s = the one before it), 'b' bucket in flight, 'u' in the callback
                   of chirp_exchange_on_reduced() with a bucket, 'w' finish() */
    double start_s, end_s;
} chirp_exchange_event;

/**
 * Events of the last finished step, in no order. A bucket's end is when this rank noticed it.
 * @return how many there are; at most `max` are written. 0 with one rank
 */
int chirp_exchange_events(const chirp_exchange *exchange, chirp_exchange_event *events, int max);

#endif

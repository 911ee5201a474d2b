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

#include <stdbool.h>
#include <stdint.h>

/** When a bucket of neighbouring tensors is closed (buckets.h). */
typedef enum chirp_bucket_rule {
    CHIRP_BUCKETS_ALL = 0, /**< never: one bucket holds everything */
    CHIRP_BUCKETS_REACH,   /**< once it holds the bytes */
    CHIRP_BUCKETS_FIT,     /**< before it would hold more than the bytes: a buffer of fixed size */
} chirp_bucket_rule;

/**
 * What is to know about an engine, a way to average. Engines are rows of the table in exchange.c, a file each; whoever offers,
 * names or models them asks here.
 */
typedef struct chirp_exchange_kind {
    const char *name;       /**< as options and files spell it */
    const char *help;       /**< half a sentence for --help */
    chirp_bucket_rule rule; /**< which tensors travel together */
    int64_t bucket_bytes;   /**< what config.bucket_bytes = 0 stands for */
    bool
        overlaps; /**< a bucket is reduced from the moment it is complete, while the backward pass goes on */
    bool
        negotiates; /**< ranks agree every step on the ready tensors, and copy them to and from a fusion buffer */
    bool
        own_messages; /**< recursive halving and doubling by messages of our own, which all threads add */
} chirp_exchange_kind;

/** Engine i of the table; the first is the default. @return NULL behind the last */
const chirp_exchange_kind *chirp_exchange_kind_at(int i);
/** The engine of this name; NULL: the default. @return NULL for an unknown name */
const chirp_exchange_kind *chirp_exchange_find(const char *name);
/** Whether the engine of this name knows CHIRP_COMPRESS_BF16. */
bool chirp_exchange_compresses(const char *name);
/** "a|b|c": all names. Static memory. */
const char *chirp_exchange_choices(void);
/** For --help: how gradients are averaged, and each name with what it does. Static memory. */
const char *chirp_exchange_help(void);

typedef enum chirp_exchange_compress {
    CHIRP_COMPRESS_NONE = 0,
    CHIRP_COMPRESS_BF16, /**< half the bytes; what rounding takes away is added to the next step's gradient (error
                              feedback), on the way to the sum and on the way back. Some engines know it */
} chirp_exchange_compress;

typedef struct chirp_exchange_config {
    const char *engine; /**< a name of the table; NULL: the default */
    int64_t
        bucket_bytes; /**< what the engine's rule compares with, in bytes of floats, or the size of a message where one
                           bucket holds everything; 0: the engine's own */
    chirp_exchange_compress compress;
    int64_t
        step_signals; /**< of all ranks in a step: what counts is chirp_exchange_signals(), and finish() sums that too,
                               a short message more; 0: all ranks count alike */
    int n_threads; /**< that add and copy where messages are our own, 0: omp_get_max_threads(). Need not be the same on all
                        ranks */
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
/**
 * Partial participation (config.step_signals): the gradients announced from now on, until the next begin(), are those of so many
 * of this rank's signals, 0 for a gradient of zeros. Gradients are sums over signals, times ranks / step_signals; what finish()
 * gives is the sum over all ranks' signals over their number, for each tensor by itself, and 0 without any.
 */
void chirp_exchange_signals(chirp_exchange *exchange, int64_t signals);
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

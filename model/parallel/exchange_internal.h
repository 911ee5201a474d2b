/** What the files behind exchange.h share: the engine table, the tensors, and the buckets they travel in. */
#ifndef CHIRP_MODEL_PARALLEL_EXCHANGE_INTERNAL_H
#define CHIRP_MODEL_PARALLEL_EXCHANGE_INTERNAL_H

#include "model/parallel/exchange.h"
#include "model/parallel/mpi_internal.h"

#include <stdbool.h>
#include <stddef.h>

/** Tensors that travel together, and their reduction. */
typedef struct chirp_bucket {
    int first, n_tensors; /**< tensors first .. first + n_tensors - 1 */
    int n_ready;
    int64_t offset, count; /**< [floats] of the gradient array, or packed without gaps */
    bool packed;        /**< copied to a staging buffer: not neighbours, or the engine wants it */
    float *values;      /**< [count] the staging, or where in the gradient array the bucket lies */
    bool started, done; /**< in this step */
    MPI_Request request;
    double start_s, end_s; /**< instants: the reduction begins; this rank noticed its end */
    double applied_s[2];   /**< instants: begin and end of the callback with its mean */
    void *own;             /**< the engine's */
} chirp_bucket;

/**
 * A way to average gradients: one file exchange_NAME.c and one row in exchange.c. Calls come with several ranks only, after
 * all checks; begin, ready and finish of a step are the same calls in the same order on all ranks.
 */
typedef struct chirp_exchange_engine {
    chirp_exchange_kind kind;
    bool
        in_place; /**< reduces tensors that lie side by side where they lie; else every bucket is packed */
    const struct chirp_exchange_engine *bf16; /**< what runs instead with CHIRP_COMPRESS_BF16 */
    /** Buckets are cut and have their staging: makes what the engine needs besides. Collective; or NULL. */
    chirp_status (*create)(chirp_exchange *x);
    /** A tensor was announced; NULL: all happens in finish. */
    chirp_status (*ready)(chirp_exchange *x);
    /** Moves what travels, without blocking; or NULL. */
    chirp_status (*progress)(chirp_exchange *x);
    /** All tensors were announced: waits until grad holds the mean, and calls chirp_bucket_reduced() for every bucket in turn. */
    chirp_status (*finish)(chirp_exchange *x);
    /** Frees what create made, also after it failed half-way; or NULL. */
    void (*destroy)(chirp_exchange *x);
} chirp_exchange_engine;

extern const chirp_exchange_engine chirp_exchange_overlap, chirp_exchange_halving,
    chirp_exchange_horovod, chirp_exchange_bf16;

struct chirp_exchange {
    const chirp_exchange_kind *kind;     /**< as asked for */
    const chirp_exchange_engine *engine; /**< what runs */
    chirp_exchange_config config;
    int size; /**< ranks; 1 makes every call a no-op */
    int rank;
    int n_tensors;
    chirp_exchange_tensor *tensors; /**< with names of our own */
    bool *ready;                    /**< [n_tensors] in this step */
    double *ready_s;                /**< [n_tensors] instants */
    int64_t own_signals;            /**< of what is announced now */
    int64_t *signals;               /**< [n_tensors] of this rank, in finish() of all ranks */
    int *bucket_of;                 /**< [n_tensors] */
    int n_buckets;
    chirp_bucket *buckets;
    int next;    /**< first bucket not started: all ranks start them in this one order */
    float *grad; /**< between begin and finish, else NULL */
    void *own;   /**< the engine's */
    chirp_exchange_reduced reduced; /**< NULL, or called with every mean */
    void *context;
    chirp_exchange_profile profile;
};

/** A reduction of the bucket has begun, in numbers of so many bytes. */
static inline void chirp_bucket_counted(chirp_exchange *x, const chirp_bucket *bucket, size_t bytes)
{
    ++x->profile.calls;
    x->profile.exchanged_bytes += (double)bucket->count * (double)bytes;
}

/** The bucket's mean lies in grad. */
void chirp_bucket_reduced(chirp_exchange *x, chirp_bucket *bucket);

/** Cuts the tensors into buckets and allocates their staging. */
chirp_status chirp_buckets_make(chirp_exchange *x);
/** Waits for what still travels. */
void chirp_buckets_settle(chirp_exchange *x);
void chirp_buckets_destroy(chirp_exchange *x);

/**
 * Calls `reduce` for every bucket that is complete and whose turn it is: MPI matches collectives by their order, and a rank that
 * announced tensors in another order must not start others. Accounts its time as exposed, and `bytes` a number.
 */
chirp_status chirp_buckets_start(chirp_exchange *x, size_t bytes,
                                 chirp_status (*reduce)(chirp_exchange *, chirp_bucket *));
/** The bucket has arrived: unpacks it where it was packed, and hands it on. */
void chirp_bucket_arrived(chirp_exchange *x, chirp_bucket *bucket);

/** Gradient array -> staging of a packed bucket. */
void chirp_bucket_pack(const chirp_exchange *x, const chirp_bucket *bucket);
/** Staging -> gradient array. */
void chirp_bucket_unpack(const chirp_exchange *x, const chirp_bucket *bucket);
/** values[i] /= size: a division, rounded once, where a product with 1/size would round twice. */
void chirp_exchange_mean(float *values, int64_t n, int size);

#endif

/** What the files behind exchange.h share: the tensors, and the buckets they travel in. */
#ifndef CHIRP_MODEL_PARALLEL_EXCHANGE_INTERNAL_H
#define CHIRP_MODEL_PARALLEL_EXCHANGE_INTERNAL_H

#include "model/parallel/exchange.h"
#include "model/parallel/mpi_internal.h"

#include <stdbool.h>
#include <stddef.h>

/** One reduction of a bucket on its way. */
typedef struct chirp_flight {
    bool started, done;
    MPI_Request request;
    float *values; /**< [count] of the bucket: the staging, or into the gradient array */
    /* bf16: ranks * chunk numbers each; `sent` holds the result after the second phase */
    uint16_t *sent, *received;
    bool gathering; /**< second phase: the means travel back */
    double start_s, end_s;
} chirp_flight;

/** Rounds, messages and scratch of recursive halving and doubling: exchange_halving.c. */
typedef struct chirp_halving chirp_halving;

/** Tensors that travel together. */
typedef struct chirp_bucket {
    int first, n_tensors; /**< tensors first .. first + n_tensors - 1 */
    int n_ready;
    int64_t offset, count; /**< [floats] of the gradient array, or packed without gaps */
    bool packed;           /**< copied to a staging buffer: not neighbours, or compressed */
    chirp_flight flight;
    chirp_halving *halving; /* else NULL */
    /* bf16 */
    int64_t chunk;       /**< [numbers] that one rank sums: ceil(count / ranks) */
    float *lost;         /**< [count] what rounding took on the way to the sum */
    float *lost_of_sum;  /**< [chunk] what rounding took from this rank's part of the mean */
    double applied_s[2]; /**< instants: begin and end of the callback with its mean */
} chirp_bucket;

struct chirp_exchange {
    chirp_exchange_config config;
    int size; /**< ranks; 1 makes every call a no-op */
    int rank;
    int n_tensors;
    chirp_exchange_tensor *tensors; /**< with names of our own */
    bool *ready;                    /**< [n_tensors] in this step */
    double *ready_s;                /**< [n_tensors] instants */
    int *bucket_of;                 /**< [n_tensors] */
    int n_buckets;
    chirp_bucket *buckets;
    int next;             /**< first bucket not started: all ranks start them in this one order */
    float *grad;          /**< between begin and finish, else NULL */
    MPI_Comm gather_comm; /**< bf16: the second phase has an order of its own */
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

/** Cuts the tensors into buckets and allocates what they need. */
chirp_status chirp_buckets_make(chirp_exchange *x);
/** Waits for what still travels and frees. */
void chirp_buckets_destroy(chirp_exchange *x);

/** Starts the reduction of every bucket that is complete and whose turn it is. */
chirp_status chirp_overlap_start(chirp_exchange *x);
/** Moves what travels, without blocking. */
chirp_status chirp_overlap_progress(chirp_exchange *x);
/** Waits; grad holds the mean. */
chirp_status chirp_overlap_finish(chirp_exchange *x);
/** The study's way: agree on the ready tensors through rank 0, fuse, reduce, copy back. */
chirp_status chirp_study_finish(chirp_exchange *x);

/** Allocates what a reduction of `count` floats needs; the bucket owns it. */
chirp_status chirp_halving_create(const chirp_exchange_config *config, int64_t count,
                                  chirp_halving **halving);
void chirp_halving_destroy(chirp_halving *halving); /**< accepts NULL */
/** Reduces every bucket, one after the other; grad holds the mean. */
chirp_status chirp_halving_finish(chirp_exchange *x);

/** Starts a compressed reduction of flight->values. */
chirp_status chirp_bf16_start(chirp_bucket *bucket, chirp_flight *flight);
/** The first phase is done: sums this rank's part and sends the mean back. */
chirp_status chirp_bf16_turn(chirp_exchange *x, chirp_bucket *bucket, chirp_flight *flight);
/** The second phase is done: values receive the mean. */
void chirp_bf16_end(const chirp_exchange *x, const chirp_bucket *bucket, chirp_flight *flight);

/** Gradient array -> staging of a packed bucket. */
void chirp_bucket_pack(const chirp_exchange *x, const chirp_bucket *bucket, const float *grad,
                       float *to);
/** Staging -> gradient array. */
void chirp_bucket_unpack(const chirp_exchange *x, const chirp_bucket *bucket, const float *from,
                         float *grad);
/** values[i] /= size: a division, rounded once, where a product with 1/size would round twice. */
void chirp_exchange_mean(float *values, int64_t n, int size);

#endif

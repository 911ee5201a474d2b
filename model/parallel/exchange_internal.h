/** What the files behind exchange.h share: the tensors, and the buckets they travel in. */
#ifndef CHIRP_MODEL_PARALLEL_EXCHANGE_INTERNAL_H
#define CHIRP_MODEL_PARALLEL_EXCHANGE_INTERNAL_H

#include "model/parallel/exchange.h"
#include "model/parallel/mpi_internal.h"

#include <stdbool.h>

/** Tensors that travel together. */
typedef struct chirp_bucket {
    int first, n_tensors; /**< tensors first .. first + n_tensors - 1 */
    int n_ready;
    int64_t offset, count; /**< [floats] of the gradient array; meaningful when !packed */
    int64_t packed_count;  /**< [floats] sum of the tensors' counts */
    bool packed;    /**< tensors aren't neighbours in the array: they are copied to `staging` */
    float *staging; /**< [packed_count], NULL unless packed */
    bool started;
    MPI_Request request;
} chirp_bucket;

struct chirp_exchange {
    chirp_exchange_config config;
    int size; /**< ranks; 1 makes every call a no-op */
    int n_tensors;
    chirp_exchange_tensor *tensors; /**< with names of our own */
    bool *ready;                    /**< [n_tensors] in this step */
    int *bucket_of;                 /**< [n_tensors] */
    int n_buckets;
    chirp_bucket *buckets;
    int next;    /**< first bucket not started: all ranks start them in this one order */
    float *grad; /**< between begin and finish, else NULL */
    chirp_exchange_profile profile;
};

/** Starts the reduction of every bucket that is complete and whose turn it is. */
chirp_status chirp_overlap_start(chirp_exchange *x);
/** Waits for all reductions; grad holds the mean. */
chirp_status chirp_overlap_finish(chirp_exchange *x);
/** The study's way: agree on the ready tensors through rank 0, fuse, reduce, copy back. */
chirp_status chirp_study_finish(chirp_exchange *x);

/** grad -> staging of a packed bucket. */
void chirp_bucket_pack(const chirp_exchange *x, chirp_bucket *bucket);
/** staging -> grad. */
void chirp_bucket_unpack(const chirp_exchange *x, const chirp_bucket *bucket);
/** values[i] /= size: a division, rounded once, where a product with 1/size would round twice. */
void chirp_exchange_mean(float *values, int64_t n, int size);

#endif

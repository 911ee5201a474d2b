/** Which tensors travel together. Pure: the exchange cuts its gradient by it, and a projection its workload. */
#ifndef CHIRP_MODEL_PARALLEL_BUCKETS_H
#define CHIRP_MODEL_PARALLEL_BUCKETS_H

#include "model/parallel/exchange.h"

/** Tensors first .. first + n - 1, which hold `count` numbers. */
typedef struct chirp_bucket_range {
    int first, n;
    int64_t count;
} chirp_bucket_range;

/**
 * Cuts tensors, in their order, into buckets of neighbours.
 * @param bytes  what the rule compares with, in bytes of floats; at least 1
 * @param range  [n] receives the buckets
 * @return how many there are: 1 to n
 * No bucket of several tensors holds more than INT_MAX / 2 numbers, as MPI counts in int.
 */
int chirp_buckets_cut(chirp_bucket_rule rule, int64_t bytes, const chirp_exchange_tensor *tensors,
                      int n, chirp_bucket_range *range);

#endif

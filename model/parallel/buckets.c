#include "model/parallel/buckets.h"

#include <limits.h>
#include <stdbool.h>

int chirp_buckets_cut(chirp_bucket_rule rule, int64_t bytes, const chirp_exchange_tensor *tensors,
                      int n, chirp_bucket_range *range)
{
    int n_ranges = 0;
    for (int t = 0; t < n; ++t) {
        const int64_t count = tensors[t].count;
        const int64_t held = n_ranges ? range[n_ranges - 1].count : 0;
        const int64_t size = (int64_t)sizeof(float);
        const bool full = rule == CHIRP_BUCKETS_REACH ? held * size >= bytes
                          : rule == CHIRP_BUCKETS_FIT ? (held + count) * size > bytes
                                                      : false;
        if (n_ranges == 0 || full || held + count > INT_MAX / 2)
            range[n_ranges++] = (chirp_bucket_range){.first = t};
        ++range[n_ranges - 1].n;
        range[n_ranges - 1].count += count;
    }
    return n_ranges;
}

/* Buckets of an exchange: where they lie, and the memory that those need which are copied. */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/buckets.h"
#include "model/parallel/exchange_internal.h"

#include <math.h>
#include <string.h>

/* Neighbouring tensors may be aligned to a cache line: up to 15 floats of padding between them travel along. */
#define PADDING_FLOATS 15

void chirp_bucket_pack(const chirp_exchange *x, const chirp_bucket *bucket)
{
    float *to = bucket->values;
    for (int t = bucket->first; t < bucket->first + bucket->n_tensors; ++t) {
        memcpy(to, x->grad + x->tensors[t].offset, (size_t)x->tensors[t].count * sizeof *to);
        to += x->tensors[t].count;
    }
}

void chirp_bucket_unpack(const chirp_exchange *x, const chirp_bucket *bucket)
{
    const float *from = bucket->values;
    for (int t = bucket->first; t < bucket->first + bucket->n_tensors; ++t) {
        memcpy(x->grad + x->tensors[t].offset, from, (size_t)x->tensors[t].count * sizeof *from);
        from += x->tensors[t].count;
    }
}

void chirp_exchange_mean(float *values, int64_t n, int size)
{
    const float ranks = (float)size;
    for (int64_t i = 0; i < n; ++i)
        values[i] /= ranks;
}

chirp_status chirp_buckets_start(chirp_exchange *x, size_t bytes,
                                 chirp_status (*reduce)(chirp_exchange *, chirp_bucket *))
{
    chirp_status st = CHIRP_OK;
    while (st == CHIRP_OK && x->next < x->n_buckets &&
           x->buckets[x->next].n_ready == x->buckets[x->next].n_tensors) {
        chirp_bucket *b = &x->buckets[x->next++];
        b->start_s = chirp_now_s();
        b->end_s = -INFINITY;
        if (b->packed)
            chirp_bucket_pack(x, b);
        st = reduce(x, b);
        b->started = st == CHIRP_OK;
        chirp_bucket_counted(x, b, bytes);
        x->profile.exposed_s += chirp_now_s() - b->start_s;
    }
    return st;
}

void chirp_bucket_arrived(chirp_exchange *x, chirp_bucket *bucket)
{
    if (bucket->packed)
        chirp_bucket_unpack(x, bucket);
    chirp_bucket_reduced(x, bucket);
}

static chirp_status cut(chirp_exchange *x)
{
    chirp_bucket_range *range = chirp_calloc((size_t)x->n_tensors, sizeof *range);
    if (!range)
        return CHIRP_ERR_NOMEM;
    x->n_buckets =
        chirp_buckets_cut(x->kind->rule, x->config.bucket_bytes, x->tensors, x->n_tensors, range);
    for (int i = 0; i < x->n_buckets; ++i) {
        x->buckets[i] = (chirp_bucket){.first = range[i].first,
                                       .n_tensors = range[i].n,
                                       .count = range[i].count,
                                       .request = MPI_REQUEST_NULL};
        for (int t = 0; t < range[i].n; ++t)
            x->bucket_of[range[i].first + t] = i;
    }
    chirp_free(range);
    return CHIRP_OK;
}

/* Whether the bucket's tensors lie side by side, so that they can be reduced in place; then offset and count span them. */
static bool in_place(const chirp_exchange *x, int number, chirp_bucket *b)
{
    int64_t low = INT64_MAX;
    int64_t high = 0;
    for (int t = b->first; t < b->first + b->n_tensors; ++t) {
        const int64_t end = x->tensors[t].offset + x->tensors[t].count;
        low = x->tensors[t].offset < low ? x->tensors[t].offset : low;
        high = end > high ? end : high;
    }
    if (high - low > b->count + PADDING_FLOATS * (int64_t)(b->n_tensors - 1))
        return false;
    /* a gap may hold another bucket's tensor: two reductions must not share memory */
    for (int t = 0; t < x->n_tensors; ++t)
        if (x->bucket_of[t] != number && x->tensors[t].offset < high &&
            x->tensors[t].offset + x->tensors[t].count > low)
            return false;
    b->offset = low;
    b->count = high - low;
    return true;
}

chirp_status chirp_buckets_make(chirp_exchange *x)
{
    chirp_status st = cut(x);
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        chirp_bucket *b = &x->buckets[i];
        b->packed = !x->engine->in_place || !in_place(x, i, b);
        if (b->packed)
            b->values = chirp_calloc((size_t)b->count, sizeof *b->values);
        if (b->packed && !b->values)
            st = CHIRP_ERR_NOMEM;
    }
    return st;
}

void chirp_buckets_settle(chirp_exchange *x)
{
    for (int i = 0; i < x->n_buckets; ++i)
        if (x->buckets[i].request != MPI_REQUEST_NULL)
            (void)MPI_Wait(&x->buckets[i].request, MPI_STATUS_IGNORE);
}

void chirp_buckets_destroy(chirp_exchange *x)
{
    for (int i = 0; i < x->n_buckets; ++i)
        if (x->buckets[i].packed)
            chirp_free(x->buckets[i].values);
}

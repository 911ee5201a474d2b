/* Buckets: which tensors travel together, and the memory they need on the way. */
#include "harness/base/memory.h"
#include "model/parallel/exchange_internal.h"

#include <limits.h>
#include <string.h>

/* Neighbouring tensors may be aligned to a cache line: up to 15 floats of padding between them travel along. */
#define PADDING_FLOATS 15

void chirp_bucket_pack(const chirp_exchange *x, const chirp_bucket *bucket, const float *grad,
                       float *to)
{
    for (int t = bucket->first; t < bucket->first + bucket->n_tensors; ++t) {
        memcpy(to, grad + x->tensors[t].offset, (size_t)x->tensors[t].count * sizeof *to);
        to += x->tensors[t].count;
    }
}

void chirp_bucket_unpack(const chirp_exchange *x, const chirp_bucket *bucket, const float *from,
                         float *grad)
{
    for (int t = bucket->first; t < bucket->first + bucket->n_tensors; ++t) {
        memcpy(grad + x->tensors[t].offset, from, (size_t)x->tensors[t].count * sizeof *from);
        from += x->tensors[t].count;
    }
}

void chirp_exchange_mean(float *values, int64_t n, int size)
{
    const float ranks = (float)size;
    for (int64_t i = 0; i < n; ++i)
        values[i] /= ranks;
}

/* Closed when `bucket_bytes` are reached (overlap) or would be exceeded (study: a buffer of fixed size); halving reduces
   all at once. */
static void cut(chirp_exchange *x)
{
    const bool study = x->config.mode == CHIRP_EXCHANGE_STUDY;
    int64_t held = 0;
    x->n_buckets = 0;
    for (int t = 0; t < x->n_tensors; ++t) {
        const int64_t bytes = x->tensors[t].count * (int64_t)sizeof(float);
        chirp_bucket *b = x->n_buckets ? &x->buckets[x->n_buckets - 1] : NULL;
        const bool full =
            study ? held + bytes > x->config.bucket_bytes : held >= x->config.bucket_bytes;
        if (!b || (full && x->config.mode != CHIRP_EXCHANGE_HALVING) ||
            b->count + x->tensors[t].count > INT_MAX / 2) {
            b = &x->buckets[x->n_buckets++];
            *b = (chirp_bucket){.first = t};
            b->flight.request = MPI_REQUEST_NULL;
            held = 0;
        }
        held += bytes;
        ++b->n_tensors;
        b->count += x->tensors[t].count;
        x->bucket_of[t] = x->n_buckets - 1;
    }
}

/* Whether the bucket's tensors lie side by side, so that they can be reduced in place; then offset and count span them. */
static bool in_place(const chirp_exchange *x, int number, chirp_bucket *b)
{
    int64_t low = INT64_MAX;
    int64_t high = 0;
    if ((x->config.mode != CHIRP_EXCHANGE_OVERLAP && x->config.mode != CHIRP_EXCHANGE_HALVING) ||
        x->config.compress != CHIRP_COMPRESS_NONE)
        return false;
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

static chirp_status allocate(const chirp_exchange *x, chirp_bucket *b)
{
    const size_t count = (size_t)b->count;
    b->chunk = (b->count + x->size - 1) / x->size;
    const size_t wire = (size_t)b->chunk * (size_t)x->size;
    b->flight.values = chirp_calloc(count, sizeof(float));
    if (!b->flight.values)
        return CHIRP_ERR_NOMEM;
    if (x->config.compress != CHIRP_COMPRESS_BF16)
        return CHIRP_OK;
    b->flight.sent = chirp_calloc(wire, sizeof(uint16_t));
    b->flight.received = chirp_calloc(wire, sizeof(uint16_t));
    b->lost = chirp_calloc(count, sizeof(float));
    b->lost_of_sum = chirp_calloc((size_t)b->chunk, sizeof(float));
    return b->flight.sent && b->flight.received && b->lost && b->lost_of_sum ? CHIRP_OK
                                                                             : CHIRP_ERR_NOMEM;
}

chirp_status chirp_buckets_make(chirp_exchange *x)
{
    cut(x);
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        x->buckets[i].packed = !in_place(x, i, &x->buckets[i]);
        if (x->buckets[i].packed)
            st = allocate(x, &x->buckets[i]);
        if (st == CHIRP_OK && x->config.mode == CHIRP_EXCHANGE_HALVING)
            st = chirp_halving_create(&x->config, x->buckets[i].count, &x->buckets[i].halving);
    }
    return st;
}

void chirp_buckets_destroy(chirp_exchange *x)
{
    for (int i = 0; x->buckets && i < x->n_buckets; ++i) {
        chirp_bucket *b = &x->buckets[i];
        chirp_halving_destroy(b->halving);
        /* a step that failed half-way still writes into memory that we free */
        if (b->flight.request != MPI_REQUEST_NULL)
            (void)MPI_Wait(&b->flight.request, MPI_STATUS_IGNORE);
        if (b->packed)
            chirp_free(b->flight.values);
        chirp_free(b->flight.sent);
        chirp_free(b->flight.received);
        chirp_free(b->lost);
        chirp_free(b->lost_of_sum);
    }
    if (x->gather_comm != MPI_COMM_NULL)
        (void)MPI_Comm_free(&x->gather_comm);
}

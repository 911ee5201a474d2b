/* Gradient exchange: checks, buckets, and the dispatch between the two modes. */
#include "model/parallel/exchange.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/exchange_internal.h"
#include "model/parallel/parallel.h"

#include <limits.h>
#include <string.h>

/* Neighbouring tensors may be aligned to a cache line: up to 15 floats of padding between them travel along. */
#define PADDING_FLOATS 15
#define DEFAULT_BUCKET_BYTES ((int64_t)1 << 20)
#define DEFAULT_FUSION_BYTES ((int64_t)64 << 20)

void chirp_bucket_pack(const chirp_exchange *x, chirp_bucket *bucket)
{
    float *to = bucket->staging;
    for (int t = bucket->first; t < bucket->first + bucket->n_tensors; ++t) {
        memcpy(to, x->grad + x->tensors[t].offset, (size_t)x->tensors[t].count * sizeof *to);
        to += x->tensors[t].count;
    }
}

void chirp_bucket_unpack(const chirp_exchange *x, const chirp_bucket *bucket)
{
    const float *from = bucket->staging;
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

static chirp_status check_tensors(const chirp_exchange_tensor *tensors, int n)
{
    for (int t = 0; t < n; ++t) {
        if (!tensors[t].name || tensors[t].offset < 0 || tensors[t].count < 1 ||
            tensors[t].count > INT_MAX)
            return chirp_fail(
                CHIRP_ERR_ARG,
                "exchange: tensor %d (%s) at offset %lld has %lld values; 1 to %d are possible", t,
                tensors[t].name ? tensors[t].name : "without name", (long long)tensors[t].offset,
                (long long)tensors[t].count, INT_MAX);
        for (int u = 0; u < t; ++u)
            if (tensors[t].offset < tensors[u].offset + tensors[u].count &&
                tensors[u].offset < tensors[t].offset + tensors[t].count)
                return chirp_fail(CHIRP_ERR_ARG, "exchange: tensors %s and %s overlap",
                                  tensors[u].name, tensors[t].name);
    }
    return CHIRP_OK;
}

/* Ranks that disagree about the tensors would add apples to pears, or hang. */
static chirp_status check_same_everywhere(const chirp_exchange *x)
{
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */
    const int64_t head[3] = {(int64_t)x->config.mode, x->config.bucket_bytes, x->n_tensors};
    for (int t = -1; t < x->n_tensors; ++t) {
        const int64_t pair[2] = {t < 0 ? 0 : x->tensors[t].offset, t < 0 ? 0 : x->tensors[t].count};
        const void *parts[2] = {t < 0 ? (const void *)head : (const void *)pair,
                                t < 0 ? "" : x->tensors[t].name};
        const size_t lengths[2] = {t < 0 ? sizeof head : sizeof pair, strlen(parts[1])};
        for (int p = 0; p < 2; ++p)
            for (size_t i = 0; i < lengths[p]; ++i)
                hash = (hash ^ ((const unsigned char *)parts[p])[i]) * 1099511628211ULL;
    }
    uint64_t root = hash;
    chirp_status st = chirp_parallel_broadcast(&root, (int64_t)sizeof root, 0);
    if (st == CHIRP_OK && root != hash)
        st = chirp_fail(CHIRP_ERR_ARG,
                        "exchange: mode, bucket size or tensors differ from those of rank 0; start "
                        "all ranks with the same options");
    return chirp_parallel_agree(st);
}

/* Cuts the list into buckets: closed when `limit` bytes are reached (overlap) or would be exceeded (study). */
static chirp_status make_buckets(chirp_exchange *x)
{
    const bool study = x->config.mode == CHIRP_EXCHANGE_STUDY;
    x->n_buckets = 0;
    int64_t held = 0;
    for (int t = 0; t < x->n_tensors; ++t) {
        const int64_t bytes = x->tensors[t].count * (int64_t)sizeof(float);
        chirp_bucket *b = x->n_buckets ? &x->buckets[x->n_buckets - 1] : NULL;
        const bool full =
            study ? held + bytes > x->config.bucket_bytes : held >= x->config.bucket_bytes;
        if (!b || full || b->packed_count + x->tensors[t].count > INT_MAX / 2) {
            b = &x->buckets[x->n_buckets++];
            *b = (chirp_bucket){.first = t, .request = MPI_REQUEST_NULL};
            held = 0;
        }
        held += bytes;
        ++b->n_tensors;
        b->packed_count += x->tensors[t].count;
        x->bucket_of[t] = x->n_buckets - 1;
    }
    for (int i = 0; i < x->n_buckets; ++i) {
        chirp_bucket *b = &x->buckets[i];
        int64_t low = INT64_MAX;
        int64_t high = 0;
        for (int t = b->first; t < b->first + b->n_tensors; ++t) {
            low = x->tensors[t].offset < low ? x->tensors[t].offset : low;
            const int64_t end = x->tensors[t].offset + x->tensors[t].count;
            high = end > high ? end : high;
        }
        b->offset = low;
        b->count = high - low;
        const int64_t slack = PADDING_FLOATS * (int64_t)(b->n_tensors - 1);
        /* the study's framework always copies to its fusion buffer; so does its mode here */
        b->packed = study || b->count > b->packed_count + slack;
        if (!b->packed && b->count > b->packed_count)
            /* a hole may hold another bucket's tensor: two reductions must not share memory */
            for (int t = 0; t < x->n_tensors; ++t)
                if (x->bucket_of[t] != i && x->tensors[t].offset < high &&
                    x->tensors[t].offset + x->tensors[t].count > low)
                    b->packed = true;
        if (b->packed) {
            b->staging = chirp_alloc((size_t)b->packed_count * sizeof *b->staging);
            if (!b->staging)
                return CHIRP_ERR_NOMEM;
        }
    }
    return CHIRP_OK;
}

static chirp_status allocate(chirp_exchange *x, const chirp_exchange_tensor *tensors)
{
    const size_t n = (size_t)x->n_tensors;
    x->tensors = chirp_calloc(n, sizeof *x->tensors);
    x->ready = chirp_calloc(n, sizeof *x->ready);
    x->bucket_of = chirp_calloc(n, sizeof *x->bucket_of);
    x->buckets = chirp_calloc(n, sizeof *x->buckets);
    if (!x->tensors || !x->ready || !x->bucket_of || !x->buckets)
        return CHIRP_ERR_NOMEM;
    for (size_t t = 0; t < n; ++t) {
        x->tensors[t] = tensors[t];
        x->tensors[t].name = chirp_strdup(tensors[t].name);
        if (!x->tensors[t].name)
            return CHIRP_ERR_NOMEM;
    }
    return x->size > 1 ? make_buckets(x) : CHIRP_OK;
}

chirp_status chirp_exchange_create(const chirp_exchange_config *config,
                                   const chirp_exchange_tensor *tensors, int n_tensors,
                                   chirp_exchange **exchange)
{
    if (!config || !tensors || n_tensors < 1 || !exchange)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: no configuration or no tensors");
    if (config->mode != CHIRP_EXCHANGE_OVERLAP && config->mode != CHIRP_EXCHANGE_STUDY)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: mode %d is neither overlap nor study",
                          (int)config->mode);
    if (config->bucket_bytes < 0)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: bucket of %lld bytes",
                          (long long)config->bucket_bytes);
    chirp_status st = check_tensors(tensors, n_tensors);
    if (st != CHIRP_OK)
        return st;
    chirp_exchange *x = chirp_calloc(1, sizeof *x);
    if (!x)
        return CHIRP_ERR_NOMEM;
    x->config = *config;
    if (x->config.bucket_bytes == 0)
        x->config.bucket_bytes =
            config->mode == CHIRP_EXCHANGE_STUDY ? DEFAULT_FUSION_BYTES : DEFAULT_BUCKET_BYTES;
    x->size = chirp_parallel_size();
    x->n_tensors = n_tensors;
    st = allocate(x, tensors);
    if (x->size > 1) {
        st = chirp_parallel_agree(st);
        if (st == CHIRP_OK)
            st = check_same_everywhere(x);
    }
    if (st != CHIRP_OK) {
        chirp_exchange_destroy(x);
        return st;
    }
    *exchange = x;
    return CHIRP_OK;
}

void chirp_exchange_destroy(chirp_exchange *x)
{
    if (!x)
        return;
    for (int i = 0; i < x->n_buckets; ++i) {
        /* a step that failed half-way leaves requests that still write into memory we free */
        if (x->buckets[i].started)
            (void)MPI_Wait(&x->buckets[i].request, MPI_STATUS_IGNORE);
        chirp_free(x->buckets[i].staging);
    }
    for (int t = 0; x->tensors && t < x->n_tensors; ++t)
        chirp_free((void *)(uintptr_t)x->tensors[t].name);
    chirp_free(x->tensors);
    chirp_free(x->ready);
    chirp_free(x->bucket_of);
    chirp_free(x->buckets);
    chirp_free(x);
}

chirp_status chirp_exchange_begin(chirp_exchange *x, float *grad)
{
    if (!x || !grad)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: begin without an exchange or a gradient");
    if (x->grad)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: begin before the last step was finished");
    x->grad = grad;
    x->next = 0;
    x->profile = (chirp_exchange_profile){0};
    memset(x->ready, 0, (size_t)x->n_tensors * sizeof *x->ready);
    for (int i = 0; i < x->n_buckets; ++i) {
        x->buckets[i].n_ready = 0;
        x->buckets[i].started = false;
    }
    return CHIRP_OK;
}

chirp_status chirp_exchange_ready(chirp_exchange *x, int tensor)
{
    if (!x || !x->grad)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: ready outside begin and finish");
    if (tensor < 0 || tensor >= x->n_tensors)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: tensor %d of %d", tensor, x->n_tensors);
    if (x->ready[tensor])
        return chirp_fail(CHIRP_ERR_ARG, "exchange: %s was announced twice in one step",
                          x->tensors[tensor].name);
    x->ready[tensor] = true;
    if (x->size == 1)
        return CHIRP_OK;
    ++x->buckets[x->bucket_of[tensor]].n_ready;
    return x->config.mode == CHIRP_EXCHANGE_OVERLAP ? chirp_overlap_start(x) : CHIRP_OK;
}

void chirp_exchange_progress(chirp_exchange *x)
{
    if (!x || x->size == 1 || x->config.mode != CHIRP_EXCHANGE_OVERLAP)
        return;
    /* MPICH moves messages inside calls only; one test moves all requests. Errors come up again in finish. */
    for (int i = x->next - 1; i >= 0; --i)
        if (x->buckets[i].started && x->buckets[i].request != MPI_REQUEST_NULL) {
            int done = 0;
            (void)MPI_Request_get_status(x->buckets[i].request, &done, MPI_STATUS_IGNORE);
            return;
        }
}

chirp_status chirp_exchange_finish(chirp_exchange *x, chirp_exchange_profile *profile)
{
    if (!x || !x->grad)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: finish without begin");
    chirp_status st = CHIRP_OK;
    for (int t = 0; t < x->n_tensors && st == CHIRP_OK; ++t)
        if (!x->ready[t])
            st = chirp_fail(CHIRP_ERR_ARG, "exchange: the gradient of %s was never announced",
                            x->tensors[t].name);
    if (st == CHIRP_OK && x->size > 1) {
        const double start = chirp_now_s();
        st = x->config.mode == CHIRP_EXCHANGE_STUDY ? chirp_study_finish(x)
                                                    : chirp_overlap_finish(x);
        x->profile.exposed_s += chirp_now_s() - start;
    }
    if (profile)
        *profile = x->profile;
    x->grad = NULL;
    return st;
}

/* Gradient exchange: checks, buckets, and the dispatch between modes. */
#include "model/parallel/exchange.h"

#include "harness/base/clock.h"
#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "model/parallel/exchange_internal.h"
#include "model/parallel/parallel.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

const char *const chirp_exchange_name[CHIRP_EXCHANGE_MODES] = {"overlap", "study", "halving"};

#define DEFAULT_BUCKET_BYTES ((int64_t)1 << 20)
#define DEFAULT_FUSION_BYTES ((int64_t)64 << 20)

/* Modes that reduce in finish(), when nothing is left to compute. */
static bool after_backward(chirp_exchange_mode mode)
{
    return mode == CHIRP_EXCHANGE_STUDY || mode == CHIRP_EXCHANGE_HALVING;
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
    uint64_t hash = CHIRP_FNV_START;
    const int64_t head[4] = {(int64_t)x->config.mode, x->config.bucket_bytes, x->n_tensors,
                             (int64_t)x->config.compress};
    for (int t = -1; t < x->n_tensors; ++t) {
        const int64_t pair[2] = {t < 0 ? 0 : x->tensors[t].offset, t < 0 ? 0 : x->tensors[t].count};
        const void *parts[2] = {t < 0 ? (const void *)head : (const void *)pair,
                                t < 0 ? "" : x->tensors[t].name};
        const size_t lengths[2] = {t < 0 ? sizeof head : sizeof pair, strlen(parts[1])};
        for (int p = 0; p < 2; ++p)
            hash = chirp_fnv(hash, parts[p], lengths[p]);
    }
    uint64_t root = hash;
    chirp_status st = chirp_parallel_broadcast(&root, (int64_t)sizeof root, 0);
    if (st == CHIRP_OK && root != hash)
        st = chirp_fail(CHIRP_ERR_ARG,
                        "exchange: mode, bucket size or tensors differ from those of rank 0; start "
                        "all ranks with the same options");
    return chirp_parallel_agree(st);
}

static chirp_status allocate(chirp_exchange *x, const chirp_exchange_tensor *tensors)
{
    const size_t n = (size_t)x->n_tensors;
    x->tensors = chirp_calloc(n, sizeof *x->tensors);
    x->ready = chirp_calloc(n, sizeof *x->ready);
    x->ready_s = chirp_calloc(n, sizeof *x->ready_s);
    x->bucket_of = chirp_calloc(n, sizeof *x->bucket_of);
    x->buckets = chirp_calloc(n, sizeof *x->buckets);
    if (!x->tensors || !x->ready || !x->ready_s || !x->bucket_of || !x->buckets)
        return CHIRP_ERR_NOMEM;
    for (size_t t = 0; t < n; ++t) {
        x->tensors[t] = tensors[t];
        x->tensors[t].name = chirp_strdup(tensors[t].name);
        if (!x->tensors[t].name)
            return CHIRP_ERR_NOMEM;
    }
    return x->size > 1 ? chirp_buckets_make(x) : CHIRP_OK;
}

chirp_status chirp_exchange_create(const chirp_exchange_config *config,
                                   const chirp_exchange_tensor *tensors, int n_tensors,
                                   chirp_exchange **exchange)
{
    if (!config || !tensors || n_tensors < 1 || !exchange)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: no configuration or no tensors");
    if ((int)config->mode < 0 || config->mode >= CHIRP_EXCHANGE_MODES)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: mode %d is none of overlap, study and halving",
                          (int)config->mode);
    if (config->compress != CHIRP_COMPRESS_NONE && config->compress != CHIRP_COMPRESS_BF16)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: compression %d is neither none nor bf16",
                          (int)config->compress);
    if (after_backward(config->mode) && config->compress != CHIRP_COMPRESS_NONE)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: %s sends floats; compress with overlap",
                          chirp_exchange_name[config->mode]);
    if (config->n_threads < 0)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: %d threads", config->n_threads);
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
    x->rank = chirp_parallel_rank();
    x->gather_comm = MPI_COMM_NULL;
    x->n_tensors = n_tensors;
    st = allocate(x, tensors);
    if (x->size > 1) {
        st = chirp_parallel_agree(st);
        if (st == CHIRP_OK)
            st = check_same_everywhere(x);
        if (st == CHIRP_OK && config->compress == CHIRP_COMPRESS_BF16)
            st = chirp_mpi_check(MPI_Comm_dup(chirp_mpi_comm(), &x->gather_comm), "MPI_Comm_dup");
        if (x->gather_comm != MPI_COMM_NULL)
            (void)MPI_Comm_set_errhandler(x->gather_comm, MPI_ERRORS_RETURN);
    }
    if (st != CHIRP_OK) {
        chirp_exchange_destroy(x);
        return st;
    }
    *exchange = x;
    return CHIRP_OK;
}

void chirp_exchange_on_reduced(chirp_exchange *x, chirp_exchange_reduced reduced, void *context)
{
    x->reduced = reduced;
    x->context = context;
}

void chirp_bucket_reduced(chirp_exchange *x, chirp_bucket *b)
{
    if (!x->reduced)
        return;
    b->applied_s[0] = chirp_now_s();
    x->reduced(x->context, b->first, b->n_tensors);
    b->applied_s[1] = chirp_now_s();
    x->profile.applied_s += b->applied_s[1] - b->applied_s[0];
}

void chirp_exchange_destroy(chirp_exchange *x)
{
    if (!x)
        return;
    chirp_buckets_destroy(x);
    for (int t = 0; x->tensors && t < x->n_tensors; ++t)
        chirp_free((void *)(uintptr_t)x->tensors[t].name);
    chirp_free(x->tensors);
    chirp_free(x->ready);
    chirp_free(x->ready_s);
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
    if (x->size == 1)
        return CHIRP_OK;
    x->profile.begin_s = chirp_now_s();
    for (int i = 0; i < x->n_buckets; ++i) {
        x->buckets[i].n_ready = 0;
        x->buckets[i].flight.started = false;
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
    x->ready_s[tensor] = chirp_now_s();
    ++x->buckets[x->bucket_of[tensor]].n_ready;
    if (after_backward(x->config.mode))
        return CHIRP_OK;
    const chirp_status st = chirp_overlap_start(x);
    return st == CHIRP_OK ? chirp_overlap_progress(x) : st;
}

void chirp_exchange_progress(chirp_exchange *x)
{
    if (!x || !x->grad || x->size == 1 || after_backward(x->config.mode))
        return;
    /* MPICH moves messages inside calls only. An error comes up again in finish(). */
    (void)chirp_overlap_progress(x);
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
        x->profile.finish_s = chirp_now_s();
        st = x->config.mode == CHIRP_EXCHANGE_STUDY     ? chirp_study_finish(x)
             : x->config.mode == CHIRP_EXCHANGE_HALVING ? chirp_halving_finish(x)
                                                        : chirp_overlap_finish(x);
        x->profile.done_s = chirp_now_s();
        x->profile.exposed_s += x->profile.done_s - x->profile.finish_s - x->profile.applied_s;
    } else if (st == CHIRP_OK && x->reduced) {
        const double start = chirp_now_s();
        x->reduced(x->context, 0, x->n_tensors);
        x->profile.applied_s = chirp_now_s() - start;
    }
    if (profile)
        *profile = x->profile;
    x->grad = NULL;
    return st;
}

static void add_event(chirp_exchange_event *events, int max, int *n, const char *name, char kind,
                      double start_s, double end_s)
{
    if (*n < max) {
        chirp_exchange_event *e = &events[*n];
        *e = (chirp_exchange_event){.kind = kind, .start_s = start_s, .end_s = end_s};
        (void)snprintf(e->name, sizeof e->name, "%s", name);
    }
    ++*n;
}

int chirp_exchange_events(const chirp_exchange *x, chirp_exchange_event *events, int max)
{
    int n = 0;
    if (!x || x->size == 1)
        return 0;
    for (int t = 0; t < x->n_tensors; ++t) {
        double before =
            x->profile.begin_s; /* the latest instant of another tensor ahead of this one */
        for (int u = 0; u < x->n_tensors; ++u)
            if (x->ready_s[u] < x->ready_s[t] && x->ready_s[u] > before)
                before = x->ready_s[u];
        add_event(events, max, &n, x->tensors[t].name, 't', before, x->ready_s[t]);
    }
    for (int i = 0; i < x->n_buckets; ++i) {
        char name[24];
        const chirp_flight *f = &x->buckets[i].flight;
        (void)snprintf(name, sizeof name, "bucket %d", i);
        if (f->end_s >= f->start_s)
            add_event(events, max, &n, name, 'b', f->start_s, f->end_s);
        (void)snprintf(name, sizeof name, "update %d", i);
        if (x->reduced)
            add_event(events, max, &n, name, 'u', x->buckets[i].applied_s[0],
                      x->buckets[i].applied_s[1]);
    }
    add_event(events, max, &n, "wait", 'w', x->profile.finish_s, x->profile.done_s);
    return n;
}

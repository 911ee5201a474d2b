/* Gradient exchange: the table of engines, and what all of them share: checks, announcements, events. */
#include "model/parallel/exchange.h"

#include "harness/base/clock.h"
#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "model/parallel/exchange_internal.h"
#include "model/parallel/parallel.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The engines; the first is the default. Whoever names, offers or models them asks this table. */
static const chirp_exchange_engine *const engines[] = {
    &chirp_exchange_overlap,
    &chirp_exchange_halving,
    &chirp_exchange_horovod,
};

enum { N_ENGINES = sizeof engines / sizeof engines[0] };

const chirp_exchange_kind *chirp_exchange_kind_at(int i)
{
    return i >= 0 && i < N_ENGINES ? &engines[i]->kind : NULL;
}

static const chirp_exchange_engine *find(const char *name)
{
    for (int i = 0; i < N_ENGINES; ++i)
        if (!name || strcmp(engines[i]->kind.name, name) == 0)
            return engines[i];
    return NULL;
}

const chirp_exchange_kind *chirp_exchange_find(const char *name)
{
    const chirp_exchange_engine *engine = find(name);
    return engine ? &engine->kind : NULL;
}

bool chirp_exchange_compresses(const char *name)
{
    const chirp_exchange_engine *engine = find(name);
    return engine && engine->bf16;
}

/* All engines' texts behind each other, each behind its separator. */
static const char *join(char *text, size_t size, const char *start, const char *separator,
                        bool help)
{
    size_t used = (size_t)snprintf(text, size, "%s", start);
    for (int i = 0; i < N_ENGINES && used < size; ++i) {
        const chirp_exchange_kind *k = &engines[i]->kind;
        used += (size_t)snprintf(text + used, size - used, "%s%s%s%s", i ? separator : "", k->name,
                                 help ? ": " : "", help ? k->help : "");
    }
    return text;
}

const char *chirp_exchange_choices(void)
{
    static char text[256];
    return join(text, sizeof text, "", "|", false);
}

const char *chirp_exchange_help(void)
{
    static char text[1024];
    return join(text, sizeof text, "how gradients are averaged; ", "; ", true);
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
    const int64_t head[4] = {x->config.bucket_bytes, x->n_tensors, (int64_t)x->config.compress,
                             x->config.step_signals};
    for (int t = -1; t < x->n_tensors; ++t) {
        const int64_t pair[2] = {t < 0 ? 0 : x->tensors[t].offset, t < 0 ? 0 : x->tensors[t].count};
        const void *parts[2] = {t < 0 ? (const void *)head : (const void *)pair,
                                t < 0 ? x->config.engine : x->tensors[t].name};
        const size_t lengths[2] = {t < 0 ? sizeof head : sizeof pair, strlen(parts[1])};
        for (int p = 0; p < 2; ++p)
            hash = chirp_fnv(hash, parts[p], lengths[p]);
    }
    uint64_t root = hash;
    chirp_status st = chirp_parallel_broadcast(&root, (int64_t)sizeof root, 0);
    if (st == CHIRP_OK && root != hash)
        st = chirp_fail(
            CHIRP_ERR_ARG,
            "exchange: engine, bucket size or tensors differ from those of rank 0; start "
            "all ranks with the same options");
    return chirp_parallel_agree(st);
}

static chirp_status allocate(chirp_exchange *x, const chirp_exchange_tensor *tensors)
{
    const size_t n = (size_t)x->n_tensors;
    x->tensors = chirp_calloc(n, sizeof *x->tensors);
    x->ready = chirp_calloc(n, sizeof *x->ready);
    x->ready_s = chirp_calloc(n, sizeof *x->ready_s);
    x->signals = chirp_calloc(n, sizeof *x->signals);
    x->bucket_of = chirp_calloc(n, sizeof *x->bucket_of);
    x->buckets = chirp_calloc(n, sizeof *x->buckets);
    if (!x->tensors || !x->ready || !x->ready_s || !x->signals || !x->bucket_of || !x->buckets)
        return CHIRP_ERR_NOMEM;
    for (size_t t = 0; t < n; ++t) {
        x->tensors[t] = tensors[t];
        x->tensors[t].name = chirp_strdup(tensors[t].name);
        if (!x->tensors[t].name)
            return CHIRP_ERR_NOMEM;
    }
    return x->size > 1 ? chirp_buckets_make(x) : CHIRP_OK;
}

static chirp_status check_config(const chirp_exchange_config *config)
{
    const chirp_exchange_kind *kind = chirp_exchange_find(config->engine);
    if (!kind)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: '%s' is none of %s", config->engine,
                          chirp_exchange_choices());
    if (config->compress != CHIRP_COMPRESS_NONE && config->compress != CHIRP_COMPRESS_BF16)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: compression %d is neither none nor bf16",
                          (int)config->compress);
    if (config->compress != CHIRP_COMPRESS_NONE && !chirp_exchange_compresses(kind->name))
        return chirp_fail(
            CHIRP_ERR_ARG,
            "exchange: %s sends floats; drop the compression or take another exchange", kind->name);
    if (config->n_threads < 0)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: %d threads", config->n_threads);
    if (config->step_signals < 0)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: steps of %lld signals",
                          (long long)config->step_signals);
    if (config->bucket_bytes < 0)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: bucket of %lld bytes",
                          (long long)config->bucket_bytes);
    return CHIRP_OK;
}

/* What takes other ranks. */
static chirp_status prepare(chirp_exchange *x, chirp_status allocated)
{
    chirp_status st = chirp_parallel_agree(allocated);
    if (st == CHIRP_OK)
        st = check_same_everywhere(x);
    if (st == CHIRP_OK && x->engine->create)
        st = chirp_parallel_agree(x->engine->create(x));
    return st;
}

chirp_status chirp_exchange_create(const chirp_exchange_config *config,
                                   const chirp_exchange_tensor *tensors, int n_tensors,
                                   chirp_exchange **exchange)
{
    if (!config || !tensors || n_tensors < 1 || !exchange)
        return chirp_fail(CHIRP_ERR_ARG, "exchange: no configuration or no tensors");
    chirp_status st = check_config(config);
    if (st == CHIRP_OK)
        st = check_tensors(tensors, n_tensors);
    if (st != CHIRP_OK)
        return st;
    chirp_exchange *x = chirp_calloc(1, sizeof *x);
    if (!x)
        return CHIRP_ERR_NOMEM;
    const chirp_exchange_engine *engine = find(config->engine);
    x->engine = config->compress == CHIRP_COMPRESS_BF16 ? engine->bf16 : engine;
    x->kind = &engine->kind;
    x->config = *config;
    x->config.engine = engine->kind.name;
    if (x->config.bucket_bytes == 0)
        x->config.bucket_bytes = engine->kind.bucket_bytes;
    x->size = chirp_parallel_size();
    x->rank = chirp_parallel_rank();
    x->n_tensors = n_tensors;
    st = allocate(x, tensors);
    if (x->size > 1)
        st = prepare(x, st);
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

/* From a mean over ranks to one over the signals that take part. Nothing to do where all are there. */
static void weigh(const chirp_exchange *x, int tensor)
{
    const chirp_exchange_tensor *t = &x->tensors[tensor];
    const int64_t all = x->config.step_signals;
    const int64_t there = x->signals[tensor];
    const float factor = there > 0 ? (float)((double)all / (double)there) : 0;
    for (int64_t i = 0; there != all && i < t->count; ++i)
        x->grad[t->offset + i] *= factor;
}

/* How many signals each tensor's sum has: whole numbers, the same on all ranks in whatever order they are added. */
static chirp_status count_signals(chirp_exchange *x)
{
    MPI_Request request = MPI_REQUEST_NULL;
    const chirp_status st =
        chirp_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, x->signals, x->n_tensors, MPI_INT64_T, MPI_SUM,
                                       chirp_mpi_comm(), &request),
                        "MPI_Iallreduce (signals)");
    return st == CHIRP_OK ? chirp_mpi_wait(&request, "allreduce (signals)",
                                           x->n_tensors * (int64_t)sizeof *x->signals)
                          : st;
}

void chirp_bucket_reduced(chirp_exchange *x, chirp_bucket *b)
{
    for (int t = b->first; x->config.step_signals > 0 && t < b->first + b->n_tensors; ++t)
        weigh(x, t);
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
    chirp_buckets_settle(x); /* a step that failed half-way still writes into memory that we free */
    if (x->size > 1 && x->engine->destroy)
        x->engine->destroy(x);
    chirp_buckets_destroy(x);
    for (int t = 0; x->tensors && t < x->n_tensors; ++t)
        chirp_free((void *)(uintptr_t)x->tensors[t].name);
    chirp_free(x->tensors);
    chirp_free(x->ready);
    chirp_free(x->ready_s);
    chirp_free(x->signals);
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
    x->own_signals = x->config.step_signals / x->size;
    x->profile = (chirp_exchange_profile){0};
    memset(x->ready, 0, (size_t)x->n_tensors * sizeof *x->ready);
    if (x->size == 1)
        return CHIRP_OK;
    x->profile.begin_s = chirp_now_s();
    for (int i = 0; i < x->n_buckets; ++i) {
        chirp_bucket *b = &x->buckets[i];
        b->n_ready = 0;
        b->started = b->done = false;
        if (!b->packed)
            b->values = grad + b->offset;
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
    x->signals[tensor] = x->own_signals;
    if (x->size == 1)
        return CHIRP_OK;
    x->ready_s[tensor] = chirp_now_s();
    ++x->buckets[x->bucket_of[tensor]].n_ready;
    return x->engine->ready ? x->engine->ready(x) : CHIRP_OK;
}

void chirp_exchange_signals(chirp_exchange *x, int64_t signals) { x->own_signals = signals; }

void chirp_exchange_progress(chirp_exchange *x)
{
    if (!x || !x->grad || x->size == 1 || !x->engine->progress)
        return;
    /* MPICH moves messages inside calls only. An error comes up again in finish(). */
    (void)x->engine->progress(x);
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
        if (x->config.step_signals > 0)
            st = count_signals(x);
        if (st == CHIRP_OK)
            st = x->engine->finish(x);
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
        const chirp_bucket *b = &x->buckets[i];
        (void)snprintf(name, sizeof name, "bucket %d", i);
        if (b->end_s >= b->start_s)
            add_event(events, max, &n, name, 'b', b->start_s, b->end_s);
        (void)snprintf(name, sizeof name, "update %d", i);
        if (x->reduced)
            add_event(events, max, &n, name, 'u', b->applied_s[0], b->applied_s[1]);
    }
    add_event(events, max, &n, "wait", 'w', x->profile.finish_s, x->profile.done_s);
    return n;
}

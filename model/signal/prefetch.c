#include "model/signal/prefetch.h"
#include "harness/base/clock.h"
#include "harness/base/memory.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct slot {
    float *strain, *label, *snr, *parameters;
} slot;

struct chirp_prefetch {
    chirp_prefetch_config config;
    slot *ring; /* [depth] */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock: batches made and handed out since the start; the one handed out last is still in use */
    int64_t made, taken;
    bool stop;
    chirp_status status; /* of the source; it made its last batch */
    char message[512];
    double waited_s, worked_s;
};

chirp_status chirp_generator_source(void *context, uint64_t first, int64_t n, float *strain,
                                    float *label, float *snr, float *parameters)
{
    return chirp_generator_batch(context, first, n, strain, label, snr, parameters);
}

chirp_status chirp_dataset_source(void *context, uint64_t first, int64_t n, float *strain,
                                  float *label, float *snr, float *parameters)
{
    const chirp_dataset_stream *stream = context;
    return chirp_dataset_batch(stream->dataset, stream->seed, first, n, strain, label, snr,
                               parameters);
}

/*
 * With OMP_PROC_BIND the thread that creates us sits on one core, and we would inherit that core and compete with it: spread
 * over all places that OpenMP was given instead. Best effort; without places nothing was bound.
 */
static void leave_the_creators_core(void)
{
    cpu_set_t all;
    CPU_ZERO(&all);
    int most = 0;
    for (int place = 0; place < omp_get_num_places(); ++place) {
        int id[CPU_SETSIZE];
        const int n = omp_get_place_num_procs(place);
        if (n < 1 || n > CPU_SETSIZE)
            continue;
        omp_get_place_proc_ids(place, id);
        for (int i = 0; i < n; ++i)
            if (id[i] >= 0 && id[i] < CPU_SETSIZE) {
                CPU_SET((size_t)id[i], &all);
                ++most;
            }
    }
    if (most > 0)
        (void)pthread_setaffinity_np(pthread_self(), sizeof all, &all);
}

static void *work(void *argument)
{
    leave_the_creators_core();
    chirp_prefetch *p = argument;
    const chirp_prefetch_config *c = &p->config;
    (void)pthread_mutex_lock(&p->lock);
    while (!p->stop && p->status == CHIRP_OK && (c->n_batches == 0 || p->made < c->n_batches)) {
        /* slots taken-1 (in use) .. made-1 are occupied */
        if (p->made - (p->taken > 0 ? p->taken - 1 : 0) >= c->depth) {
            (void)pthread_cond_wait(&p->changed, &p->lock);
            continue;
        }
        const int64_t k = p->made;
        const slot *s = &p->ring[k % c->depth];
        (void)pthread_mutex_unlock(&p->lock);
        const double start = chirp_now_s();
        const chirp_status st = c->source(c->context, c->first + (uint64_t)k * c->stride, c->batch,
                                          s->strain, s->label, s->snr, s->parameters);
        const double end = chirp_now_s();
        (void)pthread_mutex_lock(&p->lock);
        p->worked_s += end - start;
        if (st == CHIRP_OK) {
            ++p->made;
        } else { /* sentences are kept per thread: carried over by hand */
            p->status = st;
            (void)snprintf(p->message, sizeof p->message, "%s", chirp_error_message());
        }
        (void)pthread_cond_broadcast(&p->changed);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

static chirp_status make_ring(chirp_prefetch *p)
{
    const chirp_prefetch_config *c = &p->config;
    p->ring = chirp_calloc((size_t)c->depth, sizeof *p->ring);
    if (!p->ring)
        return CHIRP_ERR_NOMEM;
    for (int i = 0; i < c->depth; ++i) {
        slot *s = &p->ring[i];
        s->strain = chirp_calloc((size_t)c->batch, (size_t)c->row * sizeof(float));
        s->label = chirp_calloc((size_t)c->batch, CHIRP_LABELS * sizeof(float));
        s->snr = chirp_calloc((size_t)c->batch, sizeof(float));
        s->parameters = chirp_calloc((size_t)c->batch, CHIRP_PARAMETERS * sizeof(float));
        if (!s->strain || !s->label || !s->snr || !s->parameters)
            return CHIRP_ERR_NOMEM;
    }
    return CHIRP_OK;
}

chirp_status chirp_prefetch_create(const chirp_prefetch_config *config, chirp_prefetch **prefetch)
{
    if (!config->source || config->batch < 1 || config->row < 1 || config->n_batches < 0)
        return chirp_fail(CHIRP_ERR_ARG,
                          "prefetch: a source, a batch and a row of at least 1 are needed");
    if (config->depth < 2 || config->depth > 64)
        return chirp_fail(CHIRP_ERR_ARG, "prefetch of %d batches: expected 2 to 64", config->depth);
    chirp_prefetch *p = chirp_calloc(1, sizeof *p);
    if (!p)
        return CHIRP_ERR_NOMEM;
    p->config = *config;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    chirp_status st = make_ring(p);
    if (st == CHIRP_OK) {
        p->started = pthread_create(&p->thread, NULL, work, p) == 0;
        if (!p->started)
            st = chirp_fail(CHIRP_ERR_LIBRARY, "prefetch: the system gives no thread");
    }
    if (st != CHIRP_OK) {
        chirp_prefetch_destroy(p);
        return st;
    }
    *prefetch = p;
    return CHIRP_OK;
}

chirp_status chirp_prefetch_next(chirp_prefetch *p, chirp_batch *batch)
{
    const chirp_prefetch_config *c = &p->config;
    (void)pthread_mutex_lock(&p->lock);
    if (c->n_batches > 0 && p->taken == c->n_batches) {
        (void)pthread_mutex_unlock(&p->lock);
        return chirp_fail(CHIRP_ERR_RANGE, "prefetch: all %lld batches were taken",
                          (long long)c->n_batches);
    }
    const double start = chirp_now_s();
    /* hand back the batch in use before waiting: with it the ring may be full */
    const int64_t wanted = p->taken++;
    (void)pthread_cond_broadcast(&p->changed);
    while (p->made <= wanted && p->status == CHIRP_OK)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    p->waited_s += chirp_now_s() - start;
    chirp_status st = CHIRP_OK;
    if (p->made <= wanted) {
        --p->taken;
        st = chirp_fail(p->status, "%s", p->message);
    } else {
        const slot *s = &p->ring[wanted % c->depth];
        *batch = (chirp_batch){c->first + (uint64_t)wanted * c->stride,
                               c->batch,
                               s->strain,
                               s->label,
                               s->snr,
                               s->parameters};
    }
    (void)pthread_mutex_unlock(&p->lock);
    return st;
}

void chirp_prefetch_times(chirp_prefetch *p, double *waited_s, double *worked_s)
{
    (void)pthread_mutex_lock(&p->lock);
    *waited_s = p->waited_s;
    *worked_s = p->worked_s;
    (void)pthread_mutex_unlock(&p->lock);
}

void chirp_prefetch_destroy(chirp_prefetch *p)
{
    if (!p)
        return;
    if (p->started) {
        (void)pthread_mutex_lock(&p->lock);
        p->stop = true;
        (void)pthread_cond_broadcast(&p->changed);
        (void)pthread_mutex_unlock(&p->lock);
        (void)pthread_join(p->thread, NULL);
    }
    for (int i = 0; p->ring && i < p->config.depth; ++i) {
        chirp_free(p->ring[i].strain);
        chirp_free(p->ring[i].label);
        chirp_free(p->ring[i].snr);
        chirp_free(p->ring[i].parameters);
    }
    chirp_free(p->ring);
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    chirp_free(p);
}

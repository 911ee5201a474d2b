#include "suites/kernels/temperature.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/machine/machine.h"

enum { CANARY_BYTES = 64 * 1024, CANARY_LOADS = 1024 };

chirp_status chirp_cooler_create(int threads, chirp_cooler *cooler)
{
    chirp_cooler c = {.threads = threads};
    chirp_host host;
    chirp_host_read(&host);
    const size_t bytes =
        2 * (size_t)chirp_host_last_level_cache(&host) + (size_t)threads * 4 * 1024 * 1024;
    c.flood_floats = bytes / sizeof *c.flood;
    c.flood = chirp_calloc(c.flood_floats, sizeof *c.flood);
    if (!c.flood)
        return CHIRP_ERR_NOMEM;
    const chirp_status st = chirp_chase_create(CANARY_BYTES, &c.canary);
    if (st != CHIRP_OK) {
        chirp_free(c.flood);
        return st;
    }
    *cooler = c;
    return CHIRP_OK;
}

void chirp_cooler_destroy(chirp_cooler *cooler)
{
    chirp_free(cooler->flood);
    chirp_chase_destroy(&cooler->canary);
    *cooler = (chirp_cooler){0};
}

static double canary_ns(chirp_cooler *c)
{
    const int64_t start = chirp_now_ns();
    chirp_chase_run(&c->canary, CANARY_LOADS);
    return (double)(chirp_now_ns() - start) / CANARY_LOADS;
}

void chirp_cooler_empty(chirp_cooler *c)
{
    chirp_chase_run(&c->canary, 2 * CANARY_LOADS);
    c->hot_ns += canary_ns(c);
    float *flood = c->flood;
    const size_t n = c->flood_floats;
    /* written, not only read: lines that are dirty can't be dropped silently by a cache that favours older ones */
#pragma omp parallel for schedule(static) num_threads(c->threads)
    for (size_t i = 0; i < n; ++i)
        flood[i] += 1.0f;
    c->cold_ns += canary_ns(c);
    ++c->calls;
}

void chirp_cooler_warm(const chirp_cooler *c, const void *tensor, size_t bytes)
{
    const float *x = tensor;
    const size_t n = bytes / sizeof *x;
    float sum = 0.0f;
#pragma omp parallel for schedule(static) num_threads(c->threads) reduction(+ : sum)
    for (size_t i = 0; i < n; i += 16)
        sum += x[i];
    chirp_bench_consume(&sum);
}

chirp_status chirp_cooler_report(const chirp_cooler *c, chirp_bench *b)
{
    if (c->calls == 0)
        return CHIRP_OK;
    const double hot = c->hot_ns / (double)c->calls, cold = c->cold_ns / (double)c->calls;
    chirp_bench_counter(b, "canary_hot_ns", hot);
    chirp_bench_counter(b, "canary_cold_ns", cold);
    if (!(cold >= 3.0 * hot))
        return chirp_fail(CHIRP_ERR_NUMERIC,
                          "not cold: a load took %.1f ns after emptying the caches, %.1f ns before",
                          cold, hot);
    return CHIRP_OK;
}

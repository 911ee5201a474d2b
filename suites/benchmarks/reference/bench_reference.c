/* The machine itself, as benchmarks: what a regression gate divides by, and what a roofline is drawn from. */
#include "suites/suites.h"

#include "harness/base/memory.h"
#include "harness/roofline/roofline.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

enum { FMA_STEPS = 20000 };

/* The widest multiply-add kernel of this machine; the baseline always exists. */
static const chirp_fma_kernel *widest(void)
{
    const chirp_fma_kernel *k = chirp_fma_kernels;
    while (!k->supported())
        ++k;
    return k;
}

static chirp_status run_fma(chirp_bench *b, const void *arg)
{
    (void)arg;
    const chirp_fma_kernel *k = widest();
    const int threads = chirp_bench_threads(b);
    float total = 0;
    while (chirp_bench_next(b)) {
#pragma omp parallel num_threads(threads) reduction(+ : total)
        total += k->run(FMA_STEPS);
        chirp_bench_consume(&total);
    }
    const double flops = k->flops_per_step * FMA_STEPS * threads;
    chirp_bench_flops(b, flops, flops);
    chirp_bench_label(b, k->name);
    return CHIRP_OK;
}

/* Every chain tends to 1 (x <- 0.999 x + 0.001), so the sum of all lanes is their number. */
static chirp_status check_fma(const void *arg, double *relative_error)
{
    (void)arg;
    const chirp_fma_kernel *k = widest();
    const double lanes = 0.5 * k->flops_per_step;
    *relative_error = fabs((double)k->run(20000) - lanes) / lanes;
    return CHIRP_OK;
}

typedef struct triad_case {
    size_t bytes; /* of the three arrays of one thread together */
} triad_case;

static void triad(float *restrict a, const float *restrict b, const float *restrict c, int64_t n)
{
#pragma omp simd
    for (int64_t i = 0; i < n; ++i)
        a[i] = b[i] + 0.5f * c[i];
}

static chirp_status run_triad(chirp_bench *b, const void *arg)
{
    const triad_case *c = arg;
    const int threads = chirp_bench_threads(b);
    const int64_t n = (int64_t)(c->bytes / (3 * sizeof(float)));
    float **block = chirp_calloc((size_t)threads, sizeof *block);
    chirp_status st = block ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int t = 0; t < threads && st == CHIRP_OK; ++t) {
        block[t] = chirp_alloc(3 * (size_t)n * sizeof(float));
        if (!block[t])
            st = CHIRP_ERR_NOMEM;
    }
    if (st == CHIRP_OK) {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int t = 0; t < threads; ++t) /* first touch by the thread that will use it */
            for (int64_t i = 0; i < 3 * n; ++i)
                block[t][i] = 1;
    }
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        chirp_bench_flush(b);
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int t = 0; t < threads; ++t)
            triad(block[t], block[t] + n, block[t] + 2 * n, n);
        chirp_bench_consume(block[0]);
    }
    chirp_bench_flops(b, 2.0 * (double)n * threads, 2.0 * (double)n * threads);
    chirp_bench_bytes(b, 12.0 * (double)n * threads);
    for (int t = 0; block && t < threads; ++t)
        chirp_free(block[t]);
    chirp_free(block);
    return st;
}

typedef struct chase_case {
    size_t bytes;
} chase_case;

static chirp_status run_chase(chirp_bench *b, const void *arg)
{
    enum { LOADS = 1000 };
    const chase_case *c = arg;
    chirp_chase chase = {0};
    chirp_status st = chirp_chase_create(c->bytes, &chase);
    if (st == CHIRP_OK)
        chirp_chase_run(
            &chase,
            (int64_t)chase.lines); /* once around: pages mapped, caches as warm as they get */
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        chirp_bench_flush(b);
        chirp_chase_run(&chase, LOADS);
    }
    chirp_bench_items(b, LOADS);
    chirp_chase_destroy(&chase);
    return st;
}

static const triad_case triads[] = {{24 << 10}, {384 << 10}, {6 << 20}, {192 << 20}};
static const chase_case chases[] = {{16 << 10}, {384 << 10}, {8 << 20}, {192 << 20}};

const chirp_bench_entry chirp_suite_reference[] = {
    {.name = "reference/fma/registers", .run = run_fma, .check = check_fma},
    {.name = "reference/triad/bytes_per_thread:24576", .run = run_triad, .arg = &triads[0]},
    {.name = "reference/triad/bytes_per_thread:393216", .run = run_triad, .arg = &triads[1]},
    {.name = "reference/triad/bytes_per_thread:6291456", .run = run_triad, .arg = &triads[2]},
    {.name = "reference/triad/bytes_per_thread:201326592", .run = run_triad, .arg = &triads[3]},
    {.name = "reference/chase/bytes:16384/threads:1", .run = run_chase, .arg = &chases[0]},
    {.name = "reference/chase/bytes:393216/threads:1", .run = run_chase, .arg = &chases[1]},
    {.name = "reference/chase/bytes:8388608/threads:1", .run = run_chase, .arg = &chases[2]},
    {.name = "reference/chase/bytes:201326592/threads:1", .run = run_chase, .arg = &chases[3]},
    {0},
};

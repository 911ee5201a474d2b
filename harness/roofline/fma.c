/* The FMA peak: picks the kernels this processor can run, and keeps the best burst per thread count. */
#include "harness/roofline/roofline.h"

#include "harness/base/clock.h"
#include "harness/roofline/fma_burst.h"

#include <omp.h>

enum { MAX_STORED = 32 };

/* long against a clock reading, short against the time slices of other tenants */
static const double BURST_S = 1e-3;

static bool has_avx512(void)
{
#if defined(__x86_64__) && defined(CHIRP_FMA_X86)
    return __builtin_cpu_supports("avx512f") != 0;
#else
    return false;
#endif
}

static bool has_avx2(void)
{
#if defined(__x86_64__) && defined(CHIRP_FMA_X86)
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
#else
    return false;
#endif
}

static bool always(void) { return true; }

const chirp_fma_kernel chirp_fma_kernels[] = {
#ifdef CHIRP_FMA_X86
    {"avx512", 2.0 * 16 * 16, chirp_fma_avx512, has_avx512},
    {"avx2", 2.0 * 12 * 8, chirp_fma_avx2, has_avx2},
#endif
    {"baseline", 2.0 * 12 * 4, chirp_fma_baseline, always},
    {NULL, 0, NULL, NULL},
};

static chirp_fma_peak stored[MAX_STORED]; /* written by the one thread that runs benchmarks */
static int n_stored;

static volatile float keep_result; /* the bursts' sums end here, so that no burst is dead code */

/* Steps of one thread that last about BURST_S: grown until they do, from the fastest try so far. */
static int64_t calibrate(const chirp_fma_kernel *kernel, float *total)
{
    int64_t steps = 1000;
    for (int tries = 0; tries < 40; ++tries) {
        const double began = chirp_now_s();
        *total += kernel->run(steps);
        const double took = chirp_now_s() - began;
        if (took >= 0.5 * BURST_S)
            break;
        const double grow = took > 0 ? BURST_S / took : 10;
        steps = (int64_t)((double)steps * (grow < 10 ? grow : 10)) + 1;
    }
    return steps;
}

/*
 * Sum over threads of each thread's best burst while all of them run, in GFLOP/s. There is no barrier between bursts: on a
 * busy machine two threads may share a core for a while, and a barrier would then charge whole time slices to each burst.
 */
static double best_bursts(const chirp_fma_kernel *kernel, int threads, double budget_s, int *got)
{
    double gflops = 0;
    float total = 0;
    int team = 0;
#pragma omp parallel num_threads(threads) reduction(+ : total, gflops)
    {
#pragma omp master
        team = omp_get_num_threads();
        const int64_t steps = calibrate(kernel, &total);
        double best_s = 0;
#pragma omp barrier
        const double until = chirp_now_s() + budget_s;
        double now = 0;
        do {
            const double began = chirp_now_s();
            total += kernel->run(steps);
            now = chirp_now_s();
            if (best_s == 0 || now - began < best_s)
                best_s = now - began;
        } while (now < until);
        gflops += 1e-9 * kernel->flops_per_step * (double)steps / best_s;
    }
    keep_result = total;
    *got = team;
    return gflops;
}

void chirp_roofline_fma_set(const chirp_fma_peak *peak)
{
    int at = 0;
    while (at < n_stored && stored[at].threads != peak->threads)
        ++at;
    if (at < MAX_STORED) {
        stored[at] = *peak;
        n_stored += at == n_stored;
    }
}

chirp_status chirp_roofline_fma_again(int threads, double budget_s, chirp_fma_peak *peak)
{
    if (threads < 1)
        return chirp_fail(CHIRP_ERR_ARG, "the FMA peak needs at least one thread, not %d", threads);
    chirp_fma_peak best = {.threads = threads};
    int at = 0;
    while (at < n_stored && stored[at].threads != threads)
        ++at;
    if (at < n_stored)
        best = stored[at];
    int kernels = 0;
    for (const chirp_fma_kernel *k = chirp_fma_kernels; k->name; ++k)
        kernels += k->supported();
    for (const chirp_fma_kernel *k = chirp_fma_kernels; k->name; ++k) {
        int got = 0;
        if (!k->supported() || (k->supported == always && kernels > 1))
            continue; /* the baseline stands in where nothing wider runs */
        const double gflops =
            best_bursts(k, threads, budget_s / (kernels > 1 ? kernels - 1 : 1), &got);
        if (got < threads)
            return chirp_fail(CHIRP_ERR_UNSUPPORTED,
                              "OpenMP gave %d of %d threads (OMP_THREAD_LIMIT, OMP_DYNAMIC?)", got,
                              threads);
        if (gflops > best.gflops) {
            best.gflops = gflops;
            best.name = k->name;
        }
    }
    chirp_roofline_fma_set(&best);
    *peak = best;
    return CHIRP_OK;
}

chirp_status chirp_roofline_fma(int threads, double budget_s, chirp_fma_peak *peak)
{
    for (int i = 0; i < n_stored; ++i) {
        if (stored[i].threads == threads) {
            *peak = stored[i];
            return CHIRP_OK;
        }
    }
    return chirp_roofline_fma_again(threads, budget_s, peak);
}

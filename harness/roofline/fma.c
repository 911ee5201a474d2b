/* The FMA peak: picks the kernels this processor can run, and keeps the best burst per thread count. */
#include "harness/roofline/roofline.h"

#include "harness/base/clock.h"
#include "harness/roofline/fma_burst.h"

#include <omp.h>

enum { MAX_STORED = 32 };

/* bursts of a few milliseconds: long against the clock and a region's start, short against the slices of other tenants */
static const double BURST_S = 3e-3;

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

/* One burst on a team; the time from the moment all threads are ready to the moment the last is done. */
static double burst(const chirp_fma_kernel *kernel, int threads, int64_t steps, int *got)
{
    double began = 0;
    double ended = 0;
    float total = 0;
    int team = 0;
#pragma omp parallel num_threads(threads) reduction(+ : total)
    {
#pragma omp master
        team = omp_get_num_threads();
#pragma omp barrier
#pragma omp master
        began = chirp_now_s();
#pragma omp barrier
        total += kernel->run(steps);
#pragma omp barrier
#pragma omp master
        ended = chirp_now_s();
    }
    keep_result = total;
    *got = team;
    return ended - began;
}

chirp_status chirp_roofline_fma_again(int threads, double budget_s, chirp_fma_peak *peak)
{
    if (threads < 1)
        return chirp_fail(CHIRP_ERR_ARG, "the FMA peak needs at least one thread, not %d", threads);
    chirp_fma_peak best = {.threads = threads};
    for (int i = 0; i < n_stored; ++i)
        if (stored[i].threads == threads)
            best = stored[i];
    int kernels = 0;
    for (const chirp_fma_kernel *k = chirp_fma_kernels; k->name; ++k)
        kernels += k->supported();
    for (const chirp_fma_kernel *k = chirp_fma_kernels; k->name; ++k) {
        if (!k->supported() || (k->supported == always && kernels > 1))
            continue; /* the baseline stands in where nothing wider runs */
        const double share_s = budget_s / (kernels > 1 ? kernels - 1 : 1);
        int64_t steps = 1000;
        int got = 0;
        double took = burst(k, threads, steps, &got);
        const double until = chirp_now_s() + share_s;
        do {
            if (got < threads)
                return chirp_fail(CHIRP_ERR_UNSUPPORTED,
                                  "OpenMP gave %d of %d threads (OMP_THREAD_LIMIT, OMP_DYNAMIC?)",
                                  got, threads);
            const double grow = took > 0 ? BURST_S / took : 10;
            if (grow > 1.5)
                steps = (int64_t)((double)steps * (grow < 10 ? grow : 10));
            took = burst(k, threads, steps, &got);
            const double gflops = 1e-9 * k->flops_per_step * (double)steps * threads / took;
            if (took > 0.3 * BURST_S && gflops > best.gflops) {
                best.gflops = gflops;
                best.name = k->name;
            }
        } while (chirp_now_s() < until || best.gflops == 0);
    }
    int at = 0;
    while (at < n_stored && stored[at].threads != threads)
        ++at;
    if (at < MAX_STORED) {
        stored[at] = best;
        n_stored += at == n_stored;
    }
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

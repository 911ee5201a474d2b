/* The FMA peak: picks the kernels this processor can run, and keeps the best burst per thread count. */
#include "harness/roofline/roofline.h"

#include "harness/base/clock.h"
#include "harness/machine/team.h"
#include "harness/roofline/lanes.h"

#include <omp.h>
#include <stdio.h>

enum { MAX_STORED = 32 };

/* long against a clock reading, short against the time slices of other tenants */
static const double BURST_S = 1e-3;

bool chirp_has_avx512(void)
{
#if defined(__x86_64__) && defined(CHIRP_LANES_X86)
    return __builtin_cpu_supports("avx512f") != 0;
#else
    return false;
#endif
}

bool chirp_has_avx2(void)
{
#if defined(__x86_64__) && defined(CHIRP_LANES_X86)
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
#else
    return false;
#endif
}

static bool always(void) { return true; }

const chirp_fma_kernel chirp_fma_kernels[] = {
#ifdef CHIRP_LANES_X86
    {"avx512", 2.0 * 16 * 16, chirp_fma_avx512, chirp_has_avx512},
    {"avx2", 2.0 * 12 * 8, chirp_fma_avx2, chirp_has_avx2},
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
    /* threads that take turns on fewer processors each have their best alone */
    const int processors = omp_get_num_procs();
    return processors < threads ? gflops * processors / threads : gflops;
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

/* The best of all kernels that run here. */
static chirp_status try_kernels(int threads, double budget_s, chirp_fma_peak *best)
{
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
            return chirp_team_fail(got, threads);
        if (gflops > best->gflops) {
            best->gflops = gflops;
            best->name = k->name;
        }
    }
    return CHIRP_OK;
}

chirp_status chirp_roofline_fma_again(int threads, double budget_s, chirp_fma_peak *peak)
{
    if (threads < 1)
        return chirp_fail(CHIRP_ERR_ARG, "the FMA peak needs at least one thread, not %d", threads);
    chirp_fma_peak tries[2] = {{.threads = threads}, {.threads = threads}};
    for (int i = 0; i < 2; ++i) {
        const chirp_status st = try_kernels(threads, budget_s / 2, &tries[i]);
        if (st != CHIRP_OK)
            return st;
    }
    const int higher = tries[1].gflops > tries[0].gflops;
    chirp_fma_peak best = tries[higher];
    best.lower_gflops = tries[!higher].gflops;
    for (int i = 0; i < n_stored; ++i) {
        if (stored[i].threads == threads && stored[i].gflops > best.gflops) {
            best.lower_gflops = best.gflops;
            best.gflops = stored[i].gflops;
            best.name = stored[i].name;
        }
    }
    chirp_roofline_fma_set(&best);
    *peak = best;
    return CHIRP_OK;
}

bool chirp_roofline_differ(double a, double b)
{
    const double high = a > b ? a : b;
    const double low = a > b ? b : a;
    return !(high <= 1.25 * low);
}

bool chirp_roofline_fma_doubt(const chirp_fma_peak *peak, char *text, size_t room)
{
    const bool doubt = chirp_roofline_differ(peak->gflops, peak->lower_gflops);
    if (doubt)
        (void)snprintf(text, room,
                       "FMA peak, %d thread%s: %.1f and %.1f GFLOP/s in two tries: something else "
                       "was running",
                       peak->threads, peak->threads == 1 ? "" : "s", peak->gflops,
                       peak->lower_gflops);
    return doubt;
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

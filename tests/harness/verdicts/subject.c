/*
 * Kernels for measuring compare itself: CHIRP_SLOWDOWN=1.1 makes each of them do a tenth more work under the same name.
 * One is bound by latency of arithmetic, one by the caches, one by memory, one by branches, one by two threads that wait for each other.
 */
#include "harness/base/memory.h"
#include "harness/bench/bench.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static double slowdown(void)
{
    const char *text = getenv("CHIRP_SLOWDOWN");
    const double value = text ? strtod(text, NULL) : 1;
    return value >= 1 && value <= 10 ? value : 1;
}

static chirp_status chain(chirp_bench *b, const void *arg)
{
    (void)arg;
    const int64_t n = (int64_t)(20000 * slowdown());
    double x = 2;
    while (chirp_bench_next(b)) {
        for (int64_t i = 0; i < n; ++i)
            x = x * 0.999 + 0.001;
        chirp_bench_consume(&x);
    }
    return CHIRP_OK;
}

typedef struct triad_case {
    int64_t length; /* of each of three arrays */
    bool sweeps;    /* more work is more sweeps, or else a larger part of the arrays */
} triad_case;

static chirp_status triad(chirp_bench *b, const void *arg)
{
    const triad_case *c = arg;
    const int64_t n = c->sweeps ? c->length : (int64_t)((double)c->length / 1.1 * slowdown());
    const int64_t sweeps = c->sweeps ? (int64_t)(10 * slowdown() + 0.5) : 1;
    const int threads = chirp_bench_threads(b);
    float *a = chirp_calloc((size_t)c->length, 3 * sizeof *a);
    if (!a)
        return CHIRP_ERR_NOMEM;
    float *x = a + c->length;
    float *y = x + c->length;
    while (chirp_bench_next(b)) {
        for (int64_t sweep = 0; sweep < sweeps; ++sweep) {
#pragma omp parallel for num_threads(threads) schedule(static)
            for (int64_t i = 0; i < n; ++i)
                a[i] = x[i] + 0.5f * y[i];
            chirp_bench_consume(a);
        }
    }
    chirp_free(a);
    return CHIRP_OK;
}

static chirp_status team(chirp_bench *b, const void *arg)
{
    (void)arg;
    const int64_t n = (int64_t)(60000 * slowdown());
    const int threads = chirp_bench_threads(b);
    while (chirp_bench_next(b)) {
        double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        {
            double x = 2; /* not 1: a fixed point, which compilers know how to leave out */
            for (int64_t i = 0; i < n; ++i)
                x = x * 0.999 + 0.001;
            sum += x;
        }
        chirp_bench_consume(&sum);
    }
    return CHIRP_OK;
}

static chirp_status branches(chirp_bench *b, const void *arg)
{
    (void)arg;
    const int64_t n = (int64_t)(10000 * slowdown());
    while (chirp_bench_next(b)) {
        uint64_t state = 88172645463325252U;
        uint64_t odd = 0;
        for (int64_t i = 0; i < n; ++i) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if (state & 64)
                odd += state;
            else
                odd ^= state >> 3;
        }
        chirp_bench_consume(&odd);
    }
    return CHIRP_OK;
}

static const triad_case cached = {20000, true};
static const triad_case large = {
    4000000, false}; /* 48 MB: one sweep is a millisecond, so that a repetition has blocks */
static const chirp_bench_entry entries[] = {
    {.name = "subject/chain/threads:1", .run = chain},
    {.name = "subject/triad_cached/threads:1", .run = triad, .arg = &cached},
    {.name = "subject/triad_memory/threads:1", .run = triad, .arg = &large},
    {.name = "subject/team/threads:2", .run = team},
    {.name = "subject/branches/threads:1", .run = branches},
    {0},
};
static const chirp_bench_suite suite = {
    .name = "subject", .summary = "kernels with a slowdown on purpose", .entries = entries};

int main(int argc, char **argv) { return chirp_bench_main(argc, argv, &suite, 1); }

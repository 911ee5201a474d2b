/* Bandwidth and latency of one level of the memory hierarchy: the working set decides which. */
#include "harness/roofline/roofline.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/stats/stats.h"

#include <omp.h>

/* a timed sweep lasts at least this long: small working sets are passed over many times */
static const double SWEEP_S = 2e-3;

static volatile float keep_result;

typedef struct sweep {
    float *a, *b, *c; /* this thread's thirds of its working set */
    int64_t n;
    bool read_only;
} sweep;

typedef float lanes __attribute__((vector_size(64), may_alias));

/* Eight running sums: enough chains that loads bound the loop, not the latency of additions. x lies on 64 bytes. */
static float sum_once(const float *x, int64_t n)
{
    enum { CHAINS = 8, WIDTH = 16 };
    lanes sums[CHAINS] = {0};
    int64_t i = 0;
    for (; i + CHAINS * WIDTH <= n; i += CHAINS * WIDTH) {
#pragma GCC unroll 8
        for (int j = 0; j < CHAINS; ++j)
            sums[j] += *(const lanes *)(x + i + j * WIDTH);
    }
    float sum = 0;
    for (int j = 0; j < CHAINS; ++j)
        for (int k = 0; k < WIDTH; ++k)
            sum += sums[j][k];
    for (; i < n; ++i)
        sum += x[i];
    return sum;
}

static void triad_once(float *restrict a, const float *restrict b, const float *restrict c, float s,
                       int64_t n)
{
#pragma omp simd
    for (int64_t i = 0; i < n; ++i)
        a[i] = b[i] + s * c[i];
}

/* Every thread allocates and first touches its own arrays, so that each lies in its own memory node. */
static chirp_status sweep_create(sweep *s, size_t bytes)
{
    s->n = (int64_t)(bytes / (3 * sizeof(float)));
    s->a = chirp_alloc(3 * (size_t)s->n * sizeof(float));
    if (!s->a)
        return CHIRP_ERR_NOMEM;
    s->b = s->a + s->n;
    s->c = s->b + s->n;
    for (int64_t i = 0; i < 3 * s->n; ++i)
        s->a[i] = 1;
    return CHIRP_OK;
}

static float sweep_run(const sweep *s, int64_t passes)
{
    float total = 0;
    for (int64_t p = 0; p < passes; ++p) {
        if (s->read_only)
            total += sum_once(s->a, 3 * s->n);
        else
            triad_once(s->a, s->b, s->c, 1e-3f * (float)p, s->n);
        __asm__ volatile("" ::"r"(s->a), "r"(s->b)
                         : "memory"); /* every pass happens, and in order */
    }
    return total + s->a[s->n / 2];
}

static chirp_status bandwidth(int threads, size_t bytes_per_thread, double budget_s, bool read_only,
                              double *bytes_per_second)
{
    if (threads < 1 || bytes_per_thread < 3 * 64)
        return chirp_fail(CHIRP_ERR_ARG,
                          "bandwidth needs a thread and at least 192 bytes, not %d and %zu",
                          threads, bytes_per_thread);
    chirp_status st = CHIRP_OK;
    double best = 0;
    double began = 0;
    double took = 0;
    double until = 0;
    int64_t passes = 1;
    int team = 0;
    bool more = true;
    float total = 0;
#pragma omp parallel num_threads(threads) reduction(+ : total)
    {
        sweep mine = {.read_only = read_only};
        const chirp_status own = sweep_create(&mine, bytes_per_thread);
#pragma omp critical(chirp_bandwidth_status)
        if (own != CHIRP_OK)
            st = own;
#pragma omp barrier
#pragma omp master
        {
            team = omp_get_num_threads();
            until = chirp_now_s() + budget_s;
            more = st == CHIRP_OK && team == threads;
        }
#pragma omp barrier
        while (more) {
#pragma omp barrier
#pragma omp master
            began = chirp_now_s();
#pragma omp barrier
            total += sweep_run(&mine, passes);
#pragma omp barrier
#pragma omp master
            {
                took = chirp_now_s() - began;
                const double moved = (double)mine.n * 3 * sizeof(float) * (double)passes * threads;
                if (took >= 0.5 * SWEEP_S && moved / took > best)
                    best = moved / took;
                if (took < SWEEP_S)
                    passes *= took > 0.25 * SWEEP_S ? 2 : 4;
                more = chirp_now_s() < until || best == 0;
            }
#pragma omp barrier
        }
        chirp_free(mine.a);
    }
    keep_result = total;
    if (st != CHIRP_OK)
        return chirp_fail(st, "no memory for %d times %zu bytes", threads, bytes_per_thread);
    if (team < threads)
        return chirp_fail(CHIRP_ERR_UNSUPPORTED,
                          "OpenMP gave %d of %d threads (OMP_THREAD_LIMIT, OMP_DYNAMIC?)", team,
                          threads);
    *bytes_per_second = best;
    return CHIRP_OK;
}

chirp_status chirp_roofline_bandwidth(int threads, size_t bytes_per_thread, double budget_s,
                                      double *bytes_per_second)
{
    return bandwidth(threads, bytes_per_thread, budget_s, false, bytes_per_second);
}

chirp_status chirp_roofline_read_bandwidth(int threads, size_t bytes_per_thread, double budget_s,
                                           double *bytes_per_second)
{
    return bandwidth(threads, bytes_per_thread, budget_s, true, bytes_per_second);
}

chirp_status chirp_chase_create(size_t bytes, chirp_chase *chase)
{
    const size_t lines = bytes / CHIRP_CHASE_LINE;
    if (lines < 2)
        return chirp_fail(CHIRP_ERR_ARG, "a pointer chase needs at least %d bytes, not %zu",
                          2 * CHIRP_CHASE_LINE, bytes);
    void **block = chirp_alloc(lines * CHIRP_CHASE_LINE);
    size_t *order = chirp_alloc(lines * sizeof *order);
    if (!block || !order) {
        chirp_free(block);
        chirp_free(order);
        return CHIRP_ERR_NOMEM;
    }
    uint64_t state = 20190304;
    for (size_t i = 0; i < lines; ++i)
        order[i] = i;
    for (size_t i = lines - 1; i > 0;
         --i) { /* Fisher and Yates: one cycle through every line, in random order */
        const size_t j = (size_t)(chirp_splitmix64(&state) % (i + 1));
        const size_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    const size_t stride = CHIRP_CHASE_LINE / sizeof *block;
    for (size_t i = 0; i < lines; ++i)
        block[order[i] * stride] = &block[order[(i + 1) % lines] * stride];
    chirp_free(order);
    chase->block = block;
    chase->lines = lines;
    chase->at = &block[0];
    return CHIRP_OK;
}

void chirp_chase_run(chirp_chase *chase, int64_t loads)
{
    void **at = chase->at;
    for (int64_t i = 0; i < loads; ++i)
        at = (void **)*at;
    chase->at = at;
    __asm__ volatile("" ::"r"(at) : "memory");
}

void chirp_chase_destroy(chirp_chase *chase)
{
    chirp_free(chase->block);
    chase->block = NULL;
}

chirp_status chirp_roofline_latency(size_t bytes, double budget_s, double *ns_per_load)
{
    chirp_chase chase = {0};
    const chirp_status st = chirp_chase_create(bytes, &chase);
    if (st != CHIRP_OK)
        return st;
    enum { LOADS = 20000 };
    double best = 0;
    const double until = chirp_now_s() + budget_s;
    do {
        const int64_t began = chirp_now_ns();
        chirp_chase_run(&chase, LOADS);
        const double each = (double)(chirp_now_ns() - began) / LOADS;
        if (best == 0 || each < best)
            best = each;
    } while (chirp_now_s() < until);
    chirp_chase_destroy(&chase);
    *ns_per_load = best;
    return CHIRP_OK;
}

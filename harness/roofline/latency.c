/* Latency of one level of the memory hierarchy: loads whose addresses depend on each other. */
#include "harness/roofline/roofline.h"

#include "harness/base/clock.h"
#include "harness/base/hash.h"
#include "harness/base/memory.h"

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

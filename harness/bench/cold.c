/* Cold caches on purpose, and a check that they were. */
#include "harness/bench/bench_internal.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/machine/machine.h"
#include "harness/roofline/roofline.h"

#include <omp.h>
#include <string.h>

enum { PROBE_BYTES = 16384 }; /* fits every first-level cache */

/*
 * Twice the last-level cache, written by all threads: dirty lines evict what was there whatever the replacement policy
 * prefers to keep, and no thread's private cache is spared. Kept until the process ends.
 */
static struct {
    unsigned char *bytes;
    size_t size;
    chirp_chase probe;
    unsigned char turn;
} eviction;

static chirp_status eviction_create(void)
{
    chirp_host host;
    if (eviction.bytes)
        return CHIRP_OK;
    chirp_host_read(&host);
    eviction.size = 2 * (size_t)chirp_host_last_level_cache(&host) + (4 << 20);
    const chirp_status st = chirp_chase_create(PROBE_BYTES, &eviction.probe);
    if (st != CHIRP_OK)
        return st;
    eviction.bytes = chirp_calloc(1, eviction.size);
    return eviction.bytes ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

void chirp_bench_flush(chirp_bench *b)
{
    if (!b->cold)
        return;
    chirp_bench_pause(b);
    if (b->counter_status == CHIRP_OK)
        b->counter_status = eviction_create();
    if (b->counter_status == CHIRP_OK) {
        const int threads = b->threads;
        const int64_t lines = (int64_t)(eviction.size / 64);
        const int64_t probe_lines = (int64_t)eviction.probe.lines;
        unsigned char *bytes = eviction.bytes;
        const unsigned char turn = ++eviction.turn;
        chirp_chase_run(&eviction.probe, 2 * probe_lines); /* warm by now, whatever ran before */
#pragma omp parallel num_threads(threads)
        for (int64_t i = 0; i < lines;
             ++i) /* every thread sweeps all of it: each has caches of its own */
            bytes[64 * i] = turn;
        const int64_t began = chirp_now_ns();
        chirp_chase_run(&eviction.probe, probe_lines);
        b->probe_ns += (double)(chirp_now_ns() - began) / (double)probe_lines;
        ++b->flushes;
    }
    chirp_bench_resume(b);
}

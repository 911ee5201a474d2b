/* One call of run(): the clock, the counters, and what makes the call invalid. */
#include "harness/bench/bench_internal.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/counters/simulation.h"

#include <stdlib.h>
#include <string.h>

chirp_status chirp_counters_set(chirp_counters *list, const char *name, double value, bool rate)
{
    size_t at = 0;
    while (at < list->count && strcmp(list->item[at].name, name) < 0)
        ++at;
    if (at < list->count && strcmp(list->item[at].name, name) == 0) {
        list->item[at].value = value;
        list->item[at].rate = rate;
        return CHIRP_OK;
    }
    chirp_counter *more = chirp_grow(list->item, &list->room, list->count, sizeof *more);
    if (!more)
        return CHIRP_ERR_NOMEM;
    list->item = more;
    char *copy = chirp_strdup(name);
    if (!copy)
        return CHIRP_ERR_NOMEM;
    memmove(list->item + at + 1, list->item + at, (list->count - at) * sizeof *list->item);
    list->item[at] = (chirp_counter){copy, value, rate};
    ++list->count;
    return CHIRP_OK;
}

const chirp_counter *chirp_counters_find(const chirp_counters *list, const char *name)
{
    for (size_t i = 0; i < list->count; ++i)
        if (strcmp(list->item[i].name, name) == 0)
            return &list->item[i];
    return NULL;
}

void chirp_counters_clear(chirp_counters *list)
{
    for (size_t i = 0; i < list->count; ++i)
        chirp_free(list->item[i].name);
    chirp_free(list->item);
    *list = (chirp_counters){0};
}

/* The wall clock is read innermost: the process clock is a system call of some hundred nanoseconds. */
static void clock_start(struct chirp_bench *b)
{
    if (b->hook)
        b->hook->start(b->hook->state);
    b->cpu_began_ns = chirp_process_cpu_ns();
    b->wall_began_ns = chirp_now_ns();
    if (b->simulated)
        chirp_simulation_start();
}

static void clock_stop(struct chirp_bench *b)
{
    if (b->simulated)
        chirp_simulation_stop();
    const int64_t wall = chirp_now_ns();
    const int64_t cpu = chirp_process_cpu_ns();
    if (b->hook)
        b->hook->stop(b->hook->state);
    b->wall_ns += wall - b->wall_began_ns;
    b->cpu_ns += cpu - b->cpu_began_ns;
}

/* Running time of this call of run() so far, pauses left out. */
static int64_t running_ns(const struct chirp_bench *b)
{
    return b->wall_ns + (b->paused ? 0 : chirp_now_ns() - b->wall_began_ns);
}

/* A whole block has ended. */
static void end_block(struct chirp_bench *b, int64_t now_ns)
{
    const double each = (double)(now_ns - b->block_began_ns) / (double)b->block;
    if (b->fastest_ns == 0 || each < b->fastest_ns)
        b->fastest_ns = each;
    b->block_began_ns = now_ns;
}

/* First call, last call and those between blocks, apart: all others are a compare and a decrement. */
__attribute__((noinline)) static bool next_edge(struct chirp_bench *b)
{
    if (b->finished)
        return false;
    if (b->simulated && !b->warmed) {
        b->warmed = true;
        chirp_simulation_warm();
        return true;
    }
    if (!b->started) {
        b->started = true;
        b->remaining = b->iterations - b->block;
        b->left = b->block - 1;
        clock_start(b);
        return true;
    }
    if (b->remaining > 0) {
        end_block(b, running_ns(b));
        const int64_t size = b->remaining < b->block ? b->remaining : b->block;
        b->remaining -= size;
        b->left = size - 1;
        return true;
    }
    if (!b->paused)
        clock_stop(b);
    if (b->iterations % b->block == 0)
        end_block(b, b->wall_ns);
    b->finished = true;
    return false;
}

bool chirp_bench_next(chirp_bench *b)
{
    if (__builtin_expect(b->left > 0, 1)) {
        --b->left;
        return true;
    }
    return next_edge(b);
}

void chirp_bench_consume(const void *result) { __asm__ volatile("" : : "r"(result) : "memory"); }

void chirp_bench_pause(chirp_bench *b)
{
    if (b->started && !b->finished && !b->paused) {
        clock_stop(b);
        b->paused = true;
    }
}

void chirp_bench_resume(chirp_bench *b)
{
    if (b->paused) {
        b->paused = false;
        clock_start(b);
    }
}

static void note_failure(chirp_bench *b, chirp_status st)
{
    if (b->counter_status == CHIRP_OK)
        b->counter_status = st;
}

void chirp_bench_counter(chirp_bench *b, const char *name, double value)
{
    note_failure(b, chirp_counters_set(&b->counters, name, value, false));
}

void chirp_bench_rate(chirp_bench *b, const char *name, double per_iteration)
{
    note_failure(b, chirp_counters_set(&b->counters, name, per_iteration, true));
}

void chirp_bench_flops(chirp_bench *b, double done, double effective)
{
    b->flops_done = done;
    b->flops_effective = effective;
    chirp_bench_rate(b, "GFLOPS", 1e-9 * done);
    chirp_bench_rate(b, "effective_GFLOPS", 1e-9 * effective);
}

void chirp_bench_bytes(chirp_bench *b, double bytes)
{
    b->bytes = bytes;
    chirp_bench_rate(b, "bytes_per_second", bytes);
}

void chirp_bench_items(chirp_bench *b, double items)
{
    chirp_bench_rate(b, "items_per_second", items);
}

void chirp_bench_label(chirp_bench *b, const char *label)
{
    char *copy = chirp_strdup(label);
    if (label && !copy)
        note_failure(b, CHIRP_ERR_NOMEM);
    chirp_free(b->label);
    b->label = copy;
}

int chirp_bench_threads(const chirp_bench *b) { return b->threads; }

chirp_status chirp_bench_measure(const chirp_bench_entry *entry, int threads, int64_t iterations,
                                 int64_t blocks, bool cold, const chirp_bench_hook *hook,
                                 struct chirp_bench *b)
{
    const int64_t size = blocks > 1 ? iterations / blocks : iterations;
    *b = (struct chirp_bench){.iterations = iterations,
                              .block = size > 0 ? size : 1,
                              .threads = threads,
                              .hook = hook,
                              .cold = cold,
                              .simulated = chirp_simulating(),
                              .flops_done = -1,
                              .flops_effective = -1,
                              .bytes = -1};
    (void)chirp_fail(CHIRP_OK, "%s",
                     ""); /* a run() that fails without a sentence must not inherit an older one */
    chirp_status st = entry->run(b, entry->arg);
    if (b->started && !b->finished && !b->paused)
        clock_stop(b); /* so that hardware counters don't run on */
    if (st != CHIRP_OK) {
        if (chirp_error_message()[0] == '\0')
            (void)chirp_fail(st, "%s", chirp_status_text(st));
    } else if (b->counter_status != CHIRP_OK) {
        st = chirp_fail(b->counter_status, "no memory for counters");
    } else if (!b->started) {
        st = chirp_fail(CHIRP_ERR_ARG,
                        "the benchmark never called chirp_bench_next(): nothing was timed");
    } else if (!b->finished) {
        st = chirp_fail(CHIRP_ERR_ARG,
                        "the benchmark left its loop early: %lld of %lld iterations remain",
                        (long long)(b->left + b->remaining), (long long)iterations);
    } else if (b->paused) {
        st = chirp_fail(CHIRP_ERR_ARG, "the benchmark ended its loop with the clock paused");
    } else if (cold && b->flushes == 0) {
        st = chirp_fail(CHIRP_ERR_UNSUPPORTED,
                        "the benchmark has no cold mode: it never called chirp_bench_flush()");
    } else if (b->flops_done >= 0 && b->bytes > 0) {
        st = chirp_counters_set(&b->counters, "arithmetic_intensity", b->flops_done / b->bytes,
                                false);
    }
    return st;
}

void chirp_bench_clear(struct chirp_bench *b)
{
    chirp_counters_clear(&b->counters);
    chirp_free(b->label);
    b->label = NULL;
}

/*
 * What a step of training asks of a rank as ranks are added, by counting: memory that it allocates, and what it sends. On eight
 * ranks no rank but the first allocates more than on two, and the first one's memory grows with the ranks, not with their square.
 * Calls of the MPI library stay as they are; messages between pairs grow by a round for each doubling, to twice the gradient.
 */
#include "model/parallel/exchange.h"
#include "model/training/trainer.h"
#include "tests/model/parallel/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

enum { COUNTS = 3, STEPS = 2, MAX_CALLS = 64 };

static const int counts[COUNTS] = {2, 4, 8};

static int64_t allocated; /* [B] */
static bool excused;

/*
 * Where a wait was longer than a second, as happens on a busy machine, the first ranks make a table of all ranks once
 * (mpi_wait.c), which is no part of a step.
 */
static void count(size_t bytes)
{
    if (!excused && bytes == (size_t)chirp_parallel_size() * sizeof(int64_t))
        excused = true;
    else
        allocated += (int64_t)bytes;
}

/* The linker puts these in front of the real ones. */
void *__real_chirp_alloc(size_t bytes);
void *__real_chirp_calloc(size_t n, size_t size);
void *__wrap_chirp_alloc(size_t bytes);
void *__wrap_chirp_calloc(size_t n, size_t size);

void *__wrap_chirp_alloc(size_t bytes)
{
    count(bytes);
    return __real_chirp_alloc(bytes);
}

void *__wrap_chirp_calloc(size_t n, size_t size)
{
    count(n * size);
    return __real_chirp_calloc(n, size);
}

/* Of STEPS steps. */
typedef struct cost {
    int64_t allocated, sent, gradient; /* [B]; sent: of all calls, as their rows say */
    int64_t calls;
} cost;

/* On the members of a group. */
static cost measure(const char *engine)
{
    chirp_train_config config = chirp_train_config_default();
    chirp_trainer *trainer = NULL;
    chirp_step_report report = {0};
    chirp_call_row rows[MAX_CALLS];
    cost c = {0};
    config.variant = CHIRP_VARIANT_NONE; /* the fewest numbers */
    config.batch = 1;
    config.iterations = 100;
    config.validation_signals = 1;
    config.n_threads = 1;
    config.shares = "measured";
    config.exchange.engine = engine;
    CHECK(chirp_trainer_create(&config, &trainer) == CHIRP_OK);
    CHECK(chirp_trainer_step(trainer, &report) == CHIRP_OK); /* what is made once */
    allocated = 0;
    excused = false;
    chirp_parallel_calls_reset();
    for (int s = 0; s < STEPS; ++s)
        CHECK(chirp_trainer_step(trainer, &report) == CHIRP_OK);
    c.allocated = allocated;
    const int n = chirp_parallel_calls(rows, MAX_CALLS);
    CHECK(n < MAX_CALLS);
    for (int i = 0; i < n; ++i) {
        if (strcmp(rows[i].call, "recv (stall report)") == 0) /* of a long wait too */
            continue;
        c.sent += rows[i].calls * rows[i].bytes;
        c.calls += rows[i].calls;
    }
    c.gradient = STEPS * report.profile.exchange.exchanged_bytes;
    chirp_trainer_destroy(trainer);
    return c;
}

/* This rank's costs; those of groups that it isn't in are zero. */
static void check_costs(const chirp_exchange_kind *kind, int rank, const cost *c)
{
    for (int i = 1; i < COUNTS && rank > 0; ++i)
        CHECK(rank >= counts[i - 1] || c[i].allocated == c[i - 1].allocated);
    if (rank == 0) /* a straight line */
        CHECK((c[2].allocated - c[1].allocated) * (counts[1] - counts[0]) ==
              (c[1].allocated - c[0].allocated) * (counts[2] - counts[1]));
    if (rank >= counts[0])
        return;
    CHECK(c[0].gradient > 0 && c[0].sent >= c[0].gradient && c[2].gradient == c[0].gradient);
    if (kind->own_messages) {
        const int64_t rest =
            c[0].sent - c[0].gradient; /* two ranks send each other half of it, twice */
        CHECK(c[1].sent > c[0].sent && c[2].sent - rest < 2 * c[0].gradient);
        CHECK(c[2].calls - c[1].calls == c[1].calls - c[0].calls);
    } else
        for (int i = 1; i < COUNTS; ++i)
            CHECK(c[i].sent == c[0].sent && c[i].calls == c[0].calls);
}

static void check_engine(const chirp_exchange_kind *kind)
{
    cost c[COUNTS] = {0};
    for (int i = 0; i < COUNTS; ++i) {
        CHECK(chirp_parallel_group(counts[i]) == CHIRP_OK);
        if (chirp_parallel_member())
            c[i] = measure(kind->name);
        CHECK(chirp_parallel_everyone() == CHIRP_OK);
    }
    check_costs(kind, chirp_parallel_rank(), c);
}

static void test_a_step_costs_no_more_with_more_ranks(void **state)
{
    (void)state;
    if (chirp_parallel_size() < counts[COUNTS - 1])
        return;
    const chirp_exchange_kind *kind = NULL;
    for (int i = 0; (kind = chirp_exchange_kind_at(i)); ++i)
        check_engine(kind);
}

int main(void)
{
    CHECK(chirp_parallel_init() == CHIRP_OK);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_step_costs_no_more_with_more_ranks)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    chirp_parallel_finalize();
    return failed;
}

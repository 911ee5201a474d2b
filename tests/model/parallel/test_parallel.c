/* model/parallel/parallel.h, alone and under mpiexec with 1 to 4 ranks. */
#include "harness/base/memory.h"
#include "model/parallel/parallel.h"

#include "tests/model/parallel/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int rank, size;

static void test_rank_and_size_are_a_numbering(void **state)
{
    (void)state;
    CHECK(size >= 1 && rank >= 0 && rank < size);
    /* the ranks 0 .. size-1 each occur once: sum of rank and of rank squared are those of 0 .. size-1 */
    double sums[2] = {rank, (double)rank * rank};
    CHECK(chirp_parallel_sum(sums, 2) == CHIRP_OK);
    const double n = size;
    CHECK(sums[0] == n * (n - 1) / 2);
    CHECK(sums[1] == (n - 1) * n * (2 * n - 1) / 6);
    /* what mpiexec started (MPICH, Open MPI): a program that lost its MPI would be rank 0 of 1 */
    const char *started = getenv("PMI_SIZE");
    started = started ? started : getenv("OMPI_COMM_WORLD_SIZE");
    CHECK(size == (started ? atoi(started) : 1));
}

static void test_sum_adds_in_rank_order(void **state)
{
    (void)state;
    double values[3];
    double expected[3] = {0};
    for (int r = 0; r < size; ++r)
        for (int i = 0; i < 3; ++i)
            expected[i] += pow(10, 5 * (r % 4)) / (7 + i + r);
    for (int i = 0; i < 3; ++i)
        values[i] = pow(10, 5 * (rank % 4)) / (7 + i + rank);
    CHECK(chirp_parallel_sum(values, 3) == CHIRP_OK);
    CHECK(memcmp(values, expected, sizeof values) == 0);
    CHECK(chirp_parallel_sum(NULL, 0) == CHIRP_OK);
    CHECK(chirp_parallel_sum(values, -1) == CHIRP_ERR_ARG);
}

static void test_max(void **state)
{
    (void)state;
    double values[2] = {rank, -rank};
    CHECK(chirp_parallel_max(values, 2) == CHIRP_OK);
    CHECK(values[0] == size - 1 && values[1] == 0);
}

static void test_broadcast_reaches_all(void **state)
{
    (void)state;
    for (int root = 0; root < size; ++root) {
        char text[40] = "";
        if (rank == root)
            (void)snprintf(text, sizeof text, "words of rank %d", root);
        CHECK(chirp_parallel_broadcast(text, sizeof text, root) == CHIRP_OK);
        char expected[40];
        (void)snprintf(expected, sizeof expected, "words of rank %d", root);
        CHECK(strcmp(text, expected) == 0);
    }
    CHECK(chirp_parallel_broadcast(NULL, 0, 0) == CHIRP_OK);
    char byte = 0;
    CHECK(chirp_parallel_broadcast(&byte, 1, size) == CHIRP_ERR_ARG);
    CHECK(chirp_parallel_broadcast(&byte, -1, 0) == CHIRP_ERR_ARG);
}

static void test_agree_spreads_the_failure_and_its_sentence(void **state)
{
    (void)state;
    CHECK(chirp_parallel_agree(CHIRP_OK) == CHIRP_OK);
    const int bad = size - 1;
    chirp_status mine = CHIRP_OK;
    (void)chirp_fail(CHIRP_ERR_ARG, "an old sentence");
    if (rank == bad)
        mine = chirp_fail(CHIRP_ERR_FORMAT, "file 7 is truncated");
    CHECK(chirp_parallel_agree(mine) == CHIRP_ERR_FORMAT);
    char expected[64] = "file 7 is truncated";
    if (rank != bad)
        (void)snprintf(expected, sizeof expected, "rank %d: file 7 is truncated", bad);
    CHECK(strcmp(chirp_error_message(), expected) == 0);
}

static void test_agree_prefers_errors_to_interruption(void **state)
{
    (void)state;
    const chirp_status mine = rank == 0 ? chirp_fail(CHIRP_ERR_RANGE, "too far")
                                        : chirp_fail(CHIRP_ERR_INTERRUPTED, "stopped");
    CHECK(chirp_parallel_agree(mine) == CHIRP_ERR_RANGE);
}

static void test_barrier(void **state)
{
    (void)state;
    CHECK(chirp_parallel_barrier() == CHIRP_OK);
}

static void test_gather_is_in_rank_order(void **state)
{
    (void)state;
    int mine[2] = {10 * rank, 10 * rank + 1};
    int all[2 * 64] = {0};
    CHECK(size <= 64);
    CHECK(chirp_parallel_gather(mine, sizeof mine, all, 0) == CHIRP_OK);
    for (int r = 0; rank == 0 && r < size; ++r)
        CHECK(all[2 * r] == 10 * r && all[2 * r + 1] == 10 * r + 1);
    CHECK(chirp_parallel_gather(mine, -1, all, 0) == CHIRP_ERR_ARG);
}

static void test_scatter_is_in_rank_order(void **state)
{
    (void)state;
    int64_t mine[2] = {0};
    int64_t *all = rank == size - 1 ? chirp_calloc(2 * (size_t)size, sizeof *all) : NULL;
    for (int i = 0; all && i < 2 * size; ++i)
        all[i] = 100 + i;
    CHECK(chirp_parallel_scatter(all, (int64_t)sizeof mine, mine, size - 1) == CHIRP_OK);
    CHECK(mine[0] == 100 + 2 * rank && mine[1] == 101 + 2 * rank);
    CHECK(chirp_parallel_scatter(all, -1, mine, 0) == CHIRP_ERR_ARG);
    CHECK(chirp_parallel_scatter(all, 8, mine, size) == CHIRP_ERR_ARG);
    chirp_free(all);
}

/* Whoever is slow himself never waits long, and takes the reports of those who do all the same. */
static void test_a_slow_rank_takes_reports(void **state)
{
    (void)state;
    chirp_call_row rows[64];
    int64_t taken = 0;
    if (size == 1)
        return;
    chirp_parallel_calls_reset();
    if (rank == 0)
        (void)sleep(2); /* reports leave after one */
    for (int i = 0; i < 3; ++i)
        CHECK(chirp_parallel_barrier() == CHIRP_OK);
    const int n = chirp_parallel_calls(rows, 64);
    for (int i = 0; i < n; ++i)
        if (strcmp(rows[i].call, "recv (stall report)") == 0)
            taken += rows[i].calls;
    CHECK(rank != 0 || taken >= 1);
}

static void test_groups_are_smaller_jobs(void **state)
{
    (void)state;
    for (int n = 1; n <= size; ++n) {
        CHECK(chirp_parallel_group(n) == CHIRP_OK);
        CHECK(chirp_parallel_member() == (rank < n));
        if (rank < n) {
            double ones = 1;
            CHECK(chirp_parallel_size() == n && chirp_parallel_rank() == rank);
            CHECK(chirp_parallel_sum(&ones, 1) == CHIRP_OK && ones == n);
        }
        CHECK(chirp_parallel_everyone() == CHIRP_OK);
        CHECK(chirp_parallel_member() && chirp_parallel_size() == size &&
              chirp_parallel_rank() == rank);
    }
    CHECK(chirp_parallel_group(0) == CHIRP_ERR_ARG);
    CHECK(chirp_parallel_group(size + 1) == CHIRP_ERR_ARG);
    double ones = 1;
    CHECK(chirp_parallel_sum(&ones, 1) == CHIRP_OK && ones == size);
}

static void test_ranks_apart_are_jobs_of_one(void **state)
{
    (void)state;
    double value = rank + 1;
    const int members = size > 2 ? size - 1 : size;
    CHECK(chirp_parallel_group(members) == CHIRP_OK);
    if (chirp_parallel_member()) {
        CHECK(chirp_parallel_apart() == CHIRP_OK);
        CHECK(chirp_parallel_rank() == 0 && chirp_parallel_size() == 1);
        CHECK(chirp_parallel_sum(&value, 1) == CHIRP_OK && value == rank + 1);
        CHECK(chirp_parallel_agree(rank == 1 ? CHIRP_ERR_IO : CHIRP_OK) ==
              (rank == 1 ? CHIRP_ERR_IO : CHIRP_OK));
    }
    CHECK(chirp_parallel_everyone() == CHIRP_OK);
    CHECK(chirp_parallel_rank() == rank && chirp_parallel_size() == size);
    CHECK(chirp_parallel_sum(&value, 1) == CHIRP_OK && value == size * (size + 1) / 2);
}

static void test_clocks_of_one_machine_agree(void **state)
{
    (void)state;
    double offset = 1;
    double uncertainty = 1;
    CHECK(chirp_parallel_clock_offset(&offset, &uncertainty) == CHIRP_OK);
    /* ranks of one machine share CLOCK_MONOTONIC, so the truth is 0 */
    CHECK(uncertainty >= 0 && fabs(offset) <= uncertainty + 1e-6);
    CHECK((rank == 0 || size == 1) == (uncertainty == 0));
}

static void test_calls_are_accounted(void **state)
{
    (void)state;
    chirp_call_row rows[8];
    chirp_parallel_calls_reset();
    CHECK(chirp_parallel_calls(rows, 8) == 0);
    double value = 1;
    for (int i = 0; i < 3; ++i)
        CHECK(chirp_parallel_max(&value, 1) == CHIRP_OK);
    const int n = chirp_parallel_calls(rows, 8);
    CHECK(n == (size > 1 ? 1 : 0));
    CHECK(size == 1 || (rows[0].calls == 3 && rows[0].bytes == 8 && rows[0].seconds >= 0 &&
                        strstr(rows[0].call, "allreduce")));
}

int main(void)
{
    /* before init: alone, and everything works */
    CHECK(chirp_parallel_rank() == 0 && chirp_parallel_size() == 1);
    double one = 1;
    CHECK(chirp_parallel_sum(&one, 1) == CHIRP_OK && one == 1);
    CHECK(chirp_parallel_agree(CHIRP_ERR_IO) == CHIRP_ERR_IO);
    chirp_parallel_finalize();
    CHECK(chirp_parallel_init() == CHIRP_OK);
    CHECK(chirp_parallel_init() == CHIRP_OK); /* twice is once */
    rank = chirp_parallel_rank();
    size = chirp_parallel_size();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank_and_size_are_a_numbering),
        cmocka_unit_test(test_sum_adds_in_rank_order),
        cmocka_unit_test(test_max),
        cmocka_unit_test(test_broadcast_reaches_all),
        cmocka_unit_test(test_agree_spreads_the_failure_and_its_sentence),
        cmocka_unit_test(test_agree_prefers_errors_to_interruption),
        cmocka_unit_test(test_barrier),
        cmocka_unit_test(test_gather_is_in_rank_order),
        cmocka_unit_test(test_scatter_is_in_rank_order),
        cmocka_unit_test(test_a_slow_rank_takes_reports),
        cmocka_unit_test(test_groups_are_smaller_jobs),
        cmocka_unit_test(test_ranks_apart_are_jobs_of_one),
        cmocka_unit_test(test_clocks_of_one_machine_agree),
        cmocka_unit_test(test_calls_are_accounted),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    chirp_parallel_finalize();
    return failed;
}

/* model/parallel/transfer.h: sums by both calls, at counts around and below the number of ranks. */
#include "model/parallel/transfer.h"

#include "harness/base/memory.h"
#include "tests/model/parallel/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static int rank, size;

static void test_allreduce_sums_exactly(void **state)
{
    (void)state;
    const int64_t counts[] = {1, 2, 3, 4, 5, 7, 64, 1001, 30000};
    for (int a = 0; a < CHIRP_ALLREDUCE_CALLS; ++a)
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; ++k) {
            const int64_t n = counts[k];
            float *values = chirp_alloc((size_t)(n + 8) * sizeof *values);
            CHECK(values != NULL);
            for (int64_t i = 0; i < n + 8; ++i)
                values[i] = i < n ? (float)((i % 1000) * (rank + 1)) : -7.0F;
            const chirp_status st = chirp_transfer_allreduce((chirp_allreduce_call)a, values, n);
            CHECK(st == (size > 1 ? CHIRP_OK : CHIRP_ERR_UNSUPPORTED));
            /* integers below 2^24 add exactly: the sum is right to the bit or wrong */
            for (int64_t i = 0; size > 1 && i < n; ++i)
                CHECK(values[i] == (float)((i % 1000) * size * (size + 1) / 2));
            for (int64_t i = n; i < n + 8; ++i)
                CHECK(values[i] == -7.0F);
            chirp_free(values);
        }
}

static void test_messages_arrive(void **state)
{
    (void)state;
    char buffer[2 * 1000];
    memset(buffer, rank == 0 ? 'a' : 'b', sizeof buffer);
    if (size == 1) {
        CHECK(chirp_transfer_ping_pong(buffer, 1000) == CHIRP_ERR_UNSUPPORTED);
        CHECK(strstr(chirp_error_message(), "mpiexec -n 2"));
        return;
    }
    CHECK(chirp_transfer_ping_pong(buffer, 1000) == CHIRP_OK);
    CHECK(rank > 1 || (buffer[0] == 'a' && buffer[999] == 'a'));
    memset(buffer, rank == 0 ? 'c' : 'd', sizeof buffer);
    CHECK(chirp_transfer_stream(buffer, 1000, 8) == CHIRP_OK);
    CHECK(rank > 1 || (buffer[0] == 'c' && buffer[999] == 'c'));
    memset(buffer, rank == 0 ? 'e' : 'f', 1000);
    CHECK(chirp_transfer_both_ways(buffer, 1000, 8) == CHIRP_OK);
    CHECK(rank > 1 || (buffer[1000] == (rank == 0 ? 'f' : 'e') && buffer[1999] == buffer[1000]));
    CHECK(chirp_transfer_stream(buffer, 1000, 0) == CHIRP_ERR_ARG);
    CHECK(chirp_transfer_stream(buffer, -1, 1) == CHIRP_ERR_ARG);
}

static void test_overlapped_reduction_is_a_reduction(void **state)
{
    (void)state;
    float values[3] = {1, (float)rank, 0.5F};
    for (int poll = 0; size > 1 && poll < 2; ++poll) {
        values[0] = 1;
        values[1] = (float)rank;
        CHECK(chirp_transfer_overlap(values, 3, 1e-3, poll * 1e-4) == CHIRP_OK);
        CHECK(values[0] == (float)size && values[1] == (float)(size * (size - 1) / 2));
    }
}

int main(void)
{
    CHECK(chirp_parallel_init() == CHIRP_OK);
    rank = chirp_parallel_rank();
    size = chirp_parallel_size();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allreduce_sums_exactly),
        cmocka_unit_test(test_messages_arrive),
        cmocka_unit_test(test_overlapped_reduction_is_a_reduction),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    chirp_parallel_finalize();
    return failed;
}

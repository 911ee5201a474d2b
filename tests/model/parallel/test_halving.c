/*
 * --exchange halving: the mean is that of one tree of additions over ranks, to the bit, whatever the threads, the
 * messages and the layout; what it costs is accounted alike on all ranks.
 */
#include "harness/base/memory.h"
#include "model/parallel/exchange.h"
#include "model/parallel/schedule.h"
#include "tests/model/parallel/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <time.h>

enum { MAX_RANKS = 16, MAX_COUNT = 300001, GAP = 40 };

static int rank, size;
static float *grad; /* [MAX_COUNT + 4 * GAP] */

/* The gradient of rank r at packed position i in step s: magnitudes differ, so that another order rounds otherwise. */
static float value_at(int r, int64_t i, int step)
{
    return ldexpf(value_of(r, i, step), (int)(4 + 4 * value_of(r, i, -1 - step)));
}

/* As schedule.h says, for number i of `count`. Which quarter it is in says which of four neighbours own it. */
static float tree_mean(int64_t i, int64_t count, int step)
{
    enum { LINE = 16 };
    float sum[MAX_RANKS];
    int owner = 0;
    int64_t low = 0;
    int64_t high = (count + LINE - 1) / LINE;
    for (int bit = 1; bit <= 2; bit *= 2) {
        const int64_t middle = low + (high - low) / 2;
        const bool upper = i >= middle * LINE;
        owner += upper ? bit : 0;
        low = upper ? middle : low;
        high = upper ? high : middle;
    }
    int core = 1;
    while (2 * core <= size)
        core *= 2;
    for (int r = 0; r < core; ++r) {
        sum[r] = value_at(r, i, step);
        if (r + core < size)
            sum[r] += value_at(r + core, i, step);
    }
    for (int round = 0; 1 << round < core; ++round) {
        const int bit = 1 << chirp_schedule_bit(CHIRP_SCHEDULE_TURNING, size, owner, round);
        for (int r = 0; r < core; ++r)
            if ((r & bit) == 0) /* both partners from now on */
                sum[r] = sum[r | bit] = sum[r] + sum[r | bit];
    }
    return sum[0] / (float)size;
}

/* This rank's gradient and all of tree_mean() for a step: wanted once for each layout, message and number of threads. */
typedef struct numbers {
    int64_t count;
    int step;
    float own[MAX_COUNT], mean[MAX_COUNT];
} numbers;

static const numbers *numbers_of(int64_t count, int step)
{
    static numbers kept[2];
    numbers *k = &kept[step % 2];
    if (k->count != count || k->step != step)
        for (int64_t i = 0; i < count; ++i) {
            k->own[i] = value_at(rank, i, step);
            k->mean[i] = tree_mean(i, count, step);
        }
    k->count = count;
    k->step = step;
    return k;
}

/* One tensor, or three that lie apart and in another order; their packed positions are 0 .. count - 1. */
static int lay_out(bool packed, int64_t count, chirp_exchange_tensor *tensors)
{
    const int64_t third = count / 3;
    if (!packed || third == 0) {
        tensors[0] = (chirp_exchange_tensor){"whole", GAP, count};
        return 1;
    }
    const int64_t rest = count - 2 * third;
    tensors[0] = (chirp_exchange_tensor){"last", GAP + third + GAP + third + GAP, rest};
    tensors[1] = (chirp_exchange_tensor){"first", GAP, third};
    tensors[2] = (chirp_exchange_tensor){"middle", GAP + third + GAP, third};
    return 3;
}

static void step(chirp_exchange *x, const chirp_exchange_tensor *tensors, int n, int64_t count,
                 int number, chirp_exchange_profile *profile)
{
    const float *own = numbers_of(count, number)->own;
    for (int64_t i = 0; i < count + 4 * GAP; ++i)
        grad[i] = -7;
    CHECK(chirp_exchange_begin(x, grad) == CHIRP_OK);
    for (int t = 0, at = 0; t < n; ++t) {
        for (int64_t i = 0; i < tensors[t].count; ++i)
            grad[tensors[t].offset + i] = own[at++];
        CHECK(chirp_exchange_ready(x, t) == CHIRP_OK);
        chirp_exchange_progress(x);
    }
    CHECK(chirp_exchange_finish(x, profile) == CHIRP_OK);
}

static void check_tree(const chirp_exchange_tensor *tensors, int n, int64_t count, int number)
{
    int64_t at = 0;
    int64_t foreign = count + 4 * GAP;
    const float *mean = numbers_of(count, number)->mean;
    for (int t = 0; t < n; ++t)
        for (int64_t i = 0; i < tensors[t].count; ++i, ++at) {
            const float want = mean[at];
            const float got = grad[tensors[t].offset + i];
            if (memcmp(&want, &got, sizeof want) != 0) {
                (void)fprintf(stderr, "%lld numbers: number %lld is %.9g, should be %.9g\n",
                              (long long)count, (long long)at, (double)got, (double)want);
                CHECK(!"tree");
            }
        }
    for (int64_t i = 0; i < count + 4 * GAP; ++i)
        foreign -= grad[i] == -7;
    CHECK(foreign == count); /* nothing between the tensors was touched; no mean is -7 */
}

static void run(int64_t count, bool packed, int64_t bytes, int threads)
{
    const chirp_exchange_config config = {
        .engine = "halving", .bucket_bytes = bytes, .n_threads = threads};
    chirp_exchange_tensor tensors[3];
    chirp_exchange_profile profile;
    chirp_exchange *x = NULL;
    const int n = lay_out(packed, count, tensors);
    CHECK(chirp_exchange_create(&config, tensors, n, &x) == CHIRP_OK);
    for (int number = 0; number < 2; ++number) {
        step(x, tensors, n, count, number, &profile);
        check_tree(tensors, n, count, number);
        CHECK(profile.control_s == 0 && profile.exposed_s >= 0);
        CHECK(profile.calls == (size > 1));
        CHECK(size == 1 || profile.exposed_s == profile.done_s - profile.finish_s);
        CHECK(profile.exchanged_bytes == (size > 1 ? 4.0 * (double)count : 0));
    }
    chirp_exchange_destroy(x);
}

/* Around cache lines, fewer numbers than ranks, and enough for several threads and more messages than there are slots. */
static void test_sum_is_the_tree_for_any_threads_messages_and_layout(void **state)
{
    (void)state;
    const int64_t counts[] = {1, 2, 3, 5, 7, 15, 16, 17, 33, 64, 127, 1001, 16385, MAX_COUNT};
    const int64_t bytes[] = {0, 1, 80000};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; ++c)
        for (int packed = 0; packed < 2; ++packed)
            for (size_t b = 0; b < sizeof bytes / sizeof bytes[0]; ++b)
                for (int threads = 1; threads <= (counts[c] > 16384 ? 3 : 1); ++threads)
                    run(counts[c], packed, bytes[b], threads);
}

static void test_ranks_may_have_different_threads(void **state)
{
    (void)state;
    run(MAX_COUNT, true, 80000, 1 + rank % 3);
    run(MAX_COUNT, false, 0, 0);
}

/* No barrier between steps: a fast rank's next messages must not be taken for this step's. */
static void test_steps_do_not_mix(void **state)
{
    (void)state;
    const chirp_exchange_config config = {.engine = "halving", .bucket_bytes = 4096};
    chirp_exchange_tensor tensors[3];
    chirp_exchange *x = NULL;
    const int64_t count = 5000;
    const int n = lay_out(true, count, tensors);
    CHECK(chirp_exchange_create(&config, tensors, n, &x) == CHIRP_OK);
    for (int number = 0; number < 30; ++number) {
        const struct timespec nap = {.tv_nsec = 300000L * ((number * 7 + rank * 5) % 4)};
        (void)nanosleep(&nap, NULL);
        step(x, tensors, n, count, number, NULL);
        check_tree(tensors, n, count, number);
    }
    chirp_exchange_destroy(x);
}

/* All ranks account the same calls: one a round, by the size of the largest part. */
static void test_calls_are_the_same_on_all_ranks(void **state)
{
    (void)state;
    enum { MAX = 64, COUNT = 1 << 16 };
    const chirp_exchange_config config = {.engine = "halving", .bucket_bytes = 4096};
    const chirp_exchange_tensor tensor = {"whole", 0, COUNT};
    chirp_exchange *x = NULL;
    chirp_call_row rows[MAX];
    CHECK(chirp_exchange_create(&config, &tensor, 1, &x) == CHIRP_OK);
    chirp_parallel_calls_reset();
    step(x, &tensor, 1, COUNT, 0, NULL);
    const int n = chirp_parallel_calls(rows, MAX);
    int at = 0;
    int core = 1;
    while (2 * core <= size)
        core *= 2;
    for (int doubling = 0; doubling < 2; ++doubling) {
        if (!doubling && core < size)
            CHECK(strcmp(rows[at++].call, "gradient fold") == 0);
        for (int k = 2; k <= core; k *= 2, ++at) {
            CHECK(strcmp(rows[at].call, doubling ? "gradient doubling" : "gradient halving") == 0);
            CHECK(rows[at].calls == 1 && rows[at].seconds >= 0);
            CHECK(rows[at].bytes == 4 * COUNT / (doubling ? 2 * core / k : k));
        }
        if (doubling && core < size) {
            CHECK(strcmp(rows[at].call, "gradient unfold") == 0);
            CHECK(rows[at++].bytes == 4 * COUNT);
        }
    }
    CHECK(n == at);
    chirp_exchange_destroy(x);
}

static void test_a_rank_that_diverged_is_seen_by_all(void **state)
{
    (void)state;
    const chirp_exchange_config config = {.engine = "halving"};
    const chirp_exchange_tensor tensor = {"whole", 0, 3};
    chirp_exchange *x = NULL;
    float values[3] = {rank == size - 1 ? NAN : 1, rank == 0 ? INFINITY : 1, 1};
    CHECK(chirp_exchange_create(&config, &tensor, 1, &x) == CHIRP_OK);
    CHECK(chirp_exchange_begin(x, values) == CHIRP_OK);
    CHECK(chirp_exchange_ready(x, 0) == CHIRP_OK);
    CHECK(chirp_exchange_finish(x, NULL) == CHIRP_OK);
    CHECK(isnan(values[0]) && isinf(values[1]) && values[2] == 1);
    chirp_exchange_destroy(x);
}

static void test_misuse_is_refused_by_all(void **state)
{
    (void)state;
    const chirp_exchange_tensor tensor = {"whole", 0, 100};
    chirp_exchange *x = NULL;
    chirp_exchange_config config = {.engine = "halving", .compress = CHIRP_COMPRESS_BF16};
    CHECK(chirp_exchange_create(&config, &tensor, 1, &x) == CHIRP_ERR_ARG && !x);
    CHECK(strstr(chirp_error_message(), "halving sends floats"));
    config = (chirp_exchange_config){.engine = "halving", .n_threads = -1};
    CHECK(chirp_exchange_create(&config, &tensor, 1, &x) == CHIRP_ERR_ARG && !x);
    const chirp_status wanted = size > 1 ? CHIRP_ERR_ARG : CHIRP_OK;
    config = (chirp_exchange_config){.engine = rank == 0 ? "halving" : "overlap"};
    CHECK(chirp_exchange_create(&config, &tensor, 1, &x) == wanted);
    chirp_exchange_destroy(x);
    x = NULL;
    config = (chirp_exchange_config){.engine = "halving", .bucket_bytes = 4096 + rank};
    CHECK(chirp_exchange_create(&config, &tensor, 1, &x) == wanted);
    chirp_exchange_destroy(x);
}

int main(void)
{
    CHECK(chirp_parallel_init() == CHIRP_OK);
    rank = chirp_parallel_rank();
    size = chirp_parallel_size();
    grad = chirp_alloc((MAX_COUNT + 4 * GAP) * sizeof *grad);
    CHECK(size <= MAX_RANKS && grad);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum_is_the_tree_for_any_threads_messages_and_layout),
        cmocka_unit_test(test_ranks_may_have_different_threads),
        cmocka_unit_test(test_steps_do_not_mix),
        cmocka_unit_test(test_calls_are_the_same_on_all_ranks),
        cmocka_unit_test(test_a_rank_that_diverged_is_seen_by_all),
        cmocka_unit_test(test_misuse_is_refused_by_all),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    chirp_free(grad);
    chirp_parallel_finalize();
    return failed;
}

/* model/parallel/schedule.h and buckets.h, without MPI: every number is added once and lands everywhere. */
#include "model/parallel/buckets.h"
#include "model/parallel/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <string.h>

enum { MAX_RANKS = 65, MAX_COUNT = 1100 };

/* Whose numbers a place holds the sum of: bit r for rank r. */
typedef struct who {
    uint64_t low, high;
} who;

static who sums[MAX_RANKS][MAX_COUNT];
static who sent[MAX_RANKS][MAX_COUNT];
static chirp_schedule schedule[MAX_RANKS];

static who all_of(int ranks)
{
    return (who){ranks >= 64 ? UINT64_MAX : ((uint64_t)1 << ranks) - 1, ranks > 64 ? 1 : 0};
}

/* What arrives in a round was sent by the partner in it, as the same numbers; no message is longer than `most`. */
static void check_round(int ranks, int k)
{
    int64_t longest = 0;
    for (int r = 0; r < ranks; ++r) {
        const chirp_schedule_round *mine = &schedule[r].round[k];
        assert_int_equal(mine->phase, schedule[0].round[k].phase);
        assert_int_equal(mine->most, schedule[0].round[k].most);
        assert_int_equal(mine->out.action, CHIRP_SCHEDULE_SEND);
        assert_true(mine->out.count >= 0 && mine->out.count <= mine->most);
        longest = mine->out.count > longest ? mine->out.count : longest;
        if (mine->in.count == 0 && mine->out.count == 0)
            continue;
        assert_true(mine->in.partner >= 0 && mine->in.partner < ranks && mine->in.partner != r);
        const chirp_schedule_round *theirs = &schedule[mine->in.partner].round[k];
        assert_int_equal(theirs->out.partner, r);
        assert_int_equal(theirs->out.count, mine->in.count);
        assert_true(mine->in.count == 0 || theirs->out.first == mine->in.first);
    }
    const int64_t most = schedule[0].round[k].most; /* the last cache line may be short */
    assert_true(longest <= most && longest > most - 16);
}

static void play_round(int ranks, int k)
{
    memcpy(sent, sums, sizeof sent); /* messages leave before anything arrives */
    for (int r = 0; r < ranks; ++r) {
        const chirp_schedule_step *in = &schedule[r].round[k].in;
        for (int64_t i = in->first; i < in->first + in->count; ++i) {
            const who *from = &sent[in->partner][i];
            who *to = &sums[r][i];
            if (in->action == CHIRP_SCHEDULE_RECEIVE) {
                *to = *from;
                continue;
            }
            assert_true((to->low & from->low) == 0 && (to->high & from->high) == 0); /* only once */
            to->low |= from->low;
            to->high |= from->high;
        }
    }
}

static void check(int ranks, int64_t count)
{
    const who all = all_of(ranks);
    for (int r = 0; r < ranks; ++r)
        for (int64_t i = 0; i < count; ++i)
            sums[r][i] = (who){r < 64 ? (uint64_t)1 << r : 0, r < 64 ? 0 : 1};
    for (int k = 0; k < schedule[0].n; ++k) {
        check_round(ranks, k);
        play_round(ranks, k);
    }
    for (int r = 0; r < ranks; ++r) {
        assert_int_equal(schedule[r].n, schedule[0].n);
        for (int64_t i = 0; i < count; ++i)
            assert_true(sums[r][i].low == all.low && sums[r][i].high == all.high);
    }
}

static void test_a_sum_reaches_all_once(void **state)
{
    static const int64_t counts[] = {1, 15, 16, 17, 250, MAX_COUNT};
    (void)state;
    for (int ranks = 1; ranks <= MAX_RANKS; ++ranks)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; ++c)
            for (int order = CHIRP_SCHEDULE_LIBRARY; order <= CHIRP_SCHEDULE_TURNING; ++order) {
                for (int r = 0; r < ranks; ++r)
                    chirp_schedule_reduce((chirp_schedule_order)order, ranks, r, counts[c],
                                          &schedule[r]);
                check(ranks, counts[c]);
            }
}

static void test_an_agreement_reaches_all_once(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= MAX_RANKS; ++ranks) {
        for (int r = 0; r < ranks; ++r)
            chirp_schedule_agree(ranks, r, 2, &schedule[r]);
        check(ranks, 2);
    }
}

/* No rank receives or sends much more than the optimum, 2 (n - 1) / n of the numbers. */
static void test_halving_sends_what_it_must(void **state)
{
    enum { RANKS = 64, COUNT = 1 << 20 };
    (void)state;
    for (int r = 0; r < RANKS; ++r) {
        int64_t numbers = 0;
        chirp_schedule_reduce(CHIRP_SCHEDULE_TURNING, RANKS, r, COUNT, &schedule[0]);
        for (int k = 0; k < schedule[0].n; ++k)
            numbers += schedule[0].round[k].out.count;
        assert_int_equal(numbers, 2 * (COUNT - COUNT / RANKS));
    }
}

/* Every rank meets the same partner as that one meets it, and each bit once. */
static void test_orders_agree(void **state)
{
    const chirp_schedule_order turning = CHIRP_SCHEDULE_TURNING;
    (void)state;
    for (int ranks = 1; ranks <= 300; ++ranks)
        for (int r = 0; r < ranks; ++r) {
            int met = 0;
            for (int round = 0; 2 << round <= ranks; ++round) {
                const int bit = chirp_schedule_bit(turning, ranks, r, round);
                assert_int_equal(chirp_schedule_bit(turning, ranks, r ^ 1 << bit, round), bit);
                met |= 1 << bit;
            }
            assert_true(((met + 1) & met) == 0 && 2 * (met + 1) > ranks);
        }
    /* neighbours spread out */
    assert_int_equal(chirp_schedule_bit(turning, 1024, 4, 2), 2);
    assert_int_equal(chirp_schedule_bit(turning, 1024, 5, 2), 3);
    assert_int_equal(chirp_schedule_bit(turning, 1024, 6, 2), 4);
    assert_int_equal(chirp_schedule_bit(turning, 1024, 7, 2), 5);
    assert_int_equal(chirp_schedule_bit(turning, 1024, 7, 9), 9);
    assert_int_equal(chirp_schedule_bit(turning, 8, 7, 2), 2);
}

static void test_buckets_close_by_their_rule(void **state)
{
    enum { N = 5 };
    static const chirp_exchange_tensor tensors[N] = {
        {"a", 0, 10}, {"b", 10, 30}, {"c", 40, 5}, {"d", 45, 100}, {"e", 145, 1}};
    chirp_bucket_range range[N];
    (void)state;
    assert_int_equal(chirp_buckets_cut(CHIRP_BUCKETS_ALL, 1, tensors, N, range), 1);
    assert_true(range[0].first == 0 && range[0].n == N && range[0].count == 146);
    /* closed by the tensor that fills it */
    assert_int_equal(chirp_buckets_cut(CHIRP_BUCKETS_REACH, 4 * 40, tensors, N, range), 3);
    assert_true(range[0].n == 2 && range[1].first == 2 && range[1].n == 2 && range[2].count == 1);
    /* never above the bytes, but for a tensor that is larger on its own */
    assert_int_equal(chirp_buckets_cut(CHIRP_BUCKETS_FIT, 4 * 40, tensors, N, range), 4);
    assert_true(range[0].count == 40 && range[1].count == 5 && range[2].count == 100 &&
                range[3].first == 4);
    /* MPI counts in int */
    const chirp_exchange_tensor large[2] = {{"a", 0, INT_MAX / 2}, {"b", INT_MAX / 2, 1}};
    assert_int_equal(chirp_buckets_cut(CHIRP_BUCKETS_ALL, 1, large, 2, range), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sum_reaches_all_once),
        cmocka_unit_test(test_an_agreement_reaches_all_once),
        cmocka_unit_test(test_halving_sends_what_it_must),
        cmocka_unit_test(test_orders_agree),
        cmocka_unit_test(test_buckets_close_by_their_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

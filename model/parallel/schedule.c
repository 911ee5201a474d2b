#include "model/parallel/schedule.h"

#include <stdbool.h>

enum { LINE = 16 }; /* floats of a cache line */

/* A range of the numbers. */
typedef struct span {
    int64_t first, count;
} span;

static const span nothing = {0, 0};

/* Rounds of halving: log2 of the largest power of two within `ranks`. */
static int halvings(int ranks)
{
    int rounds = 0;
    while (rounds < 30 && (2 << rounds) <= ranks)
        ++rounds;
    return rounds;
}

int chirp_schedule_bit(chirp_schedule_order order, int ranks, int rank, int round)
{
    enum { NEAR = 2, NEIGHBOURS = 1 << NEAR };
    const int far = halvings(ranks) - NEAR;
    const int turning = far < NEIGHBOURS ? far : NEIGHBOURS;
    if (order == CHIRP_SCHEDULE_LIBRARY || round < NEAR || round >= NEAR + turning)
        return round;
    return NEAR + (round - NEAR + rank % NEIGHBOURS) % turning;
}

static void append(chirp_schedule *s, chirp_schedule_phase phase, int partner, span out, span in,
                   int64_t most)
{
    const bool adds = phase == CHIRP_SCHEDULE_FOLD || phase == CHIRP_SCHEDULE_HALVING;
    s->round[s->n++] = (chirp_schedule_round){
        .phase = phase,
        .most = most,
        .out = {CHIRP_SCHEDULE_SEND, partner, out.first, out.count},
        .in = {adds ? CHIRP_SCHEDULE_ADD : CHIRP_SCHEDULE_RECEIVE, partner, in.first, in.count},
    };
}

/* Ranks beyond the power of two: their numbers come in before all other rounds, or the result goes out behind them. */
static void fold(chirp_schedule *s, chirp_schedule_phase phase, int ranks, int rank, int64_t count)
{
    const int core = 1 << halvings(ranks);
    const bool extra = rank >= core;
    const bool served = !extra && rank + core < ranks;
    const bool sends = phase == CHIRP_SCHEDULE_FOLD ? extra : served;
    const bool receives = phase == CHIRP_SCHEDULE_FOLD ? served : extra;
    const span whole = {0, count};
    if (core < ranks)
        append(s, phase,
               extra    ? rank - core
               : served ? rank + core
                        : -1,
               sends ? whole : nothing, receives ? whole : nothing, count);
}

/* Grains first .. end - 1 of the numbers; the last one may be short. */
static span grains(int64_t first, int64_t end, int64_t grain, int64_t count)
{
    const int64_t stop = end * grain < count ? end * grain : count;
    return (span){first * grain, first < end ? stop - first * grain : 0};
}

void chirp_schedule_reduce(chirp_schedule_order order, int ranks, int rank, int64_t count,
                           chirp_schedule *s)
{
    const int rounds = halvings(ranks);
    const bool extra = rank >= 1 << rounds;
    const int64_t grain = order == CHIRP_SCHEDULE_TURNING ? LINE : 1;
    int64_t low = 0;
    int64_t high = (count + grain - 1) / grain;
    int64_t most = high; /* grains of the largest part: every rank has this or one less */
    s->n = 0;
    fold(s, CHIRP_SCHEDULE_FOLD, ranks, rank, count);
    const int first = s->n;
    for (int k = 0; k < rounds; ++k) {
        const int distance = 1 << chirp_schedule_bit(order, ranks, rank, k);
        const int64_t middle = low + (high - low) / 2;
        const bool lower = (rank & distance) == 0;
        const span part[2] = {grains(low, middle, grain, count),
                              grains(middle, high, grain, count)};
        most = (most + 1) / 2;
        append(s, CHIRP_SCHEDULE_HALVING, extra ? -1 : rank ^ distance,
               extra ? nothing : part[lower], extra ? nothing : part[!lower],
               most * grain < count ? most * grain : count);
        low = lower ? low : middle;
        high = lower ? middle : high;
    }
    for (int k = first + rounds - 1; k >= first; --k) {
        const chirp_schedule_round *r = &s->round[k];
        const span owned = {r->in.first, r->in.count}; /* complete by then */
        const span missing = {r->out.first, r->out.count};
        append(s, CHIRP_SCHEDULE_DOUBLING, r->out.partner, owned, missing, r->most);
    }
    fold(s, CHIRP_SCHEDULE_UNFOLD, ranks, rank, count);
}

void chirp_schedule_agree(int ranks, int rank, int64_t count, chirp_schedule *s)
{
    const int rounds = halvings(ranks);
    const bool extra = rank >= 1 << rounds;
    const span whole = extra ? nothing : (span){0, count};
    s->n = 0;
    fold(s, CHIRP_SCHEDULE_FOLD, ranks, rank, count);
    for (int k = 0; k < rounds; ++k)
        append(s, CHIRP_SCHEDULE_HALVING, extra ? -1 : rank ^ (1 << k), whole, whole, count);
    fold(s, CHIRP_SCHEDULE_UNFOLD, ranks, rank, count);
}

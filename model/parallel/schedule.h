/**
 * The messages by which ranks add up an array, as data. Pure: MPI executes a schedule (exchange_halving.c), a simulation replays it,
 * a formula adds it up, and a test proves without MPI that every number is added once and lands everywhere.
 *
 *     fold      ranks beyond the largest power of two, `core`, give their numbers to rank - core, and wait for unfold
 *     halving   round k: the partner is rank ^ 2^bit (chirp_schedule_bit()); each sends the half that the other one will own
 *     doubling  the same rounds backwards: what the partner owns arrives in its place
 *     unfold    the result goes to the ranks that folded
 *
 * Recursive halving leaves every rank with the sum of its part, recursive doubling gives all parts to all (Rabenseifner 2004;
 * Thakur et al. 2005). Near partners come first, while messages are large. Which number is added where follows from its
 * place alone: the order of additions is that of a tree over ranks and never that of arrivals.
 */
#ifndef CHIRP_MODEL_PARALLEL_SCHEDULE_H
#define CHIRP_MODEL_PARALLEL_SCHEDULE_H

#include <stdint.h>

typedef enum chirp_schedule_order {
    CHIRP_SCHEDULE_LIBRARY =
        0, /**< as MPICH reduces: the nearest partner first, parts of whole numbers */
    CHIRP_SCHEDULE_TURNING, /**< ours: rounds turned by chirp_schedule_bit(), parts of whole cache lines */
} chirp_schedule_order;

typedef enum chirp_schedule_phase {
    CHIRP_SCHEDULE_FOLD = 0,
    CHIRP_SCHEDULE_HALVING,
    CHIRP_SCHEDULE_DOUBLING,
    CHIRP_SCHEDULE_UNFOLD
} chirp_schedule_phase;

typedef enum chirp_schedule_action {
    CHIRP_SCHEDULE_SEND = 0,
    CHIRP_SCHEDULE_RECEIVE, /**< what arrives replaces this rank's numbers */
    CHIRP_SCHEDULE_ADD,     /**< what arrives is added to them */
} chirp_schedule_action;

typedef struct chirp_schedule_step {
    chirp_schedule_action action;
    int partner;          /**< rank; -1 where there is none, with count 0 */
    int64_t first, count; /**< [numbers] of the array; 0: no message */
} chirp_schedule_step;

/** Both steps of a round are under way together, with one partner. */
typedef struct chirp_schedule_round {
    chirp_schedule_phase phase;
    int64_t most; /**< [numbers] the longest message that any rank sends in this round */
    chirp_schedule_step out, in;
} chirp_schedule_round;

enum { CHIRP_SCHEDULE_MAX_ROUNDS = 64 };

/** All ranks have the same rounds; a rank without part in one has empty steps there. */
typedef struct chirp_schedule {
    int n;
    chirp_schedule_round round[CHIRP_SCHEDULE_MAX_ROUNDS];
} chirp_schedule;

/**
 * The bit in which partners of halving round k differ, 0 <= k < log2 of the largest power of two within `ranks`. The first two
 * rounds stay within four neighbours, who often share a router, and these take the next four rounds in four different orders:
 * at any time they then talk to four routers, where all would crowd the wire to one. Partners have the same order, as
 * they differ in no bit that it depends on.
 */
int chirp_schedule_bit(chirp_schedule_order order, int ranks, int rank, int round);

/**
 * Sums `count` numbers by recursive halving and doubling: of few numbers some ranks own nothing.
 * @param ranks  at least 1 (then there are no rounds)
 */
void chirp_schedule_reduce(chirp_schedule_order order, int ranks, int rank, int64_t count,
                           chirp_schedule *schedule);

/** Sums a few numbers by recursive doubling: all of them in every round, nearest partner first. */
void chirp_schedule_agree(int ranks, int rank, int64_t count, chirp_schedule *schedule);

#endif

/**
 * One training step of one rank as the projection sees it: when buckets of gradients become ready, how many bytes they
 * hold, and what a machine charges. every engine (engine.h) turns the same plan into the same terms.
 */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_PLAN_H
#define CHIRP_SUITES_SCALING_PROJECTED_PLAN_H

#include "model/parallel/exchange.h"
#include "model/parallel/schedule.h"
#include "suites/scaling/projected/machine.h"
#include "suites/scaling/projected/workload.h"

#include <stdint.h>

enum { CHIRP_PLAN_MAX_BUCKETS = CHIRP_WORKLOAD_MAX_LAYERS };

enum { CHIRP_RATE_FAST = 0, CHIRP_RATE_SLOW = -1, CHIRP_RATE_PROFILE = -2 };

/** What somebody may choose, whatever the machine and the network. */
typedef struct chirp_plan_settings {
    const char *exchange; /**< an engine of model/parallel/exchange.h; NULL: its default */
    int64_t batch;        /**< signals of a pass of one rank */
    double
        flops; /**< [flop/s] of a rank; or one of CHIRP_RATE_: the machine's two rates, or as the workload's profile says */
    double jitter; /**< [1] spread of passes; negative: the machine's own, or calibrated */
    double
        fresh_jitter; /**< [1] the part of it that is new in every pass; negative: the machine's */
    int64_t bucket_bytes; /**< as the exchange takes it; 0: its own */
    int micro_steps;      /**< passes per exchange */
    bool half;            /**< bf16 on the wire */
    bool shares;     /**< ranks share the signals of a pass by measured speed, in whole signals */
    int speed_steps; /**< steps whose times tell the speeds of ranks */
    double
        correlation_steps; /**< [1] steps after which a node's speed has mostly changed; 0: it stays put */
    uint64_t seed;         /**< of a simulation's jitter */
    int steps;             /**< simulated; 0: 32 up to 256 ranks, fewer beyond */
} chirp_plan_settings;

typedef struct chirp_plan {
    chirp_exchange_kind
        exchange; /**< how gradients are averaged; zeroed: as the library does, at the end */
    int ranks;
    int ranks_per_node;
    bool alone;      /**< ranks exchange nothing and wait for nobody */
    int micro_steps; /**< forward and backward passes per exchange (gradient accumulation) */
    double flops;    /**< [flop/s] of a rank; 0: by the profile */
    double micro_s;  /**< [s] nominal compute of one pass, all ranks alike */
    double tail_s;   /**< [s] optimiser after the exchange, per step */
    int n_buckets;
    double ready_s[CHIRP_PLAN_MAX_BUCKETS]; /**< [s] after the start of the last pass */
    double bytes[CHIRP_PLAN_MAX_BUCKETS];   /**< on the wire */
    bool
        half; /**< bf16: two bytes a number, by an alltoall and an allgather instead of an allreduce */

    int share_signals; /**< 0: equal shares; else signals of a pass, mean over ranks: whole signals go to ranks by speed */
    int speed_steps;          /**< steps whose times tell the speed */
    double correlation_steps; /**< [1] as in the settings; by the closed form only */

    double
        jitter_relative; /**< [1] spread of passes over ranks and steps, one standard deviation over micro_s */
    double
        jitter_fresh; /**< [1] the part of it that is new in every pass; the rest stays with a rank */

    double bandwidth, latency, local_bandwidth, local_latency; /**< [B/s], [s] */
    double software_fixed, software_per_byte;                  /**< [s], [s/B] */
    double
        reduce_bandwidth; /**< [B/s] of sums, in bytes of result: of a rank, or of all on shared_processors; where messages are our own */
    double
        shared_processors; /**< 0: every rank has processors of its own; else all ranks take turns on these in exchanging */
    double
        copy_bandwidth; /**< [B/s] in and out of the fusion buffer (where ranks negotiate) or of staging buffers (bf16) */
    double cycle_s; /**< negotiation: period of the communication thread */
    double
        cycles; /**< negotiation: how many periods pass on average between ready and reduced; at least 0.5 */

    /* a simulation's; strings belong to the machine */
    const char *platform;    /**< SimGrid platform file */
    const char *host_prefix; /**< hosts are host_prefix0 ... host_prefix<ranks - 1> */
    int steps;
    uint64_t seed;
} chirp_plan;

/**
 * The plan of a machine, a workload and settings on so many ranks; no other input. Strings stay the machine's.
 * @return CHIRP_ERR_ARG with a sentence for settings that contradict each other
 */
chirp_status chirp_plan_make(const chirp_machine *machine, const chirp_workload *workload,
                             const chirp_plan_settings *settings, int ranks, chirp_plan *plan);

/** Expected maximum of n independent standard normal numbers (n >= 1); by quadrature, 1e-6. */
double chirp_expected_maximum(int n);
/** Standard deviation of that maximum. */
double chirp_maximum_sd(int n);

/** [s] that a rank's processor is busy with exchanging `bytes` with the rank `distance` away; the wire comes on top. */
double chirp_exchange_software_s(const chirp_plan *plan, int distance, double bytes);

/** Whose recursive halving and doubling the plan's reductions are. */
chirp_schedule_order chirp_plan_order(const chirp_plan *plan);
/** Floats that are so many bytes. */
int64_t chirp_plan_floats(double bytes);
/** [s] of reducing `bytes` over the plan's ranks by recursive halving and doubling, nothing else going on. */
double chirp_allreduce_s(const chirp_plan *plan, double bytes);
/** [s] of reducing the plan's bucket b: chirp_allreduce_s(), or what bf16 does instead. */
double chirp_reduction_s(const chirp_plan *plan, int b);
/** [s] of copying a bucket's floats one way, to or from the buffers that bf16 needs; else 0. */
double chirp_staging_s(const chirp_plan *plan, int b);
/** [s] of adding `bytes` of received floats to a rank's own: only where messages are our own; 0 otherwise, as software_per_byte includes it. */
double chirp_sum_s(const chirp_plan *plan, double bytes);
/** [1] relative standard deviation of the speed that speed_steps steps show, when shares follow it. */
double chirp_speed_error(const chirp_plan *plan);
/**
 * [1] How far speeds have wandered from what speed_steps steps showed, over the standard deviation between nodes: mean over the following
 * speed_steps steps, in which they hold. A node's deviation is a first-order autoregression that keeps exp(-1 / correlation_steps) from
 * step to step; 0 where it stays put, 1.4 where it is new each time.
 */
double chirp_speed_wander(const chirp_plan *plan);
/** [s] of agreeing on 8 bytes by recursive doubling. */
double chirp_agreement_s(const chirp_plan *plan);
/** [s] of adding up the loss over ranks, as train does behind every exchange: gathered, added by rank 0, sent back. */
double chirp_loss_sum_s(const chirp_plan *plan);

/** [1] permanent and fresh standard deviation of one pass over micro_s. */
void chirp_jitter_parts(const chirp_plan *plan, double *permanent, double *fresh);
/** [1] rank i's permanent deviation, before ranks are shuffled: normal scores (Blom), so that the spread is right for few ranks. */
double chirp_jitter_permanent(const chirp_plan *plan, int i);
/** [1] of the nominal compute time: what a step takes if all ranks compute all the time, each at its own speed. */
double chirp_shared_compute(const chirp_plan *plan);

/**
 * [1] Efficiency of a step of `seconds` of which `compute` is nominal: never above 1. With shares it is the share of what the ranks could do
 * if each computed all the time at its own speed; with equal shares, the step of one rank of mean speed over that of all.
 */
double chirp_plan_efficiency(const chirp_plan *plan, double compute, double seconds);

/**
 * Jitter: factor = 1 + permanent part of the rank + fresh part of the pass (chirp_jitter_parts()), normal, at least 0.05.
 * The permanent parts are normal scores (Blom) in an order drawn from the seed, so that their spread is right even for
 * a few ranks and doesn't wander from seed to seed; the fresh parts are drawn from (seed, pass, rank) less their mean over
 * all passes and ranks. With shares by speed (plan->share_signals) a rank's passes are as much shorter or longer as its share
 * is: whole signals, by speeds that are wrong by chirp_speed_error(), and only if the last rank is done 0.5 % earlier by them.
 * @param factor  [passes][ranks]
 */
chirp_status chirp_jitter_draw(const chirp_plan *plan, uint64_t seed, int passes, float *factor);

/** The same for the plan's own steps and seed. @param factor  [steps * micro_steps][ranks]; free with chirp_free() */
chirp_status chirp_jitter_of_steps(const chirp_plan *plan, float **factor);

#endif

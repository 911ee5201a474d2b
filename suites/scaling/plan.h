/**
 * One training step of one rank as the projection sees it: when buckets of gradients become ready, how many bytes they
 * hold, and what a machine charges. closed_form.c and simulate.c turn the same plan into the same terms.
 */
#ifndef CHIRP_SUITES_SCALING_PLAN_H
#define CHIRP_SUITES_SCALING_PLAN_H

#include "model/network/shape.h"
#include "suites/scaling/target.h"

#include <stdint.h>

enum { CHIRP_PLAN_MAX_BUCKETS = 64 };

/** One layer's share of a step. */
typedef struct chirp_workload_layer {
    char name[32];
    int64_t trained;       /**< numbers whose gradients are exchanged */
    double forward_flops;  /**< per signal */
    double backward_flops; /**< per signal */
} chirp_workload_layer;

enum { CHIRP_WORKLOAD_MAX_LAYERS = CHIRP_MAX_LAYERS };

/** The network in forward order. */
typedef struct chirp_workload {
    int n;
    chirp_workload_layer layer[CHIRP_WORKLOAD_MAX_LAYERS];
    int backward
        [CHIRP_WORKLOAD_MAX_LAYERS]; /**< layers in the order in which the backward pass finishes them */
    int64_t trained;
    double flops; /**< forward and backward, per signal */
} chirp_workload;

/**
 * @param network  "spin" or "mass"
 * @param shared_noise  all ranks draw the same weight noise, so that rho's gradient needn't travel: one number a weight
 */
chirp_status chirp_workload_make(const char *network, chirp_variant variant, bool shared_noise,
                                 chirp_workload *workload);

typedef enum chirp_plan_exchange {
    CHIRP_PLAN_OVERLAP = 0, /**< static buckets behind the backward pass, nothing negotiated */
    CHIRP_PLAN_STUDY,       /**< cycle, negotiation, one fused reduction after the backward pass */
    CHIRP_PLAN_HALVING, /**< one reduction behind the backward pass, in messages between two; all threads add */
    CHIRP_PLAN_EXCHANGES
} chirp_plan_exchange;

/** As options name them. */
extern const char *const chirp_plan_exchange_name[CHIRP_PLAN_EXCHANGES];

typedef struct chirp_plan {
    chirp_plan_exchange exchange;
    int ranks;
    int ranks_per_node;
    int micro_steps; /**< forward and backward passes per exchange (gradient accumulation) */
    double micro_s;  /**< [s] nominal compute of one pass, all ranks alike */
    double tail_s;   /**< [s] optimiser after the exchange, per step */
    int n_buckets;
    double ready_s[CHIRP_PLAN_MAX_BUCKETS]; /**< [s] after the start of the last pass */
    double bytes[CHIRP_PLAN_MAX_BUCKETS];   /**< on the wire */
    bool
        half; /**< bf16: two bytes a number, by an alltoall and an allgather instead of an allreduce */

    int share_signals; /**< 0: equal shares; else signals of a pass, mean over ranks: whole signals go to ranks by speed */
    int speed_steps; /**< steps whose times tell the speed */

    double
        jitter_relative; /**< [1] spread of passes over ranks and steps, one standard deviation over micro_s */
    double
        jitter_fresh; /**< [1] the part of it that is new in every pass; the rest stays with a rank */

    double bandwidth, latency, local_bandwidth, local_latency; /**< [B/s], [s] */
    double software_fixed, software_per_byte;                  /**< [s], [s/B] */
    double
        reduce_bandwidth; /**< [B/s] of sums, in bytes of result: of a rank, or of all on shared_processors; halving */
    double
        shared_processors; /**< 0: every rank has processors of its own; else all ranks take turns on these in exchanging */
    double
        copy_bandwidth; /**< [B/s] in and out of the fusion buffer (study) or of staging buffers (bf16) */
    double cycle_s; /**< study: period of the communication thread */
    double
        cycles; /**< study: how many periods pass on average between ready and reduced; at least 0.5 */
} chirp_plan;

/** Mean seconds of one step (all micro_steps) by term; the four add up to `seconds`. */
typedef struct chirp_step_terms {
    double seconds;
    double compute; /**< nominal: what one rank of mean speed needs alone */
    double
        straggler; /**< waiting for the slowest rank; with shares less what faster ranks take over, so it may be negative */
    double negotiation;       /**< cycle and agreement; the sum of the loss */
    double exposed_allreduce; /**< copies and reductions that nothing hides */
} chirp_step_terms;

/** Expected maximum of n independent standard normal numbers (n >= 1); by quadrature, 1e-6. */
double chirp_expected_maximum(int n);

/** [s] that a rank's processor is busy with exchanging `bytes` with the rank `distance` away; the wire comes on top. */
double chirp_exchange_software_s(const chirp_plan *plan, int distance, double bytes);

/** [s] of reducing `bytes` over the plan's ranks by recursive halving and doubling, nothing else going on. */
double chirp_allreduce_s(const chirp_plan *plan, double bytes);
/** [s] of reducing the plan's bucket b: chirp_allreduce_s(), or what bf16 does instead. */
double chirp_reduction_s(const chirp_plan *plan, int b);
/** [s] of copying a bucket's floats one way, to or from the buffers that bf16 needs; else 0. */
double chirp_staging_s(const chirp_plan *plan, int b);
/** [s] of adding `bytes` of received floats to a rank's own: halving's; others' are in software_per_byte, and this is 0. */
double chirp_sum_s(const chirp_plan *plan, double bytes);
/** [1] relative standard deviation of the speed that speed_steps steps show, when shares follow it. */
double chirp_speed_error(const chirp_plan *plan);
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

/** The terms by formula; see README.md of this folder. */
void chirp_closed_form(const chirp_plan *plan, chirp_step_terms *terms);

#endif

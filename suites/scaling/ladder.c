/* From the study's mode to ours in measures, each on top of those before it, under the same waiting; and what the last line
   hangs on. */
#include "suites/scaling/projection.h"

#include <math.h>

enum { BATCH = 64, PASSES = 4, SPEED_STEPS = 100 };

/* The settings after a measure; all others as in the study's mode. */
typedef struct setting {
    const char *name, *price, *assumes;
    chirp_plan_exchange exchange;
    bool cycle;      /* the communication thread sleeps between looks */
    bool one_bucket; /* everything is reduced behind the backward pass */
    bool shared_noise, half, left_out;
    bool own_core; /* messages are moved by a core that does nothing else */
    bool shares;
    int micro_steps;
} setting;

/* Prices: model/training/CONVERGENCE.md. */
static const setting measures[] = {
    {.name = "the study's mode",
     .price = "none",
     .assumes = "cycle and spread between nodes as fitted to the public runs; one thread copies",
     .exchange = CHIRP_PLAN_STUDY,
     .cycle = true,
     .one_bucket = true,
     .micro_steps = 1},
    {.name = "no cycle",
     .price = "none",
     .assumes = "tensors are agreed on at once: train --exchange study",
     .exchange = CHIRP_PLAN_STUDY,
     .one_bucket = true,
     .micro_steps = 1},
    {.name = "static buckets: no negotiation, no copies",
     .price = "none",
     .assumes = "gradients are reduced where they lie; the loss is summed behind every exchange",
     .one_bucket = true,
     .micro_steps = 1},
    {.name = "overlap with the backward pass",
     .price = "none",
     .assumes = "messages move while the passes compute, at no cost to them: train --exchange "
                "overlap does it between layers only",
     .left_out = true,
     .micro_steps = 1},
    {.name = "overlap with a core left to communication",
     .price = "none",
     .assumes = "what the line above needs: MPICH_ASYNC_PROGRESS=1 and a thread less; computing "
                "slows by that core's share, waiting stays",
     .left_out = true,
     .own_core = true,
     .micro_steps = 1},
    {.name = "and shared weight noise: one number a weight",
     .price = "1.05 +- 0.03 early, 1.1 and more later",
     .assumes = "train --weight-noise shared",
     .left_out = true,
     .own_core = true,
     .shared_noise = true,
     .micro_steps = 1},
    {.name = "or bf16 on the wire",
     .price = "1.01 +- 0.02",
     .assumes = "train --compress bf16: an alltoall and an allgather, whose many messages cost "
                "more than the bytes they save, and staging by one thread",
     .left_out = true,
     .own_core = true,
     .half = true,
     .micro_steps = 1},
    {.name = "or four passes per exchange",
     .price = "2.0 to 2.8",
     .assumes = "train --accumulate 4; fresh noise of passes is independent, slow nodes stay slow",
     .left_out = true,
     .own_core = true,
     .micro_steps = PASSES},
    {.name = "halving and doubling, sums by all threads",
     .price = "none",
     .assumes = "train --exchange halving: nothing hidden, so no core given away; messages between "
                "two at the speed of the wire, sums at reduce_bandwidth",
     .exchange = CHIRP_PLAN_HALVING,
     .one_bucket = true,
     .micro_steps = 1},
    {.name = "signals shared by measured speed",
     .price = "none",
     .assumes = "train --shares measured: whole signals, speeds from 100 steps; what is not "
                "jitter_fresh stays with a node that long; a pass takes as long a signal with 50 "
                "as with 90",
     .exchange = CHIRP_PLAN_HALVING,
     .one_bucket = true,
     .shares = true,
     .micro_steps = 1},
};
enum { N_MEASURES = sizeof measures / sizeof measures[0] };
_Static_assert((int)N_MEASURES <= (int)CHIRP_MAX_RUNGS, "room for every measure");

/* @param all_cores_s  [s] of a step's computing with all cores */
static chirp_status plan_of(const chirp_projection *p, const setting *s, int64_t batch, bool slow,
                            chirp_plan *plan, double *all_cores_s)
{
    chirp_projection other = *p; /* shares the machine's strings; not released */
    other.options.batch = batch;
    other.options.variant = CHIRP_VARIANT_LAST2;
    other.options.exchange = s->exchange;
    other.options.shared_noise = s->shared_noise;
    other.options.half = s->half;
    other.options.micro_steps = s->micro_steps;
    other.options.shares = s->shares;
    other.options.speed_steps = SPEED_STEPS;
    other.options.profile = NULL;
    other.options.bucket_bytes = s->one_bucket ? INT64_MAX : p->options.bucket_bytes;
    other.flops = p->machine.value[slow ? CHIRP_TARGET_FLOPS_SLOW : CHIRP_TARGET_FLOPS_FAST].value;
    chirp_status st = chirp_workload_make(p->options.network, other.options.variant,
                                          s->shared_noise, &other.workload);
    if (st == CHIRP_OK)
        st = chirp_plan_make(&other, p->scenario_nodes * p->machine.ranks_per_node, plan);
    if (st != CHIRP_OK)
        return st;
    if (!s->cycle)
        plan->cycle_s = 0;
    *all_cores_s = plan->micro_steps * plan->micro_s + plan->tail_s;
    const double cores = p->machine.value[CHIRP_TARGET_CORES].value;
    if (s->own_core && cores > 1) {
        plan->micro_s *= cores / (cores - 1);
        for (int b = 0; b < plan->n_buckets; ++b)
            plan->ready_s[b] *= cores / (cores - 1);
    }
    return CHIRP_OK;
}

static chirp_status climb(const chirp_projection *p, const setting *s, chirp_rung *rung)
{
    chirp_plan plan;
    double all_cores = 0;
    const chirp_status st = plan_of(p, s, BATCH, false, &plan, &all_cores);
    if (st != CHIRP_OK)
        return st;
    *rung = (chirp_rung){
        .name = s->name, .price = s->price, .assumes = s->assumes, .left_out = s->left_out};
    chirp_closed_form(&plan, &rung->terms);
    rung->efficiency = all_cores / rung->terms.seconds;
    rung->of_capacity = chirp_shared_compute(&plan) * rung->efficiency;
    rung->has_simulated = p->simulated && p->options.simulate_ladder && !s->left_out;
    return rung->has_simulated ? chirp_projection_simulate(p, &plan, chirp_projection_steps(&plan),
                                                           &rung->simulated)
                               : CHIRP_OK;
}

/* From the quietest to the noisiest reading of the public runs: no noise, one node's, what two nodes allow, and towards half
   of the pooled spread's variance. */
static chirp_status vary(chirp_projection *p)
{
    static const double fresh[] = {0, 0.0085, 0.016, 0.03, 0.058, 0.0877};
    static const int64_t batches[] = {16, 32, 64};
    enum { N_FRESH = sizeof fresh / sizeof fresh[0], N_BATCHES = 3 };
    const chirp_calibration *c = &p->calibration;
    for (int f = 0; f <= c->n; ++f)
        for (int i = 0; i < N_FRESH * N_BATCHES * 2; ++i) {
            const chirp_fit *fit = f < c->n ? &c->fit[f] : &c->pooled;
            chirp_plan plan;
            chirp_step_terms t;
            double all_cores = 0;
            if (p->n_sensitivities == CHIRP_MAX_SENSITIVITIES)
                return CHIRP_OK;
            chirp_sensitivity *s = &p->sensitivity[p->n_sensitivities];
            *s = (chirp_sensitivity){.spread_of = fit->network,
                                     .spread = fit->relative,
                                     .fresh = fresh[i % N_FRESH],
                                     .batch = batches[i / N_FRESH % N_BATCHES],
                                     .slow = i >= N_FRESH * N_BATCHES};
            const chirp_status st =
                plan_of(p, &measures[N_MEASURES - 1], s->batch, s->slow, &plan, &all_cores);
            if (st != CHIRP_OK)
                return st;
            plan.jitter_relative = s->spread;
            plan.jitter_fresh = s->fresh;
            chirp_closed_form(&plan, &t);
            s->efficiency = all_cores / t.seconds;
            s->of_capacity = chirp_shared_compute(&plan) * s->efficiency;
            ++p->n_sensitivities;
        }
    return CHIRP_OK;
}

chirp_status chirp_projection_ladder(chirp_projection *p)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < N_MEASURES && st == CHIRP_OK; ++i)
        st = climb(p, &measures[i], &p->rung[p->n_rungs++]);
    return st == CHIRP_OK ? vary(p) : st;
}

/* From the study's mode to ours in measures, each on top of those before it, under the same waiting. */
#include "suites/scaling/projection.h"

#include <math.h>

enum { BATCH = 64, PASSES = 4, MANY_PASSES = 40, PART = 4, SPEED_STEPS = 10 };

/* The settings after a measure; all others as in the study's mode. */
typedef struct setting {
    const char *name, *assumes;
    chirp_plan_exchange exchange;
    bool cycle;      /* the communication thread sleeps between looks */
    bool one_bucket; /* everything is reduced behind the backward pass */
    bool shared_noise, half, left_out;
    bool own_core; /* messages are moved by a core that does nothing else */
    int micro_steps;
    int part; /* 0: equal shares */
    int speed_steps;
} setting;

static const setting measures[] = {
    {.name = "the study's mode",
     .assumes = "cycle and spread between nodes as fitted to the public runs; one thread copies",
     .exchange = CHIRP_PLAN_STUDY,
     .cycle = true,
     .one_bucket = true,
     .micro_steps = 1},
    {.name = "no cycle",
     .assumes = "tensors are agreed on at once: train --exchange study",
     .exchange = CHIRP_PLAN_STUDY,
     .one_bucket = true,
     .micro_steps = 1},
    {.name = "static buckets: no negotiation, no copies",
     .assumes = "gradients are reduced where they lie",
     .one_bucket = true,
     .micro_steps = 1},
    {.name = "overlap with the backward pass",
     .assumes = "messages move while the passes compute, at no cost to them: train --exchange "
                "overlap does it between layers only",
     .micro_steps = 1},
    {.name = "a core left to communication",
     .assumes = "what the line above needs: MPICH_ASYNC_PROGRESS=1 and a thread less; computing "
                "slows by that core's share, waiting stays",
     .own_core = true,
     .micro_steps = 1},
    {.name = "shared weight noise: one number a weight",
     .assumes = "train --weight-noise shared",
     .own_core = true,
     .shared_noise = true,
     .micro_steps = 1},
    {.name = "bf16 on the wire",
     .assumes =
         "train --compress bf16: an alltoall and an allgather, whose many messages cost more "
         "than the bytes they save, and staging by one thread",
     .own_core = true,
     .shared_noise = true,
     .half = true,
     .left_out = true,
     .micro_steps = 1},
    {.name = "four passes per exchange",
     .assumes = "train --accumulate 4; fresh noise of passes is independent",
     .own_core = true,
     .shared_noise = true,
     .micro_steps = PASSES},
    {.name = "mean applied one exchange late",
     .assumes = "train --exchange delayed; gradients are staged by one thread; waiting for fresh "
                "noise by the random walk of README.md",
     .exchange = CHIRP_PLAN_DELAYED,
     .own_core = true,
     .shared_noise = true,
     .micro_steps = PASSES},
    {.name = "small parts shared by speed, four batches in parts of 4",
     .assumes = "train --batch 4 --accumulate 64 --shares measured: half a part too much on the "
                "last rank, speeds known from 10 steps. Not charged, hence left out: a small part "
                "costs more a signal than a whole batch",
     .exchange = CHIRP_PLAN_DELAYED,
     .own_core = true,
     .shared_noise = true,
     .left_out = true,
     .micro_steps = PASSES,
     .part = PART,
     .speed_steps = SPEED_STEPS},
    {.name = "whole batches shared by speed",
     .assumes = "train --shares measured: half a batch too much on the last rank, speeds known "
                "from 10 steps",
     .exchange = CHIRP_PLAN_DELAYED,
     .own_core = true,
     .shared_noise = true,
     .micro_steps = PASSES,
     .part = BATCH,
     .speed_steps = SPEED_STEPS},
    {.name = "forty passes per exchange",
     .assumes = "train --accumulate 40: shares as fine as a fortieth; steps this large cost "
                "far more signals, model/training/CONVERGENCE.md",
     .exchange = CHIRP_PLAN_DELAYED,
     .own_core = true,
     .shared_noise = true,
     .micro_steps = MANY_PASSES,
     .part = BATCH,
     .speed_steps = SPEED_STEPS},
};

static chirp_status climb(const chirp_projection *p, const setting *s, chirp_rung *rung)
{
    chirp_projection other = *p; /* shares the machine's strings; not released */
    chirp_plan plan;
    other.options.batch = BATCH;
    other.options.variant = CHIRP_VARIANT_LAST2;
    other.options.exchange = s->exchange;
    other.options.shared_noise = s->shared_noise;
    other.options.half = s->half;
    other.options.micro_steps = s->micro_steps;
    other.options.balance = s->part;
    other.options.speed_steps = s->speed_steps;
    other.options.profile = NULL;
    other.options.bucket_bytes = s->one_bucket ? INT64_MAX : p->options.bucket_bytes;
    other.flops = p->machine.value[CHIRP_TARGET_FLOPS_FAST].value;
    chirp_status st = chirp_workload_make(p->options.network, other.options.variant,
                                          s->shared_noise, &other.workload);
    if (st == CHIRP_OK)
        st = chirp_plan_make(&other, p->scenario_nodes * p->machine.ranks_per_node, &plan);
    if (st != CHIRP_OK)
        return st;
    if (!s->cycle)
        plan.cycle_s = 0;
    const double all_cores = plan.micro_steps * plan.micro_s + plan.tail_s;
    const double cores = p->machine.value[CHIRP_TARGET_CORES].value;
    if (s->own_core && cores > 1) {
        plan.micro_s *= cores / (cores - 1);
        for (int b = 0; b < plan.n_buckets; ++b)
            plan.ready_s[b] *= cores / (cores - 1);
    }
    chirp_closed_form(&plan, &rung->terms);
    rung->name = s->name;
    rung->assumes = s->assumes;
    rung->left_out = s->left_out;
    rung->efficiency = all_cores / rung->terms.seconds;
    return CHIRP_OK;
}

chirp_status chirp_projection_ladder(chirp_projection *p)
{
    chirp_status st = CHIRP_OK;
    for (size_t i = 0; i < sizeof measures / sizeof measures[0] && st == CHIRP_OK; ++i)
        st = climb(p, &measures[i], &p->rung[p->n_rungs++]);
    return st;
}

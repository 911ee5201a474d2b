/* From the study's mode to ours in measures, each on top of those before it, under the same waiting. */
#include "suites/scaling/projection.h"

#include <math.h>

/* The settings after a measure. */
typedef struct setting {
    const char *name;
    chirp_plan_exchange exchange;
    bool cycle;      /* the communication thread sleeps between looks */
    bool one_bucket; /* everything is reduced behind the backward pass */
    bool shared_noise, half;
    int micro_steps;
    bool balance;
} setting;

static const setting measures[] = {
    {"study", CHIRP_PLAN_STUDY, true, true, false, false, 1, false},
    {"no cycle", CHIRP_PLAN_STUDY, false, true, false, false, 1, false},
    {"static buckets: no negotiation, no copies", CHIRP_PLAN_OVERLAP, false, true, false, false, 1,
     false},
    {"overlap with the backward pass", CHIRP_PLAN_OVERLAP, false, false, false, false, 1, false},
    {"shared weight noise: one number a weight", CHIRP_PLAN_OVERLAP, false, false, true, false, 1,
     false},
    {"bf16 on the wire", CHIRP_PLAN_OVERLAP, false, false, true, true, 1, false},
    {"four passes per exchange", CHIRP_PLAN_OVERLAP, false, false, true, true, 4, false},
    {"mean applied one exchange late", CHIRP_PLAN_DELAYED, false, false, true, true, 4, false},
    {"signals shared by speed", CHIRP_PLAN_DELAYED, false, false, true, true, 4, true},
};

static chirp_status climb(const chirp_projection *p, const setting *s, chirp_rung *rung)
{
    chirp_projection other = *p; /* shares the machine's strings; not released */
    chirp_plan plan;
    other.options.batch = 64;
    other.options.variant = CHIRP_VARIANT_LAST2;
    other.options.exchange = s->exchange;
    other.options.shared_noise = s->shared_noise;
    other.options.half = s->half;
    other.options.micro_steps = s->micro_steps;
    other.options.balance = s->balance;
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
    chirp_closed_form(&plan, &rung->terms);
    rung->name = s->name;
    rung->efficiency = rung->terms.compute / rung->terms.seconds;
    return CHIRP_OK;
}

chirp_status chirp_projection_ladder(chirp_projection *p)
{
    chirp_status st = CHIRP_OK;
    for (size_t i = 0; i < sizeof measures / sizeof measures[0] && st == CHIRP_OK; ++i)
        st = climb(p, &measures[i], &p->rung[p->n_rungs++]);
    return st;
}

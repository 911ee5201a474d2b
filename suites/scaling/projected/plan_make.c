/* A machine, a workload and settings to a plan. */
#include "suites/scaling/projected/plan.h"

#include "model/parallel/buckets.h"
#include "suites/scaling/projected/calibration.h"

#include <math.h>

static void make_buckets(const chirp_workload *w, int64_t bytes, chirp_plan *plan)
{
    const int *order = w->backward;
    chirp_exchange_tensor tensor[CHIRP_WORKLOAD_MAX_LAYERS];
    chirp_bucket_range range[CHIRP_WORKLOAD_MAX_LAYERS];
    for (int i = 0; i < w->n; ++i)
        tensor[i] = (chirp_exchange_tensor){.count = w->layer[order[i]].trained};
    plan->n_buckets = chirp_buckets_cut(plan->exchange.rule, bytes, tensor, w->n, range);
    double at = w->forward;
    for (int b = 0; b < plan->n_buckets; ++b) {
        for (int i = range[b].first; i < range[b].first + range[b].n; ++i)
            at += w->layer[order[i]].backward;
        plan->bytes[b] = (plan->half ? 2 : 4) * (double)range[b].count;
        plan->ready_s[b] = fmin(at, 1) * plan->micro_s;
    }
}

static chirp_status check(const chirp_workload *w, const chirp_plan_settings *s)
{
    if (s->batch < 1 || s->micro_steps < 1 || (s->shares && s->speed_steps < 1))
        return chirp_fail(CHIRP_ERR_ARG, "projection: batch %lld, %d passes, speeds of %d steps",
                          (long long)s->batch, s->micro_steps, s->speed_steps);
    if (!chirp_exchange_find(s->exchange))
        return chirp_fail(CHIRP_ERR_ARG, "--exchange %s: is none of %s", s->exchange,
                          chirp_exchange_choices());
    if (s->half && !chirp_exchange_compresses(s->exchange))
        return chirp_fail(CHIRP_ERR_ARG, "--exchange %s adds floats; drop --compress", s->exchange);
    if (s->flops == CHIRP_RATE_PROFILE && !(w->seconds_per_signal > 0))
        return chirp_fail(CHIRP_ERR_ARG, "--compute measured needs --profile FILE");
    return CHIRP_OK;
}

/* [flop/s]; 0: the workload knows its seconds, and no operations */
static double rate(const chirp_machine *m, const chirp_workload *w, double flops)
{
    if (!(w->flops > 0))
        return 0;
    return flops > 0                  ? flops
           : flops == CHIRP_RATE_FAST ? m->value[CHIRP_MACHINE_FLOPS_FAST].value
           : flops == CHIRP_RATE_SLOW ? m->value[CHIRP_MACHINE_FLOPS_SLOW].value
                                      : 0;
}

/* Simulated steps when nobody asks for a number. */
static int default_steps(int ranks)
{
    if (ranks <= 256)
        return 32;
    return ranks <= 1024 ? 8 : 2;
}

/* What ranks wait for each other, and how many cycles: the machine's own, or fitted to what was observed on it. */
static chirp_status add_waiting(const chirp_machine *m, const chirp_plan_settings *s,
                                chirp_plan *plan)
{
    const chirp_machine_value *own = &m->value[CHIRP_MACHINE_JITTER_RELATIVE];
    chirp_calibration calibration = {.pooled = {.cycles = 1}};
    const chirp_status st = m->n_observed > 0 ? chirp_calibrate(m, &calibration) : CHIRP_OK;
    plan->cycles = fmax(0.5, calibration.pooled.cycles);
    plan->jitter_relative = s->jitter >= 0 ? s->jitter
                            : own->given   ? own->value
                                           : calibration.pooled.relative;
    plan->jitter_fresh =
        s->fresh_jitter >= 0 ? s->fresh_jitter : m->value[CHIRP_MACHINE_JITTER_FRESH].value;
    return st;
}

chirp_status chirp_plan_make(const chirp_machine *m, const chirp_workload *w,
                             const chirp_plan_settings *s, int ranks, chirp_plan *plan)
{
    const chirp_machine_value *v = m->value;
    const chirp_status st = check(w, s);
    if (st != CHIRP_OK)
        return st;
    const double flops = rate(m, w, s->flops);
    *plan = (chirp_plan){
        .exchange = *chirp_exchange_find(s->exchange),
        .ranks = ranks,
        .ranks_per_node = m->ranks_per_node,
        .alone = w->forward_only,
        .micro_steps = s->micro_steps,
        .flops = flops,
        .micro_s = (double)s->batch * (flops > 0 ? w->flops / flops : w->seconds_per_signal),
        .half = s->half,
        .share_signals = s->shares ? (int)s->batch : 0,
        .speed_steps = s->speed_steps,
        .correlation_steps = s->correlation_steps,
        .bandwidth = v[CHIRP_MACHINE_BANDWIDTH].value,
        .latency = v[CHIRP_MACHINE_LATENCY].value,
        .local_bandwidth = v[CHIRP_MACHINE_LOCAL_BANDWIDTH].value,
        .local_latency = v[CHIRP_MACHINE_LOCAL_LATENCY].value,
        .software_fixed = v[CHIRP_MACHINE_SOFTWARE_FIXED].value,
        .software_per_byte = v[CHIRP_MACHINE_SOFTWARE_PER_BYTE].value,
        .shared_processors = v[CHIRP_MACHINE_SHARED_PROCESSORS].value,
        .reduce_bandwidth = v[CHIRP_MACHINE_REDUCE_BANDWIDTH].value,
        .copy_bandwidth = v[CHIRP_MACHINE_COPY_BANDWIDTH].value,
        .cycle_s = v[CHIRP_MACHINE_CYCLE].value,
        .platform = m->platform_path,
        .host_prefix = m->host_prefix,
        .steps = s->steps > 0 ? s->steps : default_steps(ranks),
        .seed = s->seed,
    };
    make_buckets(w, s->bucket_bytes > 0 ? s->bucket_bytes : plan->exchange.bucket_bytes, plan);
    return add_waiting(m, s, plan);
}

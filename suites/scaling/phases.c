#include "suites/scaling/phases.h"

#include <math.h>

/* No instant separates waiting from reducing when a step overlaps with the next: what is left over is reported as waiting,
   less what the communication core alone would need beyond the compute time. Ranks need some (step / spread)^2 steps to
   drift as far apart as they ever will: the first half is left out. */
static void delayed(const chirp_plan *p, const chirp_phase_ends *end, int steps,
                    chirp_step_terms *t)
{
    const int half = steps / 2;
    if (half > 0)
        t->seconds = (end[steps - 1].computed - end[half - 1].computed) / (steps - half);
    double reductions = 0;
    for (int b = 0; b < p->n_buckets; ++b)
        reductions += chirp_reduction_s(p, b);
    t->exposed_allreduce += fmax(0, fmin(reductions, t->seconds) - t->compute);
    t->straggler = t->seconds - t->compute - t->exposed_allreduce;
}

void chirp_terms_of_phases(const chirp_plan *p, const chirp_phase_ends *end, int steps,
                           double whole, chirp_step_terms *t)
{
    *t = (chirp_step_terms){.seconds = whole / steps,
                            .compute = p->micro_steps * p->micro_s + p->tail_s};
    for (int b = 0; b < p->n_buckets; ++b) /* copying lengthens the passes and what follows */
        t->exposed_allreduce += 2 * chirp_staging_s(p, b);
    if (p->exchange == CHIRP_PLAN_DELAYED) {
        delayed(p, end, steps, t);
        return;
    }
    for (int s = 0; s < steps; ++s) {
        const chirp_phase_ends *e = &end[s];
        const bool first = p->exchange == CHIRP_PLAN_STUDY; /* it agrees before it reduces */
        t->negotiation += (e->agreed - (first ? e->computed : e->done)) / steps;
        t->exposed_allreduce += fmax(0, e->done - (first ? e->agreed : e->computed)) / steps;
    }
    t->straggler = t->seconds - t->compute - t->negotiation - t->exposed_allreduce;
}

#include "suites/scaling/phases.h"

#include <math.h>

void chirp_terms_of_phases(const chirp_plan *p, const chirp_phase_ends *end, int steps,
                           double whole, chirp_step_terms *t)
{
    *t = (chirp_step_terms){.seconds = whole / steps,
                            .compute = p->micro_steps * p->micro_s + p->tail_s};
    for (int b = 0; b < p->n_buckets; ++b) /* copying lengthens the passes and what follows */
        t->exposed_allreduce += 2 * chirp_staging_s(p, b);
    for (int s = 0; s < steps; ++s) {
        const chirp_phase_ends *e = &end[s];
        const bool first = p->exchange.negotiates; /* it agrees before it reduces */
        t->negotiation += (e->agreed - (first ? e->computed : e->done)) / steps;
        t->exposed_allreduce += fmax(0, e->done - (first ? e->agreed : e->computed)) / steps;
    }
    t->straggler = t->seconds - t->compute - t->negotiation - t->exposed_allreduce;
}

#include "suites/scaling/projected/calibration.h"

#include "suites/scaling/projected/plan.h"

#include <math.h>
#include <stdio.h>

double chirp_observed_known_s(const chirp_machine *m, int nodes)
{
    const chirp_plan plan = {
        .ranks = nodes,
        .ranks_per_node = 1,
        .bandwidth = m->value[CHIRP_MACHINE_BANDWIDTH].value,
        .latency = m->value[CHIRP_MACHINE_LATENCY].value,
        .local_bandwidth = m->value[CHIRP_MACHINE_BANDWIDTH].value,
        .local_latency = m->value[CHIRP_MACHINE_LATENCY].value,
        .software_fixed = m->value[CHIRP_MACHINE_SOFTWARE_FIXED].value,
        .software_per_byte = m->value[CHIRP_MACHINE_SOFTWARE_PER_BYTE].value,
    };
    return chirp_agreement_s(&plan) + chirp_allreduce_s(&plan, m->observed_bytes) +
           2 * m->observed_bytes / m->value[CHIRP_MACHINE_COPY_BANDWIDTH].value;
}

typedef struct sums {
    double n, e, ee, y, ey, yy;
} sums;

static void add(const chirp_machine *m, const chirp_observed_network *o, int nodes_max, sums *s)
{
    for (int i = 0; i < o->n; ++i) {
        if (o->nodes[i] > nodes_max)
            continue;
        const double e = chirp_expected_maximum(o->nodes[i]);
        const double y = o->extra_s[i] - chirp_observed_known_s(m, o->nodes[i]);
        s->n += 1;
        s->e += e;
        s->ee += e * e;
        s->y += y;
        s->ey += e * y;
        s->yy += y * y;
    }
}

/* Least squares y = intercept + slope e with both at least 0: if one would be negative, it is 0 and the other refitted. */
static void solve(const chirp_machine *m, const sums *s, chirp_fit *fit)
{
    const double determinant = s->n * s->ee - s->e * s->e;
    double slope = 0;
    double intercept = 0;
    if (determinant > 1e-12 * s->n * s->ee) {
        slope = (s->n * s->ey - s->e * s->y) / determinant;
        intercept = (s->y - slope * s->e) / s->n;
    }
    if (intercept < 0 || determinant <= 1e-12 * s->n * s->ee) {
        intercept = 0;
        slope = fmax(0, s->ey / s->ee);
    } else if (slope < 0) {
        slope = 0;
        intercept = fmax(0, s->y / s->n);
    }
    const double squares = s->yy - 2 * intercept * s->y - 2 * slope * s->ey +
                           s->n * intercept * intercept + 2 * slope * intercept * s->e +
                           slope * slope * s->ee;
    fit->cycles = intercept / m->value[CHIRP_MACHINE_CYCLE].value;
    fit->sd_s = slope;
    fit->relative = slope / m->observed_one_node_s;
    fit->rms_s = sqrt(fmax(0, squares) / s->n);
}

static void hold_out(const chirp_machine *m, const chirp_observed_network *o, chirp_calibration *c)
{
    sums few = {0};
    chirp_fit fit = {0};
    add(m, o, m->fit_nodes_max, &few);
    if (few.n < 2)
        return;
    solve(m, &few, &fit);
    for (int i = 0; i < o->n; ++i) {
        if (o->nodes[i] <= m->fit_nodes_max)
            continue;
        const double t1 = m->observed_one_node_s;
        const double extra = chirp_observed_known_s(m, o->nodes[i]) +
                             fit.cycles * m->value[CHIRP_MACHINE_CYCLE].value +
                             fit.sd_s * chirp_expected_maximum(o->nodes[i]);
        chirp_held_out *h = &c->held_out[c->n_held_out++];
        (void)snprintf(h->network, sizeof h->network, "%s", o->name);
        h->nodes = o->nodes[i];
        h->measured_efficiency = t1 / (t1 + o->extra_s[i]);
        h->predicted_efficiency = t1 / (t1 + extra);
    }
}

chirp_status chirp_calibrate(const chirp_machine *machine, chirp_calibration *c)
{
    if (machine->n_observed < 1)
        return chirp_fail(CHIRP_ERR_ARG, "machine %s has no observations to calibrate on",
                          machine->name);
    *c = (chirp_calibration){.n = machine->n_observed};
    sums all = {0};
    for (int i = 0; i < c->n; ++i) {
        sums own = {0};
        add(machine, &machine->observed[i], 1 << 30, &own);
        add(machine, &machine->observed[i], 1 << 30, &all);
        (void)snprintf(c->fit[i].network, sizeof c->fit[i].network, "%s",
                       machine->observed[i].name);
        solve(machine, &own, &c->fit[i]);
        hold_out(machine, &machine->observed[i], c);
    }
    (void)snprintf(c->pooled.network, sizeof c->pooled.network, "pooled");
    solve(machine, &all, &c->pooled);
    return CHIRP_OK;
}

#include "suites/scaling/projection.h"

#include <math.h>
#include <string.h>

void chirp_projection_release(chirp_projection *projection)
{
    chirp_machine_release(&projection->machine);
}

static double efficiency(const chirp_step_terms *t) { return t->compute / t->seconds; }

static void band(const chirp_projection *p, const chirp_plan *plan, chirp_projection_row *row)
{
    row->band[0] = row->band[1] = row->efficiency;
    for (int i = 0; p->options.settings.jitter < 0 && i < p->calibration.n; ++i) {
        chirp_plan other = *plan;
        chirp_step_terms t;
        other.jitter_relative = p->calibration.fit[i].relative;
        other.cycles = p->calibration.fit[i].cycles;
        chirp_closed_form(&other, &t);
        row->band[0] = fmin(row->band[0], efficiency(&t));
        row->band[1] = fmax(row->band[1], efficiency(&t));
    }
}

/* The machine's own runs of just this, or 0. */
static double measured_s(const chirp_projection *p, int ranks)
{
    const struct chirp_machine_runs *runs = &p->machine.runs;
    const chirp_projection_options *o = &p->options;
    const chirp_plan_settings *s = &o->settings;
    const bool same = runs->n > 0 && strcmp(runs->network, o->network) == 0 &&
                      strcmp(runs->variant, chirp_variant_name[o->variant]) == 0 &&
                      strcmp(runs->exchange, p->plan.exchange.name) == 0 &&
                      runs->batch == (double)s->batch && s->micro_steps == 1 && !s->half &&
                      !s->shares;
    for (int i = 0; same && i < runs->n; ++i)
        if (runs->ranks[i] == ranks)
            return runs->seconds[i];
    return 0;
}

/* All of them before the first is simulated, which may take minutes. */
static chirp_status check_nodes(const chirp_projection *p)
{
    const int most = p->machine.hosts / p->machine.ranks_per_node;
    for (int i = 0; i < p->options.n_rows; ++i) {
        const int nodes = p->options.nodes[i];
        if (nodes < 1 || nodes > most)
            return chirp_fail(
                CHIRP_ERR_RANGE,
                "--nodes %d: machine %s has room for 1 to %d nodes; enlarge its platform file",
                nodes, p->machine.name, most);
    }
    return CHIRP_OK;
}

static chirp_status project_row(chirp_projection *p, chirp_projection_row *row)
{
    const chirp_plan *plan = &p->plan;
    row->steps = plan->steps;
    chirp_closed_form(plan, &row->closed_form);
    const chirp_status st = p->engine->run(plan, &row->terms);
    row->efficiency = efficiency(&row->terms);
    row->measured_s = measured_s(p, row->ranks);
    band(p, plan, row);
    return st;
}

static chirp_status prepare(chirp_projection *p)
{
    const chirp_projection_options *o = &p->options;
    if (o->n_rows < 1 || o->n_rows > CHIRP_MAX_ROWS)
        return chirp_fail(CHIRP_ERR_ARG, "projection: %d rows", o->n_rows);
    chirp_status st = chirp_machine_read(o->machine, &p->machine);
    if (st == CHIRP_OK)
        st = chirp_workload_make(o->network, o->variant, o->shared_noise, &p->workload);
    if (st == CHIRP_OK && o->profile)
        st = chirp_workload_profile(o->profile, &p->workload);
    if (st == CHIRP_OK && p->machine.n_observed > 0)
        st = chirp_calibrate(&p->machine, &p->calibration);
    if (st == CHIRP_OK)
        st = chirp_engine_find(o->engine ? o->engine : "auto", &p->engine);
    return st == CHIRP_OK ? check_nodes(p) : st;
}

chirp_status chirp_project(const chirp_projection_options *options,
                           chirp_projection_progress progress, void *context, chirp_projection *p)
{
    *p = (chirp_projection){.options = *options};
    chirp_status st = prepare(p);
    for (int i = 0; st == CHIRP_OK && i < options->n_rows; ++i) {
        chirp_projection_row *row = &p->row[i];
        row->nodes = options->nodes[i];
        row->ranks = row->nodes * p->machine.ranks_per_node;
        st = chirp_plan_make(&p->machine, &p->workload, &options->settings, row->ranks, &p->plan);
        if (st == CHIRP_OK)
            st = project_row(p, row);
        p->n_rows = i + 1;
        if (st == CHIRP_OK && progress)
            progress(context, i + 1, options->n_rows, row);
    }
    if (st != CHIRP_OK)
        chirp_projection_release(p);
    return st;
}

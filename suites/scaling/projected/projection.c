#include "suites/scaling/projected/projection.h"

#include <math.h>
#include <string.h>

/* 0.03: independent runs on many Xeon Phi nodes allow no more; the others: fits to the public runs on few nodes of Theta */
const double chirp_map_spread[CHIRP_MAP_SPREADS] = {0.03, 0.064, 0.124, 0.183};
const chirp_map_condition chirp_map_conditions[CHIRP_MAP_CONDITIONS] = {
    {"for good", 0, 0},    {"3000 steps", 3000, 0}, {"1000 steps", 1000, 0},
    {"300 steps", 300, 0}, {"100 steps", 100, 0},   {"for good, events", 0, 1.0 / 500}};

void chirp_projection_release(chirp_projection *projection)
{
    chirp_machine_release(&projection->machine);
    chirp_waiting_release(&projection->laws);
}

/* Over the laws; a spread that is not fitted leaves the step-to-step noise open by a factor of two, if nobody gave it. */
static chirp_status band(const chirp_projection *p, chirp_projection_row *row)
{
    const bool open = p->calibration.n == 0 && p->options.settings.fresh_jitter < 0;
    chirp_status st = chirp_waiting_band(&p->laws, &p->plan, row->band);
    for (int i = 0; st == CHIRP_OK && open && i < 2; ++i) {
        chirp_plan other = p->plan;
        double more[2];
        other.jitter_fresh *= i ? 2 : 0.5;
        st = chirp_waiting_band(&p->laws, &other, more);
        row->band[0] = fmin(row->band[0], more[0]);
        row->band[1] = fmax(row->band[1], more[1]);
    }
    /* a simulation may be off the formula by more than a narrow band */
    row->band[0] = fmin(row->band[0], row->efficiency);
    row->band[1] = fmax(row->band[1], row->efficiency);
    return st;
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

enum { MOST_RANKS = 1 << 20 };

/* All of them before the first is simulated, which may take minutes. */
static chirp_status check_nodes(const chirp_projection *p)
{
    const int most = p->engine->simulates ? p->machine.hosts / p->machine.ranks_per_node
                                          : MOST_RANKS / p->machine.ranks_per_node;
    for (int i = 0; i < p->options.n_rows; ++i) {
        const int nodes = p->options.nodes[i];
        if (nodes < 1 || nodes > most)
            return chirp_fail(
                CHIRP_ERR_RANGE,
                "--nodes %d: machine %s has room for 1 to %d nodes; enlarge its platform file%s",
                nodes, p->machine.name, most,
                p->engine->simulates ? ", or take --engine closed_form, which needs none" : "");
    }
    return CHIRP_OK;
}

/* The plan's efficiency if a condition held instead of what the machine says; events add what the longest one adds at most. */
static void fill_map(chirp_projection *p)
{
    for (int i = 0; i < CHIRP_MAP_SPREADS; ++i)
        for (int k = 0; k < CHIRP_MAP_CONDITIONS; ++k) {
            const chirp_map_condition *c = &chirp_map_conditions[k];
            chirp_plan plan = p->plan;
            chirp_step_terms t;
            plan.jitter_relative = chirp_map_spread[i];
            plan.correlation_steps = c->correlation_steps;
            chirp_closed_form(&plan, &t);
            const double hit = -expm1(plan.ranks * log1p(-c->event_rate));
            p->map[i][k] =
                chirp_plan_efficiency(&plan, t.compute, t.seconds + 0.1 * hit * t.compute);
        }
}

static chirp_status forecast_row(chirp_projection *p, chirp_projection_row *row)
{
    const chirp_status st = chirp_forecast_make(&p->jobs, &p->plan, p->workload.forward_only,
                                                &p->laws, row->nodes, &row->forecast);
    row->terms.seconds = row->forecast.seconds;
    return st;
}

static chirp_status project_row(chirp_projection *p, chirp_projection_row *row)
{
    const chirp_plan *plan = &p->plan;
    if (p->jobs.n > 0)
        return forecast_row(p, row);
    row->steps = plan->steps;
    chirp_closed_form(plan, &row->closed_form);
    const chirp_status st = p->engine->run(plan, &row->terms);
    row->efficiency = chirp_plan_efficiency(plan, row->terms.compute, row->terms.seconds);
    row->measured_s = measured_s(p, row->ranks);
    return st == CHIRP_OK ? band(p, row) : st;
}

/* What waiting may be: by observations on few nodes, else by the spread that the user or the machine's file gives. */
static chirp_status make_laws(chirp_projection *p)
{
    const double given = p->options.settings.jitter;
    const chirp_machine_value *own = &p->machine.value[CHIRP_MACHINE_JITTER_RELATIVE];
    if (given >= 0)
        return chirp_waiting_of_spread(given, true, &p->laws);
    if (p->machine.n_observed == 0)
        return chirp_waiting_of_spread(own->value, false, &p->laws);
    const chirp_status st = chirp_waiting_fit(&p->machine, &p->laws);
    return st == CHIRP_OK ? chirp_calibrate(&p->machine, &p->calibration) : st;
}

static chirp_status make_workload(chirp_projection *p)
{
    const chirp_projection_options *o = &p->options;
    chirp_workload *w = &p->workload;
    if (!o->workload) {
        const chirp_status st = chirp_workload_make(o->network, o->variant, o->shared_noise, w);
        return st == CHIRP_OK && o->profile ? chirp_workload_profile(o->profile, w) : st;
    }
    if (o->profile)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--profile is of a built-in network; drop it or --workload");
    const chirp_status st = chirp_workload_read(o->workload, w);
    p->options.settings.batch = w->samples_per_rank;
    if (st == CHIRP_OK && !o->calibrate && !(w->flops > 0) && !(w->seconds_per_signal > 0))
        return chirp_fail(CHIRP_ERR_ARG,
                          "--workload %.60s: give it seconds_per_sample or operations_per_sample, "
                          "or name measured jobs by --calibrate",
                          o->workload);
    return st;
}

/* The jobs are of this workload and machine: their sizes say so. The program that was measured negotiates, as Horovod does. */
static chirp_status read_jobs(chirp_projection *p)
{
    chirp_plan_settings *s = &p->options.settings;
    const char *path = p->options.calibrate;
    chirp_status st = chirp_jobs_read(path, &p->jobs);
    for (int i = 0; st == CHIRP_OK && i < p->jobs.n; ++i) {
        const chirp_job_count *c = &p->jobs.count[i];
        const double bytes = 4 * (double)p->workload.trained;
        if (c->samples_per_rank != s->batch)
            st = chirp_fail(CHIRP_ERR_ARG, "%s: samples_per_rank is %d, the workload has %lld",
                            path, c->samples_per_rank, (long long)s->batch);
        else if (!p->workload.forward_only && fabs(c->gradient_bytes - bytes) > 0.01 * bytes)
            st = chirp_fail(CHIRP_ERR_ARG, "%s: gradient_bytes is %.0f, the workload has %.0f",
                            path, c->gradient_bytes, bytes);
        else if (c->ranks_per_node != p->machine.ranks_per_node)
            st = chirp_fail(CHIRP_ERR_ARG, "%s: ranks_per_node is %d, machine %s has %d", path,
                            c->ranks_per_node, p->machine.name, p->machine.ranks_per_node);
    }
    const chirp_exchange_kind *kind = chirp_exchange_kind_at(0);
    for (int i = 0; kind && !kind->negotiates; ++i)
        kind = chirp_exchange_kind_at(i + 1);
    s->exchange = kind ? kind->name : s->exchange;
    if (!(p->workload.flops > 0) && !(p->workload.seconds_per_signal > 0))
        p->workload.seconds_per_signal = 1; /* no time of its own is used */
    return st;
}

static chirp_status prepare(chirp_projection *p)
{
    const chirp_projection_options *o = &p->options;
    const bool wanders = o->settings.correlation_steps > 0; /* which no simulated draw does */
    const char *engine = !o->engine || (wanders && strcmp(o->engine, "auto") == 0)
                             ? (wanders ? "closed_form" : "auto")
                             : o->engine;
    if (o->n_rows < 1 || o->n_rows > CHIRP_MAX_ROWS)
        return chirp_fail(CHIRP_ERR_ARG, "projection: %d rows", o->n_rows);
    chirp_status st = chirp_machine_read(o->machine, &p->machine);
    if (st == CHIRP_OK)
        st = make_workload(p);
    if (st == CHIRP_OK)
        st = make_laws(p);
    if (st == CHIRP_OK)
        st = chirp_engine_find(engine, &p->engine);
    if (st == CHIRP_OK && wanders && p->engine->simulates)
        st = chirp_fail(CHIRP_ERR_ARG, "--correlation-steps: take --engine closed_form");
    if (st == CHIRP_OK && o->calibrate)
        st = read_jobs(p);
    if (p->workload.forward_only || o->calibrate)
        p->engine = &chirp_engine_closed_form; /* there is nothing to simulate */
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
        st = chirp_plan_make(&p->machine, &p->workload, &p->options.settings, row->ranks, &p->plan);
        if (st == CHIRP_OK && i == 0 && p->jobs.n > 1)
            st = chirp_forecast_weigh(&p->jobs, &p->plan, p->workload.forward_only, &p->laws);
        if (st == CHIRP_OK)
            st = project_row(p, row);
        p->n_rows = i + 1;
        if (st == CHIRP_OK && progress)
            progress(context, i + 1, options->n_rows, row);
    }
    if (st == CHIRP_OK && p->plan.share_signals > 0)
        fill_map(p);
    if (st != CHIRP_OK)
        chirp_projection_release(p);
    return st;
}

#include "suites/scaling/projected/solution.h"

#include <math.h>

const char *const chirp_solution_name[CHIRP_SOLUTION_SCALINGS] = {"divided", "weak", "strong"};

/* The two points of start_up. */
static const double FEW = 8, MANY = 512;

double chirp_solution_steps(double iterations, double reference, double batch, double noise_scale)
{
    return iterations * (1 + noise_scale / batch) / (1 + noise_scale / reference);
}

static double start_up(const double *a, int nodes)
{
    const double few = a[CHIRP_ASSUME_START_UP_8];
    const double many = a[CHIRP_ASSUME_START_UP_512];
    if (nodes <= FEW || !(few > 0) || !(many > 0))
        return nodes <= FEW ? few : many * fmin(1, nodes / MANY);
    return few * pow(nodes / FEW, log(many / few) / log(MANY / FEW));
}

/* @param signals  that a rank trains with */
static double input(const double *a, int ranks, double signals)
{
    const double bandwidth = fmin(a[CHIRP_ASSUME_READ_RANK], a[CHIRP_ASSUME_READ_ALL] / ranks);
    const double whole = a[CHIRP_ASSUME_WHOLE];
    const double bytes =
        (1 - whole) * signals * a[CHIRP_ASSUME_SIGNAL_BYTES] + whole * a[CHIRP_ASSUME_DATA_BYTES];
    if (!(a[CHIRP_ASSUME_FILES] > 0))
        return 0;
    return a[CHIRP_ASSUME_FILES] * a[CHIRP_ASSUME_FILE_OPEN] + bytes / bandwidth;
}

/* Fills index k of a row, whose step_s[k] is known. @param a  [CHIRP_ASSUMPTIONS] */
static void fill(const chirp_solution *s, const double *a, int k, chirp_solution_row *row)
{
    const double steps = row->scaling == CHIRP_SOLUTION_DIVIDED
                             ? a[CHIRP_ASSUME_ITERATIONS] * s->reference / row->batch
                             : chirp_solution_steps(a[CHIRP_ASSUME_ITERATIONS], s->reference,
                                                    row->batch, a[CHIRP_ASSUME_NOISE_SCALE]);
    row->steps[k] = fmax(1, round(steps));
    row->start_s[k] = start_up(a, row->nodes);
    row->input_s[k] = input(a, row->ranks, row->steps[k] * row->batch / row->ranks);
    row->seconds[k] = row->start_s[k] + row->input_s[k] + row->steps[k] * row->step_s[k];
}

static void central(const chirp_solution *s, double *a)
{
    for (int i = 0; i < CHIRP_ASSUMPTIONS; ++i)
        a[i] = s->assumed[i].value;
}

/* Time grows or falls with each number, whatever the others: the best of all is the best of each. */
static void fill_all(const chirp_solution *s, chirp_solution_row *row, double (*effect)[2])
{
    double a[CHIRP_ASSUMPTIONS];
    double best[CHIRP_ASSUMPTIONS];
    double worst[CHIRP_ASSUMPTIONS];
    central(s, a);
    for (int i = 0; i < CHIRP_ASSUMPTIONS; ++i) {
        const chirp_assumed *n = &s->assumed[i];
        chirp_solution_row low = *row;
        chirp_solution_row high = *row;
        a[i] = n->least;
        fill(s, a, 0, &low);
        a[i] = n->most;
        fill(s, a, 0, &high);
        a[i] = n->value;
        best[i] = low.seconds[0] <= high.seconds[0] ? n->least : n->most;
        worst[i] = low.seconds[0] <= high.seconds[0] ? n->most : n->least;
        if (effect) {
            effect[i][0] = low.seconds[0];
            effect[i][1] = high.seconds[0];
        }
    }
    fill(s, a, 0, row);
    fill(s, best, 1, row);
    fill(s, worst, 2, row);
}

/* A weak step's range is its efficiency's band. */
static void take_step(const chirp_projection_row *from, chirp_solution_row *row)
{
    row->step_s[0] = from->terms.seconds;
    row->step_s[1] = from->terms.seconds * from->efficiency / from->band[1];
    row->step_s[2] = from->terms.seconds * from->efficiency / from->band[0];
}

/* The step of a batch divided over ranks: the last rank has the rest rounded up. */
static chirp_status divided_step(const chirp_projection *p, const chirp_solution *s,
                                 chirp_solution_row *row)
{
    chirp_plan_settings settings = p->options.settings;
    chirp_plan plan;
    chirp_step_terms terms;
    double band[2];
    const int64_t passes = (int64_t)row->ranks * settings.micro_steps;
    const double overhead = s->assumed[CHIRP_ASSUME_PASS_OVERHEAD].value;
    settings.batch = (s->divided + passes - 1) / passes;
    chirp_status st = chirp_plan_make(&p->machine, &p->workload, &settings, row->ranks, &plan);
    if (st != CHIRP_OK)
        return st;
    const double longer = (1 + overhead / (double)settings.batch) /
                          (1 + overhead / (double)p->options.settings.batch);
    plan.micro_s *= longer;
    for (int b = 0; b < plan.n_buckets; ++b)
        plan.ready_s[b] *= longer;
    chirp_closed_form(&plan, &terms);
    const double efficiency = chirp_plan_efficiency(&plan, terms.compute, terms.seconds);
    st = chirp_waiting_band(&p->laws, &plan, band);
    row->step_s[0] = terms.seconds;
    row->step_s[1] = terms.seconds * efficiency / fmax(efficiency, band[1]);
    row->step_s[2] = terms.seconds * efficiency / fmin(efficiency, band[0]);
    return st;
}

static chirp_status add_row(const chirp_projection *p, int i, chirp_solution_scaling scaling,
                            chirp_solution *s)
{
    const chirp_projection_row *from = &p->row[i];
    chirp_solution_row *row = &s->row[s->n];
    const bool last = scaling == CHIRP_SOLUTION_WEAK && i == p->n_rows - 1;
    *row = (chirp_solution_row){.scaling = scaling,
                                .nodes = from->nodes,
                                .ranks = from->ranks,
                                .batch = s->one_rank * from->ranks};
    if (scaling == CHIRP_SOLUTION_STRONG) {
        if ((int64_t)from->ranks * p->options.settings.micro_steps > s->divided)
            return CHIRP_OK; /* a rank would have no signal */
        row->batch = (double)s->divided;
        const chirp_status st = divided_step(p, s, row);
        if (st != CHIRP_OK)
            return st;
    } else {
        take_step(from, row);
    }
    fill_all(s, row, last ? s->effect : NULL);
    ++s->n;
    return CHIRP_OK;
}

chirp_status chirp_solution_check(const chirp_projection_options *o,
                                  const chirp_solution_options *options)
{
    chirp_solution scratch;
    if (o->workload || o->calibrate)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--time-to-solution knows iterations and noise scale of the built-in "
                          "networks only: drop --%s",
                          o->workload ? "workload" : "calibrate");
    if ((options->curve != NULL) != (options->level > 0))
        return chirp_fail(CHIRP_ERR_ARG, "--curve FILE and --level E belong together: the log of a "
                                         "training, and the held-out relative error to reach");
    const chirp_status st = chirp_solution_assume(options->assume, true, &scratch);
    if (st != CHIRP_OK || !options->curve)
        return st;
    if (scratch.assumed[CHIRP_ASSUME_ITERATIONS].given)
        return chirp_fail(CHIRP_ERR_ARG, "--assume iterations: they come from --curve; give one of "
                                         "both");
    return chirp_solution_read_level(options->curve, o->network, options->level, &scratch.level);
}

chirp_status chirp_solution_make(const chirp_projection *p, const chirp_solution_options *options,
                                 chirp_solution *s)
{
    *s = (chirp_solution){.rank_batch = p->options.settings.batch};
    chirp_status st = chirp_solution_assume(options->assume, p->plan.exchange.negotiates, s);
    s->one_rank = (double)s->rank_batch * p->options.settings.micro_steps;
    s->divided = options->global_batch > 0 ? options->global_batch : (int64_t)s->one_rank;
    s->reference = s->one_rank;
    if (st == CHIRP_OK && options->curve) {
        st = chirp_solution_read_level(options->curve, p->options.network, options->level,
                                       &s->level);
        s->reference = s->level.batch;
        s->assumed[CHIRP_ASSUME_ITERATIONS] =
            (chirp_assumed){s->level.steps, s->level.steps, s->level.steps, true};
    }
    for (int k = 0; st == CHIRP_OK && k < CHIRP_SOLUTION_SCALINGS; ++k)
        for (int i = 0; st == CHIRP_OK && i < p->n_rows; ++i)
            st = add_row(p, i, (chirp_solution_scaling)k, s);
    return st;
}

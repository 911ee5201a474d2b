#include "suites/scaling/projected/waiting.h"

#include "harness/base/memory.h"
#include "suites/scaling/projected/calibration.h"
#include "suites/scaling/projected/engine.h"

#include <math.h>
#include <stdlib.h>

enum { SIZES = 51, CYCLES = 9, RATES = 12 };

static const double READING = 0.01; /* of a time, read off a plot */
static const double MOST_WAITING =
    1; /* of the one-node step: at the most nodes observed, or by an event */
static const double MOST_CYCLES = 2;   /* theta.json: one or two pass between ready and reduced */
static const double LEAST_RATE = 1e-3; /* below it, waiting is linear over all observations */

/* scatter: of the maximum of N, around the law; prior: over a form's variants 1 in all. */
static const struct {
    const char *title;
    double scatter, prior;
    int rates;
} forms[CHIRP_WAITING_FORMS] = {
    [CHIRP_WAITING_PERMANENT] = {"nodes differ for good, each job on other nodes", 1, 0.5, 1},
    [CHIRP_WAITING_PERMANENT_SAME] = {"nodes differ for good, all jobs on the same nodes", 1.0 / 3,
                                      0.5, 1},
    [CHIRP_WAITING_LOG] = {"log2 N, synchronisation", 0, 1, 1},
    [CHIRP_WAITING_RARE] = {"rare events that hold up all ranks", 0, 1, RATES},
};

const char *chirp_waiting_title(chirp_waiting_form form) { return forms[form].title; }

static bool permanent(chirp_waiting_form form) { return forms[form].scatter > 0; }

double chirp_waiting_growth(const chirp_waiting *law, int ranks)
{
    if (permanent(law->form))
        return chirp_expected_maximum(ranks);
    if (law->form == CHIRP_WAITING_LOG)
        return log2(ranks);
    return ranks > 1 ? -expm1(ranks * log1p(-law->rate)) : 0; /* one rank waits for nobody */
}

/* What the laws of one form and rate say of a network's observations, whatever their size. */
typedef struct expectation {
    double known_s[CHIRP_MAX_OBSERVATIONS], growth[CHIRP_MAX_OBSERVATIONS],
        scatter[CHIRP_MAX_OBSERVATIONS];
} expectation;

static void expect(const chirp_machine *m, const chirp_waiting *law, expectation *e)
{
    const chirp_observed_network *o = &m->observed[law->network];
    const double scatter = forms[law->form].scatter;
    for (int i = 0; i < o->n; ++i) {
        e->known_s[i] = chirp_observed_known_s(m, o->nodes[i]);
        e->growth[i] = chirp_waiting_growth(law, o->nodes[i]);
        e->scatter[i] = scatter > 0 ? scatter * chirp_maximum_sd(o->nodes[i]) : 0;
    }
}

/* Log likelihood of a network's observations: errors of their own, and one that all share, that of the one-node step. */
static double log_likelihood(const chirp_machine *m, const chirp_waiting *law, const expectation *e)
{
    const chirp_observed_network *o = &m->observed[law->network];
    const double t1 = m->observed_one_node_s;
    const double of_node = forms[law->form].scatter * law->size_s;
    const double shared = READING * READING * t1 * t1 + of_node * of_node;
    double logs = 0;
    double squares = 0;
    double along = 0;
    double precision = 0;
    for (int i = 0; i < o->n; ++i) {
        const double sd = hypot(READING * (t1 + o->extra_s[i]), e->scatter[i] * law->size_s);
        const double expected = e->known_s[i] + law->cycles_s + law->size_s * e->growth[i];
        const double error = (o->extra_s[i] - expected) / sd;
        logs += log(sd);
        squares += error * error;
        along += error / sd;
        precision += 1 / (sd * sd);
    }
    /* of a diagonal matrix and `shared` everywhere: Sherman and Morrison, and the determinant's lemma */
    const double factor = 1 + shared * precision;
    return -logs - 0.5 * log(factor) - 0.5 * (squares - shared * along * along / factor);
}

/* Every size and number of cycles of a form at one rate; returns how many. */
static int add_grid(const chirp_machine *m, chirp_waiting law, chirp_waiting *to)
{
    const chirp_observed_network *o = &m->observed[law.network];
    expectation e;
    double most = 0;
    expect(m, &law, &e);
    for (int i = 0; i < o->n; ++i)
        most = law.form == CHIRP_WAITING_RARE ? 1 : fmax(most, e.growth[i]);
    const double step = MOST_WAITING * m->observed_one_node_s / (SIZES - 1) / most;
    const double cycle = MOST_CYCLES * m->value[CHIRP_MACHINE_CYCLE].value / (CYCLES - 1);
    for (int s = 0; s < SIZES; ++s)
        for (int c = 0; c < CYCLES; ++c) {
            law.size_s = s * step;
            law.cycles_s = c * cycle;
            law.weight = log_likelihood(m, &law, &e);
            *to++ = law;
        }
    return SIZES * CYCLES;
}

/* From log likelihoods of a network's laws to weights that sum to `share`, half of each for either scale. */
static void weigh(chirp_waiting_laws *laws, int first, int n, double share)
{
    double most = -HUGE_VAL;
    double sum = 0;
    for (int i = first; i < first + n; ++i)
        most = fmax(most, laws->law[i].weight);
    for (int i = first; i < first + n; ++i) {
        chirp_waiting *law = &laws->law[i];
        law->weight = exp(law->weight - most) * forms[law->form].prior / forms[law->form].rates;
        sum += law->weight;
    }
    for (int i = first; i < first + n; ++i) {
        chirp_waiting *law = &laws->law[i];
        law->weight /= sum;
        laws->form_weight[law->network][law->form] += law->weight;
        law->weight *= share;
    }
}

chirp_status chirp_waiting_fit(const chirp_machine *m, chirp_waiting_laws *laws)
{
    int rates = 0;
    *laws = (chirp_waiting_laws){.one_node_s = m->observed_one_node_s};
    if (m->n_observed < 1)
        return chirp_fail(CHIRP_ERR_ARG, "machine %s has no observations to fit waiting to",
                          m->name);
    for (int f = 0; f < CHIRP_WAITING_FORMS; ++f)
        rates += forms[f].rates;
    const int of_network = rates * SIZES * CYCLES;
    laws->law = chirp_calloc(2 * (size_t)m->n_observed * (size_t)of_network, sizeof *laws->law);
    if (!laws->law)
        return CHIRP_ERR_NOMEM;
    for (int k = 0; k < m->n_observed; ++k) {
        const int first = laws->n;
        for (int f = 0; f < CHIRP_WAITING_FORMS; ++f)
            for (int r = 0; r < forms[f].rates; ++r)
                laws->n += add_grid(
                    m,
                    (chirp_waiting){.form = (chirp_waiting_form)f,
                                    .network = k,
                                    .rate = pow(LEAST_RATE, 1 - r / (double)(RATES - 1)) * 0.999},
                    laws->law + laws->n);
        weigh(laws, first, of_network, 0.5 / m->n_observed);
    }
    /* nothing observed tells seconds from shares of a step */
    for (int i = 0; i < laws->n; ++i) {
        laws->law[laws->n + i] = laws->law[i];
        laws->law[laws->n + i].absolute = true;
    }
    laws->n *= 2;
    return CHIRP_OK;
}

chirp_status chirp_waiting_of_spread(double relative, bool exact, chirp_waiting_laws *laws)
{
    static const double factors[] = {1, 0.5, 2};
    *laws = (chirp_waiting_laws){.n = exact ? 1 : 3, .one_node_s = 1, .plan_cycles = true};
    laws->law = chirp_calloc((size_t)laws->n, sizeof *laws->law);
    if (!laws->law)
        return CHIRP_ERR_NOMEM;
    for (int i = 0; i < laws->n; ++i)
        laws->law[i] = (chirp_waiting){.form = CHIRP_WAITING_PERMANENT_SAME,
                                       .size_s = factors[i] * relative,
                                       .weight = 1.0 / laws->n};
    return CHIRP_OK;
}

void chirp_waiting_release(chirp_waiting_laws *laws)
{
    chirp_free(laws->law);
    *laws = (chirp_waiting_laws){0};
}

static int by_value(const void *a, const void *b)
{
    const double x = ((const chirp_weighted *)a)->value;
    const double y = ((const chirp_weighted *)b)->value;
    return (x > y) - (x < y);
}

double chirp_weighted_quantile(chirp_weighted *items, size_t n, double p)
{
    double sum = 0;
    double below = 0;
    qsort(items, n, sizeof *items, by_value);
    for (size_t i = 0; i < n; ++i)
        sum += items[i].weight;
    for (size_t i = 0; i + 1 < n; ++i) {
        below += items[i].weight;
        if (below >= p * sum)
            return items[i].value;
    }
    return items[n - 1].value;
}

/* A plan whose nodes differ for good by `plan.jitter_relative`, and what comes of it. */
typedef struct permanent_case {
    chirp_plan plan;
    chirp_step_terms terms;
    double efficiency_s; /* [s] efficiency times seconds */
    double maximum;      /* expected, of the plan's ranks */
} permanent_case;

static void solve_case(permanent_case *c, double relative)
{
    if (c->plan.jitter_relative == relative && c->terms.seconds > 0)
        return; /* neighbours in the grid share it */
    c->plan.jitter_relative = relative;
    chirp_closed_form(&c->plan, &c->terms);
    c->efficiency_s =
        chirp_plan_efficiency(&c->plan, c->terms.compute, c->terms.seconds) * c->terms.seconds;
}

static double efficiency_of(const chirp_waiting *law, double one_node_s, const chirp_plan *plan,
                            permanent_case *c)
{
    const double step = plan->micro_steps * plan->micro_s;
    const double relative = law->size_s / (law->absolute ? step : one_node_s);
    const double cycles = plan->exchange.negotiates ? law->cycles_s : 0;
    double waiting = 0;
    if (permanent(law->form)) {
        solve_case(c, fmax(relative, plan->jitter_fresh));
    } else {
        solve_case(c, 0);
        waiting = step * fmax(relative * chirp_waiting_growth(law, plan->ranks),
                              plan->jitter_fresh * c->maximum);
    }
    return c->efficiency_s / (c->terms.seconds + cycles + waiting);
}

chirp_status chirp_waiting_band(const chirp_waiting_laws *laws, const chirp_plan *plan,
                                double band[2])
{
    chirp_weighted *items = chirp_calloc((size_t)laws->n, sizeof *items);
    permanent_case c = {.plan = *plan, .maximum = chirp_expected_maximum(plan->ranks)};
    if (!items)
        return CHIRP_ERR_NOMEM;
    if (!laws->plan_cycles)
        c.plan.cycles = 0; /* a law brings its own */
    size_t n = 0;
    for (int i = 0; i < laws->n && plan->ranks > 1 && !plan->alone; ++i)
        if (laws->law[i].weight > 1e-9) {
            items[n].value = efficiency_of(&laws->law[i], laws->one_node_s, plan, &c);
            items[n++].weight = laws->law[i].weight;
        }
    band[0] = n > 0 ? chirp_weighted_quantile(items, n, 0.05) : 1;
    band[1] = n > 0 ? chirp_weighted_quantile(items, n, 0.95) : 1;
    chirp_free(items);
    return CHIRP_OK;
}

/* Time to solution as tables and as JSON, with every number that it takes for granted. */
#include "suites/scaling/projected/solution.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static const double HOUR = 3600;

static double node_hours(const chirp_solution_row *row, int k)
{
    return row->nodes * row->seconds[k] / HOUR;
}

/* The row of one node of its scaling, or NULL. */
static const chirp_solution_row *alone(const chirp_solution *s, const chirp_solution_row *row)
{
    for (int i = 0; i < s->n; ++i)
        if (s->row[i].scaling == row->scaling && s->row[i].nodes == 1)
            return &s->row[i];
    return NULL;
}

static void print_title(const chirp_solution *s, chirp_solution_scaling scaling)
{
    static const char *const how[CHIRP_SOLUTION_SCALINGS] = {
        [CHIRP_SOLUTION_WEAK] = "every rank with its whole batch (weak)",
        [CHIRP_SOLUTION_STRONG] = "one batch divided over the ranks (strong)"};
    const double iterations = s->assumed[CHIRP_ASSUME_ITERATIONS].value;
    if (scaling == CHIRP_SOLUTION_DIVIDED)
        printf(
            "\n%.0f steps of %.0f signals divided by the ranks: the same signals on any number of "
            "nodes, but not the same error\n",
            iterations, s->reference);
    else if (s->level.steps > 0)
        printf("\nTo the held-out error of %g, which --curve came to after %.0f steps of %.0f "
               "signals; "
               "%s\n",
               s->level.error, iterations, s->reference, how[scaling]);
    else
        printf("\nTo the error that %.0f steps of %.0f signals reach on one rank, %s\n", iterations,
               s->reference, how[scaling]);
    printf("%6s %10s %10s %10s %10s %9s %9s %11s %25s %11s %9s\n", "nodes", "batch", "steps",
           "Msignals", "step s", "start s", "input s", "seconds", "range", "node-hours", "faster");
}

static void print_row(const chirp_solution *s, const chirp_solution_row *row)
{
    const chirp_solution_row *one = alone(s, row);
    printf("%6d %10.0f %10.0f %10.3f %10.4f %9.1f %9.1f %11.0f %11.0f .. %10.0f %11.1f", row->nodes,
           row->batch, row->steps[0], 1e-6 * row->steps[0] * row->batch, row->step_s[0],
           row->start_s[0], row->input_s[0], row->seconds[0], row->seconds[1], row->seconds[2],
           node_hours(row, 0));
    if (one)
        printf(" %8.1fx", one->seconds[0] / row->seconds[0]);
    printf("\n");
}

static void print_assumptions(const chirp_solution *s)
{
    printf(
        "\nTaken for granted (--assume NAME=VALUE replaces one); effect: seconds of the last weak "
        "row at the least and the most\n");
    for (int i = 0; i < CHIRP_ASSUMPTIONS; ++i) {
        const chirp_assumption_rule *rule = chirp_assumption_at(i);
        const chirp_assumed *a = &s->assumed[i];
        printf("  %-13s %10.6g %-7s %s", rule->name, a->value, rule->unit,
               i == CHIRP_ASSUME_ITERATIONS && s->level.steps > 0 ? "by --curve"
               : a->given                                         ? "given by --assume"
                                                                  : rule->kind);
        if (a->least < a->most)
            printf(", %.4g .. %.4g, effect %.0f and %.0f s", a->least, a->most, s->effect[i][0],
                   s->effect[i][1]);
        printf("\n                %s\n", a->given ? "" : rule->source);
    }
    printf("A range takes all of them, and the step's band, at their best and at their worst at "
           "once.\n");
}

/* What was published of a whole training, against its row. */
typedef struct published {
    const chirp_solution_row *row;
    double rest_s; /* [s] left for steps */
    double step_s; /* [s] of each */
    double rate
        [2]
        [2]; /* [flop/s] of a rank without loss, and at the published efficiency; with start-up and input, and without */
    double missing_s; /* [s] of the published time that the row doesn't explain */
} published;

static double rate(const chirp_projection *p, double step_s)
{
    const chirp_plan_settings *set = &p->options.settings;
    return p->workload.flops * (double)set->batch * set->micro_steps / step_s;
}

static bool compare_published(const chirp_projection *p, const chirp_solution *s, published *out)
{
    const chirp_machine *m = &p->machine;
    *out = (published){0};
    for (int i = 0; i < s->n; ++i)
        if (s->row[i].scaling == CHIRP_SOLUTION_DIVIDED && s->row[i].nodes == m->published_nodes)
            out->row = &s->row[i];
    if (!out->row || !(m->published_seconds > 0) || s->level.steps > 0)
        return false;
    for (int k = 0; k < 2; ++k) { /* with start-up and input; without */
        const double rest =
            m->published_seconds - (k == 0 ? out->row->start_s[0] + out->row->input_s[0] : 0);
        const double step = rest > 0 ? rest / out->row->steps[0] : 0;
        if (k == 0) {
            out->rest_s = rest;
            out->step_s = step;
        }
        out->rate[0][k] = step > 0 ? rate(p, step) : 0;
        out->rate[1][k] = step > 0 ? rate(p, step * m->published_efficiency) : 0;
    }
    out->missing_s = m->published_seconds - out->row->seconds[0];
    return true;
}

static void print_published(const chirp_projection *p, const chirp_solution *s)
{
    published c;
    if (!compare_published(p, s, &c))
        return;
    if (!(c.step_s > 0)) {
        printf("\nPublished: %.0f s on %d nodes (%s), which start-up and input alone exceed.\n",
               p->machine.published_seconds, p->machine.published_nodes,
               p->machine.published_source);
        return;
    }
    printf("\nPublished: %.0f s on %d nodes (%s). Divided iterations leave %.2f s a step after "
           "start-up and input.\nA rank then computed at %.1f GFLOP/s if nothing was lost, at %.1f "
           "at the published efficiency (%.1f and %.1f without start-up and input).\nAt the "
           "row's own rate %.0f s of the published time are not explained%s.\n",
           p->machine.published_seconds, p->machine.published_nodes, p->machine.published_source,
           c.step_s, c.rate[0][0] / 1e9, c.rate[1][0] / 1e9, c.rate[0][1] / 1e9, c.rate[1][1] / 1e9,
           c.missing_s, c.missing_s < 0 ? ": it was faster" : "");
}

void chirp_solution_print(const chirp_projection *p, const chirp_solution *s)
{
    for (int i = 0; i < s->n; ++i) {
        if (i == 0 || s->row[i].scaling != s->row[i - 1].scaling)
            print_title(s, s->row[i].scaling);
        print_row(s, &s->row[i]);
    }
    printf("Msignals: millions of signals computed. Strong rows are by the closed form. One noise "
           "scale "
           "stands for the whole training.\n");
    print_published(p, s);
    print_assumptions(s);
}

static void put_range(cJSON *item, const char *key, const double *value)
{
    cJSON_AddItemToObject(item, key, cJSON_CreateDoubleArray(value, 2));
}

static cJSON *row_json(const chirp_solution *s, const chirp_solution_row *row)
{
    cJSON *item = cJSON_CreateObject();
    const chirp_solution_row *one = alone(s, row);
    (void)cJSON_AddStringToObject(item, "scaling", chirp_solution_name[row->scaling]);
    (void)cJSON_AddNumberToObject(item, "nodes", row->nodes);
    (void)cJSON_AddNumberToObject(item, "ranks", row->ranks);
    (void)cJSON_AddNumberToObject(item, "signals_per_step", row->batch);
    (void)cJSON_AddNumberToObject(item, "steps", row->steps[0]);
    (void)cJSON_AddNumberToObject(item, "signals", row->steps[0] * row->batch);
    (void)cJSON_AddNumberToObject(item, "seconds_per_step", row->step_s[0]);
    put_range(item, "seconds_per_step_range", row->step_s + 1);
    (void)cJSON_AddNumberToObject(item, "start_up", row->start_s[0]);
    (void)cJSON_AddNumberToObject(item, "input", row->input_s[0]);
    (void)cJSON_AddNumberToObject(item, "seconds", row->seconds[0]);
    put_range(item, "seconds_range", row->seconds + 1);
    (void)cJSON_AddNumberToObject(item, "node_hours", node_hours(row, 0));
    if (one)
        (void)cJSON_AddNumberToObject(item, "times_faster_than_one_node",
                                      one->seconds[0] / row->seconds[0]);
    return item;
}

static cJSON *assumption_json(const chirp_solution *s, int i)
{
    const chirp_assumption_rule *rule = chirp_assumption_at(i);
    const chirp_assumed *a = &s->assumed[i];
    const double range[2] = {a->least, a->most};
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "name", rule->name);
    (void)cJSON_AddNumberToObject(item, "value", a->value);
    (void)cJSON_AddStringToObject(item, "unit", rule->unit);
    (void)cJSON_AddStringToObject(item, "kind", a->given ? "given" : rule->kind);
    (void)cJSON_AddStringToObject(item, "source",
                                  i == CHIRP_ASSUME_ITERATIONS && s->level.steps > 0 ? "--curve"
                                  : a->given                                         ? "--assume"
                                             : rule->source);
    put_range(item, "range", range);
    put_range(item, "seconds_of_last_weak_row", s->effect[i]);
    return item;
}

static void published_json(const chirp_projection *p, const chirp_solution *s, cJSON *object)
{
    published c;
    cJSON *item = compare_published(p, s, &c) ? cJSON_AddObjectToObject(object, "published") : NULL;
    if (!item)
        return;
    (void)cJSON_AddNumberToObject(item, "nodes", c.row->nodes);
    (void)cJSON_AddNumberToObject(item, "seconds", p->machine.published_seconds);
    (void)cJSON_AddNumberToObject(item, "seconds_left_for_steps", c.rest_s);
    (void)cJSON_AddNumberToObject(item, "seconds_not_explained", c.missing_s);
    if (!(c.step_s > 0))
        return; /* start-up and input alone take longer */
    (void)cJSON_AddNumberToObject(item, "seconds_per_step", c.step_s);
    (void)cJSON_AddNumberToObject(item, "flops_without_loss", c.rate[0][0]);
    (void)cJSON_AddNumberToObject(item, "flops_at_published_efficiency", c.rate[1][0]);
}

void chirp_solution_json(const chirp_projection *p, const chirp_solution *s, cJSON *root)
{
    cJSON *object = cJSON_AddObjectToObject(root, "time_to_solution");
    if (s->level.steps > 0)
        (void)cJSON_AddNumberToObject(object, "held_out_error", s->level.error);
    (void)cJSON_AddNumberToObject(object, "reference_steps",
                                  s->assumed[CHIRP_ASSUME_ITERATIONS].value);
    (void)cJSON_AddNumberToObject(object, "reference_signals_per_step", s->reference);
    cJSON *rows = cJSON_AddArrayToObject(object, "rows");
    for (int i = 0; i < s->n; ++i)
        cJSON_AddItemToArray(rows, row_json(s, &s->row[i]));
    published_json(p, s, object);
    cJSON *list = cJSON_AddArrayToObject(object, "assumptions");
    for (int i = 0; i < CHIRP_ASSUMPTIONS; ++i)
        cJSON_AddItemToArray(list, assumption_json(s, i));
    (void)cJSON_AddStringToObject(object, "ranges",
                                  "all assumptions and the step's band at their best, and at their "
                                  "worst, at once");
}

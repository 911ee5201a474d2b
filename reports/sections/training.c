/* Training curves from the logs of `chirpbench train --log`. */
#include "reports/sections/sections.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"

#include <math.h>
#include <string.h>

enum { CURVE_POINTS = 500, TABLE_LINES = 16 };

/* Objects like "validation_relative_error" hold one number per label. */
enum { MOST_LABELS = 8 };

typedef struct training_log {
    const chirp_result_file *file;
    const cJSON **line; /* in order */
    size_t count;
} training_log;

static double member(const cJSON *line, const char *group, const char *key)
{
    return chirp_json_number(group ? cJSON_GetObjectItemCaseSensitive(line, group) : line, key);
}

/*
 * A data block "iteration value" with at most CURVE_POINTS points: means over equal runs of lines, for the plot only.
 * Validation numbers are few and are not averaged.
 * @param varies  receives whether they are not all the same
 * @return how many points
 */
static int curve(chirp_markup *script, const training_log *log, const char *name, const char *group,
                 const char *key, bool *varies)
{
    double first = (double)NAN;
    *varies = false;
    const size_t per_point = group ? 1 : (log->count + CURVE_POINTS - 1) / CURVE_POINTS;
    int points = 0;
    chirp_markup_format(script, "$%s << EOD\n", name);
    for (size_t i = 0; i < log->count; i += per_point) {
        double x = 0;
        double y = 0;
        int n = 0;
        for (size_t k = i; k < i + per_point && k < log->count; ++k) {
            const double iteration = chirp_json_number(log->line[k], "iteration");
            const double value = member(log->line[k], group, key);
            if (isfinite(value) && isfinite(iteration)) {
                x += iteration;
                y += value;
                ++n;
            }
        }
        if (n > 0) {
            chirp_markup_format(script, "%.9g %.9g\n", x / n, y / n);
            first = points++ ? first : y / n;
            *varies = *varies || fabs(y / n - first) > 1e-9 * fabs(first);
        }
    }
    chirp_markup_raw(script, "EOD\n");
    return points;
}

static const char frame[] = "set grid lt 1 lc rgb '#8a9099' lw 0.3\nset border 3 lw 0.7\nset tics "
                            "nomirror\nset xlabel 'iteration'\n"
                            "set key outside top center horizontal noenhanced\nset format x "
                            "'%g'\nset xtics autofreq\nset ytics autofreq\n";

typedef struct series {
    const char *key, *title;
    const char *group;
} series;

/* One figure of several curves; those that the log lacks are left out, and so is a figure without any, or whose only curve is a level line. */
static void figure(chirp_report *r, const training_log *log, const char *title, const char *caption,
                   const char *settings, const series *list, int n)
{
    chirp_markup script = {0};
    chirp_markup plots = {0};
    int shown = 0;
    bool telling = false;
    chirp_markup_raw(&script, frame);
    chirp_markup_raw(&script, settings);
    for (int i = 0; i < n; ++i) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%d", i);
        bool varies = false;
        const int points = curve(&script, log, name, list[i].group, list[i].key, &varies);
        if (points == 0)
            continue;
        telling = telling || varies || points == 1;
        chirp_markup_format(&plots, "%s$%s using 1:2 with %s lw 1.8 pt 7 ps 0.5 lc rgb '%s' title ",
                            shown ? ", " : "plot ", name,
                            points == 1     ? "points"
                            : list[i].group ? "linespoints"
                                            : "lines",
                            chirp_plot_colour[i % CHIRP_PLOT_COLOURS]);
        chirp_gnuplot_quote(&plots, list[i].title);
        ++shown;
    }
    if (!telling) {
        chirp_markup_clear(&script);
        chirp_markup_clear(&plots);
        return;
    }
    chirp_markup_raw(&plots, "\n");
    chirp_markup_raw(&script, plots.bytes);
    script.failed = script.failed || plots.failed;
    chirp_markup_clear(&plots);
    chirp_report_figure(r, title, caption, 560, 330, &script);
}

/* Labels of a group of numbers, from the first line that has it; a trailing "mean" comes last. */
static int labels_of(const training_log *log, const char *group, const char **label)
{
    int n = 0;
    for (size_t i = 0; i < log->count; ++i) {
        const cJSON *object = cJSON_GetObjectItemCaseSensitive(log->line[i], group);
        const cJSON *item = NULL;
        if (!cJSON_IsObject(object))
            continue;
        cJSON_ArrayForEach(item, object) if (n < MOST_LABELS && item->string) label[n++] =
            item->string;
        break;
    }
    return n;
}

static void error_figure(chirp_report *r, const training_log *log)
{
    const char *label[2 * MOST_LABELS] = {NULL};
    char title[2 * MOST_LABELS][48];
    series list[1 + 2 * MOST_LABELS];
    int n = 0;
    list[n++] = (series){"relative_error", "training, batch mean", NULL};
    static const char *const group[] = {"relative_error", "validation_relative_error"};
    int used = 0;
    for (int g = 0; g < 2; ++g) {
        const int labels = labels_of(log, group[g], label + used);
        for (int i = 0; i < labels; ++i, ++used) {
            (void)snprintf(title[used], sizeof title[used], "%s %.24s", g ? "held out" : "training",
                           label[used]);
            list[n++] = (series){label[used], title[used], group[g]};
        }
    }
    figure(r, log, "Relative error during training",
           "Mean of |estimate - truth| / |truth|: of the training batches, and of held-out signals "
           "where they were checked.",
           "set logscale y\nset format y '%g'\nset ylabel 'relative error'\n", list, n);
}

static void log_table(chirp_report *r, const training_log *log)
{
    static const char *const headers[] = {"iteration",
                                          "loss",
                                          "negative log likelihood",
                                          "KL [nats]",
                                          "relative error",
                                          "held-out error",
                                          "learning rate",
                                          "signals/s",
                                          "time of step",
                                          NULL};
    chirp_table t;
    chirp_table_begin(&t, "Lines of the log: the first, the last and some between", headers);
    const size_t n = log->count < TABLE_LINES ? log->count : TABLE_LINES;
    size_t before = log->count;
    for (size_t i = 0; i < n; ++i) {
        const size_t k = n < 2 ? 0 : (i * (log->count - 1)) / (n - 1);
        if (k == before)
            continue;
        before = k;
        const cJSON *line = log->line[k];
        chirp_table_member(&t, line, "iteration", CHIRP_UNIT_INTEGER);
        chirp_table_member(&t, line, "loss", CHIRP_UNIT_FIXED3);
        chirp_table_member(&t, line, "negative_log_likelihood", CHIRP_UNIT_FIXED3);
        chirp_table_member(&t, line, "kl", CHIRP_UNIT_FIXED3);
        chirp_table_member(&t, line, "relative_error", CHIRP_UNIT_PLAIN);
        chirp_table_member(&t, cJSON_GetObjectItemCaseSensitive(line, "validation_relative_error"),
                           "mean", CHIRP_UNIT_PLAIN);
        chirp_table_member(&t, line, "learning_rate", CHIRP_UNIT_PLAIN);
        chirp_table_member(&t, line, "signals_per_second", CHIRP_UNIT_FIXED1);
        chirp_table_member(&t, line, "seconds", CHIRP_UNIT_SECONDS);
    }
    chirp_report_table(r, &t, TABLE_LINES);
}

/* The held-out error per label of the last check. */
static void validation_table(chirp_report *r, const training_log *log)
{
    static const char *const headers[] = {"label", "held-out relative error", NULL};
    const cJSON *last = NULL;
    const cJSON *item = NULL;
    double iteration = (double)NAN;
    chirp_table t;
    for (size_t i = log->count; i > 0 && !last; --i) {
        last = cJSON_GetObjectItemCaseSensitive(log->line[i - 1], "validation_relative_error");
        iteration = chirp_json_number(log->line[i - 1], "iteration");
    }
    if (!cJSON_IsObject(last))
        return;
    chirp_markup_raw(&r->body, "<p>Last check on held-out signals, at iteration ");
    chirp_markup_number(&r->body, iteration, CHIRP_UNIT_INTEGER);
    chirp_markup_raw(&r->body, ":</p>\n");
    chirp_table_begin(&t, "Error on held-out signals", headers);
    cJSON_ArrayForEach(item, last)
    {
        chirp_table_text(&t, item->string);
        chirp_table_number(&t, cJSON_IsNumber(item) ? item->valuedouble : (double)NAN,
                           CHIRP_UNIT_PLAIN);
    }
    chirp_report_table(r, &t, 10);
}

static double median_rate(const training_log *log)
{
    double *x = chirp_alloc((log->count + 1) * sizeof *x);
    size_t n = 0;
    double median = (double)NAN;
    for (size_t i = 0; x && i < log->count; ++i) {
        const double rate = chirp_json_number(log->line[i], "signals_per_second");
        if (isfinite(rate))
            x[n++] = rate;
    }
    if (x)
        median = chirp_median(x, n);
    chirp_free(x);
    return median;
}

static void write_log(chirp_report *r, const training_log *log)
{
    static const series loss[] = {{"loss", "loss (negative ELBO per signal)", NULL},
                                  {"negative_log_likelihood", "negative log likelihood", NULL}};
    static const series kl[] = {{"kl", "KL", NULL}};
    static const series rate[] = {{"learning_rate", "learning rate", NULL}};
    static const series speed[] = {{"signals_per_second", "signals per second", NULL}};
    const double median = chirp_report_derived(r, median_rate(log),
                                               "median_signals_per_second/%.100s", log->file->name);
    chirp_markup_raw(&r->body, "<h3>");
    chirp_markup_text(&r->body, log->file->name);
    chirp_markup_raw(&r->body, "</h3>\n");
    chirp_report_source(r, log->file);
    chirp_markup_raw(&r->body, "<p>");
    chirp_markup_number(&r->body, chirp_json_number(log->line[log->count - 1], "iteration"),
                        CHIRP_UNIT_INTEGER);
    chirp_markup_raw(&r->body, " iterations, median ");
    chirp_markup_number(&r->body, median, CHIRP_UNIT_FIXED1);
    chirp_markup_raw(&r->body, " signals per second.</p>\n");
    chirp_report_subject(r, "%.100s", log->file->name);
    chirp_figures_begin(r);
    figure(r, log, "Loss during training",
           "The cost that is minimised and its likelihood part, nats per signal.",
           "set ylabel 'nats'\n", loss, 2);
    error_figure(r, log);
    figure(r, log, "KL divergence during training",
           "KL divergence of the weights' posterior from their prior.",
           "set ylabel 'nats'\nset format y '%g'\n", kl, 1);
    figure(r, log, "Learning rate", "Learning rate of each step.",
           "set yrange [0:*]\nset format y '%g'\n", rate, 1);
    figure(r, log, "Speed of training",
           "Signals per second over all ranks, data generation included.", "set yrange [0:*]\n",
           speed, 1);
    chirp_figures_end(r);
    log_table(r, log);
    validation_table(r, log);
}

static void draw_training(chirp_report *r)
{
    const chirp_result_file *file = NULL;
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_TRAINING, i));
         ++i) {
        training_log log = {.file = file};
        const cJSON *line = NULL;
        const size_t n = (size_t)cJSON_GetArraySize(file->root);
        if (n == 0) {
            chirp_report_source(r, file);
            chirp_report_say(r, "The log has no lines yet.");
            continue;
        }
        if (!(log.line = chirp_calloc(n, sizeof *log.line))) {
            r->body.failed = true;
            break;
        }
        cJSON_ArrayForEach(line, file->root) log.line[log.count++] = line;
        write_log(r, &log);
        chirp_free(log.line);
    }
}

const chirp_section chirp_section_training = {
    .id = "training",
    .title = "Training",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_TRAINING),
    .draw = draw_training,
};

/* Scaling: what was measured here, what is projected to a machine one lacks, and what others published, in one picture. */
#include "reports/sections/sections.h"
#include "reports/sections/scaling_series.h"
#include "reports/sections/scaling_tables.h"
#include "reports/files/published.h"

#include <math.h>
#include <string.h>

typedef struct term {
    const char *key, *title;
} term;

enum { MOST_TERMS = 8 };

/* Ended by a NULL key; colours follow the place. */
static const term measured_terms[] = {{"compute", "compute"},
                                      {"waiting", "waiting for the slowest rank"},
                                      {"control", "control messages"},
                                      {"exposed_communication", "exposed communication"},
                                      {"optimizer", "optimiser"},
                                      {"input", "input"},
                                      {NULL, NULL}};
static const term projected_terms[] = {{"compute", "compute"},
                                       {"straggler", "waiting for the slowest node"},
                                       {"negotiation", "negotiation"},
                                       {"exposed_allreduce", "exposed allreduce"},
                                       {NULL, NULL}};

static int count_terms(const term *terms)
{
    int n = 0;
    while (terms[n].key)
        ++n;
    return n;
}

static const cJSON *rows_of(const chirp_result_file *file)
{
    return cJSON_GetObjectItemCaseSensitive(file->root, "rows");
}

/* "theta, horovod exchange, last2, batch 64" from whatever the file says. */
static void describe(chirp_markup *m, const chirp_result_file *file)
{
    static const struct {
        const char *key, *after, *dull; /* the dull value says nothing worth a word */
    } words[] = {{"machine", "", NULL},
                 {"mode", "", NULL},
                 {"exchange", " exchange", NULL},
                 {"variational", "", NULL},
                 {"weight_noise", " weight noise", "independent"},
                 {"compress", "", "none"},
                 {"shares", " shares", "equal"}};
    const char *separator = "";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; ++i) {
        const char *word = chirp_json_string(file->root, words[i].key);
        if (!word || (words[i].dull && strcmp(word, words[i].dull) == 0))
            continue;
        chirp_markup_format(m, "%s%s%s", separator, word, words[i].after);
        separator = ", ";
    }
    const double batch = chirp_json_number(file->root, "batch");
    const double micro_steps = chirp_json_number(file->root, "accumulate");
    if (isfinite(batch)) {
        chirp_markup_format(m, "%sbatch %g", separator, batch);
        separator = ", ";
    }
    if (micro_steps > 1)
        chirp_markup_format(m, "%s%g passes per exchange", separator, micro_steps);
}

/* @param series  NULL, or whose rows */
static int points(chirp_markup *script, const char *name, int index, const cJSON *rows,
                  const char *x_key, const chirp_series *series, bool bands)
{
    const cJSON *row = NULL;
    int n = 0;
    chirp_markup_format(script, "$%s%d << EOD\n", name, index);
    cJSON_ArrayForEach(row, rows)
    {
        const double x = chirp_json_number(row, x_key);
        const double y = chirp_json_number(row, "efficiency");
        if (!(x > 0) || !isfinite(y) || (series && !chirp_series_has(series, row)))
            continue;
        const cJSON *interval =
            cJSON_GetObjectItemCaseSensitive(row, bands ? "efficiency_band" : "interval_95");
        const cJSON *low = cJSON_GetArrayItem(interval, 0);
        const cJSON *high = cJSON_GetArrayItem(interval, 1);
        const bool given = cJSON_IsNumber(low) && cJSON_IsNumber(high);
        chirp_markup_format(script, "%.9g %.9g %.9g %.9g\n", x, y, given ? low->valuedouble : y,
                            given ? high->valuedouble : y);
        ++n;
    }
    chirp_markup_raw(script, "EOD\n");
    return n;
}

static void titled(chirp_markup *plots, const char *before, const chirp_result_file *file,
                   const chirp_series *series)
{
    chirp_markup title = {0};
    chirp_markup_raw(&title, before);
    describe(&title, file);
    if (series)
        chirp_series_name(&title, series);
    chirp_markup_raw(plots, " title ");
    chirp_gnuplot_quote(plots, title.bytes ? title.bytes : before);
    plots->failed = plots->failed || title.failed;
    chirp_markup_clear(&title);
}

/* Every series of every measurement. */
static void measured_points(chirp_report *r, chirp_markup *script, chirp_markup *plots, int colour)
{
    static const int point_type[] = {7, 5, 9, 11, 13, 15}; /* colours come round again */
    const chirp_result_file *file = NULL;
    chirp_series series;
    int n = 0;
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_SCALING, i));
         ++i)
        for (int k = 0; chirp_series_find(file, k, &series); ++k, ++colour, ++n) {
            if (points(script, "scale", n, rows_of(file), "ranks", &series, false) == 0)
                continue;
            chirp_markup_format(
                plots, ", $scale%d using 1:2:3:4 with yerrorlines pt %d ps 1 lw 1.5 lc rgb '%s'", n,
                point_type[n % 6], chirp_plot_colour[colour % CHIRP_PLOT_COLOURS]);
            titled(plots, "measured here: ", file, &series);
        }
}

/* The key stands below the plot, a line for each, and must not eat it. */
static int height_for(const char *plots)
{
    enum { PLOT_AND_AXIS = 350, LINE = 22 };
    int height = PLOT_AND_AXIS;
    for (const char *at = plots; at && (at = strstr(at, " title ")); at += strlen(" title "))
        height += LINE;
    return height;
}

static void efficiency_figure(chirp_report *r)
{
    chirp_markup script = {0};
    chirp_markup plots = {0};
    const chirp_result_file *file = NULL;
    const cJSON *published = chirp_published_scaling(&r->results);
    int colour = 0;
    chirp_markup_raw(
        &script,
        "set logscale x 2\nset yrange [0<*<0.6:1.04]\nset format x '%.0f'\nset format y '%g'\nset "
        "xlabel "
        "'nodes or ranks'\n"
        "set ylabel 'efficiency'\nset grid lt 1 lc rgb '#8a9099' lw 0.3\nset border 3 lw 0.7\nset "
        "tics nomirror\n"
        "set key bmargin left vertical Left reverse samplen 2.5 noenhanced\nset xrange "
        "[0.8:*<8192]\n");
    chirp_markup_raw(&plots, "plot 1 with lines dt 2 lw 1.2 lc rgb '#7d7f86' title 'ideal'");
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_PROJECTION, i));
         ++i, ++colour) {
        if (points(&script, "project", (int)i, rows_of(file), "nodes", NULL, true) == 0)
            continue;
        const char *rgb = chirp_plot_colour[colour % CHIRP_PLOT_COLOURS];
        chirp_markup_format(&plots,
                            ", $project%zu using 1:3:4 with filledcurves fs transparent solid 0.16 "
                            "noborder lc rgb '%s' notitle",
                            i, rgb);
        chirp_markup_format(&plots,
                            ", $project%zu using 1:2 with linespoints lw 2 pt 6 ps 0.7 lc rgb '%s'",
                            i, rgb);
        titled(&plots, "projected: ", file, NULL);
    }
    measured_points(r, &script, &plots, colour);
    file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_PROJECTION, 0);
    const cJSON *calibration =
        file ? cJSON_GetObjectItemCaseSensitive(file->root, "calibrated_on") : NULL;
    if (points(&script, "observed", 0, cJSON_GetObjectItemCaseSensitive(calibration, "observed"),
               "nodes", NULL, false) > 0)
        chirp_markup_raw(&plots, ", $observed0 using 1:2 with points pt 4 ps 0.8 lc rgb '#8a7a00' "
                                 "title 'public runs that the projection was calibrated on'");
    if (published)
        chirp_markup_format(&plots,
                            ", '+' using (%.9g):(%.9g) every ::0::0 with points pt 3 ps 1.8 lw 2.5 "
                            "lc rgb '#d1425a' title 'published, %g nodes'",
                            chirp_json_number(published, "nodes"),
                            chirp_json_number(published, "efficiency"),
                            chirp_json_number(published, "nodes"));
    chirp_markup_raw(&plots, "\n");
    const int height = height_for(plots.bytes);
    chirp_markup_raw(&script, plots.bytes);
    script.failed = script.failed || plots.failed;
    chirp_markup_clear(&plots);
    chirp_report_figure(
        r, "Scaling efficiency",
        "Efficiency: the time of a step on one rank over that on many (weak scaling), or over that "
        "times the ranks (strong). Bars are 95 % intervals of what was measured here; shaded bands "
        "hold 90 % of the laws of waiting that a projection allows.",
        860, height, &script);
}

/* Names the figure and shows it. @param script  consumed */
static void budget_show(chirp_report *r, const chirp_result_file *file, const chirp_series *series,
                        chirp_markup *script)
{
    chirp_markup caption = {0};
    chirp_markup_raw(&caption, "Where the time of a step goes: ");
    chirp_markup plain = {0};
    describe(&plain, file);
    if (series)
        chirp_series_name(&plain, series);
    chirp_markup_text(&caption, plain.bytes);
    chirp_markup_raw(&caption, ".");
    script->failed = script->failed || caption.failed || plain.failed;
    chirp_report_subject(r, "%.40s, %.110s", file->name, plain.bytes ? plain.bytes : "");
    chirp_report_figure(r, "Loss budget", caption.bytes ? caption.bytes : "", 560, 360, script);
    chirp_report_subject(r, "%s", "");
    chirp_markup_clear(&caption);
    chirp_markup_clear(&plain);
}

/* Shares of the step, stacked: what the time went to. */
static void budget_figure(chirp_report *r, const chirp_result_file *file, const char *x_key,
                          const term *terms, const chirp_series *series)
{
    static const char *const colour[MOST_TERMS] = {"#2b7fd4", "#d9660b", "#8a7a00",
                                                   "#a65bc9", "#23935f", "#0e8f9c"};
    const int n_terms = count_terms(terms);
    chirp_markup script = {0};
    const cJSON *row = NULL;
    int n = 0;
    chirp_markup_raw(&script, "$b << EOD\n");
    cJSON_ArrayForEach(row, rows_of(file))
    {
        double part[MOST_TERMS];
        double sum = 0;
        if (series && !chirp_series_has(series, row))
            continue;
        for (int i = 0; i < n_terms; ++i) {
            part[i] = chirp_json_number(row, terms[i].key);
            part[i] = part[i] > 0 ? part[i] : 0;
            sum += part[i];
        }
        const double whole = chirp_json_number(row, "seconds_per_step");
        const double base = whole > sum ? whole : sum;
        if (!(base > 0) || !(chirp_json_number(row, x_key) > 0) || sum == 0)
            continue;
        chirp_markup_format(&script, "%g", chirp_json_number(row, x_key));
        for (int i = 0; i < n_terms; ++i)
            chirp_markup_format(&script, " %.9g", 100 * part[i] / base);
        chirp_markup_format(&script, " %.9g\n", 100 * (base - sum) / base);
        ++n;
    }
    chirp_markup_format(
        &script,
        "EOD\nset style data histograms\nset style histogram rowstacked\nset boxwidth 0.75\n"
        "set style fill solid 0.9 noborder\nset yrange [0:100]\nset ylabel 'share of a step "
        "[%%]'\nset xlabel '%s'\n"
        "set border 3 lw 0.7\nset tics nomirror\nset key bmargin left vertical maxrows 4 Left "
        "reverse samplen 1.5 noenhanced\nset xrange [-0.6:%d-0.4]\nplot ",
        x_key, n);
    for (int i = 0; i < n_terms; ++i)
        chirp_markup_format(&script, "%s$b using %d%s lc rgb '%s' title '%s'", i ? ", " : "", i + 2,
                            i == 0 ? ":xtic(1)" : "", colour[i], terms[i].title);
    chirp_markup_format(&script, ", $b using %d lc rgb '#9aa0a8' title 'rest'\n", n_terms + 2);
    if (n == 0) {
        chirp_markup_clear(&script);
        return;
    }
    budget_show(r, file, series, &script);
}

static void row_interval(chirp_table *t, const cJSON *row, const char *key, chirp_unit unit)
{
    const cJSON *interval = cJSON_GetObjectItemCaseSensitive(row, key);
    for (int end = 0; end < 2; ++end) {
        const cJSON *item = cJSON_GetArrayItem(interval, end);
        chirp_table_number(t, cJSON_IsNumber(item) ? item->valuedouble : (double)NAN, unit);
    }
}

static void rows_table(chirp_report *r, const chirp_result_file *file, bool projected)
{
    static const char *const measured[] = {"ranks",      "threads", "variational", "time of a step",
                                           "efficiency", "from",    "to",          "signals/s",
                                           NULL};
    static const char *const projection[] = {
        "nodes",     "ranks",   "time of a step",          "efficiency",  "from",
        "to",        "compute", "waiting for the slowest", "negotiation", "exposed allreduce",
        "signals/s", NULL};
    const int n_terms =
        projected ? count_terms(projected_terms) : 0; /* else a table of their own */
    chirp_markup caption = {0};
    const cJSON *row = NULL;
    chirp_table t;
    chirp_markup_raw(&caption, projected ? "Projected: " : "Measured: ");
    describe(&caption, file);
    chirp_table_begin(&t, caption.bytes ? caption.bytes : "", projected ? projection : measured);
    cJSON_ArrayForEach(row, rows_of(file))
    {
        chirp_table_member(&t, row, projected ? "nodes" : "ranks", CHIRP_UNIT_INTEGER);
        chirp_table_member(&t, row, projected ? "ranks" : "threads", CHIRP_UNIT_INTEGER);
        if (!projected)
            chirp_table_text(&t, chirp_json_string(row, "variational"));
        chirp_table_member(&t, row, "seconds_per_step", CHIRP_UNIT_SECONDS);
        chirp_table_member(&t, row, "efficiency", CHIRP_UNIT_PERCENT);
        row_interval(&t, row, projected ? "efficiency_band" : "interval_95", CHIRP_UNIT_PERCENT);
        for (int i = 0; i < n_terms; ++i)
            chirp_table_member(&t, row, projected_terms[i].key, CHIRP_UNIT_SECONDS);
        chirp_table_member(&t, row, "signals_per_second", CHIRP_UNIT_FIXED1);
    }
    t.failed = t.failed || caption.failed;
    chirp_report_table(r, &t, 20);
    chirp_markup_clear(&caption);
}

/* Step times of a program that was measured on fewer nodes. */
static bool forecast_table(chirp_report *r, const chirp_result_file *file)
{
    static const char *const headers[] = {"nodes", "ranks", "time of a step", "from", "to", NULL};
    const cJSON *row = NULL;
    chirp_table t;
    if (!cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(rows_of(file), 0), "interval_90"))
        return false;
    chirp_table_begin(&t, "Predicted: mean step of one further job, 90 % prediction interval",
                      headers);
    cJSON_ArrayForEach(row, rows_of(file))
    {
        chirp_table_member(&t, row, "nodes", CHIRP_UNIT_INTEGER);
        chirp_table_member(&t, row, "ranks", CHIRP_UNIT_INTEGER);
        chirp_table_member(&t, row, "seconds_per_step", CHIRP_UNIT_SECONDS);
        row_interval(&t, row, "interval_90", CHIRP_UNIT_SECONDS);
    }
    chirp_report_table(r, &t, 20);
    return true;
}

static void list_texts(chirp_report *r, const char *title, const cJSON *texts)
{
    const cJSON *text = NULL;
    if (cJSON_GetArraySize(texts) == 0)
        return;
    chirp_markup_format(&r->body, "<details><summary>%s</summary><ul>\n", title);
    cJSON_ArrayForEach(text, texts)
    {
        chirp_markup_raw(&r->body, "<li>");
        chirp_markup_text(&r->body, cJSON_GetStringValue(text));
        chirp_markup_raw(&r->body, "</li>\n");
    }
    chirp_markup_raw(&r->body, "</ul></details>\n");
}

static void write_project(chirp_report *r, const chirp_result_file *file)
{
    chirp_report_source(r, file);
    if (!forecast_table(r, file))
        rows_table(r, file, true);
    chirp_scaling_comparison(r, file);
    list_texts(r, "What this projection assumes",
               cJSON_GetObjectItemCaseSensitive(file->root, "assumptions"));
}

static void published_line(chirp_report *r)
{
    const cJSON *point = chirp_published_scaling(&r->results);
    if (!point)
        return;
    chirp_markup_raw(&r->body, "<p>Published: ");
    chirp_markup_number(&r->body, chirp_json_number(point, "efficiency"), CHIRP_UNIT_PERCENT);
    chirp_markup_raw(&r->body, " at ");
    chirp_markup_number(&r->body, chirp_json_number(point, "nodes"), CHIRP_UNIT_INTEGER);
    chirp_markup_raw(&r->body, " nodes (");
    chirp_markup_text(&r->body, chirp_json_string(point, "source"));
    chirp_markup_raw(&r->body, ").</p>\n");
}

/* What a measurement says of itself, a slow rank first of all: in sight, not folded. */
static void notes(chirp_report *r, const chirp_result_file *file)
{
    const cJSON *note = NULL;
    cJSON_ArrayForEach(note, cJSON_GetObjectItemCaseSensitive(file->root, "notes"))
    {
        chirp_markup_raw(&r->body, "<p>");
        chirp_markup_text(&r->body, cJSON_GetStringValue(note));
        chirp_markup_raw(&r->body, "</p>\n");
    }
}

static void draw_scaling(chirp_report *r)
{
    const chirp_result_file *file = NULL;
    chirp_series series;
    efficiency_figure(r);
    published_line(r);
    chirp_figures_begin(r);
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_SCALING, i));
         ++i)
        for (int k = 0; chirp_series_find(file, k, &series); ++k)
            budget_figure(r, file, "ranks", measured_terms, &series);
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_PROJECTION, i));
         ++i)
        budget_figure(r, file, "nodes", projected_terms, NULL);
    chirp_figures_end(r);
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_SCALING, i));
         ++i) {
        chirp_report_source(r, file);
        notes(r, file);
        rows_table(r, file, false);
        chirp_scaling_parts(r, file);
        chirp_scaling_losses(r, file);
        chirp_scaling_costs(r, file);
        chirp_scaling_held_out(r, file);
        chirp_scaling_spread(r, file);
        chirp_scaling_calls(r, file);
    }
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_PROJECTION, i));
         ++i)
        write_project(r, file);
}

const chirp_section chirp_section_scaling = {
    .id = "scaling",
    .title = "Scaling",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_SCALING) | CHIRP_NEEDS(CHIRP_DOCUMENT_PROJECTION),
    .also = CHIRP_NEEDS(CHIRP_DOCUMENT_PUBLISHED),
    .draw = draw_scaling,
};

/* Layer and kernel times: one chart and one table per family of benchmarks. */
#include "reports/sections/sections.h"
#include "reports/sections/bench_rows.h"

#include <math.h>
#include <string.h>

enum { MOST_BARS = 60, MOST_ALGORITHMS = CHIRP_PLOT_COLOURS };

/* Colours follow algorithms: the same word has the same colour within a chart. */
static int algorithm_index(const char **seen, int *n_seen, const char *algorithm)
{
    for (int i = 0; i < *n_seen; ++i)
        if (strcmp(seen[i], algorithm) == 0)
            return i;
    if (*n_seen < MOST_ALGORITHMS)
        seen[(*n_seen)++] = algorithm;
    return *n_seen - 1;
}

static bool same_case(const chirp_bench_line *a, const chirp_bench_line *b)
{
    return strcmp(a->part[0], b->part[0]) == 0 && strcmp(a->part[1], b->part[1]) == 0 &&
           strcmp(a->part[3], b->part[3]) == 0 && strcmp(a->arguments, b->arguments) == 0;
}

static bool in_chart(const chirp_bench_line *line, const char *family)
{
    return strcmp(line->part[0], family) == 0 && line->time_s > 0;
}

/* The arguments that all rows of a family share, "" when they differ: said once, not in every label. */
static const char *common_arguments(const chirp_bench_lines *lines, const char *family)
{
    const char *common = NULL;
    for (size_t i = 0; i < lines->count; ++i) {
        if (!in_chart(&lines->line[i], family))
            continue;
        if (common && strcmp(common, lines->line[i].arguments) != 0)
            return "";
        common = lines->line[i].arguments;
    }
    return common ? common : "";
}

/* Pass, case and arguments; the algorithm is the colour. */
static void bar_label(chirp_markup *ticks, const chirp_bench_line *line, bool arguments)
{
    chirp_markup name = {0};
    const char *const words[] = {line->part[1], line->part[3], arguments ? line->arguments : ""};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; ++i)
        if (words[i][0])
            chirp_markup_format(&name, "%s%s", name.used ? "  " : "", words[i]);
    chirp_gnuplot_quote(ticks, name.bytes ? name.bytes : line->part[0]);
    ticks->failed = ticks->failed || name.failed;
    chirp_markup_clear(&name);
}

typedef struct bars {
    chirp_markup data, ticks;
    const char *seen[MOST_ALGORITHMS];
    int n_seen, n;
    double least, most;
    double at; /* of the next bar; cases stand a little apart */
} bars;

/* Bars of one case stand together under one label. */
static void collect_bars(const chirp_bench_lines *lines, const char *family, bool arguments,
                         bars *b)
{
    for (size_t i = 0; i < lines->count; ++i) {
        bool first = in_chart(&lines->line[i], family);
        for (size_t k = 0; k < i && first; ++k)
            first =
                !in_chart(&lines->line[k], family) || !same_case(&lines->line[k], &lines->line[i]);
        for (size_t k = i; k < lines->count && first && b->n < MOST_BARS; ++k) {
            const chirp_bench_line *line = &lines->line[k];
            if (!in_chart(line, family) || !same_case(line, &lines->line[i]))
                continue;
            chirp_markup_format(&b->data, "%.2f %.9g %d\n", -b->at, line->time_s * 1e3,
                                algorithm_index(b->seen, &b->n_seen, line->part[2]));
            if (k == i) {
                chirp_markup_raw(&b->ticks, b->n ? "," : "");
                bar_label(&b->ticks, line, arguments);
                chirp_markup_format(&b->ticks, " %.2f", -b->at);
            }
            b->least = fmin(b->least, line->time_s * 1e3);
            b->most = fmax(b->most, line->time_s * 1e3);
            ++b->n;
            b->at += 1;
        }
        b->at += first && b->n_seen > 1 ? 0.5 : 0;
    }
}

static void chart(chirp_report *r, const chirp_bench_lines *lines, const char *family)
{
    const char *common = common_arguments(lines, family);
    bars b = {.least = INFINITY};
    chirp_markup script = {0};
    chirp_markup title = {0};
    chirp_markup caption = {0};
    collect_bars(lines, family, common[0] == '\0', &b);
    if (b.n == 0)
        return;
    const int height = 112 + (int)(19 * b.at);
    const double floor_ms = pow(10, floor(log10(b.least) - 0.3));
    chirp_markup_raw(&script, "$bars << EOD\n");
    chirp_markup_raw(&script, b.data.bytes);
    chirp_markup_raw(&script, "EOD\nset ytics (");
    chirp_markup_raw(&script, b.ticks.bytes);
    chirp_markup_format(
        &script,
        ") noenhanced scale 0\nset yrange [%g:0.6]\nset logscale x\nset xrange [%g:%g]\nset format "
        "x '%%g'\n"
        "set xlabel 'time per call [ms], shorter is better'\nset grid x lt 1 lc rgb '#8a9099' lw "
        "0.4\n"
        "set border 1 lw 0.7\nset xtics nomirror\nset style fill solid 0.85 noborder\n"
        "set key at screen 0.5, screen %g center top horizontal maxrows 2 noenhanced\n"
        "set tmargin at screen %g\nset bmargin at screen %g\nset lmargin at screen 0.36\nplot ",
        -b.at + 0.4, floor_ms, b.most * 1.6, 1 - 4.0 / height, 1 - 52.0 / height, 56.0 / height);
    for (int a = 0; a < b.n_seen; ++a) {
        chirp_markup_format(&script,
                            "%s$bars using ($3==%d?$2:1/0):1:(%g):2:($1-0.4):($1+0.4) with "
                            "boxxyerror lc rgb '%s' title ",
                            a ? ", " : "", a, floor_ms, chirp_plot_colour[a % CHIRP_PLOT_COLOURS]);
        chirp_gnuplot_quote(&script, b.seen[a][0] ? b.seen[a] : family);
    }
    chirp_markup_raw(&script, "\n");
    chirp_markup_format(&title, "%s: time per call", family); /* escaped when it is written */
    chirp_markup_raw(&caption,
                     "Median wall time of one call, logarithmic; the colour is the algorithm");
    if (common[0]) {
        chirp_markup_raw(&caption, "; all with ");
        chirp_markup_text(&caption, common);
    }
    chirp_markup_raw(&caption, ".");
    script.failed =
        script.failed || b.ticks.failed || b.data.failed || title.failed || caption.failed;
    chirp_report_figure(r, title.bytes ? title.bytes : "", caption.bytes ? caption.bytes : "", 860,
                        height, &script);
    chirp_markup_clear(&b.data);
    chirp_markup_clear(&b.ticks);
    chirp_markup_clear(&title);
    chirp_markup_clear(&caption);
}

static void table_row(chirp_report *r, const chirp_bench_lines *lines, const chirp_bench_line *line,
                      chirp_table *t)
{
    const chirp_bench_line *baseline = chirp_bench_baseline_of(lines, line);
    double ratio = (double)NAN;
    chirp_table_text(t, line->name);
    chirp_table_scaled(t, line->error ? (double)NAN : chirp_json_number(line->row, "real_time"),
                       line->unit_s, CHIRP_UNIT_SECONDS);
    chirp_table_scaled(t, chirp_json_number(line->row, "real_time_ci_low"), line->unit_s,
                       CHIRP_UNIT_SECONDS);
    chirp_table_scaled(t, chirp_json_number(line->row, "real_time_ci_high"), line->unit_s,
                       CHIRP_UNIT_SECONDS);
    chirp_table_member(t, line->row, "GFLOPS", CHIRP_UNIT_FIXED1);
    chirp_table_member(t, line->row, "effective_GFLOPS", CHIRP_UNIT_FIXED1);
    chirp_table_member(t, line->row, "peak_fraction", CHIRP_UNIT_PERCENT);
    chirp_table_member(t, line->row, "bytes_per_second", CHIRP_UNIT_BYTES_PER_SECOND);
    chirp_table_member(t, line->row, "items_per_second", CHIRP_UNIT_FIXED1);
    chirp_table_member(t, line->row, "relative_error", CHIRP_UNIT_SCIENTIFIC);
    if (baseline)
        ratio = chirp_report_derived(r, baseline->time_s / line->time_s, "ratio_to_baseline/%.200s",
                                     line->name);
    chirp_table_number(t, ratio, CHIRP_UNIT_RATIO);
    chirp_table_text(t, line->error ? line->error : baseline ? baseline->part[2] : NULL);
}

static void family(chirp_report *r, const chirp_bench_lines *lines, size_t first)
{
    static const char *const headers[] = {"benchmark",
                                          "time",
                                          "interval from",
                                          "to",
                                          "GFLOP/s",
                                          "effective GFLOP/s",
                                          "of FMA peak",
                                          "bytes",
                                          "items/s",
                                          "error",
                                          "baseline time / ours",
                                          "remark",
                                          NULL};
    const char *name = lines->line[first].part[0];
    chirp_table t;
    chirp_markup_raw(&r->body, "<h3>");
    chirp_markup_text(&r->body, name);
    chirp_markup_raw(&r->body, "</h3>\n");
    chart(r, lines, name);
    chirp_table_begin(&t, name, headers);
    for (size_t k = first; k < lines->count; ++k)
        if (strcmp(lines->line[k].part[0], name) == 0)
            table_row(r, lines, &lines->line[k], &t);
    chirp_report_table(r, &t, 40);
}

/* The whole network first, the machine's own loops last, the rest as the file has it. */
static int place(const char *name)
{
    return strcmp(name, "network") == 0 ? 0 : strcmp(name, "reference") == 0 ? 2 : 1;
}

static bool first_of_family(const chirp_bench_lines *lines, size_t i)
{
    for (size_t k = 0; k < i; ++k)
        if (strcmp(lines->line[k].part[0], lines->line[i].part[0]) == 0)
            return false;
    return true;
}

static void draw_kernels(chirp_report *r)
{
    chirp_bench_lines lines = {0};
    if (chirp_bench_lines_read(&r->results, &lines) != CHIRP_OK) {
        r->body.failed = true;
        return;
    }
    chirp_report_say(r, "Median wall time per call. <em>GFLOP/s</em> counts operations done, "
                        "<em>effective</em> those of the direct "
                        "method over the same time, so that a faster algorithm shows; <em>of FMA "
                        "peak</em> is GFLOP/s over the peak "
                        "measured in the same run. <em>Error</em> is the relative l2 distance to a "
                        "plain reference, checked before "
                        "timing. The last ratio is the time of another library on the same case "
                        "over ours: above 1 ours is faster.");
    for (int round = 0; round < 3; ++round)
        for (size_t i = 0; i < lines.count; ++i)
            if (place(lines.line[i].part[0]) == round && first_of_family(&lines, i))
                family(r, &lines, i);
    if (lines.count == 0)
        chirp_report_say(r, "The benchmark file holds no rows: no benchmark matched, or the run "
                            "ended before the first.");
    chirp_bench_lines_release(&lines);
}

const chirp_section chirp_section_kernels = {
    .id = "kernels",
    .title = "Layers and kernels",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_BENCH),
    .draw = draw_kernels,
};

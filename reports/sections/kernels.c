/* Layer and kernel times: one chart and one table per family of benchmarks. */
#include "reports/report_internal.h"
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

static void bar_label(chirp_markup *script, const chirp_bench_line *line)
{
    chirp_markup name = {0};
    for (int part = 1; part < CHIRP_NAME_PARTS; ++part)
        if (line->part[part][0])
            chirp_markup_format(&name, "%s%s", name.used ? "  " : "", line->part[part]);
    if (line->arguments[0])
        chirp_markup_format(&name, "%s%s", name.used ? "  " : "", line->arguments);
    chirp_gnuplot_quote(script, name.bytes ? name.bytes : line->part[0]);
    script->failed = script->failed || name.failed;
    chirp_markup_clear(&name);
}

static void chart(chirp_report *r, const chirp_bench_lines *lines, const char *family)
{
    const char *seen[MOST_ALGORITHMS] = {NULL};
    int n_seen = 0;
    int bars = 0;
    chirp_markup script = {0};
    chirp_markup ticks = {0};
    chirp_markup title = {0};
    double least = INFINITY;
    double most = 0;
    chirp_markup_raw(&script, "$bars << EOD\n");
    for (size_t i = 0; i < lines->count && bars < MOST_BARS; ++i) {
        const chirp_bench_line *line = &lines->line[i];
        if (strcmp(line->part[0], family) != 0 || !(line->time_s > 0))
            continue;
        chirp_markup_format(&script, "%d %.9g %d\n", -bars, line->time_s * 1e3,
                            algorithm_index(seen, &n_seen, line->part[2]));
        chirp_markup_raw(&ticks, bars ? "," : "");
        bar_label(&ticks, line);
        chirp_markup_format(&ticks, " %d", -bars);
        least = fmin(least, line->time_s * 1e3);
        most = fmax(most, line->time_s * 1e3);
        ++bars;
    }
    chirp_markup_raw(&script, "EOD\n");
    if (bars == 0) {
        chirp_markup_clear(&script);
        chirp_markup_clear(&ticks);
        return;
    }
    const double floor_ms = pow(10, floor(log10(least) - 0.3));
    chirp_markup_raw(&script, "set ytics (");
    chirp_markup_raw(&script, ticks.bytes);
    chirp_markup_format(
        &script,
        ") noenhanced scale 0\nset yrange [%g:0.6]\nset logscale x\nset xrange [%g:%g]\nset format "
        "x '%%g'\n"
        "set xlabel 'time per call [ms], shorter is better'\nset grid x lt 1 lc rgb '#8a9099' lw "
        "0.4\nset border 1 lw 0.7\n"
        "set xtics nomirror\nset style fill solid 0.85 noborder\nset key at screen 0.5, screen "
        "0.995 center top horizontal maxrows 2 noenhanced\nset tmargin 3.2\nplot ",
        -bars + 0.4, floor_ms, most * 1.6);
    for (int a = 0; a < n_seen; ++a) {
        chirp_markup_format(&script,
                            "%s$bars using ($3==%d?$2:1/0):1:(%g):2:($1-0.36):($1+0.36) with "
                            "boxxyerror lc rgb '%s' title ",
                            a ? ", " : "", a, floor_ms, chirp_plot_colour[a % CHIRP_PLOT_COLOURS]);
        chirp_gnuplot_quote(&script, seen[a][0] ? seen[a] : family);
    }
    chirp_markup_raw(&script, "\n");
    chirp_markup_text(&title, family);
    chirp_markup_raw(&title, ": time per call");
    script.failed = script.failed || ticks.failed || title.failed;
    chirp_report_figure(r, title.bytes ? title.bytes : "time per call",
                        "Median wall time of one call, logarithmic; the colour is the algorithm.",
                        860, 104 + 21 * bars, &script);
    chirp_markup_clear(&ticks);
    chirp_markup_clear(&title);
}

static void table_row(chirp_report *r, const chirp_bench_lines *lines, const chirp_bench_line *line,
                      chirp_table *t)
{
    const chirp_bench_line *peer = chirp_bench_peer_of(lines, line);
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
    if (peer)
        ratio = chirp_report_derived(r, peer->time_s / line->time_s, "ratio_to_peer/%.200s",
                                     line->name);
    chirp_table_number(t, ratio, CHIRP_UNIT_RATIO);
    chirp_table_text(t, line->error ? line->error : peer ? peer->part[2] : NULL);
}

/* Whole steps and whole networks first: what a user of the network waits for. */
static void cards(chirp_report *r, const chirp_bench_lines *lines)
{
    const chirp_bench_line *best = NULL;
    for (size_t i = 0; i < lines->count; ++i) {
        const chirp_bench_line *line = &lines->line[i];
        if (strcmp(line->part[0], "network") == 0 && strcmp(line->part[1], "train_step") == 0 &&
            line->time_s > 0 && (!best || strstr(line->name, "last2")) &&
            !(best && strstr(best->name, "last2")))
            best = line;
    }
    if (best) {
        chirp_markup note = {0};
        chirp_markup_format(&note, "%s, %s", best->part[3], best->arguments);
        chirp_report_card(r, "Training step", chirp_json_number(best->row, "real_time"),
                          best->unit_s, CHIRP_UNIT_SECONDS, "", note.bytes);
        chirp_markup_clear(&note);
    }
}

static void family(chirp_report *r, const chirp_bench_lines *lines, size_t first)
{
    static const char *const headers[] = {
        "benchmark",   "time",  "interval from", "to",    "GFLOP/s",          "effective GFLOP/s",
        "of FMA peak", "bytes", "items/s",       "error", "peer time / ours", "remark",
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

void chirp_section_kernels(chirp_report *r)
{
    chirp_bench_lines lines = {0};
    if (chirp_result_files_count(&r->results, CHIRP_RESULT_BENCH) == 0)
        return;
    if (chirp_bench_lines_read(&r->results, &lines) != CHIRP_OK) {
        r->body.failed = true;
        return;
    }
    chirp_section_begin(r, "kernels", "Layers and kernels");
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
    cards(r, &lines);
    chirp_bench_lines_release(&lines);
    chirp_section_end(r);
}

/* Layer and kernel times: one chart and one table per family of benchmarks. */
#include "reports/draw/dots.h"
#include "reports/sections/bench_rows.h"
#include "reports/sections/sections.h"

#include <math.h>
#include <string.h>

/* A family's lines with a time, case by case: those of one case in one row of the chart. @param ratios  to the fastest baseline */
static void collect(const chirp_bench_lines *lines, const char *family, bool ratios,
                    chirp_dots *dots)
{
    const bool arguments = chirp_bench_common_arguments(lines, family)[0] == '\0';
    for (size_t i = 0; i < lines->count; ++i) {
        bool first = chirp_bench_timed(&lines->line[i], family);
        for (size_t k = 0; k < i && first; ++k)
            first = !chirp_bench_timed(&lines->line[k], family) ||
                    !chirp_bench_same_case(&lines->line[k], &lines->line[i]);
        for (size_t k = i; k < lines->count && first; ++k) {
            const chirp_bench_line *line = &lines->line[k];
            const chirp_bench_line *baseline = ratios ? chirp_bench_baseline_of(lines, line) : NULL;
            if (!chirp_bench_timed(line, family) || !chirp_bench_same_case(line, &lines->line[i]) ||
                (ratios && !baseline))
                continue;
            const chirp_bench_span span =
                ratios ? chirp_bench_ratio(baseline, line) : chirp_bench_time(line);
            const double scale = ratios ? 1 : 1e3;
            char label[160];
            (void)snprintf(label, sizeof label, "%.30s  %.30s  %.60s", line->part[1], line->part[3],
                           arguments ? line->arguments : "");
            chirp_dots_row(dots, label);
            chirp_dots_add(dots, line->part[2], scale * span.value, scale * span.low,
                           scale * span.high);
        }
    }
}

static void chart(chirp_report *r, const chirp_bench_lines *lines, const char *family)
{
    static const chirp_dots_axis ratio_axis = {
        .label = "time of the other library over ours, more is better", .line_at_one = true};
    static const chirp_dots_axis time_axis = {.label = "time per call [ms], less is better",
                                              .logarithmic = true};
    const char *common = chirp_bench_common_arguments(lines, family);
    chirp_dots dots = {0};
    chirp_markup caption = {0};
    char title[120];
    collect(lines, family, true, &dots);
    const bool ratios = dots.points > 0;
    if (!ratios)
        collect(lines, family, false, &dots);
    (void)snprintf(title, sizeof title, "%.60s: %s", family,
                   ratios ? "speed against another library" : "time per call");
    chirp_markup_raw(
        &caption, ratios ? "Time of the fastest other library over that of each algorithm: right "
                           "of the dashed line ours is faster. Bars reach between the ends of "
                           "both intervals"
                         : "Median wall time of one call and its interval, logarithmic");
    if (common[0]) {
        chirp_markup_raw(&caption, "; all with ");
        chirp_markup_text(&caption, common);
    }
    chirp_markup_raw(&caption, ".");
    dots.data.failed = dots.data.failed || caption.failed;
    chirp_dots_figure(r, &dots, title, caption.bytes ? caption.bytes : "",
                      ratios ? &ratio_axis : &time_axis);
    chirp_markup_clear(&caption);
}

static void table_row(chirp_report *r, const chirp_bench_lines *lines, const chirp_bench_line *line,
                      chirp_table *t)
{
    const bool common = chirp_bench_common_arguments(lines, line->part[0])[0] != '\0';
    const chirp_bench_line *baseline = chirp_bench_baseline_of(lines, line);
    double ratio = (double)NAN;
    chirp_table_text(t, line->part[1][0] ? line->part[1] : line->part[0]);
    chirp_table_text(t, line->part[3]);
    chirp_table_text(t, line->part[2]);
    chirp_table_text(t, common ? NULL : line->arguments);
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
    static const char *const headers[] = {"pass",
                                          "case",
                                          "algorithm",
                                          "with",
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
    char caption[128];
    chirp_table t;
    chirp_markup_raw(&r->body, "<h3>");
    chirp_markup_text(&r->body, name);
    chirp_markup_raw(&r->body, "</h3>\n");
    chart(r, lines, name);
    const char *common = chirp_bench_common_arguments(lines, name);
    (void)snprintf(caption, sizeof caption, "%.60s%s%.60s", name, common[0] ? ": " : "", common);
    chirp_table_begin(&t, caption, headers);
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

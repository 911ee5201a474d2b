/* The roofline: what each kernel does per byte, against what the machine can do. */
#include "reports/report_internal.h"
#include "reports/sections/bench_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct roof {
    double peak_gflops; /* NaN: not measured */
    int threads;
    const chirp_bench_line *memory,
        *fastest; /* the sweep over the largest working set, and the one with the highest rate */
    double memory_gb_s, fastest_gb_s;
} roof;

static double working_set(const chirp_bench_line *line)
{
    const char *bytes = strstr(line->arguments, "bytes_per_thread:");
    return bytes ? strtod(bytes + strlen("bytes_per_thread:"), NULL) : 0;
}

static roof find_roof(const chirp_bench_lines *lines, const chirp_result_file *file)
{
    roof f = {.threads = 0};
    f.peak_gflops = chirp_bench_fma_peak(file, &f.threads);
    for (size_t i = 0; i < lines->count; ++i) {
        const chirp_bench_line *line = &lines->line[i];
        const double rate = chirp_json_number(line->row, "bytes_per_second");
        /* every file of the folder: the sweeps need not be in the same one */
        if (line->error || strcmp(line->part[0], "reference") != 0 ||
            strcmp(line->part[1], "triad") != 0 || !(rate > 0))
            continue;
        if (!f.memory || working_set(line) > working_set(f.memory)) {
            f.memory = line;
            f.memory_gb_s = rate * 1e-9;
        }
        if (!(rate * 1e-9 <= f.fastest_gb_s)) {
            f.fastest = line;
            f.fastest_gb_s = rate * 1e-9;
        }
    }
    return f;
}

static bool on_roofline(const chirp_bench_line *line)
{
    /* the machine's own loops are the roof */
    return !line->error && strcmp(line->part[0], "reference") != 0 &&
           chirp_json_number(line->row, "arithmetic_intensity") > 0 &&
           chirp_json_number(line->row, "GFLOPS") > 0;
}

static double roof_at(const roof *f, double intensity)
{
    return f->memory && !(f->memory_gb_s * intensity >= f->peak_gflops) ? f->memory_gb_s * intensity
                                                                        : f->peak_gflops;
}

static void plot(chirp_report *r, const chirp_bench_lines *lines, const chirp_result_file *file,
                 const roof *f)
{
    const char *family[CHIRP_PLOT_COLOURS] = {NULL};
    int n = 0;
    double low = 0.1;
    double high = 100;
    double least = INFINITY;
    chirp_markup script = {0};
    for (size_t i = 0; i < lines->count; ++i) {
        const chirp_bench_line *line = &lines->line[i];
        if (line->file != file || !on_roofline(line))
            continue;
        int k = 0;
        while (k < n && strcmp(family[k], line->part[0]) != 0)
            ++k;
        if (k == n && n < CHIRP_PLOT_COLOURS)
            family[n++] = line->part[0];
        low = fmin(low, chirp_json_number(line->row, "arithmetic_intensity") / 2);
        high = fmax(high, chirp_json_number(line->row, "arithmetic_intensity") * 2);
        least = fmin(least, chirp_json_number(line->row, "GFLOPS"));
    }
    for (int k = 0; k < n; ++k) {
        chirp_markup_format(&script, "$family%d << EOD\n", k);
        for (size_t i = 0; i < lines->count; ++i)
            if (lines->line[i].file == file && on_roofline(&lines->line[i]) &&
                strcmp(lines->line[i].part[0], family[k]) == 0)
                chirp_markup_format(&script, "%.9g %.9g\n",
                                    chirp_json_number(lines->line[i].row, "arithmetic_intensity"),
                                    chirp_json_number(lines->line[i].row, "GFLOPS"));
        chirp_markup_raw(&script, "EOD\n");
    }
    const double top = isfinite(f->peak_gflops) ? f->peak_gflops : 1e3;
    chirp_markup_format(
        &script,
        "set logscale xy\nset xrange [%g:%g]\nset yrange [%g:%g]\nset xlabel 'operations per "
        "byte'\n"
        "set ylabel 'GFLOP/s'\nset format '%%g'\nset grid lt 1 lc rgb '#8a9099' lw 0.3\nset border "
        "3 lw 0.7\n"
        "set tics nomirror\nset key outside right noenhanced\nset samples 600\nplot ",
        low, high, fmin(least / 2, fmin(top / 100, f->memory ? f->memory_gb_s * low : top)),
        top * 2);
    if (isfinite(f->peak_gflops) && f->memory)
        chirp_markup_format(
            &script,
            "(x*%g<%g?x*%g:%g) with lines lw 2 lc rgb '#7d7f86' title 'memory, FMA peak', ",
            f->memory_gb_s, f->peak_gflops, f->memory_gb_s, f->peak_gflops);
    else if (isfinite(f->peak_gflops))
        chirp_markup_format(&script, "%g with lines lw 2 lc rgb '#7d7f86' title 'FMA peak', ",
                            f->peak_gflops);
    if (isfinite(f->peak_gflops) && f->fastest && f->fastest != f->memory)
        chirp_markup_format(
            &script,
            "(x*%g<%g?x*%g:1/0) with lines lw 1.5 dt 3 lc rgb '#7d7f86' title 'fastest cache', ",
            f->fastest_gb_s, f->peak_gflops, f->fastest_gb_s);
    for (int k = 0; k < n; ++k) {
        chirp_markup_format(&script,
                            "%s$family%d using 1:2 with points pt %d ps 0.9 lc rgb '%s' title ",
                            k ? ", " : "", k, k % 2 ? 9 : 7, chirp_plot_colour[k]);
        chirp_gnuplot_quote(&script, family[k]);
    }
    chirp_markup_raw(&script, "\n");
    chirp_report_figure(r, "Roofline",
                        "Each mark is a benchmark. The line is the most that the measured memory "
                        "bandwidth and FMA peak allow at that many "
                        "operations per byte; the dotted one is the fastest cache. Bytes are the "
                        "least that must move, so data that stay in "
                        "a cache may lie above the memory line.",
                        860, 430, &script);
}

void chirp_section_roofline(chirp_report *r)
{
    static const char *const headers[] = {
        "benchmark", "operations per byte", "GFLOP/s", "roof GFLOP/s", "of the roof", "bound",
        NULL};
    chirp_bench_lines lines = {0};
    bool open = false;
    if (chirp_bench_lines_read(&r->results, &lines) != CHIRP_OK) {
        r->body.failed = true;
        return;
    }
    const chirp_result_file *file = NULL;
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_RESULT_BENCH, i)); ++i) {
        const roof f = find_roof(&lines, file);
        chirp_table t;
        chirp_table_begin(&t, "Place on the roofline", headers);
        for (size_t k = 0; k < lines.count; ++k) {
            const chirp_bench_line *line = &lines.line[k];
            if (line->file != file || !on_roofline(line))
                continue;
            const double intensity = chirp_json_number(line->row, "arithmetic_intensity");
            const double top =
                chirp_report_derived(r, roof_at(&f, intensity), "roof_GFLOPS/%.200s", line->name);
            chirp_table_text(&t, line->name);
            chirp_table_number(&t, intensity, CHIRP_UNIT_FIXED1);
            chirp_table_member(&t, line->row, "GFLOPS", CHIRP_UNIT_FIXED1);
            chirp_table_number(&t, top, CHIRP_UNIT_FIXED1);
            chirp_table_number(&t,
                               chirp_report_derived(r, chirp_json_number(line->row, "GFLOPS") / top,
                                                    "of_roof/%.200s", line->name),
                               CHIRP_UNIT_PERCENT);
            chirp_table_text(&t, !f.memory || !isfinite(top) ? NULL
                                 : top < f.peak_gflops       ? "memory"
                                                             : "compute");
        }
        if (chirp_table_rows(&t) == 0) {
            chirp_table_clear(&t);
            continue;
        }
        if (!open)
            chirp_section_begin(r, "roofline", "Roofline");
        open = true;
        chirp_report_source(r, file);
        if (isfinite(f.peak_gflops)) {
            chirp_markup_raw(&r->body, "<p>FMA peak ");
            chirp_markup_number(&r->body, f.peak_gflops, CHIRP_UNIT_FIXED1);
            chirp_markup_raw(&r->body, " GFLOP/s");
            if (f.memory) {
                chirp_markup_raw(&r->body, ", memory ");
                chirp_markup_number(&r->body, chirp_json_number(f.memory->row, "bytes_per_second"),
                                    CHIRP_UNIT_BYTES_PER_SECOND);
            }
            chirp_markup_raw(&r->body, ", both measured.</p>\n");
        } else {
            chirp_report_say(
                r, "No FMA peak was measured in this run, so there is no roof to compare with.");
        }
        plot(r, &lines, file, &f);
        chirp_report_table(r, &t, 0);
    }
    if (open)
        chirp_section_end(r);
    chirp_bench_lines_release(&lines);
}

/* The roofline: what each kernel does per byte, against what the machine can do. */
#include "reports/sections/sections.h"
#include "reports/sections/bench_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LEVELS = 8 };

/* A bandwidth: of doctor's levels, or of the sweeps of suite `reference`. */
typedef struct level {
    char name[48];
    double bytes_per_second; /* as the file has it */
} level;

typedef struct roof {
    double peak_gflops; /* NaN: not measured */
    int threads;
    level level[MOST_LEVELS];
    int n_levels;
    int memory; /* index of the slowest, -1 without any */
} roof;

static void add_level(roof *f, const char *name, double bytes_per_second)
{
    if (f->n_levels == MOST_LEVELS || !(bytes_per_second > 0))
        return;
    level *l = &f->level[f->n_levels];
    (void)snprintf(l->name, sizeof l->name, "%.40s", name);
    l->bytes_per_second = bytes_per_second;
    if (f->memory < 0 || bytes_per_second < f->level[f->memory].bytes_per_second)
        f->memory = f->n_levels;
    ++f->n_levels;
}

/* Levels that doctor measured with as many threads as the peak, or else with its most. */
static void levels_of_doctor(const chirp_report *r, roof *f)
{
    const chirp_result_file *doctor =
        chirp_result_files_find(&r->results, CHIRP_DOCUMENT_DOCTOR, 0);
    const cJSON *levels = doctor ? cJSON_GetObjectItemCaseSensitive(doctor->root, "levels") : NULL;
    const cJSON *item = NULL;
    int most = 0;
    bool same = false;
    cJSON_ArrayForEach(item, levels)
    {
        const double threads = chirp_json_number(item, "threads");
        if (threads > most && threads < 1e6)
            most = (int)threads;
        same = same || (int)threads == f->threads;
    }
    cJSON_ArrayForEach(item, levels)
    {
        const char *name = chirp_json_string(item, "level");
        const double triad = chirp_json_number(item, "triad_bytes_per_second");
        if (name && (int)chirp_json_number(item, "threads") == (same ? f->threads : most))
            add_level(f, name,
                      triad > 0 ? triad : chirp_json_number(item, "read_bytes_per_second"));
    }
}

static void levels_of_sweeps(const chirp_bench_lines *lines, roof *f)
{
    static const char key[] = "bytes_per_thread:";
    for (size_t i = 0; i < lines->count; ++i) {
        const chirp_bench_line *line = &lines->line[i];
        const char *bytes = strstr(line->arguments, key);
        char name[48];
        if (line->error || !bytes || strcmp(line->part[0], "reference") != 0 ||
            strcmp(line->part[1], "triad") != 0)
            continue;
        (void)snprintf(name, sizeof name, "sweep of %.4g KiB",
                       strtod(bytes + strlen(key), NULL) / 1024);
        add_level(f, name, chirp_json_number(line->row, "bytes_per_second"));
    }
}

static roof find_roof(const chirp_report *r, const chirp_bench_lines *lines,
                      const chirp_result_file *file)
{
    roof f = {.memory = -1};
    f.peak_gflops = chirp_bench_fma_peak(file, &f.threads);
    levels_of_doctor(r, &f);
    if (f.n_levels == 0)
        levels_of_sweeps(lines, &f);
    return f;
}

static bool on_roofline(const chirp_bench_line *line)
{
    /* the machine's own loops are the roof */
    return !line->error && strcmp(line->part[0], "reference") != 0 &&
           chirp_json_number(line->row, "arithmetic_intensity") > 0 &&
           chirp_json_number(line->row, "GFLOPS") > 0;
}

/* GFLOP/s that the slowest level could feed, at most the peak. */
static double roof_at(const roof *f, double intensity)
{
    const double fed =
        f->memory < 0 ? (double)INFINITY : 1e-9 * f->level[f->memory].bytes_per_second * intensity;
    return fed < f->peak_gflops ? fed : f->peak_gflops;
}

static void plot_roofs(chirp_markup *script, const roof *f)
{
    if (!isfinite(f->peak_gflops))
        return;
    chirp_markup_format(script, "%g with lines lw 2 lc rgb '#7d7f86' title 'FMA peak', ",
                        f->peak_gflops);
    for (int i = 0; i < f->n_levels; ++i) {
        const double rate = 1e-9 * f->level[i].bytes_per_second;
        chirp_markup_format(
            script, "(x*%g<%g?x*%g:1/0) with lines lw %s dt %d lc rgb '#7d7f86' title ", rate,
            f->peak_gflops, rate, i == f->memory ? "2" : "1.3", i == f->memory ? 1 : 2 + i % 4);
        chirp_gnuplot_quote(script, f->level[i].name);
        chirp_markup_raw(script, ", ");
    }
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
    const double slowest = f->memory < 0 ? top : 1e-9 * f->level[f->memory].bytes_per_second * low;
    chirp_markup_format(&script,
                        "set logscale xy\nset xrange [%g:%g]\nset yrange [%g:%g]\n"
                        "set xlabel 'operations per byte'\nset ylabel 'GFLOP/s'\nset format '%%g'\n"
                        "set grid lt 1 lc rgb '#8a9099' lw 0.3\nset border 3 lw 0.7\n"
                        "set tics nomirror\nset key outside right noenhanced\nset samples 600\n"
                        "plot ",
                        low, high, fmin(least / 2, fmin(top / 100, slowest)), top * 2);
    plot_roofs(&script, f);
    for (int k = 0; k < n; ++k) {
        chirp_markup_format(&script,
                            "%s$family%d using 1:2 with points pt %d ps 0.9 lc rgb '%s' title ",
                            k ? ", " : "", k, k % 2 ? 9 : 7, chirp_plot_colour[k]);
        chirp_gnuplot_quote(&script, family[k]);
    }
    chirp_markup_raw(&script, "\n");
    chirp_report_figure(r, "Roofline",
                        "Each mark is a benchmark. The flat line is the FMA peak, the slanted ones "
                        "are what each level of memory can feed at that many operations per byte, "
                        "all measured. Bytes are the least that must move.",
                        860, 430, &script);
}

/* Roof, share and bound as the row has them; else from what was measured beside it. */
static void table_row(chirp_report *r, chirp_table *t, const roof *f, const chirp_bench_line *line)
{
    const double intensity = chirp_json_number(line->row, "arithmetic_intensity");
    const char *bound = chirp_json_string(line->row, "bound");
    double top = chirp_json_number(line->row, "roof_GFLOPS");
    double share = chirp_json_number(line->row, "roof_fraction");
    if (!isfinite(top)) {
        top = chirp_report_derived(r, roof_at(f, intensity), "roof_GFLOPS/%.200s", line->name);
        share = chirp_report_derived(r, chirp_json_number(line->row, "GFLOPS") / top,
                                     "of_roof/%.200s", line->name);
        bound = f->memory < 0 || !isfinite(top) ? NULL
                : top < f->peak_gflops          ? f->level[f->memory].name
                                                : "compute";
    }
    chirp_bench_name_cells(t, line);
    chirp_table_number(t, intensity, CHIRP_UNIT_FIXED1);
    chirp_table_member(t, line->row, "GFLOPS", CHIRP_UNIT_FIXED1);
    chirp_table_number(t, top, CHIRP_UNIT_FIXED1);
    chirp_table_number(t, share, CHIRP_UNIT_PERCENT);
    chirp_table_text(t, bound);
}

static void say_roofs(chirp_report *r, const roof *f)
{
    if (!isfinite(f->peak_gflops)) {
        chirp_report_say(
            r, "No FMA peak was measured in this run, so there is no roof to compare with.");
        return;
    }
    chirp_markup_raw(&r->body, "<p>FMA peak ");
    chirp_markup_number(&r->body, f->peak_gflops, CHIRP_UNIT_FIXED1);
    chirp_markup_raw(&r->body, " GFLOP/s");
    if (f->memory >= 0) {
        chirp_markup_raw(&r->body, ", slowest level ");
        chirp_markup_number(&r->body, f->level[f->memory].bytes_per_second,
                            CHIRP_UNIT_BYTES_PER_SECOND);
    }
    chirp_markup_raw(&r->body, ", measured.</p>\n");
}

static void draw_roofline(chirp_report *r)
{
    static const char *const headers[] = {CHIRP_NAME_HEADERS,
                                          "operations per byte",
                                          "GFLOP/s",
                                          "roof GFLOP/s",
                                          "of the roof",
                                          "bound",
                                          NULL};
    const chirp_result_file *file = NULL;
    chirp_bench_lines lines = {0};
    if (chirp_bench_lines_read(&r->results, &lines) != CHIRP_OK) {
        r->body.failed = true;
        return;
    }
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_BENCH, i));
         ++i) {
        const roof f = find_roof(r, &lines, file);
        chirp_table t;
        chirp_table_begin(&t, "Place on the roofline", headers);
        for (size_t k = 0; k < lines.count; ++k)
            if (lines.line[k].file == file && on_roofline(&lines.line[k]))
                table_row(r, &t, &f, &lines.line[k]);
        if (chirp_table_rows(&t) == 0) {
            chirp_table_clear(&t);
            continue;
        }
        chirp_report_source(r, file);
        say_roofs(r, &f);
        chirp_report_subject(r, "%.100s", file->name);
        plot(r, &lines, file, &f);
        chirp_report_table(r, &t, 0);
    }
    chirp_bench_lines_release(&lines);
}

const chirp_section chirp_section_roofline = {
    .id = "roofline",
    .title = "Roofline",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_BENCH),
    .draw = draw_roofline,
};

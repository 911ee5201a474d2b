/* What being Bayesian costs: variational layers and networks beside their deterministic twins from the same file. */
#include "reports/draw/dots.h"
#include "reports/sections/sections.h"
#include "reports/sections/twins.h"

#include <math.h>
#include <string.h>

/* Two lines that do the same work, one with distributions over weights and one without. */
typedef struct pair {
    const chirp_bench_line *variational, *deterministic;
} pair;

static void row(chirp_report *r, chirp_table *t, pair p)
{
    const double bytes = chirp_json_number(p.variational->row, "exchanged_bytes");
    const double fewer = chirp_json_number(p.deterministic->row, "exchanged_bytes");
    const double ratio =
        chirp_report_derived(r, p.variational->time_s / p.deterministic->time_s,
                             "variational_over_deterministic/%.200s", p.variational->name);
    chirp_bench_name_cells(t, p.variational);
    chirp_table_scaled(t, chirp_json_number(p.deterministic->row, "real_time"),
                       p.deterministic->unit_s, CHIRP_UNIT_SECONDS);
    chirp_table_scaled(t, chirp_json_number(p.variational->row, "real_time"), p.variational->unit_s,
                       CHIRP_UNIT_SECONDS);
    chirp_table_number(t, ratio, CHIRP_UNIT_RATIO);
    chirp_table_member(t, p.deterministic->row, "trained_numbers", CHIRP_UNIT_INTEGER);
    chirp_table_member(t, p.variational->row, "trained_numbers", CHIRP_UNIT_INTEGER);
    chirp_table_number(t, fewer, CHIRP_UNIT_BYTES);
    chirp_table_number(t, bytes, CHIRP_UNIT_BYTES);
    chirp_table_number(t,
                       chirp_report_derived(r, bytes / fewer,
                                            "variational_over_deterministic_bytes/%.180s",
                                            p.variational->name),
                       CHIRP_UNIT_RATIO);
}

static void chart_row(chirp_dots *dots, const chirp_bench_lines *lines, pair p)
{
    const char *common = chirp_bench_common_arguments(lines, p.variational->part[0]);
    const chirp_bench_span ratio = chirp_bench_ratio(p.variational, p.deterministic);
    char label[160];
    (void)snprintf(label, sizeof label, "%.20s  %.30s  %.30s  %.40s", p.variational->part[0],
                   p.variational->part[1], p.variational->part[3],
                   common[0] ? "" : p.variational->arguments);
    chirp_dots_row(dots, label);
    chirp_dots_add(dots, p.variational->part[2], ratio.value, ratio.low, ratio.high);
}

static void draw_ledger(chirp_report *r)
{
    static const char *const headers[] = {CHIRP_NAME_HEADERS,
                                          "deterministic",
                                          "variational",
                                          "ratio",
                                          "trained numbers without",
                                          "with",
                                          "bytes exchanged without",
                                          "with ",
                                          "ratio of bytes",
                                          NULL};
    chirp_bench_lines lines = {0};
    const chirp_dots_axis axis = {.label = "time over deterministic", .line_at_one = true};
    chirp_dots dots = {0};
    chirp_table t;
    if (chirp_bench_lines_read(&r->results, &lines) != CHIRP_OK) {
        r->body.failed = true;
        return;
    }
    chirp_table_begin(&t, "Variational against deterministic", headers);
    for (size_t i = 0; i < lines.count; ++i) {
        const chirp_bench_line *v = &lines.line[i];
        const chirp_bench_line *d = v->time_s > 0 ? chirp_bench_twin_of(&lines, v) : NULL;
        if (!d)
            continue;
        const pair p = {v, d};
        row(r, &t, p);
        chart_row(&dots, &lines, p);
    }
    if (chirp_table_rows(&t) == 0) {
        chirp_table_clear(&t);
    } else {
        chirp_report_say(r, "Same shapes, same kernels, same run: the time of a variational "
                            "network or layer over that of its "
                            "deterministic twin. Bytes are what ranks exchange per step when every "
                            "trained number travels.");
        chirp_dots_figure(r, &dots, "Time of variational over deterministic",
                          "The dashed line is equal time: what lies right of it is the price of a "
                          "distribution over weights. Bars reach between the ends of both "
                          "intervals: one that crosses the line can't be told apart from it.",
                          &axis);
        chirp_report_table(r, &t, 20);
    }
    chirp_bench_lines_release(&lines);
}

const chirp_section chirp_section_ledger = {
    .id = "ledger",
    .title = "What being Bayesian costs",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_BENCH),
    .draw = draw_ledger,
};

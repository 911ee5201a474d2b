/* What being Bayesian costs: variational layers and networks beside their deterministic twins from the same file. */
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
    chirp_table_text(t, p.variational->name);
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

static void chart_row(chirp_markup *script, chirp_markup *ticks, int i, pair p)
{
    chirp_markup label = {0};
    chirp_markup_format(&label, "%s  %s  %s  %s", p.variational->part[1], p.variational->part[2],
                        p.variational->part[3], p.variational->arguments);
    chirp_markup_format(script, "%d %.9g\n", -i, p.variational->time_s / p.deterministic->time_s);
    chirp_markup_raw(ticks, i ? "," : "");
    chirp_gnuplot_quote(ticks, label.bytes ? label.bytes : "");
    chirp_markup_format(ticks, " %d", -i);
    script->failed = script->failed || label.failed;
    chirp_markup_clear(&label);
}

static void draw_ledger(chirp_report *r)
{
    static const char *const headers[] = {"variational benchmark",
                                          "deterministic",
                                          "variational",
                                          "ratio",
                                          "trained numbers without",
                                          "with",
                                          "bytes exchanged without",
                                          "with ",
                                          "ratio of bytes",
                                          NULL};
    enum { MOST = 48 };
    chirp_bench_lines lines = {0};
    chirp_markup script = {0};
    chirp_markup ticks = {0};
    chirp_table t;
    int n = 0;
    if (chirp_bench_lines_read(&r->results, &lines) != CHIRP_OK) {
        r->body.failed = true;
        return;
    }
    chirp_table_begin(&t, "Variational against deterministic", headers);
    chirp_markup_raw(&script, "$bars << EOD\n");
    for (size_t i = 0; i < lines.count; ++i) {
        const chirp_bench_line *v = &lines.line[i];
        const chirp_bench_line *d = v->time_s > 0 ? chirp_bench_twin_of(&lines, v) : NULL;
        if (!d)
            continue;
        const pair p = {v, d};
        row(r, &t, p);
        if (n < MOST)
            chart_row(&script, &ticks, n++, p);
    }
    if (chirp_table_rows(&t) == 0) {
        chirp_table_clear(&t);
        chirp_markup_clear(&script);
    } else {
        chirp_report_say(r, "Same shapes, same kernels, same run: the time of a variational "
                            "network or layer over that of its "
                            "deterministic twin. Bytes are what ranks exchange per step when every "
                            "trained number travels.");
        chirp_markup_raw(&script, "EOD\nset ytics (");
        chirp_markup_raw(&script, ticks.bytes);
        chirp_markup_format(
            &script,
            ") noenhanced scale 0\nset yrange [%g:0.6]\nset xrange [0:*]\nset xlabel 'time over "
            "deterministic'\n"
            "set grid x lt 1 lc rgb '#8a9099' lw 0.4\nset border 1 lw 0.7\nset xtics nomirror\n"
            "set style fill solid 0.85 noborder\nunset key\nset lmargin at screen 0.45\n"
            "set arrow 1 from 1, graph 0 to 1, graph 1 nohead lw 1.5 dt 2 lc rgb '#d1425a' front\n"
            "plot $bars using 2:1:(0):2:($1-0.36):($1+0.36) with boxxyerror lc rgb '%s'\n",
            -n + 0.4, chirp_plot_colour[3]);
        script.failed = script.failed || ticks.failed;
        chirp_report_figure(r, "Time of variational over deterministic",
                            "The dashed line is equal time: what lies right of it is the price of "
                            "a distribution over weights.",
                            860, 70 + 21 * n, &script);
        chirp_report_table(r, &t, 20);
    }
    chirp_markup_clear(&ticks);
    chirp_bench_lines_release(&lines);
}

const chirp_section chirp_section_ledger = {
    .id = "ledger",
    .title = "What being Bayesian costs",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_BENCH),
    .draw = draw_ledger,
};

#include "reports/draw/dots.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 860 };

void chirp_dots_row(chirp_dots *d, const char *label)
{
    if (d->rows && strncmp(label, d->label, sizeof d->label - 1) == 0)
        return;
    (void)snprintf(d->label, sizeof d->label, "%s", label);
    const size_t letters = strlen(d->label);
    chirp_markup_raw(&d->ticks, d->rows ? "," : "");
    chirp_gnuplot_quote(&d->ticks, d->label);
    chirp_markup_format(&d->ticks, " %d", -d->rows);
    d->longest = letters > d->longest ? letters : d->longest;
    ++d->rows;
}

static int series_index(chirp_dots *d, const char *series)
{
    for (int i = 0; i < d->n_series; ++i)
        if (strcmp(d->series[i], series) == 0)
            return i;
    if (d->n_series < CHIRP_PLOT_COLOURS)
        d->series[d->n_series++] = series;
    return d->n_series - 1;
}

void chirp_dots_add(chirp_dots *d, const char *series, double value, double low, double high)
{
    if (!(value > 0) || !isfinite(value))
        return;
    low = low > 0 && isfinite(low) ? low : value;
    high = isfinite(high) ? high : value;
    d->least = d->points ? fmin(d->least, low) : low;
    d->most = d->points ? fmax(d->most, high) : high;
    ++d->points;
    chirp_markup_format(&d->data, "%d %.9g %.9g %.9g %d\n", 1 - d->rows, value, low, high,
                        series_index(d, series));
}

static void write_axis(chirp_markup *script, const chirp_dots *d, const chirp_dots_axis *axis)
{
    if (axis->logarithmic)
        chirp_markup_format(script, "set logscale x\nset xrange [%g:%g]\n", d->least / 1.5,
                            d->most * 1.5);
    else
        chirp_markup_format(script, "set xrange [0:%g]\n",
                            1.05 * fmax(d->most, axis->line_at_one ? 1.2 : 0));
    if (axis->line_at_one)
        chirp_markup_raw(script, "set arrow 1 from 1, graph 0 to 1, graph 1 nohead lw 1.5 dt 2 lc "
                                 "rgb '#d1425a'\n");
    chirp_markup_format(script, "set xlabel '%s'\n", axis->label);
}

void chirp_dots_figure(chirp_report *r, chirp_dots *d, const char *title, const char *caption,
                       const chirp_dots_axis *axis)
{
    const int inner = 23 * d->rows;
    const int height = (inner > 90 ? inner : 90) + 104;
    const double margin = fmin((double)d->longest * 7.6 + 24, 0.6 * WIDTH) / WIDTH;
    chirp_markup script = {0};
    if (d->points > 0) {
        chirp_markup_raw(&script, "$d << EOD\n");
        chirp_markup_raw(&script, d->data.bytes);
        chirp_markup_raw(&script, "EOD\nset ytics (");
        chirp_markup_raw(&script, d->ticks.bytes);
        chirp_markup_format(
            &script,
            ") noenhanced scale 0\nset yrange [%g:0.7]\nset format x '%%g'\nset grid x y lt 1 lc "
            "rgb '#8a9099' lw 0.3\nset border 1 lw 0.7\nset xtics nomirror\nset key at screen 0.5, "
            "screen %g center top horizontal maxrows 2 noenhanced\nset tmargin at screen %g\nset "
            "bmargin at screen %g\nset lmargin at screen %g\n",
            0.3 - d->rows, 1 - 4.0 / height, 1 - 48.0 / height, 56.0 / height, margin);
        write_axis(&script, d, axis);
        for (int i = 0; i < d->n_series; ++i) {
            /* series of a row stand a little below each other */
            const double down = d->n_series > 1 ? 0.5 * ((double)i / (d->n_series - 1) - 0.5) : 0;
            chirp_markup_format(&script,
                                "%s$d using ($5==%d?$2:1/0):($1-%g):3:4 with xerrorbars pt %d ps "
                                "0.7 lw 1.6 lc rgb '%s' title ",
                                i ? ", " : "plot ", i, down, i % 2 ? 5 : 7, chirp_plot_colour[i]);
            chirp_gnuplot_quote(&script, d->series[i][0] ? d->series[i] : title);
        }
        chirp_markup_raw(&script, "\n");
        script.failed = script.failed || d->data.failed || d->ticks.failed;
        chirp_report_figure(r, title, caption, WIDTH, height, &script);
    }
    chirp_markup_clear(&d->data);
    chirp_markup_clear(&d->ticks);
}

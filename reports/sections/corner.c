/* A corner plot: every pair of parameters of a posterior, with the exact posterior and the truth where they are known. */
#include "reports/sections/posterior.h"

#include "harness/base/memory.h"
#include "reports/files/events.h"

#include <math.h>

enum { MOST = 5, MOST_POINTS = 250, BINS = 20, SIDE = 640 };

/* Samples of one parameter, and the range that its axis shows. */
typedef struct axis {
    const cJSON *parameter;
    double *sample, *exact;
    size_t n, n_exact;
    double truth, low, high;
} axis;

/* The range that holds all but the outermost samples, and the truth. False with less than two different samples. */
static bool find_range(axis *a)
{
    a->low = INFINITY;
    a->high = -INFINITY;
    for (size_t i = 0; i < a->n; ++i)
        if (isfinite(a->sample[i])) {
            a->low = fmin(a->low, a->sample[i]);
            a->high = fmax(a->high, a->sample[i]);
        }
    if (!(a->high > a->low))
        return false;
    if (isfinite(a->truth)) {
        a->low = fmin(a->low, a->truth);
        a->high = fmax(a->high, a->truth);
    }
    const double edge = 0.03 * (a->high - a->low);
    a->low -= edge;
    a->high += edge;
    return true;
}

/* A step of one digit with about three of them on the axis. */
static double step_of(const axis *a)
{
    const double rough = (a->high - a->low) / 2.5;
    const double power = pow(10, floor(log10(rough)));
    const double digit = rough / power;
    return power * (digit < 2 ? 1 : digit < 5 ? 2 : 5);
}

/* One line of all parameters for each of some samples, evenly chosen. */
static void write_samples(chirp_markup *script, const char *name, const axis *a, int n, bool exact)
{
    size_t count = SIZE_MAX;
    for (int k = 0; k < n; ++k)
        count = (exact ? a[k].n_exact : a[k].n) < count ? exact ? a[k].n_exact : a[k].n : count;
    const size_t stride = count > MOST_POINTS ? count / MOST_POINTS : 1;
    chirp_markup_format(script, "$%s << EOD\n", name);
    for (size_t i = 0; i < count; i += stride) {
        for (int k = 0; k < n; ++k) {
            const double x = exact ? a[k].exact[i] : a[k].sample[i];
            if (isfinite(x))
                chirp_markup_format(script, "%.6g ", x);
            else
                chirp_markup_raw(script, "? ");
        }
        chirp_markup_raw(script, "\n");
    }
    chirp_markup_raw(script, "EOD\n");
}

/* How the samples spread, scaled to their own peak: a narrow posterior would hide a wide one. */
static void write_bins(chirp_markup *script, const char *name, int index, const double *x, size_t n)
{
    double bin[BINS] = {0};
    double low = INFINITY;
    double high = -INFINITY;
    double most = 0;
    for (size_t i = 0; i < n; ++i)
        if (isfinite(x[i])) {
            low = fmin(low, x[i]);
            high = fmax(high, x[i]);
        }
    const double width = (high - low) / BINS;
    for (size_t i = 0; i < n && width > 0; ++i)
        if (isfinite(x[i])) {
            const int k = (int)((x[i] - low) / width);
            most = fmax(most, ++bin[k < BINS ? k : BINS - 1]);
        }
    chirp_markup_format(script, "$%s%d << EOD\n", name, index);
    for (int k = 0; k < BINS && most > 0; ++k)
        chirp_markup_format(script, "%.6g %.4g\n", low + (k + 0.5) * width, bin[k] / most);
    chirp_markup_raw(script, most > 0 ? "EOD\n" : "0 0\nEOD\n");
}

/* Where a panel stands, what its axes are called, and the lines of the truth. */
static void frame(chirp_markup *script, const axis *a, int n, int row, int column)
{
    const double first = 0.17;
    const double side = (0.98 - first) / n;
    const axis *x = &a[column];
    const axis *y = &a[row];
    chirp_markup_format(script,
                        "unset arrow\nset lmargin at screen %g\nset rmargin at screen %g\nset "
                        "bmargin at screen %g\nset tmargin at screen %g\nset xrange "
                        "[%.9g:%.9g]\nset xtics %.9g\nset format x '%s'\nset xlabel ",
                        first + column * side, first + (column + 0.92) * side,
                        first + (n - 1 - row) * side, first + (n - 1 - row + 0.92) * side, x->low,
                        x->high, step_of(x), row == n - 1 ? "%g" : "");
    chirp_gnuplot_quote(script, row == n - 1 ? x->parameter->string : "");
    chirp_markup_raw(script, " noenhanced\nset ylabel ");
    chirp_gnuplot_quote(script, column == 0 && row > 0 ? y->parameter->string : "");
    chirp_markup_raw(script, " noenhanced\n");
    if (row == column)
        chirp_markup_raw(script, "unset ytics\nset yrange [0:1.08]\n");
    else
        chirp_markup_format(script, "set yrange [%.9g:%.9g]\nset ytics %.9g\nset format y '%s'\n",
                            y->low, y->high, step_of(y), column == 0 ? "%g" : "");
    if (isfinite(x->truth))
        chirp_markup_format(script,
                            "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead front lw 1.4 lc "
                            "rgb '#23935f'\n",
                            x->truth, x->truth);
    if (isfinite(y->truth) && row != column)
        chirp_markup_format(script,
                            "set arrow from graph 0, first %.9g to graph 1, first %.9g nohead "
                            "front lw 1.4 lc rgb '#23935f'\n",
                            y->truth, y->truth);
}

static void panel(chirp_markup *script, const axis *a, int n, int row, int column, bool exact)
{
    frame(script, a, n, row, column);
    if (row == column) {
        chirp_markup_format(script, "plot $p%d with histeps lw 1.8 lc rgb '%s'", row,
                            chirp_plot_colour[0]);
        if (exact)
            chirp_markup_format(script, ", $e%d with histeps lw 1.8 lc rgb '%s'", row,
                                chirp_plot_colour[1]);
    } else {
        chirp_markup_format(script, "plot $p using %d:%d with points pt 7 ps 0.25 lc rgb '%s'",
                            column + 1, row + 1, chirp_plot_colour[0]);
        if (exact)
            chirp_markup_format(script, ", $e using %d:%d with points pt 7 ps 0.25 lc rgb '%s'",
                                column + 1, row + 1, chirp_plot_colour[1]);
    }
    chirp_markup_raw(script, "\n");
}

static int read_axes(const cJSON *event, const cJSON *exact, axis *a)
{
    const cJSON *parameter = NULL;
    int n = 0;
    cJSON_ArrayForEach(parameter, cJSON_GetObjectItemCaseSensitive(event, "parameters"))
    {
        if (n == MOST)
            break;
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(exact, parameter->string);
        axis *next = &a[n];
        *next =
            (axis){.parameter = parameter, .truth = chirp_event_truth(event, parameter->string)};
        next->sample =
            chirp_json_numbers(cJSON_GetObjectItemCaseSensitive(parameter, "samples"), &next->n);
        next->exact =
            chirp_json_numbers(cJSON_GetObjectItemCaseSensitive(other, "samples"), &next->n_exact);
        if (next->n > 1 && find_range(next)) {
            ++n;
            continue;
        }
        chirp_free(next->sample);
        chirp_free(next->exact);
    }
    return n;
}

void chirp_corner(chirp_report *r, const cJSON *event)
{
    axis a[MOST];
    const cJSON *exact = chirp_event_exact(&r->results, event);
    const int n = read_axes(event, exact, a);
    bool with_exact = exact != NULL;
    chirp_markup script = {0};
    for (int k = 0; k < n; ++k)
        with_exact = with_exact && a[k].n_exact > 1;
    if (n > 1) {
        write_samples(&script, "p", a, n, false);
        if (with_exact)
            write_samples(&script, "e", a, n, true);
        for (int k = 0; k < n; ++k) {
            write_bins(&script, "p", k, a[k].sample, a[k].n);
            if (with_exact)
                write_bins(&script, "e", k, a[k].exact, a[k].n_exact);
        }
        chirp_markup_raw(&script, "set datafile missing '?'\nunset key\nset border 15 lw 0.6\nset "
                                  "tics nomirror scale 0.5 font ',11'\nset multiplot\n");
        for (int row = 0; row < n; ++row)
            for (int column = 0; column <= row; ++column)
                panel(&script, a, n, row, column, with_exact);
        chirp_markup_raw(&script, "unset multiplot\n");
        chirp_report_figure(
            r, "Pairs of parameters",
            with_exact
                ? "Some samples of the network (blue) and of the exact posterior (orange), "
                  "pair by pair; on the diagonal each alone, scaled to its own peak. Green: the "
                  "injected values."
                : "Some samples of the network, pair by pair; on the diagonal each alone. Green: "
                  "the "
                  "injected values, if they are known.",
            SIDE, SIDE, &script);
    }
    for (int k = 0; k < n; ++k) {
        chirp_free(a[k].sample);
        chirp_free(a[k].exact);
    }
}

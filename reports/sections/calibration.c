/* Calibration: how good and how honest a network's posteriors are, from `chirpbench calibrate`. */
#include "reports/sections/sections.h"

#include "harness/results/calibration.h"

#include <math.h>
#include <string.h>

enum { MOST_PARAMETERS = 8 };

static const char frame[] = "set grid lt 1 lc rgb '#8a9099' lw 0.3\nset border 3 lw 0.7\nset tics "
                            "nomirror\nset key outside top center horizontal noenhanced\n";

/* The middle of a bin on a logarithmic axis. */
static double middle(const chirp_calibration_row *row) { return sqrt(row->snr_min * row->snr_max); }

/* One line of "x y spread" for each bin of a parameter that has the number. @return lines */
static int points(chirp_markup *script, const chirp_calibration_file *file, const char *parameter,
                  const char *name, void (*of)(const chirp_calibration_row *, double *, double *))
{
    int n = 0;
    chirp_markup_format(script, "$%s << EOD\n", name);
    for (size_t i = 0; i < file->count; ++i) {
        const chirp_calibration_row *row = &file->row[i];
        double y = (double)NAN;
        double spread = 0;
        if (strcmp(row->parameter, parameter) != 0)
            continue;
        of(row, &y, &spread);
        if (!(y > 0) || !isfinite(middle(row)) || !(middle(row) > 0))
            continue;
        chirp_markup_format(script, "%.9g %.9g %.9g\n", middle(row), y,
                            isfinite(spread) ? spread : 0);
        ++n;
    }
    chirp_markup_raw(script, "EOD\n");
    return n;
}

static void network_error(const chirp_calibration_row *row, double *y, double *spread)
{
    *y = row->error;
    *spread = row->error_se;
}

static void guess_error(const chirp_calibration_row *row, double *y, double *spread)
{
    (void)spread;
    *y = row->guess_error;
}

static void exact_error(const chirp_calibration_row *row, double *y, double *spread)
{
    *y = row->exact_error;
    *spread = row->exact_error_se;
}

static void error_figure(chirp_report *r, const chirp_calibration_file *file, const char *parameter)
{
    chirp_markup script = {0};
    chirp_markup title = {0};
    chirp_markup_raw(&script, frame);
    chirp_markup_raw(&script, "set logscale xy\nset xlabel 'SNR'\nset ylabel 'relative error'\n");
    const int ours = points(&script, file, parameter, "ours", network_error);
    const int guess = points(&script, file, parameter, "guess", guess_error);
    const int exact = points(&script, file, parameter, "exact", exact_error);
    if (ours)
        chirp_markup_format(
            &script,
            "plot $ours using 1:2:3 with yerrorlines lw 1.8 pt 7 ps 0.5 lc rgb '%s' "
            "title 'network'",
            chirp_plot_colour[0]);
    if (ours && guess)
        chirp_markup_format(
            &script,
            ", $guess using 1:2 with linespoints lw 1.4 dt 2 pt 6 ps 0.4 lc rgb '%s' title 'guess'",
            chirp_plot_colour[3]);
    if (ours && exact)
        chirp_markup_format(&script,
                            ", $exact using 1:2:3 with yerrorlines lw 1.8 pt 5 ps 0.5 lc rgb '%s' "
                            "title 'exact posterior'",
                            chirp_plot_colour[1]);
    chirp_markup_raw(&script, "\n");
    chirp_markup_format(&title, "Error of %s against SNR", parameter);
    if (ours)
        chirp_report_figure(
            r, title.bytes ? title.bytes : "Error against SNR",
            exact ? "Mean |median &#8722; truth| / mean |truth| with standard errors. "
                    "The exact posterior is the limit of what the data tell."
                  : "Mean |median &#8722; truth| / mean |truth| with standard errors. "
                    "The exact posterior, the limit of what the data tell, was not "
                    "computed (calibrate --exact).",
            560, 330, &script);
    else
        chirp_markup_clear(&script);
    chirp_markup_clear(&title);
}

/* Curves of all bins of a parameter, and the widest of their bands. */
static void rank_figure(chirp_report *r, const chirp_calibration_file *file, const char *parameter)
{
    chirp_markup script = {0};
    chirp_markup plots = {0};
    chirp_markup title = {0};
    double band = 0;
    int n = 0;
    chirp_markup_raw(&script, frame);
    for (size_t i = 0; i < file->count; ++i) {
        const chirp_calibration_row *row = &file->row[i];
        if (strcmp(row->parameter, parameter) != 0)
            continue;
        chirp_markup_format(&script, "$s%d << EOD\n", n);
        for (int k = 0; k <= CHIRP_RANK_STEPS; ++k)
            if (isfinite(row->rank_curve[k]))
                chirp_markup_format(&script, "%.9g %.9g\n", (double)k / CHIRP_RANK_STEPS,
                                    row->rank_curve[k]);
        chirp_markup_raw(&script, "EOD\n");
        chirp_markup_format(&plots, ", $s%d using 1:2 with lines lw 1.6 lc rgb '%s' title '%g-%g'",
                            n, chirp_plot_colour[n % CHIRP_PLOT_COLOURS], row->snr_min,
                            row->snr_max);
        band = fmax(band, isfinite(row->rank_band) ? row->rank_band : 0);
        ++n;
    }
    chirp_markup_format(&script,
                        "set xrange [0:1]\nset yrange [0:1]\nset xlabel 'rank of the truth'\nset "
                        "ylabel 'share of signals up to it'\nplot '+' using 1:($1-%.9g):($1+%.9g) "
                        "with filledcurves fc rgb '#8a9099' fs transparent solid 0.25 noborder "
                        "title 'honest'",
                        band, band);
    chirp_markup_raw(&script, plots.bytes ? plots.bytes : "");
    chirp_markup_raw(&script, "\n");
    script.failed = script.failed || plots.failed;
    chirp_markup_format(&title, "Ranks of %s", parameter);
    chirp_report_figure(
        r, title.bytes ? title.bytes : "Ranks",
        "Share of signals whose truth has at most this rank in the posterior, by SNR. "
        "Honest curves lie within the band as a whole. A flat S means intervals too "
        "wide, a steep one too narrow, a shift a bias.",
        560, 380, &script);
    chirp_markup_clear(&plots);
    chirp_markup_clear(&title);
}

static void calibration_table(chirp_report *r, const chirp_calibration_file *file)
{
    static const char *const headers[] = {
        "parameter", "SNR from", "to",   "error", "standard error", "guess", "exact", "ratio",
        "50 %",      "90 %",     "from", "to",    "rank p",         "CRPS",  "NLL",   "width ratio",
        NULL};
    chirp_table t;
    chirp_table_begin(&t, "Errors and honesty of posteriors", headers);
    for (size_t i = 0; i < file->count; ++i) {
        const chirp_calibration_row *row = &file->row[i];
        chirp_table_text(&t, row->parameter);
        chirp_table_number(&t, row->snr_min, CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, row->snr_max, CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, row->error, CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, row->error_se, CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, row->guess_error, CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, row->exact_error, CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, row->error_over_exact, CHIRP_UNIT_RATIO);
        chirp_table_number(&t, row->coverage_50.value, CHIRP_UNIT_PERCENT);
        chirp_table_number(&t, row->coverage_90.value, CHIRP_UNIT_PERCENT);
        chirp_table_number(&t, row->coverage_90.low, CHIRP_UNIT_PERCENT);
        chirp_table_number(&t, row->coverage_90.high, CHIRP_UNIT_PERCENT);
        chirp_table_number(&t, row->rank_p, CHIRP_UNIT_SCIENTIFIC);
        chirp_table_number(&t, row->crps, CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, row->nll, CHIRP_UNIT_FIXED3);
        chirp_table_number(&t, row->width_over_exact, CHIRP_UNIT_RATIO);
    }
    chirp_report_table(r, &t, 30);
}

static void write_file(chirp_report *r, const chirp_result_file *result,
                       const chirp_calibration_file *file)
{
    const char *parameter[MOST_PARAMETERS];
    int n = 0;
    for (size_t i = 0; i < file->count && n < MOST_PARAMETERS; ++i) {
        int k = 0;
        while (k < n && strcmp(parameter[k], file->row[i].parameter) != 0)
            ++k;
        if (k == n)
            parameter[n++] = file->row[i].parameter;
    }
    chirp_markup_raw(&r->body, "<h3>");
    chirp_markup_text(&r->body, file->checkpoint);
    chirp_markup_raw(&r->body, "</h3>\n<p>Network ");
    chirp_markup_text(&r->body, file->network);
    chirp_markup_raw(&r->body, ", variational ");
    chirp_markup_text(&r->body, file->variational);
    chirp_markup_raw(&r->body, ", on fresh signals whitened with ");
    chirp_markup_text(&r->body, file->noise);
    chirp_markup_raw(&r->body, ".</p>\n");
    if (file->recalibration) {
        chirp_markup_raw(&r->body, "<p>");
        chirp_markup_text(&r->body, file->recalibration);
        chirp_markup_raw(&r->body, ".</p>\n");
    }
    chirp_report_source(r, result);
    chirp_report_subject(r, "%.80s, %.60s", result->name, file->checkpoint);
    chirp_figures_begin(r);
    for (int k = 0; k < n; ++k)
        error_figure(r, file, parameter[k]);
    for (int k = 0; k < n; ++k)
        rank_figure(r, file, parameter[k]);
    chirp_figures_end(r);
    calibration_table(r, file);
}

static void draw_calibration(chirp_report *r)
{
    const chirp_result_file *result = NULL;
    for (size_t i = 0;
         (result = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_CALIBRATION, i)); ++i) {
        chirp_calibration_file file;
        if (chirp_calibration_file_read(&result->document, result->name, &file) != CHIRP_OK)
            chirp_report_problem(r, chirp_error_message());
        else if (file.count)
            write_file(r, result, &file);
        chirp_calibration_file_release(&file);
    }
}

const chirp_section chirp_section_calibration = {
    .id = "calibration",
    .title = "Calibration",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_CALIBRATION),
    .draw = draw_calibration,
};

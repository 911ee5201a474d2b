/* The strain that a network saw: whitened second, its spectrogram, the noise spectrum, and a batch of training signals. */
#include "reports/sections/posterior.h"
#include "reports/sections/sections.h"
#include "reports/sections/spectrogram.h"

#include "harness/base/memory.h"

#include <math.h>
#include <string.h>

enum { ROWS = 96, COLUMNS = 256, MOST_TRACES = 12, TRACE_POINTS = 900 };

static const char frame[] = "set grid lt 1 lc rgb '#8a9099' lw 0.3\nset border 3 lw 0.7\nset tics "
                            "nomirror\nset key outside top center horizontal noenhanced\n";

static bool all_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        if (!isfinite(x[i]))
            return false;
    return n > 0;
}

/*
 * Extremes of equal runs: a line through lowest and highest of each run looks as the full series would at this size.
 */
static void trace(chirp_markup *script, const double *x, size_t n, double rate, double offset,
                  double scale)
{
    const size_t run = (n + TRACE_POINTS - 1) / TRACE_POINTS;
    for (size_t i = 0; i < n; i += run) {
        size_t low = i;
        size_t high = i;
        for (size_t k = i; k < i + run && k < n; ++k) {
            low = x[k] < x[low] ? k : low;
            high = x[k] > x[high] ? k : high;
        }
        const size_t first = low < high ? low : high;
        const size_t second = low < high ? high : low;
        chirp_markup_format(script, "%.6g %.5g\n", (double)first / rate, x[first] * scale + offset);
        if (second != first)
            chirp_markup_format(script, "%.6g %.5g\n", (double)second / rate,
                                x[second] * scale + offset);
    }
}

/* Where the merger lies in the window [s], or NaN. */
static double merger_at(const cJSON *owner, const cJSON *window)
{
    const double direct = chirp_json_number(window, "merger_s");
    return isfinite(direct)
               ? direct
               : chirp_json_number(owner, "gps") - chirp_json_number(window, "start_s");
}

static void mark_merger(chirp_markup *script, double merger, double seconds)
{
    if (merger >= 0 && merger <= seconds)
        chirp_markup_format(script,
                            "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead front lw 1.2 dt "
                            "2 lc rgb '#d1425a'\n",
                            merger, merger);
}

static void strain_figure(chirp_report *r, const double *x, size_t n, double rate, double merger)
{
    chirp_markup script = {0};
    chirp_markup_raw(&script, frame);
    chirp_markup_raw(&script, "$w << EOD\n");
    trace(&script, x, n, rate, 0, 1);
    chirp_markup_raw(&script, "EOD\n");
    mark_merger(&script, merger, (double)n / rate);
    chirp_markup_format(
        &script,
        "set xrange [0:%.9g]\nset xlabel 'seconds into the window'\nset ylabel 'whitened strain'\n"
        "plot $w using 1:2 with lines lw 0.7 lc rgb '#2b7fd4' notitle\n",
        (double)n / rate);
    chirp_report_figure(r, "Whitened strain",
                        "Whitened strain, as the network sees it; dashed: the merger.", 560, 320,
                        &script);
}

static void spectrogram_figure(chirp_report *r, const double *x, size_t n, double rate,
                               double merger)
{
    const double low = 24;
    const double high = fmin(1024, 0.45 * rate);
    const double seconds = (double)n / rate;
    double *power = high > 2 * low ? chirp_alloc((size_t)ROWS * COLUMNS * sizeof *power) : NULL;
    chirp_markup script = {0};
    double most = 0;
    if (!power)
        return;
    const chirp_spectrogram_grid grid = {rate, low, high, 8, ROWS, COLUMNS};
    chirp_spectrogram(x, n, &grid, power);
    chirp_markup_raw(&script, frame);
    chirp_markup_raw(&script, "$s << EOD\n");
    for (size_t row = 0; row < ROWS; ++row)
        for (size_t column = 0; column < COLUMNS; ++column) {
            const double v = power[row * COLUMNS + column];
            chirp_markup_format(&script, "%.5g %.6g %.4g\n",
                                ((double)column + 0.5) * seconds / COLUMNS,
                                log2(low) + (log2(high / low) * (double)row) / (ROWS - 1), v);
            most = fmax(most, v);
        }
    chirp_markup_raw(&script, "EOD\nunset grid\n");
    mark_merger(&script, merger, seconds);
    chirp_markup_format(
        &script,
        "set palette defined (0 '#0d1033', 0.25 '#3b2c85', 0.5 '#a03a7c', 0.75 '#ee7a4d', 1 "
        "'#fdf3a7')\n"
        "set cbrange [0:%g]\nunset colorbox\nset xrange [0:%.9g]\nset yrange [%.9g:%.9g]\n"
        "set ytics ('32' 5, '64' 6, '128' 7, '256' 8, '512' 9, '1024' 10)\nset xlabel 'seconds "
        "into the window'\n"
        "set ylabel 'frequency [Hz]'\nplot $s using 1:2:3 with image notitle\n",
        fmax(most, 1e-30), seconds, log2(low), log2(high));
    chirp_free(power);
    chirp_report_figure(r, "Spectrogram",
                        "The same second through windows of eight cycles (Gaussian, constant Q): "
                        "brightness is amplitude. "
                        "A merger sweeps upwards.",
                        560, 320, &script);
}

static void window_figures(chirp_report *r, const chirp_result_file *file, const cJSON *owner)
{
    const cJSON *window = cJSON_GetObjectItemCaseSensitive(owner, "window");
    const double rate = chirp_json_number(window, "sample_rate_hz");
    size_t n = 0;
    double *x = chirp_json_numbers(cJSON_GetObjectItemCaseSensitive(window, "whitened"), &n);
    if (window && (!(rate > 0) || !all_finite(x, n))) {
        char sentence[400];
        (void)snprintf(sentence, sizeof sentence,
                       "%.200s: field \"window\" needs sample_rate_hz above 0 and finite numbers "
                       "in whitened: write it again",
                       file->name);
        chirp_report_problem(r, sentence);
    } else if (window) {
        strain_figure(r, x, n, rate, merger_at(owner, window));
        spectrogram_figure(r, x, n, rate, merger_at(owner, window));
    }
    chirp_free(x);
}

static void psd_figure(chirp_report *r, const chirp_result_file *file, const cJSON *psd)
{
    size_t n = 0;
    size_t m = 0;
    size_t points = 0;
    double *f = chirp_json_numbers(cJSON_GetObjectItemCaseSensitive(psd, "frequency_hz"), &n);
    double *p = chirp_json_numbers(cJSON_GetObjectItemCaseSensitive(psd, "psd"), &m);
    chirp_markup script = {0};
    chirp_markup_raw(&script, frame);
    chirp_markup_raw(&script, "$p << EOD\n");
    double next = 0;
    for (size_t i = 0; i < n && n == m; ++i)
        /* equal steps on the logarithmic axis are all that the eye gets */
        if (f[i] >= 10 && p[i] > 0 && f[i] >= next) {
            chirp_markup_format(&script, "%.6g %.5g\n", f[i], sqrt(p[i]));
            next = f[i] * 1.003;
            ++points;
        }
    chirp_markup_raw(&script,
                     "EOD\nset logscale xy\nset format y '10^{%L}'\nset xlabel 'frequency [Hz]'\n"
                     "set ylabel 'strain noise [1/√Hz]'\nset format x '%g'\n"
                     "plot $p using 1:2 with lines lw 1.2 lc rgb '#23935f' notitle\n");
    if (points < 2) {
        char sentence[400];
        (void)snprintf(sentence, sizeof sentence,
                       "%.200s: field \"psd\" needs as many frequencies as values, positive and "
                       "above 10 Hz: write it again",
                       file->name);
        chirp_report_problem(r, sentence);
        chirp_markup_clear(&script);
    } else {
        chirp_report_figure(
            r, "Noise spectrum",
            "Amplitude spectral density of the noise, estimated from the strain around the event.",
            560, 320, &script);
    }
    chirp_free(f);
    chirp_free(p);
}

static void facts_table(chirp_report *r, const cJSON *owner)
{
    static const char *const headers[] = {"what", "value", "unit", NULL};
    static const struct {
        const char *group, *key, *title, *unit;
        chirp_unit shown;
    } fact[] = {{NULL, "gps", "merger, GPS time", "s", CHIRP_UNIT_TIMESTAMP},
                {NULL, "snr", "signal-to-noise ratio", "", CHIRP_UNIT_PLAIN},
                {"window", "start_s", "window starts, GPS time", "s", CHIRP_UNIT_TIMESTAMP},
                {"window", "sample_rate_hz", "sample rate", "Hz", CHIRP_UNIT_INTEGER}};
    chirp_table t;
    chirp_table_begin(&t, "About this second", headers);
    for (size_t i = 0; i < sizeof fact / sizeof fact[0]; ++i) {
        const cJSON *place =
            fact[i].group ? cJSON_GetObjectItemCaseSensitive(owner, fact[i].group) : owner;
        if (!isfinite(chirp_json_number(place, fact[i].key)))
            continue;
        chirp_table_text(&t, fact[i].title);
        chirp_table_member(&t, place, fact[i].key, fact[i].shown);
        chirp_table_text(&t, fact[i].unit);
    }
    chirp_report_table(r, &t, 0);
}

/* One training batch, traces above each other. */
static void batch_figure(chirp_report *r, const cJSON *batch, double rate)
{
    const cJSON *series = NULL;
    chirp_markup script = {0};
    int n = 0;
    double seconds = 0;
    chirp_markup_raw(&script, frame);
    chirp_markup_raw(&script, "$b << EOD\n");
    cJSON_ArrayForEach(series, batch)
    {
        size_t length = 0;
        double *x = n < MOST_TRACES ? chirp_json_numbers(series, &length) : NULL;
        if (x && all_finite(x, length)) {
            double most = 1e-30;
            for (size_t i = 0; i < length; ++i)
                most = fmax(most, fabs(x[i]));
            trace(&script, x, length, rate, -n, 0.5 / most);
            chirp_markup_raw(&script, "\n"); /* a blank line lifts the pen */
            seconds = fmax(seconds, (double)length / rate);
            ++n;
        }
        chirp_free(x);
    }
    chirp_markup_format(
        &script,
        "EOD\nunset ytics\nset border 1\nset xrange [0:%.9g]\nset xlabel 'seconds'\n"
        "plot $b using 1:2 with lines lw 0.6 lc rgb '#2b7fd4' notitle\n",
        seconds);
    if (n > 0)
        chirp_report_figure(
            r, "Training signals",
            "Signals of one training batch with their noise, each scaled to its own largest value.",
            860, 60 + 48 * n, &script);
    chirp_markup_clear(&script);
}

static void draw_signal(chirp_report *r)
{
    const chirp_result_file *file = NULL;
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_POSTERIOR, i));
         ++i) {
        const cJSON *event = NULL;
        cJSON_ArrayForEach(event, cJSON_GetObjectItemCaseSensitive(file->root, "events"))
        {
            const cJSON *psd = cJSON_GetObjectItemCaseSensitive(event, "psd");
            const cJSON *batch = cJSON_GetObjectItemCaseSensitive(event, "batch_strain");
            if (!psd && !batch && !cJSON_HasObjectItem(event, "window"))
                continue;
            chirp_report_source(r, file);
            chirp_event_subject(r, file, event);
            chirp_figures_begin(r);
            window_figures(r, file, event);
            if (psd)
                psd_figure(r, file, psd);
            chirp_figures_end(r);
            if (batch && chirp_json_number(event, "sample_rate_hz") > 0)
                batch_figure(r, batch, chirp_json_number(event, "sample_rate_hz"));
            facts_table(r, event);
        }
    }
}

const chirp_section chirp_section_signal = {
    .id = "signal",
    .title = "Signal and noise",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_POSTERIOR),
    .draw = draw_signal,
};

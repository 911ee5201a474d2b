/* Posteriors: what the network says about an event, beside what was put in or what others published. */
#include "reports/sections/sections.h"

#include "harness/base/memory.h"
#include "reports/files/events.h"
#include "reports/files/published.h"
#include "reports/sections/posterior.h"

#include <math.h>
#include <string.h>

enum { MOST_BINS = 48, MOST_EVENTS = 8 };

static const char *unit_of(const char *label)
{
    return strcmp(label, "m1") == 0 || strcmp(label, "m2") == 0 ? " [solar masses, detector frame]"
                                                                : "";
}

static void vertical(chirp_markup *script, double x, const char *style)
{
    if (isfinite(x))
        chirp_markup_format(
            script, "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead front %s\n", x, x, style);
}

/* How samples spread over bins of one width. */
typedef struct bins {
    double low, high, width;
    double bin[MOST_BINS]; /* density */
    int bins;
} bins;

/* False without samples, or when they are one point. */
static bool count_samples(const cJSON *parameter, bins *h)
{
    size_t n = 0;
    double *x = chirp_json_numbers(cJSON_GetObjectItemCaseSensitive(parameter, "samples"), &n);
    double good = 0;
    *h = (bins){.low = INFINITY, .high = -INFINITY};
    for (size_t i = 0; i < n; ++i)
        if (isfinite(x[i])) {
            h->low = fmin(h->low, x[i]);
            h->high = fmax(h->high, x[i]);
            ++good;
        }
    if (good < 2 || !(h->high > h->low)) {
        chirp_free(x);
        return false;
    }
    /* about twice the square root of the samples: few samples make wide bins */
    h->bins = good < 16 ? 8 : good > 576 ? MOST_BINS : (int)(2 * sqrt(good));
    h->width = (h->high - h->low) / h->bins;
    for (size_t i = 0; i < n; ++i)
        if (isfinite(x[i])) {
            const int k = (int)((x[i] - h->low) / h->width);
            h->bin[k < h->bins ? k : h->bins - 1] += 1 / (good * h->width);
        }
    chirp_free(x);
    return true;
}

/* The bins as data and the frame around them, wide enough for the truth and the published median. */
static void frame_bins(chirp_markup *script, const bins *h, double truth, const cJSON *reference)
{
    double left = h->low;
    double right = h->high;
    const double mark[] = {truth, chirp_json_number(reference, "median")};
    for (size_t i = 0; i < sizeof mark / sizeof mark[0]; ++i)
        if (isfinite(mark[i])) {
            left = fmin(left, mark[i]);
            right = fmax(right, mark[i]);
        }
    chirp_markup_raw(script, "$h << EOD\n");
    for (int i = 0; i < h->bins; ++i)
        chirp_markup_format(script, "%.9g %.9g\n", h->low + (i + 0.5) * h->width, h->bin[i]);
    chirp_markup_format(script,
                        "EOD\nset xrange [%.9g:%.9g]\nset yrange [0:*]\nset style fill solid 0.75 "
                        "noborder\nset boxwidth %.9g\n"
                        "set border 3 lw 0.7\nset tics nomirror\nset ylabel 'density'\nset key "
                        "outside top center horizontal\n",
                        left - 0.03 * (right - left), right + 0.03 * (right - left), h->width);
}

/* The lines over the bins, and the plot. */
static void mark_bins(chirp_markup *script, const cJSON *parameter, double truth,
                      const cJSON *reference)
{
    if (isfinite(chirp_event_interval(parameter, 0)) &&
        isfinite(chirp_event_interval(parameter, 1)))
        chirp_markup_format(script,
                            "set object rectangle from %.9g, graph 0 to %.9g, graph 1 fc rgb '%s' "
                            "fs transparent solid 0.13 noborder behind\n",
                            chirp_event_interval(parameter, 0), chirp_event_interval(parameter, 1),
                            chirp_plot_colour[0]);
    vertical(script, chirp_json_number(parameter, "median"), "lw 2.2 lc rgb '#2b7fd4'");
    vertical(script, chirp_json_number(reference, "median"), "lw 2 lc rgb '#d1425a'");
    vertical(script, chirp_event_interval(reference, 0), "lw 1.3 dt 2 lc rgb '#d1425a'");
    vertical(script, chirp_event_interval(reference, 1), "lw 1.3 dt 2 lc rgb '#d1425a'");
    vertical(script, truth, "lw 2 lc rgb '#23935f'");
    chirp_markup_raw(script, "plot $h using 1:2 with boxes lc rgb '#7fb0e2' title 'samples', 1/0 "
                             "with lines lw 2.2 lc rgb '#2b7fd4' title 'median'");
    if (isfinite(chirp_json_number(reference, "median")))
        chirp_markup_raw(script, ", 1/0 with lines lw 2 lc rgb '#d1425a' title 'published'");
    if (isfinite(truth))
        chirp_markup_raw(script, ", 1/0 with lines lw 2 lc rgb '#23935f' title 'injected'");
    chirp_markup_raw(script, "\n");
}

static void histogram(chirp_report *r, const cJSON *event, const cJSON *published,
                      const cJSON *parameter)
{
    const char *label = parameter->string;
    const cJSON *reference = chirp_event_reference(event, published, label);
    const double truth = chirp_event_truth(event, label);
    chirp_markup script = {0};
    chirp_markup title = {0};
    bins h;
    if (!count_samples(parameter, &h))
        return; /* the table says all there is */
    frame_bins(&script, &h, truth, reference);
    chirp_markup_raw(&script, "set xlabel ");
    chirp_markup_format(&title, "%s%s", chirp_event_parameter_name(label), unit_of(label));
    chirp_gnuplot_quote(&script, title.bytes ? title.bytes : "");
    chirp_markup_raw(&script, " noenhanced\n");
    mark_bins(&script, parameter, truth, reference);
    script.failed = script.failed || title.failed;
    chirp_markup_clear(&title);
    chirp_markup_format(&title, "Posterior of %s", chirp_event_parameter_name(label));
    chirp_report_figure(r, title.bytes ? title.bytes : "Posterior",
                        isfinite(chirp_json_number(reference, "median"))
                            ? "Samples of the network, its median and its 90 % interval (shaded); "
                              "the published median and its interval (dashed)."
                            : "Samples of the network, its median and its 90 % interval (shaded).",
                        560, 330, &script);
    chirp_markup_clear(&title);
}

static void parameters_table(chirp_report *r, const cJSON *event, const cJSON *published,
                             const cJSON *parameters)
{
    static const char *const headers[] = {
        "parameter",     "median",   "mean",      "std",  "5 %", "95 %", "epistemic std",
        "aleatoric std", "injected", "published", "from", "to",  NULL};
    const cJSON *parameter = NULL;
    chirp_table t;
    chirp_table_begin(&t,
                      chirp_event_is_real(event) ? "Posterior from real strain"
                                                 : "Posterior from an injected signal",
                      headers);
    cJSON_ArrayForEach(parameter, parameters)
    {
        const cJSON *reference = chirp_event_reference(event, published, parameter->string);
        chirp_table_text(&t, chirp_event_parameter_name(parameter->string));
        chirp_table_member(&t, parameter, "median", CHIRP_UNIT_PLAIN);
        chirp_table_member(&t, parameter, "mean", CHIRP_UNIT_PLAIN);
        chirp_table_member(&t, parameter, "std", CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, chirp_event_interval(parameter, 0), CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, chirp_event_interval(parameter, 1), CHIRP_UNIT_PLAIN);
        chirp_table_member(&t, parameter, "epistemic_std", CHIRP_UNIT_PLAIN);
        chirp_table_member(&t, parameter, "aleatoric_std", CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, chirp_event_truth(event, parameter->string), CHIRP_UNIT_PLAIN);
        chirp_table_member(&t, reference, "median", CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, chirp_event_interval(reference, 0), CHIRP_UNIT_PLAIN);
        chirp_table_number(&t, chirp_event_interval(reference, 1), CHIRP_UNIT_PLAIN);
    }
    chirp_report_table(r, &t, 10);
}

static void say_text(chirp_report *r, const cJSON *event, const char *before, const char *key)
{
    const char *text = chirp_json_string(event, key);
    if (!text)
        return;
    chirp_markup_raw(&r->body, before);
    chirp_markup_text(&r->body, text);
}

void chirp_event_subject(chirp_report *r, const chirp_result_file *file, const cJSON *event)
{
    const char *strain = chirp_json_string(event, "strain");
    const char *data = chirp_json_string(event, "data");
    char row[32] = "";
    if (isfinite(chirp_json_number(event, "row")))
        (void)snprintf(row, sizeof row, ", row %.0f", chirp_json_number(event, "row"));
    chirp_report_subject(r, "%.40s, %.80s%s", file->name,
                         strain ? strain
                         : data ? data
                                : "event",
                         row);
}

static void write_event(chirp_report *r, const chirp_result_file *file, const cJSON *event)
{
    const cJSON *published = chirp_published_event(&r->results, event);
    const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(event, "parameters");
    const cJSON *parameter = NULL;
    if (!cJSON_IsObject(parameters)) {
        char sentence[400];
        (void)snprintf(sentence, sizeof sentence,
                       "%.200s: field \"parameters\" of an event is missing: write it again with "
                       "chirpbench infer",
                       file->name);
        chirp_report_problem(r, sentence);
        return;
    }
    const bool real = chirp_event_is_real(event);
    chirp_markup_format(&r->body, "<h3>%s</h3>\n<p><span class=\"tag %s\">%s</span> ",
                        real ? "Real strain" : "Injected signal", real ? "real" : "injected",
                        real ? "from real strain" : "from a signal injected into noise");
    say_text(r, event, "", "strain");
    say_text(r, event, "", "data");
    if (isfinite(chirp_json_number(event, "row"))) {
        chirp_markup_raw(&r->body, ", row ");
        chirp_markup_number(&r->body, chirp_json_number(event, "row"), CHIRP_UNIT_INTEGER);
    }
    say_text(r, event, ", detector ", "detector");
    if (isfinite(chirp_json_number(event, "gps"))) {
        chirp_markup_raw(&r->body, ", GPS ");
        chirp_markup_number(&r->body, chirp_json_number(event, "gps"), CHIRP_UNIT_TIMESTAMP);
    }
    say_text(r, event, "; network ", "network");
    say_text(r, event, ", variational ", "variational");
    if (isfinite(chirp_json_number(event, "iterations"))) {
        chirp_markup_raw(&r->body, ", trained for ");
        chirp_markup_number(&r->body, chirp_json_number(event, "iterations"), CHIRP_UNIT_INTEGER);
        chirp_markup_raw(&r->body, " iterations");
    }
    chirp_markup_raw(&r->body, ".</p>\n");
    chirp_report_source(r, file);
    if (published) {
        chirp_markup_raw(&r->body, "<p>Published values: ");
        chirp_markup_text(&r->body, chirp_json_string(published, "name"));
        chirp_markup_raw(&r->body, ", ");
        chirp_markup_text(&r->body, chirp_json_string(published, "source"));
        chirp_markup_raw(&r->body, "</p>\n");
    }
    chirp_event_subject(r, file, event);
    chirp_figures_begin(r);
    cJSON_ArrayForEach(parameter, parameters) histogram(r, event, published, parameter);
    chirp_corner(r, event);
    chirp_figures_end(r);
    parameters_table(r, event, published, parameters);
}

/* Of events that `exact` answered. */
static void write_exact(chirp_report *r, const chirp_result_file *file)
{
    static const char *const headers[] = {"parameter", "median", "std",      "5 %",
                                          "95 %",      "R-hat",  "injected", NULL};
    const cJSON *event = NULL;
    int n = 0;
    chirp_report_source(r, file);
    cJSON_ArrayForEach(event, cJSON_GetObjectItemCaseSensitive(file->root, "events"))
    {
        const cJSON *parameter = NULL;
        chirp_table t;
        if (n++ == MOST_EVENTS)
            break;
        chirp_table_begin(&t, "Exact posterior: the limit of what the data tell", headers);
        cJSON_ArrayForEach(parameter, cJSON_GetObjectItemCaseSensitive(event, "parameters"))
        {
            chirp_table_text(&t, chirp_event_parameter_name(parameter->string));
            chirp_table_member(&t, parameter, "median", CHIRP_UNIT_PLAIN);
            chirp_table_member(&t, parameter, "std", CHIRP_UNIT_PLAIN);
            chirp_table_number(&t, chirp_event_interval(parameter, 0), CHIRP_UNIT_PLAIN);
            chirp_table_number(&t, chirp_event_interval(parameter, 1), CHIRP_UNIT_PLAIN);
            chirp_table_member(&t, parameter, "r_hat", CHIRP_UNIT_FIXED3);
            chirp_table_number(&t, chirp_event_truth(event, parameter->string), CHIRP_UNIT_PLAIN);
        }
        chirp_report_table(r, &t, 10);
    }
}

static void draw_posterior(chirp_report *r)
{
    const chirp_result_file *file = NULL;
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_POSTERIOR, i));
         ++i) {
        const cJSON *events = cJSON_GetObjectItemCaseSensitive(file->root, "events");
        const cJSON *event = NULL;
        int n = 0;
        cJSON_ArrayForEach(event, events) if (n++ < MOST_EVENTS) write_event(r, file, event);
        if (n > MOST_EVENTS) {
            chirp_markup_format(&r->body, "<p>The first %d of %d events of ", MOST_EVENTS, n);
            chirp_markup_text(&r->body, file->name);
            chirp_markup_raw(&r->body, " are shown.</p>\n");
        }
    }
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_EXACT, i)); ++i)
        write_exact(r, file);
}

const chirp_section chirp_section_posterior = {
    .id = "posterior",
    .title = "Posterior",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_POSTERIOR) | CHIRP_NEEDS(CHIRP_DOCUMENT_EXACT),
    .draw = draw_posterior,
};

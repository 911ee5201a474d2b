/* Filters: what each filter of a network's root matters to each parameter, from `chirpbench decompose`. */
#include "reports/sections/sections.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>

/* One curve "share of filters, share of the largest impact" of a layer, from the largest down. @return points */
static int layer_curve(chirp_markup *script, const cJSON *layer, const char *parameter, int number)
{
    size_t n = 0;
    int points = 0;
    double *x =
        chirp_json_numbers(cJSON_GetObjectItemCaseSensitive(
                               cJSON_GetObjectItemCaseSensitive(layer, "impact"), parameter),
                           &n);
    if (!x || n == 0) {
        chirp_free(x);
        return 0;
    }
    chirp_sort(x, n);
    chirp_markup_format(script, "$l%d << EOD\n", number);
    for (size_t k = 0; k < n; ++k) {
        const double share = x[n - 1 - k] / x[n - 1];
        if (share > 0) {
            chirp_markup_format(script, "%.6g %.6g\n", (double)(k + 1) / (double)n, share);
            ++points;
        }
    }
    chirp_markup_raw(script, "EOD\n");
    chirp_free(x);
    return points;
}

static void impact_figure(chirp_report *r, const cJSON *layers, const char *parameter)
{
    chirp_markup script = {0};
    chirp_markup plots = {0};
    chirp_markup title = {0};
    const cJSON *layer = NULL;
    int n = 0;
    chirp_markup_raw(&script,
                     "set grid lt 1 lc rgb '#8a9099' lw 0.3\nset border 3 lw 0.7\nset tics "
                     "nomirror\nset key outside top center horizontal noenhanced\nset "
                     "logscale y\nset xrange [0:1]\nset xlabel 'share of the layer''s "
                     "filters'\nset ylabel 'impact over the largest'\n");
    cJSON_ArrayForEach(layer, layers)
    {
        if (n < CHIRP_PLOT_COLOURS && layer_curve(&script, layer, parameter, n) > 1) {
            chirp_markup_format(&plots,
                                "%s$l%d using 1:2 with lines lw 1.6 lc rgb '%s' title 'layer %d'",
                                n ? ", " : "plot ", n, chirp_plot_colour[n], n + 1);
            ++n;
        }
    }
    chirp_markup_raw(&script, plots.bytes ? plots.bytes : "");
    chirp_markup_raw(&script, "\n");
    script.failed = script.failed || plots.failed;
    chirp_markup_format(&title, "What filters matter to %s", parameter);
    if (n)
        chirp_report_figure(r, title.bytes ? title.bytes : "What filters matter",
                            "Impact of the filters of each layer of the root, from the largest "
                            "down: the change of the mean output without the filter, to first "
                            "order. Filters far down can be left out.",
                            560, 330, &script);
    else
        chirp_markup_clear(&script);
    chirp_markup_clear(&plots);
    chirp_markup_clear(&title);
}

static void draw_impact(chirp_report *r)
{
    const chirp_result_file *result = NULL;
    for (size_t i = 0;
         (result = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_DECOMPOSITION, i)); ++i) {
        const cJSON *layers = cJSON_GetObjectItemCaseSensitive(result->root, "layers");
        const cJSON *impact =
            cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(layers, 0), "impact");
        const cJSON *parameter = NULL;
        chirp_report_source(r, result);
        chirp_figures_begin(r);
        cJSON_ArrayForEach(parameter, impact) impact_figure(r, layers, parameter->string);
        chirp_figures_end(r);
    }
}

const chirp_section chirp_section_impact = {
    .id = "filters",
    .title = "Filters",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_DECOMPOSITION),
    .draw = draw_impact,
};

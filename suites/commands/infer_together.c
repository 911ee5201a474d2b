/* infer: the exact posterior beside the network's, and what several detectors say together. */
#include "harness/base/memory.h"
#include "harness/base/text.h"
#include "harness/stats/stats.h"
#include "model/inference/combine.h"
#include "model/inference/exact.h"
#include "suites/commands/exact_output.h"
#include "suites/commands/inference.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static const char product[] =
    "product of the detectors' posteriors over the prior, each parameter by itself";

chirp_status inference_exact(const inference *f, const chirp_signal_config *signal,
                             const chirp_match_curve *curve, int n_detectors, const float *window,
                             cJSON *event)
{
    chirp_exact_options options = chirp_exact_options_default();
    chirp_exact_result result = {0};
    options.n_threads = (int)f->threads;
    const chirp_status st =
        chirp_exact_event(signal, curve, n_detectors, window, (uint64_t)f->seed, &options, &result);
    if (st != CHIRP_OK)
        return st;
    printf("exact posterior:\n");
    exact_print(&result, NULL);
    cJSON_AddItemToObject(event, "exact", exact_json(&result));
    chirp_exact_result_destroy(&result);
    return CHIRP_OK;
}

chirp_status inference_keep(inference *f, chirp_strain_info *info, cJSON *event)
{
    inference_detector *d = &f->detector[f->n_detectors];
    const size_t length = (size_t)f->config.signal.length,
                 drawn = (size_t)f->spec->n_leaves * (size_t)f->samples;
    const chirp_match_curve curve = {info->psd_f_hz, info->psd, info->n_psd};
    chirp_status st =
        f->exact ? inference_exact(f, &f->config.signal, &curve, 1, f->window, event) : CHIRP_OK;
    if (st != CHIRP_OK)
        return st;
    ++f->n_detectors;
    d->window = chirp_calloc(length, sizeof *d->window);
    d->drawn = chirp_calloc(drawn, sizeof *d->drawn);
    if (!d->window || !d->drawn)
        return CHIRP_ERR_NOMEM;
    memcpy(d->window, f->window, length * sizeof *d->window);
    memcpy(d->drawn, f->drawn, drawn * sizeof *d->drawn);
    d->info = *info;
    *info = (chirp_strain_info){0};
    return CHIRP_OK;
}

void inference_forget(inference *f)
{
    for (int i = 0; i < f->n_detectors; ++i) {
        chirp_free(f->detector[i].window);
        chirp_free(f->detector[i].drawn);
        chirp_strain_info_destroy(&f->detector[i].info);
    }
}

/* Draws of the prior of every leaf. @param prior  [leaves][PRIOR_DRAWS] */
enum { PRIOR_DRAWS = 4000 };
static chirp_status draw_prior(const inference *f, double *prior)
{
    chirp_generator *generator = NULL;
    chirp_status st = chirp_generator_create(&f->config.signal, &generator);
    for (int i = 0; st == CHIRP_OK && i < PRIOR_DRAWS; ++i) {
        chirp_signal_draw draw;
        double value[CHIRP_EXACT_QUANTITIES];
        st = chirp_generator_draw(generator, (uint64_t)i, &draw);
        if (st == CHIRP_OK)
            st = chirp_exact_quantities(&draw.binary, value);
        for (int leaf = 0; st == CHIRP_OK && leaf < f->spec->n_leaves; ++leaf)
            prior[leaf * PRIOR_DRAWS + i] = value[f->spec->label[leaf]];
    }
    chirp_generator_destroy(generator);
    return st;
}

/* One leaf: the product's quantiles take the place of samples. */
static chirp_status combine_leaf(inference *f, int leaf, const double *prior, double *samples,
                                 cJSON *parameters)
{
    const int64_t n = f->samples;
    double *combined = f->drawn + leaf * n, half[2], ninety[2], asked[2];
    for (int d = 0; d < f->n_detectors; ++d)
        memcpy(samples + d * n, f->detector[d].drawn + leaf * n, (size_t)n * sizeof *samples);
    chirp_status st =
        chirp_posterior_combine(samples, f->n_detectors, n, prior, PRIOR_DRAWS, combined);
    if (st == CHIRP_OK)
        st = chirp_credible_interval(combined, n, 0.5, half);
    if (st == CHIRP_OK)
        st = chirp_credible_interval(combined, n, 0.9, ninety);
    if (st == CHIRP_OK)
        st = inference_credible(f, leaf, asked);
    if (st != CHIRP_OK)
        return chirp_fail(st, "%s together: %s", chirp_label_name[f->spec->label[leaf]],
                          chirp_error_message());
    const double median = chirp_stats_quantile_sorted(combined, (size_t)n, 0.5),
                 spread = chirp_stats_stddev(combined, (size_t)n);
    printf("%-8s %10.4f %10.4f   [%9.4f,%9.4f]\n", chirp_label_name[f->spec->label[leaf]], median,
           spread, asked[0], asked[1]);
    cJSON *object = cJSON_AddObjectToObject(parameters, chirp_label_name[f->spec->label[leaf]]);
    cJSON_AddNumberToObject(object, "mean", chirp_stats_mean(combined, (size_t)n));
    cJSON_AddNumberToObject(object, "median", median);
    cJSON_AddNumberToObject(object, "std", spread);
    cJSON_AddItemToObject(object, "interval_50", cJSON_CreateDoubleArray(half, 2));
    cJSON_AddItemToObject(object, "interval_90", cJSON_CreateDoubleArray(ninety, 2));
    cJSON_AddItemToObject(object, "interval", cJSON_CreateDoubleArray(asked, 2));
    cJSON_AddItemToObject(object, "samples", cJSON_CreateDoubleArray(combined, (int)n));
    return CHIRP_OK;
}

static chirp_status combine_network(inference *f, cJSON *event)
{
    double *prior = chirp_calloc((size_t)f->spec->n_leaves * PRIOR_DRAWS, sizeof *prior),
           *samples = chirp_calloc((size_t)(f->n_detectors * f->samples), sizeof *samples);
    chirp_status st = prior && samples ? draw_prior(f, prior) : CHIRP_ERR_NOMEM;
    cJSON *parameters = cJSON_AddObjectToObject(event, "parameters");
    for (int leaf = 0; st == CHIRP_OK && leaf < f->spec->n_leaves; ++leaf)
        st = combine_leaf(f, leaf, prior + leaf * PRIOR_DRAWS, samples, parameters);
    chirp_free(prior);
    chirp_free(samples);
    return st;
}

static chirp_status exact_together(const inference *f, cJSON *event)
{
    const size_t length = (size_t)f->config.signal.length;
    chirp_match_curve curve[INFERENCE_DETECTORS];
    float *window = chirp_calloc((size_t)f->n_detectors * length, sizeof *window);
    if (!window)
        return CHIRP_ERR_NOMEM;
    for (int d = 0; d < f->n_detectors; ++d) {
        const chirp_strain_info *info = &f->detector[d].info;
        curve[d] = (chirp_match_curve){info->psd_f_hz, info->psd, info->n_psd};
        memcpy(window + (size_t)d * length, f->detector[d].window, length * sizeof *window);
    }
    const chirp_status st =
        inference_exact(f, &f->config.signal, curve, f->n_detectors, window, event);
    chirp_free(window);
    return st;
}

chirp_status inference_together(inference *f)
{
    char names[INFERENCE_DETECTORS * 17] = "";
    if (f->n_detectors < 2)
        return CHIRP_OK;
    for (int d = 0; d < f->n_detectors; ++d) {
        const char *name = f->detector[d].info.detector;
        for (int e = 0; e < d; ++e)
            if (strcmp(name, f->detector[e].info.detector) == 0) {
                printf("%s twice: not independent, so not combined\n", name);
                return CHIRP_OK;
            }
        chirp_join(names, sizeof names, "+", name);
    }
    cJSON *event = cJSON_CreateObject();
    cJSON_AddItemToArray(f->events, event);
    const cJSON *first = cJSON_GetArrayItem(f->events, 0);
    cJSON_AddStringToObject(event, "strain", f->strain);
    cJSON_AddStringToObject(event, "detector", names);
    cJSON_AddItemToObject(event, "source",
                          cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(first, "source"), true));
    cJSON_AddNumberToObject(event, "gps", f->gps);
    cJSON_AddStringToObject(event, "combined", product);
    inference_add_network(f, event);
    printf("%s together: %s\n\n%-8s %10s %10s %15g %% interval\n", names, product, "", "median",
           "std", f->credible);
    chirp_status st = combine_network(f, event);
    printf("\n");
    if (st == CHIRP_OK && f->exact)
        st = exact_together(f, event);
    return st;
}

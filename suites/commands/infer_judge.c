/* infer: whether there is in a window what the network was trained on. */
#include "harness/base/memory.h"
#include "model/inference/distance.h"
#include "model/signal/likeness.h"
#include "suites/commands/inference.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

enum { MOST_DOUBTS = CHIRP_LIKENESS_DOUBTS + 1 };

/* The bank's signals are whitened with the file's own noise, as the window is. */
static chirp_status match(const inference *f, const chirp_strain_info *info, chirp_likeness *l,
                          chirp_likeness_limits *limit)
{
    chirp_likeness_bank *bank = NULL;
    chirp_status st =
        chirp_likeness_create(&f->config.signal, info->psd_f_hz, info->psd, info->n_psd, &bank);
    if (st == CHIRP_OK)
        st = chirp_likeness_measure(bank, f->window, info->window_scale, l);
    if (st == CHIRP_OK)
        *limit = *chirp_likeness_limits_of(bank);
    chirp_likeness_destroy(bank);
    return st;
}

/* @param distance  of the window's features; NaN when the checkpoint doesn't say how far those of training signals are */
static chirp_status measure_distance(const inference *f, double *distance)
{
    const chirp_distance *d = &f->trained.distance;
    *distance = (double)NAN;
    if (!d->width)
        return CHIRP_OK;
    float *features = chirp_calloc((size_t)d->width, sizeof *features);
    double *scratch = chirp_calloc((size_t)d->width, sizeof *scratch);
    const chirp_status st = features && scratch ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        chirp_distance_features(f->trained.net, f->window, features);
        *distance = chirp_distance_of(d, features, scratch);
    }
    chirp_free(features);
    chirp_free(scratch);
    return st;
}

static void add_json(const chirp_likeness *l, const chirp_likeness_limits *limit, double distance,
                     double distance_most, cJSON *object)
{
    cJSON_AddNumberToObject(object, "snr", l->snr);
    cJSON_AddNumberToObject(object, "snr_of_noise", limit->snr_of_noise);
    cJSON_AddNumberToObject(object, "snr_most", limit->snr_most);
    cJSON_AddNumberToObject(object, "residual_power", l->power);
    cJSON_AddNumberToObject(object, "residual_power_most", limit->power_most);
    cJSON_AddNumberToObject(object, "residual_peak", l->peak);
    cJSON_AddNumberToObject(object, "residual_peak_most", limit->peak_most);
    if (distance_most > 0) {
        cJSON_AddNumberToObject(object, "feature_distance", distance);
        cJSON_AddNumberToObject(object, "feature_distance_most", distance_most);
    }
}

chirp_status inference_judge(const inference *f, const chirp_strain_info *info, cJSON *event)
{
    const double distance_most = f->trained.distance.limit;
    chirp_likeness l = {0};
    chirp_likeness_limits limit = {0};
    const char *doubt[MOST_DOUBTS];
    double distance = 0;
    chirp_status st = match(f, info, &l, &limit);
    if (st == CHIRP_OK)
        st = measure_distance(f, &distance);
    if (st != CHIRP_OK)
        return st;
    int n = chirp_likeness_doubts(&l, &limit, doubt);
    if (distance_most > 0 && !(distance <= distance_most))
        doubt[n++] = "the network's features are unlike those of training signals";
    printf("%s: SNR %.1f of the best training signal (expected %.1f to %.1f), "
           "left over: power %.2f (to %.2f), peak %.1f (to %.1f)\n",
           n ? "the window is unlike training" : "the window is like training", l.snr,
           limit.snr_of_noise, limit.snr_most, l.power, limit.power_most, l.peak, limit.peak_most);
    if (distance_most > 0)
        printf("  distance of the network's features %.2f (to %.2f)\n", distance, distance_most);
    else
        printf("  no distance of features in this checkpoint: chirpbench export measures it\n");
    for (int i = 0; i < n; ++i)
        printf("  doubt: %s\n", doubt[i]);
    printf("\n");
    cJSON *object = cJSON_AddObjectToObject(event, "likeness");
    add_json(&l, &limit, distance, distance_most, object);
    cJSON_AddItemToObject(object, "doubts", cJSON_CreateStringArray(doubt, n));
    return CHIRP_OK;
}

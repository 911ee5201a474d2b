#include "suites/commands/exact_output.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char method[] =
    "exact posterior by Markov chains: Gaussian noise, the prior of the training signals";

/* Median and 90 % interval of the samples of one detector. */
static chirp_status describe(const double *sample, int64_t n, double quantile[3])
{
    double *sorted = chirp_alloc((size_t)n * sizeof *sorted);
    if (!sorted)
        return CHIRP_ERR_NOMEM;
    memcpy(sorted, sample, (size_t)n * sizeof *sorted);
    chirp_sort(sorted, (size_t)n);
    for (int i = 0; i < 3; ++i)
        quantile[i] = chirp_stats_quantile_sorted(sorted, (size_t)n,
                                                  i == 0   ? 0.5
                                                  : i == 1 ? 0.05
                                                           : 0.95);
    chirp_free(sorted);
    return CHIRP_OK;
}

void exact_print(const chirp_exact_result *r, const double *truth)
{
    char doubt[160];
    printf("%-10s %10s %10s %23s %23s%s\n", "", "median", "std", "50 % interval", "90 % interval",
           truth ? "      truth" : "");
    for (int q = 0; q < CHIRP_EXACT_QUANTITIES; ++q) {
        const chirp_exact_summary *s = &r->summary[q];
        printf("%-10s %10.4f %10.4f   [%9.4f,%9.4f]   [%9.4f,%9.4f]", chirp_exact_name[q],
               s->median, s->std, s->interval_50[0], s->interval_50[1], s->interval_90[0],
               s->interval_90[1]);
        if (truth)
            printf(" %10.4f", truth[q]);
        printf("\n");
    }
    for (int d = 0; d < r->n_detectors; ++d) {
        double snr[3], merger[3];
        if (describe(r->snr + d * r->n, r->n, snr) == CHIRP_OK &&
            describe(r->merger_s + d * r->n, r->n, merger) == CHIRP_OK)
            printf("SNR %.1f [%.1f, %.1f], merger %.4f s [%.4f, %.4f] into the window\n", snr[0],
                   snr[1], snr[2], merger[0], merger[1], merger[2]);
    }
    printf("R-hat %.3f, %.0f effective draws, %" PRId64 " waveforms, %.1f s\n", r->r_hat,
           r->effective, r->calls, r->seconds);
    if (chirp_exact_doubt(r, doubt))
        printf("  doubt: %s\n", doubt);
    printf("\n");
}

static cJSON *quantity_json(const chirp_exact_result *r, int q)
{
    const chirp_exact_summary *s = &r->summary[q];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "median", s->median);
    cJSON_AddNumberToObject(object, "mean", s->mean);
    cJSON_AddNumberToObject(object, "std", s->std);
    cJSON_AddItemToObject(object, "interval_50", cJSON_CreateDoubleArray(s->interval_50, 2));
    cJSON_AddItemToObject(object, "interval_90", cJSON_CreateDoubleArray(s->interval_90, 2));
    cJSON_AddNumberToObject(object, "r_hat", s->r_hat);
    cJSON_AddNumberToObject(object, "effective_draws", s->effective);
    cJSON_AddItemToObject(object, "samples",
                          cJSON_CreateDoubleArray(r->sample + q * r->n, (int)r->n));
    return object;
}

/* {"median": x, "interval_90": [a, b]} for each detector. */
static cJSON *detectors_json(const chirp_exact_result *r, const double *sample)
{
    cJSON *array = cJSON_CreateArray();
    for (int d = 0; d < r->n_detectors; ++d) {
        double quantile[3] = {0};
        cJSON *object = cJSON_CreateObject();
        if (describe(sample + d * r->n, r->n, quantile) == CHIRP_OK) {
            cJSON_AddNumberToObject(object, "median", quantile[0]);
            cJSON_AddItemToObject(object, "interval_90", cJSON_CreateDoubleArray(quantile + 1, 2));
        }
        cJSON_AddItemToArray(array, object);
    }
    return array;
}

cJSON *exact_json(const chirp_exact_result *r)
{
    char text[160];
    const char *doubt = chirp_exact_doubt(r, text);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "method", method);
    cJSON *parameters = cJSON_AddObjectToObject(object, "parameters");
    for (int q = 0; q < CHIRP_EXACT_QUANTITIES; ++q)
        cJSON_AddItemToObject(parameters, chirp_exact_name[q], quantity_json(r, q));
    cJSON_AddItemToObject(object, "snr", detectors_json(r, r->snr));
    cJSON_AddItemToObject(object, "merger_s", detectors_json(r, r->merger_s));
    cJSON_AddNumberToObject(object, "r_hat", r->r_hat);
    cJSON_AddNumberToObject(object, "effective_draws", r->effective);
    cJSON_AddNumberToObject(object, "waveforms", (double)r->calls);
    cJSON_AddNumberToObject(object, "acceptance", r->acceptance);
    cJSON_AddNumberToObject(object, "seconds", r->seconds);
    cJSON_AddItemToObject(object, "doubts", cJSON_CreateStringArray(&doubt, doubt ? 1 : 0));
    return object;
}

#include "suites/commands/curve_check.h"

#include "model/training/checkpoint.h"

#include <stdio.h>

static void report(const char *path, const char *trained, double overlap, cJSON *event)
{
    cJSON *object = cJSON_AddObjectToObject(event, "noise_curve");
    cJSON_AddStringToObject(object, "training", trained);
    cJSON_AddNumberToObject(object, "overlap", overlap);
    cJSON_AddNumberToObject(object, "overlap_least", CHIRP_OVERLAP_LEAST);
    printf("%s: signals whitened with the noise curve of training (%s) and with that of these data "
           "overlap by %.4f\n",
           path, trained, overlap);
    if (overlap < CHIRP_OVERLAP_LEAST)
        (void)fprintf(stderr,
                      "chirpbench: warning: %s: the network was trained with another noise curve "
                      "(%s): whitened signals overlap by %.4f, below %.2f; expect bias and "
                      "intervals that are too narrow; chirpbench adapt continues it on this one\n",
                      path, trained, overlap, CHIRP_OVERLAP_LEAST);
}

static chirp_status compare(const chirp_curves *curves, const char *path,
                            const chirp_strain_info *info, cJSON *event)
{
    chirp_psd *data = NULL;
    double best = -1;
    int which = 0;
    chirp_status st =
        chirp_psd_from_table(path, info->psd_f_hz, info->psd, (size_t)info->n_psd, &data);
    for (int i = 0; st == CHIRP_OK && i < curves->n; ++i) {
        double overlap = 0;
        st = chirp_psd_overlap(curves->psd[i], data, info->band, &overlap);
        if (overlap > best) {
            best = overlap;
            which = i;
        }
    }
    if (st == CHIRP_OK)
        report(path, chirp_psd_name(curves->psd[which]), best, event);
    chirp_psd_destroy(data);
    return st;
}

chirp_status chirp_curve_check(const char *checkpoint, const chirp_curves *curves, const char *path,
                               const chirp_strain_info *info, cJSON *event)
{
    if (curves->n > 0)
        return compare(curves, path, info, event);
    (void)fprintf(stderr,
                  "chirpbench: warning: %s: does not hold the noise curve of its training (an "
                  "earlier version, or trained on a data set), so it can't be compared with "
                  "that of %s\n",
                  checkpoint, path);
    return CHIRP_OK;
}

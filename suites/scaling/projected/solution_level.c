/* From the log of a training: after how many steps of how many signals it came to an error. */
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "suites/scaling/projected/solution.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

/* Takes the first line at or below the error. @return the least error of any; infinite without a check */
static double find(const cJSON *lines, double error, chirp_solution_level *level)
{
    double least = (double)INFINITY;
    const cJSON *line = NULL;
    cJSON_ArrayForEach(line, lines)
    {
        const double held_out = chirp_json_number(
            cJSON_GetObjectItemCaseSensitive(line, "validation_relative_error"), "mean");
        const double batch = round(chirp_json_number(line, "signals_per_second") *
                                   chirp_json_number(line, "seconds"));
        const double steps = chirp_json_number(line, "iteration");
        if (!(held_out >= 0))
            continue;
        least = fmin(least, held_out);
        if (held_out <= error && batch >= 1 && steps >= 1) {
            *level = (chirp_solution_level){error, steps, batch};
            break;
        }
    }
    return least;
}

chirp_status chirp_solution_read_level(const char *path, const char *network, double error,
                                       chirp_solution_level *level)
{
    chirp_document log = {0};
    *level = (chirp_solution_level){0};
    chirp_status st = chirp_document_read_kind(path, CHIRP_DOCUMENT_TRAINING, &log);
    if (st != CHIRP_OK)
        return st;
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(log.root, 0), "network");
    if (cJSON_IsString(own) && strcmp(own->valuestring, network) != 0)
        st = chirp_fail(CHIRP_ERR_ARG, "%s: is of network %.16s; project that by --network", path,
                        own->valuestring);
    const double least = find(log.root, error, level);
    chirp_document_release(&log);
    if (st != CHIRP_OK)
        return st;
    if (level->steps > 0)
        return CHIRP_OK;
    if (!isfinite(least))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: holds no held-out check: train with --validate-every", path);
    return chirp_fail(
        CHIRP_ERR_RANGE,
        "%s: its held-out relative error never fell to %g; the least is %.4f: ask for "
        "that, or train on",
        path, error, least);
}

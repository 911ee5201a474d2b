#include "reports/files/published.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "reports/files/events.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * GW150914: medians and 90 % intervals of GWTC-1; masses are detector-frame, the catalogue's source-frame medians times
 * 1 + z = 1.09, and carry no interval because masses and redshift are correlated. Ringdown numbers belong to a_f = 0.69.
 */
static const char text[] = "{\n"
                           "  \"chirpbench\": {\"kind\": \"published\", \"format\": 1},\n"
                           "  \"published\": {\n"
                           "    \"events\": [\n"
                           "      {\n"
                           "        \"name\": \"GW150914\",\n"
                           "        \"gps\": 1126259462.4,\n"
                           "        \"source\": \"GWTC-1, arXiv:1811.12907, Tables I and III; "
                           "masses times 1.09 into the detector frame, medians only; "
                           "ringdown numbers are those of the median remnant spin\",\n"
                           "        \"parameters\": {\n"
                           "          \"m1\": {\"median\": 38.8},\n"
                           "          \"m2\": {\"median\": 33.4},\n"
                           "          \"a_f\": {\"median\": 0.69, \"interval_90\": [0.65, 0.74]},\n"
                           "          \"omega_R\": {\"median\": 0.5282},\n"
                           "          \"omega_I\": {\"median\": 0.0812}\n"
                           "        }\n"
                           "      }\n"
                           "    ],\n"
                           "    \"scaling\": [\n"
                           "      {\"machine\": \"Theta\", \"nodes\": 1024, \"efficiency\": 0.75, "
                           "\"source\": \"Shen et al., arXiv:1903.01998v2: about 75 %\"}\n"
                           "    ]\n"
                           "  }\n"
                           "}\n";

static chirp_status add(chirp_result_files *results)
{
    chirp_result_file *more = chirp_calloc(results->count + 1, sizeof *more);
    char *name = chirp_strdup("published.json");
    cJSON *root = cJSON_Parse(text);
    if (!more || !name || !root) {
        chirp_free(more);
        chirp_free(name);
        cJSON_Delete(root);
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for published numbers");
    }
    memcpy(more, results->file, results->count * sizeof *more);
    more[results->count] = (chirp_result_file){
        .name = name, .document = {.kind = CHIRP_DOCUMENT_PUBLISHED, .root = root}, .root = root};
    chirp_free(results->file);
    results->file = more;
    ++results->count;
    return CHIRP_OK;
}

chirp_status chirp_published_complete(chirp_result_files *results)
{
    for (size_t i = 0; i < results->count; ++i)
        if (strcmp(results->file[i].name, "published.json") == 0)
            return CHIRP_OK; /* whatever it holds, it isn't ours to replace */
    if (chirp_result_files_find(results, CHIRP_DOCUMENT_PUBLISHED, 0))
        return CHIRP_OK;
    if (!chirp_result_files_find(results, CHIRP_DOCUMENT_POSTERIOR, 0) &&
        !chirp_result_files_find(results, CHIRP_DOCUMENT_SCALING, 0) &&
        !chirp_result_files_find(results, CHIRP_DOCUMENT_PROJECTION, 0))
        return CHIRP_OK;
    const size_t room = strlen(results->folder) + 32;
    char *path = chirp_alloc(room);
    if (!path)
        return CHIRP_ERR_NOMEM;
    (void)snprintf(path, room, "%s/published.json", results->folder);
    chirp_status st = chirp_file_write(path, text, sizeof text - 1);
    chirp_free(path);
    return st == CHIRP_OK ? add(results) : st;
}

static bool is_point(const cJSON *point)
{
    return isfinite(chirp_json_number(point, "efficiency")) &&
           chirp_json_number(point, "nodes") > 0;
}

const cJSON *chirp_published_scaling(const chirp_result_files *results)
{
    const chirp_result_file *file = NULL;
    for (size_t i = 0; (file = chirp_result_files_find(results, CHIRP_DOCUMENT_PROJECTION, i));
         ++i) {
        const cJSON *point = cJSON_GetObjectItemCaseSensitive(file->root, "published");
        if (is_point(point))
            return point;
    }
    for (size_t i = 0; (file = chirp_result_files_find(results, CHIRP_DOCUMENT_PUBLISHED, i));
         ++i) {
        const cJSON *published = cJSON_GetObjectItemCaseSensitive(file->root, "published");
        const cJSON *point =
            cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(published, "scaling"), 0);
        if (is_point(point))
            return point;
    }
    return NULL;
}

const cJSON *chirp_published_event(const chirp_result_files *results, const cJSON *event)
{
    const double gps = chirp_json_number(event, "gps");
    const chirp_result_file *file = NULL;
    if (!chirp_event_is_real(event))
        return NULL;
    for (size_t i = 0; (file = chirp_result_files_find(results, CHIRP_DOCUMENT_PUBLISHED, i));
         ++i) {
        const cJSON *published = cJSON_GetObjectItemCaseSensitive(file->root, "published");
        const cJSON *other = NULL;
        cJSON_ArrayForEach(
            other, cJSON_GetObjectItemCaseSensitive(
                       published, "events")) if (fabs(chirp_json_number(other, "gps") - gps) <
                                                 1) return other;
    }
    return NULL;
}

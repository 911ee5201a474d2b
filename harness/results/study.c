#include "harness/results/study.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>

/* Memory that is missing here is noticed by chirp_document_write(). */
static void add_step(cJSON *steps, const chirp_study_step_record *step)
{
    cJSON *item = cJSON_CreateObject();
    (void)chirp_json_add_text(item, "name", step->name);
    (void)chirp_json_add_text(item, "command", step->command);
    (void)chirp_json_add_text(item, "outcome", step->outcome);
    (void)chirp_json_add_text(item, "log", step->log);
    if (step->ran) {
        (void)cJSON_AddNumberToObject(item, "exit_code", step->exit_code);
        (void)cJSON_AddNumberToObject(item, "seconds", step->seconds);
    }
    (void)cJSON_AddItemToArray(steps, item);
}

chirp_status chirp_study_file_write(const char *path, const chirp_study_record_file *record)
{
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_STUDY);
    (void)chirp_json_add_text(root, "preset", record->preset);
    (void)chirp_json_add_text(root, "started", record->started);
    (void)chirp_json_add_text(root, "build", record->build);
    (void)cJSON_AddNumberToObject(root, "seconds", record->seconds);
    (void)chirp_json_add_text(root, "strain", record->strain);
    (void)cJSON_AddNumberToObject(root, "gps", record->gps);
    (void)chirp_json_add_text(root, "strain_source", record->strain_source);
    if (record->kept_from_build)
        (void)chirp_json_add_text(root, "kept_from_build", record->kept_from_build);
    cJSON *steps = cJSON_AddArrayToObject(root, "steps");
    for (size_t i = 0; i < record->count; ++i)
        add_step(steps, &record->step[i]);
    return chirp_document_write(root, path);
}

chirp_status chirp_study_file_read(const chirp_document *document, chirp_study_record_file *record)
{
    const cJSON *root = document->root;
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(root, "steps");
    const cJSON *item = NULL;
    *record =
        (chirp_study_record_file){.preset = chirp_json_string(root, "preset"),
                                  .started = chirp_json_string(root, "started"),
                                  .build = chirp_json_string(root, "build"),
                                  .seconds = chirp_json_number(root, "seconds"),
                                  .strain = chirp_json_string(root, "strain"),
                                  .gps = chirp_json_number(root, "gps"),
                                  .strain_source = chirp_json_string(root, "strain_source"),
                                  .kept_from_build = chirp_json_string(root, "kept_from_build")};
    record->step = chirp_calloc((size_t)cJSON_GetArraySize(steps) + 1, sizeof *record->step);
    if (!record->step)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the steps of a study");
    cJSON_ArrayForEach(item, steps)
    {
        const double code = chirp_json_number(item, "exit_code");
        const double seconds = chirp_json_number(item, "seconds");
        record->step[record->count++] = (chirp_study_step_record){
            .name = chirp_json_string(item, "name"),
            .command = chirp_json_string(item, "command"),
            .outcome = chirp_json_string(item, "outcome"),
            .log = chirp_json_string(item, "log"),
            .ran = isfinite(code) && isfinite(seconds),
            .exit_code = isfinite(code) && fabs(code) < 1e6 ? (int)code : 0,
            .seconds = isfinite(seconds) ? seconds : 0};
    }
    return CHIRP_OK;
}

void chirp_study_file_release(chirp_study_record_file *record)
{
    chirp_free(record->step);
    *record = (chirp_study_record_file){0};
}

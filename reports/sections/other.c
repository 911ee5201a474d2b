/* Files of a shape that has no section of its own, and the steps of the study. */
#include "reports/report_internal.h"
#include "reports/sections/fields.h"

#include <math.h>

void chirp_section_other(chirp_report *r)
{
    static const char *const headers[] = {"field", "value", "unit", NULL};
    const chirp_result_file *file = chirp_result_files_find(&r->results, CHIRP_RESULT_OTHER, 0);
    chirp_table t;
    if (!file)
        return;
    chirp_section_begin(r, "other", "Other results");
    for (size_t i = 0; (file = chirp_result_files_find(&r->results, CHIRP_RESULT_OTHER, i)); ++i) {
        chirp_report_source(r, file);
        chirp_table_begin(&t, file->name, headers);
        chirp_fields(&t, file->root, 400);
        chirp_report_table(r, &t, 20);
    }
    chirp_section_end(r);
}

void chirp_section_steps(chirp_report *r)
{
    static const char *const headers[] = {"step", "outcome", "time", "exit code", "command", NULL};
    const chirp_result_file *file = chirp_result_files_find(&r->results, CHIRP_RESULT_STUDY, 0);
    const cJSON *step = NULL;
    chirp_table t;
    if (!file)
        return;
    chirp_section_begin(r, "steps", "How this was made");
    chirp_report_source(r, file);
    chirp_report_say(r, "The commands in order; each can be repeated as it stands, from the folder "
                        "in which the study was started.");
    chirp_table_begin(&t, "Steps of the study", headers);
    cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(file->root, "steps"))
    {
        chirp_table_text(&t, chirp_json_string(step, "name"));
        chirp_table_text(&t, chirp_json_string(step, "outcome"));
        chirp_table_member(&t, step, "seconds", CHIRP_UNIT_SECONDS);
        chirp_table_member(&t, step, "exit_code", CHIRP_UNIT_INTEGER);
        chirp_table_text(&t, chirp_json_string(step, "command"));
    }
    chirp_report_table(r, &t, 0);
    chirp_section_end(r);
    chirp_report_card(r, "Whole study", chirp_json_number(file->root, "seconds"), 1,
                      CHIRP_UNIT_SECONDS, "", chirp_json_string(file->root, "preset"));
}

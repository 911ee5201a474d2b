/* Files of kinds that no other section is about, and the steps of the study. */
#include "reports/sections/sections.h"

#include "harness/results/study.h"
#include "reports/sections/fields.h"

#include <math.h>
#include <string.h>

static void draw_other(chirp_report *r)
{
    static const char *const headers[] = {"field", "value", "unit", NULL};
    chirp_table t;
    for (size_t i = 0; i < r->results.count; ++i) {
        const chirp_result_file *file = &r->results.file[i];
        if (!file->root || !file->other)
            continue;
        chirp_report_source(r, file);
        chirp_table_begin(&t, file->name, headers);
        chirp_fields(&t, file->root, 400);
        chirp_report_table(r, &t, 20);
    }
}

const chirp_section chirp_section_other = {
    .id = "other",
    .title = "Other results",
    .draw = draw_other,
};

/* study.json is written before its last step, which makes this page, and calls training done that its time limit ended. */
static const char *outcome_of(const chirp_study_step_record *step)
{
    const char *outcome = step->outcome ? step->outcome : "";
    if (strcmp(outcome, "waiting") == 0 && step->name && strcmp(step->name, "report") == 0)
        return "this page";
    return strcmp(outcome, "done") == 0 && step->ran && step->exit_code != 0
               ? "done, at its time limit"
               : outcome;
}

static void draw_steps(chirp_report *r)
{
    static const char *const headers[] = {"step", "outcome", "time", "exit code", "command", NULL};
    const chirp_result_file *file = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_STUDY, 0);
    chirp_study_record_file study = {0};
    chirp_table t;
    if (chirp_study_file_read(&file->document, &study) != CHIRP_OK) {
        r->body.failed = true;
        return;
    }
    chirp_report_source(r, file);
    chirp_report_say(r, "The commands in order; each can be repeated as it stands, from the folder "
                        "in which the study was started.");
    chirp_table_begin(&t, "Steps of the study", headers);
    for (size_t i = 0; i < study.count; ++i) {
        const chirp_study_step_record *step = &study.step[i];
        chirp_table_text(&t, step->name);
        chirp_table_text(&t, outcome_of(step));
        chirp_table_number(&t, step->ran ? step->seconds : (double)NAN, CHIRP_UNIT_SECONDS);
        chirp_table_number(&t, step->ran ? step->exit_code : (double)NAN, CHIRP_UNIT_INTEGER);
        chirp_table_text(&t, step->command);
    }
    chirp_report_table(r, &t, 0);
    chirp_markup_raw(&r->body, "<p>Whole study, preset ");
    chirp_markup_text(&r->body, study.preset);
    chirp_markup_raw(&r->body, ": ");
    chirp_markup_number(&r->body, study.seconds, CHIRP_UNIT_SECONDS);
    chirp_markup_raw(&r->body, ".</p>\n");
    chirp_study_file_release(&study);
}

const chirp_section chirp_section_steps = {
    .id = "steps",
    .title = "How this was made",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_STUDY),
    .draw = draw_steps,
};

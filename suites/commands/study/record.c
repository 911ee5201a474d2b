/* study.json: what was run, how it ended, and what a resumed study may keep. */
#include "suites/commands/study/study.h"

#include "harness/base/memory.h"
#include "harness/results/study.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const outcome_name[] = {"waiting", "done",    "done",
                                           "failed",  "skipped", "interrupted"};

static char *record_path(const chirp_study *s)
{
    const size_t room = strlen(s->options.folder) + sizeof "/study.json";
    char *path = chirp_alloc(room);
    if (path)
        (void)snprintf(path, room, "%s/study.json", s->options.folder);
    return path;
}

chirp_status chirp_study_record(const chirp_study *s)
{
    char *path = record_path(s);
    char *command[CHIRP_STUDY_STEPS] = {NULL};
    char log[CHIRP_STUDY_STEPS][96];
    chirp_study_step_record step[CHIRP_STUDY_STEPS];
    bool ok = path != NULL;
    for (int i = 0; ok && i < s->n_steps; ++i) {
        const chirp_step *from = &s->step[i];
        command[i] = chirp_step_command(from, s->program, s->shown);
        ok = command[i] != NULL;
        (void)snprintf(log[i], sizeof log[i], "logs/%.60s.log", from->name);
        step[i] = (chirp_study_step_record){.name = from->name,
                                            .command = command[i],
                                            .outcome = outcome_name[from->outcome],
                                            .log = log[i],
                                            .ran = from->outcome != CHIRP_STEP_WAITING &&
                                                   from->outcome != CHIRP_STEP_SKIPPED,
                                            .exit_code = from->exit_code,
                                            .seconds = from->seconds};
    }
    const chirp_study_record_file record = {.preset = s->options.preset,
                                            .started = s->started,
                                            .build = s->build,
                                            .seconds = s->seconds,
                                            .strain = s->strain,
                                            .gps = s->gps,
                                            .strain_source =
                                                s->simulated ? "injected signal" : "strain file",
                                            .kept_from_build = s->kept_build,
                                            .step = step,
                                            .count = (size_t)s->n_steps};
    const chirp_status st = ok ? chirp_study_file_write(path, &record)
                               : chirp_fail(CHIRP_ERR_NOMEM, "no memory for study.json");
    for (int i = 0; i < s->n_steps; ++i)
        chirp_free(command[i]);
    chirp_free(path);
    return st;
}

/* Is the same command recorded as done, with its product still there? */
static void recall_step(const chirp_study *s, chirp_step *step,
                        const chirp_study_record_file *record)
{
    char *command = chirp_step_command(step, s->program, s->shown);
    for (size_t i = 0; i < record->count; ++i) {
        const chirp_study_step_record *was = &record->step[i];
        if (!command || !was->name || !was->command || !was->outcome ||
            strcmp(was->name, step->name) != 0 || strcmp(was->command, command) != 0 ||
            strcmp(was->outcome, "done") != 0 || !step->product || access(step->product, R_OK) != 0)
            continue;
        step->outcome = CHIRP_STEP_KEPT;
        step->seconds = was->seconds;
        step->exit_code = was->exit_code;
    }
    chirp_free(command);
}

chirp_status chirp_study_recall(chirp_study *s)
{
    char *path = record_path(s);
    chirp_document document = {0};
    chirp_study_record_file record = {0};
    if (!path)
        return CHIRP_ERR_NOMEM;
    if (access(path, F_OK) != 0) {
        chirp_free(path);
        return CHIRP_OK;
    }
    if (!s->options.resume) {
        const chirp_status st = chirp_fail(
            CHIRP_ERR_ARG,
            "%s: holds a study already; go on with it by --resume, or name another --out", path);
        chirp_free(path);
        return st;
    }
    chirp_status st = chirp_document_read_kind(path, CHIRP_DOCUMENT_STUDY, &document);
    if (st == CHIRP_OK)
        st = chirp_study_file_read(&document, &record);
    const char *build = record.build;
    bool kept = false;
    for (int i = 0; st == CHIRP_OK && i < s->n_steps; ++i)
        if (strcmp(s->step[i].name, "report") !=
            0) { /* cheap, and what it reads may have changed */
            recall_step(s, &s->step[i], &record);
            kept = kept || s->step[i].outcome == CHIRP_STEP_KEPT;
        }
    if (st == CHIRP_OK && kept && build && strcmp(build, s->build) != 0 &&
        !(s->kept_build = chirp_strdup(build)))
        st = CHIRP_ERR_NOMEM;
    chirp_study_file_release(&record);
    chirp_document_release(&document);
    chirp_free(path);
    return st;
}

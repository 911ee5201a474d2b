/* study.json: what was run, how it ended, and what a resumed study may keep. */
#include "suites/study/study.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/results/document.h"

#include <cjson/cJSON.h>
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

static bool add_step(cJSON *steps, const chirp_study *s, const chirp_step *step)
{
    char *command = chirp_step_command(step, s->program, s->shown);
    cJSON *item = cJSON_CreateObject();
    char log[96];
    (void)snprintf(log, sizeof log, "logs/%.60s.log", step->name);
    bool ok = command && item && cJSON_AddItemToArray(steps, item);
    if (!ok)
        cJSON_Delete(item);
    ok = ok && cJSON_AddStringToObject(item, "name", step->name) &&
         cJSON_AddStringToObject(item, "command", command) &&
         cJSON_AddStringToObject(item, "outcome", outcome_name[step->outcome]) &&
         cJSON_AddStringToObject(item, "log", log);
    const bool ran = step->outcome != CHIRP_STEP_WAITING && step->outcome != CHIRP_STEP_SKIPPED;
    if (ok && ran)
        ok = cJSON_AddNumberToObject(item, "exit_code", step->exit_code) &&
             cJSON_AddNumberToObject(item, "seconds", step->seconds);
    chirp_free(command);
    return ok;
}

chirp_status chirp_study_record(const chirp_study *s)
{
    char *path = record_path(s);
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_STUDY);
    bool ok = path && root && cJSON_AddStringToObject(root, "preset", s->options.preset) &&
              cJSON_AddStringToObject(root, "started", s->started) &&
              cJSON_AddStringToObject(root, "build", s->build) &&
              cJSON_AddNumberToObject(root, "seconds", s->seconds) &&
              cJSON_AddStringToObject(root, "strain", s->strain) &&
              cJSON_AddNumberToObject(root, "gps", s->gps) &&
              cJSON_AddStringToObject(root, "strain_source",
                                      s->simulated ? "injected signal" : "strain file");
    if (ok && s->kept_build)
        ok = cJSON_AddStringToObject(root, "kept_from_build", s->kept_build) != NULL;
    cJSON *steps = ok ? cJSON_AddArrayToObject(root, "steps") : NULL;
    ok = ok && steps;
    for (int i = 0; ok && i < s->n_steps; ++i)
        ok = add_step(steps, s, &s->step[i]);
    const chirp_status st = ok ? chirp_document_write(root, path)
                               : chirp_fail(CHIRP_ERR_NOMEM, "no memory for study.json");
    if (!ok)
        cJSON_Delete(root);
    chirp_free(path);
    return st;
}

/* Is the same command recorded as done, with its product still there? */
static void recall_step(const chirp_study *s, chirp_step *step, const cJSON *steps)
{
    const cJSON *item = NULL;
    char *command = chirp_step_command(step, s->program, s->shown);
    cJSON_ArrayForEach(item, steps)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name"));
        const char *line = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "command"));
        const char *outcome =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "outcome"));
        const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(item, "seconds");
        const cJSON *code = cJSON_GetObjectItemCaseSensitive(item, "exit_code");
        if (!command || !name || !line || !outcome || strcmp(name, step->name) != 0 ||
            strcmp(line, command) != 0 || strcmp(outcome, "done") != 0 || !step->product ||
            access(step->product, R_OK) != 0)
            continue;
        step->outcome = CHIRP_STEP_KEPT;
        step->seconds = cJSON_IsNumber(seconds) ? seconds->valuedouble : 0;
        step->exit_code = cJSON_IsNumber(code) ? code->valueint : 0;
    }
    chirp_free(command);
}

chirp_status chirp_study_recall(chirp_study *s)
{
    char *path = record_path(s);
    chirp_document document = {0};
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
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(document.root, "steps");
    const char *build =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(document.root, "build"));
    bool kept = false;
    for (int i = 0; st == CHIRP_OK && i < s->n_steps; ++i)
        if (strcmp(s->step[i].name, "report") !=
            0) { /* cheap, and what it reads may have changed */
            recall_step(s, &s->step[i], steps);
            kept = kept || s->step[i].outcome == CHIRP_STEP_KEPT;
        }
    if (st == CHIRP_OK && kept && build && strcmp(build, s->build) != 0 &&
        !(s->kept_build = chirp_strdup(build)))
        st = CHIRP_ERR_NOMEM;
    chirp_document_release(&document);
    chirp_free(path);
    return st;
}

#include "harness/results/mllog.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/machine/machine.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct chirp_mllog {
    FILE *file;
    bool standard; /* stdout, which stays open */
    char *path;
    int error; /* errno of the first line that could not be written; ENOMEM without memory */
};

static FILE *open_file(const char *path, chirp_mllog_mode mode)
{
    static const char *const modes[] = {
        [CHIRP_MLLOG_NEW] = "wxe", [CHIRP_MLLOG_APPEND] = "ae", [CHIRP_MLLOG_REPLACE] = "we"};
    if (strcmp(path, "-") == 0)
        return stdout;
    return chirp_file_is_sink(path) ? chirp_file_open_sink(path) : fopen(path, modes[mode]);
}

chirp_status chirp_mllog_open(const char *path, chirp_mllog_mode mode, chirp_mllog **log)
{
    *log = NULL;
    if (!path)
        return CHIRP_OK;
    chirp_mllog *l = chirp_calloc(1, sizeof *l);
    if (!l)
        return CHIRP_ERR_NOMEM;
    l->path = chirp_strdup(path);
    errno = 0;
    l->file = l->path ? open_file(path, mode) : NULL;
    l->standard = l->file == stdout;
    if (l->file) {
        *log = l;
        return CHIRP_OK;
    }
    const int why = errno;
    const bool named = l->path != NULL;
    chirp_free(l->path);
    chirp_free(l);
    if (!named)
        return CHIRP_ERR_NOMEM;
    if (why == EEXIST)
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s: exists; continue its run with --resume or remove it first", path);
    return chirp_fail(CHIRP_ERR_IO, "%s: can't open it for MLPerf's lines: %s", path,
                      strerror(why));
}

static int64_t now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Takes value and metadata over. A value of NULL is null, as in public logs. */
static void add_line(chirp_mllog *l, const char *event, const char *key, cJSON *value,
                     cJSON *metadata)
{
    cJSON *line = l ? cJSON_CreateObject() : NULL;
    if (!line) {
        cJSON_Delete(value);
        cJSON_Delete(metadata);
        if (l)
            l->error = ENOMEM;
        return;
    }
    (void)cJSON_AddStringToObject(line, "namespace", "");
    (void)chirp_json_add_integer(line, "time_ms", now_ms());
    (void)cJSON_AddStringToObject(line, "event_type", event);
    (void)cJSON_AddStringToObject(line, "key", key);
    (void)cJSON_AddItemToObject(line, "value", value ? value : cJSON_CreateNull());
    (void)cJSON_AddItemToObject(line, "metadata", metadata ? metadata : cJSON_CreateObject());
    char *text = chirp_json_print_line(line);
    cJSON_Delete(line);
    errno = 0;
    if (!text)
        l->error = ENOMEM;
    else if ((fprintf(l->file, ":::MLLOG %s\n", text) < 0 || fflush(l->file) != 0) && !l->error)
        l->error = errno ? errno : EIO;
    cJSON_free(text);
}

void chirp_mllog_start(chirp_mllog *l, const char *key, cJSON *metadata)
{
    add_line(l, "INTERVAL_START", key, NULL, metadata);
}

void chirp_mllog_stop(chirp_mllog *l, const char *key, cJSON *metadata)
{
    add_line(l, "INTERVAL_END", key, NULL, metadata);
}

void chirp_mllog_value(chirp_mllog *l, const char *key, cJSON *value, cJSON *metadata)
{
    add_line(l, "POINT_IN_TIME", key, value, metadata);
}

void chirp_mllog_number(chirp_mllog *l, const char *key, double value, cJSON *metadata)
{
    /* JSON has neither NaN nor infinity */
    add_line(l, "POINT_IN_TIME", key, l && isfinite(value) ? cJSON_CreateNumber(value) : NULL,
             metadata);
}

void chirp_mllog_text(chirp_mllog *l, const char *key, const char *value)
{
    add_line(l, "POINT_IN_TIME", key, l ? cJSON_CreateString(value) : NULL, NULL);
}

cJSON *chirp_mllog_metadata(const char *name, double number)
{
    cJSON *object = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(object, name, number);
    return object;
}

/* Not a submission; the keys are what parsers of public logs look for. */
void chirp_mllog_submission(chirp_mllog *l, const char *benchmark)
{
    if (!l)
        return;
    chirp_host machine;
    chirp_host_read(&machine);
    chirp_mllog_text(l, "submission_benchmark", benchmark);
    chirp_mllog_text(l, "submission_org", "chirpbench");
    chirp_mllog_text(l, "submission_division", "open");
    chirp_mllog_text(l, "submission_status", "research");
    chirp_mllog_text(l, "submission_platform",
                     machine.cpu_model[0] ? machine.cpu_model : "unknown");
}

chirp_status chirp_mllog_close(chirp_mllog *l)
{
    if (!l)
        return CHIRP_OK;
    chirp_status st = CHIRP_OK;
    errno = 0;
    if (!l->standard && fclose(l->file) != 0 && !l->error)
        l->error = errno ? errno : EIO;
    if (l->error)
        st = chirp_fail(l->error == ENOMEM ? CHIRP_ERR_NOMEM : CHIRP_ERR_IO,
                        "%s: can't write MLPerf's lines: %s", l->path, strerror(l->error));
    chirp_free(l->path);
    chirp_free(l);
    return st;
}

#include "harness/results/document.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/machine/machine_internal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * `list`: the array at the top that a document of the kind is about; NULL: none is needed. `by_hand`: people write such files
 * too, so their header may be absent where this kind and no other is read.
 */
static const struct {
    const char *name, *title, *writer, *list;
    int format;
    bool by_hand;
} kinds[CHIRP_DOCUMENT_KINDS] = {
    [CHIRP_DOCUMENT_BENCH] = {"bench", "benchmarks", "bench --benchmark_out", "benchmarks", 1},
    [CHIRP_DOCUMENT_CALIBRATION] = {"calibration", "calibration of a network", "calibrate --json",
                                    "rows", 1},
    [CHIRP_DOCUMENT_COMPARISON] = {"comparison", "comparison of benchmarks", "compare --json", NULL,
                                   1},
    [CHIRP_DOCUMENT_CONTROLLER] = {"load-balancing", "load balancing replayed",
                                   "project --controller --json", "rows", 1},
    [CHIRP_DOCUMENT_DECOMPOSITION] = {"decomposition", "impact of filters", "decompose --json",
                                      "layers", 1},
    [CHIRP_DOCUMENT_DOCTOR] = {"doctor", "machine", "doctor --json", NULL, 1},
    [CHIRP_DOCUMENT_EXACT] = {"exact-posterior", "exact posterior", "exact --json", "events", 1},
    [CHIRP_DOCUMENT_HISTORY] = {"history", "history of benchmarks", "compare --history",
                                "benchmarks", 1},
    [CHIRP_DOCUMENT_LAYERS] = {"layers", "layers of a network", "describe --json", "layers", 1},
    [CHIRP_DOCUMENT_MACHINE] = {"machine", "machine for project", "scale --machine-out", NULL, 1,
                                true},
    [CHIRP_DOCUMENT_POSTERIOR] = {"posterior", "posterior", "infer --json", "events", 1},
    [CHIRP_DOCUMENT_PROFILE] = {"layer-profile", "times of layers", "scale --profile", "layers", 1},
    [CHIRP_DOCUMENT_PROJECTION] = {"projection", "projected scaling", "project --json", "rows", 1},
    [CHIRP_DOCUMENT_PUBLISHED] = {"published", "published numbers", "report", NULL, 1},
    [CHIRP_DOCUMENT_REPORT] = {"report", "numbers of a page", "report", NULL, 1},
    [CHIRP_DOCUMENT_SCALING] = {"scaling", "measured scaling", "scale --json", "rows", 1},
    [CHIRP_DOCUMENT_STUDY] = {"study", "steps of the study", "study", "steps", 1},
    [CHIRP_DOCUMENT_TRAINING] = {"training-log", "training log", "train --log", NULL, 1},
    [CHIRP_DOCUMENT_WAVEFORM] = {"waveform", "waveform", "waveform --format json", "rows", 1},
};

static const char header_key[] = "chirpbench";

const char *chirp_document_title(chirp_document_kind kind) { return kinds[kind].title; }

/* Local time with its offset, as Google Benchmark writes it: strftime's %z lacks the colon. */
void chirp_document_date(char text[CHIRP_DATE_BYTES])
{
    char zone[8] = "+0000";
    struct tm local = {0};
    const time_t now = time(NULL);
    if (!localtime_r(&now, &local) ||
        strftime(text, CHIRP_DATE_BYTES, "%Y-%m-%dT%H:%M:%S", &local) == 0)
        (void)snprintf(text, CHIRP_DATE_BYTES, "1970-01-01T00:00:00");
    (void)strftime(zone, sizeof zone, "%z", &local);
    const size_t used = strlen(text);
    (void)snprintf(text + used, CHIRP_DATE_BYTES - used, "%.3s:%.2s", zone, zone + 3);
}

bool chirp_document_head(cJSON *object, chirp_document_kind kind)
{
    char date[CHIRP_DATE_BYTES];
    cJSON *head = cJSON_AddObjectToObject(object, header_key);
    chirp_document_date(date);
    return head && chirp_json_add_text(head, "kind", kinds[kind].name) &&
           chirp_json_add_integer(head, "format", kinds[kind].format) &&
           chirp_json_add_text(head, "version", CHIRP_VERSION) &&
           chirp_json_add_text(head, "commit", *chirp_git_commit ? chirp_git_commit : "unknown") &&
           chirp_json_add_text(head, "date", date);
}

cJSON *chirp_document_create(chirp_document_kind kind)
{
    cJSON *root = cJSON_CreateObject();
    if (chirp_document_head(root, kind))
        return root;
    cJSON_Delete(root);
    return NULL;
}

char *chirp_document_head_text(chirp_document_kind kind)
{
    cJSON *root = chirp_document_create(kind);
    char *text =
        root ? chirp_json_print_line(cJSON_GetObjectItemCaseSensitive(root, header_key)) : NULL;
    cJSON_Delete(root);
    return text;
}

chirp_status chirp_document_write(cJSON *root, const char *path)
{
    char *text = root ? chirp_json_print(root) : NULL;
    chirp_status st = CHIRP_OK;
    cJSON_Delete(root);
    if (!text)
        return chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory for what it should hold",
                          path ? path : "stdout");
    if (path)
        st = chirp_file_write(path, text, strlen(text));
    else if (printf("%s\n", text) < 0 || fflush(stdout) != 0)
        st = chirp_fail(CHIRP_ERR_IO, "stdout: can't write: %s", strerror(errno));
    cJSON_free(text);
    return st;
}

static bool is_lines(const char *path)
{
    static const char suffix[] = ".jsonl";
    const size_t n = strlen(path);
    return n >= sizeof suffix && strcmp(path + n - (sizeof suffix - 1), suffix) == 0;
}

/* A line that was being written when its run was killed. */
static chirp_status note_cut_line(chirp_document *d, size_t line)
{
    char sentence[80];
    (void)snprintf(sentence, sizeof sentence, "the last line (%zu) is cut off and was left out",
                   line);
    d->note = chirp_strdup(sentence);
    return d->note ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static chirp_status parse_lines(const char *path, char *text, chirp_document *d)
{
    size_t line = 0;
    d->root = cJSON_CreateArray();
    if (!d->root)
        return chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory for its lines", path);
    chirp_json_mend(text);
    for (char *p = text; *p;) {
        char *newline = strchr(p, '\n');
        ++line;
        if (newline)
            *newline = '\0';
        if (strspn(p, " \t\r") != strlen(p)) {
            cJSON *object = cJSON_ParseWithOpts(p, NULL, true);
            const bool good = cJSON_IsObject(object);
            if (!good || !cJSON_AddItemToArray(d->root, object))
                cJSON_Delete(object);
            if (!good && !newline)
                return note_cut_line(d, line);
            if (!good)
                return chirp_fail(CHIRP_ERR_FORMAT,
                                  "%s: line %zu is no JSON object: remove the line or train again",
                                  path, line);
        }
        if (!newline)
            break;
        p = newline + 1;
    }
    return CHIRP_OK;
}

static chirp_status take_header(const char *path, const cJSON *head, chirp_document *d)
{
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(head, "kind"));
    const char *version = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(head, "version"));
    const char *date = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(head, "date"));
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(head, "format");
    (void)snprintf(d->version, sizeof d->version, "%s", version ? version : "");
    (void)snprintf(d->date, sizeof d->date, "%s", date ? date : "");
    if (!kind || !cJSON_IsNumber(format) || format->valueint < 1)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: its \"chirpbench\" header has no \"kind\" or no \"format\" of 1 or "
                          "more: write the file again",
                          path);
    d->kind = 0;
    while (d->kind < CHIRP_DOCUMENT_KINDS && strcmp(kinds[d->kind].name, kind) != 0)
        ++d->kind;
    if (d->kind == CHIRP_DOCUMENT_KINDS || format->valueint > kinds[d->kind].format)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: kind \"%.40s\" in format %d is unknown to chirpbench " CHIRP_VERSION
                          ": read it with version %s or newer",
                          path, kind, format->valueint, *d->version ? d->version : "unknown");
    d->format = format->valueint;
    return CHIRP_OK;
}

/* Result files of Google Benchmark say what they are by their schema: an array "benchmarks", and its version in "context". */
static chirp_status take_foreign(const char *path, chirp_document_kind expected, chirp_document *d)
{
    if (expected < CHIRP_DOCUMENT_KINDS && kinds[expected].by_hand) {
        d->kind = expected;
        return CHIRP_OK;
    }
    if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(d->root, kinds[0].list)))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: has no \"chirpbench\" header and no \"benchmarks\" array of Google "
                          "Benchmark: write it again, or read it with chirpbench 0.1, whose files "
                          "have no header",
                          path);
    d->kind = CHIRP_DOCUMENT_BENCH;
    return CHIRP_OK;
}

static chirp_status check_bench(const char *path, chirp_document *d)
{
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(d->root, "context");
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(context, "json_schema_version");
    const char *date = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(context, "date"));
    if (cJSON_IsNumber(schema) && schema->valuedouble != 1)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: json_schema_version %g, version 1 is known", path,
                          schema->valuedouble);
    if (date)
        (void)snprintf(d->date, sizeof d->date, "%s", date);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(context, "partial")) &&
        !(d->note = chirp_strdup("the run was cut short: rows are missing")))
        return CHIRP_ERR_NOMEM;
    return CHIRP_OK;
}

/* Sets kind, format, version and date from the header, and checks what the kind promises. */
static chirp_status identify(const char *path, chirp_document_kind expected, chirp_document *d)
{
    const cJSON *owner = cJSON_IsArray(d->root) ? d->root->child : d->root;
    if (!owner && is_lines(path)) {
        d->kind = CHIRP_DOCUMENT_TRAINING;
        return CHIRP_OK;
    }
    if (!cJSON_IsObject(owner) || (cJSON_IsArray(d->root) && !is_lines(path)))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: is no JSON object: not a file of chirpbench",
                          path);
    const cJSON *head = cJSON_GetObjectItemCaseSensitive(owner, header_key);
    if (!head)
        head = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(owner, "context"),
                                                header_key);
    chirp_status st = head ? take_header(path, head, d) : take_foreign(path, expected, d);
    if (st != CHIRP_OK)
        return st;
    if (cJSON_IsArray(d->root) != (d->kind == CHIRP_DOCUMENT_TRAINING))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: a %s is%s kept as JSON lines: name it *%s or write it again", path,
                          kinds[d->kind].title, cJSON_IsArray(d->root) ? " not" : "",
                          cJSON_IsArray(d->root) ? ".json" : ".jsonl");
    if (kinds[d->kind].list &&
        !cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(d->root, kinds[d->kind].list)))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: field \"%s\" is missing or is no list: write the file again by "
                          "chirpbench %s",
                          path, kinds[d->kind].list, kinds[d->kind].writer);
    return d->kind == CHIRP_DOCUMENT_BENCH ? check_bench(path, d) : CHIRP_OK;
}

/* expected: CHIRP_DOCUMENT_KINDS for any. */
static chirp_status read_any(const char *path, chirp_document_kind expected,
                             chirp_document *document)
{
    chirp_document d = {0};
    chirp_status st = CHIRP_OK;
    if (is_lines(path)) {
        char *text = NULL;
        size_t length = 0;
        st = chirp_file_read(path, &text, &length);
        if (st == CHIRP_OK && strlen(text) != length)
            st = chirp_fail(CHIRP_ERR_FORMAT, "%s: holds a NUL byte, so it is no JSON", path);
        if (st == CHIRP_OK)
            st = parse_lines(path, text, &d);
        chirp_free(text);
    } else {
        st = chirp_json_read(path, "result file", &d.root);
    }
    if (st == CHIRP_OK)
        st = identify(path, expected, &d);
    if (st == CHIRP_OK)
        *document = d;
    else
        chirp_document_release(&d);
    return st;
}

chirp_status chirp_document_read(const char *path, chirp_document *document)
{
    return read_any(path, CHIRP_DOCUMENT_KINDS, document);
}

chirp_status chirp_document_read_kind(const char *path, chirp_document_kind kind,
                                      chirp_document *document)
{
    chirp_document d = {0};
    const chirp_status st = read_any(path, kind, &d);
    if (st != CHIRP_OK)
        return st;
    if (d.kind != kind) {
        const chirp_document_kind found = d.kind;
        chirp_document_release(&d);
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: is of kind \"%s\", \"%s\" is needed (of chirpbench %s)", path,
                          kinds[found].name, kinds[kind].name, kinds[kind].writer);
    }
    *document = d;
    return CHIRP_OK;
}

void chirp_document_release(chirp_document *document)
{
    cJSON_Delete(document->root);
    chirp_free(document->note);
    *document = (chirp_document){0};
}

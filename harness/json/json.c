#include "harness/json/json.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The control characters that cJSON leaves as they are, DEL and those of Latin-1, as \u00..: they stand in strings only. */
static char *escaped(char *text)
{
    size_t more = 0;
    for (const unsigned char *s = (const unsigned char *)text; s && *s; ++s)
        more += *s == 0x7F || (s[0] == 0xC2 && s[1] >= 0x80 && s[1] < 0xA0);
    if (more == 0)
        return text;
    char *longer = cJSON_malloc(strlen(text) + 5 * more + 1);
    char *to = longer;
    for (const unsigned char *s = (const unsigned char *)text; longer && *s; ++s) {
        const bool two = s[0] == 0xC2 && s[1] >= 0x80 && s[1] < 0xA0;
        if (*s == 0x7F || two)
            to += sprintf(to, "\\u%04x", (unsigned)s[two]);
        else
            *to++ = (char)*s;
        s += two;
    }
    if (longer)
        *to = '\0';
    cJSON_free(text);
    return longer;
}

/*
 * cJSON's allocator, installed before main(): it remembers that memory was refused, so that none of the many calls that add
 * a member needs a check of its own. A document that lacks one is never printed.
 */
static _Thread_local bool refused;

static void *allocate(size_t bytes)
{
    void *p = malloc(bytes);
    refused |= !p;
    return p;
}

__attribute__((constructor)) static void watch_memory(void)
{
    cJSON_Hooks hooks = {.malloc_fn = allocate, .free_fn = free};
    cJSON_InitHooks(&hooks);
}

static char *finished(char *text)
{
    text = escaped(chirp_utf8_mend(text));
    if (refused) {
        cJSON_free(text);
        text = NULL;
    }
    refused = false;
    return text;
}

char *chirp_json_print(const cJSON *root) { return finished(cJSON_Print(root)); }

char *chirp_json_print_line(const cJSON *root) { return finished(cJSON_PrintUnformatted(root)); }

/* cJSON escapes control characters. */
bool chirp_json_add_text(cJSON *object, const char *key, const char *text)
{
    char *copy = chirp_utf8_mend(chirp_strdup(text));
    refused |= text && !copy;
    const bool ok = copy && cJSON_AddStringToObject(object, key, copy) != NULL;
    chirp_free(copy);
    return ok;
}

/* Integers without exponent, whatever their size: cJSON's own numbers turn to 1e+15 form. */
bool chirp_json_add_integer(cJSON *object, const char *key, int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    return cJSON_AddRawToObject(object, key, text) != NULL;
}

/* Doubles in Google Benchmark's form, so that a reader sees a float even for whole numbers. */
bool chirp_json_add_real(cJSON *object, const char *key, double value)
{
    char text[40];
    if (!isfinite(value))
        return true; /* absent; add_absent() says so */
    (void)snprintf(text, sizeof text, "%.16e", value);
    char *comma = strchr(text, ','); /* a program that set a locale must not break the file */
    if (comma)
        *comma = '.';
    return cJSON_AddRawToObject(object, key, text) != NULL;
}

/* One member a line, as Google Benchmark writes it; nested values stay on their line. */
void chirp_text_append_json(chirp_text *t, const cJSON *object, const char *indent)
{
    chirp_text_append(t, "{\n");
    for (const cJSON *member = object->child; member; member = member->next) {
        cJSON *key = cJSON_CreateString(member->string);
        char *key_text = key ? chirp_json_print_line(key) : NULL;
        char *value_text = chirp_json_print_line(member);
        if (!key_text || !value_text)
            t->failed = true;
        if (!t->failed) {
            chirp_text_append(t, indent);
            chirp_text_append(t, "  ");
            chirp_text_append(t, key_text);
            chirp_text_append(t, ": ");
            chirp_text_append(t, value_text);
            chirp_text_append(t, member->next ? ",\n" : "\n");
        }
        cJSON_free(key_text);
        cJSON_free(value_text);
        cJSON_Delete(key);
    }
    chirp_text_append(t, indent);
    chirp_text_append(t, "}");
}

void chirp_json_mend(char *text)
{
    static const char *const word[] = {"-Infinity", "Infinity", "-NaN", "NaN",
                                       "-nan",      "nan",      "-inf", "inf"};
    bool quoted = false;
    for (char *p = text; *p; ++p) {
        if (quoted && *p == '\\' && p[1]) {
            ++p;
            continue;
        }
        if (*p == '"')
            quoted = !quoted;
        for (size_t i = 0; !quoted && i < sizeof word / sizeof word[0]; ++i) {
            const size_t n = strlen(word[i]);
            if (strncmp(p, word[i], n) != 0)
                continue;
            memset(p, ' ', n);
            memcpy(p, n >= 4 ? "null" : "\"\"", n >= 4 ? 4 : 2); /* no number either */
            p += n - 1;
            break;
        }
    }
}

chirp_status chirp_json_read(const char *path, const char *what, struct cJSON **root)
{
    char *bytes = NULL;
    size_t length = 0;
    chirp_status st = chirp_file_read(path, &bytes, &length);
    if (st != CHIRP_OK)
        return st;
    if (length == 0) {
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: is empty, a %s was expected", path, what);
    } else if (strlen(bytes) != length) {
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: holds a NUL byte, so it is no %s in JSON", path,
                        what);
    } else {
        chirp_json_mend(bytes);
        const char *end = NULL;
        *root = cJSON_ParseWithOpts(bytes, &end, 1);
        if (!*root) {
            st = chirp_fail(CHIRP_ERR_FORMAT, "%s: line %zu: not JSON (truncated, or not a %s?)",
                            path, chirp_text_line(bytes, end), what);
        }
    }
    chirp_free(bytes);
    return st;
}

static double value_of(const cJSON *item)
{
    return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : (double)NAN;
}

double chirp_json_number(const cJSON *object, const char *key)
{
    return value_of(cJSON_GetObjectItemCaseSensitive(object, key));
}

double chirp_json_number_at(const cJSON *object, const char *key, int index)
{
    return value_of(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(object, key), index));
}

const char *chirp_json_string(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

double *chirp_json_numbers(const cJSON *array, size_t *count)
{
    *count = 0;
    if (!cJSON_IsArray(array))
        return NULL;
    const size_t n = (size_t)cJSON_GetArraySize(array);
    double *x = n ? chirp_alloc(n * sizeof *x) : NULL;
    const cJSON *item = NULL;
    if (!x)
        return NULL;
    cJSON_ArrayForEach(item, array) x[(*count)++] = value_of(item);
    return x;
}

#include "suites/scaling/projected/fields.h"

#include "harness/base/memory.h"
#include "harness/base/shipped.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

chirp_status chirp_field_wrong(const char *path, const char *field, const char *expected)
{
    return chirp_fail(CHIRP_ERR_FORMAT, "%s: %s should be %s", path, field, expected);
}

chirp_status chirp_field_string(const char *path, const cJSON *object, const char *key,
                                bool required, char **to)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item && !required)
        return CHIRP_OK;
    if (!cJSON_IsString(item) || item->valuestring[0] == '\0')
        return chirp_field_wrong(path, key, "a text");
    char *copy = chirp_strdup(item->valuestring);
    if (!copy)
        return CHIRP_ERR_NOMEM;
    chirp_free(*to);
    *to = copy;
    return CHIRP_OK;
}

chirp_status chirp_field_word(const char *path, const cJSON *object, const char *key, bool required,
                              char *to, size_t size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item && !required)
        return CHIRP_OK;
    if (!cJSON_IsString(item) || item->valuestring[0] == '\0' || strlen(item->valuestring) >= size)
        return chirp_field_wrong(path, key, "a short word");
    (void)snprintf(to, size, "%s", item->valuestring);
    return CHIRP_OK;
}

chirp_status chirp_field_number(const char *path, const cJSON *object, const char *key, double min,
                                double max, double *to)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= min && item->valuedouble <= max))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: %s should be a number from %g to %g", path, key,
                          min, max);
    *to = item->valuedouble;
    return CHIRP_OK;
}

chirp_status chirp_field_int(const char *path, const cJSON *object, const char *key, int max,
                             bool required, int *to)
{
    if (!required && !cJSON_GetObjectItemCaseSensitive(object, key))
        return CHIRP_OK;
    double number = 0;
    const chirp_status st = chirp_field_number(path, object, key, 1, max, &number);
    if (st == CHIRP_OK && number != floor(number))
        return chirp_field_wrong(path, key, "a whole number");
    if (st == CHIRP_OK)
        *to = (int)number;
    return st;
}

chirp_status chirp_field_all_known(const char *path, const cJSON *object, const char *const *known)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, object)
    {
        int i = 0;
        while (known[i] && strcmp(known[i], item->string) != 0)
            ++i;
        if (!known[i])
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s: %.40s is no member that project knows; the READMEs of "
                              "suites/scaling list them",
                              path, item->string);
    }
    return CHIRP_OK;
}

bool chirp_field_find(const char *below, const char *name, char path[CHIRP_FIELD_PATH])
{
    static const chirp_shipped where = {"CHIRPBENCH_MACHINES", "machines", CHIRP_MACHINES_SOURCE};
    char file[CHIRP_FIELD_PATH];
    const size_t length = strlen(name);
    if (strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".json") == 0))
        return snprintf(path, CHIRP_FIELD_PATH, "%s", name) < CHIRP_FIELD_PATH;
    return snprintf(file, sizeof file, "%s%s.json", below, name) < CHIRP_FIELD_PATH &&
           chirp_shipped_find(&where, file, path, CHIRP_FIELD_PATH);
}

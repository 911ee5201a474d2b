#include "reports/sections/fields.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

enum { PATH_BYTES = 256, LONGEST_ARRAY = 24, DEEPEST = 6 };

static bool ends(const char *text, const char *suffix)
{
    const size_t n = strlen(text);
    const size_t k = strlen(suffix);
    return n >= k && strcmp(text + n - k, suffix) == 0;
}

static void number_row(chirp_table *t, const char *path, double value)
{
    static const struct {
        const char *suffix;
        chirp_unit unit;
        const char *text; /* of the third column; NULL: the number's own suffix says it */
    } units[] = {
        {"bytes_per_second", CHIRP_UNIT_BYTES_PER_SECOND, NULL},
        {"bytes", CHIRP_UNIT_BYTES, NULL},
        {"size", CHIRP_UNIT_BYTES, NULL},
        {"_ns", CHIRP_UNIT_PLAIN, "ns"},
        {"_us", CHIRP_UNIT_PLAIN, "\xC2\xB5s"},
        {"_ms", CHIRP_UNIT_PLAIN, "ms"},
        {"_hz", CHIRP_UNIT_INTEGER, "Hz"},
        {"mhz", CHIRP_UNIT_INTEGER, "MHz"},
        {"mhz_per_cpu", CHIRP_UNIT_INTEGER, "MHz"},
        {"gflops", CHIRP_UNIT_FIXED1, "GFLOP/s"},
        {"GFLOPS", CHIRP_UNIT_FIXED1, "GFLOP/s"},
        {"seconds", CHIRP_UNIT_SECONDS, NULL},
        {"_s", CHIRP_UNIT_SECONDS, NULL},
        {"percent", CHIRP_UNIT_PLAIN, "%"},
    };
    chirp_table_text(t, path);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; ++i) {
        const bool inside = strstr(path, "GFLOPS.") && strcmp(units[i].suffix, "GFLOPS") == 0;
        if (!inside && !ends(path, units[i].suffix))
            continue;
        chirp_table_number(t, value, units[i].unit);
        chirp_table_text(t, units[i].text);
        return;
    }
    chirp_table_number(t, value, value == rint(value) ? CHIRP_UNIT_INTEGER : CHIRP_UNIT_PLAIN);
    chirp_table_text(t, NULL);
}

static void walk(chirp_table *t, const cJSON *item, const char *path, int depth, size_t limit)
{
    char below[PATH_BYTES];
    if (chirp_table_rows(t) >= limit)
        return;
    if (cJSON_IsNumber(item)) {
        number_row(t, path, item->valuedouble);
    } else if (cJSON_IsString(item) || cJSON_IsBool(item) || cJSON_IsNull(item)) {
        chirp_table_text(t, path);
        chirp_table_text(t, cJSON_IsString(item) ? item->valuestring
                            : cJSON_IsNull(item) ? NULL
                            : cJSON_IsTrue(item) ? "yes"
                                                 : "no");
        chirp_table_text(t, NULL);
    } else if ((cJSON_IsArray(item) && cJSON_GetArraySize(item) > LONGEST_ARRAY) ||
               depth >= DEEPEST) {
        chirp_table_text(t, path);
        chirp_table_text(t, "(long list, left out)");
        chirp_table_text(t, NULL);
    } else {
        const cJSON *child = NULL;
        int i = 0;
        cJSON_ArrayForEach(child, item)
        {
            if (cJSON_IsArray(item))
                (void)snprintf(below, sizeof below, "%.200s[%d]", path, i++);
            else
                (void)snprintf(below, sizeof below, "%.180s%s%.60s", path, *path ? "." : "",
                               child->string ? child->string : "");
            walk(t, child, below, depth + 1, limit);
        }
    }
}

void chirp_fields_but(chirp_table *t, const cJSON *object, const char *const *without, size_t n,
                      size_t limit)
{
    const cJSON *child = NULL;
    cJSON_ArrayForEach(child, object)
    {
        bool wanted = child->string && strcmp(child->string, "warnings") != 0;
        for (size_t i = 0; i < n && wanted; ++i)
            wanted = strcmp(child->string, without[i]) != 0;
        if (wanted)
            walk(t, child, child->string, 1, limit);
    }
}

void chirp_fields(chirp_table *t, const cJSON *object, size_t limit)
{
    chirp_fields_but(t, object, NULL, 0, limit);
}

#include "reports/files/events.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

const char *chirp_event_parameter_name(const char *label)
{
    static const struct {
        const char *label, *name;
    } names[] = {{"m1", "primary mass m1"},
                 {"m2", "secondary mass m2"},
                 {"a_f", "remnant spin a_f"},
                 {"omega_R", "ringdown frequency M omega_R"},
                 {"omega_I", "ringdown damping M omega_I"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i)
        if (strcmp(label, names[i].label) == 0)
            return names[i].name;
    return label;
}

bool chirp_event_is_real(const cJSON *event)
{
    const char *source = chirp_json_string(event, "source");
    return source && strncmp(source, "real", 4) == 0;
}

const cJSON *chirp_event_reference(const cJSON *event, const cJSON *published, const char *label)
{
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(event, "published"), label);
    return own ? own
               : cJSON_GetObjectItemCaseSensitive(
                     cJSON_GetObjectItemCaseSensitive(published, "parameters"), label);
}

double chirp_event_truth(const cJSON *event, const char *label)
{
    const double injected =
        chirp_json_number(cJSON_GetObjectItemCaseSensitive(event, "injected"), label);
    return isfinite(injected)
               ? injected
               : chirp_json_number(cJSON_GetObjectItemCaseSensitive(event, "truth"), label);
}

double chirp_event_interval(const cJSON *object, int end)
{
    return chirp_json_number_at(object, "interval_90", end);
}

/* Both texts are there and equal, or neither is there. */
static bool same_text(const cJSON *a, const cJSON *b, const char *key)
{
    const char *x = chirp_json_string(a, key);
    const char *y = chirp_json_string(b, key);
    return x && y ? strcmp(x, y) == 0 : x == y;
}

static bool same_number(const cJSON *a, const cJSON *b, const char *key)
{
    const double x = chirp_json_number(a, key);
    const double y = chirp_json_number(b, key);
    return x == y || (isnan(x) && isnan(y));
}

const cJSON *chirp_event_exact(const chirp_result_files *results, const cJSON *event)
{
    const chirp_result_file *file = NULL;
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(event, "exact"), "parameters");
    if (cJSON_IsObject(own)) /* infer --exact */
        return own;
    for (size_t i = 0; (file = chirp_result_files_find(results, CHIRP_DOCUMENT_EXACT, i)); ++i) {
        const cJSON *other = NULL;
        cJSON_ArrayForEach(other, cJSON_GetObjectItemCaseSensitive(file->root, "events"))
        {
            if (same_text(event, other, "strain") && same_text(event, other, "data") &&
                same_number(event, other, "gps") && same_number(event, other, "row"))
                return cJSON_GetObjectItemCaseSensitive(other, "parameters");
        }
    }
    return NULL;
}

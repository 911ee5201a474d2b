#include "reports/files/events.h"

#include "reports/files/result_files.h"

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
    const cJSON *item =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(object, "interval_90"), end);
    return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : (double)NAN;
}

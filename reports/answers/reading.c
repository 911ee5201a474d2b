/* What did the network read? Its posterior beside the truth or the published value, and beside the exact posterior. */
#include "reports/answers/answers_internal.h"

#include "reports/files/events.h"
#include "reports/files/published.h"

#include <math.h>
#include <string.h>

static const cJSON *events_of(const chirp_result_file *file)
{
    return cJSON_GetObjectItemCaseSensitive(file->root, "events");
}

/* An event with the exact posterior beside it rather than one without, then one from real strain, then the first. */
static const cJSON *find_event(const chirp_result_files *results)
{
    const chirp_result_file *file = NULL;
    const cJSON *best = NULL;
    int most = -1;
    for (size_t i = 0; (file = chirp_result_files_find(results, CHIRP_DOCUMENT_POSTERIOR, i));
         ++i) {
        const cJSON *event = NULL;
        cJSON_ArrayForEach(event, events_of(file))
        {
            const int worth = 2 * cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(event, "exact")) +
                              chirp_event_is_real(event);
            if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(event, "parameters")) ||
                worth <= most)
                continue;
            best = event;
            most = worth;
        }
    }
    return best;
}

static chirp_answer_number *add_parameter(chirp_answer *answer, const cJSON *parameter,
                                          const char *label, const char *who)
{
    chirp_answer_number *number =
        chirp_answer_add(answer, chirp_json_number(parameter, "median"), CHIRP_UNIT_FIXED3,
                         "%.40s, %.40s", chirp_event_parameter_name(label), who);
    chirp_answer_interval(number, chirp_event_interval(parameter, 0),
                          chirp_event_interval(parameter, 1), "90 %% interval");
    return number;
}

/* Does the network's interval hold the value that is known better? */
static void judge(chirp_answer *answer, const cJSON *event, const cJSON *published)
{
    const cJSON *parameter = NULL;
    int known = 0;
    int held = 0;
    bool truth = false;
    cJSON_ArrayForEach(parameter, cJSON_GetObjectItemCaseSensitive(event, "parameters"))
    {
        double value = chirp_event_truth(event, parameter->string);
        truth = truth || isfinite(value);
        if (!isfinite(value))
            value = chirp_json_number(chirp_event_reference(event, published, parameter->string),
                                      "median");
        const double low = chirp_event_interval(parameter, 0);
        const double high = chirp_event_interval(parameter, 1);
        if (!isfinite(value) || !isfinite(low) || !isfinite(high))
            continue;
        ++known;
        held += value >= low && value <= high;
    }
    if (known)
        chirp_text_appendf(
            &answer->verdict,
            "The network's 90 %% intervals hold the %s value of %d of %d parameters. ",
            truth ? "injected" : "published", held, known);
    if (isfinite(chirp_json_number(event, "iterations")))
        chirp_text_appendf(&answer->verdict, "It was trained for %.0f iterations. ",
                           chirp_json_number(event, "iterations"));
}

static void name_missing(chirp_answer *answer, const cJSON *event, const char *folder)
{
    const char *data = chirp_json_string(event, "data");
    const char *strain = chirp_json_string(event, "strain");
    answer->missing = "Missing: the exact posterior of the same data.";
    chirp_text_appendf(&answer->command, "chirpbench exact %s ", data ? "--data" : "--strain");
    /* named by whoever wrote the file */
    chirp_text_append_quoted(&answer->command, data ? data : strain ? strain : "FILE");
    if (data && isfinite(chirp_json_number(event, "row")))
        chirp_text_appendf(&answer->command, " --rows %.0f", chirp_json_number(event, "row"));
    if (!data)
        chirp_text_appendf(&answer->command, " --gps %.13g", chirp_json_number(event, "gps"));
    chirp_text_appendf(&answer->command, " --json %s/exact.json", folder);
}

void chirp_answer_reading(const chirp_answer_input *in, chirp_answer *answer)
{
    const cJSON *event = find_event(in->results);
    const cJSON *first = cJSON_GetObjectItemCaseSensitive(event, "parameters");
    first = first ? first->child : NULL;
    while (first && !isfinite(chirp_json_number(first, "median")))
        first = first->next;
    if (!first) {
        answer->missing = "Nothing was read.";
        chirp_text_appendf(&answer->command,
                           "chirpbench infer --checkpoint train.h5 --strain FILE --gps T --json "
                           "%s/infer.json",
                           in->results->folder);
        return;
    }
    const char *label = first->string;
    const cJSON *published = chirp_published_event(in->results, event);
    const cJSON *exact =
        cJSON_GetObjectItemCaseSensitive(chirp_event_exact(in->results, event), label);
    const chirp_answer_number *ours = add_parameter(answer, first, label, "network");
    const double truth = chirp_event_truth(event, label);
    const char *name = chirp_json_string(published, "name");
    (void)chirp_answer_add(answer, truth, CHIRP_UNIT_FIXED3, "%.40s, injected",
                           chirp_event_parameter_name(label));
    (void)add_parameter(answer, chirp_event_reference(event, published, label), label,
                        name ? name : "published");
    const chirp_answer_number *limit = add_parameter(answer, exact, label, "exact posterior");
    if (limit && ours)
        (void)chirp_answer_add(answer, (ours->high - ours->low) / (limit->high - limit->low),
                               CHIRP_UNIT_RATIO, "width against the exact posterior");
    judge(answer, event, published);
    if (!exact)
        name_missing(answer, event, in->results->folder);
}

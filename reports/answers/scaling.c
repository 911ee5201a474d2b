/* Does it scale? What others published beside what is projected for their way and for ours. */
#include "reports/answers/answers_internal.h"

#include "reports/files/published.h"

#include <math.h>
#include <string.h>

enum { NODES = 1024 };

static const cJSON *rows_of(const chirp_result_file *file)
{
    return cJSON_GetObjectItemCaseSensitive(file->root, "rows");
}

static const cJSON *row_at(const chirp_result_file *file, double nodes)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, rows_of(file)) if (chirp_json_number(row, "nodes") == nodes) return row;
    return NULL;
}

/* The question's number of nodes, or the most that a projection has when none has that many; 0 without projections. */
static double nodes_of(const chirp_result_files *results)
{
    const chirp_result_file *file = NULL;
    double most = 0;
    for (size_t i = 0; (file = chirp_result_files_find(results, CHIRP_DOCUMENT_PROJECTION, i));
         ++i) {
        const cJSON *row = NULL;
        if (row_at(file, NODES))
            return NODES;
        cJSON_ArrayForEach(row, rows_of(file)) most = fmax(most, chirp_json_number(row, "nodes"));
    }
    return most;
}

static bool is_text(const chirp_result_file *file, const char *key, const char *value)
{
    const char *text = chirp_json_string(file->root, key);
    return text && strcmp(text, value) == 0;
}

/* The published program exchanged by Horovod and gave every rank the same share. */
static bool is_their_way(const chirp_result_file *file)
{
    return is_text(file, "exchange", "horovod") && !is_text(file, "shares", "measured");
}

static chirp_answer_number *add_projection(chirp_answer *answer, const chirp_result_file *file,
                                           double nodes)
{
    const cJSON *row = row_at(file, nodes);
    const char *exchange = chirp_json_string(file->root, "exchange");
    const char *shares = is_text(file, "shares", "measured") ? ", measured shares" : "";
    if (!row)
        return NULL;
    if (cJSON_GetObjectItemCaseSensitive(row, "interval_90")) {
        chirp_answer_number *step =
            chirp_answer_add(answer, chirp_json_number(row, "seconds_per_step"), CHIRP_UNIT_SECONDS,
                             "predicted step, %.0f nodes", nodes);
        chirp_answer_interval(step, chirp_json_number_at(row, "interval_90", 0),
                              chirp_json_number_at(row, "interval_90", 1),
                              "90 %% prediction interval");
        return NULL; /* another program's time, no efficiency */
    }
    chirp_answer_number *number = chirp_answer_add(
        answer, chirp_json_number(row, "efficiency"), CHIRP_UNIT_PERCENT, "%s: %.30s exchange%s",
        is_their_way(file) ? "their way" : "ours", exchange ? exchange : "unknown", shares);
    chirp_answer_interval(number, chirp_json_number_at(row, "efficiency_band", 0),
                          chirp_json_number_at(row, "efficiency_band", 1), "90 %% band");
    return number;
}

/* What was measured on the most ranks here: a first step towards the question. */
static void add_measured(const chirp_result_files *results, chirp_answer *answer)
{
    const chirp_result_file *file = chirp_result_files_find(results, CHIRP_DOCUMENT_SCALING, 0);
    const cJSON *row = NULL;
    const cJSON *most = NULL;
    if (!file)
        return;
    cJSON_ArrayForEach(row, rows_of(file)) if (isfinite(chirp_json_number(row, "efficiency")) &&
                                               (!most || chirp_json_number(row, "ranks") >
                                                             chirp_json_number(most, "ranks")))
        most = row;
    if (!most || !(chirp_json_number(most, "ranks") > 1))
        return;
    chirp_answer_number *number =
        chirp_answer_add(answer, chirp_json_number(most, "efficiency"), CHIRP_UNIT_PERCENT,
                         "measured here: %.0f ranks", chirp_json_number(most, "ranks"));
    chirp_answer_interval(number, chirp_json_number_at(most, "interval_95", 0),
                          chirp_json_number_at(most, "interval_95", 1), "95 %% interval");
}

static void judge(chirp_answer *answer, const chirp_answer_number *theirs,
                  const chirp_answer_number *ours, double published)
{
    if (theirs && isfinite(theirs->low) && isfinite(published))
        chirp_text_append(&answer->verdict,
                          published >= theirs->low && published <= theirs->high
                              ? "The band of their way holds the published number. "
                              : "The band of their way misses the published number. ");
    if (!theirs || !ours)
        return;
    switch (chirp_answer_order(ours, theirs->low, theirs->high)) {
    case CHIRP_ORDER_ABOVE:
        chirp_text_append(&answer->verdict, "The best of ours lies above their way: the bands "
                                            "don't overlap. ");
        break;
    case CHIRP_ORDER_BELOW:
        chirp_text_append(&answer->verdict, "The best of ours lies below their way. ");
        break;
    default:
        chirp_text_append(&answer->verdict, "The best of ours and their way can't be told apart. ");
    }
}

/* What the projections rest on: said once for each machine and kind of shares. */
static void say_assumptions(const chirp_result_files *results, double nodes, chirp_answer *answer)
{
    const chirp_result_file *file = NULL;
    const char *assumed_machine = NULL;
    bool measured_shares = false;
    for (size_t i = 0; (file = chirp_result_files_find(results, CHIRP_DOCUMENT_PROJECTION, i));
         ++i) {
        if (!row_at(file, nodes))
            continue;
        if (!assumed_machine && chirp_json_number(file->root, "assumed_numbers_of_machine") >
                                    0.5 * chirp_json_number(file->root, "numbers_of_machine"))
            assumed_machine = chirp_json_string(file->root, "machine");
        measured_shares = measured_shares || is_text(file, "shares", "measured");
    }
    if (measured_shares)
        chirp_text_append(&answer->verdict, "Measured shares count what the nodes can do, if their "
                                            "speeds stay put. ");
    if (assumed_machine)
        chirp_text_appendf(&answer->verdict, "Most numbers of the machine %.40s are assumed. ",
                           assumed_machine);
}

static void name_missing(chirp_answer *answer, bool theirs, bool ours, const char *folder)
{
    if (theirs && ours)
        return;
    answer->missing = theirs ? "Missing: ours." : ours ? "Missing: their way." : "No projection.";
    chirp_text_appendf(&answer->command,
                       "chirpbench project --machine theta --nodes 1,32,1024 --exchange %s --json "
                       "%s/project_%s.json",
                       theirs ? "halving --shares measured" : "horovod", folder,
                       theirs ? "halving" : "study");
}

void chirp_answer_scaling(const chirp_answer_input *in, chirp_answer *answer)
{
    const double nodes = nodes_of(in->results);
    const cJSON *published = chirp_published_scaling(in->results);
    const double efficiency = chirp_json_number(published, "efficiency");
    const chirp_answer_number *theirs = NULL;
    const chirp_answer_number *ours = NULL;
    const chirp_result_file *file = NULL;
    if (published)
        (void)chirp_answer_add(answer, efficiency, CHIRP_UNIT_PERCENT, "published: %.0f nodes",
                               chirp_json_number(published, "nodes"));
    for (int round = 0; round < 2; ++round) /* their way first */
        for (size_t i = 0;
             (file = chirp_result_files_find(in->results, CHIRP_DOCUMENT_PROJECTION, i)); ++i) {
            const chirp_answer_number *number =
                is_their_way(file) == (round == 0) ? add_projection(answer, file, nodes) : NULL;
            if (number && round == 0)
                theirs = number;
            else if (number && (!ours || number->value > ours->value))
                ours = number;
        }
    add_measured(in->results, answer);
    if (nodes > 0 && nodes != NODES)
        chirp_text_appendf(&answer->verdict, "No projection has 1024 nodes: these are of %.0f. ",
                           nodes);
    judge(answer, theirs, ours,
          chirp_json_number(published, "nodes") == nodes ? efficiency : (double)NAN);
    say_assumptions(in->results, nodes, answer);
    name_missing(answer, theirs != NULL, ours != NULL, in->results->folder);
}

/* What does being Bayesian cost? Steps of networks with distributions over weights against steps without. */
#include "reports/answers/answers_internal.h"

#include "reports/sections/twins.h"

#include <math.h>
#include <string.h>

static void judge(chirp_answer *answer)
{
    char names[3][256] = {"", "", ""}; /* by chirp_order */
    bool intervals = true;
    for (int i = 0; i < answer->count; ++i) {
        const chirp_answer_number *number = &answer->number[i];
        intervals = intervals && isfinite(number->low);
        chirp_join(names[chirp_answer_order(number, 1, 1)], sizeof names[0], ", ", number->label);
    }
    if (!intervals) {
        chirp_text_append(&answer->verdict,
                          "Times without intervals: whether the difference is real isn't known. ");
        return;
    }
    if (names[CHIRP_ORDER_UNKNOWN][0])
        chirp_text_appendf(&answer->verdict, "Can't be told apart from a deterministic step: %s. ",
                           names[CHIRP_ORDER_UNKNOWN]);
    if (names[CHIRP_ORDER_ABOVE][0])
        chirp_text_appendf(&answer->verdict, "Slower than a deterministic step: %s. ",
                           names[CHIRP_ORDER_ABOVE]);
    if (names[CHIRP_ORDER_BELOW][0])
        chirp_text_appendf(&answer->verdict, "Faster than a deterministic step: %s. ",
                           names[CHIRP_ORDER_BELOW]);
}

/* Ratios that scale measured in pairs, the best evidence. */
static void from_scaling(const chirp_result_files *results, chirp_answer *answer)
{
    const chirp_result_file *file = NULL;
    for (size_t i = 0; (file = chirp_result_files_find(results, CHIRP_DOCUMENT_SCALING, i)); ++i) {
        const cJSON *cost = NULL;
        cJSON_ArrayForEach(
            cost, cJSON_GetObjectItemCaseSensitive(file->root, "cost_against_deterministic"))
        {
            const char *variational = chirp_json_string(cost, "variational");
            chirp_answer_interval(chirp_answer_add(answer, chirp_json_number(cost, "ratio"),
                                                   CHIRP_UNIT_RATIO, "%.20s on %.0f ranks",
                                                   variational ? variational : "variational",
                                                   chirp_json_number(cost, "ranks")),
                                  chirp_json_number_at(cost, "interval_95", 0),
                                  chirp_json_number_at(cost, "interval_95", 1), "95 %% interval");
        }
    }
}

static bool is_step(const chirp_bench_line *line, const char *variant)
{
    return strcmp(line->part[0], "network") == 0 && strcmp(line->part[1], "train_step") == 0 &&
           line->time_s > 0 && strstr(line->part[3], variant);
}

static void add_pair(chirp_answer *answer, const chirp_bench_line *v, const chirp_bench_line *d)
{
    const chirp_bench_span ratio = chirp_bench_ratio(v, d);
    const double confidence = chirp_json_number(v->row, "ci_confidence");
    chirp_answer_interval(chirp_answer_add(answer, ratio.value, CHIRP_UNIT_RATIO, "%.30s, %.30s",
                                           v->part[3], v->part[2]),
                          ratio.low, ratio.high,
                          isfinite(confidence) ? "ends of both %.0f %% intervals"
                                               : "ends of both intervals",
                          100 * confidence);
}

static void from_benchmarks(const chirp_answer_input *in, chirp_answer *answer)
{
    static const char *const variant[] = {".last2", ".leaf", ".all"};
    for (size_t k = 0; k < sizeof variant / sizeof variant[0] && answer->count == 0; ++k)
        for (size_t i = 0; i < in->lines.count; ++i) {
            const chirp_bench_line *v = &in->lines.line[i];
            const chirp_bench_line *d =
                is_step(v, variant[k]) ? chirp_bench_twin_of(&in->lines, v) : NULL;
            if (d)
                add_pair(answer, v, d);
        }
}

void chirp_answer_bayesian(const chirp_answer_input *in, chirp_answer *answer)
{
    from_scaling(in->results, answer);
    if (answer->count == 0)
        from_benchmarks(in, answer);
    if (answer->count) {
        chirp_text_append(&answer->verdict,
                          "Time of a training step over that of the same network without "
                          "distributions over weights. ");
        judge(answer);
        return;
    }
    answer->missing = "No network was timed with and without distributions over weights.";
    chirp_text_appendf(&answer->command,
                       "chirpbench bench "
                       "--benchmark_filter='^network/train_step/.*/spin[.](none|last2)/' "
                       "--benchmark_repetitions=9 --benchmark_out=%s/bench_network.json",
                       in->results->folder);
}

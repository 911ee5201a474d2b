/* How fast is it here? Training, the share of what the machine can do, and other libraries on the same cases. */
#include "reports/answers/answers_internal.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"

#include <math.h>
#include <string.h>

/* The fastest training step of the standard network; others when it wasn't timed. */
static void add_step(const chirp_answer_input *in, chirp_answer *answer)
{
    const chirp_bench_line *best = NULL;
    for (size_t i = 0; i < in->lines.count; ++i) {
        const chirp_bench_line *line = &in->lines.line[i];
        if (strcmp(line->part[0], "network") != 0 || strcmp(line->part[1], "train_step") != 0 ||
            !(line->time_s > 0) || !(chirp_json_number(line->row, "items_per_second") > 0))
            continue;
        const bool standard = strstr(line->part[3], ".last2") != NULL;
        const bool had = best && strstr(best->part[3], ".last2");
        if (!best || (standard && !had) || (standard == had && line->time_s < best->time_s))
            best = line;
    }
    if (!best)
        return;
    const chirp_bench_span time = chirp_bench_time(best);
    const double rate = chirp_json_number(best->row, "items_per_second");
    const double confidence = chirp_json_number(best->row, "ci_confidence");
    chirp_answer_number *number =
        chirp_answer_add(answer, rate, CHIRP_UNIT_FIXED1, "training step, %.30s, %.20s, %.30s",
                         best->part[3], best->part[2], best->arguments);
    if (number)
        number->unit_text = " signals/s";
    chirp_answer_interval(number, rate * time.value / time.high, rate * time.value / time.low,
                          isfinite(confidence) ? "%.0f %% interval" : "interval", 100 * confidence);
}

/* A whole run, with its data: steps differ, so the range of most of them is said. */
static void add_run(const chirp_answer_input *in, chirp_answer *answer)
{
    const chirp_result_file *file =
        chirp_result_files_find(in->results, CHIRP_DOCUMENT_TRAINING, 0);
    const size_t room = file ? (size_t)cJSON_GetArraySize(file->root) : 0;
    double *rate = room ? chirp_alloc(room * sizeof *rate) : NULL;
    const cJSON *line = NULL;
    size_t n = 0;
    if (!rate)
        return;
    cJSON_ArrayForEach(line, file->root)
    {
        const double x = chirp_json_number(line, "signals_per_second");
        if (isfinite(x))
            rate[n++] = x;
    }
    if (n > 0) {
        chirp_sort(rate, n);
        chirp_answer_number *number =
            chirp_answer_add(answer, chirp_stats_quantile_sorted(rate, n, 0.5), CHIRP_UNIT_FIXED1,
                             "training run, data included");
        if (number)
            number->unit_text = " signals/s";
        chirp_answer_interval(number, chirp_stats_quantile_sorted(rate, n, 0.05),
                              chirp_stats_quantile_sorted(rate, n, 0.95), "90 %% of steps");
    }
    chirp_free(rate);
}

/* Our fastest algorithm on the case of another library's line; NULL when that case was another line's already. */
static const chirp_bench_line *ours_for(const chirp_bench_lines *lines, size_t other)
{
    const chirp_bench_line *best = NULL;
    for (size_t i = 0; i < lines->count; ++i) {
        const chirp_bench_line *line = &lines->line[i];
        if (!chirp_bench_same_case(line, &lines->line[other]))
            continue;
        if (line->baseline && i < other && line->time_s > 0)
            return NULL;
        if (!line->baseline && strcmp(line->part[2], "reference") != 0 && line->time_s > 0 &&
            (!best || line->time_s < best->time_s))
            best = line;
    }
    return best;
}

typedef struct contest {
    double *ratio, *share; /* [cases] */
    size_t cases, shares;
    int faster, slower;
    const char *library;
} contest;

static void enter(const chirp_bench_lines *lines, size_t other, contest *c)
{
    const chirp_bench_line *ours = ours_for(lines, other);
    const chirp_bench_line *theirs = ours ? chirp_bench_baseline_of(lines, ours) : NULL;
    if (!theirs)
        return;
    const double share = chirp_json_number(ours->row, "roof_fraction");
    if (isfinite(share))
        c->share[c->shares++] = share;
    const chirp_bench_span ratio = chirp_bench_ratio(theirs, ours);
    c->ratio[c->cases++] = ratio.value;
    c->library = theirs->part[2];
    c->faster += ratio.low > 1;
    c->slower += ratio.high < 1;
}

static void add_contest(chirp_answer *answer, contest *c)
{
    double sum = 0;
    if (c->cases == 0)
        return;
    chirp_sort(c->ratio, c->cases);
    for (size_t i = 0; i < c->cases; ++i)
        sum += log(c->ratio[i]);
    if (c->shares > 0) {
        chirp_sort(c->share, c->shares);
        chirp_answer_interval(
            chirp_answer_add(answer, chirp_stats_quantile_sorted(c->share, c->shares, 0.5),
                             CHIRP_UNIT_PERCENT,
                             "share of the machine's limit, median of %zu cases", c->shares),
            c->share[0], c->share[c->shares - 1], "range of cases");
    }
    chirp_answer_interval(chirp_answer_add(answer, exp(sum / (double)c->cases), CHIRP_UNIT_RATIO,
                                           "speed against %.30s, mean of %zu cases", c->library,
                                           c->cases),
                          c->ratio[0], c->ratio[c->cases - 1], "range of cases");
    const size_t undecided = c->cases - (size_t)c->faster - (size_t)c->slower;
    chirp_text_appendf(&answer->verdict,
                       "Our fastest algorithm is faster than the fastest other library in %d of "
                       "%zu cases and slower in %d",
                       c->faster, c->cases, c->slower);
    if (undecided)
        chirp_text_appendf(&answer->verdict, "; %zu can't be told apart", undecided);
    chirp_text_append(&answer->verdict, ". The mean is geometric. ");
    if (c->shares > 0 && c->share[c->shares - 1] > 1)
        chirp_text_append(&answer->verdict, "A share above 100 % means that the limit was measured "
                                            "too low. ");
}

void chirp_answer_speed(const chirp_answer_input *in, chirp_answer *answer)
{
    contest c = {.ratio = chirp_calloc(in->lines.count + 1, sizeof *c.ratio),
                 .share = chirp_calloc(in->lines.count + 1, sizeof *c.share)};
    add_step(in, answer);
    add_run(in, answer);
    for (size_t i = 0; i < in->lines.count && c.ratio && c.share; ++i)
        if (in->lines.line[i].baseline && in->lines.line[i].time_s > 0)
            enter(&in->lines, i, &c);
    answer->verdict.failed = answer->verdict.failed || !c.ratio || !c.share;
    add_contest(answer, &c);
    if (c.cases == 0) {
        answer->missing = "No other library was timed on the same cases.";
        chirp_text_appendf(
            &answer->command,
            "chirpbench bench "
            "--benchmark_filter='^conv1d/.*/(direct|transform|onednn)/conv[1-7]/"
            "batch:64' --benchmark_repetitions=9 --benchmark_out=%s/bench_conv1d.json",
            in->results->folder);
    }
    chirp_free(c.ratio);
    chirp_free(c.share);
}

#include "reports/answers/answers_internal.h"

#include "harness/base/text.h"
#include "harness/results/study.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *id, *question, *section;
    void (*find)(const chirp_answer_input *in, chirp_answer *answer);
} questions[CHIRP_ANSWERS] = {
    {"scale", "Does it scale to 1024 nodes?", "scaling", chirp_answer_scaling},
    {"bayesian", "What does being Bayesian cost?", "ledger", chirp_answer_bayesian},
    {"speed", "How fast is it here?", "kernels", chirp_answer_speed},
    {"reading", "What did the network read?", "posterior", chirp_answer_reading},
};

chirp_answer_number *chirp_answer_add(chirp_answer *answer, double value, chirp_unit unit,
                                      const char *label, ...)
{
    if (!isfinite(value) || answer->count == CHIRP_ANSWER_NUMBERS)
        return NULL;
    chirp_answer_number *number = &answer->number[answer->count++];
    va_list args;
    *number = (chirp_answer_number){
        .value = value, .low = NAN, .high = NAN, .unit = unit, .unit_text = ""};
    va_start(args, label);
    (void)vsnprintf(number->label, sizeof number->label, label, args);
    va_end(args);
    (void)chirp_utf8_mend(number->label); /* may have been cut */
    return number;
}

void chirp_answer_interval(chirp_answer_number *number, double low, double high, const char *what,
                           ...)
{
    va_list args;
    if (!number || !isfinite(low) || !isfinite(high))
        return;
    number->low = low;
    number->high = high;
    va_start(args, what);
    (void)vsnprintf(number->interval, sizeof number->interval, what, args);
    va_end(args);
}

chirp_order chirp_answer_order(const chirp_answer_number *number, double low, double high)
{
    return number->low > high   ? CHIRP_ORDER_ABOVE
           : number->high < low ? CHIRP_ORDER_BELOW
                                : CHIRP_ORDER_UNKNOWN;
}

void chirp_answers_date(const char *date, char *text, size_t room)
{
    static const char *const month[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    size_t i = 0;
    while (shape[i] && (shape[i] == 'd' ? isdigit((unsigned char)date[i]) : date[i] == shape[i]))
        ++i;
    const int m = shape[i] ? 0 : (date[5] - '0') * 10 + date[6] - '0';
    if (m < 1 || m > 12)
        (void)snprintf(text, room, "%s", date);
    else
        (void)snprintf(text, room, "%d %s %.4s, %.5s%s%.6s", (date[8] - '0') * 10 + date[9] - '0',
                       month[m - 1], date, date + 11, date[i] ? " UTC" : "", date + i);
}

static void add_doubt(chirp_answers *a, const char *doubt)
{
    for (int i = 0; doubt && i < a->doubts; ++i)
        if (strcmp(a->doubt[i], doubt) == 0)
            return;
    if (doubt && a->doubts < CHIRP_ANSWER_DOUBTS)
        a->doubt[a->doubts++] = doubt;
}

static void add_doubts(chirp_answers *a, const cJSON *texts)
{
    const cJSON *text = NULL;
    cJSON_ArrayForEach(text, texts) add_doubt(a, cJSON_GetStringValue(text));
}

/* What the files say against themselves, wherever their kind has it. */
static void collect_doubts(const chirp_result_files *results, chirp_answers *a)
{
    for (size_t i = 0; i < results->count; ++i) {
        const cJSON *root = results->file[i].root;
        const cJSON *event = NULL;
        if (!root)
            continue;
        if (results->file[i].document.note)
            add_doubt(a, results->file[i].document.note);
        add_doubts(a, cJSON_GetObjectItemCaseSensitive(root, "warnings"));
        add_doubts(a, cJSON_GetObjectItemCaseSensitive(
                          cJSON_GetObjectItemCaseSensitive(root, "context"), "warnings"));
        if (results->file[i].document.kind == CHIRP_DOCUMENT_SCALING)
            add_doubts(a, cJSON_GetObjectItemCaseSensitive(root, "notes"));
        const cJSON *preset = cJSON_GetObjectItemCaseSensitive(root, "preset");
        if (cJSON_IsString(preset) && strcmp(preset->valuestring, "smoke") == 0)
            add_doubt(a, "preset smoke only checks that every step runs: its numbers mean nothing");
        cJSON_ArrayForEach(event, cJSON_GetObjectItemCaseSensitive(root, "events"))
        {
            add_doubts(a, cJSON_GetObjectItemCaseSensitive(event, "doubts"));
            add_doubts(a, cJSON_GetObjectItemCaseSensitive(
                              cJSON_GetObjectItemCaseSensitive(event, "likeness"), "doubts"));
        }
    }
}

static const cJSON *head_of(const chirp_result_file *file)
{
    const cJSON *first = cJSON_IsArray(file->root) ? cJSON_GetArrayItem(file->root, 0) : file->root;
    const cJSON *head = cJSON_GetObjectItemCaseSensitive(first, "chirpbench");
    return head ? head
                : cJSON_GetObjectItemCaseSensitive(
                      cJSON_GetObjectItemCaseSensitive(first, "context"), "chirpbench");
}

static void append_part(chirp_text *t, const char *before, const char *part)
{
    if (!part || !*part)
        return;
    chirp_text_append(t, t->used ? " \xC2\xB7 " : "");
    chirp_text_append(t, before);
    chirp_text_append(t, part);
}

/* Version and commit of the first file that says so, and whether others say another. */
static void append_build(const chirp_result_files *results, chirp_text *badge)
{
    char build[96] = "";
    bool several = false;
    for (size_t i = 0; i < results->count; ++i) {
        const cJSON *head = results->file[i].root ? head_of(&results->file[i]) : NULL;
        const char *version = head ? chirp_json_string(head, "version") : NULL;
        const char *commit = head ? chirp_json_string(head, "commit") : NULL;
        char this_one[96];
        if (!version)
            continue;
        (void)snprintf(this_one, sizeof this_one, "%.30s%s%.40s", version,
                       commit && strcmp(commit, "unknown") != 0 ? ", commit " : "",
                       commit && strcmp(commit, "unknown") != 0 ? commit : "");
        if (!build[0])
            memcpy(build, this_one, sizeof build);
        several = several || strcmp(build, this_one) != 0;
    }
    (void)chirp_utf8_mend(build);
    append_part(badge, "chirpbench ", build);
    if (several)
        chirp_text_append(badge, " and other builds");
}

static void write_badge(const chirp_result_files *results, const char *machine, chirp_text *badge)
{
    char date[CHIRP_DATE_BYTES + 32] = "";
    append_part(badge, "", machine);
    append_build(results, badge);
    for (size_t i = 0; i < results->count && !date[0]; ++i)
        if (*results->file[i].document.date)
            chirp_answers_date(results->file[i].document.date, date, sizeof date);
    append_part(badge, "", date);
}

chirp_status chirp_answers_find(const chirp_result_files *results, const char *machine,
                                chirp_answers *answers)
{
    chirp_answer_input in = {.results = results};
    *answers = (chirp_answers){0};
    chirp_status st = chirp_bench_lines_read(results, &in.lines);
    for (int i = 0; i < CHIRP_ANSWERS && st == CHIRP_OK; ++i) {
        chirp_answer *answer = &answers->answer[i];
        answer->id = questions[i].id;
        answer->question = questions[i].question;
        answer->section = questions[i].section;
        questions[i].find(&in, answer);
        if (answer->verdict.failed || answer->command.failed)
            st = chirp_fail(CHIRP_ERR_NOMEM, "no memory for the answers");
    }
    chirp_bench_lines_release(&in.lines);
    write_badge(results, machine, &answers->badge);
    collect_doubts(results, answers);
    return st == CHIRP_OK && answers->badge.failed
               ? chirp_fail(CHIRP_ERR_NOMEM, "no memory for the answers")
               : st;
}

void chirp_answers_release(chirp_answers *answers)
{
    for (int i = 0; i < CHIRP_ANSWERS; ++i) {
        chirp_text_clear(&answers->answer[i].verdict);
        chirp_text_clear(&answers->answer[i].command);
    }
    chirp_text_clear(&answers->badge);
}

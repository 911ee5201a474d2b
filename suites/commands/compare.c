/* chirpbench compare: verdicts on result files, and the history of a baseline store. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/terminal.h"
#include "harness/compare/compare.h"
#include "harness/compare/history.h"
#include "harness/compare/limits.h"
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "suites/command.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct compare_flags {
    const char *fail_above, *format, *filter, *replace, *allow, *json, *markdown, *store, *history,
        *machine, *limits;
    double confidence;
    bool fail_inconclusive, fail_missing;
} compare_flags;

/* "5%" or "0.05". A bare number of 1 or more is surely meant as percent: ask instead of guessing. */
static chirp_status read_share(const char *text, double *share)
{
    const size_t length = strlen(text);
    const bool percent = length > 0 && text[length - 1] == '%';
    char *number = chirp_strdup(text);
    if (!number)
        return CHIRP_ERR_NOMEM;
    number[length - percent] = '\0';
    const chirp_status st = chirp_parse_real("compare: --fail-above", number, share);
    chirp_free(number);
    if (st != CHIRP_OK)
        return st;
    if (percent)
        *share /= 100;
    if (!(*share >= 0 && *share < 1))
        return chirp_fail(CHIRP_ERR_ARG,
                          "compare: --fail-above %s: write a change below 100 %% as 5%% or 0.05",
                          text);
    return CHIRP_OK;
}

/* For texts from outside, on their way to a terminal. */
static void put(FILE *stream, const char *text) { chirp_print_plain(stream, 0, text); }

static void warn(const chirp_results *r)
{
    if (r->partial) {
        (void)fprintf(stderr, "compare: ");
        put(stderr, r->path);
        (void)fprintf(stderr, " is partial: the run that wrote it was cut short\n");
    }
    for (size_t i = 0; i < r->count; ++i)
        if (r->item[i].duplicate) {
            (void)fprintf(stderr, "compare: ");
            put(stderr, r->path);
            (void)fprintf(stderr, " has several benchmarks named ");
            put(stderr, r->item[i].name);
            (void)fprintf(stderr, ": their rows are pooled\n");
        }
}

static chirp_status print_json(cJSON *object, const char *path)
{
    char *text = object ? chirp_json_print(object) : NULL;
    chirp_status st =
        text ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "compare: no memory for the report");
    if (st == CHIRP_OK && path)
        st = chirp_file_write(path, text, strlen(text));
    else if (st == CHIRP_OK)
        printf("%s\n", text);
    cJSON_free(text);
    return st;
}

/* One comparison in every form that was asked for; *bad: the answer is no. */
static chirp_status compare_one(const compare_flags *f, const chirp_compare_options *o,
                                const chirp_results *base, const char *path, cJSON *reports,
                                chirp_text *markdown, bool *bad)
{
    chirp_results fresh = {0};
    chirp_compare_result r = {0};
    char *text = NULL;
    chirp_status st = chirp_results_read(path, &fresh);
    if (st == CHIRP_OK) {
        warn(&fresh);
        st = chirp_same_machine(base, &fresh, f->allow);
    }
    if (st == CHIRP_OK)
        st = chirp_compare(base, &fresh, o, &r);
    if (st == CHIRP_OK) {
        cJSON *report = chirp_compare_json(base, &fresh, o, &r);
        if (!report || !cJSON_AddItemToArray(reports, report))
            st = chirp_fail(CHIRP_ERR_NOMEM, "compare: no memory for the report");
    }
    if (st == CHIRP_OK)
        st = chirp_compare_markdown(base, &fresh, o, &r, &text);
    if (st == CHIRP_OK) {
        chirp_text_append(markdown, text);
        if (strcmp(f->format, "table") == 0)
            chirp_compare_print(base, &fresh, o, &r, chirp_terminal_colors(STDOUT_FILENO));
        else if (strcmp(f->format, "markdown") == 0)
            printf("%s", text);
        *bad |= r.tally[CHIRP_SLOWER] > 0 || r.tally[CHIRP_FAILED] > 0 ||
                (f->fail_inconclusive && r.tally[CHIRP_INCONCLUSIVE] > 0) ||
                (f->fail_missing && r.only_base + r.skipped_by_new > 0);
    }
    if (st == CHIRP_OK && !*bad && r.too_few > 0) /* else a gate that can't close would look open */
        st = chirp_fail(
            CHIRP_ERR_ARG,
            "compare: %zu of %zu benchmarks have too few repetitions to find a slowdown of "
            "any size: at least 2 in each file are needed, 5 or more are better",
            r.too_few, r.count);
    chirp_free(text);
    chirp_compare_clear(&r);
    chirp_results_clear(&fresh);
    return st;
}

static chirp_status compare_files(const compare_flags *f, int n, char **paths, bool *bad)
{
    chirp_compare_options o = {.confidence = f->confidence, .filter = f->filter};
    chirp_results base = {0};
    chirp_text markdown = {0};
    char *from = NULL;
    cJSON *reports = cJSON_CreateArray();
    chirp_status st = reports ? read_share(f->fail_above, &o.threshold)
                              : chirp_fail(CHIRP_ERR_NOMEM, "compare: no memory");
    if (st == CHIRP_OK && n < 2)
        st = chirp_fail(
            CHIRP_ERR_ARG,
            "compare: needs two result files, BASE and NEW; see chirpbench compare --help");
    if (st == CHIRP_OK && f->replace) {
        const char *equals = strchr(f->replace, '=');
        from = chirp_strdup(f->replace);
        if (!from)
            st = CHIRP_ERR_NOMEM;
        else if (!equals || equals == f->replace)
            st = chirp_fail(CHIRP_ERR_ARG, "compare: --replace %s: write OLD=NEW", f->replace);
        else {
            from[equals - f->replace] = '\0';
            o.from = from;
            o.to = equals + 1;
        }
    }
    if (st == CHIRP_OK)
        st = chirp_results_read(paths[0], &base);
    if (st == CHIRP_OK)
        warn(&base);
    for (int i = 1; i < n && st == CHIRP_OK; ++i)
        st = compare_one(f, &o, &base, paths[i], reports, &markdown, bad);
    if (st == CHIRP_OK && markdown.failed)
        st = chirp_fail(CHIRP_ERR_NOMEM, "compare: no memory for the report");
    cJSON *shown = cJSON_GetArraySize(reports) == 1 ? cJSON_GetArrayItem(reports, 0) : reports;
    if (st == CHIRP_OK && strcmp(f->format, "json") == 0)
        st = print_json(shown, NULL);
    if (st == CHIRP_OK && f->json)
        st = print_json(shown, f->json);
    if (st == CHIRP_OK && f->markdown)
        st = chirp_file_write(f->markdown, markdown.bytes, markdown.used);
    chirp_free(from);
    chirp_free(markdown.bytes);
    chirp_results_clear(&base);
    cJSON_Delete(reports);
    return st;
}

static chirp_status store_files(const compare_flags *f, int n, char **paths)
{
    chirp_status st = n > 0
                          ? CHIRP_OK
                          : chirp_fail(CHIRP_ERR_ARG,
                                       "compare: --store %s needs result files to store", f->store);
    for (int i = 0; i < n && st == CHIRP_OK; ++i) {
        char *stored = NULL;
        st = chirp_history_store(f->store, paths[i], &stored);
        if (st == CHIRP_OK) {
            put(stdout, paths[i]);
            printf(" -> ");
            put(stdout, stored);
            printf("\n");
        }
        chirp_free(stored);
    }
    return st;
}

static void print_history_row(const chirp_history_row *row)
{
    chirp_print_plain(stdout, 60, row->name);
    printf(" %5zu %12.6g %12.6g  ", row->runs, row->first_s, row->last_s);
    if (row->changed) {
        printf("%+.1f %% at ", 100 * (row->ratio - 1));
        put(stdout, row->date);
        printf(", commit ");
        put(stdout, row->commit[0] ? row->commit : "unknown");
        printf(" (p %.3g, %zu change%s in all)", row->p, row->n_changes,
               row->n_changes == 1 ? "" : "s");
    } else {
        printf("none");
    }
    if (row->suspect_runs > 0)
        printf("; suspect: last %zu run%s at %+.1f %%, too few to test: run again",
               row->suspect_runs, row->suspect_runs == 1 ? "" : "s",
               100 * (row->suspect_ratio - 1));
    printf("\n");
}

static bool add_history_row(cJSON *list, const chirp_history_row *row)
{
    cJSON *o = cJSON_CreateObject();
    bool ok = o && cJSON_AddItemToArray(list, o) && chirp_json_add_text(o, "name", row->name) &&
              chirp_json_add_integer(o, "runs", (int64_t)row->runs) &&
              chirp_json_add_real(o, "first_seconds", row->first_s) &&
              chirp_json_add_real(o, "last_seconds", row->last_s) &&
              chirp_json_add_integer(o, "changes", (int64_t)row->n_changes);
    if (ok && row->changed)
        ok = chirp_json_add_text(o, "changed_at", row->date) &&
             chirp_json_add_text(o, "changed_by", row->commit) &&
             chirp_json_add_real(o, "ratio", row->ratio) && chirp_json_add_real(o, "p", row->p);
    if (ok && row->suspect_runs > 0)
        ok = chirp_json_add_integer(o, "suspect_runs", (int64_t)row->suspect_runs) &&
             chirp_json_add_real(o, "suspect_ratio", row->suspect_ratio);
    return ok;
}

static chirp_status show_history(const compare_flags *f, bool *bad)
{
    chirp_history h;
    double share = 0;
    const bool table = strcmp(f->format, "json") != 0;
    chirp_status st = read_share(f->fail_above, &share);
    if (st == CHIRP_OK)
        st = chirp_history_read(f->history, f->machine, share, &h);
    if (st != CHIRP_OK)
        return st;
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_HISTORY);
    cJSON *list = cJSON_AddArrayToObject(root, "benchmarks");
    bool ok = list != NULL;
    if (table) {
        put(stdout, f->history);
        printf(": %zu runs on machine ", h.runs);
        put(stdout, h.machine);
        printf("\n%-60s %5s %12s %12s  %s\n", "benchmark", "runs", "first s", "last s",
               "last change");
    }
    for (size_t i = 0; i < h.count && ok; ++i) {
        const chirp_history_row *row = &h.item[i];
        ok = add_history_row(list, row);
        *bad |= (row->changed && row->ratio > 1 + share) ||
                (f->fail_inconclusive && row->suspect_runs > 0 && row->suspect_ratio > 1 + share);
        if (table)
            print_history_row(row);
    }
    st = ok ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "compare: no memory for the report");
    if (st == CHIRP_OK && !table)
        st = print_json(root, NULL);
    if (st == CHIRP_OK && f->json)
        st = print_json(root, f->json);
    cJSON_Delete(root);
    chirp_history_clear(&h);
    return st;
}

/* The limits of one run; a missing row fails too, or a renamed benchmark would pass unseen. */
static chirp_status check_limits(const compare_flags *f, int n, char **paths, bool *bad)
{
    static const char *const texts[] = {"kept", "BROKEN", "MISSING"};
    chirp_limits l;
    if (n != 1)
        return chirp_fail(CHIRP_ERR_ARG, "compare: --limits %s checks one result file, not %d",
                          f->limits, n);
    const chirp_status st = chirp_limits_check(f->limits, paths[0], f->confidence, &l);
    if (st != CHIRP_OK)
        return st;
    for (size_t i = 0; i < l.count; ++i) {
        const chirp_limit *limit = &l.item[i];
        printf("%-8s ", texts[limit->state]);
        put(stdout, limit->benchmark);
        printf(" ");
        put(stdout, limit->over ? limit->over : limit->counter);
        printf(" %s %.4g", limit->at_least ? ">=" : "<=", limit->bound);
        if (limit->state == CHIRP_LIMIT_MISSING) {
            printf(": ");
            put(stdout, limit->reason);
        } else if (limit->over)
            printf(": %.4g [%.4g, %.4g]", limit->value, limit->low, limit->high);
        else
            printf(": %.4g", limit->value);
        if (limit->state == CHIRP_LIMIT_BROKEN && limit->why && limit->why[0]) {
            printf(" (");
            put(stdout, limit->why);
            printf(")");
        }
        printf("\n");
    }
    printf("%zu limits: %zu broken, %zu missing\n", l.count, l.broken, l.missing);
    *bad = l.broken + l.missing > 0;
    chirp_limits_clear(&l);
    return CHIRP_OK;
}

static int run(int argc, char **argv)
{
    compare_flags f = {.fail_above = "5%", .format = "table", .confidence = 0.95};
    const chirp_option table[] = {
        {"fail-above", CHIRP_OPTION_STRING, &f.fail_above, .metavar = "P%",
         .help =
             "change of the time that matters; exit 1 if something is certainly slower by more"},
        {"confidence", CHIRP_OPTION_REAL, &f.confidence, .metavar = "P", .min = 0.5, .max = 0.9999,
         .help = "confidence of intervals and corrected tests"},
        {"filter", CHIRP_OPTION_STRING, &f.filter, .metavar = "REGEX",
         .help = "compare names that match REGEX; -REGEX: names that don't match"},
        {"replace", CHIRP_OPTION_STRING, &f.replace, .metavar = "OLD=NEW",
         .help = "replace text in names of BASE, to compare two algorithms: direct=transform"},
        {"allow", CHIRP_OPTION_STRING, &f.allow, .metavar = "KEY,...",
         .help = "facts about machine or build that may differ; all: every fact"},
        {"fail-inconclusive", CHIRP_OPTION_FLAG, &f.fail_inconclusive,
         .help = "exit 1 also when the data are inconclusive; with --history, when the last runs "
                 "are suspect"},
        {"fail-missing", CHIRP_OPTION_FLAG, &f.fail_missing,
         .help = "exit 1 also when NEW lacks a benchmark of BASE"},
        {"format", CHIRP_OPTION_CHOICE, &f.format, .choices = "table|markdown|json",
         .help = "what goes to stdout"},
        {"json", CHIRP_OPTION_STRING, &f.json, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "also write the comparison as JSON"},
        {"markdown", CHIRP_OPTION_STRING, &f.markdown, .metavar = "FILE",
         .file = CHIRP_FILE_WRITTEN, .help = "also write it as Markdown, for a pull request"},
        {"limits", CHIRP_OPTION_STRING, &f.limits, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "don't compare: check ratios inside one result file"},
        {"store", CHIRP_OPTION_STRING, &f.store, .metavar = "DIR",
         .help = "don't compare: keep the files in a baseline store"},
        {"history", CHIRP_OPTION_STRING, &f.history, .metavar = "DIR",
         .help = "don't compare: change points over the runs in a store"},
        {"machine", CHIRP_OPTION_STRING, &f.machine, .metavar = "ID",
         .help = "with --history: the machine to look at; default: that of the newest run"},
    };
    const chirp_usage usage = {
        "compare", "BASE NEW [NEW...]",
        "Verdicts faster, slower, same, inconclusive, failed or skipped for every benchmark of two "
        "or more result files, ours\n"
        "or Google Benchmark's. BASE and NEW may be lists A.json,B.json whose repetitions are "
        "pooled: several runs of each\n"
        "side, in turn, average what changes between runs.\n"
        "Slower is what is surely slower by more than --fail-above: by the interval, by the "
        "fastest repetitions, by a test\n"
        "corrected for the number of benchmarks, and by more than the noise of so many repetitions "
        "and runs explains.\n"
        "Exit 0: nothing is slower or failed; 1: something is; 2: the files can't be compared, or "
        "nothing is slower but a\n"
        "benchmark has one repetition on a side, which can't show a slowdown of any size.",
        table, sizeof table / sizeof table[0]};
    int rest = 0;
    bool bad = false;
    chirp_status st = chirp_options_parse(&usage, argc, argv, &rest);
    char **paths = argv + argc - rest;
    if (st == CHIRP_OK && f.limits)
        st = check_limits(&f, rest, paths, &bad);
    else if (st == CHIRP_OK && f.store)
        st = store_files(&f, rest, paths);
    else if (st == CHIRP_OK && f.history && rest > 0)
        st = chirp_fail(CHIRP_ERR_ARG, "compare: --history reads a store, not %s", paths[0]);
    else if (st == CHIRP_OK && f.history)
        st = show_history(&f, &bad);
    else if (st == CHIRP_OK)
        st = compare_files(&f, rest, paths, &bad);
    return st == CHIRP_OK && bad ? 1 : chirp_command_exit(st);
}

const chirp_command chirp_command_compare = {
    "compare", "verdicts on result files with intervals and tests; exit 1 on a regression", run};

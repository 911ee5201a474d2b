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
#include "suites/commands/compare_run.h"
#include "suites/gate.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct compare_flags {
    const char *fail_above, *format, *filter, *replace, *allow, *json, *markdown, *store, *history,
        *machine, *limits, *junit;
    double confidence, budget_s;
    int64_t rounds;
    bool fail_inconclusive, fail_missing, run, annotate;
} compare_flags;

/* What a comparison leaves behind for the files that were asked for. */
typedef struct reports {
    cJSON *json;
    chirp_text markdown, junit;
    bool bad; /* the answer is no */
} reports;

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

/* Counts of a simulation have no noise. */
static const char *default_share(bool counted) { return counted ? "1%" : "5%"; }

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

/* A comparison in every form that was asked for. */
static chirp_status report_one(const compare_flags *f, const chirp_compare_options *o,
                               const chirp_results *base, const chirp_results *fresh,
                               const chirp_compare_result *r, reports *all)
{
    char *text = NULL;
    cJSON *report = chirp_compare_json(base, fresh, o, r);
    if (!report || !cJSON_AddItemToArray(all->json, report))
        return chirp_fail(CHIRP_ERR_NOMEM, "compare: no memory for the report");
    const chirp_status st = chirp_compare_markdown(base, fresh, o, r, &text);
    if (st != CHIRP_OK)
        return st;
    chirp_text_append(&all->markdown, text);
    chirp_compare_junit(fresh, r, &all->junit);
    if (strcmp(f->format, "table") == 0)
        chirp_compare_print(base, fresh, o, r, chirp_terminal_colors(STDOUT_FILENO));
    else if (strcmp(f->format, "markdown") == 0)
        printf("%s", text);
    if (f->annotate)
        chirp_compare_annotate(r);
    chirp_free(text);
    all->bad |= r->tally[CHIRP_SLOWER] > 0 || r->tally[CHIRP_FAILED] > 0 ||
                (f->fail_inconclusive && r->tally[CHIRP_INCONCLUSIVE] > 0) ||
                (f->fail_missing && r->only_base + r->skipped_by_new > 0);
    if (!all->bad && r->too_few > 0) /* else a gate that can't close would look open */
        return chirp_fail(
            CHIRP_ERR_ARG,
            "compare: %zu of %zu benchmarks have too few repetitions to find a slowdown of "
            "any size: at least 2 in each file are needed, 5 or more are better",
            r->too_few, r->count);
    return CHIRP_OK;
}

/* paths: a file, or several to pool. shown: NULL, or what reports call it. */
static chirp_status read_side(const char *paths, const char *shown, chirp_results *r)
{
    const chirp_status st = chirp_results_read(paths, r);
    if (st != CHIRP_OK || !shown)
        return st;
    char *name = chirp_strdup(shown);
    if (!name)
        return CHIRP_ERR_NOMEM;
    chirp_free(r->path);
    r->path = name;
    return CHIRP_OK;
}

static chirp_status compare_one(const compare_flags *f, const chirp_compare_options *o,
                                const chirp_results *base, const char *paths, const char *shown,
                                reports *all)
{
    chirp_results fresh = {0};
    chirp_compare_result r = {0};
    chirp_status st = read_side(paths, shown, &fresh);
    if (st == CHIRP_OK) {
        warn(&fresh);
        st = chirp_same_machine(base, &fresh, f->allow);
    }
    if (st == CHIRP_OK)
        st = chirp_compare(base, &fresh, o, &r);
    if (st == CHIRP_OK)
        st = report_one(f, o, base, &fresh, &r, all);
    chirp_compare_clear(&r);
    chirp_results_clear(&fresh);
    return st;
}

static chirp_status write_reports(const compare_flags *f, reports *all)
{
    chirp_status st = CHIRP_OK;
    if (all->markdown.failed || all->junit.failed)
        return chirp_fail(CHIRP_ERR_NOMEM, "compare: no memory for the report");
    cJSON *shown =
        cJSON_GetArraySize(all->json) == 1 ? cJSON_GetArrayItem(all->json, 0) : all->json;
    if (strcmp(f->format, "json") == 0)
        st = print_json(shown, NULL);
    if (st == CHIRP_OK && f->json)
        st = print_json(shown, f->json);
    if (st == CHIRP_OK && f->markdown)
        st = chirp_file_write(f->markdown, all->markdown.bytes, all->markdown.used);
    if (st == CHIRP_OK && f->junit) {
        chirp_text t = {0};
        chirp_text_appendf(
            &t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n%s</testsuites>\n",
            all->junit.bytes);
        st = t.failed ? CHIRP_ERR_NOMEM : chirp_file_write(f->junit, t.bytes, t.used);
        chirp_text_clear(&t);
    }
    return st;
}

/* Which names of the base mean which of the new file; from: for chirp_free(). */
static chirp_status read_replacement(const char *replace, chirp_compare_options *o, char **from)
{
    const char *equals = replace ? strchr(replace, '=') : NULL;
    if (!replace)
        return CHIRP_OK;
    *from = chirp_strdup(replace);
    if (!*from)
        return CHIRP_ERR_NOMEM;
    if (!equals || equals == replace)
        return chirp_fail(CHIRP_ERR_ARG, "compare: --replace %s: write OLD=NEW", replace);
    (*from)[equals - replace] = '\0';
    o->from = *from;
    o->to = equals + 1;
    return CHIRP_OK;
}

/* Runs both programs first. names: BASE and NEW, for reports; paths: what was measured. */
static chirp_status run_pair(const compare_flags *f, int n, char **words, chirp_compare_options *o,
                             chirp_pair_outcome *outcome)
{
    const char *share = f->fail_above;
    chirp_pair pair = {.bench = words + 2,
                       .n_bench = n - 2,
                       .budget_s = f->budget_s,
                       .most_rounds = f->rounds,
                       .allow = f->allow};
    if (n < 2)
        return chirp_fail(CHIRP_ERR_ARG,
                          "compare: --run needs two programs, BASE and NEW, and then "
                          "-- and options of their bench");
    chirp_status st = read_share(share ? share : default_share(false), &o->threshold);
    if (st == CHIRP_OK)
        st = read_share(share ? share : default_share(true), &pair.threshold_of_counts);
    pair.program[0] = words[0];
    pair.program[1] = words[1];
    pair.options = *o;
    if (st == CHIRP_OK)
        st = chirp_pair_run(&pair, outcome);
    if (st != CHIRP_OK)
        return st;
    o->confidence = outcome->confidence;
    if (strcmp(f->format, "json") == 0)
        return CHIRP_OK;
    printf("%d round%s of both programs in %.0f s: ", outcome->rounds,
           outcome->rounds == 1 ? "" : "s", outcome->took_s);
    if (outcome->undecided > 0)
        printf("%zu benchmarks are undecided: --budget %.0f s or --rounds %lld ended it\n\n",
               outcome->undecided, f->budget_s, (long long)f->rounds);
    else
        printf("every benchmark is decided\n\n");
    return CHIRP_OK;
}

static chirp_status compare_files(const compare_flags *f, int n, char **words, bool *bad)
{
    chirp_compare_options o = {.confidence = f->confidence, .filter = f->filter};
    chirp_results base = {0};
    chirp_pair_outcome outcome = {0};
    char *from = NULL;
    reports all = {.json = cJSON_CreateArray()};
    chirp_status st = all.json ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "compare: no memory");
    if (st == CHIRP_OK && n < 2 && !f->run)
        st = chirp_fail(
            CHIRP_ERR_ARG,
            "compare: needs two result files, BASE and NEW; see chirpbench compare --help");
    if (st == CHIRP_OK)
        st = read_replacement(f->replace, &o, &from);
    if (st == CHIRP_OK && f->run)
        st = run_pair(f, n, words, &o, &outcome);
    char **paths = f->run ? outcome.paths : words;
    if (st == CHIRP_OK)
        st = read_side(paths[0], f->run ? words[0] : NULL, &base);
    if (st == CHIRP_OK)
        st = read_share(f->fail_above ? f->fail_above : default_share(base.counted), &o.threshold);
    if (st == CHIRP_OK)
        warn(&base);
    for (int i = 1; i < (f->run ? 2 : n) && st == CHIRP_OK; ++i)
        st = compare_one(f, &o, &base, paths[i], f->run ? words[i] : NULL, &all);
    if (st == CHIRP_OK)
        st = write_reports(f, &all);
    *bad = all.bad;
    chirp_free(from);
    chirp_text_clear(&all.markdown);
    chirp_text_clear(&all.junit);
    chirp_pair_clear(&outcome);
    chirp_results_clear(&base);
    cJSON_Delete(all.json);
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
    chirp_status st = read_share(f->fail_above ? f->fail_above : default_share(false), &share);
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
    char file[PATH_MAX];
    chirp_status st = chirp_gate_find(f->limits, file, sizeof file);
    if (st == CHIRP_OK)
        st = chirp_limits_check(file, paths[0], f->confidence, &l);
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

/* An option that a mode wouldn't look at is refused: a report that nobody writes would be missed later. */
static chirp_status check_mode(const compare_flags *f)
{
    const char *mode = f->limits ? "limits" : f->store ? "store" : f->history ? "history" : NULL;
    const char *other = f->markdown                                      ? "markdown"
                        : f->junit                                       ? "junit"
                        : f->annotate                                    ? "annotate"
                        : f->run                                         ? "run"
                        : f->replace                                     ? "replace"
                        : f->filter                                      ? "filter"
                        : !f->history && f->json                         ? "json"
                        : !f->history && strcmp(f->format, "table") != 0 ? "format"
                                                                         : NULL;
    return mode && other
               ? chirp_fail(CHIRP_ERR_ARG, "compare: --%s can't be given beside --%s", other, mode)
               : CHIRP_OK;
}

static int run(int argc, char **argv)
{
    compare_flags f = {.format = "table", .confidence = 0.95, .budget_s = 600, .rounds = 64};
    const chirp_option table[] = {
        {"fail-above", CHIRP_OPTION_STRING, &f.fail_above, .metavar = "P%",
         .help =
             "change of the time that matters; exit 1 if something is certainly slower by more; "
             "default: 5%, of counts of bench --simulate 1%"},
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
        {"junit", CHIRP_OPTION_STRING, &f.junit, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "also write it as JUnit's XML: slower and failed are failures"},
        {"annotate", CHIRP_OPTION_FLAG, &f.annotate,
         .help = "also print GitHub's annotations of what changed"},
        {"run", CHIRP_OPTION_FLAG, &f.run,
         .help =
             "BASE and NEW are programs: run both in turn until every row is decided; options of "
             "their bench follow behind --"},
        {"budget", CHIRP_OPTION_REAL, &f.budget_s, .metavar = "S", .min = 1, .max = 1e6,
         .help = "with --run: seconds after which it ends anyway"},
        {"rounds", CHIRP_OPTION_INT, &f.rounds, .metavar = "N", .min = 1, .max = 10000,
         .help = "with --run: runs of each program at most"},
        {"limits", CHIRP_OPTION_STRING, &f.limits, .metavar = "NAME|FILE", .file = CHIRP_FILE_READ,
         .help = "don't compare: check ratios inside one result file, by a gate of bench --gate or "
                 "a file"},
        {"store", CHIRP_OPTION_STRING, &f.store, .metavar = "DIR",
         .help = "don't compare: keep the files in a baseline store"},
        {"history", CHIRP_OPTION_STRING, &f.history, .metavar = "DIR",
         .help = "don't compare: change points over the runs in a store"},
        {"machine", CHIRP_OPTION_STRING, &f.machine, .metavar = "ID",
         .help = "with --history: the machine to look at; default: that of the newest run"},
    };
    const chirp_usage usage = {
        "compare", "BASE NEW [NEW...|-- OPTIONS]",
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
    if (st == CHIRP_OK)
        st = check_mode(&f);
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

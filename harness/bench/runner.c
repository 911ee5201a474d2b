/*
 * The runner: selects, groups, runs each group in a process of its own, and hands finished rows to the output. What makes one
 * benchmark fail becomes its error row, and the others go on.
 */
#include "harness/bench/bench_internal.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/process.h"
#include "harness/base/options_help.h"
#include "harness/base/signals.h"
#include "harness/counters/simulation.h"
#include "harness/json/json.h"
#include "harness/progress/progress.h"
#include "harness/roofline/levels.h"
#include "harness/roofline/roofline.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const double JOURNAL_S = 1; /* a run that is killed loses at most what it measured since */

static volatile sig_atomic_t
    interrupted; /* a signal handler may do no more than set it and pass the signal on */

static void on_signal(int number)
{
    interrupted = number;
    chirp_isolation_signal(number);
}

typedef struct runner {
    chirp_run run;
    bool isolate;
    cJSON *context;
    chirp_output output;
    chirp_rows rows;
    chirp_job *jobs;
    size_t n_jobs;
    chirp_progress *progress;
    double journaled_s; /* when the journal was written last */
} runner;

/* Rows of finished jobs and those so far of the running ones, as one document. A failure shows when the jobs are done. */
static void journal(void *state, chirp_job *const *jobs, size_t n)
{
    runner *r = state;
    chirp_rows view = {.count = r->rows.count};
    const double now = chirp_now_s();
    if (now - r->journaled_s < JOURNAL_S)
        return;
    for (size_t k = 0; k < n; ++k)
        view.count += jobs[k]->rows.count;
    view.item = chirp_calloc(view.count + 1, sizeof *view.item);
    if (!view.item)
        return;
    size_t at = r->rows.count;
    if (at)
        memcpy(view.item, r->rows.item, at * sizeof *view.item);
    for (size_t k = 0; k < n; ++k)
        for (size_t i = 0; i < jobs[k]->rows.count; ++i) {
            view.item[at] = jobs[k]->rows.item[i];
            view.item[at++].repetitions = r->run.flags->repetitions;
        }
    (void)chirp_output_journal(&r->output, &view);
    chirp_free(view.item); /* the rows themselves are the jobs' */
    r->journaled_s = now;
}

/* Warns once per benchmark when its repetitions depend on each other: the interval is then too narrow. */
static void warn_about(const chirp_rows *rows, size_t first)
{
    for (size_t i = first; i < rows->count; ++i) {
        const chirp_row *row = &rows->item[i];
        const chirp_counter *r = chirp_counters_find(&row->counters, "autocorrelation");
        if (!r || !row->aggregate_name || strcmp(row->aggregate_name, "median") != 0 ||
            row->iterations < 10)
            continue;
        if (fabs(r->value) > 1.96 / sqrt((double)row->iterations))
            (void)fprintf(stderr,
                          "***WARNING*** %s: repetitions are autocorrelated (%.2f): the machine "
                          "drifts and the interval is too "
                          "narrow; try --benchmark_enable_random_interleaving\n",
                          row->run_name, r->value);
    }
}

/* Moves the rows of finished jobs to the result and shows them. */
static chirp_status collect(runner *r, chirp_job *const *jobs, size_t n)
{
    const size_t first = r->rows.count;
    for (size_t k = 0; k < n; ++k) {
        for (size_t i = 0; i < jobs[k]->rows.count; ++i) {
            chirp_row *row = chirp_rows_add(&r->rows);
            if (!row)
                return CHIRP_ERR_NOMEM;
            *row = jobs[k]->rows.item[i];
            jobs[k]->rows.item[i] = (chirp_row){0};
        }
        chirp_rows_clear(&jobs[k]->rows);
    }
    if (r->run.ranks.rank != 0 || r->rows.count == first)
        return CHIRP_OK;
    const chirp_status st = chirp_output_rows(&r->output, &r->rows, first);
    warn_about(&r->rows, first);
    return st;
}

/* The jobs that run together with jobs[i] and come later in the list; fills group. */
static size_t make_group(const runner *r, size_t i, bool *taken, chirp_job **group)
{
    const chirp_bench_flags *f = r->run.flags;
    size_t n = 0;
    for (size_t k = i; k < r->n_jobs; ++k) {
        const bool together = k == i || f->random_interleaving ||
                              (f->interleave_peers && chirp_same_case(r->jobs[i].instance->name,
                                                                      r->jobs[k].instance->name));
        if (taken[k] || !together)
            continue;
        taken[k] = true;
        group[n++] = &r->jobs[k];
    }
    return n;
}

static chirp_status run_groups(runner *r)
{
    bool *taken = chirp_calloc(r->n_jobs + 1, sizeof *taken);
    chirp_job **group = chirp_calloc(r->n_jobs + 1, sizeof(chirp_job *));
    chirp_status st = taken && group ? CHIRP_OK : CHIRP_ERR_NOMEM;
    int64_t done = 0;
    for (size_t i = 0; i < r->n_jobs && st == CHIRP_OK && !interrupted; ++i) {
        if (taken[i])
            continue;
        const size_t n = make_group(r, i, taken, group);
        const bool shuffle = r->run.flags->random_interleaving;
        chirp_progress_update(r->progress, done, group[0]->instance->name);
        st = r->isolate ? chirp_group_run_isolated(&r->run, group, n, shuffle)
                        : chirp_group_run(&r->run, group, n, shuffle, NULL);
        if (st == CHIRP_OK)
            st = collect(r, group, n);
        done += (int64_t)n;
        chirp_progress_update(r->progress, done, group[0]->instance->name);
    }
    chirp_free(taken);
    chirp_free(group);
    return st;
}

/* What rows of a thread count are compared with. */
typedef struct measured_roof {
    chirp_fma_peak peak;
    chirp_levels levels;
} measured_roof;

static chirp_status measure_roof(void *result, const void *arg)
{
    measured_roof *r = result;
    const int threads = *(const int *)arg;
    const chirp_status st = chirp_roofline_fma(threads, CHIRP_PEAK_BUDGET_S, &r->peak);
    return st == CHIRP_OK ? chirp_levels_get(threads, CHIRP_LEVEL_BUDGET_S, &r->levels) : st;
}

/* A sentence for the head of the file, and for who watches. */
static chirp_status warn(const runner *r, const char *text)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(r->context, "warnings");
    cJSON *item = cJSON_CreateString(text);
    if (!list || !item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the context");
    }
    if (strcmp(r->run.flags->format, "console") == 0 && r->run.ranks.rank == 0)
        (void)fprintf(stderr, "***WARNING*** %s\n", text);
    return CHIRP_OK;
}

static chirp_status warn_about_roof(const runner *r, const measured_roof *roof)
{
    chirp_level_doubt doubts[CHIRP_MAX_LEVEL_DOUBTS];
    char text[200];
    chirp_status st = CHIRP_OK;
    if (chirp_roofline_fma_doubt(&roof->peak, text, sizeof text))
        st = warn(r, text);
    const int n = chirp_levels_doubts(&roof->levels, doubts);
    for (int i = 0; i < n && st == CHIRP_OK; ++i)
        st = warn(r, doubts[i].text);
    return st;
}

static chirp_status add_peak(const runner *r, cJSON *peaks, const char *key, int threads)
{
    measured_roof found = {0};
    const chirp_status st = r->isolate
                                ? chirp_in_child(measure_roof, &found, sizeof found, &threads)
                                : measure_roof(&found, &threads);
    if (st == CHIRP_ERR_UNSUPPORTED)
        return CHIRP_OK; /* there is no such team: its rows say so */
    if (st != CHIRP_OK)
        return st;
    /* children inherit both, so that all rows refer to the same numbers */
    chirp_roofline_fma_set(&found.peak);
    chirp_levels_set(&found.levels);
    if (!chirp_json_add_real(peaks, key, found.peak.gflops))
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the context");
    if (strcmp(r->run.flags->format, "console") == 0 && r->run.ranks.rank == 0)
        (void)fprintf(stderr, "FMA peak, %d thread%s: %.1f GFLOP/s (%s)\n", threads,
                      threads > 1 ? "s" : "", found.peak.gflops, found.peak.name);
    return warn_about_roof(r, &found);
}

/* Peaks and levels of the thread counts in use, measured before the rows that are compared with them. */
static chirp_status measure_peaks(runner *r)
{
    if (r->run.flags->dry_run || r->run.flags->no_peak)
        return CHIRP_OK;
    cJSON *peaks = cJSON_AddObjectToObject(r->context, "fma_peak_GFLOPS");
    if (!peaks)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the context");
    for (size_t i = 0; i < r->n_jobs; ++i) {
        const int threads = r->jobs[i].instance->threads;
        char key[32];
        bool again = false;
        for (size_t k = 0; k < i && !again; ++k)
            again = r->jobs[k].instance->threads == threads;
        (void)snprintf(key, sizeof key, "threads:%d", threads);
        const chirp_status st = again ? CHIRP_OK : add_peak(r, peaks, key, threads);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

static size_t widest_name(const chirp_selection *selection, const chirp_bench_flags *flags)
{
    size_t width = 10;
    for (size_t i = 0; i < selection->count; ++i)
        if (strlen(selection->item[i].name) > width)
            width = strlen(selection->item[i].name);
    return width + (flags->repetitions > 1 || flags->target_precision > 0 ? strlen("_median") : 0);
}

static chirp_status open_run(runner *r, const char *executable, const chirp_selection *selection)
{
    const chirp_bench_flags *flags = r->run.flags;
    int threads = 1;
    for (size_t i = 0; i < selection->count; ++i)
        threads = selection->item[i].threads > threads ? selection->item[i].threads : threads;
    chirp_status st = chirp_context_create(executable, flags, threads, &r->context);
    if (st == CHIRP_OK && r->run.ranks.size > 1 &&
        !chirp_json_add_integer(r->context, "ranks", r->run.ranks.size))
        st = CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK && r->run.ranks.rank == 0)
        st = chirp_output_open(&r->output, flags, r->context, widest_name(selection, flags));
    if (st == CHIRP_OK) {
        r->jobs = chirp_calloc(selection->count, sizeof *r->jobs);
        st = r->jobs ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    for (size_t i = 0; i < selection->count && st == CHIRP_OK; ++i)
        r->jobs[i].instance = &selection->item[i];
    double worst =
        (double)st; /* a rank 0 that can't write its file must not leave the others waiting */
    const chirp_status agreed = chirp_run_max(&r->run, &worst);
    if (st == CHIRP_OK && agreed == CHIRP_OK && worst != 0)
        st = chirp_fail((chirp_status)worst, "rank 0 can't open its output");
    return st == CHIRP_OK ? agreed : st;
}

/* Whether every benchmark has a time. Else one line on stderr names the first that hasn't. */
static bool all_have_times(const runner *r)
{
    const chirp_row *first = NULL;
    size_t failed = 0;
    for (size_t i = 0; i < r->rows.count; ++i) {
        first = r->rows.item[i].error && !first ? &r->rows.item[i] : first;
        failed += r->rows.item[i].error != NULL;
    }
    if (first && r->run.ranks.rank == 0)
        (void)fprintf(stderr,
                      "chirpbench: bench: %zu of %zu benchmarks failed; the first is %s: %s\n",
                      failed, r->n_jobs, first->run_name, first->error);
    return failed == 0;
}

/* A filter may catch more than was meant: how many, and how long they take at least. */
static void announce(const chirp_bench_flags *flags, size_t n)
{
    enum { MANY = 20 };
    const double each = flags->iterations > 0 ? 0 : flags->min_time_s;
    /* finding the number of iterations takes about as long as a repetition */
    const double s = (double)n * each * (double)(flags->repetitions + 1);
    if (n < MANY || flags->dry_run || flags->simulate)
        return;
    (void)fprintf(stderr, "%zu benchmarks", n);
    if (s >= 60)
        (void)fprintf(stderr, ", %.0f minutes at least", s / 60);
    else if (s >= 1)
        (void)fprintf(stderr, ", %.0f s at least", s);
    (void)fprintf(stderr, "; --benchmark_list_tests lists them, --benchmark_filter picks\n");
}

/* Runs what was selected; rows and files are complete or say that they are partial. *good: no benchmark failed. */
static chirp_status run_selection(const char *executable, const chirp_bench_flags *flags,
                                  const chirp_selection *selection, bool *good)
{
    runner r = {
        .run = {.flags = flags, .ranks = *chirp_bench_current_ranks(), .interrupted = &interrupted},
        .n_jobs = selection->count};
    /* ranks hold connections that a child can't share */
    r.isolate = !flags->no_isolation && r.run.ranks.size <= 1;
    chirp_status st = open_run(&r, executable, selection);
    const bool root = r.run.ranks.rank == 0;
    if (root && flags->out && strcmp(flags->out_format, "json") == 0) {
        r.run.journal = journal;
        r.run.journal_state = &r;
    }
    if (st == CHIRP_OK) {
        if (root && strcmp(flags->format, "console") == 0)
            chirp_console_context(r.context);
        if (root && strcmp(flags->format, "console") == 0)
            announce(flags, r.n_jobs);
        st = measure_peaks(&r);
    }
    if (st == CHIRP_OK) {
        /* rows on a terminal are progress enough, unless they come all at the end */
        if (root && (flags->random_interleaving || strcmp(flags->format, "json") == 0))
            r.progress = chirp_progress_begin("bench", (int64_t)r.n_jobs);
        st = run_groups(&r);
        chirp_progress_end(r.progress);
    }
    if (st == CHIRP_OK && root)
        st = chirp_summary_add(r.jobs, r.n_jobs, &r.rows);
    if (st == CHIRP_OK && root && strcmp(flags->format, "console") == 0)
        chirp_summary_print(stdout, r.jobs, r.n_jobs, &r.rows);
    if (root && r.output.flags) {
        const chirp_status closed =
            chirp_output_close(&r.output, &r.rows, st == CHIRP_OK && !interrupted);
        st = st == CHIRP_OK ? closed : st;
    }
    if (st == CHIRP_OK && interrupted)
        st = chirp_fail(CHIRP_ERR_INTERRUPTED, "bench: interrupted; %zu rows were measured%s%s%s",
                        r.rows.count, flags->out ? ", in " : "", flags->out ? flags->out : "",
                        flags->out ? ".partial" : "");
    *good = st != CHIRP_OK || all_have_times(&r);
    for (size_t i = 0; r.jobs && i < r.n_jobs; ++i)
        chirp_job_clear(&r.jobs[i]);
    chirp_free(r.jobs);
    chirp_rows_clear(&r.rows);
    cJSON_Delete(r.context);
    return st;
}

/* Signals are caught while benchmarks run; a second one ends the program at once. */
static chirp_status run_guarded(const char *name, const chirp_bench_flags *flags,
                                const chirp_selection *selection, bool *good)
{
    char executable[4096];
    const bool known = chirp_program_path(executable, sizeof executable);
    chirp_signals before;
    interrupted = 0;
    chirp_stop_begin(&before, on_signal);
    const chirp_status st = run_selection(known ? executable : name, flags, selection, good);
    chirp_stop_end(&before);
    return st;
}

/* Names, one per line; or, with --benchmark_format=json, {"benchmarks": [{"name": ...}, ...]}. */
static chirp_status list_tests(const chirp_bench_flags *flags, const chirp_selection *selection)
{
    const bool json = strcmp(flags->format, "json") == 0;
    cJSON *root = json ? cJSON_CreateObject() : NULL;
    cJSON *list = root ? cJSON_AddArrayToObject(root, "benchmarks") : NULL;
    bool ok = !json || list;
    for (size_t i = 0; i < selection->count && ok; ++i) {
        const chirp_instance *instance = &selection->item[i];
        if (!json) {
            printf("%s\n", instance->name);
            continue;
        }
        cJSON *o = cJSON_CreateObject();
        ok = o && cJSON_AddItemToArray(list, o) && chirp_json_add_text(o, "name", instance->name) &&
             chirp_json_add_integer(o, "family_index", instance->family_index) &&
             chirp_json_add_integer(o, "per_family_instance_index", instance->instance_index) &&
             chirp_json_add_integer(o, "threads", instance->threads);
    }
    char *text = json && ok ? chirp_json_print(root) : NULL;
    ok &= !json || text;
    if (text)
        printf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(root);
    return ok ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "bench: no memory for the list");
}

static chirp_bench_own own;

void chirp_bench_use_own(const chirp_bench_own *options) { own = *options; }

/* What the suite runs with where no flag says otherwise. */
static void take_presets(const chirp_bench_suite *made, chirp_bench_flags *flags)
{
    if (made->repetitions > 0 && flags->repetitions == 1 && !flags->simulate)
        flags->repetitions = made->repetitions;
    if (made->min_time_s > 0 && !flags->min_time_given)
        flags->min_time_s = made->min_time_s;
    if (made->threads > 0 && !flags->threads_given) {
        flags->n_threads = 1;
        flags->threads[0] = made->threads;
    }
}

/* The suite that the program's own options ask for, in place of all others. */
static chirp_status use_own_suite(int n_wanted, chirp_bench_flags *flags, chirp_bench_suite *made,
                                  const chirp_bench_suite **suites, size_t *n_suites)
{
    const chirp_status st = own.make ? own.make(own.state, made) : CHIRP_OK;
    if (st != CHIRP_OK || !made->entries)
        return st;
    if (n_wanted > 0)
        return chirp_fail(CHIRP_ERR_ARG,
                          "bench: the benchmarks of %s are the only ones that run: "
                          "name no suite beside it",
                          made->name);
    take_presets(made, flags);
    *suites = made;
    *n_suites = 1;
    return CHIRP_OK;
}

/* Runs the selection, or, for a simulation that hasn't begun, this program once more inside. *code: its exit code */
static chirp_status run_or_simulate(const char *name, const chirp_bench_flags *flags,
                                    const chirp_selection *selection, int *code)
{
    bool good = true;
    if (flags->simulate && chirp_bench_current_ranks()->size > 1)
        return chirp_fail(CHIRP_ERR_UNSUPPORTED, "bench: --simulate works without ranks only");
    if (flags->simulate && !chirp_simulating())
        return chirp_simulation_launch(code);
    const chirp_status st = run_guarded(name, flags, selection, &good);
    *code = good ? 0 : 1;
    return st;
}

int chirp_bench_main(int argc, char **argv, const chirp_bench_suite *suites, size_t n_suites)
{
    chirp_bench_flags flags;
    chirp_selection selection = {0};
    int n_wanted = 0;
    int code = 0;
    const bool root = chirp_bench_current_ranks()->rank == 0;
    chirp_bench_suite made = {0};
    chirp_status st =
        chirp_bench_flags_parse(argc, argv, own.options, own.n_options, &flags, &n_wanted);
    if (st == CHIRP_ERR_INTERRUPTED) { /* --help */
        chirp_help_heading("Suites");
        for (size_t i = 0; i < n_suites; ++i)
            chirp_help_name(suites[i].name, suites[i].summary);
        return 0;
    }
    if (st == CHIRP_OK)
        st = use_own_suite(n_wanted, &flags, &made, &suites, &n_suites);
    if (st == CHIRP_OK)
        st = chirp_select(suites, n_suites, argv + argc - n_wanted, n_wanted, &flags, &selection);
    if (st == CHIRP_OK && selection.count == 0)
        st = chirp_fail(
            CHIRP_ERR_ARG,
            "bench: no benchmark matches --benchmark_filter=%s; see --benchmark_list_tests",
            flags.filter ? flags.filter : "");
    if (st == CHIRP_OK && flags.list_tests) {
        st = root ? list_tests(&flags, &selection) : CHIRP_OK;
    } else if (st == CHIRP_OK) {
        st = run_or_simulate(argv[0], &flags, &selection, &code);
    }
    chirp_selection_clear(&selection);
    if (st == CHIRP_OK)
        return code;
    if (root)
        (void)fprintf(stderr, "chirpbench: %s\n",
                      chirp_error_message()[0] ? chirp_error_message() : chirp_status_text(st));
    return st == CHIRP_ERR_INTERRUPTED ? 1 : 2; /* what was measured is kept */
}

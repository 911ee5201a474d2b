/*
 * The runner: check, calibrate, warm up, repeat, report. What makes one benchmark fail becomes its error row, and the
 * others go on.
 */
#include "harness/bench/bench_internal.h"

#include "harness/base/memory.h"
#include "harness/counters/counters.h"
#include "harness/json/json.h"
#include "harness/progress/progress.h"
#include "harness/roofline/roofline.h"
#include "harness/stats/stats.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <omp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const double PEAK_BUDGET_S = 0.25;
static const int64_t MOST_ITERATIONS = 1000000000000;

static volatile sig_atomic_t interrupted; /* a signal handler may do no more */

static void on_signal(int number) { interrupted = number; }

/* A selected benchmark on its way: what is known so far, and its rows until all repetitions are done. */
typedef struct job {
    const chirp_instance *instance;
    bool prepared, failed, done;
    int64_t iterations;
    double relative_error; /* negative: not checked */
    chirp_rows rows;
    chirp_events *events; /* NULL: none asked for */
} job;

typedef struct runner {
    const chirp_bench_flags *flags;
    cJSON *context;
    chirp_output output;
    chirp_rows rows;
    job *jobs;
    size_t n_jobs;
    chirp_progress *progress;
    int64_t repetitions_done;
} runner;

/* A new row of the job with everything but times. */
static chirp_row *start_row(const runner *r, job *j)
{
    chirp_row *row = chirp_rows_add(&j->rows);
    if (!row)
        return NULL;
    row->name = chirp_strdup(j->instance->name);
    row->run_name = chirp_strdup(j->instance->name);
    row->family_index = j->instance->family_index;
    row->instance_index = j->instance->instance_index;
    row->repetitions = r->flags->repetitions;
    row->repetition_index = (int64_t)j->rows.count - 1;
    row->threads = j->instance->threads;
    row->iterations = j->iterations;
    return row->name && row->run_name ? row : NULL;
}

static chirp_status add_error_row(const runner *r, job *j, const char *what)
{
    char sentence[640];
    (void)snprintf(sentence, sizeof sentence, "%s%s", what, chirp_error_message());
    chirp_row *row = start_row(r, j);
    if (!row)
        return CHIRP_ERR_NOMEM;
    row->error = chirp_strdup(sentence);
    j->failed = true;
    return row->error ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* The kernel against its reference: a wrong kernel has no time. False when the job now has an error row. */
static bool check(const runner *r, job *j, chirp_status *st)
{
    const chirp_bench_entry *entry = j->instance->entry;
    j->relative_error = -1;
    if (!entry->check || r->flags->no_check)
        return true;
    double error = NAN;
    (void)chirp_fail(CHIRP_OK, "%s", "");
    const chirp_status checked = entry->check(entry->arg, &error);
    if (checked != CHIRP_OK) {
        if (chirp_error_message()[0] == '\0')
            (void)chirp_fail(checked, "%s", chirp_status_text(checked));
        *st = add_error_row(r, j, "check: ");
        return false;
    }
    if (!(error <= r->flags->max_relative_error)) { /* so written that NaN fails */
        (void)chirp_fail(CHIRP_ERR_NUMERIC,
                         "relative error %.3g against the reference, at most %.3g is allowed",
                         error, r->flags->max_relative_error);
        *st = add_error_row(r, j, "check: ");
        return false;
    }
    j->relative_error = error;
    return true;
}

static double shown_value(const chirp_counter *c, double real_s)
{
    return c->rate ? (real_s > 0 ? c->value / real_s : (double)NAN) : c->value;
}

/* Events per iteration, what follows from them, and what is absent. */
static chirp_status add_events(const job *j, chirp_row *row, int64_t iterations)
{
    chirp_status st = CHIRP_OK;
    for (size_t i = 0; j->events && i < chirp_events_count(j->events) && st == CHIRP_OK; ++i) {
        const char *name = chirp_events_name(j->events, i);
        const char *reason = chirp_events_reason(j->events, i);
        if (reason)
            st = chirp_row_absent(row, name, reason);
        else
            st = chirp_counters_set(&row->counters, name,
                                    chirp_events_value(j->events, i) / (double)iterations, false);
    }
    if (st == CHIRP_OK && j->events && chirp_events_multiplexed(j->events))
        st = chirp_counters_set(&row->counters, "events_multiplexed", 1, false);
    return st == CHIRP_OK ? chirp_row_derive(row) : st;
}

/* Turns one measurement into an iteration row. */
static chirp_status add_row(const runner *r, job *j, struct chirp_bench *b)
{
    chirp_row *row = start_row(r, j);
    if (!row)
        return CHIRP_ERR_NOMEM;
    row->iterations = b->iterations;
    row->real_s = 1e-9 * (double)b->wall_ns / (double)b->iterations;
    row->cpu_s = 1e-9 * (double)b->cpu_ns / (double)b->iterations;
    row->label = b->label;
    b->label = NULL;
    chirp_status st = CHIRP_OK;
    for (size_t i = 0; i < b->counters.count && st == CHIRP_OK; ++i)
        st = chirp_counters_set(&row->counters, b->counters.item[i].name,
                                shown_value(&b->counters.item[i], row->real_s), false);
    if (st == CHIRP_OK && j->relative_error >= 0)
        st = chirp_counters_set(&row->counters, "relative_error", j->relative_error, false);
    if (st == CHIRP_OK)
        st = add_events(j, row, b->iterations);
    chirp_fma_peak peak;
    if (st == CHIRP_OK && b->flops_done >= 0 && !r->flags->dry_run) {
        st = chirp_roofline_fma(row->threads, PEAK_BUDGET_S, &peak);
        if (st == CHIRP_OK && row->real_s > 0)
            st = chirp_counters_set(&row->counters, "peak_fraction",
                                    1e-9 * b->flops_done / row->real_s / peak.gflops, false);
    }
    return st;
}

static void start_events(void *state) { chirp_events_start(state); }

static void stop_events(void *state) { chirp_events_stop(state); }

static chirp_status measure(job *j, int64_t iterations, struct chirp_bench *b)
{
    const chirp_bench_hook hook = {start_events, stop_events, j->events};
    omp_set_num_threads(
        j->instance->threads); /* what kernels take for "default": the runner is the program here */
    if (j->events)
        chirp_events_reset(j->events);
    return chirp_bench_measure(j->instance->entry, j->instance->threads, iterations,
                               j->events ? &hook : NULL, b);
}

/*
 * Finds the iteration count whose run lasts min_time: each try predicts the next from its own speed, 1.4 times over so
 * that one more try is rarely needed, and at most tenfold while the try was too short to predict from. The last try is
 * long enough by construction; it is not kept as a sample, for it came first and so was the coldest.
 */
static chirp_status calibrate(const runner *r, job *j)
{
    const double wanted = r->flags->min_time_s;
    int64_t n = 1;
    if (r->flags->dry_run || r->flags->iterations > 0) {
        j->iterations = r->flags->dry_run ? 1 : r->flags->iterations;
        return CHIRP_OK;
    }
    for (;;) {
        struct chirp_bench b;
        j->iterations = n;
        const chirp_status st = measure(j, n, &b);
        const double took = 1e-9 * (double)b.wall_ns;
        chirp_bench_clear(&b);
        if (st != CHIRP_OK)
            return st;
        if (r->flags->verbosity > 0)
            (void)fprintf(stderr, "%s: %lld iterations took %.6f s\n", j->instance->name,
                          (long long)n, took);
        if (interrupted || n >= MOST_ITERATIONS)
            return CHIRP_OK;
        double factor = took > 0 ? 1.4 * wanted / took : 10;
        if (took >= 0.1 * wanted) { /* long enough to predict from */
            const double next = ceil((double)n * wanted / took);
            j->iterations = next < 1 ? 1 : (int64_t)next;
            return CHIRP_OK;
        }
        factor = factor > 10 ? 10 : factor;
        const double next = ceil((double)n * factor);
        n = next > (double)MOST_ITERATIONS ? MOST_ITERATIONS
            : (int64_t)next > n            ? (int64_t)next
                                           : n + 1;
    }
}

static chirp_status warm_up(const runner *r, job *j)
{
    double spent = 0;
    while (spent < r->flags->min_warmup_s && !r->flags->dry_run && !interrupted) {
        struct chirp_bench b;
        const chirp_status st = measure(j, j->iterations, &b);
        spent += 1e-9 * (double)b.wall_ns + 1e-6; /* a body of nothing still ends */
        chirp_bench_clear(&b);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

/* One repetition of one job; the first also checks and calibrates. */
static chirp_status run_once(runner *r, job *j)
{
    chirp_status st = CHIRP_OK;
    if (!j->prepared) {
        j->prepared = true;
        if (!check(r, j, &st))
            return st;
        if (r->flags->perf_counters && *r->flags->perf_counters) {
            st = chirp_events_open(r->flags->perf_counters, j->instance->threads,
                                   r->flags->multiplex, &j->events);
            if (st != CHIRP_OK)
                return st;
        }
        if (calibrate(r, j) != CHIRP_OK || warm_up(r, j) != CHIRP_OK)
            return add_error_row(r, j, "");
    }
    if (interrupted)
        return CHIRP_OK;
    struct chirp_bench b;
    if (measure(j, j->iterations, &b) != CHIRP_OK)
        st = add_error_row(r, j, "");
    else
        st = add_row(r, j, &b);
    chirp_bench_clear(&b);
    ++r->repetitions_done;
    chirp_progress_update(r->progress, r->repetitions_done, j->instance->name);
    return st;
}

static int64_t wanted_repetitions(const runner *r)
{
    return r->flags->dry_run ? 1 : r->flags->repetitions;
}

/* Aggregates, hands the rows to the output, and keeps them for the document. */
static chirp_status finish_job(runner *r, job *j)
{
    const size_t first = r->rows.count;
    chirp_status st = chirp_rows_aggregate(&j->rows, 0, r->flags->confidence,
                                           chirp_time_scale(r->flags->time_unit));
    for (size_t i = 0; i < j->rows.count && st == CHIRP_OK; ++i) {
        chirp_row *row = chirp_rows_add(&r->rows);
        if (!row)
            return CHIRP_ERR_NOMEM;
        *row = j->rows.item[i];
        j->rows.item[i] = (chirp_row){0};
    }
    chirp_rows_clear(&j->rows);
    chirp_events_close(j->events);
    j->events = NULL;
    j->done = true;
    return st == CHIRP_OK ? chirp_output_rows(&r->output, &r->rows, first) : st;
}

static chirp_status run_in_order(runner *r)
{
    chirp_status st = CHIRP_OK;
    for (size_t i = 0; i < r->n_jobs && st == CHIRP_OK && !interrupted; ++i) {
        job *j = &r->jobs[i];
        for (int64_t k = 0;
             k < wanted_repetitions(r) && st == CHIRP_OK && !j->failed && !interrupted; ++k)
            st = run_once(r, j);
        if (st == CHIRP_OK && !interrupted)
            st = finish_job(r, j);
    }
    return st;
}

/* Every round runs each benchmark once, in a new random order: slow drifts of the machine spread over all of them. */
static chirp_status run_interleaved(runner *r)
{
    chirp_status st = CHIRP_OK;
    uint64_t state = 7;
    size_t *order = chirp_alloc((r->n_jobs + 1) * sizeof *order);
    if (!order)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < r->n_jobs; ++i)
        order[i] = i;
    for (int64_t k = 0; k < wanted_repetitions(r) && st == CHIRP_OK && !interrupted; ++k) {
        for (size_t i = r->n_jobs; i > 1; --i) {
            const size_t other = (size_t)(chirp_splitmix64(&state) % i);
            const size_t swap = order[i - 1];
            order[i - 1] = order[other];
            order[other] = swap;
        }
        for (size_t i = 0; i < r->n_jobs && st == CHIRP_OK && !interrupted; ++i)
            if (!r->jobs[order[i]].failed)
                st = run_once(r, &r->jobs[order[i]]);
    }
    for (size_t i = 0; i < r->n_jobs && st == CHIRP_OK && !interrupted; ++i)
        st = finish_job(r, &r->jobs[i]);
    chirp_free(order);
    return st;
}

/* Peaks of the thread counts in use, measured before the rows that are compared with them. */
static chirp_status measure_peaks(runner *r)
{
    if (r->flags->dry_run)
        return CHIRP_OK;
    cJSON *peaks = cJSON_AddObjectToObject(r->context, "fma_peak_GFLOPS");
    if (!peaks)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the context");
    for (size_t i = 0; i < r->n_jobs; ++i) {
        const int threads = r->jobs[i].instance->threads;
        char key[32];
        chirp_fma_peak peak;
        (void)snprintf(key, sizeof key, "threads:%d", threads);
        if (cJSON_GetObjectItemCaseSensitive(peaks, key))
            continue;
        const chirp_status st = chirp_roofline_fma(threads, PEAK_BUDGET_S, &peak);
        if (st != CHIRP_OK)
            return st;
        if (!chirp_json_add_real(peaks, key, peak.gflops))
            return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the context");
        if (strcmp(r->flags->format, "console") == 0)
            (void)fprintf(stderr, "FMA peak, %d thread%s: %.1f GFLOP/s (%s)\n", threads,
                          threads > 1 ? "s" : "", peak.gflops, peak.name);
    }
    return CHIRP_OK;
}

static void list_names(const chirp_selection *selection)
{
    for (size_t i = 0; i < selection->count; ++i)
        printf("%s\n", selection->item[i].name);
}

static size_t widest_name(const chirp_selection *selection, const chirp_bench_flags *flags)
{
    size_t width = 10;
    for (size_t i = 0; i < selection->count; ++i)
        if (strlen(selection->item[i].name) > width)
            width = strlen(selection->item[i].name);
    return width + (flags->repetitions > 1 ? strlen("_median") : 0);
}

/* Runs what was selected; rows and files are complete or say that they are partial. */
static chirp_status run_selection(const char *executable, const chirp_bench_flags *flags,
                                  const chirp_selection *selection)
{
    runner r = {.flags = flags, .n_jobs = selection->count};
    chirp_status st = chirp_context_create(executable, flags, &r.context);
    if (st != CHIRP_OK)
        return st;
    st = chirp_output_open(&r.output, flags, r.context, widest_name(selection, flags));
    r.jobs = st == CHIRP_OK ? chirp_calloc(selection->count, sizeof *r.jobs) : NULL;
    if (st == CHIRP_OK && !r.jobs)
        st = CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        for (size_t i = 0; i < r.n_jobs; ++i)
            r.jobs[i].instance = &selection->item[i];
        if (strcmp(flags->format, "console") == 0)
            chirp_console_context(r.context);
        st = measure_peaks(&r);
    }
    if (st == CHIRP_OK) {
        /* rows on a terminal are progress enough, unless they come all at the end */
        if (flags->random_interleaving || strcmp(flags->format, "json") == 0)
            r.progress = chirp_progress_begin("bench", (int64_t)r.n_jobs * wanted_repetitions(&r));
        st = flags->random_interleaving ? run_interleaved(&r) : run_in_order(&r);
        chirp_progress_end(r.progress);
        if (st == CHIRP_OK && interrupted)
            for (size_t i = 0; i < r.n_jobs && st == CHIRP_OK; ++i)
                if (!r.jobs[i].done && r.jobs[i].rows.count > 0)
                    st = finish_job(&r, &r.jobs[i]);
        const chirp_status closed =
            chirp_output_close(&r.output, &r.rows, st == CHIRP_OK && !interrupted);
        st = st == CHIRP_OK ? closed : st;
    }
    if (st == CHIRP_OK && interrupted)
        st = chirp_fail(CHIRP_ERR_INTERRUPTED, "bench: interrupted; %zu rows were measured%s%s%s",
                        r.rows.count, flags->out ? ", in " : "", flags->out ? flags->out : "",
                        flags->out ? ".partial" : "");
    for (size_t i = 0; r.jobs && i < r.n_jobs; ++i) {
        chirp_rows_clear(&r.jobs[i].rows);
        chirp_events_close(r.jobs[i].events);
    }
    chirp_free(r.jobs);
    chirp_free(r.output.partial_path);
    chirp_rows_clear(&r.rows);
    cJSON_Delete(r.context);
    return st;
}

int chirp_bench_main(int argc, char **argv, const chirp_bench_suite *suites, size_t n_suites)
{
    chirp_bench_flags flags;
    chirp_selection selection = {0};
    int n_wanted = 0;
    chirp_status st = chirp_bench_flags_parse(argc, argv, &flags, &n_wanted);
    if (st == CHIRP_ERR_INTERRUPTED) { /* --help */
        printf("\nSuites:\n");
        for (size_t i = 0; i < n_suites; ++i)
            printf("  %-14s %s\n", suites[i].name, suites[i].summary);
        return 0;
    }
    if (st == CHIRP_OK)
        st = chirp_select(suites, n_suites, argv + argc - n_wanted, n_wanted, &flags, &selection);
    if (st == CHIRP_OK && selection.count == 0)
        st = chirp_fail(
            CHIRP_ERR_ARG,
            "bench: no benchmark matches --benchmark_filter=%s; see --benchmark_list_tests",
            flags.filter ? flags.filter : "");
    if (st == CHIRP_OK && flags.list_tests) {
        list_names(&selection);
    } else if (st == CHIRP_OK) {
        char executable[4096];
        const ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
        executable[length > 0 ? length : 0] = '\0';
        struct sigaction action = {.sa_handler = on_signal,
                                   .sa_flags =
                                       (int)SA_RESETHAND}; /* a second signal ends at once */
        struct sigaction before[2];
        interrupted = 0;
        (void)sigaction(SIGINT, &action, &before[0]);
        (void)sigaction(SIGTERM, &action, &before[1]);
        st = run_selection(length > 0 ? executable : argv[0], &flags, &selection);
        (void)sigaction(SIGINT, &before[0], NULL);
        (void)sigaction(SIGTERM, &before[1], NULL);
    }
    chirp_selection_clear(&selection);
    if (st == CHIRP_OK)
        return 0;
    (void)fprintf(stderr, "chirpbench: %s\n",
                  chirp_error_message()[0] ? chirp_error_message() : chirp_status_text(st));
    return 2;
}

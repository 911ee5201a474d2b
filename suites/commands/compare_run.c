#include "suites/commands/compare_run.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/process.h"
#include "harness/base/scratch.h"
#include "harness/base/signals.h"
#include "harness/base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *word(const char *text) { return (char *)(uintptr_t)text; } /* exec wants it so */

/* Starts the program and waits. *code: its exit code. */
static chirp_status run_bench(char *const *argv, int *code)
{
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const chirp_command_line line = {.argv = argv, .in = -1, .out = null, .err = STDERR_FILENO};
    chirp_process child;
    if (null < 0)
        return chirp_fail(CHIRP_ERR_IO, "compare: can't open /dev/null");
    (void)fflush(NULL);
    const chirp_status st = chirp_process_start(&line, &child);
    if (st == CHIRP_OK)
        *code = chirp_process_exit_code(chirp_process_wait(&child));
    (void)close(null);
    return st;
}

static bool is_empty(const char *path)
{
    struct stat about;
    return stat(path, &about) != 0 || about.st_size == 0;
}

/* One run of one side into a new file, which is added to the side's list. filter: NULL, or the rows to run. */
static chirp_status run_side(const chirp_pair *p, int side, const char *filter,
                             chirp_pair_outcome *o)
{
    char *file = NULL, *out = NULL;
    int code = 0;
    char **argv = chirp_calloc((size_t)p->n_bench + 9, sizeof *argv);
    chirp_status st = argv ? chirp_scratch_path(".json", &file) : CHIRP_ERR_NOMEM;
    if (st != CHIRP_OK) {
        chirp_free(argv);
        return st;
    }
    char *list = o->paths[side] ? chirp_format("%s,%s", o->paths[side], file) : chirp_strdup(file);
    out = chirp_format("--benchmark_out=%s", file);
    char *only = filter ? chirp_format("--benchmark_filter=%s", filter) : NULL;
    int n = 0;
    argv[n++] = word(p->program[side]);
    argv[n++] = word("bench");
    argv[n++] = word("--no-peak"); /* a verdict needs times alone */
    argv[n++] = word("--benchmark_repetitions=4");
    argv[n++] = word("--benchmark_min_time=0.05s");
    for (int i = 0; i < p->n_bench; ++i)
        argv[n++] = p->bench[i];
    argv[n++] = word("--benchmark_format=json");
    argv[n++] = out;
    argv[n++] = only;
    if (list && out && (only || !filter))
        st = run_bench(argv, &code);
    else
        st = CHIRP_ERR_NOMEM;
    if (list) { /* also of a run that failed: it is removed with the others */
        chirp_free(o->paths[side]);
        o->paths[side] = list;
    }
    if (st == CHIRP_OK && chirp_stop_signal())
        st = chirp_fail(CHIRP_ERR_INTERRUPTED, "compare: interrupted in round %d", o->rounds + 1);
    else if (st == CHIRP_OK && (code > 1 || is_empty(file)))
        st = chirp_fail(CHIRP_ERR_ARG, "compare: --run: %s bench gave no results: exit code %d",
                        p->program[side], code);
    chirp_free(argv);
    chirp_free(file);
    chirp_free(out);
    chirp_free(only);
    return st;
}

/* "^(a|b)$" for the rows without a verdict, which it counts. */
static chirp_status list_undecided(const chirp_compare_result *r, char **filter, size_t *count)
{
    chirp_text t = {0};
    *count = 0;
    for (size_t i = 0; i < r->count; ++i) {
        if (r->item[i].verdict != CHIRP_INCONCLUSIVE || r->item[i].base_failed)
            continue;
        chirp_text_append(&t, (*count)++ ? "|" : "^(");
        for (const char *c = r->item[i].name; *c; ++c)
            chirp_text_appendf(&t, strchr("\\^$.|?*+()[]{}", *c) ? "\\%c" : "%c", *c);
    }
    chirp_text_append(&t, ")$");
    chirp_free(*filter);
    *filter = t.bytes;
    return t.failed ? CHIRP_ERR_NOMEM : CHIRP_OK;
}

/* Judges what there is. *exact: counts, of which a further round would be the same. */
static chirp_status look(const chirp_pair *p, double confidence, chirp_pair_outcome *o,
                         char **filter, bool *exact)
{
    chirp_results base = {0}, fresh = {0};
    chirp_compare_result r = {0};
    chirp_compare_options options = p->options;
    options.confidence = confidence;
    chirp_status st = chirp_results_read(o->paths[0], &base);
    if (st == CHIRP_OK)
        st = chirp_results_read(o->paths[1], &fresh);
    if (st == CHIRP_OK)
        st = chirp_same_machine(&base, &fresh, p->allow);
    *exact = base.counted;
    if (base.counted)
        options.threshold = p->threshold_of_counts;
    if (st == CHIRP_OK)
        st = chirp_compare(&base, &fresh, &options, &r);
    if (st == CHIRP_OK)
        st = list_undecided(&r, filter, &o->undecided);
    if (st == CHIRP_OK && isatty(STDERR_FILENO))
        (void)fprintf(stderr, "compare: round %d: %zu of %zu benchmarks without a verdict\n",
                      o->rounds, o->undecided, r.count);
    o->confidence = confidence;
    chirp_compare_clear(&r);
    chirp_results_clear(&base);
    chirp_results_clear(&fresh);
    return st;
}

static chirp_status run_rounds(const chirp_pair *p, chirp_pair_outcome *o)
{
    const double alpha = 1 - p->options.confidence;
    const double began = chirp_now_s();
    char *filter = NULL;
    chirp_status st = CHIRP_OK;
    double round_s = 0;
    bool exact = false;
    for (int looks = 0, next = 1; st == CHIRP_OK;) {
        const double round_began = chirp_now_s();
        for (int k = 0; k < 2 && st == CHIRP_OK; ++k)
            st = run_side(p, (o->rounds + k) % 2, looks > 0 ? filter : NULL, o);
        o->rounds += st == CHIRP_OK;
        o->took_s = chirp_now_s() - began;
        round_s = chirp_now_s() - round_began;
        const bool last = o->took_s + round_s > p->budget_s || o->rounds == p->most_rounds;
        if (st == CHIRP_OK && (last || o->rounds == next)) {
            ++looks;
            next = 2 * o->rounds;
            st = look(p, 1 - alpha / (looks * (looks + 1)), o, &filter, &exact);
        }
        if (last || exact || (looks > 0 && o->undecided == 0))
            break;
    }
    chirp_free(filter);
    return st;
}

chirp_status chirp_pair_run(const chirp_pair *p, chirp_pair_outcome *o)
{
    chirp_signals before;
    chirp_stop_begin(&before, NULL);
    const chirp_status st = run_rounds(p, o);
    chirp_stop_end(&before);
    return st;
}

void chirp_pair_clear(chirp_pair_outcome *o)
{
    for (int side = 0; side < 2; ++side) {
        for (char *at = o->paths[side]; at;) {
            char *comma = strchr(at, ',');
            if (comma)
                *comma = '\0';
            (void)unlink(at);
            at = comma ? comma + 1 : NULL;
        }
        chirp_free(o->paths[side]);
    }
    *o = (chirp_pair_outcome){0};
}

#include "harness/bench/flags.h"

#include "harness/base/options.h"
#include "harness/base/text.h"
#include "harness/machine/team.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_FLAGS = 30 };

/* Values that are more than one number or word, before they are taken apart. */
typedef struct flag_words {
    const char *min_time, *threads;
} flag_words;

#define OURS .group = "Not of Google Benchmark"

static void list_flags(chirp_bench_flags *f, flag_words *words, chirp_option *list)
{
    const chirp_option all[N_FLAGS] = {
        {"benchmark_list_tests", CHIRP_OPTION_FLAG, &f->list_tests,
         .help = "names only, one per line or as JSON (--benchmark_format)"},
        {"benchmark_filter", CHIRP_OPTION_PATTERN, &f->filter, .metavar = "REGEX",
         .help = "run what the extended regular expression finds; a leading - negates"},
        {"benchmark_min_time", CHIRP_OPTION_STRING, &words->min_time, .metavar = "Ts|Nx",
         .help = "least time of a repetition in seconds, or a fixed count of iterations"},
        {"benchmark_min_warmup_time", CHIRP_OPTION_REAL, &f->min_warmup_s, .metavar = "S",
         .max = 3600, .help = "seconds of untimed iterations first"},
        {"benchmark_repetitions", CHIRP_OPTION_INT, &f->repetitions, .metavar = "N", .min = 1,
         .max = 100000, .help = "timed repetitions"},
        {"benchmark_dry_run", CHIRP_OPTION_FLAG, &f->dry_run,
         .help = "one iteration, one repetition: does everything run?"},
        {"benchmark_enable_random_interleaving", CHIRP_OPTION_FLAG, &f->random_interleaving,
         .help = "shuffle repetitions across benchmarks"},
        {"benchmark_report_aggregates_only", CHIRP_OPTION_FLAG, &f->report_aggregates_only,
         .help = "drop the rows of single repetitions"},
        {"benchmark_display_aggregates_only", CHIRP_OPTION_FLAG, &f->display_aggregates_only,
         .help = "drop them on the console only"},
        {"benchmark_format", CHIRP_OPTION_CHOICE, &f->format, .choices = "console|json|csv",
         .help = "what goes to stdout"},
        {"benchmark_out", CHIRP_OPTION_PATTERN, &f->out, .metavar = "FILE",
         .file = CHIRP_FILE_WRITTEN, .help = "also write a result file"},
        {"benchmark_out_format", CHIRP_OPTION_CHOICE, &f->out_format, .choices = "json|console|csv",
         .help = "its format"},
        {"benchmark_color", CHIRP_OPTION_CHOICE, &f->color, .choices = "auto|true|false",
         .help = "colours on the console"},
        {"benchmark_counters_tabular", CHIRP_OPTION_FLAG, &f->counters_tabular,
         .help = "counters as columns on the console"},
        {"benchmark_perf_counters", CHIRP_OPTION_PATTERN, &f->perf_counters, .metavar = "A,B",
         .help = "auto, or PAPI presets, native and software events; per iteration"},
        {"benchmark_context", CHIRP_OPTION_PATTERN, &f->context, .metavar = "K=V,...",
         .help = "more lines for the context"},
        {"benchmark_time_unit", CHIRP_OPTION_CHOICE, &f->time_unit, .choices = "ns|us|ms|s",
         .help = "unit of times"},
        {"v", CHIRP_OPTION_INT, &f->verbosity, .metavar = "N", .max = 9, OURS,
         .help = "say more about calibration"},
        {"threads", CHIRP_OPTION_STRING, &words->threads, .metavar = "N,...", OURS,
         .help = "OpenMP thread counts to run with"},
        {"multiplex", CHIRP_OPTION_FLAG, &f->multiplex, OURS,
         .help = "let hardware counters be time-shared when there are too few"},
        {"target-precision", CHIRP_OPTION_REAL, &f->target_precision, .metavar = "P", .max = 1,
         OURS, .help = "repeat until the median's interval is within +-P of it (0.01: 1 %)"},
        {"time-budget", CHIRP_OPTION_REAL, &f->time_budget_s, .metavar = "S", .min = 0.001,
         .max = 1e6, OURS, .help = "seconds per benchmark at which that ends anyway"},
        {"interleave-peers", CHIRP_OPTION_FLAG, &f->interleave_peers, OURS,
         .help = "take turns between the algorithms of one case, and give ratio rows"},
        {"cold-cache", CHIRP_OPTION_FLAG, &f->cold_cache, OURS,
         .help = "evict caches before every iteration"},
        {"simulate", CHIRP_OPTION_FLAG, &f->simulate, OURS,
         .help = "count instructions, branch and cache misses in valgrind instead of timing: "
                 "repeatable on a busy machine; one thread, one repetition, AVX2 at most"},
        {"no-isolation", CHIRP_OPTION_FLAG, &f->no_isolation, OURS,
         .help = "run in one process (debuggers, profilers); a crash then ends the run"},
        {"no-peak", CHIRP_OPTION_FLAG, &f->no_peak, OURS,
         .help = "don't measure the FMA peak first; rows have no peak_fraction then"},
        {"no-check", CHIRP_OPTION_FLAG, &f->no_check, OURS,
         .help = "don't compare with the reference before timing"},
        {"max-relative-error", CHIRP_OPTION_REAL, &f->max_relative_error, .metavar = "E", .max = 1,
         OURS, .help = "a check beyond it gives an error row"},
        {"confidence", CHIRP_OPTION_REAL, &f->confidence, .metavar = "P", .min = 0.5, .max = 0.9999,
         OURS, .help = "of the interval of the median"},
    };
    memcpy(list, all, sizeof all);
}

/* "0.5", "0.5s" or "100x" */
static chirp_status read_min_time(const char *shown, const char *text, chirp_bench_flags *flags)
{
    char number[64];
    const size_t length = strlen(text);
    const char last = length ? text[length - 1] : '\0';
    const bool suffix = last == 's' || last == 'x';
    if (length == 0 || length >= sizeof number)
        return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is neither seconds (0.5s) nor iterations (100x)",
                          shown, text);
    (void)snprintf(number, sizeof number, "%.*s", (int)(length - suffix), text);
    double value = 0;
    /* 0s: one iteration, as Google Benchmark has it */
    if (chirp_parse_real(shown, number, &value) != CHIRP_OK ||
        !(value > 0 || (value == 0 && last != 'x')))
        return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is neither seconds (0.5s) nor iterations (100x)",
                          shown, text);
    if (last == 'x') {
        if (value != floor(value) || value > 1e12)
            return chirp_fail(CHIRP_ERR_ARG,
                              "%s: '%s' is not a whole number of iterations up to 1e12", shown,
                              text);
        flags->iterations = (int64_t)value;
    } else {
        if (value > 86400)
            return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is more than a day", shown, text);
        flags->min_time_s = value;
        flags->iterations = 0;
    }
    flags->min_time_given = true;
    return CHIRP_OK;
}

static chirp_status read_threads(const char *shown, const char *text, chirp_bench_flags *flags)
{
    flags->n_threads = 0;
    flags->threads_given = true;
    for (const char *at = text; at;) {
        int64_t n = 0;
        if (!chirp_next_integer(&at, 1, CHIRP_MOST_THREADS, &n))
            return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is not a list of thread counts like 1,2,4",
                              shown, text);
        if (flags->n_threads == CHIRP_MAX_THREAD_COUNTS)
            return chirp_fail(CHIRP_ERR_ARG, "%s: more than %d thread counts", shown,
                              CHIRP_MAX_THREAD_COUNTS);
        flags->threads[flags->n_threads++] = (int)n;
    }
    return CHIRP_OK;
}

/* What a simulation can't do is refused; one thread is what it runs. */
static chirp_status check_simulation(chirp_bench_flags *f)
{
    const char *other = f->cold_cache                           ? "cold-cache"
                        : f->perf_counters && *f->perf_counters ? "benchmark_perf_counters"
                        : f->target_precision > 0               ? "target-precision"
                        : f->interleave_peers                   ? "interleave-peers"
                        : f->n_threads > 1 || f->threads[0] > 1 ? "threads"
                                                                : NULL;
    if (other)
        return chirp_fail(CHIRP_ERR_ARG,
                          "bench: --simulate counts warm code on one thread: --%s "
                          "can't be given beside it",
                          other);
    f->no_peak = true;
    f->repetitions = 1; /* further ones would only show how the allocator moves arrays */
    f->threads[0] = f->n_threads = 1;
    f->iterations = f->iterations > 0 ? f->iterations : 1;
    return CHIRP_OK;
}

/* BENCHMARK_NAME in the environment is --benchmark_name. Our own flags have no twin: THREADS could mean anything. */
static chirp_status read_environment(const chirp_option *list)
{
    for (size_t i = 0; i < N_FLAGS; ++i) {
        char name[64];
        size_t k = 0;
        if (strncmp(list[i].name, "benchmark_", 10) != 0)
            continue;
        for (; list[i].name[k]; ++k)
            name[k] = (char)toupper((unsigned char)list[i].name[k]);
        name[k] = '\0';
        const char *text = getenv(name);
        if (!text || (!*text && list[i].kind != CHIRP_OPTION_PATTERN))
            continue;
        const chirp_status st = chirp_option_read(&list[i], name, text, list[i].value);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

/* Same name, with - and _ alike. */
static bool same_name(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; ++i)
        if (a[i] != b[i] && !(a[i] == '-' && b[i] == '_') && !(a[i] == '_' && b[i] == '-'))
            return false;
    return b[length] == '\0';
}

/* Spells the flags of a command line as the table does: --benchmark-filter is --benchmark_filter. */
static void spell(const chirp_option *list, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; ++i) {
        if (strncmp(argv[i], "--", 2) != 0)
            continue;
        char *word = argv[i] + 2;
        const size_t length = strcspn(word, "=");
        for (size_t k = 0; k < N_FLAGS; ++k)
            if (strlen(list[k].name) == length && same_name(word, list[k].name, length) &&
                strncmp(word, list[k].name, length) != 0)
                memcpy(word, list[k].name, length);
    }
}

chirp_status chirp_bench_flags_parse(int argc, char **argv, const chirp_option *own, size_t n_own,
                                     chirp_bench_flags *flags, int *n_rest)
{
    chirp_option list[N_FLAGS + CHIRP_MAX_OWN_OPTIONS];
    if (n_own > CHIRP_MAX_OWN_OPTIONS)
        return chirp_fail(CHIRP_ERR_ARG, "bench: more than %d options of the program's own",
                          CHIRP_MAX_OWN_OPTIONS);
    flag_words words = {NULL, NULL};
    const chirp_usage usage = {
        "bench", "[SUITE...]",
        "Times kernels and layers, each checked against its reference first; results in Google "
        "Benchmark's JSON.\n"
        "Options are Google Benchmark's; every --benchmark_NAME may also be set as BENCHMARK_NAME "
        "in "
        "the environment.",
        list, N_FLAGS + n_own};
    *flags = (chirp_bench_flags){.min_time_s = 0.5,
                                 .repetitions = 1,
                                 .format = "console",
                                 .out_format = "json",
                                 .color = "auto",
                                 .max_relative_error = 1e-3,
                                 .confidence = 0.95,
                                 .time_budget_s = 60};
    list_flags(flags, &words, list);
    for (size_t i = 0; i < n_own; ++i)
        list[N_FLAGS + i] = own[i];
    chirp_status st = read_environment(list);
    if (st == CHIRP_OK && words.min_time)
        st = read_min_time("BENCHMARK_MIN_TIME", words.min_time, flags);
    words.min_time = NULL;
    spell(list, argc, argv);
    if (st == CHIRP_OK)
        st = chirp_options_parse(&usage, argc, argv, n_rest);
    if (st == CHIRP_OK && words.min_time)
        st = read_min_time("bench: --benchmark_min_time", words.min_time, flags);
    if (st == CHIRP_OK && words.threads)
        st = read_threads("bench: --threads", words.threads, flags);
    flags->time_unit_given = flags->time_unit != NULL;
    if (!flags->time_unit)
        flags->time_unit = "ns";
    if (st == CHIRP_OK && flags->simulate)
        st = check_simulation(flags);
    if (st == CHIRP_OK && flags->n_threads == 0) {
        flags->n_threads = 1;
        st = chirp_team_default(&flags->threads[0]);
    }
    return st;
}

#include "harness/bench/flags.h"

#include "harness/base/options.h"
#include "harness/base/text.h"
#include "harness/machine/team.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum flag_kind {
    FLAG_BOOL,
    FLAG_TEXT,
    FLAG_CHOICE,
    FLAG_INT,
    FLAG_REAL,
    FLAG_MIN_TIME,
    FLAG_THREADS
} flag_kind;

typedef struct flag {
    const char *name;
    flag_kind kind;
    size_t offset; /* in chirp_bench_flags */
    double min, max;
    const char *values; /* choices, or the metavariable */
    const char *help;
} flag;

#define AT(field) offsetof(chirp_bench_flags, field)

static const flag flag_table[] = {
    {"benchmark_list_tests", FLAG_BOOL, AT(list_tests), 0, 0, NULL,
     "names only, one per line or as JSON (--benchmark_format)"},
    {"benchmark_filter", FLAG_TEXT, AT(filter), 0, 0, "REGEX",
     "run what the extended regular expression finds; a leading - negates"},
    {"benchmark_min_time", FLAG_MIN_TIME, 0, 0, 0, "Ts|Nx",
     "least time of a repetition in seconds, or a fixed count of iterations"},
    {"benchmark_min_warmup_time", FLAG_REAL, AT(min_warmup_s), 0, 3600, "S",
     "seconds of untimed iterations first"},
    {"benchmark_repetitions", FLAG_INT, AT(repetitions), 1, 100000, "N", "timed repetitions"},
    {"benchmark_dry_run", FLAG_BOOL, AT(dry_run), 0, 0, NULL,
     "one iteration, one repetition: does everything run?"},
    {"benchmark_enable_random_interleaving", FLAG_BOOL, AT(random_interleaving), 0, 0, NULL,
     "shuffle repetitions across benchmarks"},
    {"benchmark_report_aggregates_only", FLAG_BOOL, AT(report_aggregates_only), 0, 0, NULL,
     "drop the rows of single repetitions"},
    {"benchmark_display_aggregates_only", FLAG_BOOL, AT(display_aggregates_only), 0, 0, NULL,
     "drop them on the console only"},
    {"benchmark_format", FLAG_CHOICE, AT(format), 0, 0, "console|json|csv", "what goes to stdout"},
    {"benchmark_out", FLAG_TEXT, AT(out), 0, 0, "FILE", "also write a result file"},
    {"benchmark_out_format", FLAG_CHOICE, AT(out_format), 0, 0, "json|console|csv", "its format"},
    {"benchmark_color", FLAG_CHOICE, AT(color), 0, 0, "auto|true|false", "colours on the console"},
    {"benchmark_counters_tabular", FLAG_BOOL, AT(counters_tabular), 0, 0, NULL,
     "counters as columns on the console"},
    {"benchmark_perf_counters", FLAG_TEXT, AT(perf_counters), 0, 0, "A,B",
     "auto, or PAPI presets, native and software events; per iteration"},
    {"benchmark_context", FLAG_TEXT, AT(context), 0, 0, "K=V,...", "more lines for the context"},
    {"benchmark_time_unit", FLAG_CHOICE, AT(time_unit), 0, 0, "ns|us|ms|s", "unit of times"},
    {"v", FLAG_INT, AT(verbosity), 0, 9, "N", "say more about calibration"},
    {"threads", FLAG_THREADS, 0, 0, 0, "N,...", "OpenMP thread counts to run with"},
    {"multiplex", FLAG_BOOL, AT(multiplex), 0, 0, NULL,
     "let hardware counters be time-shared when there are too few"},
    {"target-precision", FLAG_REAL, AT(target_precision), 0, 1, "P",
     "repeat until the median's interval is within +-P of it (0.01: 1 %)"},
    {"time-budget", FLAG_REAL, AT(time_budget_s), 0.001, 1e6, "S",
     "seconds per benchmark at which that ends anyway"},
    {"interleave-peers", FLAG_BOOL, AT(interleave_peers), 0, 0, NULL,
     "take turns between the algorithms of one case, and give ratio rows"},
    {"cold-cache", FLAG_BOOL, AT(cold_cache), 0, 0, NULL, "evict caches before every iteration"},
    {"no-isolation", FLAG_BOOL, AT(no_isolation), 0, 0, NULL,
     "run in one process (debuggers, profilers); a crash then ends the run"},
    {"no-peak", FLAG_BOOL, AT(no_peak), 0, 0, NULL,
     "don't measure the FMA peak first; rows have no peak_fraction then"},
    {"no-check", FLAG_BOOL, AT(no_check), 0, 0, NULL,
     "don't compare with the reference before timing"},
    {"max-relative-error", FLAG_REAL, AT(max_relative_error), 0, 1, "E",
     "a check beyond it gives an error row"},
    {"confidence", FLAG_REAL, AT(confidence), 0.5, 0.9999, "P", "of the interval of the median"},
};

enum { N_FLAGS = sizeof flag_table / sizeof flag_table[0] };

static bool choice_index(const char *choices, const char *text)
{
    const size_t length = strlen(text);
    while (length && *choices) {
        const size_t span = strcspn(choices, "|");
        if (span == length && strncmp(choices, text, span) == 0)
            return true;
        choices += span + (choices[span] == '|');
    }
    return false;
}

static bool read_bool(const char *text, bool *value)
{
    static const char *const yes[] = {"1", "true", "yes", "on", "t", "y"};
    static const char *const no[] = {"0", "false", "no", "off", "f", "n"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; ++i) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *value = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
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
    return CHIRP_OK;
}

static chirp_status read_threads(const char *shown, const char *text, chirp_bench_flags *flags)
{
    flags->n_threads = 0;
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

static chirp_status store(const flag *f, const char *shown, const char *text,
                          chirp_bench_flags *flags)
{
    void *at = (char *)flags + f->offset;
    double number = 0;
    chirp_status st;
    switch (f->kind) {
    case FLAG_BOOL:
        if (!read_bool(text, at))
            return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is neither true nor false", shown, text);
        return CHIRP_OK;
    case FLAG_TEXT:
        *(const char **)at = text;
        return CHIRP_OK;
    case FLAG_CHOICE:
        if (!choice_index(f->values, text))
            return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is none of %s", shown, text, f->values);
        *(const char **)at = text;
        flags->time_unit_given |= f->offset == AT(time_unit);
        return CHIRP_OK;
    case FLAG_MIN_TIME:
        return read_min_time(shown, text, flags);
    case FLAG_THREADS:
        return read_threads(shown, text, flags);
    case FLAG_INT:
    case FLAG_REAL:
        break;
    }
    st = chirp_parse_real(shown, text, &number);
    if (st != CHIRP_OK)
        return st;
    if (!(number >= f->min && number <= f->max))
        return chirp_fail(CHIRP_ERR_ARG, "%s: %s is outside %g to %g", shown, text, f->min, f->max);
    if (f->kind == FLAG_REAL) {
        *(double *)at = number;
        return CHIRP_OK;
    }
    if (number != floor(number))
        return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is not a whole number", shown, text);
    *(int64_t *)at = (int64_t)number;
    return CHIRP_OK;
}

static chirp_status read_environment(chirp_bench_flags *flags)
{
    for (size_t i = 0; i < N_FLAGS; ++i) {
        char name[64];
        size_t k = 0;
        if (strncmp(flag_table[i].name, "benchmark_", 10) != 0)
            continue; /* our own flags have no twin: a variable named THREADS could mean anything */
        for (; flag_table[i].name[k]; ++k)
            name[k] = (char)toupper((unsigned char)flag_table[i].name[k]);
        name[k] = '\0';
        const char *text = getenv(name);
        if (!text || (!*text && flag_table[i].kind != FLAG_TEXT))
            continue;
        const chirp_status st = store(&flag_table[i], name, text, flags);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

static void print_help(void)
{
    printf("Usage: chirpbench bench [SUITE...] [flags]\n\n"
           "Times kernels and layers, each checked against its reference first; results in Google "
           "Benchmark's JSON.\n"
           "Flags are Google Benchmark's; every --benchmark_NAME may also be set as BENCHMARK_NAME "
           "in the environment.\n\n"
           "Flags:\n");
    for (size_t i = 0; i < N_FLAGS; ++i) {
        const flag *f = &flag_table[i];
        const int used =
            printf("  --%s%s%s", f->name, f->values ? "=" : "", f->values ? f->values : "");
        printf("%*s%s\n", used < 44 ? 44 - used : 1, "", f->help);
    }
    printf("  --help%*sthis text\n", 36, "");
}

/* Same name, with - and _ alike. */
static bool same_name(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; ++i)
        if (a[i] != b[i] && !(a[i] == '-' && b[i] == '_') && !(a[i] == '_' && b[i] == '-'))
            return false;
    return b[length] == '\0';
}

static chirp_status unknown_flag(const char *word, size_t length)
{
    const char *names[N_FLAGS + 2] = {0};
    char name[64];
    for (size_t i = 0; i < N_FLAGS; ++i)
        names[i] = flag_table[i].name;
    names[N_FLAGS] = "help";
    (void)snprintf(name, sizeof name, "%.*s", (int)length, word);
    const char *near = chirp_nearest_name(name, names);
    if (near)
        return chirp_fail(CHIRP_ERR_ARG, "bench: unknown flag --%s; did you mean --%s?", name,
                          near);
    return chirp_fail(CHIRP_ERR_ARG, "bench: unknown flag --%s; see chirpbench bench --help", name);
}

/* Reads the flag at argv[i]; *i moves to its value if that is the next argument. */
static chirp_status read_flag(int argc, char **argv, int *i, chirp_bench_flags *flags)
{
    const char *word = argv[*i] + 2;
    const size_t length = strcspn(word, "=");
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    if (strcmp(word, "help") == 0) {
        print_help();
        return chirp_fail(CHIRP_ERR_INTERRUPTED, "%s", "");
    }
    for (size_t k = 0; k < N_FLAGS; ++k) {
        char shown[72];
        if (!same_name(word, flag_table[k].name, length) || strlen(flag_table[k].name) != length)
            continue;
        (void)snprintf(shown, sizeof shown, "bench: --%s", flag_table[k].name);
        if (!value && flag_table[k].kind == FLAG_BOOL)
            value = "true";
        if (!value) {
            if (*i + 1 >= argc)
                return chirp_fail(CHIRP_ERR_ARG, "%s needs a value", shown);
            value = argv[++*i];
        }
        return store(&flag_table[k], shown, value, flags);
    }
    return unknown_flag(word, length);
}

chirp_status chirp_bench_flags_parse(int argc, char **argv, chirp_bench_flags *flags, int *n_rest)
{
    *flags = (chirp_bench_flags){.min_time_s = 0.5,
                                 .repetitions = 1,
                                 .format = "console",
                                 .out_format = "json",
                                 .color = "auto",
                                 .time_unit = "ns",
                                 .max_relative_error = 1e-3,
                                 .confidence = 0.95,
                                 .time_budget_s = 60};
    chirp_status st = read_environment(flags);
    int rest = 0;
    bool only_words = false;
    for (int i = 1; i < argc && st == CHIRP_OK; ++i) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
            st = read_flag(argc, argv, &i, flags);
        } else if (!only_words && argv[i][0] == '-' && argv[i][1]) {
            st = chirp_fail(CHIRP_ERR_ARG, "bench: unknown flag %s; flags start with --", argv[i]);
        } else {
            argv[1 + rest++] = argv[i]; /* never ahead of what is still to be read */
        }
    }
    if (st == CHIRP_OK && flags->n_threads == 0) {
        flags->n_threads = 1;
        st = chirp_team_default(&flags->threads[0]);
    }
    if (st != CHIRP_OK)
        return st;
    for (int i = rest; i > 0; --i)
        argv[argc - 1 - (rest - i)] = argv[i];
    *n_rest = rest;
    return CHIRP_OK;
}

#include "harness/base/options.h"

#include "harness/base/memory.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 96, HELP_COLUMN = 32 };

static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t row[LONGEST + 1];
    const size_t la = strlen(a);
    const size_t lb = strlen(b);
    if (la > LONGEST || lb > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= lb; ++j)
        row[j] = j;
    for (size_t i = 1; i <= la; ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; ++j) {
            const size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[lb];
}

const char *chirp_nearest_name(const char *word, const char *const *names)
{
    const char *nearest = NULL;
    size_t least = strlen(word) / 2 + 1; /* farther than half the word is no hint */
    for (; *names; ++names) {
        const size_t d = edit_distance(word, *names);
        if (d < least) {
            least = d;
            nearest = *names;
        }
    }
    return nearest;
}

chirp_status chirp_parse_real(const char *what, const char *text, double *value)
{
    char *end = NULL;
    errno = 0;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number) || errno == ERANGE)
        return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is not a finite number", what, text);
    *value = number;
    return CHIRP_OK;
}

static bool is_choice(const char *choices, const char *text)
{
    const size_t length = strlen(text);
    while (*choices) {
        const size_t span = strcspn(choices, "|");
        if (span == length && strncmp(choices, text, span) == 0)
            return true;
        choices += span + (choices[span] == '|');
    }
    return false;
}

/* Shortest text that reads back as the number: 1126259462.4, not 1.12626e+09. */
static const char *number_text(double value, char text[32])
{
    for (int digits = 6; digits <= 17; ++digits) {
        (void)snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

static chirp_status store(const chirp_usage *usage, const chirp_option *option, const char *text)
{
    char what[64], low[32], high[32];
    double number = 0;
    (void)snprintf(what, sizeof what, "%s: --%s", usage->command, option->name);
    if (option->given)
        *option->given = true;
    if (option->kind == CHIRP_OPTION_FLAG) {
        *(bool *)option->value = true;
        return CHIRP_OK;
    }
    if (option->kind == CHIRP_OPTION_STRING) {
        if (!*text)
            return chirp_fail(CHIRP_ERR_ARG, "%s: needs a %s", what, option->metavar);
        *(const char **)option->value = text;
        return CHIRP_OK;
    }
    if (option->kind == CHIRP_OPTION_CHOICE) {
        if (!is_choice(option->choices, text))
            return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is none of %s", what, text, option->choices);
        *(const char **)option->value = text;
        return CHIRP_OK;
    }
    const chirp_status st = chirp_parse_real(what, text, &number);
    if (st != CHIRP_OK)
        return st;
    if (!(option->min == 0 && option->max == 0) && !(number >= option->min && number <= option->max))
        return chirp_fail(CHIRP_ERR_ARG, "%s: %s is outside %s to %s", what, text,
                          number_text(option->min, low), number_text(option->max, high));
    if (option->kind == CHIRP_OPTION_REAL) {
        *(double *)option->value = number;
        return CHIRP_OK;
    }
    if (number != floor(number) || fabs(number) > 9007199254740992.0)
        return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is not a whole number", what, text);
    *(int64_t *)option->value = (int64_t)number;
    return CHIRP_OK;
}

static void print_default(const chirp_option *option)
{
    char text[32];
    if (option->kind == CHIRP_OPTION_REAL && isnan(*(const double *)option->value))
        return; /* not given: the help text says what stands in its place */
    switch (option->kind) {
    case CHIRP_OPTION_FLAG:
        break;
    case CHIRP_OPTION_INT:
        printf(" [%" PRId64 "]", *(const int64_t *)option->value);
        break;
    case CHIRP_OPTION_REAL:
        printf(" [%s]", number_text(*(const double *)option->value, text));
        break;
    case CHIRP_OPTION_STRING:
    case CHIRP_OPTION_CHOICE:
        if (*(const char *const *)option->value)
            printf(" [%s]", *(const char *const *)option->value);
        break;
    }
}

static void print_help(const chirp_usage *usage)
{
    printf("Usage: chirpbench %s [options]%s%s\n\n%s\n\nOptions:\n", usage->command,
           usage->positional && *usage->positional ? " " : "", usage->positional ? usage->positional : "",
           usage->summary);
    for (size_t i = 0; i < usage->n_options; ++i) {
        const chirp_option *option = &usage->options[i];
        const char *metavar = option->kind == CHIRP_OPTION_CHOICE ? option->choices : option->metavar;
        const int used = printf("  --%s%s%s", option->name, metavar ? " " : "", metavar ? metavar : "");
        if (used >= HELP_COLUMN)
            printf("\n%*s", HELP_COLUMN, "");
        else
            printf("%*s", HELP_COLUMN - used, "");
        printf("%s", option->help);
        print_default(option);
        printf("%s\n", option->required ? " (required)" : "");
    }
    printf("  --help%*sthis text\n", HELP_COLUMN - 8, "");
}

static chirp_status unknown_option(const chirp_usage *usage, const char *word)
{
    const char *names[MAX_OPTIONS + 2] = {0};
    char name[64];
    for (size_t i = 0; i < usage->n_options; ++i)
        names[i] = usage->options[i].name;
    names[usage->n_options] = "help";
    while (*word == '-')
        ++word;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *near = chirp_nearest_name(name, names);
    if (near)
        return chirp_fail(CHIRP_ERR_ARG, "%s: unknown option --%s; did you mean --%s?", usage->command, name, near);
    return chirp_fail(CHIRP_ERR_ARG, "%s: unknown option --%s; see chirpbench %s --help", usage->command, name,
                      usage->command);
}

chirp_status chirp_options_parse(const chirp_usage *usage, int argc, char **argv, int *n_rest)
{
    struct option table[MAX_OPTIONS + 2] = {0};
    bool seen[MAX_OPTIONS] = {0};
    if (usage->n_options > MAX_OPTIONS)
        return chirp_fail(CHIRP_ERR_ARG, "%s: more than %d options in its table", usage->command, MAX_OPTIONS);
    const int help = (int)usage->n_options;
    for (int i = 0; i < help; ++i) {
        const chirp_option *option = &usage->options[i];
        table[i].name = option->name;
        table[i].has_arg = option->kind == CHIRP_OPTION_FLAG ? no_argument : required_argument;
        table[i].val = i + 256;
    }
    table[help].name = "help";
    table[help].val = help + 256;
    optind = 0; /* glibc: start afresh, also after an earlier parse */
    opterr = 0;
    for (;;) {
        const int before = optind > 0 ? optind : 1;
        const int found = getopt_long(argc, argv, usage->positional ? ":" : "+:", table, NULL);
        if (found == -1)
            break;
        if (found == '?')
            return unknown_option(usage, argv[optind > before ? optind - 1 : before]);
        if (found == ':')
            return chirp_fail(CHIRP_ERR_ARG, "%s: %s needs a value", usage->command, argv[optind - 1]);
        if (found == help + 256) {
            print_help(usage);
            return chirp_fail(CHIRP_ERR_INTERRUPTED, "%s", "");
        }
        seen[found - 256] = true;
        const chirp_status st = store(usage, &usage->options[found - 256], optarg);
        if (st != CHIRP_OK)
            return st;
    }
    for (int i = 0; i < help; ++i)
        if (usage->options[i].required && !seen[i])
            return chirp_fail(CHIRP_ERR_ARG, "%s: --%s %s is required", usage->command, usage->options[i].name,
                              usage->options[i].metavar ? usage->options[i].metavar : "");
    if (argc - optind > 0 && !usage->positional)
        return chirp_fail(CHIRP_ERR_ARG, "%s: unexpected argument '%s'; options start with --", usage->command,
                          argv[optind]);
    if (n_rest)
        *n_rest = argc - optind;
    return CHIRP_OK;
}

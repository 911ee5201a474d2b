#include "harness/base/options.h"

#include "harness/base/file.h"
#include "harness/base/options_internal.h"
#include "harness/base/text.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const double LARGEST_EXACT =
    9007199254740992.0; /* 2^53: whole numbers up to it are doubles */

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

bool chirp_option_is_text(chirp_option_kind kind)
{
    return kind == CHIRP_OPTION_STRING || kind == CHIRP_OPTION_PATTERN ||
           kind == CHIRP_OPTION_CHOICE;
}

bool chirp_option_is_flag(chirp_option_kind kind)
{
    return kind == CHIRP_OPTION_FLAG || kind == CHIRP_OPTION_UNFLAG;
}

/* What the option of a numeric row counts in. */
static double unit_of(const chirp_option *option)
{
    return option->kind == CHIRP_OPTION_MIB ? 1048576 : 1;
}

void *chirp_option_value(const chirp_option *option, const void *base)
{
    return option->value ? option->value : (char *)(uintptr_t)base + option->offset;
}

double chirp_option_number(const chirp_option *option, const void *value)
{
    switch (option->kind) {
    case CHIRP_OPTION_REAL:
        return *(const double *)value;
    case CHIRP_OPTION_INT:
    case CHIRP_OPTION_MIB:
        return (double)*(const int64_t *)value;
    case CHIRP_OPTION_UINT64:
        return (double)*(const uint64_t *)value;
    case CHIRP_OPTION_INT32:
    case CHIRP_OPTION_ENUM:
        return *(const int *)value;
    case CHIRP_OPTION_FLAG:
    case CHIRP_OPTION_UNFLAG:
    case CHIRP_OPTION_EITHER:
        return *(const bool *)value;
    case CHIRP_OPTION_STRING:
    case CHIRP_OPTION_PATTERN:
    case CHIRP_OPTION_CHOICE:
        break;
    }
    return 0; /* a text has no number */
}

bool chirp_option_set_number(const chirp_option *option, void *value, double number)
{
    const chirp_option_kind kind = option->kind;
    const bool narrow = kind == CHIRP_OPTION_INT32 || kind == CHIRP_OPTION_ENUM;
    const double most = narrow ? INT32_MAX : LARGEST_EXACT;
    if (chirp_option_is_text(kind) || !isfinite(number))
        return false;
    if (kind == CHIRP_OPTION_REAL) {
        *(double *)value = number;
        return true;
    }
    if (number != floor(number) || fabs(number) > most ||
        (kind == CHIRP_OPTION_UINT64 && number < 0))
        return false;
    if (narrow)
        *(int *)value = (int)number;
    else if (kind == CHIRP_OPTION_UINT64)
        *(uint64_t *)value = (uint64_t)number;
    else if (chirp_option_is_flag(kind) || kind == CHIRP_OPTION_EITHER)
        *(bool *)value = number != 0;
    else
        *(int64_t *)value = (int64_t)number;
    return true;
}

const char *chirp_option_text(const chirp_option *option, const void *value,
                              char text[CHIRP_OPTION_TEXT])
{
    char digits[32];
    const double number = chirp_option_number(option, value);
    const char *found = NULL;
    if (chirp_option_is_text(option->kind)) {
        found = *(const char *const *)value;
        found = found ? found : option->none ? option->none : "none";
    } else if (chirp_option_is_flag(option->kind)) {
        found = (number != 0) == (option->kind == CHIRP_OPTION_FLAG) ? "true" : "false";
    } else if (option->names) {
        found = number >= 0 && number < option->n_names ? option->names[(int)number] : "unknown";
    } else {
        found = number_text(number / unit_of(option), digits);
    }
    (void)snprintf(text, CHIRP_OPTION_TEXT, "%s", found);
    return text;
}

bool chirp_option_equal(const chirp_option *option, const void *a, const void *b)
{
    if (option->kind == CHIRP_OPTION_UINT64)
        return *(const uint64_t *)a == *(const uint64_t *)b;
    if (!chirp_option_is_text(option->kind))
        return chirp_option_number(option, a) == chirp_option_number(option, b);
    const char *one = *(const char *const *)a;
    const char *other = *(const char *const *)b;
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static chirp_status outside(const chirp_option *option, const char *what, const char *text)
{
    char low[32];
    char high[32];
    return chirp_fail(CHIRP_ERR_ARG, "%s: %s is outside %s to %s", what, text,
                      number_text(option->min, low), number_text(option->max, high));
}

static bool is_outside(const chirp_option *option, double number)
{
    return !(option->min == 0 && option->max == 0) &&
           !(number >= option->min && number <= option->max);
}

static const char *choices_of(const chirp_option *row)
{
    return row->list ? row->list() : row->choices;
}

chirp_status chirp_option_check(const chirp_option *option, const void *value)
{
    char what[64];
    char text[CHIRP_OPTION_TEXT];
    (void)snprintf(what, sizeof what, "%s%s", option->name ? "--" : "",
                   option->name ? option->name : option->key);
    if (option->kind == CHIRP_OPTION_CHOICE) {
        const char *word = *(const char *const *)value;
        if (word ? !is_choice(choices_of(option), word) : !option->none)
            return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is none of %s", what, word ? word : "",
                              choices_of(option));
    }
    if (chirp_option_is_text(option->kind))
        return CHIRP_OK;
    const double number = chirp_option_number(option, value) / unit_of(option);
    if (option->kind == CHIRP_OPTION_ENUM && !(number >= 0 && number < option->n_names))
        return chirp_fail(CHIRP_ERR_ARG, "%s: choice %g is outside 0 to %d", what, number,
                          option->n_names - 1);
    if (!isfinite(number) || is_outside(option, number))
        return outside(option, what, chirp_option_text(option, value, text));
    return CHIRP_OK;
}

static bool is_listed(const chirp_option_table *table, const char *name)
{
    if (!table->only)
        return true;
    for (const char *const *only = table->only; *only; ++only)
        if (strcmp(*only, name) == 0)
            return true;
    return false;
}

/* All options of a command: its own rows, then those that it takes from tables. */
static chirp_status list_options(const chirp_usage *usage, const chirp_option_table *tables,
                                 int n_tables, listing *all)
{
    const chirp_option_table own = {usage->options, usage->n_options, NULL, NULL, NULL};
    all->n = 0;
    for (int t = 0; t <= n_tables; ++t) {
        const chirp_option_table *table = t == 0 ? &own : &tables[t - 1];
        for (size_t i = 0; i < table->n_options; ++i) {
            const chirp_option *row = &table->options[i];
            if (!row->name || !is_listed(table, row->name))
                continue;
            if (all->n == MAX_OPTIONS)
                return chirp_fail(CHIRP_ERR_ARG, "%s: more than %d options in its table",
                                  usage->command, MAX_OPTIONS);
            all->entry[all->n++] = (entry){row, chirp_option_value(row, table->base),
                                           table->given ? &table->given[i] : row->given};
        }
    }
    return CHIRP_OK;
}

const char *chirp_option_choices(const chirp_option *row, char text[CHIRP_OPTION_TEXT])
{
    if (row->kind == CHIRP_OPTION_CHOICE)
        return choices_of(row);
    text[0] = '\0';
    for (int i = 0; i < row->n_names; ++i)
        chirp_join(text, CHIRP_OPTION_TEXT, "|", row->names[i]);
    return text;
}

static chirp_status store_name(const chirp_option *row, const char *what, const char *text,
                               void *value)
{
    char choices[CHIRP_OPTION_TEXT];
    const int index = chirp_name_index(row->names, row->n_names, text);
    if (index >= 0 && chirp_option_set_number(row, value, index))
        return CHIRP_OK;
    return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is none of %s", what, text,
                      chirp_option_choices(row, choices));
}

static chirp_status store_number(const chirp_option *row, const char *what, const char *text,
                                 void *value)
{
    double number = 0;
    const chirp_status st = chirp_parse_real(what, text, &number);
    if (st != CHIRP_OK)
        return st;
    if (is_outside(row, number))
        return outside(row, what, text);
    if (row->kind == CHIRP_OPTION_MIB)
        number = round(number * unit_of(row));
    if (!chirp_option_set_number(row, value, number))
        return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is not a whole number", what, text);
    return CHIRP_OK;
}

static chirp_status store_flag(const chirp_option *row, const char *what, const char *text,
                               void *value)
{
    static const char *const words[2][6] = {{"0", "false", "no", "off", "f", "n"},
                                            {"1", "true", "yes", "on", "t", "y"}};
    for (int i = 0; i < 12; ++i)
        if (strcasecmp(text, words[i / 6][i % 6]) == 0) {
            *(bool *)value = (i / 6) == (row->kind == CHIRP_OPTION_FLAG);
            return CHIRP_OK;
        }
    return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is neither true nor false", what, text);
}

chirp_status chirp_option_read(const chirp_option *option, const char *what, const char *text,
                               void *value)
{
    switch (option->kind) {
    case CHIRP_OPTION_FLAG:
    case CHIRP_OPTION_UNFLAG:
        return store_flag(option, what, text, value);
    case CHIRP_OPTION_EITHER:
    case CHIRP_OPTION_ENUM:
        return store_name(option, what, text, value);
    case CHIRP_OPTION_STRING:
        if (!*text)
            return chirp_fail(CHIRP_ERR_ARG, "%s: needs a %s", what, option->metavar);
        break;
    case CHIRP_OPTION_CHOICE:
        if (!is_choice(choices_of(option), text))
            return chirp_fail(CHIRP_ERR_ARG, "%s: '%s' is none of %s", what, text,
                              choices_of(option));
        break;
    case CHIRP_OPTION_PATTERN:
        break;
    default:
        return store_number(option, what, text, value);
    }
    *(const char **)value = text;
    return CHIRP_OK;
}

static chirp_status store(const chirp_usage *usage, const entry *e, const char *text)
{
    char what[64];
    (void)snprintf(what, sizeof what, "%s: --%s", usage->command, e->row->name);
    if (e->given)
        *e->given = true;
    return chirp_option_read(e->row, what, text ? text : "true", e->value);
}

static chirp_status unknown_option(const chirp_usage *usage, const listing *all, const char *word)
{
    const char *names[MAX_OPTIONS + 2] = {0};
    char name[64];
    for (int i = 0; i < all->n; ++i)
        names[i] = all->entry[i].row->name;
    names[all->n] = "help";
    if (word[0] == '-' && word[1] != '-')
        return chirp_fail(CHIRP_ERR_ARG, "%s: unknown option %s; options start with --",
                          usage->command, word);
    while (*word == '-')
        ++word;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *near = chirp_nearest_name(name, names);
    if (near)
        return chirp_fail(CHIRP_ERR_ARG, "%s: unknown option --%s; did you mean --%s?",
                          usage->command, name, near);
    return chirp_fail(CHIRP_ERR_ARG, "%s: unknown option --%s; see chirpbench %s --help",
                      usage->command, name, usage->command);
}

/* Whether a text names this file: alone, in a list with commas, or in front of ":SERIES". Names may hold both. */
static bool mentions(const char *text, const char *file)
{
    char piece[PATH_MAX];
    for (const char *from = text; from; from = strchr(from, ',') ? strchr(from, ',') + 1 : NULL)
        for (const char *to = from; *to;) {
            ++to;
            to += strcspn(to, ",:");
            if (to - from >= (ptrdiff_t)sizeof piece)
                break;
            memcpy(piece, from, (size_t)(to - from));
            piece[to - from] = '\0';
            if (chirp_file_same(piece, file))
                return true;
        }
    return false;
}

/* Every output against every input and the outputs before it. */
static chirp_status check_outputs(const chirp_usage *usage, const listing *all, int n_rest,
                                  char *const *rest)
{
    for (int i = 0; i < all->n; ++i) {
        const chirp_option *row = all->entry[i].row;
        const char *file =
            row->file == CHIRP_FILE_WRITTEN ? *(const char *const *)all->entry[i].value : NULL;
        if (!file || !*file || chirp_file_is_sink(file))
            continue;
        for (int k = 0; k < all->n; ++k) {
            const chirp_option *other = all->entry[k].row;
            const char *text =
                other->file != CHIRP_FILE_NONE ? *(const char *const *)all->entry[k].value : NULL;
            const bool output = other->file == CHIRP_FILE_WRITTEN;
            if (text && *text &&
                (output ? k < i && chirp_file_same(text, file) : mentions(text, file)))
                return chirp_fail(CHIRP_ERR_ARG,
                                  "%s: --%s %s is the same file as --%s %s: name another output",
                                  usage->command, row->name, file, other->name, text);
        }
        for (int k = 0; k < n_rest; ++k)
            if (mentions(rest[k], file))
                return chirp_fail(
                    CHIRP_ERR_ARG,
                    "%s: --%s %s is the same file as the input %s: name another output",
                    usage->command, row->name, file, rest[k]);
    }
    return CHIRP_OK;
}

/* What must stand on the command line, and what must not, after the options are read. */
static chirp_status check_complete(const chirp_usage *usage, const listing *all, const bool *seen,
                                   const char *argument)
{
    for (int i = 0; i < all->n; ++i) {
        const chirp_option *row = all->entry[i].row;
        if (row->required && !seen[i])
            return chirp_fail(CHIRP_ERR_ARG, "%s: --%s %s is required", usage->command, row->name,
                              row->metavar ? row->metavar : "");
    }
    if (argument && !usage->positional)
        return chirp_fail(CHIRP_ERR_ARG, "%s: unexpected argument '%s'; options start with --",
                          usage->command, argument);
    return CHIRP_OK;
}

static chirp_status parse_listed(const chirp_usage *usage, const listing *all, int argc,
                                 char **argv, int *n_rest)
{
    struct option table[MAX_OPTIONS + 2] = {0};
    bool seen[MAX_OPTIONS] = {0};
    const int help = all->n;
    for (int i = 0; i < help; ++i) {
        const chirp_option *row = all->entry[i].row;
        table[i].name = row->name;
        table[i].has_arg = chirp_option_is_flag(row->kind) ? optional_argument : required_argument;
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
            return unknown_option(usage, all, argv[optind > before ? optind - 1 : before]);
        if (found == ':')
            return chirp_fail(CHIRP_ERR_ARG, "%s: %s needs a value", usage->command,
                              argv[optind - 1]);
        if (found == help + 256) {
            chirp_options_print_help(usage, all);
            return chirp_fail(CHIRP_ERR_INTERRUPTED, "%s", "");
        }
        seen[found - 256] = true;
        const chirp_status st = store(usage, &all->entry[found - 256], optarg);
        if (st != CHIRP_OK)
            return st;
    }
    chirp_status st = check_complete(usage, all, seen, argc > optind ? argv[optind] : NULL);
    if (st == CHIRP_OK)
        st = check_outputs(usage, all, argc - optind, argv + optind);
    if (st == CHIRP_OK && n_rest)
        *n_rest = argc - optind;
    return st;
}

chirp_status chirp_options_parse(const chirp_usage *usage, int argc, char **argv, int *n_rest)
{
    listing all;
    const chirp_status st = list_options(usage, NULL, 0, &all);
    return st == CHIRP_OK ? parse_listed(usage, &all, argc, argv, n_rest) : st;
}

chirp_status chirp_options_parse_tables(const chirp_usage *usage, const chirp_option_table *tables,
                                        int n_tables, int argc, char **argv)
{
    listing all;
    const chirp_status st = list_options(usage, tables, n_tables, &all);
    return st == CHIRP_OK ? parse_listed(usage, &all, argc, argv, NULL) : st;
}

/*
 * Options as a user reads them: --help, manual pages and the completions of shells, all from the rows that are parsed, so
 * that they can't say different things.
 */
#include "harness/base/options_help.h"

#include "harness/base/options_internal.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { HELP_COLUMN = 32, PAGE_WIDTH = 100 };

static struct {
    chirp_help_form form;
    FILE *to; /* NULL: stdout */
} self;

void chirp_help_as(chirp_help_form form, FILE *to)
{
    self.form = form;
    self.to = to;
}

static FILE *out(void) { return self.to ? self.to : stdout; }

static void put(const char *text) { (void)fputs(text, out()); }

/* ---- what a row says ---- */

static const char *help_of(const chirp_option *row)
{
    return row->explain ? row->explain() : row->help;
}

/* What the option takes, as shown: "N", "spin|mass", or NULL for a flag. */
static const char *value_of(const chirp_option *row, char text[CHIRP_OPTION_TEXT])
{
    return row->kind == CHIRP_OPTION_CHOICE || row->names ? chirp_option_choices(row, text)
                                                          : row->metavar;
}

/* NAN and NULL: not given, and the help text says what stands in its place. */
static bool has_default(const entry *e)
{
    const chirp_option_kind kind = e->row->kind;
    return !chirp_option_is_flag(kind) &&
           !(kind == CHIRP_OPTION_REAL && isnan(*(const double *)e->value)) &&
           !(chirp_option_is_text(kind) && !*(const char *const *)e->value);
}

static bool takes_file(const chirp_option *row)
{
    return row->kind == CHIRP_OPTION_STRING && row->metavar &&
           (strncmp(row->metavar, "FILE", 4) == 0 || strcmp(row->metavar, "DIR") == 0);
}

static bool has_choices(const chirp_option *row)
{
    return row->kind == CHIRP_OPTION_CHOICE || row->names != NULL;
}

static bool same_group(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* ---- --help ---- */

/* Prints words in the help's column up to the width of a page; returns the column behind them. */
static int print_words(const char *text, int column)
{
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + length > PAGE_WIDTH) {
            (void)fprintf(out(), "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        column += fprintf(out(), "%s%.*s", column > HELP_COLUMN ? " " : "", length, text);
        text += length;
        text += strspn(text, " ");
    }
    return column;
}

static void text_option(const entry *e)
{
    char text[CHIRP_OPTION_TEXT];
    const char *value = value_of(e->row, text);
    const int used =
        fprintf(out(), "  --%s%s%s", e->row->name, value ? " " : "", value ? value : "");
    if (used >= HELP_COLUMN)
        (void)fprintf(out(), "\n%*s", HELP_COLUMN, "");
    else
        (void)fprintf(out(), "%*s", HELP_COLUMN - used, "");
    int column = print_words(help_of(e->row), HELP_COLUMN);
    if (has_default(e)) {
        char bracket[CHIRP_OPTION_TEXT + 2];
        (void)snprintf(bracket, sizeof bracket, "[%s]", chirp_option_text(e->row, e->value, text));
        column = print_words(bracket, column);
    }
    if (e->row->required)
        (void)print_words("(required)", column);
    put("\n");
}

static void text_begin(const chirp_usage *usage)
{
    (void)fprintf(out(), "Usage: chirpbench %s [options]%s%s\n\n%s\n", usage->command,
                  usage->positional && *usage->positional ? " " : "",
                  usage->positional ? usage->positional : "", usage->summary);
}

static void text_group(const char *group) { (void)fprintf(out(), "\n%s:\n", group); }

static void text_end_of_own(void)
{
    (void)fprintf(out(), "  --help%*sthis text\n", HELP_COLUMN - 8, "");
}

/* ---- manual pages ---- */

void chirp_help_man_text(FILE *to, const char *text)
{
    for (const char *at = text; *at; ++at) {
        const bool starts = at == text || at[-1] == '\n';
        if (starts && (*at == '.' || *at == '\''))
            (void)fputs("\\&", to);
        if (*at == '\\')
            (void)fputs("\\e", to);
        else if (*at == '-')
            (void)fputs("\\-", to);
        else
            (void)fputc(*at, to);
    }
}

static void man_text(const char *text) { chirp_help_man_text(out(), text); }

static void man_begin(const chirp_usage *usage)
{
    put(".SH SYNOPSIS\n.B chirpbench ");
    man_text(usage->command);
    put("\n[\\fIoptions\\fR]");
    if (usage->positional && *usage->positional) {
        put(" \\fI");
        man_text(usage->positional);
        put("\\fR");
    }
    put("\n.SH DESCRIPTION\n");
    man_text(usage->summary);
    put("\n");
}

static void man_group(const char *group)
{
    put(".SH ");
    for (const char *at = group; *at; ++at)
        (void)fputc(toupper((unsigned char)*at), out());
    put("\n");
}

static void man_option(const entry *e)
{
    char text[CHIRP_OPTION_TEXT];
    const char *value = value_of(e->row, text);
    put(".TP\n\\fB\\-\\-");
    man_text(e->row->name);
    put("\\fR");
    if (value) {
        put(" \\fI");
        man_text(value);
        put("\\fR");
    }
    put("\n");
    man_text(help_of(e->row));
    if (has_default(e)) {
        put(" [");
        man_text(chirp_option_text(e->row, e->value, text));
        put("]");
    }
    put(e->row->required ? " (required)\n" : "\n");
}

static void man_end_of_own(void) { put(".TP\n\\fB\\-\\-help\\fR\nthis text\n"); }

/* ---- completions: one piece per command; the frames around them are in suites/commands/help.c ---- */

/* The choices of a row, or what there is besides, with spaces between. */
static void put_choices(const chirp_option *row)
{
    char text[CHIRP_OPTION_TEXT];
    for (const char *at = chirp_option_choices(row, text); *at; ++at)
        (void)fputc(*at == '|' ? ' ' : *at, out());
}

static void bash_begin(const chirp_usage *usage)
{
    (void)fprintf(out(), "    %s)\n        case $previous in\n", usage->command);
}

static void bash_option(const entry *e)
{
    const chirp_option *row = e->row;
    if (chirp_option_is_flag(row->kind))
        return;
    (void)fprintf(out(), "        --%s) kind=", row->name);
    if (has_choices(row)) {
        put("words words='");
        put_choices(row);
        put("'");
    } else {
        put(takes_file(row) ? "files" : "value");
    }
    put(" ;;\n");
}

static void bash_end(const listing *all)
{
    put("        esac\n        options='");
    for (int i = 0; i < all->n; ++i)
        (void)fprintf(out(), "--%s ", all->entry[i].row->name);
    put("--help' ;;\n");
}

/* A text in single quotes, without what _arguments or the quotes would take for their own. */
static void put_quoted(const char *text, const char *escaped)
{
    for (; *text; ++text) {
        if (*text == '\'')
            put("'\\'");
        else if (strchr(escaped, *text))
            put("\\");
        (void)fputc(*text, out());
    }
}

static void zsh_begin(const chirp_usage *usage)
{
    (void)fprintf(out(), "    %s)\n        _arguments \\\n", usage->command);
}

static void zsh_option(const entry *e)
{
    const chirp_option *row = e->row;
    const bool flag = chirp_option_is_flag(row->kind);
    (void)fprintf(out(), "            '--%s%s[", row->name, flag ? "" : "=");
    put_quoted(help_of(row), "[]:\\");
    put("]");
    if (!flag) {
        put(":");
        put_quoted(row->metavar ? row->metavar : "NAME", "[]:\\");
        put(":");
        if (has_choices(row)) {
            put("(");
            put_choices(row);
            put(")");
        } else if (takes_file(row)) {
            put("_files");
        } else {
            put(" ");
        }
    }
    put("' \\\n");
}

static void zsh_end(const chirp_usage *usage)
{
    put("            '--help[this text]'");
    if (usage->positional)
        put(" \\\n            '*:file:_files'");
    put(" ;;\n");
}

static void fish_option(const chirp_usage *usage, const entry *e)
{
    const chirp_option *row = e->row;
    (void)fprintf(out(), "complete -c chirpbench -n '__fish_seen_subcommand_from %s' -l %s",
                  usage->command, row->name);
    if (has_choices(row)) {
        put(" -x -a '");
        put_choices(row);
        put("'");
    } else if (takes_file(row)) {
        put(" -r -F");
    } else if (!chirp_option_is_flag(row->kind)) {
        put(" -x");
    }
    put(" -d '");
    for (const char *at = help_of(row); *at; ++at) {
        if (*at == '\'' || *at == '\\')
            put("\\");
        (void)fputc(*at, out());
    }
    put("'\n");
}

/* ---- all forms ---- */

static void begin(const chirp_usage *usage)
{
    if (self.form == CHIRP_HELP_TEXT)
        text_begin(usage);
    else if (self.form == CHIRP_HELP_MAN)
        man_begin(usage);
    else if (self.form == CHIRP_HELP_BASH)
        bash_begin(usage);
    else if (self.form == CHIRP_HELP_ZSH)
        zsh_begin(usage);
}

static void option(const chirp_usage *usage, const entry *e)
{
    if (self.form == CHIRP_HELP_TEXT)
        text_option(e);
    else if (self.form == CHIRP_HELP_MAN)
        man_option(e);
    else if (self.form == CHIRP_HELP_BASH)
        bash_option(e);
    else if (self.form == CHIRP_HELP_ZSH)
        zsh_option(e);
    else
        fish_option(usage, e);
}

void chirp_help_heading(const char *heading)
{
    if (self.form == CHIRP_HELP_TEXT)
        text_group(heading);
    else if (self.form == CHIRP_HELP_MAN)
        man_group(heading);
}

void chirp_help_name(const char *name, const char *text)
{
    if (self.form == CHIRP_HELP_TEXT) {
        (void)fprintf(out(), "  %-14s %s\n", name, text);
    } else if (self.form == CHIRP_HELP_MAN) {
        put(".TP\n\\fB");
        man_text(name);
        put("\\fR\n");
        man_text(text);
        put("\n");
    }
}

static void print_group(const chirp_usage *usage, const listing *all, const char *group)
{
    chirp_help_heading(group ? group : "Options");
    for (int i = 0; i < all->n; ++i)
        if (same_group(all->entry[i].row->group, group))
            option(usage, &all->entry[i]);
    if (!group && self.form == CHIRP_HELP_TEXT)
        text_end_of_own();
    else if (!group && self.form == CHIRP_HELP_MAN)
        man_end_of_own();
}

/* The options without a group first, so that they and the summary make the first screen; then each group once. */
void chirp_options_print_help(const chirp_usage *usage, const listing *all)
{
    begin(usage);
    print_group(usage, all, NULL);
    for (int i = 0; i < all->n; ++i) {
        const char *group = all->entry[i].row->group;
        bool printed = group == NULL;
        for (int k = 0; k < i && !printed; ++k)
            printed = same_group(all->entry[k].row->group, group);
        if (!printed)
            print_group(usage, all, group);
    }
    if (self.form == CHIRP_HELP_BASH)
        bash_end(all);
    else if (self.form == CHIRP_HELP_ZSH)
        zsh_end(usage);
}

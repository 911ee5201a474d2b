/** The forms in which --help shows options: text, a manual page, or a part of a shell's completion. */
#ifndef CHIRP_HARNESS_BASE_OPTIONS_HELP_H
#define CHIRP_HARNESS_BASE_OPTIONS_HELP_H

#include <stddef.h>
#include <stdio.h>

typedef enum chirp_help_form {
    CHIRP_HELP_TEXT,
    CHIRP_HELP_MAN,  /**< from .SH SYNOPSIS to the last option */
    CHIRP_HELP_BASH, /**< the command's branch of a `case` */
    CHIRP_HELP_ZSH,
    CHIRP_HELP_FISH
} chirp_help_form;

/** From now on --help prints in this form. @param to  NULL: stdout */
void chirp_help_as(chirp_help_form form, FILE *to);

/** A heading behind the options, and names below it, as the suites of `bench`; completions don't show them. */
void chirp_help_heading(const char *heading);
void chirp_help_name(const char *name, const char *text);

/** Prints a text on a manual page: nothing in it is taken for markup. */
void chirp_help_man_text(FILE *to, const char *text);

#endif

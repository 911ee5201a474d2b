/** What reading options (options.c) and showing them (options_help.c) share. */
#ifndef CHIRP_HARNESS_BASE_OPTIONS_INTERNAL_H
#define CHIRP_HARNESS_BASE_OPTIONS_INTERNAL_H

#include "harness/base/options.h"

enum { MAX_OPTIONS = 96 };

/* One option of a command: its row and where its value goes. */
typedef struct entry {
    const chirp_option *row;
    void *value;
    bool *given; /* NULL, or told when it stands on the command line */
} entry;

typedef struct listing {
    entry entry[MAX_OPTIONS];
    int n;
} listing;

bool chirp_option_is_text(chirp_option_kind kind);

/** Without a value on the command line. */
bool chirp_option_is_flag(chirp_option_kind kind);

/** "a|b|c" of a row's choices, perhaps in `text`. */
const char *chirp_option_choices(const chirp_option *row, char text[CHIRP_OPTION_TEXT]);

/** Prints the options in the form, and to where, chirp_help_as() chose. */
void chirp_options_print_help(const chirp_usage *usage, const listing *all);

#endif

/**
 * Command-line options as a table, over getopt_long. One table gives parsing, range checks and --help.
 *
 *     double snr = 20; const char *out = NULL; int64_t batch = 64;
 *     const chirp_option table[] = {
 *         {"snr", CHIRP_OPTION_REAL, &snr, .metavar = "RHO", .min = 1, .max = 1000, .help = "..."},
 *         {"batch", CHIRP_OPTION_INT, &batch, .metavar = "N", .min = 1, .max = 4096, .help = "..."},
 *         {"out", CHIRP_OPTION_STRING, &out, .metavar = "FILE", .required = true, .help = "..."},
 *         {"network", CHIRP_OPTION_CHOICE, &network, .metavar = "NAME", .choices = "spin|mass", ...},
 *     };
 *     const chirp_usage usage = {"train", "OPTIONS", "Trains a network.", table, 4};
 *     st = chirp_options_parse(&usage, argc, argv, &rest);   // argv[0] is the command's own name
 *
 * The initial value of each variable is its default and is shown by --help; NAN when a real number has none.
 */
#ifndef CHIRP_HARNESS_BASE_OPTIONS_H
#define CHIRP_HARNESS_BASE_OPTIONS_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum chirp_option_kind {
    CHIRP_OPTION_FLAG,   /**< bool: bare --name sets true */
    CHIRP_OPTION_INT,    /**< int64_t; 1e6 and 120000 are both read; min/max apply when not both 0 */
    CHIRP_OPTION_REAL,   /**< double; must be finite; min/max apply when not both 0 */
    CHIRP_OPTION_STRING, /**< const char *: points into argv */
    CHIRP_OPTION_CHOICE, /**< const char *: one of `choices`, "a|b|c" */
} chirp_option_kind;

typedef struct chirp_option {
    const char *name; /**< without dashes */
    chirp_option_kind kind;
    void *value;
    const char *metavar; /**< shown in --help: FILE, N, ... NULL for flags */
    const char *help;    /**< one sentence, with the unit */
    double min, max;
    const char *choices;
    bool required;
    bool *given; /**< NULL, or set to whether the option stood on the command line */
} chirp_option;

typedef struct chirp_usage {
    const char *command;    /**< "train" */
    const char *positional; /**< "[SUITE...]" or "" : shown in --help; NULL refuses positional arguments */
    const char *summary;    /**< what the command does; may hold several lines */
    const chirp_option *options;
    size_t n_options;
} chirp_usage;

/**
 * Parses argv. `--name value`, `--name=value`; options and positional arguments may mix; "--" ends options.
 *
 * @param n_rest  receives the number of positional arguments, which are permuted to the end of argv
 * @return CHIRP_OK               go on; positional arguments are argv[argc - *n_rest .. argc - 1]
 * @return CHIRP_ERR_INTERRUPTED  --help was given and printed on stdout: leave with exit code 0
 * @return CHIRP_ERR_ARG          an unknown option (the sentence names the nearest one), a missing or
 *                                impossible value, or a missing required option
 */
chirp_status chirp_options_parse(const chirp_usage *usage, int argc, char **argv, int *n_rest);

/** Reads one finite number from the whole of `text`. @param what  names it in the error ("--gps") */
chirp_status chirp_parse_real(const char *what, const char *text, double *value);

/** The entry of `names` (NULL-terminated) with the least edit distance to `word`, or NULL if none is near. */
const char *chirp_nearest_name(const char *word, const char *const *names);

#endif

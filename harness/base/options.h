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
 *
 * Rows that describe the fields of a struct stand in a table of their own, with `.offset` in place of a variable, and commands
 * give the tables (and the struct) that they take options from to chirp_options_parse_tables(). The same rows check values
 * (chirp_option_check), show them (chirp_option_text), and say what a stored configuration does with them (`key`, `resume`).
 */
#ifndef CHIRP_HARNESS_BASE_OPTIONS_H
#define CHIRP_HARNESS_BASE_OPTIONS_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { CHIRP_OPTION_TEXT = 256 }; /**< room for a value's text */

typedef enum chirp_option_kind {
    CHIRP_OPTION_FLAG,   /**< bool: bare --name sets true; --name=false and the like are read too */
    CHIRP_OPTION_UNFLAG, /**< bool: bare --name sets false (--no-noise) */
    CHIRP_OPTION_EITHER, /**< bool: names[0] is false, names[1] is true */
    CHIRP_OPTION_INT,   /**< int64_t; 1e6 and 120000 are both read; min/max apply when not both 0 */
    CHIRP_OPTION_INT32, /**< int, else as INT */
    CHIRP_OPTION_UINT64, /**< uint64_t, up to 2^53 */
    CHIRP_OPTION_MIB,  /**< int64_t of bytes, written as a real number of MiB; min/max are in MiB */
    CHIRP_OPTION_REAL, /**< double; must be finite; min/max apply when not both 0 */
    CHIRP_OPTION_STRING,  /**< const char *: points into argv; not empty */
    CHIRP_OPTION_PATTERN, /**< const char *: may be empty */
    CHIRP_OPTION_CHOICE,  /**< const char *: one of `choices`, "a|b|c" */
    CHIRP_OPTION_ENUM,    /**< an enum without negative values: the index in names */
} chirp_option_kind;

/** What a resume does with a field that differs from the stored one. */
typedef enum chirp_option_resume {
    CHIRP_RESUME_NOT_COMPARED,
    CHIRP_RESUME_SAME,  /**< refuses */
    CHIRP_RESUME_CHANGE /**< goes on and says so */
} chirp_option_resume;

/** What is done with the file that a text names. An output that is also an input or another output is refused. */
typedef enum chirp_option_file {
    CHIRP_FILE_NONE,
    CHIRP_FILE_READ, /**< "FILE", "FILE,FILE", "FILE:SERIES", or something that is no file */
    CHIRP_FILE_WRITTEN
} chirp_option_file;

typedef struct chirp_option {
    const char *name; /**< without dashes; NULL: a stored field without an option */
    chirp_option_kind kind;
    void *value;         /**< the variable; NULL: at `offset` in the table's struct */
    const char *metavar; /**< shown in --help: FILE, N, ... NULL for flags */
    const char *help;    /**< one sentence, with the unit */
    double min, max;
    const char *choices;
    const char *(*list)(void);    /**< in place of choices: makes them */
    const char *(*explain)(void); /**< in place of help: makes it */
    bool required;
    bool *given; /**< NULL, or set to whether the option stood on the command line */
    size_t offset;
    const char *group;        /**< heading in --help; NULL: the first one, "Options" */
    const char *const *names; /**< [n_names] of an enum, in its order; the two of EITHER */
    int n_names;
    const char *key; /**< in stored configurations; NULL: not stored */
    chirp_option_resume resume;
    /** Configurations stored by earlier versions lack it. An enum had its first name then. */
    bool later;
    const char *none; /**< stored in place of a NULL string */
    chirp_option_file file;
} chirp_option;

/** Rows about the fields of one struct. */
typedef struct chirp_option_table {
    const chirp_option *options;
    size_t n_options;
    void *base;              /**< the struct */
    const char *const *only; /**< names of the options to take, NULL-terminated; NULL: all */
    bool *given; /**< [n_options], set where an option stood on the command line; or NULL */
} chirp_option_table;

typedef struct chirp_usage {
    const char *command; /**< "train" */
    const char
        *positional; /**< "[SUITE...]" or "" : shown in --help; NULL refuses positional arguments.
                        One that names a file is taken for a file to read: outputs are checked against it. */
    const char *summary; /**< what the command does; may hold several lines */
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
 *                                impossible value, a missing required option, or an output over an input
 */
chirp_status chirp_options_parse(const chirp_usage *usage, int argc, char **argv, int *n_rest);

/** The same for a command that takes no positional arguments, with the options of `tables` after its own. */
chirp_status chirp_options_parse_tables(const chirp_usage *usage, const chirp_option_table *tables,
                                        int n_tables, int argc, char **argv);

/** Where a row's value is, in `base` unless the row names a variable. */
void *chirp_option_value(const chirp_option *option, const void *base);

/** A value that is not text, as a number: bytes of MIB, 0 or 1 of flags, the index of a name. 0 for text. */
double chirp_option_number(const chirp_option *option, const void *value);

/** Sets it. @return false, and nothing is set, when the row is text or the number is not finite, not whole or too large */
bool chirp_option_set_number(const chirp_option *option, void *value, double number);

/** The value as it would stand on the command line (for flags whether it stands there: "true" or "false"; `none` for no
 *  string), cut to fit. */
const char *chirp_option_text(const chirp_option *option, const void *value,
                              char text[CHIRP_OPTION_TEXT]);

/**
 * Reads a value from text, as from the command line.
 * @param what  names it in errors ("train: --batch")
 */
chirp_status chirp_option_read(const chirp_option *option, const char *what, const char *text,
                               void *value);

/** Whether two values of a row are the same: numbers and names exactly, strings by their text. */
bool chirp_option_equal(const chirp_option *option, const void *a, const void *b);

/** Checks a value that didn't come from the command line against the row's limits; the sentence names the option. */
chirp_status chirp_option_check(const chirp_option *option, const void *value);

/** Reads one finite number from the whole of `text`. @param what  names it in the error ("--gps") */
chirp_status chirp_parse_real(const char *what, const char *text, double *value);

/** The entry of `names` (NULL-terminated) with the least edit distance to `word`, or NULL if none is near. */
const char *chirp_nearest_name(const char *word, const char *const *names);

#endif

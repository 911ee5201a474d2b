/** Filters on names: extended regular expressions as a user writes them, of a size that the library can compile. */
#ifndef CHIRP_HARNESS_BASE_PATTERN_H
#define CHIRP_HARNESS_BASE_PATTERN_H

#include "harness/base/status.h"

#include <regex.h>
#include <stdbool.h>

/** Starts as {0}, which keeps every name. */
typedef struct chirp_pattern {
    regex_t expression;
    bool used, negated;
} chirp_pattern;

/**
 * Compiles an extended regular expression; with '-' in front it stands for the names that it doesn't find.
 *
 * glibc copies what is repeated, and calls itself for every parenthesis: "(a{1,255}){1,255}" takes gigabytes. So an
 * expression has at most 4096 bytes, 4096 characters to match once repetitions are written out, and 64 parentheses in each
 * other.
 *
 * @param what  stands before the text in errors, as on the command line ("--benchmark_filter=")
 * @param text  NULL or "": all names
 * @return CHIRP_OK, CHIRP_ERR_ARG; chirp_pattern_clear() it
 */
chirp_status chirp_pattern_compile(chirp_pattern *pattern, const char *what, const char *text);

bool chirp_pattern_keeps(const chirp_pattern *pattern, const char *name);

void chirp_pattern_clear(chirp_pattern *pattern);

#endif

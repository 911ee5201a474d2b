/** Shared by the files of harness/machine. */
#ifndef CHIRP_HARNESS_MACHINE_MACHINE_INTERNAL_H
#define CHIRP_HARNESS_MACHINE_MACHINE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/** First line of a file without its end; false and "" when it can't be read. */
bool chirp_read_line(const char *path, char *text, size_t room);

/** The number a file starts with, or `otherwise`. */
double chirp_read_number(const char *path, double otherwise);

/** How many processors a list like "0-3,8" names; 0 for text that is no list. */
int chirp_count_list(const char *text);

/** Commit of the sources that were built, with "-dirty" when they differed; "" outside a repository. */
extern const char chirp_git_commit[];

#endif

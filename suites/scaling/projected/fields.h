/** Members of files from outside, checked as they are taken: each error names the file, the member and what it should be. */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_FIELDS_H
#define CHIRP_SUITES_SCALING_PROJECTED_FIELDS_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct cJSON;

enum { CHIRP_FIELD_PATH = 4096 + 64 };

/** CHIRP_ERR_FORMAT: "path: field should be expected". */
chirp_status chirp_field_wrong(const char *path, const char *field, const char *expected);

/** Replaces *to, which may be NULL, by a copy of a string; an absent optional one leaves it. Free with chirp_free(). */
chirp_status chirp_field_string(const char *path, const struct cJSON *object, const char *key,
                                bool required, char **to);
/** The same into a buffer, for words that fit. */
chirp_status chirp_field_word(const char *path, const struct cJSON *object, const char *key,
                              bool required, char *to, size_t size);
chirp_status chirp_field_number(const char *path, const struct cJSON *object, const char *key,
                                double min, double max, double *to);
/** A whole number from 1 to max; an absent optional one leaves *to. */
chirp_status chirp_field_int(const char *path, const struct cJSON *object, const char *key, int max,
                             bool required, int *to);

/** Every member's name is one of `known`, which ends with NULL: a misspelt one would silently leave a default. */
chirp_status chirp_field_all_known(const char *path, const struct cJSON *object,
                                   const char *const *known);

/**
 * A file that ships with the program, by name, or any file by its path (holds a '/' or ends in ".json").
 * It is looked for in $CHIRPBENCH_MACHINES, then beside the installed program (../share/chirpbench/machines), then in the source
 * folder that the program was built from.
 * @param below  "" or a folder in it, as "workloads/"
 * @return whether there is such a file; a path is not looked at
 */
bool chirp_field_find(const char *below, const char *name, char path[CHIRP_FIELD_PATH]);

#endif

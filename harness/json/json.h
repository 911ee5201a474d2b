/**
 * JSON: members read, and documents written that every reader takes: cJSON for structure and escaping, and what it lacks: UTF-8 that is checked,
 * integers without exponents, doubles that look like doubles, numbers that are finite or absent.
 */
#ifndef CHIRP_HARNESS_JSON_JSON_H
#define CHIRP_HARNESS_JSON_JSON_H

#include "harness/base/status.h"
#include "harness/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

/**
 * The text of a document, in which bytes that are not UTF-8 became '?' and control characters are escaped: every command prints its JSON by this, so that no
 * text from outside can spoil a file. NULL when memory ran out here or in any cJSON call of this thread since its last print:
 * then the document may lack members, so calls of cJSON_Add...() need no check. Free with cJSON_free().
 */
char *chirp_json_print(const struct cJSON *root);

/** The same on one line. */
char *chirp_json_print_line(const struct cJSON *root);

/** Adds a string; bytes that are not UTF-8 become '?'. False when out of memory (also below). */
bool chirp_json_add_text(struct cJSON *object, const char *key, const char *text);

/** Adds an integer in plain digits. */
bool chirp_json_add_integer(struct cJSON *object, const char *key, int64_t value);

/** Adds a double as %.16e; a value that isn't finite adds nothing and is true. */
bool chirp_json_add_real(struct cJSON *object, const char *key, double value);

/** Appends an object with one member a line; nested values stay on their line. @param indent  of the closing brace */
void chirp_text_append_json(chirp_text *t, const struct cJSON *object, const char *indent);

/**
 * Bare NaN and infinities outside strings, which Google Benchmark and other programs write, are no JSON. They become null, or
 * "" where four bytes aren't there, padded with spaces: the text keeps its length, and readers of numbers find none.
 */
void chirp_json_mend(char *text);

/**
 * Parses a whole file. @param what  names its kind in errors ("result file")
 * @return CHIRP_OK, CHIRP_ERR_IO, CHIRP_ERR_FORMAT (the sentence has the line of the first error); *root: cJSON_Delete()
 */
chirp_status chirp_json_read(const char *path, const char *what, struct cJSON **root);

/** A finite number of an object; NaN when there is none. */
double chirp_json_number(const struct cJSON *object, const char *key);

/** The same of an array of an object, such as the ends of an interval. */
double chirp_json_number_at(const struct cJSON *object, const char *key, int index);

/** A string of an object; NULL when there is none. */
const char *chirp_json_string(const struct cJSON *object, const char *key);

/**
 * Numbers of a JSON array as doubles; what is no finite number becomes NaN.
 * @param count  receives the length; 0 for something that is no array
 * @return the numbers (free with chirp_free()), or NULL when the array is empty or memory is out
 */
double *chirp_json_numbers(const struct cJSON *array, size_t *count);

#endif

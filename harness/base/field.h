/**
 * Members of a struct as a table, so that files, options and comparisons name each of them once.
 *
 *     static const chirp_field fields[] = {
 *         {"batch", CHIRP_FIELD_INT64, offsetof(config, batch), .option = "--batch"}, ...
 *     };
 */
#ifndef CHIRP_HARNESS_BASE_FIELD_H
#define CHIRP_HARNESS_BASE_FIELD_H

#include <stdbool.h>
#include <stddef.h>

typedef enum chirp_field_kind {
    CHIRP_FIELD_REAL,  /**< double */
    CHIRP_FIELD_INT64, /**< int64_t */
    CHIRP_FIELD_INT,   /**< int, or an enumeration without names */
    CHIRP_FIELD_BOOL, /**< bool; choices[false] and choices[true] are its names, or NULL for "no" and "yes" */
    CHIRP_FIELD_ENUM, /**< an enumeration whose values are indices of choices */
    CHIRP_FIELD_TEXT, /**< const char *, may be NULL; choices[0] is then what NULL is called */
} chirp_field_kind;

typedef struct chirp_field {
    const char *name; /**< in files */
    chirp_field_kind kind;
    size_t offset;
    /** The option that sets it, with its dashes, or NULL */
    const char *option;
    const char *const *choices;
    int n_choices;
} chirp_field;

/** Value of a field that is a number (REAL, INT64, INT, BOOL, ENUM) of the struct at `object`. */
double chirp_field_number(const chirp_field *field, const void *object);

/** Sets it. An integer must be within +-2^53, as JSON and HDF5 attributes of type double hold it exactly. */
void chirp_field_set_number(const chirp_field *field, void *object, double value);

/** Value of a TEXT field: NULL when it has none. */
const char *chirp_field_text(const chirp_field *field, const void *object);

/** Whether a field has the same value in two structs. */
bool chirp_field_same(const chirp_field *field, const void *a, const void *b);

/** The value in words, for messages. @return text, of at most `size` bytes */
const char *chirp_field_print(const chirp_field *field, const void *object, char *text,
                              size_t size);

/** What users call the field: its option, or else its name. */
const char *chirp_field_title(const chirp_field *field);

#endif

/** Texts: growing ones, UTF-8, and texts from outside on their way to a terminal or into Markdown. */
#ifndef CHIRP_HARNESS_BASE_TEXT_H
#define CHIRP_HARNESS_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** A growing text; starts as {0}. `failed` stays true after the first allocation that failed, and appending does nothing. */
typedef struct chirp_text {
    /** NUL-terminated once something was appended; free with chirp_free() */
    char *bytes;
    size_t used, room;
    bool failed;
} chirp_text;

/** Appends a text; NULL appends nothing. */
void chirp_text_append(chirp_text *t, const char *more);

/** Appends `length` bytes. */
void chirp_text_append_bytes(chirp_text *t, const char *bytes, size_t length);

/** Appends as printf. */
void chirp_text_appendf(chirp_text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void chirp_text_appendv(chirp_text *t, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/** Appends a word in a shell's single quotes, whatever stands in it. */
void chirp_text_append_quoted(chirp_text *t, const char *word);

/** Frees the text, which is empty again. */
void chirp_text_clear(chirp_text *t);

/** A new text as printf; NULL when out of memory. Free with chirp_free(). */
char *chirp_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *chirp_formatv(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/** Appends a word to a text of `size` bytes, behind a separator unless the text is empty; cut to fit. */
void chirp_join(char *text, size_t size, const char *separator, const char *word);

/** Length of the UTF-8 sequence at `text`; 0 if it is none: overlong forms, surrogates and cut sequences are none. */
size_t chirp_utf8_length(const char *text);

/** Replaces bytes that are not UTF-8 by '?'. @return text; NULL for NULL */
char *chirp_utf8_mend(char *text);

/** The line, from 1, of the character `at` in `text`; 1 for NULL. */
size_t chirp_text_line(const char *text, const char *at);

/**
 * Reads the next number of a list such as "1,2,4".
 *
 *     for (const char *at = text; at;)
 *         if (!chirp_next_integer(&at, 1, 64, &number))
 *             return chirp_fail(...);
 *
 * @param at  moves behind the comma; NULL after the last number
 * @return false when no whole number from least to most stands there, with a comma or the end behind it
 */
bool chirp_next_integer(const char **at, int64_t least, int64_t most, int64_t *number);

/** Index of `text` in a table of names of length n, or -1. */
int chirp_name_index(const char *const *names, int n, const char *text);

/** Appends a text from outside for a terminal: control characters and bytes that are not UTF-8 become '?'. */
void chirp_text_append_plain(chirp_text *t, const char *text);

/** Prints it so. @param width  least number of letters, filled up with spaces */
void chirp_print_plain(FILE *stream, int width, const char *text);

/** The same for a cell of a Markdown table, with what Markdown would take for markup escaped. */
void chirp_text_append_markdown(chirp_text *t, const char *text);

#endif

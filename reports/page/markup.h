/**
 * A growing text with the escapes that a page needs. What is written is well-formed XML as well as HTML, so that any
 * XML reader can check a page.
 */
#ifndef CHIRP_REPORTS_PAGE_MARKUP_H
#define CHIRP_REPORTS_PAGE_MARKUP_H

#include "harness/base/status.h"
#include "harness/base/text.h"

/** Starts as {0}. After a failed allocation `failed` stays true and writing does nothing. */
typedef chirp_text chirp_markup;

/** Appends as it is. */
void chirp_markup_raw(chirp_markup *m, const char *text);

/** Appends `length` bytes as they are. */
void chirp_markup_bytes(chirp_markup *m, const char *bytes, size_t length);

/** printf, as it is: for markup and for numbers, not for text from files. */
void chirp_markup_format(chirp_markup *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Appends text from a file: & < > " ' become references; what XML forbids (control characters, bytes that are no
 * UTF-8) becomes U+FFFD. NULL appends nothing.
 */
void chirp_markup_text(chirp_markup *m, const char *text);

/** CHIRP_OK, or CHIRP_ERR_NOMEM when any append failed. */
chirp_status chirp_markup_status(const chirp_markup *m);

/** Frees the text; the markup is empty again. */
void chirp_markup_clear(chirp_markup *m);

#endif

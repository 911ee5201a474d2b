/** Reads a page by an XML parser (expat), and checks what the report promises of it. */
#ifndef CHIRP_TESTS_REPORTS_PAGE_CHECK_H
#define CHIRP_TESTS_REPORTS_PAGE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/** True when the page is well-formed XML that starts as HTML does, and its ids are unique; else prints why. */
bool page_is_well_formed(const char *page);

/** True when nothing points out of the page and nothing runs; else prints what does. */
bool page_is_self_contained(const char *page);

/**
 * True when every <data> element's value is a number of some *.json or *.jsonl file in the folder and its text is a rounding of
 * value times factor; else prints the element. @param count  receives how many there are
 */
bool page_numbers_are_in_files(const char *page, const char *folder, size_t *count);

#endif

/** Any JSON object as a table of its fields, for what has no shape of its own on the page. */
#ifndef CHIRP_REPORTS_SECTIONS_FIELDS_H
#define CHIRP_REPORTS_SECTIONS_FIELDS_H

#include "reports/page/table.h"

/**
 * Adds one row (path, value, unit) for each number, text and truth value below `object`, at most `limit`; numbers are
 * shown by the unit that ends their name (_bytes, _s, _ns, _hz, bytes_per_second, ...). Long arrays are said to be left
 * out; "warnings" are not repeated here.
 */
void chirp_fields(chirp_table *t, const struct cJSON *object, size_t limit);

/** The same without n named fields of the top. */
void chirp_fields_but(chirp_table *t, const struct cJSON *object, const char *const *without,
                      size_t n, size_t limit);

#endif

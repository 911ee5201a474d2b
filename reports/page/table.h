/**
 * Tables of text and numbers, shown as HTML and on a terminal.
 *
 * Every number is written as <data value="V" data-factor="F">T</data>: V is the number as a JSON file of the folder has
 * it, T is V * F rounded for reading. So a reader, a scraper or a test can trace what the page says.
 */
#ifndef CHIRP_REPORTS_PAGE_TABLE_H
#define CHIRP_REPORTS_PAGE_TABLE_H

#include "reports/page/markup.h"

#include <stdint.h>
#include <stdio.h>

struct cJSON;

typedef enum chirp_unit {
    CHIRP_UNIT_PLAIN = 0,        /**< four significant digits */
    CHIRP_UNIT_INTEGER,          /**< 12,345; falls back to plain for fractions */
    CHIRP_UNIT_SECONDS,          /**< value in s; shown in ns, µs, ms, s, min or h */
    CHIRP_UNIT_PERCENT,          /**< value is a fraction */
    CHIRP_UNIT_BYTES,            /**< shown in B, KiB, MiB, GiB */
    CHIRP_UNIT_BYTES_PER_SECOND, /**< shown in MB/s or GB/s */
    CHIRP_UNIT_RATIO,            /**< 1.23 x */
    CHIRP_UNIT_FIXED3,           /**< three decimals: losses, posteriors */
    CHIRP_UNIT_FIXED2,           /**< two decimals: points of efficiency */
    CHIRP_UNIT_FIXED1,           /**< one decimal: GFLOP/s, rates */
    CHIRP_UNIT_SCIENTIFIC,       /**< 1.2e-07: errors */
    CHIRP_UNIT_TIMESTAMP         /**< GPS seconds, all digits that matter */
} chirp_unit;

enum { CHIRP_TABLE_COLUMNS = 16 };

typedef struct chirp_cell {
    char *text;    /**< text or suffix-free shown number; NULL: absent */
    double value;  /**< as in the file */
    double factor; /**< shown = value * factor */
    const char *suffix;
    bool is_number;
} chirp_cell;

typedef struct chirp_table {
    const char *caption;
    const char *header[CHIRP_TABLE_COLUMNS];
    int columns;
    chirp_cell *cell; /**< [rows][columns], row by row */
    size_t used, room;
    bool failed;
} chirp_table;

/** Starts a table; headers end with NULL. The strings must outlive it. */
void chirp_table_begin(chirp_table *t, const char *caption, const char *const *headers);

/** The next cell. Text is copied; control characters and invalid UTF-8 are dealt with when it is shown. */
void chirp_table_text(chirp_table *t, const char *text);

/** The next cell; a number that isn't finite is an absent cell. */
void chirp_table_number(chirp_table *t, double value, chirp_unit unit);

/** The next cell: `value` as the file has it, `scale` of which is in the unit shown (real_time in ns: scale 1e-9, seconds). */
void chirp_table_scaled(chirp_table *t, double value, double scale, chirp_unit unit);

/** The number `key` of `object`, or an absent cell. */
void chirp_table_member(chirp_table *t, const struct cJSON *object, const char *key,
                        chirp_unit unit);

/** Rows that are complete. */
size_t chirp_table_rows(const chirp_table *t);

/** <table> with caption, header cells with scope, numbers right-aligned; columns without any entry are left out. */
void chirp_table_html(const chirp_table *t, chirp_markup *m);

/** Aligned columns; rows past `limit` are counted, not shown. Nothing that a file contains reaches the terminal as a control character. */
void chirp_table_terminal(const chirp_table *t, FILE *out, size_t limit);

void chirp_table_clear(chirp_table *t);

/** One number in running text, as in a cell; "not given" when it isn't finite. */
void chirp_markup_number(chirp_markup *m, double value, chirp_unit unit);

/** The same for a value in the file's unit, `scale` of which is in the unit shown. */
void chirp_markup_scaled(chirp_markup *m, double value, double scale, chirp_unit unit);

/** Shown text of a number: digits in `text`, *factor and *suffix as in chirp_cell. */
void chirp_unit_format(double value, chirp_unit unit, char *text, size_t room, double *factor,
                       const char **suffix);

#endif

#include "reports/page/table.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

void chirp_table_begin(chirp_table *t, const char *caption, const char *const *headers)
{
    *t = (chirp_table){.caption = caption};
    while (headers[t->columns] && t->columns < CHIRP_TABLE_COLUMNS) {
        t->header[t->columns] = headers[t->columns];
        ++t->columns;
    }
}

static chirp_cell *next_cell(chirp_table *t)
{
    if (t->failed)
        return NULL;
    chirp_cell *more = chirp_grow(t->cell, &t->room, t->used, sizeof *more);
    if (!more) {
        t->failed = true;
        return NULL;
    }
    t->cell = more;
    return &t->cell[t->used++];
}

void chirp_table_text(chirp_table *t, const char *text)
{
    chirp_cell *cell = next_cell(t);
    if (cell && text && *text && !(cell->text = chirp_strdup(text)))
        t->failed = true;
}

/* 1234567 -> 1,234,567 in place; room for the commas is the caller's care */
static void group_thousands(char *digits, size_t room)
{
    const size_t start = digits[0] == '-' ? 1 : 0;
    size_t n = strlen(digits);
    for (size_t at = n; at > start + 3;) {
        at -= 3;
        if (n + 2 > room)
            return;
        memmove(digits + at + 1, digits + at, n - at + 1);
        digits[at] = ',';
        ++n;
    }
}

static void four_digits(double x, char *text, size_t room)
{
    const double size = fabs(x);
    if (size != 0 && (size < 1e-4 || size >= 1e7)) {
        (void)snprintf(text, room, "%.3e", x);
        return;
    }
    int decimals = 0;
    for (double limit = 1000; decimals < 7 && size < limit && size != 0; limit /= 10)
        ++decimals;
    (void)snprintf(text, room, "%.*f", decimals, x);
    char *end = text + strlen(text);
    if (strchr(text, '.')) { /* 0.5000 says no more than 0.5 */
        while (end[-1] == '0')
            *--end = '\0';
        if (end[-1] == '.')
            *--end = '\0';
    }
}

static void format_seconds(double size, double *factor, const char **suffix)
{
    static const struct {
        double least, factor;
        const char *suffix;
    } steps[] = {{7200, 1.0 / 3600, " h"}, {120, 1.0 / 60, " min"},   {1, 1, " s"},
                 {1e-3, 1e3, " ms"},       {1e-6, 1e6, " \xC2\xB5s"}, {0, 1e9, " ns"}};
    size_t i = size == 0 ? 2 : 0;
    while (size < steps[i].least && size > 0)
        ++i;
    *factor = steps[i].factor;
    *suffix = steps[i].suffix;
}

static void format_bytes(double size, double *factor, const char **suffix)
{
    static const char *const name[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    int i = 0;
    for (*factor = 1; i < 4 && size * *factor >= 1024; ++i)
        *factor /= 1024;
    *suffix = name[i];
}

/* Digits behind the point of units that have a fixed number of them; -1: four digits in all. */
static int fixed_digits(double size, chirp_unit unit)
{
    switch (unit) {
    case CHIRP_UNIT_FIXED3:
        return size < 1e7 ? 3 : -1;
    case CHIRP_UNIT_FIXED2:
        return size < 1e7 ? 2 : -1;
    case CHIRP_UNIT_FIXED1:
        return size < 1e7 && (size >= 10 || size == 0) ? 1 : -1;
    case CHIRP_UNIT_PERCENT:
        return size < 0.001 && size > 0 ? 3 : 1;
    case CHIRP_UNIT_RATIO:
        return size >= 0.1 ? 2 : 4;
    default:
        return -1;
    }
}

void chirp_unit_format(double value, chirp_unit unit, char *text, size_t room, double *factor,
                       const char **suffix)
{
    const double size = fabs(value);
    const int digits = fixed_digits(size, unit);
    *factor = unit == CHIRP_UNIT_PERCENT ? 100 : 1;
    *suffix = unit == CHIRP_UNIT_PERCENT ? " %" : unit == CHIRP_UNIT_RATIO ? " \xC3\x97" : "";
    if (unit == CHIRP_UNIT_SECONDS) {
        format_seconds(size, factor, suffix);
    } else if (unit == CHIRP_UNIT_BYTES) {
        format_bytes(size, factor, suffix);
    } else if (unit == CHIRP_UNIT_BYTES_PER_SECOND) {
        *factor = size >= 1e9 ? 1e-9 : 1e-6;
        *suffix = size >= 1e9 ? " GB/s" : " MB/s";
    }
    if (unit == CHIRP_UNIT_INTEGER && value == rint(value) && size < 1e15) {
        (void)snprintf(text, room, "%.0f", value);
        group_thousands(text, room);
    } else if (unit == CHIRP_UNIT_SCIENTIFIC) {
        (void)snprintf(text, room, value == 0 ? "0" : "%.1e", value);
    } else if (unit == CHIRP_UNIT_TIMESTAMP) {
        (void)snprintf(text, room, "%.13g", value);
    } else if (digits >= 0) {
        (void)snprintf(text, room, "%.*f", digits, value * *factor);
    } else {
        four_digits(value * *factor, text, room);
    }
}

void chirp_table_scaled(chirp_table *t, double value, double scale, chirp_unit unit)
{
    char text[64];
    chirp_cell *cell = next_cell(t);
    if (!cell || !isfinite(value))
        return;
    cell->is_number = true;
    cell->value = value;
    chirp_unit_format(value * scale, unit, text, sizeof text, &cell->factor, &cell->suffix);
    cell->factor *= scale;
    if (!(cell->text = chirp_strdup(text)))
        t->failed = true;
}

void chirp_table_number(chirp_table *t, double value, chirp_unit unit)
{
    chirp_table_scaled(t, value, 1, unit);
}

void chirp_table_member(chirp_table *t, const cJSON *object, const char *key, chirp_unit unit)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    chirp_table_number(t, cJSON_IsNumber(item) ? item->valuedouble : (double)NAN, unit);
}

size_t chirp_table_rows(const chirp_table *t)
{
    return t->columns ? t->used / (size_t)t->columns : 0;
}

static bool column_numeric(const chirp_table *t, int column)
{
    const size_t rows = chirp_table_rows(t);
    for (size_t row = 0; row < rows; ++row)
        if (t->cell[row * (size_t)t->columns + (size_t)column].is_number)
            return true;
    return false;
}

static bool column_used(const chirp_table *t, int column)
{
    const size_t rows = chirp_table_rows(t);
    for (size_t row = 0; row < rows; ++row)
        if (t->cell[row * (size_t)t->columns + (size_t)column].text)
            return true;
    return false;
}

static void number_html(chirp_markup *m, double value, double factor, const char *text,
                        const char *suffix)
{
    chirp_markup_format(m, "<data value=\"%.17g\"", value);
    if (factor != 1)
        chirp_markup_format(m, " data-factor=\"%.17g\"", factor);
    chirp_markup_format(m, ">%s</data>%s", text, suffix);
}

void chirp_markup_number(chirp_markup *m, double value, chirp_unit unit)
{
    chirp_markup_scaled(m, value, 1, unit);
}

void chirp_markup_scaled(chirp_markup *m, double value, double scale, chirp_unit unit)
{
    char text[64];
    double factor = 1;
    const char *suffix = "";
    if (!isfinite(value)) {
        chirp_markup_raw(m, "not given");
        return;
    }
    chirp_unit_format(value * scale, unit, text, sizeof text, &factor, &suffix);
    number_html(m, value, factor * scale, text, suffix);
}

enum { LONG_LIST = 12 };

void chirp_table_html(const chirp_table *t, chirp_markup *m)
{
    bool used[CHIRP_TABLE_COLUMNS];
    const size_t rows = chirp_table_rows(t);
    if (t->failed) {
        m->failed = true;
        return;
    }
    int shown = 0;
    for (int c = 0; c < t->columns; ++c) {
        used[c] = c == 0 || column_used(t, c);
        shown += used[c];
    }
    /* what scrolls can be reached by keyboard, and says what it is; long lists stand in columns on paper */
    chirp_markup_format(m, "<div class=\"wide%s\" tabindex=\"0\" role=\"region\" aria-label=\"",
                        shown <= 3 && rows > LONG_LIST ? " list" : "");
    chirp_markup_text(m, t->caption);
    chirp_markup_raw(m, "\"><table>\n<caption>");
    chirp_markup_text(m, t->caption);
    chirp_markup_raw(m, "</caption>\n<thead><tr>");
    for (int c = 0; c < t->columns; ++c) {
        if (!used[c])
            continue;
        chirp_markup_format(m, "<th scope=\"col\"%s>", column_numeric(t, c) ? " class=\"n\"" : "");
        chirp_markup_text(m, t->header[c]);
        chirp_markup_raw(m, "</th>");
    }
    chirp_markup_raw(m, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < rows; ++row) {
        chirp_markup_raw(m, "<tr>");
        for (int c = 0; c < t->columns; ++c) {
            const chirp_cell *cell = &t->cell[row * (size_t)t->columns + (size_t)c];
            if (!used[c])
                continue;
            const char *tag = c == 0 ? "th" : "td";
            chirp_markup_format(m, "<%s%s%s>", tag, c == 0 ? " scope=\"row\"" : "",
                                cell->is_number || (!cell->text && column_numeric(t, c))
                                    ? " class=\"n\""
                                : c > 0 ? " class=\"t\""
                                        : "");
            if (cell->is_number)
                number_html(m, cell->value, cell->factor, cell->text, cell->suffix);
            else
                chirp_markup_text(m, cell->text ? cell->text : "\xE2\x80\x93");
            chirp_markup_format(m, "</%s>", tag);
        }
        chirp_markup_raw(m, "</tr>\n");
    }
    chirp_markup_raw(m, "</tbody></table></div>\n");
}

/* Characters that a cell takes on a terminal: one each, whatever the file holds. */
static int shown_width(const char *text)
{
    int width = 0;
    for (const char *p = text; p && *p; ++width) {
        const size_t n = chirp_utf8_length(p);
        p += n ? n : 1;
    }
    return width;
}

static void print_safe(FILE *out, const char *text)
{
    for (const char *p = text; p && *p;) {
        const size_t n = chirp_utf8_length(p);
        const unsigned char c = (unsigned char)*p;
        /* U+0080 to U+009F are control characters too */
        const bool control =
            n == 0 || c < 0x20 || c == 0x7F || (n == 2 && c == 0xC2 && (unsigned char)p[1] < 0xA0);
        if (control)
            (void)fputc('?', out);
        else
            (void)fwrite(p, 1, n, out);
        p += n ? n : 1;
    }
}

static void print_cell(FILE *out, const char *text, const char *suffix, int width, bool left)
{
    const int pad = width - shown_width(text) - shown_width(suffix);
    if (!left)
        (void)fprintf(out, "%*s", pad > 0 ? pad : 0, "");
    print_safe(out, text);
    print_safe(out, suffix);
    if (left)
        (void)fprintf(out, "%*s", pad > 0 ? pad : 0, "");
}

void chirp_table_terminal(const chirp_table *t, FILE *out, size_t limit)
{
    int width[CHIRP_TABLE_COLUMNS] = {0};
    const size_t rows = chirp_table_rows(t);
    const size_t shown = rows < limit ? rows : limit;
    if (t->failed || rows == 0)
        return;
    (void)fprintf(out, "\n");
    print_safe(out, t->caption);
    (void)fprintf(out, "\n");
    for (int c = 0; c < t->columns; ++c) {
        if (c > 0 && !column_used(t, c))
            continue;
        width[c] = shown_width(t->header[c]);
        for (size_t row = 0; row < shown; ++row) {
            const chirp_cell *cell = &t->cell[row * (size_t)t->columns + (size_t)c];
            const int w = (cell->text ? shown_width(cell->text) : 1) +
                          (cell->is_number ? shown_width(cell->suffix) : 0);
            width[c] = w > width[c] ? w : width[c];
        }
    }
    for (size_t row = 0; row <= shown; ++row) {
        (void)fprintf(out, " ");
        for (int c = 0; c < t->columns; ++c) {
            if (width[c] == 0)
                continue;
            const chirp_cell *cell =
                row == 0 ? NULL : &t->cell[(row - 1) * (size_t)t->columns + (size_t)c];
            const char *text = !cell ? t->header[c] : cell->text ? cell->text : "-";
            (void)fprintf(out, " ");
            print_cell(out, text, cell && cell->is_number ? cell->suffix : "", width[c], c == 0);
            (void)fprintf(out, " ");
        }
        (void)fprintf(out, "\n");
    }
    if (shown < rows)
        (void)fprintf(out, "  ... %zu more rows on the page\n", rows - shown);
}

void chirp_table_clear(chirp_table *t)
{
    for (size_t i = 0; i < t->used; ++i)
        chirp_free(t->cell[i].text);
    chirp_free(t->cell);
    t->cell = NULL;
    t->used = t->room = 0;
}

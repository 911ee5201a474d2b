#include "tests/reports/page_check.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"

#include <ctype.h>
#include <dirent.h>
#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IDS = 20000 };

static bool complain(const char *what, const char *at)
{
    (void)fprintf(stderr, "page: %s near: %.120s\n", what, at);
    return false;
}

/* Every id so far; a second one of a name stops the parser. */
typedef struct ids {
    XML_Parser parser;
    char *name[MOST_IDS];
    size_t count;
} ids;

static void XMLCALL note_ids(void *data, const XML_Char *element, const XML_Char **attribute)
{
    ids *all = data;
    (void)element;
    for (; *attribute; attribute += 2) {
        if (strcmp(attribute[0], "id") != 0)
            continue;
        bool good = all->count < MOST_IDS;
        for (size_t i = 0; i < all->count && good; ++i)
            good = strcmp(all->name[i], attribute[1]) != 0;
        char *copy = good ? chirp_strdup(attribute[1]) : NULL;
        if (copy)
            all->name[all->count++] = copy;
        else
            (void)XML_StopParser(all->parser, XML_FALSE);
    }
}

bool page_is_well_formed(const char *page)
{
    static const char doctype[] = "<!DOCTYPE html>";
    static ids all;
    if (strncmp(page, doctype, sizeof doctype - 1) != 0)
        return complain("no doctype", page);
    all = (ids){.parser = XML_ParserCreate("UTF-8")};
    if (!all.parser)
        return complain("no memory for a parser", page);
    XML_SetUserData(all.parser, &all);
    XML_SetStartElementHandler(all.parser, note_ids);
    const bool good = XML_Parse(all.parser, page, (int)strlen(page), XML_TRUE) == XML_STATUS_OK;
    const enum XML_Error error = XML_GetErrorCode(all.parser);
    if (!good)
        (void)complain(error == XML_ERROR_ABORTED ? "an id occurs twice" : XML_ErrorString(error),
                       page + XML_GetCurrentByteIndex(all.parser));
    XML_ParserFree(all.parser);
    for (size_t i = 0; i < all.count; ++i)
        chirp_free(all.name[i]);
    return good;
}

bool page_is_self_contained(const char *page)
{
    static const char *const forbidden[] = {
        "<script", "javascript:", " src=",   "@import",  "<link",
        "<iframe", "<object",     "onload=", "onclick=", "xlink:href"};
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; ++i) {
        const char *at = strstr(page, forbidden[i]);
        if (at)
            return complain("something runs or is fetched", at);
    }
    for (const char *p = page; (p = strstr(p, "href=")); p += 5)
        if (p[6] != '#' && strncmp(p + 6, "data:image/png;base64,", 22) != 0)
            return complain("a link leaves the page", p);
    for (const char *p = page; (p = strstr(p, "url(")); p += 4)
        if (p[4] != '#')
            return complain("a style leaves the page", p);
    return true;
}

typedef struct pool {
    double *x;
    size_t used, room;
} pool;

static void keep(pool *all, double value)
{
    if (all->used == all->room) {
        all->room = all->room ? 2 * all->room : 4096;
        double *more = realloc(all->x, all->room * sizeof *more);
        if (!more)
            abort();
        all->x = more;
    }
    all->x[all->used++] = value;
}

/* Every number outside strings: no JSON parser, so that files with NaN can be read too. */
static void collect_file(const char *path, pool *all)
{
    char *text = NULL;
    if (chirp_file_read(path, &text, NULL) != CHIRP_OK)
        return;
    for (char *p = text; *p;) {
        if (*p == '"') {
            for (++p; *p && *p != '"'; ++p)
                p += *p == '\\' && p[1];
            p += *p == '"';
        } else if (isdigit((unsigned char)*p) || (*p == '-' && isdigit((unsigned char)p[1]))) {
            keep(all, strtod(p, &p));
        } else {
            ++p;
        }
    }
    chirp_free(text);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Is `text` what a rounding of `exact` looks like: off by at most half of its last digit? */
static bool is_rounding(const char *text, double exact)
{
    char digits[64] = "";
    size_t n = 0;
    int decimals = 0;
    bool point = false;
    double power = 0;
    for (const char *p = text; *p && *p != '<' && n < sizeof digits - 1; ++p) {
        if (*p == ',')
            continue;
        if (*p == 'e')
            power = strtod(p + 1, NULL);
        else if (*p == '.' && power == 0)
            point = true;
        else if (isdigit((unsigned char)*p) && !strchr(digits, 'e'))
            decimals += point;
        digits[n++] = *p;
        digits[n] = '\0';
    }
    char *end = NULL;
    const double shown = strtod(digits, &end);
    const double unit = pow(10, power - decimals);
    /* zeros at the end may have been cut, so the last digit can stand for less than it seems; never for more */
    return end && *end == '\0' && n > 0 &&
           fabs(shown - exact) <= 0.5000001 * unit + 1e-12 * fabs(exact);
}

bool page_numbers_are_in_files(const char *page, const char *folder, size_t *count)
{
    pool all = {0};
    bool good = true;
    DIR *directory = opendir(folder);
    const struct dirent *entry = NULL;
    *count = 0;
    while (directory && (entry = readdir(directory))) {
        char path[1024];
        const char *suffix = strrchr(entry->d_name, '.');
        if (!suffix || (strcmp(suffix, ".json") != 0 && strcmp(suffix, ".jsonl") != 0 &&
                        strcmp(suffix, ".partial") != 0))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        collect_file(path, &all);
    }
    if (directory)
        (void)closedir(directory);
    if (all.used)
        qsort(all.x, all.used, sizeof *all.x, by_value);
    for (const char *p = page; good && (p = strstr(p, "<data value=\"")); ++*count) {
        const char *start = p;
        char *end = NULL;
        p += strlen("<data value=\"");
        const double value = strtod(p, &end);
        const char *factor_text = strstr(p, "data-factor=\"");
        const char *close = strchr(p, '>');
        if (!close || *end != '"') {
            good = complain("a number without end", start);
            break;
        }
        const double factor = factor_text && factor_text < close
                                  ? strtod(factor_text + strlen("data-factor=\""), NULL)
                                  : 1;
        if (!all.used || !bsearch(&value, all.x, all.used, sizeof *all.x, by_value))
            good = complain("a number that no file has", start);
        else if (!is_rounding(close + 1, value * factor))
            good = complain("a number that is no rounding of its value", start);
        p = close;
    }
    free(all.x);
    return good;
}

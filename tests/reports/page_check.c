#include "tests/reports/page_check.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64, NAME_BYTES = 32, MOST_IDS = 20000 };

static bool complain(const char *what, const char *at)
{
    (void)fprintf(stderr, "page: %s near: %.120s\n", what, at);
    return false;
}

static bool reference_ok(const char *p)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i)
        if (strncmp(p, known[i], strlen(known[i])) == 0)
            return true;
    return false;
}

/* name="value" or name='value' pairs up to the end of the tag; collects ids. */
static const char *attributes(const char *p, const char **id, size_t *id_length)
{
    *id = NULL;
    for (;;) {
        while (isspace((unsigned char)*p))
            ++p;
        if (*p == '>' || *p == '/')
            return p;
        const char *name = p;
        while (*p && (isalnum((unsigned char)*p) || strchr("-:_", *p)))
            ++p;
        const size_t n = (size_t)(p - name);
        while (isspace((unsigned char)*p))
            ++p;
        if (n == 0 || *p++ != '=')
            return NULL;
        while (isspace((unsigned char)*p))
            ++p;
        const char quote = *p++;
        if (quote != '"' && quote != '\'')
            return NULL;
        const char *value = p;
        while (*p && *p != quote) {
            if (*p == '<' || (*p == '&' && !reference_ok(p)))
                return NULL;
            ++p;
        }
        if (!*p)
            return NULL;
        if (n == 2 && strncmp(name, "id", 2) == 0) {
            *id = value;
            *id_length = (size_t)(p - value);
        }
        ++p;
    }
}

bool page_is_well_formed(const char *page)
{
    static char open[DEEPEST][NAME_BYTES];
    static const char *ids[MOST_IDS];
    static size_t lengths[MOST_IDS];
    size_t n_ids = 0;
    int depth = 0;
    const char *p = page;
    if (strncmp(p, "<!DOCTYPE html>", 15) != 0)
        return complain("no doctype", p);
    p += 15;
    while (*p) {
        if (*p == '&' && !reference_ok(p))
            return complain("unknown reference", p);
        if (strncmp(p, "]]>", 3) == 0) /* a lone > is fine in text, this is not */
            return complain("end of a section that never began", p);
        if (*p != '<') {
            ++p;
            continue;
        }
        const bool closes = p[1] == '/';
        const char *name = p + 1 + closes;
        size_t n = 0;
        while (isalnum((unsigned char)name[n]))
            ++n;
        if (n == 0 || n >= NAME_BYTES)
            return complain("no tag name", p);
        if (closes) {
            if (depth == 0 || strncmp(open[depth - 1], name, n) != 0 || open[depth - 1][n])
                return complain("closing tag without its opening tag", p);
            --depth;
            if (name[n] != '>')
                return complain("unfinished closing tag", p);
            p = name + n + 1;
            continue;
        }
        const char *id = NULL;
        size_t id_length = 0;
        const char *end = attributes(name + n, &id, &id_length);
        if (!end)
            return complain("attribute without quotes", p);
        if (id) {
            for (size_t i = 0; i < n_ids; ++i)
                if (lengths[i] == id_length && strncmp(ids[i], id, id_length) == 0)
                    return complain("id occurs twice", id);
            if (n_ids == MOST_IDS)
                return complain("too many ids to check", id);
            ids[n_ids] = id;
            lengths[n_ids++] = id_length;
        }
        if (*end == '/') {
            if (end[1] != '>')
                return complain("unfinished empty tag", p);
            p = end + 2;
            continue;
        }
        if (depth == DEEPEST)
            return complain("tags nest too deeply", p);
        memcpy(open[depth], name, n);
        open[depth++][n] = '\0';
        p = end + 1;
    }
    return depth == 0 ? true : complain("tag never closed", open[depth - 1]);
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

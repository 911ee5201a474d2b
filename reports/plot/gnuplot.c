#include "reports/plot/gnuplot.h"

#include "harness/base/memory.h"
#include "harness/base/process.h"
#include "harness/base/scratch.h"
#include "harness/json/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Contrast with both white and #14171c is at least 3:1 each. */
const char *const chirp_plot_colour[CHIRP_PLOT_COLOURS] = {
    "#2b7fd4", "#d9660b", "#23935f", "#a65bc9", "#d1425a", "#8a7a00", "#0e8f9c", "#7d7f86"};

/* Runs gnuplot on three plain files: no pipe can fill up. */
static chirp_status run(FILE *script, FILE *out, FILE *err, int *exit_code)
{
    /* -d: default settings, not those of the user's ~/.gnuplot */
    char name[] = "gnuplot";
    char defaults[] = "-d";
    char input[] = "-";
    char *argv[] = {name, defaults, input, NULL};
    const chirp_command_line line = {
        .argv = argv, .in = fileno(script), .out = fileno(out), .err = fileno(err)};
    chirp_process process;
    char reason[200];
    const chirp_status st = chirp_process_start(&line, &process);
    if (st != CHIRP_OK) {
        (void)snprintf(reason, sizeof reason, "%s", chirp_error_message());
        return chirp_fail(st, "%s: install Debian package gnuplot-nox for the plots", reason);
    }
    *exit_code = chirp_process_exit_code(chirp_process_wait(&process));
    return CHIRP_OK;
}

static chirp_status slurp(FILE *file, char **text)
{
    if (fseek(file, 0, SEEK_END) != 0)
        return chirp_fail(CHIRP_ERR_IO, "temporary file: %s", strerror(errno));
    const long size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
        return chirp_fail(CHIRP_ERR_IO, "temporary file: %s", strerror(errno));
    if (!(*text = chirp_alloc((size_t)size + 1)))
        return CHIRP_ERR_NOMEM;
    const size_t got = fread(*text, 1, (size_t)size, file);
    (*text)[got] = '\0';
    return CHIRP_OK;
}

static chirp_status converse(const char *script, char **out, char **err, int *exit_code)
{
    FILE *file[3] = {NULL};
    chirp_status st = CHIRP_OK;
    for (int i = 0; st == CHIRP_OK && i < 3; ++i)
        st = chirp_scratch_open(&file[i]);
    if (st == CHIRP_OK &&
        (fputs(script, file[0]) < 0 || fflush(file[0]) != 0 || fseek(file[0], 0, SEEK_SET) != 0))
        st = chirp_fail(CHIRP_ERR_IO, "can't write a temporary file for gnuplot: %s",
                        strerror(errno));
    if (st == CHIRP_OK)
        st = run(file[0], file[1], file[2], exit_code);
    if (st == CHIRP_OK)
        st = slurp(file[1], out);
    if (st == CHIRP_OK)
        st = slurp(file[2], err);
    for (int i = 0; i < 3; ++i)
        if (file[i])
            (void)fclose(file[i]);
    return st;
}

chirp_status chirp_gnuplot_available(void)
{
    char *out = NULL;
    char *err = NULL;
    int code = 0;
    const chirp_status st = converse("exit\n", &out, &err, &code);
    chirp_free(out);
    chirp_free(err);
    return st;
}

void chirp_gnuplot_quote(chirp_markup *script, const char *text)
{
    chirp_markup_raw(script, "'");
    for (const char *p = text; p && *p;) {
        const size_t n = chirp_utf8_length(p);
        const unsigned char c = (unsigned char)*p;
        if (n == 0 || c < 0x20 || c == 0x7F || strchr("'`\\\"$@#", *p))
            chirp_markup_raw(script, "?");
        else
            chirp_markup_bytes(script, p, n);
        p += n ? n : 1;
    }
    chirp_markup_raw(script, "'");
}

/* One rewriting rule: where `from` stands, write `to`, with the id prefix behind it when asked. */
typedef struct rule {
    const char *from, *to;
    bool prefix;
} rule;

static const rule rules[] = {
    {"id='", "id='", true},
    {"id=\"", "id=\"", true},
    {"xlink:href='#", "href='#", true},
    {"xlink:href=\"#", "href=\"#", true},
    {"xlink:href='data:", "href='data:", false},
    {"url(#", "url(#", true},
    {"color=\"black\"", "color=\"inherit\"", false},
    {"stroke=\"black\"", "stroke=\"currentColor\"", false},
    {"stroke='black'", "stroke='currentColor'", false},
    {"fill=\"black\"", "fill=\"currentColor\"", false},
    {"fill='black'", "fill='currentColor'", false},
};

/* What a plot without a title is called is gnuplot's number or expression: no name for a reader. */
static bool is_name(const char *title)
{
    const size_t length = strcspn(title, "<");
    return strncmp(title, "gnuplot", 7) != 0 && !memchr(title, '$', length);
}

static void rewrite(const char *body, const char *id, chirp_markup *svg)
{
    for (const char *p = body; *p;) {
        const char *tag = strpbrk(p, "<iuxcsf");
        if (!tag) {
            chirp_markup_raw(svg, p);
            return;
        }
        chirp_markup_bytes(svg, p, (size_t)(tag - p));
        p = tag;
        /* gnuplot opens a group for every pen change and closes most of them unused */
        if (strncmp(p, "<g ", 3) == 0) {
            const char *end = strchr(p, '>');
            const char *next = end ? end + 1 + strspn(end + 1, " \t\r\n") : NULL;
            if (next && strncmp(next, "</g>", 4) == 0) {
                p = next + 4 + strspn(next + 4, "\r\n");
                continue;
            }
        }
        if (strncmp(p, "<title>", 7) == 0 && !is_name(p + 7)) {
            const char *end = strstr(p, "</title>");
            p = end ? end + strlen("</title>") : p + 7;
            continue;
        }
        /* of several plots in one picture each counts from 1 */
        if (strncmp(p, "id=\"gnuplot_plot_", 17) == 0) {
            p += strcspn(p, ">");
            continue;
        }
        size_t k = 0;
        for (; k < sizeof rules / sizeof rules[0]; ++k)
            if (strncmp(p, rules[k].from, strlen(rules[k].from)) == 0)
                break;
        if (k == sizeof rules / sizeof rules[0]) {
            chirp_markup_bytes(svg, p++, 1);
            continue;
        }
        chirp_markup_raw(svg, rules[k].to);
        if (rules[k].prefix)
            chirp_markup_format(svg, "%s-", id);
        p += strlen(rules[k].from);
    }
}

chirp_status chirp_gnuplot_svg(const char *id, const char *title, int width, int height,
                               const char *script, chirp_markup *svg)
{
    chirp_markup whole = {0};
    char *out = NULL;
    char *err = NULL;
    int code = 0;
    chirp_markup_format(
        &whole,
        "set terminal svg size %d,%d dynamic standalone font 'sans-serif,13'\nset encoding utf8\n",
        width, height);
    chirp_markup_raw(&whole, script);
    chirp_status st = chirp_markup_status(&whole);
    if (st == CHIRP_OK)
        st = converse(whole.bytes, &out, &err, &code);
    chirp_markup_clear(&whole);
    const char *start = st == CHIRP_OK ? strstr(out, "<svg") : NULL;
    const char *body = start ? strstr(start, "</desc>") : NULL;
    if (st == CHIRP_OK && (code != 0 || !body || !strstr(body, "</svg>"))) {
        const char *complaint = err + strspn(err, " \t\r\n");
        const char *line = strstr(complaint, "line ");
        st = chirp_fail(CHIRP_ERR_LIBRARY, "gnuplot: plot '%s': %.300s", title,
                        line         ? line
                        : *complaint ? complaint
                                     : "no output");
    }
    if (st == CHIRP_OK) {
        chirp_markup_format(svg,
                            "<svg viewBox=\"0 0 %d %d\" xmlns=\"http://www.w3.org/2000/svg\" "
                            "role=\"img\" aria-labelledby=\"%s-t\">\n"
                            "<title id=\"%s-t\">",
                            width, height, id, id);
        chirp_markup_text(svg, title);
        chirp_markup_raw(svg, "</title>");
        rewrite(body + strlen("</desc>"), id, svg);
        st = chirp_markup_status(svg);
    }
    chirp_free(out);
    chirp_free(err);
    return st;
}

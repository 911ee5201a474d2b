#include "reports/draw/draw.h"

#include "harness/stats/stats.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

chirp_section_place chirp_section_begin(chirp_report *r, const char *id, const char *title)
{
    chirp_section_place place = {.contents = r->contents.used, .body = r->body.used};
    chirp_markup_format(&r->contents, "<a href=\"#%s\">%s</a>\n", id, title);
    chirp_markup_format(&r->body,
                        "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">%s</h2>\n",
                        id, id, id, title);
    place.content = r->body.used;
    r->heading = title;
    r->subject[0] = '\0';
    return place;
}

static void cut(chirp_markup *m, size_t length)
{
    m->used = length;
    if (m->bytes)
        m->bytes[length] = '\0';
}

void chirp_section_end(chirp_report *r, chirp_section_place place)
{
    if (r->body.used > place.content) {
        chirp_markup_raw(&r->body, "</section>\n");
        return;
    }
    cut(&r->contents, place.contents);
    cut(&r->body, place.body);
}

void chirp_report_say(chirp_report *r, const char *html)
{
    chirp_markup_format(&r->body, "<p>%s</p>\n", html);
}

void chirp_report_source(chirp_report *r, const chirp_result_file *file)
{
    chirp_markup_raw(&r->body, "<p class=\"source\">From <code>");
    chirp_markup_text(&r->body, file->name);
    chirp_markup_raw(&r->body, "</code>");
    if (file->document.note) {
        chirp_markup_raw(&r->body, ": ");
        chirp_markup_text(&r->body, file->document.note);
    }
    chirp_markup_raw(&r->body, "</p>\n");
}

void chirp_report_problem(chirp_report *r, const char *sentence)
{
    ++r->n_problems;
    chirp_markup_raw(&r->problems, "<li>");
    chirp_markup_text(&r->problems, sentence);
    chirp_markup_raw(&r->problems, "</li>\n");
    if (r->problems_out)
        (void)fprintf(r->problems_out, "chirpbench: %s\n", sentence);
}

void chirp_figures_begin(chirp_report *r)
{
    chirp_markup_raw(&r->body, "<div class=\"figures\">\n");
}

void chirp_figures_end(chirp_report *r) { chirp_markup_raw(&r->body, "</div>\n"); }

void chirp_report_subject(chirp_report *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(r->subject, sizeof r->subject, format, args);
    va_end(args);
    (void)chirp_utf8_mend(r->subject); /* may have been cut */
}

void chirp_report_figure(chirp_report *r, const char *title, const char *caption, int width,
                         int height, chirp_markup *script)
{
    char id[32];
    chirp_markup svg = {0};
    char name[400];
    (void)snprintf(id, sizeof id, "plot%d", ++r->figures);
    (void)snprintf(name, sizeof name, "%.230s%s%s", title, r->subject[0] ? ": " : "", r->subject);
    chirp_markup_raw(&r->body, "<figure>\n");
    if (chirp_markup_status(script) != CHIRP_OK) {
        r->body.failed = true;
    } else if (!r->plots) {
        chirp_markup_raw(&r->body, "<p class=\"missing\">No plot: gnuplot can't be run here "
                                   "(Debian package gnuplot-nox). The table "
                                   "has the numbers.</p>\n");
    } else if (chirp_gnuplot_svg(id, name, width, height, script->bytes, &svg) != CHIRP_OK) {
        chirp_report_problem(r, chirp_error_message());
        chirp_markup_raw(
            &r->body,
            "<p class=\"missing\">No plot: gnuplot failed. The table has the numbers.</p>\n");
    } else {
        chirp_markup_bytes(&r->body, svg.bytes, svg.used);
    }
    chirp_markup_format(&r->body, "<figcaption>%s</figcaption>\n</figure>\n", caption);
    chirp_markup_clear(&svg);
    chirp_markup_clear(script);
}

void chirp_report_table(chirp_report *r, chirp_table *t, size_t terminal_rows)
{
    enum { FOLD_AT = 24 };
    const size_t rows = chirp_table_rows(t);
    if (rows > 0 || t->failed) {
        const bool fold = rows > FOLD_AT;
        if (fold) {
            chirp_markup_raw(&r->body, "<details><summary>Table: ");
            chirp_markup_text(&r->body, t->caption);
            chirp_markup_raw(&r->body, "</summary>\n");
        }
        chirp_table_html(t, &r->body);
        if (fold)
            chirp_markup_raw(&r->body, "</details>\n");
        if (r->tables && terminal_rows) {
            if (r->heading)
                (void)fprintf(r->tables, "\n== %s ==\n", r->heading);
            r->heading = NULL;
            chirp_table_terminal(t, r->tables, terminal_rows);
        }
    }
    chirp_table_clear(t);
}

double chirp_report_derived(chirp_report *r, double value, const char *name, ...)
{
    char key[256];
    char digits[32];
    va_list args;
    if (!isfinite(value))
        return value;
    va_start(args, name);
    (void)vsnprintf(key, sizeof key, name, args);
    va_end(args);
    /* twelve digits: what report.json prints is then exactly what the page shows */
    (void)snprintf(digits, sizeof digits, "%.12g", value);
    value = strtod(digits, NULL);
    cJSON_DeleteItemFromObjectCaseSensitive(r->derived, key);
    if (!cJSON_AddNumberToObject(r->derived, key, value))
        r->body.failed = true;
    return value;
}

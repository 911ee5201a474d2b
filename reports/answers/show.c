/* Answers as HTML and on a terminal. */
#include "reports/answers/answers.h"

#include <math.h>
#include <string.h>

/* "0.66 (90 % interval 0.43 to 0.90)": the page's numbers go through report.json. */
static void number_html(chirp_report *r, const char *id, const chirp_answer_number *n,
                        chirp_markup *m)
{
    chirp_markup_raw(m, "<div><dt>");
    chirp_markup_text(m, n->label);
    chirp_markup_raw(m, "</dt><dd><span class=\"value\">");
    chirp_markup_number(m, chirp_report_derived(r, n->value, "answer/%s/%s", id, n->label),
                        n->unit);
    chirp_markup_format(m, "%s</span>", n->unit_text);
    if (isfinite(n->low)) {
        chirp_markup_raw(m, " <span class=\"range\">");
        chirp_markup_number(m, chirp_report_derived(r, n->low, "answer/%s/%s/from", id, n->label),
                            n->unit);
        chirp_markup_raw(m, " to ");
        chirp_markup_number(m, chirp_report_derived(r, n->high, "answer/%s/%s/to", id, n->label),
                            n->unit);
        chirp_markup_format(m, "%s, ", n->unit_text);
        chirp_markup_text(m, n->interval);
        chirp_markup_raw(m, "</span>");
    }
    chirp_markup_raw(m, "</dd></div>\n");
}

static bool has_section(const chirp_report *r, const char *id)
{
    char link[64];
    (void)snprintf(link, sizeof link, "href=\"#%s\"", id);
    return r->contents.bytes && strstr(r->contents.bytes, link);
}

static void answer_html(chirp_report *r, const chirp_answer *a, chirp_markup *m)
{
    chirp_markup_format(m,
                        "<section class=\"answer\" aria-labelledby=\"answer-%s\">\n<h2 "
                        "id=\"answer-%s\">%s</h2>\n",
                        a->id, a->id, a->question);
    if (a->verdict.used || has_section(r, a->section)) {
        chirp_markup_raw(m, "<p>");
        chirp_markup_text(m, a->verdict.bytes);
        if (has_section(r, a->section))
            chirp_markup_format(m, "<a href=\"#%s\" aria-label=\"Details: %s\">Details</a>",
                                a->section, a->question);
        chirp_markup_raw(m, "</p>\n");
    }
    if (a->count) {
        chirp_markup_raw(m, "<dl>\n");
        for (int i = 0; i < a->count; ++i)
            number_html(r, a->id, &a->number[i], m);
        chirp_markup_raw(m, "</dl>\n");
    }
    if (a->missing) {
        chirp_markup_format(m, "<p class=\"lacking\">%s Made by <code>", a->missing);
        chirp_markup_text(m, a->command.bytes);
        chirp_markup_raw(m, "</code></p>\n");
    }
    chirp_markup_raw(m, "</section>\n");
}

static void badge_html(const chirp_answers *answers, chirp_markup *m)
{
    chirp_markup_raw(m, answers->doubts ? "<details class=\"badge doubtful\"><summary>"
                                        : "<p class=\"badge\">");
    chirp_markup_text(m, answers->badge.bytes);
    if (answers->doubts) {
        chirp_markup_format(m, " <span class=\"tag doubt\">%d doubt%s: trust ratios</span>",
                            answers->doubts, answers->doubts == 1 ? "" : "s");
        chirp_markup_raw(m, "</summary>\n<ul>\n");
        for (int i = 0; i < answers->doubts; ++i) {
            chirp_markup_raw(m, "<li>");
            chirp_markup_text(m, answers->doubt[i]);
            chirp_markup_raw(m, "</li>\n");
        }
        chirp_markup_raw(m, "</ul></details>\n");
    } else {
        chirp_markup_raw(m, "</p>\n");
    }
}

void chirp_answers_html(const chirp_answers *answers, chirp_report *r, chirp_markup *page)
{
    badge_html(answers, page);
    chirp_markup_raw(page, "<div class=\"answers\">\n");
    for (int i = 0; i < CHIRP_ANSWERS; ++i)
        answer_html(r, &answers->answer[i], page);
    chirp_markup_raw(page, "</div>\n");
}

static void number_plain(chirp_text *t, const chirp_answer_number *n)
{
    const double end[] = {n->value, n->low, n->high};
    char shown[3][64] = {"", "", ""};
    const char *suffix[3] = {"", "", ""};
    for (int i = 0; i < 3 && isfinite(end[i]); ++i) {
        double factor = 1;
        chirp_unit_format(end[i], n->unit, shown[i], sizeof shown[i], &factor, &suffix[i]);
    }
    chirp_text_append_plain(t, n->label);
    chirp_text_appendf(t, " %s%s%s", shown[0], suffix[0], n->unit_text);
    if (isfinite(n->low))
        chirp_text_appendf(t, " (%s%s to %s%s)", shown[1],
                           strcmp(suffix[1], suffix[2]) == 0 ? "" : suffix[1], shown[2], suffix[2]);
}

void chirp_answers_terminal(const chirp_answers *answers, FILE *out)
{
    chirp_text t = {0};
    for (int i = 0; i < CHIRP_ANSWERS; ++i) {
        const chirp_answer *a = &answers->answer[i];
        chirp_text_appendf(&t, "%s%s", i ? "" : "\n", a->question);
        for (int k = 0; k < a->count; ++k) {
            chirp_text_append(&t, k ? "; " : " ");
            number_plain(&t, &a->number[k]);
        }
        chirp_text_append(&t, "\n  ");
        if (a->verdict.used)
            chirp_text_append_plain(&t, a->verdict.bytes);
        if (a->missing && a->count == 0) { /* what is only incomplete, the page says */
            chirp_text_append(&t, a->missing);
            chirp_text_append(&t, " Made by ");
            chirp_text_append_plain(&t, a->command.bytes);
        }
        chirp_text_append(&t, "\n");
    }
    if (!t.failed)
        (void)fputs(t.bytes, out);
    chirp_text_clear(&t);
}

/* The frame of the page: head, style, contents, sections, files, foot. */
#include "reports/report.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "reports/answers/answers.h"
#include "reports/page/style.h"
#include "reports/files/published.h"
#include "reports/sections/machine.h"
#include "reports/sections/sections.h"

#include <cjson/cJSON.h>
#include <string.h>

static void write_files(chirp_report *r)
{
    static const char *const headers[] = {"file", "what", "remark", NULL};
    chirp_table t;
    const chirp_section_place place = chirp_section_begin(r, "files", "Files");
    chirp_report_say(
        r, "Every number above stands in one of these files or, where the page computed it, in "
           "<code>report.json</code>; the exact value is the <code>value</code> attribute of its "
           "<code>data</code> element.");
    chirp_table_begin(&t, "What the page was made from", headers);
    for (size_t i = 0; i < r->results.count; ++i) {
        const chirp_result_file *file = &r->results.file[i];
        chirp_table_text(&t, file->name);
        chirp_table_text(&t, file->error ? "not used" : chirp_document_title(file->document.kind));
        chirp_table_text(&t, file->error ? file->error : file->document.note);
    }
    chirp_report_table(r, &t, 0);
    chirp_section_end(r, place);
}

static void write_head(const chirp_report *r, chirp_markup *page)
{
    const char *machine = chirp_report_machine_name(&r->results);
    chirp_markup_raw(
        page, "<!DOCTYPE html>\n<html lang=\"en\" "
              "xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
              "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>chirpbench report");
    if (machine) {
        chirp_markup_raw(page, ": ");
        chirp_markup_text(page, machine);
    }
    chirp_markup_format(page,
                        "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>chirpbench</"
                        "h1>\n<p class=\"lead\">A Bayesian neural network on gravitational waves, "
                        "trained, timed and scaled.</p>\n",
                        chirp_page_style);
    if (r->problems.used) {
        chirp_markup_raw(
            page,
            "<div class=\"problems\" role=\"alert\"><p>Not everything could be used:</p><ul>\n");
        chirp_markup_bytes(page, r->problems.bytes, r->problems.used);
        chirp_markup_raw(page, "</ul></div>\n");
    }
    chirp_markup_bytes(page, r->answers.bytes, r->answers.used);
    chirp_markup_raw(page, "<nav aria-label=\"Sections\">\n");
    chirp_markup_raw(page, r->contents.bytes);
    chirp_markup_raw(page, "</nav>\n</header>\n<main>\n");
}

static void write_foot(const chirp_report *r, chirp_markup *page)
{
    chirp_markup_raw(page, "</main>\n<footer><p>Written by <code>chirpbench report</code>");
    if (r->options->version) {
        chirp_markup_raw(page, " ");
        chirp_markup_text(page, r->options->version);
    }
    chirp_markup_raw(page, ". The network and the 75 % are those of Shen, Huerta, Zhao, Jennings "
                           "and Sharma, arXiv:1903.01998v2.</p></footer>\n"
                           "</body>\n</html>\n");
}

/* Where the page will be; free with chirp_free(). NULL without memory. */
static char *page_path(const chirp_report *r)
{
    if (r->options->page)
        return chirp_strdup(r->options->page);
    const size_t room = strlen(r->results.folder) + 32;
    char *path = chirp_alloc(room);
    if (path)
        (void)snprintf(path, room, "%s/report.html", r->results.folder);
    return path;
}

/* Before tables are printed and plots are made. */
static chirp_status check_page(const chirp_report *r)
{
    char *path = page_path(r);
    const chirp_status st = path ? chirp_file_writable(path) : CHIRP_ERR_NOMEM;
    chirp_free(path);
    return st;
}

static chirp_status write_derived(const chirp_report *r)
{
    const size_t room = strlen(r->results.folder) + 32;
    char *path = chirp_alloc(room);
    char *text = chirp_json_print(r->derived);
    chirp_status st =
        path && text ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "no memory for report.json");
    if (st == CHIRP_OK) {
        (void)snprintf(path, room, "%s/report.json", r->results.folder);
        st = chirp_file_write(path, text, strlen(text));
    }
    cJSON_free(text);
    chirp_free(path);
    return st;
}

static chirp_status write_page(chirp_report *r)
{
    chirp_markup page = {0};
    char *path = page_path(r);
    if (!path)
        return CHIRP_ERR_NOMEM;
    write_head(r, &page);
    chirp_markup_raw(&page, r->body.bytes);
    write_foot(r, &page);
    page.failed = page.failed || r->body.failed || r->answers.failed || r->contents.failed ||
                  r->problems.failed;
    chirp_status st = chirp_markup_status(&page);
    if (st == CHIRP_OK)
        st = chirp_file_write(path, page.bytes, page.used);
    chirp_markup_clear(&page);
    chirp_free(path);
    return st;
}

/* On the page, and behind the tables on the terminal. */
static chirp_status answer(chirp_report *r)
{
    chirp_answers answers;
    const chirp_status st =
        chirp_answers_find(&r->results, chirp_report_machine_name(&r->results), &answers);
    if (st == CHIRP_OK)
        chirp_answers_html(&answers, r, &r->answers);
    if (st == CHIRP_OK && r->tables)
        chirp_answers_terminal(&answers, r->tables);
    chirp_answers_release(&answers);
    return st;
}

chirp_status chirp_report_answers(const char *folder, FILE *out)
{
    chirp_result_files results = {0};
    chirp_answers answers = {0};
    chirp_status st = chirp_result_files_read(folder, &results);
    if (st == CHIRP_OK)
        st = chirp_answers_find(&results, chirp_report_machine_name(&results), &answers);
    if (st == CHIRP_OK)
        chirp_answers_terminal(&answers, out);
    chirp_answers_release(&answers);
    chirp_result_files_release(&results);
    return st;
}

chirp_status chirp_report_write(const chirp_report_options *options, int *n_problems)
{
    chirp_report r = {
        .options = options, .tables = options->tables, .problems_out = options->problems};
    const size_t refused = chirp_memory_refusals();
    chirp_status st = chirp_result_files_read(options->folder, &r.results);
    if (st == CHIRP_OK)
        st = check_page(&r);
    if (st == CHIRP_OK)
        st = chirp_published_complete(&r.results);
    if (st == CHIRP_OK && !(r.derived = cJSON_CreateObject()))
        st = chirp_fail(CHIRP_ERR_NOMEM, "no memory for the page");
    if (st == CHIRP_OK) {
        for (size_t i = 0; i < r.results.count; ++i)
            if (r.results.file[i].error)
                chirp_report_problem(&r, r.results.file[i].error);
        r.plots = chirp_gnuplot_available() == CHIRP_OK;
        if (!r.plots)
            chirp_report_problem(&r, chirp_error_message());
        chirp_sections_draw(&r);
        write_files(&r);
        st = answer(&r);
    }
    if (st == CHIRP_OK)
        /* what looks absent without memory, a section, a plot, a row, may be there */
        st = chirp_memory_refusals() == refused
                 ? write_derived(&r)
                 : chirp_fail(CHIRP_ERR_NOMEM, "no memory for the page, which is not written");
    if (st == CHIRP_OK)
        st = write_page(&r);
    *n_problems = r.n_problems;
    cJSON_Delete(r.derived);
    chirp_markup_clear(&r.contents);
    chirp_markup_clear(&r.answers);
    chirp_markup_clear(&r.body);
    chirp_markup_clear(&r.problems);
    chirp_result_files_release(&r.results);
    return st;
}

/** What a section writes with: the page so far, and the parts that pages consist of. It knows no section. */
#ifndef CHIRP_REPORTS_DRAW_DRAW_H
#define CHIRP_REPORTS_DRAW_DRAW_H

#include "reports/page/markup.h"
#include "reports/page/table.h"
#include "reports/plot/gnuplot.h"
#include "reports/files/result_files.h"

#include <cjson/cJSON.h>
#include <stdio.h>

typedef struct chirp_report {
    const struct chirp_report_options *options; /**< report.h; for the frame only */
    FILE *tables;                               /**< where tables are printed too; NULL: nowhere */
    FILE *problems_out;                         /**< a line for each problem; NULL: nowhere */
    chirp_result_files results;
    chirp_markup contents; /**< links to the sections */
    chirp_markup answers;  /**< the first screen */
    chirp_markup body;
    cJSON *derived;      /**< object: what the page computed, by name */
    bool plots;          /**< gnuplot can be run */
    int figures;         /**< so far: makes ids unique */
    char subject[160];   /**< what the figures are about: chirp_report_subject() */
    const char *heading; /**< of the section, until a table of it was printed to the terminal */
    int n_problems;
    chirp_markup problems; /**< list items */
} chirp_report;

/** A section that may turn out to be empty. */
typedef struct chirp_section_place {
    size_t contents, body, content; /**< lengths before the section, and after its heading */
} chirp_section_place;

/** Opens a section. @param id  letters, digits, '-' */
chirp_section_place chirp_section_begin(chirp_report *r, const char *id, const char *title);

/** Closes it, or takes it back when nothing was written since. */
void chirp_section_end(chirp_report *r, chirp_section_place place);

/** A paragraph of our own words: HTML, not escaped. */
void chirp_report_say(chirp_report *r, const char *html);

/** "From FILE" with its note if it has one. */
void chirp_report_source(chirp_report *r, const chirp_result_file *file);

/** What the figures that follow are about (printf): part of their names, so that each has one of its own. "" and a new section end it. */
void chirp_report_subject(chirp_report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Runs gnuplot and adds the figure; a plot that fails is one problem and one line on the page in its place.
 * @param caption  our own words, HTML
 * @param script   consumed: cleared in every case
 */
void chirp_report_figure(chirp_report *r, const char *title, const char *caption, int width,
                         int height, chirp_markup *script);

/** Adds the table to the page and to the terminal, then clears it. Long tables are folded. @param terminal_rows  at most; 0: none */
void chirp_report_table(chirp_report *r, chirp_table *t, size_t terminal_rows);

/** Figures side by side where the page is wide enough. */
void chirp_figures_begin(chirp_report *r);
void chirp_figures_end(chirp_report *r);

/** Remembers a number that the page computed, so that report.json has it; returns it. */
double chirp_report_derived(chirp_report *r, double value, const char *name, ...)
    __attribute__((format(printf, 3, 4)));

/** Counts a problem: a line on problems_out, an item on the page. */
void chirp_report_problem(chirp_report *r, const char *sentence);

#endif

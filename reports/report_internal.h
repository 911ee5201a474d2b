/** Shared by the sections of the page: a section looks for its files and writes nothing when there are none. */
#ifndef CHIRP_REPORTS_REPORT_INTERNAL_H
#define CHIRP_REPORTS_REPORT_INTERNAL_H

#include "reports/page/markup.h"
#include "reports/page/table.h"
#include "reports/plot/gnuplot.h"
#include "reports/report.h"
#include "reports/files/result_files.h"

#include <cjson/cJSON.h>

typedef struct chirp_report {
    const chirp_report_options *options;
    chirp_result_files results;
    chirp_markup contents; /**< links to the sections */
    chirp_markup cards;    /**< the few numbers at the top */
    chirp_markup body;
    cJSON *derived; /**< object: what the page computed, by name */
    bool plots;     /**< gnuplot can be run */
    int figures;    /**< so far: makes ids unique */
    int n_problems;
    chirp_markup problems; /**< list items */
} chirp_report;

/** Opens a section. @param id  letters, digits, '-' */
void chirp_section_begin(chirp_report *r, const char *id, const char *title);
void chirp_section_end(chirp_report *r);

/** A paragraph of our own words: HTML, not escaped. */
void chirp_report_say(chirp_report *r, const char *html);

/** "From FILE" with its note if it has one. */
void chirp_report_source(chirp_report *r, const chirp_result_file *file);

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

/** One of the few numbers at the top; `scale` as in chirp_table_scaled(). @param note  plain text, may hold names from files: it is escaped */
void chirp_report_card(chirp_report *r, const char *title, double value, double scale,
                       chirp_unit unit, const char *unit_text, const char *note);

/** Remembers a number that the page computed, so that report.json has it; returns it. */
double chirp_report_derived(chirp_report *r, double value, const char *name, ...)
    __attribute__((format(printf, 3, 4)));

/** Counts a problem: a line on options->problems, an item on the page. */
void chirp_report_problem(chirp_report *r, const char *sentence);

/* The sections, in the order of the page. */
void chirp_section_steps(chirp_report *r);
void chirp_section_machine(chirp_report *r);
void chirp_section_kernels(chirp_report *r);
void chirp_section_ledger(chirp_report *r);
void chirp_section_roofline(chirp_report *r);
void chirp_section_training(chirp_report *r);
void chirp_section_posterior(chirp_report *r);
void chirp_section_signal(chirp_report *r);
void chirp_section_scaling(chirp_report *r);
void chirp_section_other(chirp_report *r);

/** The machine's name from whatever file says it, or NULL. */
const char *chirp_report_machine_name(const chirp_report *r);

#endif

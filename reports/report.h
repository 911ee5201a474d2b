/**
 * One self-contained HTML page from a folder of result files: no script, no external resource, plots as inline SVG, a
 * table beside every plot. Sections appear when their file does.
 *
 * Every number on the page is in a JSON file of the folder. What the page computes itself (ratios, medians) is written
 * to report.json there; numbers of other people that plots show beside ours to published.json, with their sources.
 */
#ifndef CHIRP_REPORTS_REPORT_H
#define CHIRP_REPORTS_REPORT_H

#include "harness/base/status.h"

#include <stdio.h>

typedef struct chirp_report_options {
    const char *folder; /**< with the result files */
    const char *page;   /**< NULL: report.html in the folder */
    FILE *tables;       /**< where the tables are printed too; NULL: nowhere */
    FILE *problems;     /**< one line for each file or plot that could not be used; NULL: nowhere */
    const char *version; /**< of the program, for the footer; NULL: left out */
} chirp_report_options;

/**
 * Writes the page from what can be used.
 *
 * @param n_problems  receives how many files or plots could not be used; the page names each of them
 * @return CHIRP_OK      the page was written, whatever *n_problems says
 * @return CHIRP_ERR_IO  the folder can't be read or has no result files, or an output can't be written; no page then
 * @return CHIRP_ERR_NOMEM
 */
chirp_status chirp_report_write(const chirp_report_options *options, int *n_problems);

/**
 * Prints the four answers at the head of the page, in at most nine lines.
 * @return CHIRP_OK, CHIRP_ERR_IO as above, CHIRP_ERR_NOMEM
 */
chirp_status chirp_report_answers(const char *folder, FILE *out);

#endif

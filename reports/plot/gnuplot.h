/**
 * Plots: gnuplot runs as a child process, its SVG is made fit to stand inside a page.
 */
#ifndef CHIRP_REPORTS_PLOT_GNUPLOT_H
#define CHIRP_REPORTS_PLOT_GNUPLOT_H

#include "reports/page/markup.h"

/** CHIRP_OK, or CHIRP_ERR_UNSUPPORTED with a sentence that names the Debian package when gnuplot can't be run. */
chirp_status chirp_gnuplot_available(void);

/**
 * Runs a script and returns its SVG for use inside HTML: no XML prologue, ids made unique by a prefix, black drawn in the
 * colour of the surrounding text (so that it reads on dark pages), title and description of the plot for screen readers.
 *
 * The script must not set a terminal or an output. User settings (~/.gnuplot) are ignored.
 *
 * @param id      unique in the page: letters, digits, '-'
 * @param title   for screen readers
 * @param width, height  of the view box; the plot scales to its place
 * @param svg     receives the element; untouched on failure
 * @return CHIRP_OK; CHIRP_ERR_UNSUPPORTED as above; CHIRP_ERR_LIBRARY with gnuplot's first complaint; CHIRP_ERR_NOMEM
 */
chirp_status chirp_gnuplot_svg(const char *id, const char *title, int width, int height,
                               const char *script, chirp_markup *svg);

/**
 * Appends `text` as a single-quoted gnuplot string: what could end it or be expanded becomes '?'. Use `noenhanced`
 * with it.
 */
void chirp_gnuplot_quote(chirp_markup *script, const char *text);

/** Series colours, readable on white and on near-black: chirp_plot_colour[i % CHIRP_PLOT_COLOURS] is "#rrggbb". */
enum { CHIRP_PLOT_COLOURS = 8 };
extern const char *const chirp_plot_colour[CHIRP_PLOT_COLOURS];

#endif

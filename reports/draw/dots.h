/** A chart of dots with intervals: rows with a label, and in each a dot for each series. Length from the axis means nothing here. */
#ifndef CHIRP_REPORTS_DRAW_DOTS_H
#define CHIRP_REPORTS_DRAW_DOTS_H

#include "reports/draw/draw.h"

/** Starts as {0}. */
typedef struct chirp_dots {
    chirp_markup data, ticks;
    const char *series[CHIRP_PLOT_COLOURS]; /**< names, which outlive the chart */
    int n_series, rows;
    int points;
    char label[160]; /**< of the row */
    size_t longest;  /**< letters of a label */
    double least, most;
} chirp_dots;

typedef struct chirp_dots_axis {
    const char *label;
    bool logarithmic;
    bool line_at_one; /**< of ratios: where neither side wins */
} chirp_dots_axis;

/** Begins a row, unless the last one has this label. @param label  a text from a file, copied */
void chirp_dots_row(chirp_dots *d, const char *label);

/** Adds a dot to the row; ends that aren't finite mean no interval. A value that isn't positive adds none. */
void chirp_dots_add(chirp_dots *d, const char *series, double value, double low, double high);

/** Draws the chart when it has dots, and clears it. @param caption  HTML */
void chirp_dots_figure(chirp_report *r, chirp_dots *d, const char *title, const char *caption,
                       const chirp_dots_axis *axis);

#endif

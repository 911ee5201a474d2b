/** Series of a scaling measurement: rows with the same threads and variational layers, whose efficiencies compare. */
#ifndef CHIRP_REPORTS_SECTIONS_SCALING_SERIES_H
#define CHIRP_REPORTS_SECTIONS_SCALING_SERIES_H

#include "reports/draw/draw.h"

typedef struct chirp_series {
    double threads;          /**< NaN when rows don't say */
    const char *variational; /**< NULL when they don't */
    bool alone;              /**< the file has no other */
} chirp_series;

/** The series that is number `index` in the order of rows. @return false when there are fewer */
bool chirp_series_find(const chirp_result_file *file, int index, chirp_series *series);
bool chirp_series_has(const chirp_series *series, const cJSON *row);
/** ", 2 threads, last2" when it isn't alone, else nothing. */
void chirp_series_name(chirp_markup *m, const chirp_series *series);

#endif

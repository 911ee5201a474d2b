/** Sorting numbers and names, and medians. */
#ifndef CHIRP_HARNESS_BASE_SORT_H
#define CHIRP_HARNESS_BASE_SORT_H

#include <stddef.h>

/** Sorts numbers in ascending order. NaN is not allowed: it has no place in it. */
void chirp_sort(double *x, size_t n);

/** The median; sorts x. Of an even number it is the mean of the two in the middle; NaN for n = 0. */
double chirp_median(double *x, size_t n);

/** Sorts texts by their bytes. */
void chirp_sort_names(char **name, size_t n);

#endif

#include "harness/base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

void chirp_sort(double *x, size_t n)
{
    if (n > 1)
        qsort(x, n, sizeof *x, by_value);
}

double chirp_median(double *x, size_t n)
{
    if (n == 0)
        return (double)NAN;
    chirp_sort(x, n);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void chirp_sort_names(char **name, size_t n)
{
    if (n > 1)
        qsort(name, n, sizeof *name, by_bytes);
}

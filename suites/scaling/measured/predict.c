/*
 * Before anything is extrapolated: what do the smaller rank counts say about the largest, which they have not seen?
 *
 *     T(n) = own(n) a + e(n) own_compute(n) r + log2(n) crowd(n) c
 *
 * own(n): input, compute and optimiser of the one-rank step (its n-th part in strong scaling) times crowd(n), the ranks'
 * threads over the processors of the fullest computer, at least 1. a (sharing of memory and caches), r (spread) and c (one doubling's
 * communication) are means over the rows fitted.
 */
#include "suites/scaling/measured/measure.h"
#include "suites/scaling/projected/plan.h"

#include <math.h>

static double crowd(const chirp_scale_row *row) { return fmax(1, row->crowd); }

bool chirp_scale_predict(const chirp_scale *scale, int index, double *seconds)
{
    double sharing = 0;
    double spread = 0;
    double doubling = 0;
    int n = 0;
    const int base = scale->row[index].base;
    for (int i = 0; i < scale->n_rows; ++i) {
        const chirp_scale_row *row = &scale->row[i];
        if (row->base != base || i == base || row->ranks >= scale->row[index].ranks)
            continue;
        const int median = chirp_scale_median(scale, i);
        const chirp_scale_terms *t = &row->repetition[median];
        const chirp_scale_terms *one = &scale->row[base].repetition[median];
        const double part = crowd(row) / (scale->options.strong ? row->ranks : 1);
        sharing += (t->input + t->compute + t->optimizer + t->other) /
                   (part * (one->input + one->compute + one->optimizer + one->other));
        spread += t->waiting / (part * one->compute * chirp_expected_maximum(row->ranks));
        doubling += (t->exposed + t->control) / (crowd(row) * log2(row->ranks));
        ++n;
    }
    if (n == 0 || scale->row[index].ranks < 2)
        return false;
    const chirp_scale_row *row = &scale->row[index];
    const chirp_scale_terms *one = &scale->row[base].repetition[chirp_scale_median(scale, index)];
    const double part = crowd(row) / (scale->options.strong ? row->ranks : 1);
    *seconds = part * (one->input + one->compute + one->optimizer + one->other) * sharing / n +
               part * one->compute * chirp_expected_maximum(row->ranks) * spread / n +
               crowd(row) * log2(row->ranks) * doubling / n;
    return true;
}

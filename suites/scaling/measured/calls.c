/* Tables of calls of all ranks, brought together. */
#include "harness/base/memory.h"
#include "suites/scaling/measured/measure_internal.h"

#include <math.h>
#include <string.h>

chirp_status chirp_scale_gather_calls(chirp_scale_calls *calls, int ranks, int steps)
{
    const bool root = chirp_parallel_rank() == 0;
    chirp_scale_calls *all = root ? chirp_calloc((size_t)ranks, sizeof *all) : NULL;
    chirp_status st = chirp_parallel_agree(root && !all ? CHIRP_ERR_NOMEM : CHIRP_OK);
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(calls, (int64_t)sizeof *calls, all, 0);
    for (int i = 0; all && st == CHIRP_OK && i < calls->n; ++i) {
        const chirp_call_row *mine = &calls->row[i];
        calls->min[i] = INFINITY;
        calls->max[i] = 0;
        for (int r = 0; r < ranks; ++r)
            for (int k = 0; k < all[r].n; ++k) {
                const chirp_call_row *other = &all[r].row[k];
                if (other->bytes != mine->bytes || strcmp(other->call, mine->call) != 0)
                    continue;
                calls->min[i] = fmin(calls->min[i], other->seconds / steps);
                calls->max[i] = fmax(calls->max[i], other->seconds / steps);
            }
    }
    chirp_free(all);
    return st;
}

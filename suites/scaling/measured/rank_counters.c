/* Hardware and software counters of the timed steps, reduced over ranks. */
#include "suites/scaling/measured/measure.h"

#include "harness/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What one rank has to say of one event. */
typedef struct count {
    double value;
    char reason[sizeof(((chirp_rank_event *)0)->reason)]; /* "" when it counts */
} count;

chirp_status chirp_rank_counters(const chirp_events *events, int steps, chirp_scale_row *row)
{
    count mine[CHIRP_SCALE_MAX_EVENTS] = {{0}};
    const size_t n = chirp_events_count(events);
    row->n_events = n < CHIRP_SCALE_MAX_EVENTS ? (int)n : CHIRP_SCALE_MAX_EVENTS;
    for (int i = 0; i < row->n_events; ++i) {
        const char *reason = chirp_events_reason(events, (size_t)i);
        mine[i].value = chirp_events_value(events, (size_t)i) / steps;
        (void)snprintf(mine[i].reason, sizeof mine[i].reason, "%s", reason ? reason : "");
    }
    const bool root = chirp_parallel_rank() == 0;
    count *all = root ? chirp_calloc((size_t)row->ranks, sizeof mine) : NULL;
    chirp_status st = chirp_parallel_agree(root && !all ? CHIRP_ERR_NOMEM : CHIRP_OK);
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(mine, (int64_t)sizeof mine, all, 0);
    for (int i = 0; st == CHIRP_OK && root && i < row->n_events; ++i) {
        chirp_rank_event *event = &row->event[i];
        *event = (chirp_rank_event){.min = INFINITY};
        (void)snprintf(event->name, sizeof event->name, "%s", chirp_events_name(events, (size_t)i));
        for (int r = 0; r < row->ranks; ++r) {
            const count *one = &all[r * CHIRP_SCALE_MAX_EVENTS + i];
            if (one->reason[0] && !event->reason[0]) /* one rank without it, and no sum is whole */
                memcpy(event->reason, one->reason, sizeof event->reason);
            event->min = fmin(event->min, one->value);
            event->max = fmax(event->max, one->value);
            event->mean += one->value / row->ranks;
        }
    }
    chirp_free(all);
    return st;
}

/**
 * What a thread had moved at which time. Each thread keeps its own track while it works, without waiting for the others; the
 * tracks are put together afterwards. So a thread that loses its processor for a while spoils that while and nothing else.
 */
#ifndef CHIRP_HARNESS_ROOFLINE_TRACKS_H
#define CHIRP_HARNESS_ROOFLINE_TRACKS_H

#include "harness/base/status.h"

#include <stdint.h>

typedef struct chirp_mark {
    int64_t ns, bytes; /**< bytes: all that was moved until then */
} chirp_mark;

typedef struct chirp_track {
    chirp_mark *mark;
    int count;
    int64_t stride, skipped; /**< every stride-th mark is kept */
} chirp_track;

/** @return CHIRP_OK or CHIRP_ERR_NOMEM; chirp_track_destroy() */
chirp_status chirp_track_create(chirp_track *track);
void chirp_track_destroy(chirp_track *track);

/** Adds a mark; times and bytes never fall. A full track keeps every second of its marks and goes on. */
void chirp_track_add(chirp_track *track, int64_t ns, int64_t bytes);

/** Shortest time between two marks in a row that moved `bytes` at their speed, nanoseconds; 0 for an empty track. */
int64_t chirp_track_fastest_ns(const chirp_track *track, int64_t bytes);

/**
 * Bytes per second that n threads moved together in their best window of `window_ns`: what each moved in the same window is
 * added. A thread's bytes between two marks count as evenly spread. The window shrinks to the time that all tracks have in common.
 * @return 0 when the tracks have no time in common
 */
double chirp_tracks_best(const chirp_track *track, int n, int64_t window_ns);

#endif

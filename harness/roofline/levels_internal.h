/** Shared by the files about levels. */
#ifndef CHIRP_HARNESS_ROOFLINE_LEVELS_INTERNAL_H
#define CHIRP_HARNESS_ROOFLINE_LEVELS_INTERNAL_H

#include "harness/roofline/levels.h"

/**
 * Caches as levels: what one thread may call its own of each, and the working set to measure. @return how many levels; a
 * capacity of 0 is still to be found out
 */
int chirp_levels_plan(const chirp_host *machine, int threads, chirp_level *item);

#endif

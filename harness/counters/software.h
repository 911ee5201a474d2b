/** Software events: what the kernel counts for every process, and energy where it may be read. */
#ifndef CHIRP_HARNESS_COUNTERS_SOFTWARE_H
#define CHIRP_HARNESS_COUNTERS_SOFTWARE_H

#include <stdbool.h>
#include <stddef.h>

enum { CHIRP_N_SOFTWARE = 6 };

/** Index of a software event's name, or -1. */
int chirp_software_index(const char *name);
const char *chirp_software_name(int index);
/** NULL when it can be read here, else why not. */
const char *chirp_software_reason(int index);
/** Its running total. */
double chirp_software_read(int index);

#endif

/**
 * Event counters around a stretch of code, summed over OpenMP threads: PAPI presets and native events where the
 * hardware has them, and software events that every Linux has. An event that can't be counted keeps its place with
 * the reason, in PAPI's own words, and never a zero.
 *
 *     chirp_events *events;
 *     st = chirp_events_open("PAPI_TOT_INS,page-faults", threads, false, &events);
 *     chirp_events_start(events); ... chirp_events_stop(events);
 *     if (!chirp_events_reason(events, i)) use(chirp_events_value(events, i));
 *
 * Software events: page-faults, major-faults, context-switches, involuntary-switches, task-clock-ns (all of the whole
 * process) and package-joules (RAPL, the whole machine). "auto" stands for cycles, instructions, single-precision
 * operations, cache misses of each level, and all software events.
 */
#ifndef CHIRP_HARNESS_COUNTERS_COUNTERS_H
#define CHIRP_HARNESS_COUNTERS_COUNTERS_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct chirp_events chirp_events;

/**
 * @param names      comma-separated; an unknown or uncountable name is no error but an absent event
 * @param threads    size of the OpenMP team whose hardware events are summed
 * @param multiplex  let the kernel time-share counters when the hardware has too few; values are then estimates
 * @return CHIRP_OK, CHIRP_ERR_ARG (no name, or one is empty), CHIRP_ERR_NOMEM; *events: chirp_events_close()
 */
chirp_status chirp_events_open(const char *names, int threads, bool multiplex,
                               chirp_events **events);

size_t chirp_events_count(const chirp_events *events);
const char *chirp_events_name(const chirp_events *events, size_t i);
/** NULL when the event counts, else why it doesn't. */
const char *chirp_events_reason(const chirp_events *events, size_t i);
/** Sum since the last reset; 0 when the event is absent: ask chirp_events_reason() first. */
double chirp_events_value(const chirp_events *events, size_t i);
/** Values are estimates because the kernel time-shared the counters. */
bool chirp_events_multiplexed(const chirp_events *events);

void chirp_events_reset(chirp_events *events);
/** Begins counting; outside of parallel regions. Stretches between start and stop add up. */
void chirp_events_start(chirp_events *events);
void chirp_events_stop(chirp_events *events);
/** Accepts NULL. */
void chirp_events_close(chirp_events *events);

/** Calls visit for each PAPI preset: reason NULL when it can be counted here. */
chirp_status chirp_events_presets(void (*visit)(void *state, const char *name,
                                                const char *description, const char *reason),
                                  void *state);

/** Why this machine has no hardware counters, "" if it seems to have some. */
const char *chirp_events_hardware_reason(void);

#endif

/** Events: what infer and exact say about one second of strain. Objects are in the file's memory. */
#ifndef CHIRP_REPORTS_FILES_EVENTS_H
#define CHIRP_REPORTS_FILES_EVENTS_H

#include "reports/files/result_files.h"

#include <stdbool.h>

/** "remnant spin a_f" for "a_f"; another label as it is. */
const char *chirp_event_parameter_name(const char *label);

/** From a detector, not injected. */
bool chirp_event_is_real(const struct cJSON *event);

/** True parameter of an injected signal, under "injected" or "truth"; NaN when it isn't known. */
double chirp_event_truth(const struct cJSON *event, const char *label);

/**
 * What to compare a parameter with, {"median": x, "interval_90": [low, high]}: the event's own "published", else the published
 * event's. NULL when there is none.
 * @param published  chirp_published_event(), may be NULL
 */
const struct cJSON *chirp_event_reference(const struct cJSON *event, const struct cJSON *published,
                                          const char *label);

/** The "parameters" of the exact posterior of the same data: the event's own (infer --exact), else from a file of `exact`; NULL when
 * there is none. */
const struct cJSON *chirp_event_exact(const chirp_result_files *results, const struct cJSON *event);

/** An end of "interval_90" of a parameter, 0 the lower; NaN when there is none. */
double chirp_event_interval(const struct cJSON *parameter, int end);

#endif

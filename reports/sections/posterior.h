/** What the sections about events share. */
#ifndef CHIRP_REPORTS_SECTIONS_POSTERIOR_H
#define CHIRP_REPORTS_SECTIONS_POSTERIOR_H

#include "reports/draw/draw.h"

/** Names the event as the subject of the figures that follow. */
void chirp_event_subject(chirp_report *r, const chirp_result_file *file, const cJSON *event);

/** A figure of every pair of parameters of an event, when it has samples of two. */
void chirp_corner(chirp_report *r, const cJSON *event);

#endif

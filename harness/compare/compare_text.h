/* What the reports of a comparison share. */
#ifndef CHIRP_HARNESS_COMPARE_COMPARE_TEXT_H
#define CHIRP_HARNESS_COMPARE_COMPARE_TEXT_H

#include "harness/compare/comparison.h"

/* A time, or a count of a simulation with as many digits as show what is compared. */
void chirp_compare_amount_text(char *text, size_t room, const chirp_comparison *c, double amount);
/* "+3.2 % [-1.0, +7.5]" */
void chirp_compare_change_text(char *text, size_t room, const chirp_interval *r);
/* "-" for what isn't finite */
void chirp_compare_percent_text(char *text, size_t room, double share);
/* "8 compared: 1 faster, ..." */
void chirp_compare_tally_text(char *text, size_t room, const chirp_compare_result *r);

#endif

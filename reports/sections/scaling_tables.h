/** Tables of the scaling section that stand on their own. Each writes nothing when the files don't have its subject. */
#ifndef CHIRP_REPORTS_SECTIONS_SCALING_TABLES_H
#define CHIRP_REPORTS_SECTIONS_SCALING_TABLES_H

#include "reports/report_internal.h"

/** Rows of a projection that real ranks acted out, and real training, beside what was predicted. */
void chirp_scaling_comparison(chirp_report *r, const chirp_result_file *file);

/** From the study's mode to ours, measure by measure, of the first projection that has it. */
void chirp_scaling_ladder(chirp_report *r);

/** What the ladder's last line hangs on, of the same projection. */
void chirp_scaling_sensitivity(chirp_report *r);

/** How compute times of a measurement spread between ranks, how much of it stays, and which rank is late. */
void chirp_scaling_spread(chirp_report *r, const chirp_result_file *file);

#endif

/** Tables of the scaling section that stand on their own. Each writes nothing when the files don't have its subject. */
#ifndef CHIRP_REPORTS_SECTIONS_SCALING_TABLES_H
#define CHIRP_REPORTS_SECTIONS_SCALING_TABLES_H

#include "reports/draw/draw.h"

/** Real training beside what was projected for the same settings. */
void chirp_scaling_comparison(chirp_report *r, const chirp_result_file *file);

/** Cells "ranks", "threads", "variational" of a row of a measurement. */
void chirp_scaling_row(chirp_table *t, const cJSON *row);

/** Parts of a step, communication that was hidden, bytes and reductions. */
void chirp_scaling_parts(chirp_report *r, const chirp_result_file *file);

/** Points of efficiency that each part costs; they add up. */
void chirp_scaling_losses(chirp_report *r, const chirp_result_file *file);

/** What variational layers cost over deterministic ones, beside each other. */
void chirp_scaling_costs(chirp_report *r, const chirp_result_file *file);

/** Predictions of rank counts that were held out. */
void chirp_scaling_held_out(chirp_report *r, const chirp_result_file *file);

/** Messages by call and size: the columns of the study's mpi_profile. */
void chirp_scaling_calls(chirp_report *r, const chirp_result_file *file);

/** How compute times of a measurement spread between ranks, how much of it stays, and which rank is late. */
void chirp_scaling_spread(chirp_report *r, const chirp_result_file *file);

#endif

/** The machine that the files are about. */
#ifndef CHIRP_REPORTS_SECTIONS_MACHINE_H
#define CHIRP_REPORTS_SECTIONS_MACHINE_H

#include "reports/draw/draw.h"

/** The processor's name from whatever file says it, or NULL; in the file's memory. */
const char *chirp_report_machine_name(const chirp_result_files *results);

#endif

/** The rows of a benchmark file, one per benchmark, with the parts of their names. */
#ifndef CHIRP_REPORTS_SECTIONS_BENCH_ROWS_H
#define CHIRP_REPORTS_SECTIONS_BENCH_ROWS_H

#include "reports/draw/draw.h"

enum { CHIRP_NAME_PARTS = 4 };

/** One benchmark: its median aggregate, or the middle one of its repetitions. */
typedef struct chirp_bench_line {
    const cJSON *row;             /**< where its counters are */
    const char *name;             /**< without aggregate suffix; in the file's memory */
    char *part[CHIRP_NAME_PARTS]; /**< family, pass, algorithm, case; "" when the name is shorter */
    char *arguments;              /**< "batch:64/threads:2" */
    double unit_s;                /**< seconds in one unit of real_time */
    double time_s;                /**< real_time in seconds; NaN in error rows */
    const char *error;            /**< NULL, or the row's message */
    bool baseline;                /**< another library's implementation, as the file says */
    const chirp_result_file *file;
} chirp_bench_line;

typedef struct chirp_bench_lines {
    chirp_bench_line *line;
    size_t count;
} chirp_bench_lines;

/** Lines of every benchmark file of the folder, in file order. @return CHIRP_OK or CHIRP_ERR_NOMEM; release below */
chirp_status chirp_bench_lines_read(const chirp_result_files *results, chirp_bench_lines *lines);
void chirp_bench_lines_release(chirp_bench_lines *lines);

/**
 * The baseline that did the same case: same family, pass, case and arguments. Of several the fastest. NULL when there is
 * none.
 */
const chirp_bench_line *chirp_bench_baseline_of(const chirp_bench_lines *lines,
                                                const chirp_bench_line *line);

/** The highest "fma_peak_GFLOPS" of a file's context; NaN when it has none. @param threads  receives its thread count */
double chirp_bench_fma_peak(const chirp_result_file *file, int *threads);

#endif

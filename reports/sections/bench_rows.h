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

/** A value with the ends of its interval, NaN when it has none. */
typedef struct chirp_bench_span {
    double value, low, high;
} chirp_bench_span;

/** Time of a line [s]. */
chirp_bench_span chirp_bench_time(const chirp_bench_line *line);

/** Time of `a` over that of `b`, between the ends of both intervals: wider than either needs. */
chirp_bench_span chirp_bench_ratio(const chirp_bench_line *a, const chirp_bench_line *b);

/** Same family, pass, case and arguments: only the algorithm differs. */
bool chirp_bench_same_case(const chirp_bench_line *a, const chirp_bench_line *b);

/** Five cells that say which benchmark a line is: family, pass, case, algorithm, arguments; the heads of their columns are CHIRP_NAME_HEADERS. */
void chirp_bench_name_cells(chirp_table *t, const chirp_bench_line *line);
#define CHIRP_NAME_HEADERS "family", "pass", "case", "algorithm", "with"

/** A line of a family that has a time. */
bool chirp_bench_timed(const chirp_bench_line *line, const char *family);

/** The arguments that all timed lines of a family share, "" when they differ: said once, not in every label. */
const char *chirp_bench_common_arguments(const chirp_bench_lines *lines, const char *family);

/** The highest "fma_peak_GFLOPS" of a file's context; NaN when it has none. @param threads  receives its thread count */
double chirp_bench_fma_peak(const chirp_result_file *file, int *threads);

#endif

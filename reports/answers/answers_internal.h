/** One file for each question, and what they share. */
#ifndef CHIRP_REPORTS_ANSWERS_INTERNAL_H
#define CHIRP_REPORTS_ANSWERS_INTERNAL_H

#include "reports/answers/answers.h"
#include "reports/sections/bench_rows.h"

/** What every question reads. */
typedef struct chirp_answer_input {
    const chirp_result_files *results;
    chirp_bench_lines lines;
} chirp_answer_input;

void chirp_answer_scaling(const chirp_answer_input *in, chirp_answer *answer);
void chirp_answer_bayesian(const chirp_answer_input *in, chirp_answer *answer);
void chirp_answer_speed(const chirp_answer_input *in, chirp_answer *answer);
void chirp_answer_reading(const chirp_answer_input *in, chirp_answer *answer);

/**
 * Adds a number without interval, its label as printf. A value that isn't finite adds none.
 * @return the number, for its interval; NULL when none was added
 */
chirp_answer_number *chirp_answer_add(chirp_answer *answer, double value, chirp_unit unit,
                                      const char *label, ...) __attribute__((format(printf, 4, 5)));

/** Gives a number its interval; ends that aren't finite give none. NULL is ignored. @param what  as printf */
void chirp_answer_interval(chirp_answer_number *number, double low, double high, const char *what,
                           ...) __attribute__((format(printf, 4, 5)));

typedef enum chirp_order {
    CHIRP_ORDER_UNKNOWN = 0, /**< intervals that overlap, or none at all */
    CHIRP_ORDER_BELOW,
    CHIRP_ORDER_ABOVE
} chirp_order;

/** Where the interval of `number` lies against low to high. */
chirp_order chirp_answer_order(const chirp_answer_number *number, double low, double high);

#endif

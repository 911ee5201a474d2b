/**
 * The four questions that a folder of results answers, in words and numbers: the head of the page and the end of a study come
 * from here. An answer uses what is there; what is missing it names, with the command that makes it.
 */
#ifndef CHIRP_REPORTS_ANSWERS_ANSWERS_H
#define CHIRP_REPORTS_ANSWERS_ANSWERS_H

#include "reports/draw/draw.h"

enum { CHIRP_ANSWERS = 4, CHIRP_ANSWER_NUMBERS = 6, CHIRP_ANSWER_DOUBTS = 32 };

/** A number with its uncertainty. */
typedef struct chirp_answer_number {
    char label[96];
    double value, low,
        high; /**< in the unit shown; low and high are NaN when no interval is known */
    chirp_unit unit;
    const char *unit_text; /**< behind the number: " signals/s" */
    char interval[64];     /**< what low and high are: "90 % band" */
} chirp_answer_number;

typedef struct chirp_answer {
    const char *id, *question, *section; /**< the section of the page with the details */
    chirp_answer_number number[CHIRP_ANSWER_NUMBERS];
    int count;
    chirp_text verdict;  /**< sentences; their words may come from files */
    const char *missing; /**< NULL, or what would complete the answer */
    chirp_text command;  /**< that makes it */
} chirp_answer;

typedef struct chirp_answers {
    chirp_answer answer[CHIRP_ANSWERS];
    chirp_text badge;                       /**< machine, build, date */
    const char *doubt[CHIRP_ANSWER_DOUBTS]; /**< each once; in the files' memory */
    int doubts;
} chirp_answers;

/**
 * @param results  must outlive the answers
 * @param machine  its name, or NULL
 * @return CHIRP_OK or CHIRP_ERR_NOMEM; chirp_answers_release() in every case
 */
chirp_status chirp_answers_find(const chirp_result_files *results, const char *machine,
                                chirp_answers *answers);
void chirp_answers_release(chirp_answers *answers);

/** The first screen of the page; its numbers go to report.json. */
void chirp_answers_html(const chirp_answers *answers, chirp_report *r, chirp_markup *page);

/** At most nine lines, the first an empty one. */
void chirp_answers_terminal(const chirp_answers *answers, FILE *out);

/** "27 November 2026, 17:42 UTC+01:00" of "2026-11-27T17:42:11+01:00"; another text as it is. */
void chirp_answers_date(const char *date, char *text, size_t room);

#endif

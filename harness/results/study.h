/** study.json: the steps of a study and how they ended. Written by `study`, read when it is resumed and by the page. */
#ifndef CHIRP_HARNESS_RESULTS_STUDY_H
#define CHIRP_HARNESS_RESULTS_STUDY_H

#include "harness/results/document.h"

/** Texts belong to whoever made the record: to the caller when writing, to the document when reading. */
typedef struct chirp_study_step_record {
    const char *name, *command;
    const char *outcome; /**< "waiting", "done", "failed", "skipped" or "interrupted" */
    const char *log;     /**< path from the study's folder */
    bool ran;            /**< false: the next two are not in the file */
    int exit_code;
    double seconds; /**< wall time */
} chirp_study_step_record;

typedef struct chirp_study_record_file {
    const char *preset;
    const char *started; /**< date */
    const char *build;   /**< version and commit */
    double seconds;      /**< wall time of the whole study so far */
    const char *strain;  /**< file */
    double gps;          /**< of the merger in it [s] */
    const char *strain_source;
    const char *kept_from_build; /**< NULL, or the build whose steps were kept */
    chirp_study_step_record *step;
    size_t count;
} chirp_study_record_file;

chirp_status chirp_study_file_write(const char *path, const chirp_study_record_file *record);

/**
 * Takes a document of kind CHIRP_DOCUMENT_STUDY apart; it must outlive the record. Absent texts are NULL, absent numbers NaN.
 * @return CHIRP_OK or CHIRP_ERR_NOMEM; chirp_study_file_release()
 */
chirp_status chirp_study_file_read(const chirp_document *document, chirp_study_record_file *record);

/** Frees the steps of a record that was read. */
void chirp_study_file_release(chirp_study_record_file *record);

#endif

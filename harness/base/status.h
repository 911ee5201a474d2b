/**
 * Error contract of the whole project.
 *
 * A function that can fail returns a chirp_status. On failure it has called chirp_fail(), which
 * keeps one sentence per thread: which file or field, which value, what would have been accepted.
 * Libraries return; only a main() prints chirp_error_message() and picks an exit code.
 * Outputs are written on success only, unless a docstring says otherwise.
 */
#ifndef CHIRP_HARNESS_BASE_STATUS_H
#define CHIRP_HARNESS_BASE_STATUS_H

typedef enum chirp_status {
    CHIRP_OK = 0,
    CHIRP_ERR_ARG,         /**< an argument or option is impossible */
    CHIRP_ERR_NOMEM,       /**< an allocation failed */
    CHIRP_ERR_IO,          /**< a file can't be opened, read, written or renamed */
    CHIRP_ERR_FORMAT,      /**< a file is truncated, foreign or has the wrong shape */
    CHIRP_ERR_RANGE,       /**< a number is outside what the model or the file covers */
    CHIRP_ERR_NUMERIC,     /**< NaN or infinity where a number is needed; training diverged */
    CHIRP_ERR_UNSUPPORTED, /**< this build or machine can't do it */
    CHIRP_ERR_LIBRARY,     /**< MPI, HDF5, FFTW, PAPI or libxsmm reported a failure */
    CHIRP_ERR_INTERRUPTED, /**< SIGINT, SIGTERM or a time limit: state was saved */
    CHIRP_STATUS_COUNT
} chirp_status;

/**
 * Records a sentence for this thread and returns `status`, so that callers write
 * `return chirp_fail(CHIRP_ERR_RANGE, "--gps %f: outside %s (%f to %f)", ...)`.
 * The sentence is cut at 4095 bytes, so the remedy stands before a text of any length; control characters are replaced by '?', so it is one line.
 */
chirp_status chirp_fail(chirp_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** The last sentence recorded on this thread; "" before the first failure. Never NULL. */
const char *chirp_error_message(void);

/** A short text for a status ("out of memory"); "unknown status" for a foreign number. */
const char *chirp_status_text(chirp_status status);

#endif

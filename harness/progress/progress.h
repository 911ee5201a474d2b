/**
 * Progress of long work on stderr: a bar with rate and time left on a terminal, plain lines elsewhere.
 *
 *     chirp_progress *p = chirp_progress_begin("train", 120000);
 *     chirp_progress_start_at(p, resumed_iteration);             // after a resume: rates count from here
 *     while (...)
 *         chirp_progress_update(p, iteration, "loss 1.23");       // cheap: a clock read, output at most 5 times a second
 *     chirp_progress_end(p);
 *
 * Every function accepts NULL and then does nothing: ranks other than 0 pass NULL, and so does a
 * caller whose begin() found no memory (progress is never a reason to stop the work).
 * CHIRP_PROGRESS=none, plain or bar in the environment overrides the choice by terminal.
 * Not for several threads at once: one thread reports.
 */
#ifndef CHIRP_HARNESS_PROGRESS_PROGRESS_H
#define CHIRP_HARNESS_PROGRESS_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

typedef struct chirp_progress chirp_progress;

/**
 * @param label  what is being done ("train"); copied
 * @param total  steps in all; 0 when unknown (then neither percentage nor time left is shown)
 */
chirp_progress *chirp_progress_begin(const char *label, int64_t total);

/** The work starts at step `done` (a resumed run), so that rate and time left count only what follows. */
void chirp_progress_start_at(chirp_progress *progress, int64_t done);

/**
 * @param done  steps finished so far
 * @param note  NULL, or a few words shown behind the bar ("loss 1.23"); control characters become spaces
 */
void chirp_progress_update(chirp_progress *progress, int64_t done, const char *note);

/** Prints a last line with the total time and frees the handle. */
void chirp_progress_end(chirp_progress *progress);

/**
 * The text of one line, without a line end: what bar and plain output both show.
 * "train  42 % [#####.......] 42/100  12.3/s  left 4 s  loss 1.23"
 * @param width  columns for the whole line; 0 leaves the bar out (plain lines)
 */
void chirp_progress_format(char *text, size_t room, const char *label, int64_t done, int64_t total,
                           double rate, const char *note, int width);

/** "850 ms", "12 s", "3 min 20 s", "2 h 05 min", "4 d 03 h". */
void chirp_format_duration(char *text, size_t room, double seconds);

#endif

/** What the terminal behind a stream can show: asked here by every command, so that one switch serves all. */
#ifndef CHIRP_HARNESS_BASE_TERMINAL_H
#define CHIRP_HARNESS_BASE_TERMINAL_H

#include <stdbool.h>

/** Whether a line can be written over: a terminal that is not TERM=dumb. @param fd  STDOUT_FILENO or STDERR_FILENO */
bool chirp_terminal_redraws(int fd);

/** Whether to colour: as above, and NO_COLOR is unset or empty (no-color.org). */
bool chirp_terminal_colors(int fd);

#endif

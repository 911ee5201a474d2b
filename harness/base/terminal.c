#include "harness/base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool chirp_terminal_redraws(int fd)
{
    const char *kind = getenv("TERM");
    return isatty(fd) && kind && *kind && strcmp(kind, "dumb") != 0;
}

bool chirp_terminal_colors(int fd)
{
    const char *refused = getenv("NO_COLOR");
    return chirp_terminal_redraws(fd) && !(refused && *refused);
}

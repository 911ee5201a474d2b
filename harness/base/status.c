#include "harness/base/status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[4096];

chirp_status chirp_fail(chirp_status status, const char *format, ...)
{
    char text[sizeof message]; /* arguments may point into message itself */
    va_list args;
    va_start(args, format);
    const int written = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (written < 0)
        text[0] = '\0';
    for (size_t i = 0; i < sizeof text; ++i) {
        message[i] = ((unsigned char)text[i] < 0x20 && text[i] != '\0') ? '?' : text[i];
        if (text[i] == '\0')
            break;
    }
    return status;
}

const char *chirp_error_message(void)
{
    return message;
}

const char *chirp_status_text(chirp_status status)
{
    static const char *const texts[CHIRP_STATUS_COUNT] = {
        [CHIRP_OK] = "ok",
        [CHIRP_ERR_ARG] = "impossible argument",
        [CHIRP_ERR_NOMEM] = "out of memory",
        [CHIRP_ERR_IO] = "input or output failed",
        [CHIRP_ERR_FORMAT] = "malformed file",
        [CHIRP_ERR_RANGE] = "out of range",
        [CHIRP_ERR_NUMERIC] = "not a finite number",
        [CHIRP_ERR_UNSUPPORTED] = "not supported here",
        [CHIRP_ERR_LIBRARY] = "a library call failed",
        [CHIRP_ERR_INTERRUPTED] = "interrupted",
    };
    if ((unsigned)status >= CHIRP_STATUS_COUNT)
        return "unknown status";
    return texts[status];
}

#include "harness/base/status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[4096];

/* Whether byte i is one, or ends one of Latin-1 in UTF-8 (0xc2 0x80..0x9f). DEL is one. */
static int control(const char *text, int i)
{
    const unsigned char *s = (const unsigned char *)text;
    const int latin = i > 0 && s[i - 1] == 0xC2 && s[i] >= 0x80 && s[i] < 0xA0;
    return (s[i] < 0x20 && s[i] != '\0') || s[i] == 0x7F || latin;
}

chirp_status chirp_fail(chirp_status status, const char *format, ...)
{
    char text[sizeof message]; /* arguments may point into message itself */
    va_list args;
    va_start(args, format);
    const int written = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (written < 0)
        text[0] = '\0';
    for (int i = 0; i < (int)sizeof text; ++i) {
        message[i] = control(text, i) ? '?' : text[i];
        if (i > 0 && message[i] == '?' && (unsigned char)text[i - 1] == 0xC2)
            message[i - 1] = '?'; /* or half a letter would stay */
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

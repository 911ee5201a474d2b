#include "reports/page/markup.h"

#include <stdarg.h>
#include <string.h>

void chirp_markup_bytes(chirp_markup *m, const char *bytes, size_t length)
{
    chirp_text_append_bytes(m, bytes, length);
}

void chirp_markup_raw(chirp_markup *m, const char *text) { chirp_text_append(m, text); }

void chirp_markup_format(chirp_markup *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    chirp_text_appendv(m, format, args);
    va_end(args);
}

/* Length of the character at `text`, 0 for bytes that are no UTF-8 and for U+FFFE and U+FFFF, which are no XML. */
static size_t xml_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    return s[0] == 0xEF && s[1] == 0xBF && s[2] >= 0xBE ? 0 : chirp_utf8_length(text);
}

void chirp_markup_text(chirp_markup *m, const char *text)
{
    for (const char *p = text; p && *p;) {
        const size_t n = xml_length(p);
        const unsigned char c = (unsigned char)*p;
        if (n == 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
            chirp_markup_raw(m, "\xEF\xBF\xBD");
        else if (c == '&')
            chirp_markup_raw(m, "&amp;");
        else if (c == '<')
            chirp_markup_raw(m, "&lt;");
        else if (c == '>')
            chirp_markup_raw(m, "&gt;");
        else if (c == '"')
            chirp_markup_raw(m, "&quot;");
        else if (c == '\'')
            chirp_markup_raw(m, "&#39;");
        else
            chirp_markup_bytes(m, p, n);
        p += n ? n : 1;
    }
}

chirp_status chirp_markup_status(const chirp_markup *m)
{
    return m->failed ? chirp_fail(CHIRP_ERR_NOMEM, "no memory for the page") : CHIRP_OK;
}

void chirp_markup_clear(chirp_markup *m) { chirp_text_clear(m); }

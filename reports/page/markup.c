#include "reports/page/markup.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool reserve(chirp_markup *m, size_t more)
{
    if (m->failed)
        return false;
    if (m->bytes && m->room - m->used > more)
        return true;
    size_t room = m->room ? m->room : 4096;
    while (room - m->used <= more)
        room *= 2;
    char *bytes = chirp_alloc(room);
    if (!bytes) {
        m->failed = true;
        return false;
    }
    if (m->used)
        memcpy(bytes, m->bytes, m->used);
    bytes[m->used] = '\0';
    chirp_free(m->bytes);
    m->bytes = bytes;
    m->room = room;
    return true;
}

void chirp_markup_bytes(chirp_markup *m, const char *bytes, size_t length)
{
    if (!reserve(m, length))
        return;
    memcpy(m->bytes + m->used, bytes, length);
    m->used += length;
    m->bytes[m->used] = '\0';
}

void chirp_markup_raw(chirp_markup *m, const char *text)
{
    if (text)
        chirp_markup_bytes(m, text, strlen(text));
}

void chirp_markup_format(chirp_markup *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        m->failed = true;
        return;
    }
    if (!reserve(m, (size_t)length + 1))
        return;
    va_start(args, format);
    (void)vsnprintf(m->bytes + m->used, (size_t)length + 1, format, args);
    va_end(args);
    m->used += (size_t)length;
}

/* Length of the character at `text`, 0 for bytes that are no UTF-8 and for U+FFFE and U+FFFF, which are no XML. */
static size_t xml_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    return s[0] == 0xEF && s[1] == 0xBF && s[2] >= 0xBE ? 0 : chirp_json_utf8_length(s);
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

void chirp_markup_clear(chirp_markup *m)
{
    chirp_free(m->bytes);
    *m = (chirp_markup){0};
}

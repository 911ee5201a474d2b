#include "reports/page/markup.h"

#include "harness/base/memory.h"

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

size_t chirp_utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = 0;
    if (s[0] < 0x80)
        return s[0] ? 1 : 0;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        n = 2;
    else if (s[0] >= 0xE0 && s[0] <= 0xEF)
        n = 3;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        n = 4;
    else
        return 0;
    for (size_t i = 1; i < n; ++i)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    /* U+FFFE and U+FFFF are no XML characters */
    if (s[0] == 0xEF && s[1] == 0xBF && s[2] >= 0xBE)
        return 0;
    return n;
}

void chirp_markup_text(chirp_markup *m, const char *text)
{
    for (const char *p = text; p && *p;) {
        const size_t n = chirp_utf8_length(p);
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

#include "harness/base/text.h"

#include "harness/base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` bytes and the NUL behind them. */
static bool reserve(chirp_text *t, size_t more)
{
    if (t->failed)
        return false;
    if (t->room - t->used > more)
        return true;
    const size_t room = 2 * (t->used + more) + 4096;
    char *larger = chirp_alloc(room);
    if (!larger) {
        t->failed = true;
        return false;
    }
    if (t->used)
        memcpy(larger, t->bytes, t->used);
    chirp_free(t->bytes);
    t->bytes = larger;
    t->room = room;
    return true;
}

void chirp_text_append_bytes(chirp_text *t, const char *bytes, size_t length)
{
    if (!reserve(t, length))
        return;
    memcpy(t->bytes + t->used, bytes, length);
    t->used += length;
    t->bytes[t->used] = '\0';
}

void chirp_text_append(chirp_text *t, const char *more)
{
    if (more)
        chirp_text_append_bytes(t, more, strlen(more));
}

void chirp_text_appendv(chirp_text *t, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    if (length < 0) {
        t->failed = true;
    } else if (reserve(t, (size_t)length)) {
        (void)vsnprintf(t->bytes + t->used, (size_t)length + 1, format, again);
        t->used += (size_t)length;
    }
    va_end(again);
}

void chirp_text_appendf(chirp_text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    chirp_text_appendv(t, format, args);
    va_end(args);
}

void chirp_text_append_quoted(chirp_text *t, const char *word)
{
    chirp_text_append(t, "'");
    for (const char *p = word; *p; ++p)
        if (*p == '\'') /* ends the quotes, a quoted quote, starts them again */
            chirp_text_append(t, "'\\''");
        else
            chirp_text_append_bytes(t, p, 1);
    chirp_text_append(t, "'");
}

void chirp_text_clear(chirp_text *t)
{
    chirp_free(t->bytes);
    *t = (chirp_text){0};
}

char *chirp_formatv(const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : chirp_alloc((size_t)length + 1);
    if (text)
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *chirp_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = chirp_formatv(format, args);
    va_end(args);
    return text;
}

size_t chirp_utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return 1;
    size_t n = 0;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        n = 2;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        n = 3;
        low = s[0] == 0xE0 ? 0xA0 : 0x80;
        high = s[0] == 0xED ? 0x9F : 0xBF;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        n = 4;
        low = s[0] == 0xF0 ? 0x90 : 0x80;
        high = s[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; ++i)
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    return n;
}

void chirp_join(char *text, size_t size, const char *separator, const char *word)
{
    const size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "%s%s", used ? separator : "", word);
}

char *chirp_utf8_mend(char *text)
{
    for (char *p = text; p && *p;) {
        const size_t n = chirp_utf8_length(p);
        if (n == 0)
            *p = '?';
        p += n ? n : 1;
    }
    return text;
}

size_t chirp_text_line(const char *text, const char *at)
{
    size_t line = 1;
    for (const char *p = text; at && p < at && *p; ++p)
        line += *p == '\n';
    return line;
}

bool chirp_next_integer(const char **at, int64_t least, int64_t most, int64_t *number)
{
    char *end = NULL;
    errno = 0;
    const long long read = strtoll(*at, &end, 10);
    if (end == *at || errno != 0 || read < least || read > most || (*end != ',' && *end != '\0'))
        return false;
    *number = read;
    *at = *end == ',' ? end + 1 : NULL;
    return true;
}

int chirp_name_index(const char *const *names, int n, const char *text)
{
    for (int i = 0; i < n; ++i)
        if (strcmp(names[i], text) == 0)
            return i;
    return -1;
}

/* Control characters, those of Latin-1 in UTF-8 (0xc2 0x80..0x9f) too. */
static bool control(const unsigned char *s)
{
    return s[0] < 0x20 || s[0] == 0x7F || (s[0] == 0xC2 && s[1] >= 0x80 && s[1] < 0xA0);
}

void chirp_text_append_plain(chirp_text *t, const char *text)
{
    while (*text) {
        const size_t n = chirp_utf8_length(text);
        if (n > 0 && !control((const unsigned char *)text))
            chirp_text_append_bytes(t, text, n);
        else
            chirp_text_append(t, "?");
        text += n ? n : 1;
    }
}

void chirp_print_plain(FILE *stream, int width, const char *text)
{
    chirp_text t = {0};
    chirp_text_append_plain(&t, text);
    int letters = 0;
    for (const char *s = t.bytes; s && *s; ++s)
        letters += ((unsigned char)*s & 0xC0) != 0x80; /* not a further byte of one letter */
    (void)fprintf(stream, "%s%*s", t.failed || !t.bytes ? "" : t.bytes,
                  width > letters ? width - letters : 0, "");
    chirp_text_clear(&t);
}

void chirp_text_append_markdown(chirp_text *t, const char *text)
{
    chirp_text plain = {0};
    chirp_text_append_plain(&plain, text);
    t->failed |= plain.failed;
    for (const char *s = plain.bytes; s && *s; ++s) {
        const char part[3] = {'\\', *s, '\0'};
        if (*s == '<')
            chirp_text_append(t, "&lt;");
        else if (*s == '&')
            chirp_text_append(t, "&amp;");
        else
            chirp_text_append(t, strchr("\\`*_[]|", *s) ? part : part + 1);
    }
    chirp_text_clear(&plain);
}

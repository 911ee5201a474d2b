/* One place for texts from outside on their way to a terminal or into Markdown. */
#include "harness/json/json.h"

#include <string.h>

/* Control characters, those of Latin-1 in UTF-8 (0xc2 0x80..0x9f) too. */
static bool control(const unsigned char *s)
{
    return s[0] < 0x20 || s[0] == 0x7F || (s[0] == 0xC2 && s[1] >= 0x80 && s[1] < 0xA0);
}

void chirp_text_append_plain(chirp_text *t, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        const size_t n = chirp_json_utf8_length(s);
        char part[5] = "?";
        if (n > 0 && !control(s))
            memcpy(part, s, n);
        chirp_text_append(t, part);
        s += n ? n : 1;
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

#include "harness/base/pattern.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 4096, MOST_DEPTH = 64, SHOWN = 60 };
static const double MOST_CHARACTERS = 4096;

/* Behind a bracket expression, whose ']' may be its first member; [:alpha:] and the like hold one, too. */
static const char *behind_bracket(const char *at)
{
    at += at[1] == '^' ? 2 : 1;
    at += *at == ']';
    while (*at && *at != ']') {
        const char kind = *at == '[' ? at[1] : '\0';
        if (kind == ':' || kind == '.' || kind == '=') {
            const char end[] = {kind, ']', '\0'};
            const char *found = strstr(at + 2, end);
            if (found)
                at = found + 1;
        }
        ++at;
    }
    return *at ? at + 1 : at;
}

/* The number of copies that "{m}", "{m,}" or "{m,n}" makes; *end is behind its numbers. 0: no bound. */
static double copies(const char *at, char **end)
{
    const long low = strtol(at + 1, end, 10);
    if (*end == at + 1 && **end != ',')
        return 0;
    const bool open = **end == ',' && (*end)[1] == '}';
    const long high = **end == ',' && !open ? strtol(*end + 1, end, 10) : low + open;
    return high > low ? (double)high : (double)low;
}

/* Characters to match when all repetitions are written out; false: too deep. */
static bool measure(const char *text, double *characters)
{
    struct {
        double sum,
            last; /* of a parenthesis: the part before its last item, and that item, to which a bound applies */
    } level[MOST_DEPTH + 1] = {{0, 0}};
    int depth = 0;
    for (const char *at = text; *at;) {
        const char c = *at;
        char *end = NULL;
        const double n = c == '{' ? copies(at, &end) : 0;
        if (n > 0) {
            level[depth].last *= n;
            at = end + (*end == '}');
            continue;
        }
        if (c == ')' && depth > 0) {
            const double inside = level[depth].sum + level[depth].last;
            level[--depth].last = 1 + inside; /* the group is a node of its own */
            ++at;
            continue;
        }
        level[depth].sum += level[depth].last;
        level[depth].last = 1;
        if (c == '(' && ++depth > MOST_DEPTH)
            return false;
        if (c == '(')
            level[depth].sum = level[depth].last = 0;
        at = c == '[' ? behind_bracket(at) : at + (c == '\\' && at[1] ? 2 : 1);
    }
    *characters = 0;
    for (int i = 0; i <= depth; ++i)
        *characters += level[i].sum + level[i].last;
    return true;
}

chirp_status chirp_pattern_compile(chirp_pattern *pattern, const char *what, const char *text)
{
    chirp_pattern made = {.used = text && *text};
    if (made.used) {
        double characters = 0;
        char reason[128];
        made.negated = *text == '-';
        text += made.negated;
        const char *const minus = made.negated ? "-" : "";
        if (strlen(text) > MOST_BYTES || !measure(text, &characters) ||
            characters > MOST_CHARACTERS)
            return chirp_fail(CHIRP_ERR_ARG,
                              "%s%s%.*s: is too large: at most %d bytes, %d characters with all "
                              "repetitions written out, and %d parentheses in each other",
                              what, minus, SHOWN, text, MOST_BYTES, (int)MOST_CHARACTERS,
                              MOST_DEPTH);
        const int failed = regcomp(&made.expression, text, REG_EXTENDED | REG_NOSUB);
        if (failed) {
            (void)regerror(failed, &made.expression, reason, sizeof reason);
            return chirp_fail(CHIRP_ERR_ARG, "%s%s%.*s: not an extended regular expression: %s",
                              what, minus, SHOWN, text, reason);
        }
    }
    *pattern = made;
    return CHIRP_OK;
}

bool chirp_pattern_keeps(const chirp_pattern *pattern, const char *name)
{
    return !pattern->used ||
           (regexec(&pattern->expression, name, 0, NULL, 0) == 0) != pattern->negated;
}

void chirp_pattern_clear(chirp_pattern *pattern)
{
    if (pattern->used)
        regfree(&pattern->expression);
    *pattern = (chirp_pattern){0};
}

#include "harness/progress/progress.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/terminal.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* a terminal is redrawn this often; plain lines come at every tenth of the work or after this long a silence */
static const double BAR_PERIOD_S = 0.2;
static const double PLAIN_PERIOD_S = 30.0;
static const double PLAIN_LEAST_S = 1.0;

typedef enum progress_style { STYLE_NONE, STYLE_PLAIN, STYLE_BAR } progress_style;

struct chirp_progress {
    char *label;
    int64_t total, start, done;
    double began_s, shown_s;
    int64_t shown_tenth;
    int shown_columns;
    progress_style style;
    char note[96];
};

static progress_style choose_style(void)
{
    const char *wish = getenv("CHIRP_PROGRESS");
    if (wish && strcmp(wish, "none") == 0)
        return STYLE_NONE;
    if (wish && strcmp(wish, "plain") == 0)
        return STYLE_PLAIN;
    if (wish && strcmp(wish, "bar") == 0)
        return STYLE_BAR;
    return chirp_terminal_redraws(STDERR_FILENO) ? STYLE_BAR : STYLE_PLAIN;
}

static int terminal_columns(void)
{
    struct winsize size = {0};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

void chirp_format_duration(char *text, size_t room, double seconds)
{
    if (!(seconds >= 0) || seconds > 1e10) { /* also NaN: a rate of nothing has no duration */
        (void)snprintf(text, room, "?");
        return;
    }
    const int64_t s = (int64_t)(seconds + 0.5);
    if (seconds < 1)
        (void)snprintf(text, room, "%.0f ms", 1e3 * seconds);
    else if (s < 60)
        (void)snprintf(text, room, "%" PRId64 " s", s);
    else if (s < 3600)
        (void)snprintf(text, room, "%" PRId64 " min %02" PRId64 " s", s / 60, s % 60);
    else if (s < 86400)
        (void)snprintf(text, room, "%" PRId64 " h %02" PRId64 " min", s / 3600, s % 3600 / 60);
    else
        (void)snprintf(text, room, "%" PRId64 " d %02" PRId64 " h", s / 86400, s % 86400 / 3600);
}

void chirp_progress_format(char *text, size_t room, const char *label, int64_t done, int64_t total,
                           double rate, const char *note, int width)
{
    char tail[256];
    char left[32] = "?";
    const char *gap = note && *note ? "  " : "";
    const char *words = note ? note : "";
    if (total <= 0) {
        (void)snprintf(text, room, "%s  %" PRId64 "  %.3g/s%s%s", label, done, rate, gap, words);
    } else {
        const double share = done >= total ? 1 : (double)done / (double)total;
        if (rate > 0)
            chirp_format_duration(left, sizeof left,
                                  (double)(total - done > 0 ? total - done : 0) / rate);
        (void)snprintf(tail, sizeof tail, "%" PRId64 "/%" PRId64 "  %.3g/s  left %s%s%s", done,
                       total, rate, left, gap, words);
        char bar[64] = "";
        const int free_columns = width - (int)strlen(label) - (int)strlen(tail) - 10;
        const int length = free_columns > 40 ? 40 : free_columns;
        if (width > 0 && length >= 4) {
            int at = 0;
            bar[at++] = '[';
            for (int i = 0; i < length; ++i)
                bar[at++] = (double)i < share * length ? '#' : '.';
            bar[at++] = ']';
            bar[at++] = ' ';
            bar[at] = '\0';
        }
        (void)snprintf(text, room, "%s %3.0f %% %s%s", label, 100 * share, bar, tail);
    }
    if (width > 0 && strlen(text) > (size_t)width)
        text[width] = '\0'; /* a wrapped line can't be redrawn with a carriage return */
}

chirp_progress *chirp_progress_begin(const char *label, int64_t total)
{
    chirp_progress *p = chirp_calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->label = chirp_strdup(label ? label : "");
    if (!p->label) {
        chirp_free(p);
        return NULL;
    }
    p->total = total;
    p->style = choose_style();
    p->began_s = chirp_now_s();
    p->shown_s = p->began_s;
    return p;
}

void chirp_progress_start_at(chirp_progress *p, int64_t done)
{
    if (!p)
        return;
    p->start = done;
    p->done = done;
    p->shown_tenth = p->total > 0 ? 10 * done / p->total : 0;
    p->began_s = chirp_now_s();
    p->shown_s = p->began_s;
}

static void show(chirp_progress *p, double now_s)
{
    char text[512];
    const double elapsed = now_s - p->began_s;
    const double rate = elapsed > 0 ? (double)(p->done - p->start) / elapsed : 0;
    const int width = p->style == STYLE_BAR ? terminal_columns() - 1 : 0;
    chirp_progress_format(text, sizeof text, p->label, p->done, p->total, rate, p->note, width);
    if (p->style == STYLE_BAR) {
        const int columns = (int)strlen(text);
        const int blank = p->shown_columns > columns ? p->shown_columns - columns : 0;
        (void)fprintf(stderr, "\r%s%*s", text, blank, "");
        p->shown_columns = columns;
    } else {
        (void)fprintf(stderr, "%s\n", text);
    }
    (void)fflush(stderr);
    p->shown_s = now_s;
}

void chirp_progress_update(chirp_progress *p, int64_t done, const char *note)
{
    if (!p || p->style == STYLE_NONE)
        return;
    p->done = done;
    const double now_s = chirp_now_s();
    const double silent_s = now_s - p->shown_s;
    const int64_t tenth = p->total > 0 ? 10 * done / p->total : 0;
    const bool due =
        p->style == STYLE_BAR
            ? silent_s >= BAR_PERIOD_S
            : silent_s >= PLAIN_PERIOD_S || (tenth > p->shown_tenth && silent_s >= PLAIN_LEAST_S);
    if (!due)
        return;
    p->shown_tenth = tenth;
    size_t i = 0;
    for (; note && note[i] && i + 1 < sizeof p->note; ++i)
        p->note[i] = (unsigned char)note[i] < 0x20 ? ' ' : note[i];
    p->note[i] = '\0';
    show(p, now_s);
}

void chirp_progress_end(chirp_progress *p)
{
    if (!p)
        return;
    if (p->style != STYLE_NONE) {
        char took[32];
        char text[256];
        const double elapsed = chirp_now_s() - p->began_s;
        chirp_format_duration(took, sizeof took, elapsed);
        (void)snprintf(text, sizeof text, "%s: %" PRId64 " done in %s, %.3g/s", p->label, p->done,
                       took, elapsed > 0 ? (double)(p->done - p->start) / elapsed : 0);
        const int columns = (int)strlen(text);
        const int blank = p->shown_columns > columns ? p->shown_columns - columns : 0;
        (void)fprintf(stderr, "%s%s%*s\n", p->style == STYLE_BAR ? "\r" : "", text, blank, "");
    }
    chirp_free(p->label);
    chirp_free(p);
}

/* Progress lines: what they say, and that they stay in their columns. */
#include "harness/base/clock.h"
#include "harness/progress/progress.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void durations_read_naturally(void **state)
{
    (void)state;
    const struct {
        double s;
        const char *text;
    } rows[] = {{0.85, "850 ms"},     {12.2, "12 s"}, {200, "3 min 20 s"}, {7500, "2 h 05 min"},
                {356400, "4 d 03 h"}, {-1, "?"},      {NAN, "?"},          {INFINITY, "?"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        char text[32];
        chirp_format_duration(text, sizeof text, rows[i].s);
        assert_string_equal(text, rows[i].text);
    }
}

static void a_line_has_share_rate_and_time_left(void **state)
{
    (void)state;
    char text[256];
    chirp_progress_format(text, sizeof text, "train", 25, 100, 5, "loss 1.5", 0);
    assert_string_equal(text, "train  25 % 25/100  5/s  left 15 s  loss 1.5");
    chirp_progress_format(text, sizeof text, "train", 25, 100, 5, NULL, 60);
    assert_non_null(strstr(text, "[######.................] 25/100"));
    assert_true(strlen(text) <= 60);
    chirp_progress_format(text, sizeof text, "train", 7, 0, 2, NULL, 0);
    assert_string_equal(text, "train  7  2/s");
}

static void a_line_never_wraps(void **state)
{
    (void)state;
    char text[256];
    for (int width = 1; width < 120; ++width) {
        chirp_progress_format(text, sizeof text, "a label of some length", 123456, 1000000, 12.5,
                              "and a note", width);
        assert_true(strlen(text) <= (size_t)width);
    }
}

/* Runs the given steps with stderr in a file and returns what was written. */
static void captured(const char *style, int64_t start, char *out, size_t room)
{
    char name[] = "/tmp/chirp-progress-XXXXXX";
    const int fd = mkstemp(name);
    assert_true(fd >= 0);
    (void)fflush(stderr);
    const int keep = dup(STDERR_FILENO);
    assert_true(keep >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    assert_int_equal(setenv("CHIRP_PROGRESS", style, 1), 0);
    chirp_progress *p = chirp_progress_begin("work", 10);
    chirp_progress_start_at(p, start);
    const double until_s = chirp_now_s() + 1.1;
    while (chirp_now_s() < until_s)
        chirp_progress_update(p, 9, "line\nbreak");
    chirp_progress_end(p);
    (void)fflush(stderr);
    assert_true(dup2(keep, STDERR_FILENO) >= 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    const ssize_t got = read(fd, out, room - 1);
    assert_true(got >= 0);
    out[got] = '\0';
    (void)close(fd);
    (void)close(keep);
    (void)unlink(name);
}

static void plain_lines_have_no_carriage_return(void **state)
{
    (void)state;
    char text[4096];
    captured("plain", 0, text, sizeof text);
    assert_null(strchr(text, '\r'));
    assert_non_null(strstr(text, "work  90 % 9/10"));
    assert_non_null(strstr(text, "line break\n")); /* the note's control character is gone */
    assert_non_null(strstr(text, "work: 9 done in 1 s"));
    captured("plain", 9, text,
             sizeof text); /* a resumed run shows no rate for what it did not do */
    assert_non_null(strstr(text, "0/s"));
}

static void a_bar_redraws_its_line(void **state)
{
    (void)state;
    char text[4096];
    captured("bar", 0, text, sizeof text);
    assert_non_null(strstr(text, "\rwork"));
    captured("none", 0, text, sizeof text);
    assert_string_equal(text, "");
}

static void null_is_accepted(void **state)
{
    (void)state;
    chirp_progress_start_at(NULL, 1);
    chirp_progress_update(NULL, 1, "x");
    chirp_progress_end(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_read_naturally),
        cmocka_unit_test(a_line_has_share_rate_and_time_left),
        cmocka_unit_test(a_line_never_wraps),
        cmocka_unit_test(plain_lines_have_no_carriage_return),
        cmocka_unit_test(a_bar_redraws_its_line),
        cmocka_unit_test(null_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

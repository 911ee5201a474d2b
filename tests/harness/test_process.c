/* harness/base/process: bytes arrive whole, ends are told apart, and nothing stays behind. */
#include "harness/base/process.h"
#include "harness/base/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than a socket holds, so that both sides need several calls. */
static char large[1 << 21];

static void test_a_fork_sends_more_than_its_socket_holds(void **state)
{
    (void)state;
    chirp_process child;
    assert_int_equal(chirp_process_fork("test", -1, &child), CHIRP_OK);
    if (child.pid == 0) {
        memset(large, 'x', sizeof large);
        _exit(chirp_send_all(child.channel, large, sizeof large) ? 3 : 1);
    }
    assert_true(chirp_receive_all(child.channel, large, sizeof large));
    assert_int_equal(large[sizeof large - 1], 'x');
    assert_false(chirp_receive_all(child.channel, large, 1)); /* the end of the stream */
    assert_int_equal(chirp_process_exit_code(chirp_process_wait(&child)), 3);
    assert_int_equal(child.channel, -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_a_crash_is_told_from_an_exit_code(void **state)
{
    (void)state;
    chirp_process child;
    char byte;
    assert_int_equal(chirp_process_fork("test", -1, &child), CHIRP_OK);
    if (child.pid == 0)
        (void)raise(SIGSEGV);
    assert_false(chirp_receive_all(child.channel, &byte, 1));
    const int ended = chirp_process_wait(&child);
    assert_true(WIFSIGNALED(ended));
    assert_int_equal(chirp_process_exit_code(ended), 128 + SIGSEGV);
}

static void test_a_gone_reader_raises_no_signal(void **state)
{
    (void)state;
    chirp_process child;
    assert_int_equal(chirp_process_fork("test", -1, &child), CHIRP_OK);
    if (child.pid == 0)
        _exit(0);
    char byte;
    assert_false(chirp_receive_all(child.channel, &byte, 1));
    assert_false(chirp_send_all(child.channel, "x", 1));
    assert_int_equal(chirp_process_wait(&child), 0);
}

static int run(char *const *argv, bool own_group, FILE *in, FILE *out)
{
    const chirp_command_line line = {.argv = argv,
                                     .in = in ? fileno(in) : -1,
                                     .out = fileno(out),
                                     .err = fileno(out),
                                     .own_group = own_group};
    chirp_process child;
    assert_int_equal(chirp_process_start(&line, &child), CHIRP_OK);
    return chirp_process_exit_code(chirp_process_wait(&child));
}

static void test_a_program_has_the_given_files_and_its_own_group(void **state)
{
    (void)state;
    FILE *in = NULL, *out = NULL;
    char text[64] = "";
    char shell[] = "sh", option[] = "-c";
    char script[] = "cat; echo lost >&2; read -r a b c d group rest < /proc/$$/stat; "
                    "test $group = $$ && exit 7";
    char *const argv[] = {shell, option, script, NULL};
    assert_int_equal(chirp_scratch_open(&in), CHIRP_OK);
    assert_int_equal(chirp_scratch_open(&out), CHIRP_OK);
    assert_true(fputs("given\n", in) >= 0 && fflush(in) == 0);
    rewind(in);
    assert_int_equal(run(argv, true, in, out), 7);
    rewind(out);
    assert_true(fread(text, 1, sizeof text - 1, out) > 0);
    assert_string_equal(text, "given\nlost\n");
    (void)fclose(in);
    assert_true(run(argv, false, NULL, out) != 7); /* cat reads /dev/null, not our standard input */
    (void)fclose(out);
}

static void test_a_missing_program_is_named(void **state)
{
    (void)state;
    char name[] = "chirp-no-such-program";
    char *const argv[] = {name, NULL};
    const chirp_command_line line = {.argv = argv, .in = -1, .out = 1, .err = 2};
    chirp_process child;
    assert_int_equal(chirp_process_start(&line, &child), CHIRP_ERR_UNSUPPORTED);
    assert_non_null(
        strstr(chirp_error_message(), "chirp-no-such-program can't be run: No such file"));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_a_running_child_has_not_ended(void **state)
{
    (void)state;
    chirp_process child;
    int ended = 0;
    char byte;
    assert_int_equal(chirp_process_fork("test", -1, &child), CHIRP_OK);
    if (child.pid == 0)
        _exit(chirp_receive_all(child.channel, &byte, 1) ? 5 : 1);
    assert_false(chirp_process_ended(&child, &ended));
    assert_true(chirp_send_all(child.channel, "x", 1));
    assert_false(chirp_receive_all(child.channel, &byte, 1));
    while (!chirp_process_ended(&child, &ended))
        (void)usleep(1000);
    assert_int_equal(chirp_process_exit_code(ended), 5);
    (void)close(child.channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fork_sends_more_than_its_socket_holds),
        cmocka_unit_test(test_a_crash_is_told_from_an_exit_code),
        cmocka_unit_test(test_a_gone_reader_raises_no_signal),
        cmocka_unit_test(test_a_program_has_the_given_files_and_its_own_group),
        cmocka_unit_test(test_a_missing_program_is_named),
        cmocka_unit_test(test_a_running_child_has_not_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

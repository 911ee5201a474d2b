/* The chirpbench command: finds the subcommand and runs it. */
#include "harness/base/launch.h"
#include "harness/base/options.h"
#include "harness/base/signals.h"
#include "harness/base/waiting.h"
#include "harness/machine/team.h"
#include "suites/command.h"

#include <stdbool.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const chirp_command *const chirp_commands[] = {
    &chirp_command_bench,
    &chirp_command_compare,
    &chirp_command_doctor,
    &chirp_command_describe,
    &chirp_command_waveform,
    &chirp_command_generate,
    &chirp_command_export,
    &chirp_command_infer,
    &chirp_command_exact,
    &chirp_command_calibrate,
    &chirp_command_train,
    &chirp_command_adapt,
    &chirp_command_decompose,
    &chirp_command_project,
    &chirp_command_report,
    &chirp_command_scale,
    &chirp_command_merge,
    &chirp_command_study,
    NULL,
};

int chirp_command_exit(chirp_status status)
{
    if (status == CHIRP_OK)
        return 0;
    if (status == CHIRP_ERR_INTERRUPTED && chirp_error_message()[0] == '\0')
        return 0; /* --help */
    (void)fprintf(stderr, "chirpbench: %s\n", chirp_error_message());
    return status == CHIRP_ERR_INTERRUPTED ? 1 : 2;
}

int chirp_command_unknown(const char *name)
{
    const char *names[32] = {0}; /* ends with NULL */
    for (size_t i = 0; chirp_commands[i] && i + 1 < sizeof names / sizeof names[0]; ++i)
        names[i] = chirp_commands[i]->name;
    const char *near = chirp_nearest_name(name, names);
    if (near)
        (void)fprintf(stderr, "chirpbench: no command '%s'; did you mean %s?\n", name, near);
    else
        (void)fprintf(stderr, "chirpbench: no command '%s'; see chirpbench --help\n", name);
    return 2;
}

/* Output that went nowhere, such as a full disk behind a redirection, is no success. */
static int finish(int code)
{
    const int error = fflush(stdout) == 0 ? 0 : errno;
    if (!error && !ferror(stdout))
        return code;
    (void)fprintf(stderr, "chirpbench: stdout: can't write: %s\n",
                  error ? strerror(error) : "an earlier part failed");
    return 2;
}

/* Whatever a command does, the libraries under it may start as many threads as OMP_NUM_THREADS says. */
static bool threads_are_sane(void)
{
    int threads = 0;
    const chirp_status st = chirp_team_default(&threads);
    if (st != CHIRP_OK && chirp_launched_number_here() == 0) /* one line, not one per rank */
        (void)chirp_command_exit(st);
    return st == CHIRP_OK;
}

static bool is_word(const char *text, const char *word, const char *letter)
{
    return strcmp(text, word) == 0 || strcmp(text, word + 2) == 0 || strcmp(text, letter) == 0;
}

int main(int argc, char **argv)
{
    chirp_signals_put_back(); /* before the second start: what is handled then begins as the default, not ignored */
    if (argc < 2) {
        (void)chirp_command_help(1, argv);
        return 2;
    }
    if (is_word(argv[1], "--help", "-h"))
        return finish(chirp_command_help(argc - 1, argv + 1));
    if (is_word(argv[1], "--version", "-V")) {
        printf("chirpbench %s\n", CHIRP_VERSION);
        return finish(0);
    }
    for (size_t i = 0; chirp_commands[i]; ++i) {
        if (strcmp(argv[1], chirp_commands[i]->name) == 0) {
            if (!threads_are_sane())
                return 2;
            chirp_wait_briefly(argv);
            return finish(chirp_commands[i]->run(argc - 1, argv + 1));
        }
    }
    return chirp_command_unknown(argv[1]);
}

/*
 * chirpbench as packages install it: starts the program that was compiled for the best instruction set this processor has.
 * The programs lie in a folder of their own, one for each level of x86-64; a package may leave levels out.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_LEVELS = 3, INPUT_ERROR = 2 };
static const char *const level_name[N_LEVELS] = {"x86-64-v4", "x86-64-v3",
                                                 "x86-64-v2"}; /* the best first */

static bool can_run(int level)
{
    __builtin_cpu_init();
    switch (level) {
    case 0:
        return __builtin_cpu_supports("x86-64-v4");
    case 1:
        return __builtin_cpu_supports("x86-64-v3");
    default:
        return __builtin_cpu_supports("x86-64-v2");
    }
}

/* The folder of the programs, seen from that of this one, so that a moved installation works. */
static bool find_folder(char *folder, size_t size)
{
    char self[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return (size_t)snprintf(folder, size, "%s/%s", self, CHIRP_PROGRAMS) < size;
}

/* The level that the user asks for; N_LEVELS: none. */
static int wanted_level(const char *wanted)
{
    for (int i = 0; i < N_LEVELS; ++i)
        if (strcmp(wanted, level_name[i]) == 0)
            return i;
    return N_LEVELS;
}

static int refuse_wanted(const char *wanted, const char *reason)
{
    (void)fprintf(stderr, "chirpbench: CHIRPBENCH_LEVEL: '%s' %s; take", wanted, reason);
    for (int i = 0; i < N_LEVELS; ++i)
        if (can_run(i))
            (void)fprintf(stderr, " %s,", level_name[i]);
    (void)fprintf(stderr, " or unset it for the best\n");
    return INPUT_ERROR;
}

int main(int argc, char **argv)
{
    (void)argc;
    const char *wanted = getenv("CHIRPBENCH_LEVEL");
    const int only = wanted ? wanted_level(wanted) : N_LEVELS;
    if (wanted && only == N_LEVELS)
        return refuse_wanted(wanted, "is no level of x86-64");
    if (wanted && !can_run(only))
        return refuse_wanted(wanted, "is more than this processor has");
    char folder[PATH_MAX];
    if (!find_folder(folder, sizeof folder)) {
        (void)fprintf(
            stderr,
            "chirpbench: /proc/self/exe doesn't say where this program lies; mount /proc\n");
        return INPUT_ERROR;
    }
    for (int i = 0; i < N_LEVELS; ++i) {
        char program[PATH_MAX + 64];
        (void)snprintf(program, sizeof program, "%s/chirpbench-%s", folder, level_name[i]);
        if ((wanted && i != only) || !can_run(i))
            continue;
        (void)execv(program, argv);
        if (errno == ENOENT && !wanted)
            continue;
        (void)fprintf(stderr, "chirpbench: %s: can't start: %s\n", program, strerror(errno));
        return INPUT_ERROR;
    }
    (void)fprintf(stderr,
                  "chirpbench: %s has no program for this processor: x86-64-v2 (2009 and later) is "
                  "the least; "
                  "build from source for older ones\n",
                  folder);
    return INPUT_ERROR;
}

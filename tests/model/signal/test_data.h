/*
 * Published data that tests compare with: files below the folder that the environment variable CHIRP_TEST_DATA names. Tests
 * that need them are a ctest test of their own, "PROGRAM data", and are skipped (exit code 77) without the variable.
 */
#ifndef TESTS_MODEL_SIGNAL_TEST_DATA_H
#define TESTS_MODEL_SIGNAL_TEST_DATA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Path of a file of the folder, in `path`; a test fails when the folder lacks it. */
static inline const char *test_data(const char *name, char path[1024])
{
    const char *folder = getenv("CHIRP_TEST_DATA");
    (void)snprintf(path, 1024, "%s/%s", folder ? folder : "", name);
    if (access(path, R_OK) != 0)
        fail_msg("%s is absent: CHIRP_TEST_DATA must name the folder that holds %s", path, name);
    return path;
}

/** True when the program shall run its tests on published data. */
static inline int test_data_wanted(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "data") == 0;
}

/** True, and said so, without the variable: main() returns 77. */
static inline int test_data_absent(void)
{
    const char *folder = getenv("CHIRP_TEST_DATA");
    if (folder && *folder)
        return 0;
    printf("skipped: set CHIRP_TEST_DATA to the folder of published data (data/, reference/)\n");
    return 1;
}

#endif

/* harness/base/scratch: temporary files follow TMPDIR, and a folder that can't hold them is named with the remedy. */
#include "harness/base/memory.h"
#include "harness/base/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[512];

static int make_folder(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/chirp-scratch-XXXXXX",
                   parent && *parent ? parent : "/tmp");
    return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails unless everything that was made in it is gone */
}

static void test_files_lie_where_tmpdir_says(void **state)
{
    (void)state;
    char *path = NULL;
    struct stat info;
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    assert_int_equal(chirp_scratch_path(".h5", &path), CHIRP_OK);
    assert_memory_equal(path, folder, strlen(folder));
    assert_string_equal(path + strlen(path) - 3, ".h5");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 0);
    assert_int_equal(unlink(path), 0);
    chirp_free(path);
}

static void test_an_open_file_has_no_name(void **state)
{
    (void)state;
    FILE *file = NULL;
    char got[8] = "";
    struct stat info;
    struct stat parent;
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    assert_int_equal(chirp_scratch_open(&file), CHIRP_OK);
    assert_int_equal(fstat(fileno(file), &info), 0);
    assert_int_equal(stat(folder, &parent), 0);
    assert_int_equal(info.st_nlink, 0);
    assert_true(info.st_dev == parent.st_dev);
    assert_true(fputs("abc", file) >= 0);
    rewind(file);
    assert_non_null(fgets(got, sizeof got, file));
    assert_string_equal(got, "abc");
    assert_int_equal(fclose(file), 0);
}

static void test_a_folder_that_cannot_hold_files_is_named(void **state)
{
    (void)state;
    FILE *file = NULL;
    char *path = NULL;
    char absent[600];
    (void)snprintf(absent, sizeof absent, "%s/absent", folder);
    assert_int_equal(setenv("TMPDIR", absent, 1), 0);
    assert_int_equal(chirp_scratch_open(&file), CHIRP_ERR_IO);
    assert_non_null(strstr(chirp_error_message(), absent));
    assert_non_null(strstr(chirp_error_message(), "TMPDIR"));
    assert_int_equal(chirp_scratch_path("", &path), CHIRP_ERR_IO);
    assert_null(file);
    assert_null(path);
}

static void test_an_empty_tmpdir_is_none(void **state)
{
    (void)state;
    FILE *file = NULL;
    assert_int_equal(setenv("TMPDIR", "", 1), 0);
    if (access("/tmp", W_OK) != 0)
        skip();
    assert_int_equal(chirp_scratch_open(&file), CHIRP_OK);
    assert_int_equal(fclose(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_lie_where_tmpdir_says),
        cmocka_unit_test(test_an_open_file_has_no_name),
        cmocka_unit_test(test_a_folder_that_cannot_hold_files_is_named),
        cmocka_unit_test(test_an_empty_tmpdir_is_none),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

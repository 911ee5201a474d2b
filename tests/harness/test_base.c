/* harness/base: options, files, errors. */
#include "harness/base/file.h"
#include "harness/base/index.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/pattern.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t batch;
static double snr;
static const char *network;
static const char *out;
static bool quiet;

static chirp_status parse(int argc, char **argv, int *rest)
{
    const chirp_option table[] = {
        {"batch", CHIRP_OPTION_INT, &batch, .metavar = "N", .min = 1, .max = 4096, .help = "rows"},
        {"snr", CHIRP_OPTION_REAL, &snr, .metavar = "RHO", .min = 1, .max = 100, .help = "ratio"},
        {"network", CHIRP_OPTION_CHOICE, &network, .choices = "spin|mass", .help = "which"},
        {"out", CHIRP_OPTION_STRING, &out, .metavar = "FILE", .help = "file"},
        {"quiet", CHIRP_OPTION_FLAG, &quiet, .help = "no progress"},
    };
    const chirp_usage usage = {"test", "[SUITE...]", "Tests.", table, 5};
    batch = 64;
    snr = 20;
    network = "spin";
    out = NULL;
    quiet = false;
    return chirp_options_parse(&usage, argc, argv, rest);
}

static void test_options_are_read(void **state)
{
    (void)state;
    char *argv[] = {"test",      "kernels", "--batch=32", "--snr",   "12.5",
                    "--network", "mass",    "layers",     "--quiet", NULL};
    int rest = 0;
    assert_int_equal(parse(9, argv, &rest), CHIRP_OK);
    assert_int_equal(batch, 32);
    assert_true(snr == 12.5);
    assert_string_equal(network, "mass");
    assert_true(quiet);
    assert_int_equal(rest, 2);
    assert_string_equal(argv[7], "kernels");
    assert_string_equal(argv[8], "layers");
}

static void expect_error(char *option, char *value, const char *part)
{
    char *argv[] = {"test", option, value, NULL};
    assert_int_equal(parse(value ? 3 : 2, argv, NULL), CHIRP_ERR_ARG);
    if (!strstr(chirp_error_message(), part))
        fail_msg("'%s' lacks '%s'", chirp_error_message(), part);
}

static void test_bad_options_name_the_remedy(void **state)
{
    (void)state;
    expect_error("--bacth", "3", "did you mean --batch");
    expect_error("--batch", "0", "outside 1 to 4096");
    expect_error("--batch", "2.5", "not a whole number");
    expect_error("--snr", "nan", "not a finite number");
    expect_error("--snr", "12x", "not a finite number");
    expect_error("--network", "mas", "none of spin|mass");
    expect_error("--out", NULL, "needs a value");
    expect_error("--out", "", "needs a FILE");
}

typedef struct settings {
    int64_t bytes;
    uint64_t seed;
    double rate;
    int threads;
    int way; /* an enumeration */
    bool learned, noise;
    const char *file;
} settings;

static const char *const ways[] = {"near", "far"};
static const char *const kinds[] = {"fixed", "learned"};
#define AT(member) .offset = offsetof(settings, member)
static const chirp_option rows[] = {
    {"bucket-mib", CHIRP_OPTION_MIB, .metavar = "S", .max = 64, .help = "size", AT(bytes)},
    {"seed", CHIRP_OPTION_UINT64, .metavar = "N", .max = 9e15, .help = "seed", AT(seed)},
    {"rate", CHIRP_OPTION_REAL, .metavar = "R", .min = 1, .max = 9, .help = "rate", AT(rate)},
    {"threads", CHIRP_OPTION_INT32, .metavar = "N", .help = "threads", AT(threads)},
    {"way", CHIRP_OPTION_ENUM, .names = ways, .n_names = 2, .help = "way", AT(way)},
    {"scale", CHIRP_OPTION_EITHER, .names = kinds, .n_names = 2, .help = "scale", AT(learned)},
    {"no-noise", CHIRP_OPTION_UNFLAG, .help = "quiet", AT(noise)},
    {"file", CHIRP_OPTION_STRING, .metavar = "FILE", .help = "file", AT(file), .none = "nothing"},
    {NULL, CHIRP_OPTION_INT32, .help = "stored only", AT(threads), .key = "threads"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static chirp_status parse_rows(settings *s, const char *const *only, bool given[ROWS], int argc,
                               char **argv)
{
    const chirp_usage usage = {"test", NULL, "Tests.", NULL, 0};
    const chirp_option_table table = {rows, ROWS, s, only, given};
    *s = (settings){.rate = 2, .noise = true};
    return chirp_options_parse_tables(&usage, &table, 1, argc, argv);
}

/* Rows about a struct: every kind is read into its member, shown as it was given, compared and checked. */
static void test_rows_of_a_struct(void **state)
{
    (void)state;
    char *all[] = {"test",   "--bucket-mib", "0.25",    "--seed=5", "--threads",
                   "3",      "--way=far",    "--scale", "learned",  "--no-noise",
                   "--file", "a,b",          NULL};
    static const char *const shown[] = {"0.25",    "5",    "2",   "3", "far",
                                        "learned", "true", "a,b", "3"};
    static const char *const only[] = {"rate", NULL};
    bool given[ROWS] = {false};
    char text[CHIRP_OPTION_TEXT];
    settings s;
    settings other = {.rate = 2, .noise = true};
    assert_int_equal(parse_rows(&s, NULL, given, 12, all), CHIRP_OK);
    assert_true(s.bytes == 262144 && s.seed == 5 && s.threads == 3 && s.way == 1 && s.learned &&
                !s.noise);
    for (int i = 0; i < ROWS; ++i) {
        const void *value = chirp_option_value(&rows[i], &s);
        assert_string_equal(chirp_option_text(&rows[i], value, text), shown[i]);
        assert_int_equal(chirp_option_equal(&rows[i], value, chirp_option_value(&rows[i], &other)),
                         i == 2);
        assert_int_equal(chirp_option_check(&rows[i], value), CHIRP_OK);
        assert_int_equal(given[i], i != 2 && i != ROWS - 1);
    }
    assert_string_equal(chirp_option_text(&rows[7], &other.file, text), "nothing");

    char *rate[] = {"test", "--rate", "10", NULL};
    assert_int_equal(parse_rows(&s, only, NULL, 3, rate), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "outside 1 to 9"));
    char *way[] = {"test", "--way", "far", NULL};
    assert_int_equal(parse_rows(&s, only, NULL, 3, way),
                     CHIRP_ERR_ARG); /* not taken from the table */
    way[2] = "f";
    assert_int_equal(parse_rows(&s, NULL, NULL, 3, way), CHIRP_ERR_ARG); /* names are whole */
    assert_non_null(strstr(chirp_error_message(), "none of near|far"));

    char *flag[] = {"test", "--no-noise=false", NULL};
    assert_int_equal(parse_rows(&s, NULL, NULL, 2, flag), CHIRP_OK);
    assert_true(s.noise);
    flag[1] = "--no-noise=perhaps";
    assert_int_equal(parse_rows(&s, NULL, NULL, 2, flag), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "neither true nor false"));
    flag[1] = "-q";
    assert_int_equal(parse_rows(&s, NULL, NULL, 2, flag), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "start with --"));

    s.rate = 0.5;
    assert_int_equal(chirp_option_check(&rows[2], &s.rate), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "--rate: 0.5 is outside 1 to 9"));
    s.way = 2;
    assert_int_equal(chirp_option_check(&rows[4], &s.way), CHIRP_ERR_ARG);
    assert_false(chirp_option_set_number(&rows[3], &s.threads, 1.5));
    assert_false(chirp_option_set_number(&rows[3], &s.threads, 1e12));
    assert_false(chirp_option_set_number(&rows[7], &s.file, 1));
}

static void test_files_are_whole_or_absent(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-base-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[128];
    char *bytes = NULL;
    size_t length = 0;
    (void)snprintf(path, sizeof path, "%s/a/b/file", folder);
    assert_int_equal(chirp_file_write(path, "x", 1), CHIRP_ERR_IO); /* folder is missing */
    (void)snprintf(path, sizeof path, "%s/a/b", folder);
    assert_int_equal(chirp_make_directories(path), CHIRP_OK);
    assert_int_equal(chirp_make_directories(path), CHIRP_OK);
    assert_int_equal(chirp_file_write(path, "x", 1), CHIRP_ERR_IO); /* is a directory */
    (void)snprintf(path, sizeof path, "%s/a/b/file", folder);
    assert_int_equal(chirp_file_write(path, "old", 3), CHIRP_OK);
    char *temporary = NULL;
    assert_int_equal(chirp_file_temporary(path, &temporary), CHIRP_OK);
    chirp_file_discard(temporary);
    assert_int_equal(chirp_file_read(path, &bytes, &length), CHIRP_OK);
    assert_int_equal(length, 3);
    assert_string_equal(bytes, "old");
    chirp_free(bytes);
    char *large = chirp_calloc(200000, 1);
    assert_int_equal(chirp_file_write(path, large, 200000), CHIRP_OK);
    assert_int_equal(chirp_file_read(path, &bytes, &length), CHIRP_OK);
    assert_int_equal(length, 200000);
    chirp_free(bytes);
    chirp_free(large);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

/* A rename over a device would replace it for everybody. The pipe stands in for /dev/null: a failure here breaks nothing. */
static void test_streams_are_written_and_stay(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-stream-XXXXXX";
    char path[64];
    char got[4] = "";
    char *temporary = NULL;
    struct stat info;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    const int fd = open(path, O_RDWR | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_true(chirp_file_is_stream(path) && !chirp_file_is_stream(folder));
    assert_int_equal(chirp_file_writable(path), CHIRP_OK);
    assert_int_equal(chirp_file_write(path, "abc", 3), CHIRP_OK);
    assert_int_equal(read(fd, got, sizeof got), 3);
    assert_memory_equal(got, "abc", 3);
    assert_int_equal(chirp_file_temporary(path, &temporary), CHIRP_OK); /* for HDF5, which seeks */
    const int made = open(temporary, O_WRONLY | O_TRUNC);
    assert_int_equal(write(made, "hdf", 3), 3);
    assert_int_equal(close(made), 0);
    assert_int_equal(chirp_file_commit(temporary, path), CHIRP_OK);
    assert_int_equal(read(fd, got, sizeof got), 3);
    assert_memory_equal(got, "hdf", 3);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    assert_false(chirp_file_is_stream(path));
    assert_int_equal(chirp_file_writable(path), CHIRP_OK);
    assert_int_equal(stat(path, &info), -1); /* asking creates nothing */
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(chirp_file_writable(path), CHIRP_ERR_IO);
}

static void expect_contents(const char *path, const char *want)
{
    char *bytes = NULL;
    assert_int_equal(chirp_file_read(path, &bytes, NULL), CHIRP_OK);
    assert_string_equal(bytes, want);
    chirp_free(bytes);
}

static bool is_link(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

/* Chains of links, relative and absolute, to a file that exists and to one that doesn't yet. */
static void test_links_are_followed(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-links-XXXXXX";
    char text[128];
    char *temporary = NULL;
    assert_non_null(mkdtemp(folder));
    const int before = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("a", 0700) | mkdir("b", 0700), 0);
    assert_int_equal(chirp_file_write("b/target", "old", 3), CHIRP_OK);
    (void)snprintf(text, sizeof text, "%s/a/middle", folder);
    assert_int_equal(symlink(text, "link") | symlink("../b/target", "a/middle"), 0);
    assert_int_equal(symlink("b/new", "dangling"), 0);
    assert_int_equal(symlink("circle", "circle") | symlink("none/x", "nowhere"), 0);
    assert_int_equal(chirp_file_write("link", "new", 3), CHIRP_OK);
    expect_contents("b/target", "new");
    assert_true(is_link("link") && is_link("a/middle"));
    assert_int_equal(chirp_file_temporary("dangling", &temporary), CHIRP_OK);
    assert_memory_equal(temporary, "b/new",
                        5); /* beside the target: another folder may be another disk */
    chirp_file_discard(temporary);
    assert_int_equal(chirp_file_write("dangling", "x", 1), CHIRP_OK);
    expect_contents("b/new", "x");
    assert_true(is_link("dangling"));
    assert_int_equal(chirp_file_write("circle", "x", 1), CHIRP_ERR_IO);
    assert_non_null(strstr(chirp_error_message(), "circle"));
    assert_int_equal(chirp_file_writable("nowhere"), CHIRP_ERR_IO);
    assert_int_equal(fchdir(before) | close(before), 0);
    (void)snprintf(text, sizeof text, "rm -r %s", folder);
    assert_int_equal(system(text), 0);
}

static chirp_status parse_files(const char *in, const char *out_name, const char *log, char *rest)
{
    const char *input = NULL;
    const char *result = NULL;
    const char *other = NULL;
    const chirp_option table[] = {
        {"in", CHIRP_OPTION_STRING, &input, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "x"},
        {"out", CHIRP_OPTION_STRING, &result, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "x"},
        {"log", CHIRP_OPTION_STRING, &other, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "x"},
    };
    const chirp_usage usage = {"try", "FILE", "x", table, 3};
    char words[3][300];
    char *argv[5] = {(char[]){"try"}, words[0], words[1], words[2], rest};
    int n_rest = 0;
    (void)snprintf(words[0], sizeof words[0], "--in=%s", in);
    (void)snprintf(words[1], sizeof words[1], "--out=%s", out_name);
    (void)snprintf(words[2], sizeof words[2], "--log=%s", log);
    return chirp_options_parse(&usage, 5, argv, &n_rest);
}

/* By what a name means, not by how it is written. */
static void test_outputs_are_no_inputs(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-same-XXXXXX";
    char text[64];
    char rest[] = "third";
    assert_non_null(mkdtemp(folder));
    const int before = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(chirp_file_write("a,b", "1", 1) | chirp_file_write("c", "2", 1) |
                         chirp_file_write("third", "3", 1),
                     CHIRP_OK);
    assert_int_equal(symlink("a,b", "soft") | link("c", "hard") | symlink("new", "dangling"), 0);
    assert_int_equal(parse_files("a,b,c", "new", "log", rest), CHIRP_OK);
    assert_int_equal(parse_files("a,b", "/dev/null", "/dev/null", rest), CHIRP_OK);
    const char *const same[][3] = {
        {"a,b", "./a,b", "log"},  {"a,b", "soft", "log"},   {"c", "x", "hard"},
        {"a,b,c", "hard", "log"}, {"c:H1,a,b", "c", "log"}, {"none,a,b:H1", "x", "soft"},
        {"c", "third", "log"},    {"c", "new", "./new"},    {"c", "dangling", "new"},
        {"c", "new", "dangling"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; ++i) {
        assert_int_equal(parse_files(same[i][0], same[i][1], same[i][2], rest), CHIRP_ERR_ARG);
        assert_non_null(strstr(chirp_error_message(), "is the same file as"));
    }
    assert_int_equal(fchdir(before) | close(before), 0);
    (void)snprintf(text, sizeof text, "rm -r %s", folder);
    assert_int_equal(system(text), 0);
}

static char *temporary_of(const char *path)
{
    char *name = NULL;
    assert_int_equal(chirp_file_temporary(path, &name), CHIRP_OK);
    return name;
}

/* A killed process leaves its temporary, the next one that writes the same file removes it. A living one's stays. */
static void test_temporaries_of_dead_processes(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-stale-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const int before = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(folder), 0);
    int end[2];
    char left[512] = "";
    assert_int_equal(pipe(end), 0);
    const pid_t child = fork();
    if (child == 0) {
        char *name = temporary_of("out");
        const bool told = write(end[1], name, strlen(name)) == (ssize_t)strlen(name);
        (void)raise(SIGKILL);
        _exit(told);
    }
    assert_true(read(end[0], left, sizeof left - 1) > 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(close(end[0]) | close(end[1]), 0);
    assert_int_equal(access(left, F_OK), 0);
    char *other = temporary_of("other"); /* of another output: not asked for */
    assert_int_equal(access(left, F_OK), 0);
    char *mine = temporary_of("out");
    assert_int_equal(access(left, F_OK), -1);
    chirp_free(temporary_of("other2"));
    char *second = temporary_of("out");
    assert_string_not_equal(mine, second);
    assert_int_equal(access(mine, F_OK) | access(other, F_OK), 0);
    chirp_file_discard(mine);
    chirp_file_discard(second);
    chirp_file_discard(other);
    assert_int_equal(fchdir(before) | close(before), 0);
    (void)snprintf(left, sizeof left, "rm -r %s", folder);
    assert_int_equal(system(left), 0);
}

/* A link planted at a companion's name leads to somebody's file; a file in its place is no reason to follow it. */
static void test_planted_links_and_modes(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-plant-XXXXXX";
    char text[64];
    char *name = NULL;
    struct stat info;
    assert_non_null(mkdtemp(folder));
    const int before = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(chirp_file_write("victim", "precious", 8), CHIRP_OK);
    assert_int_equal(symlink("victim", "out.partial"), 0);
    assert_int_equal(chirp_file_beside("out", ".partial", &name), CHIRP_ERR_IO);
    assert_null(name);
    assert_non_null(strstr(chirp_error_message(), "out.partial: is in the way"));
    assert_int_equal(chirp_file_write("new.partial", "old", 3), CHIRP_OK);
    assert_int_equal(link("new.partial", "hard"), 0);
    assert_int_equal(chirp_file_create("new.partial", "new"), CHIRP_OK);
    expect_contents("hard", "old"); /* replaced, not emptied */
    expect_contents("victim", "precious");
    assert_int_equal(chmod("victim", 0604), 0);
    assert_int_equal(chirp_file_write("victim", "next", 4), CHIRP_OK);
    assert_int_equal(stat("victim", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0604);
    name = temporary_of("victim"); /* not open to more readers than what it will replace */
    assert_int_equal(stat(name, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(unlink("victim") | mkdir("victim", 0700) | mkdir("victim/full", 0700), 0);
    (void)snprintf(text, sizeof text, "%s", name);
    assert_int_equal(chirp_file_commit(name, "victim"), CHIRP_ERR_IO); /* rename fails */
    assert_non_null(strstr(chirp_error_message(), text));
    assert_int_equal(access(text, F_OK), 0); /* kept and named */
    assert_int_equal(fchdir(before) | close(before), 0);
    (void)snprintf(text, sizeof text, "rm -r %s", folder);
    assert_int_equal(system(text), 0);
}

/* Names up to the longest that a folder takes; two that begin alike keep companions of their own. */
static void test_long_names(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-names-XXXXXX";
    char path[400];
    char *one = NULL;
    char *two = NULL;
    assert_non_null(mkdtemp(folder));
    for (int length = 240; length <= 256; ++length) {
        const int n = snprintf(path, sizeof path, "%s/", folder);
        memset(path + n, 'x', (size_t)length);
        path[n + length] = '\0';
        const chirp_status want = length <= 255 ? CHIRP_OK : CHIRP_ERR_IO;
        assert_int_equal(chirp_file_write(path, "abc", 3), want);
        if (length > 255)
            continue;
        expect_contents(path, "abc");
        assert_int_equal(chirp_file_beside(path, ".partial", &one), CHIRP_OK);
        path[n + length - 1] = 'y';
        assert_int_equal(chirp_file_beside(path, ".partial", &two), CHIRP_OK);
        assert_string_not_equal(one, two);
        assert_string_equal(one + strlen(one) - 8, ".partial");
        assert_true(strlen(one) - (size_t)n <= 255);
        chirp_free(one);
        chirp_free(two);
    }
    assert_non_null(strstr(chirp_error_message(), "256"));
    (void)snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

/* What was printed before stays, what is printed later comes behind, as if the descriptor had been used. */
static void test_open_descriptors_go_on(void **state)
{
    (void)state;
    char path[] = "/tmp/chirp-open-XXXXXX";
    char name[32];
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", fd);
    assert_true(chirp_file_is_sink(name) && !chirp_file_is_sink(path));
    assert_int_equal(write(fd, "1", 1), 1);
    assert_int_equal(chirp_file_write(name, "2", 1), CHIRP_OK);
    assert_int_equal(write(fd, "3", 1), 1);
    expect_contents(path, "123");
    assert_int_equal(close(fd), 0);
    assert_int_equal(chirp_file_write(name, "4", 1), CHIRP_ERR_IO);
    assert_int_equal(unlink(path), 0);
}

static void test_messages_are_one_line(void **state)
{
    (void)state;
    assert_int_equal(chirp_fail(CHIRP_ERR_IO, "a\nb\tc"), CHIRP_ERR_IO);
    assert_string_equal(chirp_error_message(), "a?b?c");
    (void)chirp_fail(CHIRP_ERR_IO, "again: %s", chirp_error_message());
    assert_string_equal(chirp_error_message(), "again: a?b?c");
    (void)chirp_fail(CHIRP_ERR_IO, "%s", "\xc3\xa9\xc2\x9b\xc2\xa0\x7f\033");
    assert_string_equal(chirp_error_message(), "\xc3\xa9??\xc2\xa0??");
    for (int s = 0; s < CHIRP_STATUS_COUNT; ++s)
        assert_non_null(chirp_status_text((chirp_status)s));
}

static void test_allocation_limits(void **state)
{
    (void)state;
    assert_null(chirp_alloc(SIZE_MAX));
    assert_null(chirp_calloc(SIZE_MAX / 2, 3));
    char *block = chirp_alloc(5u << 20);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 64, 0);
    chirp_free(block);
}

static void test_an_index_finds_what_was_added(void **state)
{
    enum { N = 5000 };
    static char name[N][16];
    chirp_index index = {0};
    size_t at = 0;
    (void)state;
    assert_false(chirp_index_find(&index, "x", 1, &at));
    for (size_t i = 0; i < N; ++i) {
        (void)snprintf(name[i], sizeof name[i], "%zu/x", i);
        assert_true(chirp_index_add(&index, name[i], strlen(name[i]), i));
    }
    for (size_t i = 0; i < N; ++i) {
        assert_true(chirp_index_find(&index, name[i], strlen(name[i]), &at));
        assert_int_equal(at, i);
    }
    assert_false(chirp_index_find(&index, "1234/", 5, &at));
    assert_false(chirp_index_find(&index, "", 0, &at));
    chirp_index_clear(&index);
}

static void test_patterns_keep_and_refuse(void **state)
{
    static const struct {
        const char *text, *kept, *dropped;
    } good[] = {
        {NULL, "a", NULL},
        {"", "a", NULL},
        {"^a{2}{3}$", "aaaaaa", "aaaa"},
        {"-b", "a", "abc"},
        {"[]{9}]{2}", "9]", "a"},
        {"[[:alpha:]]{4}", "abcd", "abc1"},
        {"\\({2}", "((", "("},
        {"(a|b){2,}c", "bac", "ac"},
        {"a{63}{64}|b", "b", "c"},
        {"{,2}", NULL, NULL}, /* glibc's own word on it */
    };
    static const char *const bad[] = {
        "a{4097}",       "(a{1,255}){1,255}",    "((a{1,100}){1,100}){1,100}",
        "[]a]{2}{3000}", "(((a*){99}){99}){99}", "a{99}{99}",
        "(){32767}",     "a{1,32767}",
    };
    chirp_pattern pattern = {0};
    (void)state;
    assert_true(chirp_pattern_keeps(&pattern, "all"));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; ++i) {
        if (chirp_pattern_compile(&pattern, "--filter ", good[i].text) != CHIRP_OK) {
            assert_null(good[i].kept);
            continue;
        }
        assert_true(!good[i].kept || chirp_pattern_keeps(&pattern, good[i].kept));
        assert_false(good[i].dropped && chirp_pattern_keeps(&pattern, good[i].dropped));
        chirp_pattern_clear(&pattern);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        assert_int_equal(chirp_pattern_compile(&pattern, "--filter ", bad[i]), CHIRP_ERR_ARG);
        assert_non_null(strstr(chirp_error_message(), "is too large: at most"));
    }
    char deep[2 * 65 + 2]; /* 65 parentheses in each other */
    memset(deep, '(', 65);
    deep[65] = 'a';
    memset(deep + 66, ')', 65);
    deep[131] = '\0';
    assert_int_equal(chirp_pattern_compile(&pattern, "--filter ", deep), CHIRP_ERR_ARG);
    deep[130] = '\0';
    assert_int_equal(chirp_pattern_compile(&pattern, "--filter ", deep + 1), CHIRP_OK);
    assert_true(chirp_pattern_keeps(&pattern, "a"));
    chirp_pattern_clear(&pattern);
    char longest[4098];
    memset(longest, 'a', 4097);
    longest[4097] = '\0';
    assert_int_equal(chirp_pattern_compile(&pattern, "--filter ", longest), CHIRP_ERR_ARG);
    assert_int_equal(chirp_pattern_compile(&pattern, "--filter ", longest + 1), CHIRP_OK);
    chirp_pattern_clear(&pattern);
    assert_int_equal(chirp_pattern_compile(&pattern, "--filter ", "-("), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "--filter -(: not an extended regular"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_are_read),
        cmocka_unit_test(test_bad_options_name_the_remedy),
        cmocka_unit_test(test_rows_of_a_struct),
        cmocka_unit_test(test_files_are_whole_or_absent),
        cmocka_unit_test(test_streams_are_written_and_stay),
        cmocka_unit_test(test_links_are_followed),
        cmocka_unit_test(test_outputs_are_no_inputs),
        cmocka_unit_test(test_temporaries_of_dead_processes),
        cmocka_unit_test(test_planted_links_and_modes),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_open_descriptors_go_on),
        cmocka_unit_test(test_messages_are_one_line),
        cmocka_unit_test(test_allocation_limits),
        cmocka_unit_test(test_an_index_finds_what_was_added),
        cmocka_unit_test(test_patterns_keep_and_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

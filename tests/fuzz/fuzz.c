/*
 * Bytes that nobody meant, for one of the readers. Built by clang's fuzzer:
 *     CHIRP_FUZZ=READER fuzz [libFuzzer's options] CORPUS...
 * and by any compiler, with a small mutator in place of the fuzzer's:
 *     fuzz READER SECONDS SEED CORPUS...
 */
#include "tests/fuzz/readers.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef CHIRP_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const fuzz_reader *reader;
    if (!reader)
        reader = fuzz_reader_named(getenv("CHIRP_FUZZ"));
    fuzz_read(reader, bytes, length);
    return 0;
}

#else

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

enum { MOST_SEEDS = 64, MOST_BYTES = 1 << 16, MOST_SECONDS_PER_INPUT = 60 };

typedef struct input {
    uint8_t bytes[MOST_BYTES];
    size_t length;
} input;

static input seeds[MOST_SEEDS];
static size_t n_seeds;
static input last;
static char kept[64];
static uint64_t state; /* of the random numbers */

static uint64_t below(uint64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % n;
}

static void add_seeds(const char *folder)
{
    char path[4096];
    DIR *all = opendir(folder);
    for (const struct dirent *e = all ? readdir(all) : NULL; e; e = readdir(all)) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *file = e->d_name[0] != '.' && n_seeds < MOST_SEEDS ? fopen(path, "rb") : NULL;
        if (!file)
            continue;
        seeds[n_seeds].length = fread(seeds[n_seeds].bytes, 1, MOST_BYTES, file);
        n_seeds += seeds[n_seeds].length > 0;
        (void)fclose(file);
    }
    if (all)
        (void)closedir(all);
}

/* Puts bytes in place of `old` ones at a position. */
static void put(input *x, size_t at, size_t old, const void *bytes, size_t n)
{
    if (x->length - old + n > MOST_BYTES)
        return;
    memmove(x->bytes + at + n, x->bytes + at + old, x->length - at - old);
    memmove(x->bytes + at, bytes, n);
    x->length += n - old;
}

static void mutate(input *x)
{
    static const char *const words[] = {
        "-1",         "0",        "1e999",   "-1e308", "4e-324",      "9223372036854775808",
        "2147483648", "NaN",      "null",    "true",   "[]",          "{}",
        "\"\"",       "[[[[[[[[", "\\u0000", "<b>",    "\xff",        "\n",
        ",",          ":",        "\"",      "1e5",    "\xed\xa0\x80"};
    const size_t at = below(x->length + 1);
    const size_t rest = x->length - at;
    const size_t span = rest ? below(rest < 32 ? rest : 32) + 1 : 0;
    const input *other = &seeds[below(n_seeds)];
    const size_t from = below(other->length);
    const size_t taken = below(other->length - from) + 1;
    const char *word = words[below(sizeof words / sizeof words[0])];
    uint8_t some[32];
    switch (below(7)) {
    case 0: /* a bit */
        if (rest)
            x->bytes[at] ^= (uint8_t)(1 << below(8));
        break;
    case 1: /* a word in place of a number or of anything else */
        put(x, at, strspn((char[2]){rest ? (char)x->bytes[at] : 'x', 0}, "0123456789") ? 1 : span,
            word, strlen(word));
        break;
    case 2:
        put(x, at, 0, word, strlen(word));
        break;
    case 3:
        put(x, at, span, some, 0);
        break;
    case 4: /* twice */
        memcpy(some, x->bytes + at, span);
        put(x, at, 0, some, span);
        break;
    case 5: /* a part of another one */
        put(x, at, span, other->bytes + from, taken);
        break;
    default:
        x->length = below(8) ? x->length : at;
    }
}

/* Where a reader crashes or hangs, its input is kept. */
static void keep(void)
{
    const int file = open(kept, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const ssize_t written = write(file, last.bytes, last.length);
    (void)written;
}

static void end(int number)
{
    keep();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void keep_what_fails(void)
{
    static const int ends[] = {SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(keep); /* it takes signals itself */
    (void)signal(ends[0], end);
#else
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i)
        (void)signal(ends[i], end);
#endif
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        (void)fprintf(stderr, "usage: fuzz READER SECONDS SEED CORPUS...\n");
        return 2;
    }
    const fuzz_reader *reader = fuzz_reader_named(argv[1]);
    const time_t until = time(NULL) + atoi(argv[2]);
    const uint64_t seed = strtoull(argv[3], NULL, 10);
    for (int i = 4; i < argc; ++i)
        add_seeds(argv[i]);
    if (n_seeds == 0 || !freopen("/dev/null", "w", stdout)) {
        (void)fprintf(stderr, "%s: no files\n", argv[4]);
        return 2;
    }
    (void)snprintf(kept, sizeof kept, "fuzz-%s.input", reader->name);
    keep_what_fails();
    state = seed ? seed : (uint64_t)time(NULL) * 2 + 1;
    (void)fprintf(stderr, "seed %llu; what fails is kept in %s\n", (unsigned long long)state, kept);
    size_t n = 0;
    for (; n < n_seeds || time(NULL) < until; ++n) {
        last = seeds[n < n_seeds ? n : below(n_seeds)];
        for (uint64_t edits = n < n_seeds ? 0 : below(5) + 1; edits; --edits)
            mutate(&last);
        (void)alarm(MOST_SECONDS_PER_INPUT); /* a hang ends by this signal */
        fuzz_read(reader, last.bytes, last.length);
    }
    (void)fprintf(stderr, "%zu inputs\n", n);
    return 0;
}

#endif

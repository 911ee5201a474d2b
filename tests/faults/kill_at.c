/*
 * LD_PRELOAD: kills the process at the n-th call that changes a file or a folder (CHIRP_KILL_AT=n, from 1), as SIGKILL or a
 * crash of the machine's kernel would: before the call, or with CHIRP_KILL_TORN=1 after half the bytes of a write.
 * CHIRP_KILL_COUNT=FILE receives the number of such calls, and of blocks of memory, of a process that ends by itself.
 * CHIRP_REFUSE_AT=n: the n-th block of memory that the program itself asks for (chirp_alloc) is refused.
 * CHIRP_FAIL=NAME: every call of this name fails with EIO instead, as on a broken disk.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;
static atomic_long blocks;
static long kill_at;
static long refuse_at;
static bool torn;
static const char *failing = "";

__attribute__((constructor)) static void read_settings(void)
{
    const char *at = getenv("CHIRP_KILL_AT");
    kill_at = at ? atol(at) : 0;
    torn = getenv("CHIRP_KILL_TORN") != NULL;
    const char *refuse = getenv("CHIRP_REFUSE_AT");
    refuse_at = refuse ? atol(refuse) : 0;
    failing = getenv("CHIRP_FAIL") ? getenv("CHIRP_FAIL") : "";
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("CHIRP_KILL_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    (void)fprintf(file, "%ld %ld\n", (long)calls, (long)blocks);
    (void)fclose(file);
}

/* True: the call is the one to die in, after half of it. */
static bool half(void)
{
    if (++calls != kill_at)
        return false;
    if (!torn)
        (void)kill(getpid(), SIGKILL);
    return true;
}

static void die(void) { (void)kill(getpid(), SIGKILL); }

static bool fails(const char *name)
{
    errno = EIO;
    return strcmp(name, failing) == 0;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    if (fails("pwrite64"))
        return -1;
    const bool last = half();
    const ssize_t done = NEXT(pwrite64)(fd, bytes, last ? (n + 1) / 2 : n, at);
    if (last)
        die();
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) { return pwrite64(fd, bytes, n, at); }

ssize_t write(int fd, const void *bytes, size_t n)
{
    const bool last = fd > 2 && half();
    const ssize_t done = NEXT(write)(fd, bytes, last ? (n + 1) / 2 : n);
    if (last)
        die();
    return done;
}

ssize_t copy_file_range(int in, off64_t *at_in, int out, off64_t *at_out, size_t n, unsigned flags)
{
    const bool last = half();
    const ssize_t done = NEXT(copy_file_range)(in, at_in, out, at_out, last ? 4096 : n, flags);
    if (last)
        die();
    return done;
}

void *aligned_alloc(size_t align, size_t bytes)
{
    return ++blocks == refuse_at ? NULL : NEXT(aligned_alloc)(align, bytes);
}

#define WHOLE(name, declared, ...)                                                                 \
    int name declared                                                                              \
    {                                                                                              \
        if (fails(#name))                                                                          \
            return -1;                                                                             \
        const bool last = half();                                                                  \
        const int result = NEXT(name)(__VA_ARGS__);                                                \
        if (last)                                                                                  \
            die();                                                                                 \
        return result;                                                                             \
    }

WHOLE(ftruncate, (int fd, off_t length), fd, length)
WHOLE(ftruncate64, (int fd, off64_t length), fd, length)
WHOLE(fsync, (int fd), fd)
WHOLE(fchmod, (int fd, mode_t mode), fd, mode)
WHOLE(rename, (const char *from, const char *to), from, to)
WHOLE(unlink, (const char *path), path)

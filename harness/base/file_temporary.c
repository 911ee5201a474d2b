/* New files: the temporary that becomes an output, and what is left of one when its process dies. */
#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "harness/base/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * FILE.tmp-WORLD-PROCESS-RANDOM in hexadecimal digits of fixed number, so that a name that is too long for its folder is cut
 * alike for all temporaries of a file. The random part can't be planted, the others say whose it was.
 */
enum { SUFFIX = 29, WORLD_END = 14, PID_END = 21 }; /* bytes, from the point */

/* Where a process number means something: this host, and in it this container. */
static uint32_t world(void)
{
    char host[256] = "";
    struct stat container;
    (void)gethostname(host, sizeof host - 1);
    uint64_t hash = chirp_fnv(CHIRP_FNV_START, host, strlen(host));
    if (stat("/proc/self/ns/pid", &container) == 0)
        hash = chirp_fnv(hash, &container.st_ino, sizeof container.st_ino);
    return (uint32_t)(hash ^ (hash >> 32));
}

/* An output that can be written: not a folder, and in a folder that takes files. @param folder  caller frees, also after a failure */
static chirp_status check_place(const char *path, char **folder)
{
    struct stat info;
    char *target = NULL;
    if (!path || !*path)
        return chirp_fail(CHIRP_ERR_ARG, "an output file needs a name");
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return chirp_fail(CHIRP_ERR_IO, "%s: is a directory, name a file", path);
    chirp_status st = chirp_file_beside(path, "", &target);
    if (st == CHIRP_OK)
        st = chirp_file_folder(target, folder);
    chirp_free(target);
    if (st == CHIRP_OK && access(*folder, W_OK | X_OK) != 0)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't write in folder %s: %s", path, *folder,
                        strerror(errno));
    return st;
}

/*
 * Removes what dead processes left of this output. A file that its owner can't write is finished and was kept on purpose.
 * Once per output: a folder may have many files.
 */
static void remove_stale(const char *name, const char *folder)
{
    static _Atomic uint64_t last;
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    const size_t length = strlen(base);
    const size_t known = length - SUFFIX + WORLD_END;
    const uint64_t hash = chirp_fnv(CHIRP_FNV_START, name, strlen(name) - SUFFIX);
    DIR *entries = atomic_exchange(&last, hash) == hash ? NULL : opendir(folder);
    for (const struct dirent *e; entries && (e = readdir(entries));) {
        struct stat info;
        char *end = NULL;
        if (strlen(e->d_name) != length || memcmp(e->d_name, base, known) != 0)
            continue;
        const long process = strtol(e->d_name + known, &end, 16);
        if (end == e->d_name + length - SUFFIX + PID_END - 1 && process > 0 &&
            kill((pid_t)process, 0) != 0 && errno == ESRCH &&
            fstatat(dirfd(entries), e->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode) && (info.st_mode & S_IWUSR))
            (void)unlinkat(dirfd(entries), e->d_name, 0);
    }
    if (entries)
        (void)closedir(entries);
}

/* Nobody but the owner may read what replaces a file before it has that file's mode. */
static int create_new(const char *name, const char *path)
{
    struct stat info;
    const mode_t mode = stat(path, &info) == 0 ? 0600 : 0666;
    return open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

static chirp_status make_temporary(const char *path, const char *folder, char **temporary)
{
    for (int attempt = 0; attempt < 100; ++attempt) {
        char suffix[SUFFIX + 8];
        uint32_t draw = 0;
        char *name = NULL;
        if (getrandom(&draw, sizeof draw, 0) != (ssize_t)sizeof draw)
            draw = (uint32_t)(uint64_t)(chirp_now_s() * 1e9); /* O_EXCL alone keeps it safe */
        (void)snprintf(suffix, sizeof suffix, ".tmp-%08x-%06x-%08x", world(), (unsigned)getpid(),
                       draw);
        const chirp_status st = chirp_file_beside(path, suffix, &name);
        if (st != CHIRP_OK)
            return st;
        if (attempt == 0)
            remove_stale(name, folder);
        const int fd = create_new(name, path);
        if (fd >= 0) {
            (void)close(fd);
            *temporary = name;
            return CHIRP_OK;
        }
        const int error = errno;
        chirp_free(name);
        if (error != EEXIST)
            return chirp_fail(CHIRP_ERR_IO, "%s: can't create a file in its folder: %s", path,
                              strerror(error));
    }
    return chirp_fail(CHIRP_ERR_IO, "%s: a hundred random names beside it are all taken", path);
}

chirp_status chirp_file_temporary(const char *path, char **temporary)
{
    char *folder = NULL;
    if (path &&
        chirp_file_is_sink(path)) { /* to rename over /dev/null would take it from everybody */
        const chirp_status st = chirp_file_sink_writable(path);
        return st == CHIRP_OK ? chirp_scratch_path(".tmp", temporary) : st;
    }
    chirp_status st = check_place(path, &folder);
    if (st == CHIRP_OK)
        st = make_temporary(path, folder, temporary);
    chirp_free(folder);
    return st;
}

chirp_status chirp_file_writable(const char *path)
{
    char *folder = NULL;
    if (path && chirp_file_is_sink(path))
        return chirp_file_sink_writable(path);
    const chirp_status st = check_place(path, &folder);
    chirp_free(folder);
    return st;
}

chirp_status chirp_file_create(const char *name, const char *path)
{
    struct stat info;
    if (lstat(name, &info) == 0) {
        /* HDF5 locks what it writes */
        const int old = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        const bool busy = old >= 0 && flock(old, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (old >= 0)
            (void)close(old);
        if (busy)
            return chirp_fail(CHIRP_ERR_IO, "%s: another process is writing it: wait for its end",
                              name);
        if (unlink(name) != 0)
            return chirp_fail(CHIRP_ERR_IO, "%s: is in the way and can't be removed: %s", name,
                              strerror(errno));
    }
    const int fd = create_new(name, path);
    if (fd < 0)
        return chirp_fail(CHIRP_ERR_IO, "%s: can't create: %s", name, strerror(errno));
    (void)close(fd);
    return CHIRP_OK;
}

/* A library that wrote a file of its own: its bytes go into the device, pipe or descriptor. */
static chirp_status pour(const char *temporary, const char *path)
{
    char block[65536];
    FILE *from = fopen(temporary, "rbe");
    FILE *to = chirp_file_open_sink(path);
    bool good = from && to;
    for (size_t n = 1; good && n > 0;) {
        n = fread(block, 1, sizeof block, from);
        good = !ferror(from) && fwrite(block, 1, n, to) == n;
    }
    if (to && fclose(to) != 0)
        good = false;
    const chirp_status st =
        good ? CHIRP_OK : chirp_fail(CHIRP_ERR_IO, "%s: can't write: %s", path, strerror(errno));
    if (from)
        (void)fclose(from); /* only read from */
    (void)unlink(temporary);
    return st;
}

/* What replaces a file has its owner and its mode, as far as this user may give files away. */
static void inherit(int fd, const char *target)
{
    struct stat old;
    struct stat new;
    if (stat(target, &old) != 0 || fstat(fd, &new) != 0)
        return;
    if (old.st_uid != new.st_uid && fchown(fd, old.st_uid, (gid_t)-1) != 0)
        (void)fprintf(stderr, "chirpbench: note: %s now belongs to you: its owner can't be kept\n",
                      target);
    mode_t mode = old.st_mode & 0777;
    if (old.st_gid != new.st_gid && fchown(fd, (uid_t)-1, old.st_gid) != 0)
        mode &= ~(mode_t)070; /* they were for another group */
    (void)fchmod(fd, mode);
}

chirp_status chirp_file_sync_folder(const char *path)
{
    char *folder = NULL;
    chirp_status st = chirp_file_folder(path, &folder);
    if (st != CHIRP_OK)
        return st;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* EINVAL: this file system has nothing to flush; a folder that may not be read can't be opened to do it */
    if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL)
        st = chirp_fail(CHIRP_ERR_IO, "%s: is written, but its folder can't be flushed to disk: %s",
                        path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    chirp_free(folder);
    return st;
}

static chirp_status replace(const char *temporary, const char *path)
{
    char *target = NULL;
    chirp_status st = chirp_file_target(path, &target);
    if (st != CHIRP_OK)
        return st;
    const char *what = "open the finished file";
    const int fd = open(temporary, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool good = fd >= 0;
    if (good) {
        inherit(fd, target);
        what = "flush to disk";
        good = fsync(fd) == 0;
    }
    if (good) {
        what = "rename the finished file";
        good = rename(temporary, target) == 0;
    }
    const int error = errno;
    const size_t length = strlen(temporary);
    if (!good && fd >= 0 && length > SUFFIX &&
        memcmp(temporary + length - SUFFIX, ".tmp-", strlen(".tmp-")) == 0)
        (void)fchmod(fd, 0400); /* remove_stale() leaves it */
    if (fd >= 0)
        (void)close(fd);
    if (!good)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't %s: %s; what was written is kept as %s", path,
                        what, strerror(error), temporary);
    else
        st = chirp_file_sync_folder(target);
    chirp_free(target);
    return st;
}

chirp_status chirp_file_commit(char *temporary, const char *path)
{
    const chirp_status st =
        chirp_file_is_sink(path) ? pour(temporary, path) : replace(temporary, path);
    chirp_free(temporary);
    return st;
}

void chirp_file_discard(char *temporary)
{
    if (temporary)
        (void)unlink(temporary);
    chirp_free(temporary);
}

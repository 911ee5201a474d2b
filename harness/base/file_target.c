/* Where an output really goes: to the file behind symbolic links, or into a device, a pipe or an open descriptor. */
#include "harness/base/file.h"

#include "harness/base/hash.h"
#include "harness/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MOST_LINKS = 40, LONGEST_NAME = 255 }; /* as in the kernel */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The folder of `path` in a buffer: what asks for a place can't run out of memory. The path is shorter than PATH_MAX. */
static void copy_folder(const char *path, char folder[PATH_MAX])
{
    const size_t length = (size_t)(base_name(path) - path);
    memcpy(folder, length ? path : ".", length ? length : 1);
    folder[length > 1 ? length - 1 : 1] = '\0'; /* the root keeps its slash */
}

chirp_status chirp_file_folder(const char *path, char **folder)
{
    char text[PATH_MAX];
    if (strlen(path) >= PATH_MAX)
        return chirp_fail(CHIRP_ERR_IO, "%.60s...: %s", path, strerror(ENAMETOOLONG));
    copy_folder(path, text);
    *folder = chirp_strdup(text);
    return *folder ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* Links below /proc are not texts: they lead to what a process has open, which may have no name or another one by now. */
static bool in_proc(const char *path)
{
    struct statfs info;
    char folder[PATH_MAX];
    copy_folder(path, folder);
    return statfs(folder, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

/* Replaces the link `path` by what it says, as a path that is good where `path` is. 1: done, 0: no link, -1: too long. */
static int read_link(char path[PATH_MAX])
{
    char text[PATH_MAX];
    const ssize_t length = readlink(path, text, sizeof text);
    if (length < 0)
        return 0;
    const size_t folder = text[0] == '/' ? 0 : (size_t)(base_name(path) - path);
    if (folder + (size_t)length >= PATH_MAX)
        return -1;
    memcpy(path + folder, text, (size_t)length);
    path[folder + (size_t)length] = '\0';
    return 1;
}

/* The file behind links. Returns 0, ELOOP or ENAMETOOLONG. */
static int resolve(const char *path, char target[PATH_MAX])
{
    if (strlen(path) >= PATH_MAX)
        return ENAMETOOLONG;
    memcpy(target, path, strlen(path) + 1);
    for (int links = 0; links <= MOST_LINKS && !in_proc(target); ++links) {
        const int link = read_link(target);
        if (link <= 0)
            return link < 0 ? ENAMETOOLONG : 0;
    }
    return in_proc(target) ? 0 : ELOOP;
}

chirp_status chirp_file_target(const char *path, char **target)
{
    char text[PATH_MAX];
    const int error = resolve(path, text);
    if (error == ELOOP)
        return chirp_fail(CHIRP_ERR_IO, "%s: symbolic links lead in a circle; name a file", path);
    if (error)
        return chirp_fail(CHIRP_ERR_IO, "%.60s...: %s", path, strerror(error));
    *target = chirp_strdup(text);
    return *target ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "no memory for a name");
}

static bool same_inode(const char *a, const char *b)
{
    struct stat one;
    struct stat other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

bool chirp_file_same(const char *a, const char *b)
{
    char one[PATH_MAX];
    char other[PATH_MAX];
    char folder[PATH_MAX];
    char other_folder[PATH_MAX];
    if (same_inode(a, b))
        return true;
    if (resolve(a, one) != 0 || resolve(b, other) != 0 ||
        strcmp(base_name(one), base_name(other)) != 0)
        return false;
    copy_folder(one, folder);
    copy_folder(other, other_folder);
    return same_inode(folder, other_folder);
}

/* The descriptor of this process that /dev/stdout, /dev/fd/7 and the like mean; -1 for every other path. */
static int own_descriptor(const char *path)
{
    char target[PATH_MAX];
    char folder[PATH_MAX];
    if (resolve(path, target) != 0 || !in_proc(target))
        return -1;
    copy_folder(target, folder);
    if (!same_inode(folder, "/proc/self/fd"))
        return -1;
    char *end = NULL;
    const long number = strtol(base_name(target), &end, 10);
    return end != base_name(target) && *end == '\0' && number >= 0 && number < 1 << 20 ? (int)number
                                                                                       : -1;
}

bool chirp_file_is_stream(const char *path)
{
    struct stat info;
    return path && stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

bool chirp_file_is_sink(const char *path)
{
    return chirp_file_is_stream(path) || (path && own_descriptor(path) >= 0);
}

chirp_status chirp_file_sink_writable(const char *path)
{
    const int fd = own_descriptor(path);
    const int flags = fd >= 0 ? fcntl(fd, F_GETFL) : 0;
    if (fd >= 0 && flags >= 0 && (flags & O_ACCMODE) == O_RDONLY)
        errno = EACCES;
    else if (fd >= 0 ? flags >= 0 : access(path, W_OK) == 0)
        return CHIRP_OK;
    return chirp_fail(CHIRP_ERR_IO, "%s: can't write: %s", path, strerror(errno));
}

FILE *chirp_file_open_sink(const char *path)
{
    const int fd = own_descriptor(path);
    if (fd < 0)
        return fopen(path, "we");
    (void)fflush(NULL); /* what was printed before stays before */
    /* the same place in the file as the descriptor's other users: opened by name it would begin at 0, over their lines */
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    FILE *file = copy >= 0 ? fdopen(copy, "w") : NULL;
    if (!file && copy >= 0)
        (void)close(copy);
    return file;
}

chirp_status chirp_file_beside(const char *path, const char *suffix, char **name)
{
    char *target = NULL;
    char *folder = NULL;
    chirp_status st = chirp_file_target(path, &target);
    if (st == CHIRP_OK)
        st = chirp_file_folder(target, &folder);
    if (st != CHIRP_OK) {
        chirp_free(target);
        return st;
    }
    const char *base = base_name(target);
    const long told = pathconf(folder, _PC_NAME_MAX);
    const size_t most = told > 0 ? (size_t)told : LONGEST_NAME;
    size_t keep = strlen(base);
    chirp_free(folder);
    if (keep > most) {
        st = chirp_fail(CHIRP_ERR_IO, "%s: the name has %zu bytes, its folder takes at most %zu",
                        path, keep, most);
        chirp_free(target);
        return st;
    }
    char mark[16] = "";
    if (keep + strlen(suffix) > most) {
        /* tells long names apart that begin alike */
        const uint64_t hash = chirp_fnv(CHIRP_FNV_START, base, strlen(base));
        (void)snprintf(mark, sizeof mark, "~%08x", (unsigned)(hash ^ (hash >> 32)));
        const size_t taken = strlen(mark) + strlen(suffix);
        keep = most > taken ? most - taken : 0;
        while (keep > 0 && ((unsigned char)base[keep] & 0xC0) == 0x80)
            --keep; /* not through a letter of several bytes */
    }
    const size_t before = (size_t)(base - target) + keep;
    const size_t room = before + sizeof mark + strlen(suffix) + 1;
    *name = chirp_alloc(room);
    if (*name)
        (void)snprintf(*name, room, "%.*s%s%s", (int)before, target, mark, suffix);
    else
        st = chirp_fail(CHIRP_ERR_NOMEM, "no memory for a name");
    chirp_free(target);
    struct stat info;
    if (st == CHIRP_OK && *suffix && lstat(*name, &info) == 0 && !S_ISREG(info.st_mode)) {
        st = chirp_fail(CHIRP_ERR_IO, "%s: is in the way and no regular file: remove or rename it",
                        *name);
        chirp_free(*name);
        *name = NULL;
    }
    return st;
}

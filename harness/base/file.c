#include "harness/base/file.h"

#include "harness/base/memory.h"
#include "harness/base/scratch.h"
#include "harness/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

chirp_status chirp_file_temporary(const char *path, char **temporary)
{
    struct stat info;
    char suffix[32];
    char *name = NULL;
    char *folder = NULL;
    if (!path || !*path)
        return chirp_fail(CHIRP_ERR_ARG, "an output file needs a name");
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return chirp_fail(CHIRP_ERR_IO, "%s: is a directory, name a file", path);
    if (chirp_file_is_sink(path)) { /* to rename over /dev/null would take it from everybody */
        const chirp_status st = chirp_file_sink_writable(path);
        return st == CHIRP_OK ? chirp_scratch_path(".tmp", temporary) : st;
    }
    (void)snprintf(suffix, sizeof suffix, ".tmp-%ld", (long)getpid());
    chirp_status st = chirp_file_beside(path, suffix, &name);
    if (st == CHIRP_OK)
        st = chirp_file_folder(name, &folder);
    if (st == CHIRP_OK && access(folder, W_OK | X_OK) != 0)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't write in folder %s: %s", path, folder,
                        strerror(errno));
    chirp_free(folder);
    if (st != CHIRP_OK)
        chirp_free(name);
    else
        *temporary = name;
    return st;
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
    return st;
}

static chirp_status replace(const char *temporary, const char *path)
{
    char *target = NULL;
    chirp_status st = CHIRP_OK;
    const int fd = open(temporary, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't flush to disk: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    if (st == CHIRP_OK)
        st = chirp_file_target(path, &target);
    if (st == CHIRP_OK && rename(temporary, target) != 0)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't rename the finished file: %s", path,
                        strerror(errno));
    chirp_free(target);
    return st;
}

chirp_status chirp_file_commit(char *temporary, const char *path)
{
    const bool sink = chirp_file_is_sink(path);
    const chirp_status st = sink ? pour(temporary, path) : replace(temporary, path);
    if (sink || st != CHIRP_OK)
        (void)unlink(temporary);
    chirp_free(temporary);
    return st;
}

chirp_status chirp_file_writable(const char *path)
{
    char *temporary = NULL;
    if (chirp_file_is_sink(path))
        return chirp_file_sink_writable(path);
    const chirp_status st = chirp_file_temporary(path, &temporary);
    chirp_free(temporary);
    return st;
}

void chirp_file_discard(char *temporary)
{
    if (temporary)
        (void)unlink(temporary);
    chirp_free(temporary);
}

chirp_status chirp_file_write(const char *path, const void *bytes, size_t length)
{
    char *temporary = NULL;
    const bool sink = chirp_file_is_sink(path);
    chirp_status st = sink ? CHIRP_OK : chirp_file_temporary(path, &temporary);
    if (st != CHIRP_OK)
        return st;
    FILE *file = sink ? chirp_file_open_sink(path) : fopen(temporary, "wb");
    if (!file) {
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't create: %s", path, strerror(errno));
        chirp_file_discard(temporary);
        return st;
    }
    errno = 0;
    const int short_write = fwrite(bytes, 1, length, file) != length;
    if (fclose(file) != 0 || short_write) {
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't write: %s", path, strerror(errno));
        chirp_file_discard(temporary);
        return st;
    }
    return sink ? CHIRP_OK : chirp_file_commit(temporary, path);
}

chirp_status chirp_file_read(const char *path, char **bytes, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return chirp_fail(CHIRP_ERR_IO, "%s: can't open: %s", path, strerror(errno));
    chirp_text text = {0};
    char part[16384];
    size_t got = 0;
    while ((got = fread(part, 1, sizeof part, file)) > 0)
        chirp_text_append_bytes(&text, part, got);
    const int error = errno;
    chirp_text_append(&text, ""); /* an empty file is an empty text */
    chirp_status st = text.failed ? CHIRP_ERR_NOMEM : CHIRP_OK;
    if (ferror(file))
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't read: %s", path, strerror(error));
    (void)fclose(file); /* only read from */
    if (st != CHIRP_OK) {
        chirp_text_clear(&text);
        return st;
    }
    *bytes = text.bytes;
    if (length)
        *length = text.used;
    return CHIRP_OK;
}

chirp_status chirp_make_directories(const char *path)
{
    struct stat info;
    char *copy = chirp_strdup(path);
    if (!copy)
        return chirp_fail(CHIRP_ERR_ARG, "a folder needs a name");
    chirp_status st = CHIRP_OK;
    for (char *p = copy + 1; *copy && st == CHIRP_OK; ++p) {
        if (*p != '/' && *p != '\0')
            continue;
        const char end = *p;
        *p = '\0';
        if (mkdir(copy, 0777) != 0 &&
            !(errno == EEXIST && stat(copy, &info) == 0 && S_ISDIR(info.st_mode)))
            st = chirp_fail(CHIRP_ERR_IO, "%s: can't create the folder: %s", copy, strerror(errno));
        *p = end;
        if (end == '\0')
            break;
    }
    chirp_free(copy);
    return st;
}

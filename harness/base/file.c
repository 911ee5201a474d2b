#include "harness/base/file.h"

#include "harness/base/memory.h"
#include "harness/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

chirp_status chirp_file_write(const char *path, const void *bytes, size_t length)
{
    char *temporary = NULL;
    const bool sink = chirp_file_is_sink(path);
    chirp_status st = sink ? CHIRP_OK : chirp_file_temporary(path, &temporary);
    if (st != CHIRP_OK)
        return st;
    FILE *file = sink ? chirp_file_open_sink(path) : fopen(temporary, "we");
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

/* Bytes copied, 0 at the end, -1 with errno. copy_file_range() shares blocks, but not between any two file systems. */
static ssize_t copy_some(int from, int to, char *block, size_t room)
{
    const ssize_t shared = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0);
    if (shared > 0 ||
        (shared < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP))
        return shared;
    const ssize_t got = read(from, block, room); /* some file systems answer 0 before the end */
    for (ssize_t done = 0; done < got;) {
        const ssize_t put = write(to, block + done, (size_t)(got - done));
        if (put < 0)
            return -1;
        done += put;
    }
    return got;
}

chirp_status chirp_file_copy(const char *from, const char *to)
{
    char block[65536];
    ssize_t n = -1;
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    const int out = open(to, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
    while (in >= 0 && out >= 0 &&
           ((n = copy_some(in, out, block, sizeof block)) > 0 || (n < 0 && errno == EINTR)))
        ;
    int error = errno;
    if (in >= 0)
        (void)close(in); /* only read from */
    if (out >= 0 && close(out) != 0 && n == 0) {
        error = errno;
        n = -1;
    }
    return n == 0
               ? CHIRP_OK
               : chirp_fail(CHIRP_ERR_IO, "%s: can't copy it to %s: %s", from, to, strerror(error));
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

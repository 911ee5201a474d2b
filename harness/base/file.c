#include "harness/base/file.h"

#include "harness/base/memory.h"
#include "harness/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

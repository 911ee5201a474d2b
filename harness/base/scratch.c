#include "harness/base/scratch.h"

#include "harness/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *scratch_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

/* tmpfile() doesn't look at TMPDIR, so that a read-only /tmp can't be left for another folder. */
static chirp_status make(const char *suffix, char **path, int *fd)
{
    static const char stem[] = "/chirp-XXXXXX";
    const char *folder = scratch_folder();
    const size_t room = strlen(folder) + sizeof stem + strlen(suffix);
    char *name = chirp_alloc(room);
    if (!name)
        return CHIRP_ERR_NOMEM;
    (void)snprintf(name, room, "%s%s%s", folder, stem, suffix);
    *fd = mkostemps(name, (int)strlen(suffix), O_CLOEXEC);
    if (*fd < 0) {
        const chirp_status st = chirp_fail(CHIRP_ERR_IO,
                                           "%s: can't make a temporary file: %s; name a folder "
                                           "that can be written in TMPDIR",
                                           folder, strerror(errno));
        chirp_free(name);
        return st;
    }
    *path = name;
    return CHIRP_OK;
}

chirp_status chirp_scratch_open(FILE **file)
{
    char *path = NULL;
    int fd = -1;
    const chirp_status st = make("", &path, &fd);
    if (st != CHIRP_OK)
        return st;
    (void)unlink(path);
    chirp_free(path);
    *file = fdopen(fd, "w+b");
    if (*file)
        return CHIRP_OK;
    (void)close(fd);
    return CHIRP_ERR_NOMEM;
}

chirp_status chirp_scratch_path(const char *suffix, char **path)
{
    int fd = -1;
    const chirp_status st = make(suffix, path, &fd);
    if (st == CHIRP_OK)
        (void)close(fd);
    return st;
}

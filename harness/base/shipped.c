#include "harness/base/shipped.h"

#include "harness/base/process.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_readable(const char *folder, const char *name, char *path, size_t size)
{
    return folder && (size_t)snprintf(path, size, "%s/%s", folder, name) < size &&
           access(path, R_OK) == 0;
}

/* The folder seen from that of the program itself, wherever it was installed. */
static const char *share_folder(const char *up, const char *share, char *folder, size_t size)
{
    char self[PATH_MAX];
    char *slash = chirp_program_path(self, sizeof self) ? strrchr(self, '/') : NULL;
    if (!slash)
        return NULL;
    *slash = '\0';
    return (size_t)snprintf(folder, size, "%s/%s/share/chirpbench/%s", self, up, share) < size
               ? folder
               : NULL;
}

bool chirp_shipped_find(const chirp_shipped *where, const char *name, char *path, size_t size)
{
    char folder[2 * PATH_MAX];
    return is_readable(getenv(where->variable), name, path, size) ||
           is_readable(share_folder("..", where->share, folder, sizeof folder), name, path, size) ||
           is_readable(share_folder("../..", where->share, folder, sizeof folder), name, path,
                       size) || /* a package's program, in libexec/chirpbench */
           is_readable(where->source, name, path, size);
}

/** Finds files that come with the program: installed beside it, or in the source tree it was built from. */
#ifndef CHIRP_HARNESS_BASE_SHIPPED_H
#define CHIRP_HARNESS_BASE_SHIPPED_H

#include <stdbool.h>
#include <stddef.h>

/** Where one kind of file may lie. */
typedef struct chirp_shipped {
    const char *variable; /**< environment variable that names a folder to look into first */
    /** folder below ../share/chirpbench, seen from bin, or ../../share/chirpbench, seen from libexec/chirpbench */
    const char *share;
    const char *source; /**< folder in the source tree */
} chirp_shipped;

/**
 * Looks for a readable file in these folders, in their order.
 * @param path  receives its path when it is found
 */
bool chirp_shipped_find(const chirp_shipped *where, const char *name, char *path, size_t size);

#endif

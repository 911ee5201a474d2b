/**
 * Outputs that are whole or absent: write to a temporary file beside the target, then rename.
 *
 *     char *temporary;
 *     st = chirp_file_temporary("out.json", &temporary);   // "out.json.tmp-1234", parent checked writable
 *     ... write it, or hand the name to HDF5 ...
 *     st = chirp_file_commit(temporary, "out.json");       // flushes to disk, renames, frees the name
 *     or chirp_file_discard(temporary)                     // removes it, frees the name
 */
#ifndef CHIRP_HARNESS_BASE_FILE_H
#define CHIRP_HARNESS_BASE_FILE_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

/**
 * Name for a temporary file in the directory of `path`; no file is created, but the directory is
 * checked to exist and to be writable. Refuses a device or pipe, which a rename would replace.
 * @param temporary  receives a name to pass to chirp_file_commit() or chirp_file_discard()
 */
chirp_status chirp_file_temporary(const char *path, char **temporary);

/** fsync + rename `temporary` over `path`; on failure the temporary is removed. Frees the name. */
chirp_status chirp_file_commit(char *temporary, const char *path);

/** Removes the temporary if it exists; frees the name. Accepts NULL. */
void chirp_file_discard(char *temporary);

/** True for an existing path that is no regular file and no directory: /dev/stdout, /dev/null, a pipe. */
bool chirp_file_is_stream(const char *path);

/** Whether chirp_file_write() could write `path`, asked before the work whose result it will hold. Creates nothing. */
chirp_status chirp_file_writable(const char *path);

/** Writes `length` bytes as the whole of `path`, by way of a temporary; into a stream directly. */
chirp_status chirp_file_write(const char *path, const void *bytes, size_t length);

/**
 * Reads a whole file; a NUL byte follows the contents.
 * @param bytes   caller frees with chirp_free()
 * @param length  may be NULL
 */
chirp_status chirp_file_read(const char *path, char **bytes, size_t *length);

/** Creates a directory and its missing parents; an existing one is fine. */
chirp_status chirp_make_directories(const char *path);

#endif

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
#include <stdio.h>

/**
 * Name for a temporary file in the directory of the file that `path` means, behind symbolic links; no file is created, but
 * the directory is checked to exist and to be writable. For a sink an empty file in TMPDIR is made, whose bytes
 * chirp_file_commit() writes into the sink.
 * @param temporary  receives a name to pass to chirp_file_commit() or chirp_file_discard()
 */
chirp_status chirp_file_temporary(const char *path, char **temporary);

/**
 * fsync + rename `temporary` over the file that `path` means: links stay links. Into a sink the bytes are copied.
 * On failure the temporary is removed. Frees the name.
 */
chirp_status chirp_file_commit(char *temporary, const char *path);

/** Removes the temporary if it exists; frees the name. Accepts NULL. */
void chirp_file_discard(char *temporary);

/** True for an existing path that is no regular file and no directory: /dev/null, a pipe, a terminal. */
bool chirp_file_is_stream(const char *path);

/**
 * True for an output that no file can replace: a stream, and /dev/stdout, /dev/fd/N and the like also when the descriptor
 * is a regular file.
 */
bool chirp_file_is_sink(const char *path);

/** Whether a sink can be written, without opening it: to open a pipe would wait for its reader. */
chirp_status chirp_file_sink_writable(const char *path);

/** Opens a sink for writing; /dev/stdout goes on where stdout is. NULL with errno on failure. */
FILE *chirp_file_open_sink(const char *path);

/**
 * The file that `path` means: symbolic links are followed, also to a file that doesn't exist yet. Links below /proc are
 * left as they are, for they mean open files.
 * @param target  caller frees with chirp_free()
 */
chirp_status chirp_file_target(const char *path, char **target);

/** The folder of `path`, "." without one. @param folder  caller frees with chirp_free() */
chirp_status chirp_file_folder(const char *path, char **folder);

/**
 * The name of a companion in the same folder: the target's name and `suffix`. A name that would be too long for the folder is
 * cut, always in the same way. @param name  caller frees with chirp_free()
 */
chirp_status chirp_file_beside(const char *path, const char *suffix, char **name);

/** Whether chirp_file_write() could write `path`, asked before the work whose result it will hold. Creates nothing. */
chirp_status chirp_file_writable(const char *path);

/** Writes `length` bytes as the whole of `path`, by way of a temporary; into a sink directly. */
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

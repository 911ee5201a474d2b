/**
 * Outputs that are whole or absent: write to a temporary file beside the target, then rename.
 *
 *     char *temporary;
 *     st = chirp_file_temporary("out.json", &temporary);   // makes an empty file of a random name beside out.json
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
 * Makes an empty temporary file in the directory of the file that `path` means, behind symbolic links. Its name is random and
 * the file is new, so nothing that somebody else put there is written. What processes that no longer live left of the same
 * output is removed. For a sink the file is in TMPDIR, and chirp_file_commit() writes its bytes into the sink.
 * @param temporary  receives a name to pass to chirp_file_commit() or chirp_file_discard()
 */
chirp_status chirp_file_temporary(const char *path, char **temporary);

/**
 * Makes an empty file of exactly this name, beside the output `path` that it is to become (chirp_file_beside). A regular file
 * of that name is replaced.
 * @return CHIRP_ERR_IO also while another process holds it locked
 */
chirp_status chirp_file_create(const char *name, const char *path);

/**
 * fsync + rename `temporary` over the file that `path` means, and fsync of the folder: links stay links, and an existing
 * file's mode and owner are kept. Into a sink the bytes are copied. Frees the name.
 * @return CHIRP_ERR_IO when it fails. The temporary then stays and the sentence names it.
 */
chirp_status chirp_file_commit(char *temporary, const char *path);

/** Flushes the folder of `path` to disk, which holds its name. */
chirp_status chirp_file_sync_folder(const char *path);

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

/**
 * Whether two names mean one file, by device and inode: through links and hard links, and for files that don't exist yet by
 * their folder and name. False where there is no telling: links in a circle, names too long for the system.
 */
bool chirp_file_same(const char *a, const char *b);

/** The folder of `path`, "." without one. @param folder  caller frees with chirp_free() */
chirp_status chirp_file_folder(const char *path, char **folder);

/**
 * The name of a companion in the same folder: the target's name and `suffix`. A name that would be too long for the folder is
 * cut, always in the same way. @param name  caller frees with chirp_free()
 * @return CHIRP_ERR_IO for a link or a device of that name, which might lead to somebody's file
 */
chirp_status chirp_file_beside(const char *path, const char *suffix, char **name);

/** Whether chirp_file_write() could write `path`, asked before the work whose result it will hold. Creates nothing. */
chirp_status chirp_file_writable(const char *path);

/** Writes `length` bytes as the whole of `path`, by way of a temporary; into a sink directly. */
chirp_status chirp_file_write(const char *path, const void *bytes, size_t length);

/**
 * Copies a file into an existing one, which had better be empty; a file system that can shares the blocks instead.
 * @return CHIRP_ERR_IO naming both; `to` then holds a part
 */
chirp_status chirp_file_copy(const char *from, const char *to);

/**
 * Reads a whole file; a NUL byte follows the contents.
 * @param bytes   caller frees with chirp_free()
 * @param length  may be NULL
 */
chirp_status chirp_file_read(const char *path, char **bytes, size_t *length);

/** Creates a directory and its missing parents; an existing one is fine. */
chirp_status chirp_make_directories(const char *path);

#endif

/** Files that live as long as the program: in the folder that TMPDIR names, in /tmp without. */
#ifndef CHIRP_HARNESS_BASE_SCRATCH_H
#define CHIRP_HARNESS_BASE_SCRATCH_H

#include "harness/base/status.h"

#include <stdio.h>

/**
 * Opens an empty file without a name, for reading and writing; fclose() gives its space back.
 * @return CHIRP_ERR_IO with the folder and the remedy when none can be made there
 */
chirp_status chirp_scratch_open(FILE **file);

/**
 * Makes an empty file for a library that wants a name.
 * @param suffix  end of the name, as ".h5"
 * @param path    receives the name; the caller unlinks the file and frees the name with chirp_free()
 */
chirp_status chirp_scratch_path(const char *suffix, char **path);

#endif

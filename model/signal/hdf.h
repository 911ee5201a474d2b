/**
 * Small HDF5 readers and writers with our error contract, for the folders of model/. HDF5's own error stack is silenced; a failure
 * names the file and the field.
 */
#ifndef CHIRP_MODEL_SIGNAL_HDF_H
#define CHIRP_MODEL_SIGNAL_HDF_H

#include "harness/base/status.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How the description of a simulated strain file begins. */
#define CHIRP_STRAIN_SIMULATED "simulated by chirpbench"

/**
 * Stops HDF5 from printing on this thread (its error stack is per thread); chirp_hdf_reason() is about calls from here on.
 * Called by the functions below.
 */
void chirp_hdf_quiet(void);

/** Why HDF5 failed to write: what the system answered ("No space left on device"), or that it didn't get that far. */
const char *chirp_hdf_reason(void);

/** CHIRP_ERR_IO when the system refused, CHIRP_ERR_FORMAT when HDF5 can't make sense of the file that it adds to. */
chirp_status chirp_hdf_blame(void);

/** @return CHIRP_ERR_IO when the file is missing or unreadable, CHIRP_ERR_FORMAT when it is not HDF5, truncated or damaged */
chirp_status chirp_hdf_open(const char *path, bool writable, hid_t *file);

/**
 * Opens a dataset that is whole in this file: links to other files, external storage, virtual data sets and filters other
 * than deflate, shuffle and fletcher32 are refused. Every reader below opens data sets by this.
 * @return CHIRP_OK, CHIRP_ERR_FORMAT when it is absent, no dataset, or refused
 */
chirp_status chirp_hdf_open_dataset(hid_t file, const char *path, const char *name, hid_t *dataset);

/** Opens a dataset and reads its extents; `n_dims` is what is expected. @return CHIRP_ERR_FORMAT when absent or of other rank */
chirp_status chirp_hdf_dataset(hid_t file, const char *path, const char *name, int n_dims,
                               hsize_t *extent, hid_t *dataset);

/** True when the file has this object. Also true for a link to another file, so that opening it can say why it is refused. */
bool chirp_hdf_has(hid_t file, const char *name);

/** A dataset with one element, as double. */
chirp_status chirp_hdf_number(hid_t file, const char *path, const char *name, double *value);

/** A numeric attribute of an object, as double. `found` receives false (and OK is returned) when there is none. */
chirp_status chirp_hdf_attribute(hid_t file, const char *path, const char *object, const char *name,
                                 double *value, bool *found);

/** A string dataset (fixed or variable length, scalar or one element), cut to `size` - 1 bytes. */
chirp_status chirp_hdf_string(hid_t file, const char *path, const char *name, char *text,
                              size_t size);
/** A string attribute, likewise. */
chirp_status chirp_hdf_string_attribute(hid_t file, const char *path, const char *object,
                                        const char *name, char *text, size_t size);

/**
 * An integer attribute with one element of at most 8 bytes, as it is: a double would lose digits of a large one.
 * @return CHIRP_ERR_FORMAT when it is absent, of another class or has more elements; nothing is read then
 */
chirp_status chirp_hdf_integer_attribute(hid_t object, const char *path, const char *name,
                                         int64_t *value);
/** A text attribute (fixed or variable length, one element) whole. @param text  caller frees with chirp_free() */
chirp_status chirp_hdf_text_attribute(hid_t object, const char *path, const char *name,
                                      char **text);

/** Rows first .. first + n - 1 of a dataset, along its first dimension. */
typedef struct chirp_hdf_rows {
    hsize_t first, n;
    /** Numbers of one row, over all other dimensions. */
    hsize_t width;
} chirp_hdf_rows;

/**
 * Reads rows of numbers, converted to `type` in memory. Nothing is read unless the dataset holds numbers, has these rows and
 * this width. @param out  rows.n * rows.width elements of `type`
 */
chirp_status chirp_hdf_read_rows(hid_t dataset, const char *path, const char *name, hid_t type,
                                 chirp_hdf_rows rows, void *out);

/** Writers: attributes and scalar datasets of an object (a group, a dataset or the file). */
chirp_status chirp_hdf_put_real(hid_t object, const char *path, const char *name, double value);
chirp_status chirp_hdf_put_integer(hid_t object, const char *path, const char *name, int64_t value);
chirp_status chirp_hdf_put_text(hid_t object, const char *path, const char *name, const char *text);
/** As chirp_hdf_put_text(), with a length that the type holds: the file's bytes then depend on nothing else. */
chirp_status chirp_hdf_put_fixed_text(hid_t object, const char *path, const char *name,
                                      const char *text);
/** What a new dataset holds: its type in the file and in memory, and its extents; dims = 0: a scalar. */
typedef struct chirp_hdf_array {
    hid_t file_type, type;
    int dims;
    hsize_t extent[3];
} chirp_hdf_array;

/** Writes a new dataset, and the groups that its name needs. @param values  of the type in memory, rows first */
chirp_status chirp_hdf_put_array(hid_t group, const char *path, const char *name,
                                 const chirp_hdf_array *array, const void *values);
chirp_status chirp_hdf_put_scalar(hid_t group, const char *path, const char *name, int64_t value);
chirp_status chirp_hdf_put_string(hid_t group, const char *path, const char *name,
                                  const char *text);

/** Closes the identifiers that are valid (>= 0): datasets, spaces, types, groups, files, whatever they are. */
void chirp_hdf_close(hid_t id);

#endif

#include "model/signal/hdf.h"
#include "harness/base/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * When a file can't be flushed (a full disk), HDF5 keeps it open, and its exit handler crashes on it. Every file is closed
 * here without that handler. HDF5 only heeds this before any other call, hence before main().
 */
__attribute__((constructor)) static void without_exit_handler(void) { (void)H5dont_atexit(); }

void chirp_hdf_quiet(void) { (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

void chirp_hdf_close(hid_t id)
{
    if (id >= 0)
        (void)H5Idec_ref(id);
}

chirp_status chirp_hdf_open(const char *path, bool writable, hid_t *file)
{
    chirp_hdf_quiet();
    if (access(path, writable ? R_OK | W_OK : R_OK) != 0)
        return chirp_fail(CHIRP_ERR_IO, "%s: %s", path, strerror(errno));
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) /* opening a pipe would wait for ever */
        return chirp_fail(CHIRP_ERR_IO, "%s: is a %s: name a regular HDF5 file", path,
                          S_ISDIR(info.st_mode) ? "folder" : "device or a pipe");
    if (H5Fis_hdf5(path) <= 0)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: not an HDF5 file", path);
    const hid_t made = H5Fopen(path, writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, H5P_DEFAULT);
    if (made < 0)
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: HDF5 can't open it: truncated, damaged, or open for writing elsewhere", path);
    *file = made;
    return CHIRP_OK;
}

bool chirp_hdf_has(hid_t file, const char *name)
{
    char part[128];
    chirp_hdf_quiet();
    /* H5Lexists() fails when a parent is missing, so every level is asked for */
    for (const char *slash = name; slash; slash = strchr(slash + 1, '/')) {
        const char *end = strchr(slash + 1, '/');
        const size_t length = end ? (size_t)(end - name) : strlen(name);
        if (length >= sizeof part)
            return false;
        memcpy(part, name, length);
        part[length] = '\0';
        if (H5Lexists(file, part, H5P_DEFAULT) <= 0)
            return false;
    }
    return H5Oexists_by_name(file, name, H5P_DEFAULT) > 0;
}

chirp_status chirp_hdf_dataset(hid_t file, const char *path, const char *name, int n_dims,
                               hsize_t *extent, hid_t *dataset)
{
    if (!chirp_hdf_has(file, name))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: no dataset /%s: not the expected layout", path,
                          name);
    const hid_t id = H5Dopen2(file, name, H5P_DEFAULT);
    const hid_t space = id >= 0 ? H5Dget_space(id) : -1;
    const int have = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    chirp_status st = CHIRP_OK;
    if (id < 0)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: /%s is not a dataset", path, name);
    else if (have != n_dims)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: /%s has %d dimensions: expected %d", path, name,
                        have, n_dims);
    else if (H5Sget_simple_extent_dims(space, extent, NULL) != n_dims)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: the extents of /%s can't be read", path, name);
    chirp_hdf_close(space);
    if (st != CHIRP_OK) {
        chirp_hdf_close(id);
        return st;
    }
    *dataset = id;
    return CHIRP_OK;
}

chirp_status chirp_hdf_number(hid_t file, const char *path, const char *name, double *value)
{
    if (!chirp_hdf_has(file, name))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: no number /%s: not the expected layout", path,
                          name);
    const hid_t id = H5Dopen2(file, name, H5P_DEFAULT);
    const hid_t space = id >= 0 ? H5Dget_space(id) : -1;
    const bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    const bool read =
        one && H5Dread(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) >= 0;
    chirp_hdf_close(space);
    chirp_hdf_close(id);
    return read ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_FORMAT, "%s: /%s is not a single number", path, name);
}

chirp_status chirp_hdf_attribute(hid_t file, const char *path, const char *object, const char *name,
                                 double *value, bool *found)
{
    chirp_hdf_quiet();
    *found = H5Aexists_by_name(file, object, name, H5P_DEFAULT) > 0;
    if (!*found)
        return CHIRP_OK;
    const hid_t id = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = id >= 0 ? H5Aget_space(id) : -1;
    const bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    const bool read = one && H5Aread(id, H5T_NATIVE_DOUBLE, value) >= 0;
    chirp_hdf_close(space);
    chirp_hdf_close(id);
    return read ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_FORMAT, "%s: attribute %s of /%s is not a single number",
                             path, name, object);
}

/* Shared by datasets and attributes: `read` is H5Dread or H5Aread behind one signature. */
static chirp_status read_text(hid_t id, bool attribute, char *text, size_t size)
{
    const hid_t type = attribute ? H5Aget_type(id) : H5Dget_type(id);
    const hid_t space = attribute ? H5Aget_space(id) : H5Dget_space(id);
    chirp_status st = CHIRP_ERR_FORMAT;
    if (type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING &&
        H5Sget_simple_extent_npoints(space) == 1) {
        if (H5Tis_variable_str(type) > 0) {
            char *value = NULL;
            const herr_t bad = attribute ? H5Aread(id, type, &value)
                                         : H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value);
            if (bad >= 0 && value) {
                strncpy(text, value, size - 1);
                text[size - 1] = '\0';
                (void)H5free_memory(value);
                st = CHIRP_OK;
            }
        } else {
            const size_t length = H5Tget_size(type);
            char *value = chirp_calloc(length + 1, 1);
            const herr_t bad = !value ? -1
                               : attribute
                                   ? H5Aread(id, type, value)
                                   : H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
            if (bad >= 0) {
                strncpy(text, value, size - 1);
                text[size - 1] = '\0';
                st = CHIRP_OK;
            }
            chirp_free(value);
        }
    }
    chirp_hdf_close(space);
    chirp_hdf_close(type);
    return st;
}

chirp_status chirp_hdf_string(hid_t file, const char *path, const char *name, char *text,
                              size_t size)
{
    if (!chirp_hdf_has(file, name))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: no text /%s: not the expected layout", path, name);
    const hid_t id = H5Dopen2(file, name, H5P_DEFAULT);
    const chirp_status st = id >= 0 ? read_text(id, false, text, size) : CHIRP_ERR_FORMAT;
    chirp_hdf_close(id);
    return st == CHIRP_OK ? CHIRP_OK : chirp_fail(st, "%s: /%s is not a text", path, name);
}

chirp_status chirp_hdf_string_attribute(hid_t file, const char *path, const char *object,
                                        const char *name, char *text, size_t size)
{
    chirp_hdf_quiet();
    const hid_t id = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    const chirp_status st = id >= 0 ? read_text(id, true, text, size) : CHIRP_ERR_FORMAT;
    chirp_hdf_close(id);
    return st == CHIRP_OK ? CHIRP_OK
                          : chirp_fail(st, "%s: no text attribute %s of %s", path, name, object);
}

/* Opens an attribute that has one element of this class: H5Aread() writes as many as the file says, wherever they go. */
static chirp_status open_single(hid_t object, const char *path, const char *name, H5T_class_t class,
                                hid_t *attribute, hid_t *type)
{
    chirp_hdf_quiet();
    if (H5Aexists(object, name) <= 0)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: attribute '%s' is missing: not a file of chirpbench", path, name);
    const hid_t id = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t space = id >= 0 ? H5Aget_space(id) : -1;
    const hid_t have = id >= 0 ? H5Aget_type(id) : -1;
    const bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    const bool right = have >= 0 && H5Tget_class(have) == class;
    chirp_hdf_close(space);
    if (one && right) {
        *attribute = id;
        *type = have;
        return CHIRP_OK;
    }
    chirp_hdf_close(have);
    chirp_hdf_close(id);
    return chirp_fail(CHIRP_ERR_FORMAT, "%s: attribute '%s' is not a single %s; the file is damaged",
                      path, name, class == H5T_INTEGER ? "whole number" : "text");
}

chirp_status chirp_hdf_integer_attribute(hid_t object, const char *path, const char *name,
                                         int64_t *value)
{
    hid_t id = -1;
    hid_t type = -1;
    int64_t number = 0;
    const chirp_status st = open_single(object, path, name, H5T_INTEGER, &id, &type);
    if (st != CHIRP_OK)
        return st;
    const bool read =
        H5Tget_size(type) <= sizeof number && H5Aread(id, H5T_NATIVE_INT64, &number) >= 0;
    chirp_hdf_close(type);
    chirp_hdf_close(id);
    if (!read)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: can't read attribute '%s'; the file is damaged",
                          path, name);
    *value = number;
    return CHIRP_OK;
}

chirp_status chirp_hdf_text_attribute(hid_t object, const char *path, const char *name, char **text)
{
    enum { LONGEST = 1 << 20 }; /* bytes; a damaged file may claim any size */
    hid_t id = -1;
    hid_t type = -1;
    char *copy = NULL;
    const chirp_status st = open_single(object, path, name, H5T_STRING, &id, &type);
    if (st != CHIRP_OK)
        return st;
    const size_t bytes = H5Tget_size(type);
    if (H5Tis_variable_str(type) > 0) {
        char *value = NULL;
        if (H5Aread(id, type, &value) >= 0 && value)
            copy = chirp_strdup(value);
        (void)H5free_memory(value);
    } else if (bytes <= LONGEST && (copy = chirp_calloc(bytes + 1, 1)) &&
               H5Aread(id, type, copy) < 0) {
        chirp_free(copy);
        copy = NULL;
    }
    chirp_hdf_close(type);
    chirp_hdf_close(id);
    if (!copy)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: can't read attribute '%s'; the file is damaged",
                          path, name);
    *text = copy;
    return CHIRP_OK;
}

chirp_status chirp_hdf_read_rows(hid_t dataset, const char *path, const char *name, hid_t type,
                                 hsize_t first, hsize_t n, void *out)
{
    chirp_hdf_quiet();
    const hid_t space = H5Dget_space(dataset);
    hsize_t extent[8] = {0}, start[8] = {first}, count[8] = {n};
    const int dims = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    bool good = dims >= 1 && dims <= 8 && H5Sget_simple_extent_dims(space, extent, NULL) == dims;
    for (int d = 1; good && d < dims; ++d)
        count[d] = extent[d];
    const hid_t memory = good ? H5Screate_simple(dims, count, NULL) : -1;
    good = good && memory >= 0 &&
           H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
           H5Dread(dataset, type, memory, space, H5P_DEFAULT, out) >= 0;
    chirp_hdf_close(memory);
    chirp_hdf_close(space);
    if (!good)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: /%s can't be read at rows %llu to %llu: truncated or damaged", path,
                          name, (unsigned long long)first, (unsigned long long)(first + n));
    return CHIRP_OK;
}

static chirp_status put_attribute(hid_t object, const char *path, const char *name, hid_t type,
                                  const void *value)
{
    chirp_hdf_quiet();
    const hid_t space = H5Screate(H5S_SCALAR);
    if (H5Aexists(object, name) > 0)
        (void)H5Adelete(object, name);
    const hid_t id =
        space >= 0 ? H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT) : -1;
    const bool good = id >= 0 && H5Awrite(id, type, value) >= 0;
    chirp_hdf_close(id);
    chirp_hdf_close(space);
    return good ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_IO, "%s: attribute %s can't be written: is the disk full?",
                             path, name);
}

static hid_t text_type(const char *text)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 &&
        (H5Tset_size(type, strlen(text) + 1) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        chirp_hdf_close(type);
        return -1;
    }
    return type;
}

chirp_status chirp_hdf_put_real(hid_t object, const char *path, const char *name, double value)
{
    return put_attribute(object, path, name, H5T_NATIVE_DOUBLE, &value);
}

chirp_status chirp_hdf_put_integer(hid_t object, const char *path, const char *name, int64_t value)
{
    return put_attribute(object, path, name, H5T_NATIVE_INT64, &value);
}

chirp_status chirp_hdf_put_text(hid_t object, const char *path, const char *name, const char *text)
{
    /* variable length: h5py then gives a str, not bytes */
    const hid_t type = H5Tcopy(H5T_C_S1);
    const bool made =
        type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0;
    const chirp_status st = made ? put_attribute(object, path, name, type, &text)
                                 : chirp_fail(CHIRP_ERR_LIBRARY, "%s: HDF5 has no text type", path);
    chirp_hdf_close(type);
    return st;
}

static chirp_status put_dataset(hid_t group, const char *path, const char *name, hid_t type,
                                const void *value)
{
    chirp_hdf_quiet();
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id =
        space >= 0 ? H5Dcreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)
                   : -1;
    const bool good = id >= 0 && H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) >= 0;
    chirp_hdf_close(id);
    chirp_hdf_close(space);
    return good ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_IO, "%s: /%s can't be written: is the disk full?", path,
                             name);
}

chirp_status chirp_hdf_put_scalar(hid_t group, const char *path, const char *name, int64_t value)
{
    return put_dataset(group, path, name, H5T_NATIVE_INT64, &value);
}

chirp_status chirp_hdf_put_string(hid_t group, const char *path, const char *name, const char *text)
{
    const hid_t type = text_type(text);
    const chirp_status st = put_dataset(group, path, name, type, text);
    chirp_hdf_close(type);
    return st;
}

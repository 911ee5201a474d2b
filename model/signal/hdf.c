#include "model/signal/hdf.h"
#include "harness/base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * When a file can't be flushed (a full disk), HDF5 keeps it open, and its exit handler crashes on it. Every file is closed
 * here without that handler. HDF5 only heeds this before any other call, hence before main().
 */
__attribute__((constructor)) static void without_exit_handler(void) { (void)H5dont_atexit(); }

/* What the system said to the last call that failed: HDF5 tells it in words of its error stack only. 0: nothing. */
static _Thread_local int system_error;

static herr_t note_error(unsigned depth, const H5E_error2_t *error, void *none)
{
    static const char key[] = "errno = ";
    const char *at = error->desc ? strstr(error->desc, key) : NULL;
    (void)depth;
    (void)none;
    if (at)
        system_error = (int)strtol(at + strlen(key), NULL, 10);
    return 0;
}

static herr_t note_errors(hid_t stack, void *none)
{
    return H5Ewalk2(stack, H5E_WALK_DOWNWARD, note_error, none);
}

void chirp_hdf_quiet(void)
{
    system_error = 0;
    (void)H5Eset_auto2(H5E_DEFAULT, note_errors, NULL);
}

chirp_status chirp_hdf_blame(void) { return system_error > 0 ? CHIRP_ERR_IO : CHIRP_ERR_FORMAT; }

const char *chirp_hdf_reason(void)
{
    return system_error > 0 ? strerror(system_error) : "HDF5 finds the file damaged";
}

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
    /* no link leads into another file, also not by way of a soft link; find() says so in words where it can */
    (void)H5Lunregister(H5L_TYPE_EXTERNAL);
    const hid_t made = H5Fopen(path, writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, H5P_DEFAULT);
    if (made < 0)
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: HDF5 can't open it: truncated, damaged, or open for writing elsewhere", path);
    *file = made;
    return CHIRP_OK;
}

/*
 * Follows a path from group to group without leaving the file: a link to another file is refused, for its path may mean
 * anything on the reader's machine. H5Lexists() fails when a parent is missing, so every level is asked for.
 */
static chirp_status find(hid_t file, const char *path, const char *name, bool *found)
{
    char part[256];
    H5L_info_t link;
    chirp_hdf_quiet();
    *found = false;
    name += name[0] == '/';
    for (const char *end = name; *end;) {
        end += *end == '/';
        end += strcspn(end, "/");
        const size_t length = (size_t)(end - name);
        if (length >= sizeof part)
            return CHIRP_OK;
        memcpy(part, name, length);
        part[length] = '\0';
        if (H5Lexists(file, part, H5P_DEFAULT) <= 0 ||
            H5Lget_info(file, part, &link, H5P_DEFAULT) < 0)
            return CHIRP_OK;
        if (link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT)
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s: /%s is a link to another file: copy what it means into this one",
                              path, part);
    }
    *found = !*name || H5Oexists_by_name(file, name, H5P_DEFAULT) > 0;
    return CHIRP_OK;
}

bool chirp_hdf_has(hid_t file, const char *name)
{
    bool found = false;
    return find(file, "", name, &found) != CHIRP_OK || found; /* who opens it is told why not */
}

/* Other files and plugins are no part of a file that is read: they may be absent, or anything. */
static chirp_status check_storage(hid_t dataset, const char *path, const char *name)
{
    static const H5Z_filter_t known[] = {H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE,
                                         H5Z_FILTER_FLETCHER32};
    const hid_t list = H5Dget_create_plist(dataset);
    const H5D_layout_t layout = list >= 0 ? H5Pget_layout(list) : H5D_LAYOUT_ERROR;
    const int external = list >= 0 ? H5Pget_external_count(list) : -1;
    const int filters = list >= 0 ? H5Pget_nfilters(list) : -1;
    H5Z_filter_t foreign = 0;
    for (int i = 0; i < filters; ++i) {
        unsigned flags;
        size_t values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(list, (unsigned)i, &flags, &values, NULL, 0, NULL, NULL);
        bool fine = false;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; ++k)
            fine |= filter == known[k];
        foreign = fine ? foreign : filter;
    }
    chirp_hdf_close(list);
    if (layout == H5D_LAYOUT_ERROR || external < 0 || filters < 0)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: how /%s is stored can't be read: damaged", path,
                          name);
    if (layout == H5D_VIRTUAL || external > 0)
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: the numbers of /%s are in other files (%s): write them into this one", path, name,
            external > 0 ? "external storage" : "a virtual data set");
    if (foreign)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: /%s is packed by HDF5 filter %d: only deflate, shuffle and "
                          "fletcher32 are read; write it with h5repack -f GZIP=4",
                          path, name, (int)foreign);
    return CHIRP_OK;
}

chirp_status chirp_hdf_open_dataset(hid_t file, const char *path, const char *name, hid_t *dataset)
{
    bool found = false;
    chirp_status st = find(file, path, name, &found);
    if (st == CHIRP_OK && !found)
        st =
            chirp_fail(CHIRP_ERR_FORMAT, "%s: no dataset /%s: not the expected layout", path, name);
    if (st != CHIRP_OK)
        return st;
    const hid_t id = H5Dopen2(file, name, H5P_DEFAULT);
    st = id >= 0 ? check_storage(id, path, name)
                 : chirp_fail(CHIRP_ERR_FORMAT, "%s: /%s is not a dataset", path, name);
    if (st == CHIRP_OK)
        *dataset = id;
    else
        chirp_hdf_close(id);
    return st;
}

chirp_status chirp_hdf_dataset(hid_t file, const char *path, const char *name, int n_dims,
                               hsize_t *extent, hid_t *dataset)
{
    hid_t id = -1;
    chirp_status st = chirp_hdf_open_dataset(file, path, name, &id);
    if (st != CHIRP_OK)
        return st;
    const hid_t space = H5Dget_space(id);
    const int have = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    if (have != n_dims)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: /%s has %d dimensions: expected %d", path, name,
                        have, n_dims);
    else if (H5Sget_simple_extent_dims(space, extent, NULL) != n_dims)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: the extents of /%s can't be read", path, name);
    chirp_hdf_close(space);
    if (st == CHIRP_OK)
        *dataset = id;
    else
        chirp_hdf_close(id);
    return st;
}

/* A dataset or an attribute of one element. H5Dread() and H5Aread() write as many as the file says, wherever they go. */
typedef struct single {
    hid_t id;
    bool attribute;
    hid_t type; /* in the file */
    H5T_class_t class;
    size_t size; /* bytes, of type */
} single;

/* Takes over `id`, which may be negative. False: no single element; close it all the same. */
static bool single_open(single *s, hid_t id, bool attribute)
{
    *s = (single){.id = id, .attribute = attribute, .type = -1, .class = H5T_NO_CLASS};
    if (id < 0)
        return false;
    const hid_t space = attribute ? H5Aget_space(id) : H5Dget_space(id);
    const bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    chirp_hdf_close(space);
    s->type = attribute ? H5Aget_type(id) : H5Dget_type(id);
    if (!one || s->type < 0)
        return false;
    s->class = H5Tget_class(s->type);
    s->size = H5Tget_size(s->type);
    return true;
}

static void single_close(single *s)
{
    chirp_hdf_close(s->type);
    chirp_hdf_close(s->id);
}

static bool single_read(const single *s, hid_t type, void *value)
{
    return (s->attribute ? H5Aread(s->id, type, value)
                         : H5Dread(s->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value)) >= 0;
}

static bool single_real(const single *s, double *value)
{
    return (s->class == H5T_INTEGER || s->class == H5T_FLOAT) &&
           single_read(s, H5T_NATIVE_DOUBLE, value);
}

/* A copy of a text of fixed or variable length; NULL when it is none. */
static char *single_text(const single *s)
{
    enum { LONGEST = 1 << 20 }; /* bytes; a damaged file may claim any size */
    char *copy = NULL;
    if (s->class != H5T_STRING)
        return NULL;
    if (H5Tis_variable_str(s->type) > 0) {
        char *value = NULL;
        if (single_read(s, s->type, &value) && value)
            copy = chirp_strdup(value);
        (void)H5free_memory(value);
    } else if (s->size <= LONGEST && (copy = chirp_calloc(s->size + 1, 1)) &&
               !single_read(s, s->type, copy)) {
        chirp_free(copy);
        copy = NULL;
    }
    return copy;
}

/* The same, cut to a buffer. */
static bool single_short_text(const single *s, char *text, size_t size)
{
    char *whole = single_text(s);
    if (whole)
        (void)snprintf(text, size, "%s", whole);
    chirp_free(whole);
    return whole != NULL;
}

chirp_status chirp_hdf_number(hid_t file, const char *path, const char *name, double *value)
{
    hid_t id = -1;
    single s;
    const chirp_status st = chirp_hdf_open_dataset(file, path, name, &id);
    if (st != CHIRP_OK)
        return st;
    const bool read = single_open(&s, id, false) && single_real(&s, value);
    single_close(&s);
    return read ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_FORMAT, "%s: /%s is not a single number", path, name);
}

chirp_status chirp_hdf_attribute(hid_t file, const char *path, const char *object, const char *name,
                                 double *value, bool *found)
{
    single s;
    const chirp_status st = find(file, path, object, found);
    *found = st == CHIRP_OK && *found && H5Aexists_by_name(file, object, name, H5P_DEFAULT) > 0;
    if (!*found)
        return st;
    const bool read =
        single_open(&s, H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT), true) &&
        single_real(&s, value);
    single_close(&s);
    return read ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_FORMAT, "%s: attribute %s of /%s is not a single number",
                             path, name, object);
}

chirp_status chirp_hdf_string(hid_t file, const char *path, const char *name, char *text,
                              size_t size)
{
    hid_t id = -1;
    single s;
    const chirp_status st = chirp_hdf_open_dataset(file, path, name, &id);
    if (st != CHIRP_OK)
        return st;
    const bool read = single_open(&s, id, false) && single_short_text(&s, text, size);
    single_close(&s);
    return read ? CHIRP_OK : chirp_fail(CHIRP_ERR_FORMAT, "%s: /%s is not a text", path, name);
}

chirp_status chirp_hdf_string_attribute(hid_t file, const char *path, const char *object,
                                        const char *name, char *text, size_t size)
{
    single s;
    bool found = false;
    const chirp_status st = find(file, path, object, &found);
    if (st != CHIRP_OK)
        return st;
    const bool read =
        single_open(&s, H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT), true) &&
        single_short_text(&s, text, size);
    single_close(&s);
    return read
               ? CHIRP_OK
               : chirp_fail(CHIRP_ERR_FORMAT, "%s: no text attribute %s of %s", path, name, object);
}

/* Opens an attribute of an open object that has one element of this class. */
static chirp_status open_single(hid_t object, const char *path, const char *name, H5T_class_t class,
                                single *s)
{
    chirp_hdf_quiet();
    if (H5Aexists(object, name) <= 0)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: attribute '%s' is missing: not a file of chirpbench", path, name);
    if (single_open(s, H5Aopen(object, name, H5P_DEFAULT), true) && s->class == class)
        return CHIRP_OK;
    single_close(s);
    return chirp_fail(CHIRP_ERR_FORMAT,
                      "%s: attribute '%s' is not a single %s; the file is damaged", path, name,
                      class == H5T_INTEGER ? "whole number" : "text");
}

chirp_status chirp_hdf_integer_attribute(hid_t object, const char *path, const char *name,
                                         int64_t *value)
{
    single s;
    int64_t number = 0;
    const chirp_status st = open_single(object, path, name, H5T_INTEGER, &s);
    if (st != CHIRP_OK)
        return st;
    const bool read = s.size <= sizeof number && single_read(&s, H5T_NATIVE_INT64, &number);
    single_close(&s);
    if (!read)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: can't read attribute '%s'; the file is damaged",
                          path, name);
    *value = number;
    return CHIRP_OK;
}

chirp_status chirp_hdf_text_attribute(hid_t object, const char *path, const char *name, char **text)
{
    single s;
    const chirp_status st = open_single(object, path, name, H5T_STRING, &s);
    if (st != CHIRP_OK)
        return st;
    char *copy = single_text(&s);
    single_close(&s);
    if (!copy)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: can't read attribute '%s'; the file is damaged",
                          path, name);
    *text = copy;
    return CHIRP_OK;
}

chirp_status chirp_hdf_read_rows(hid_t dataset, const char *path, const char *name, hid_t type,
                                 chirp_hdf_rows rows, void *out)
{
    chirp_hdf_quiet();
    const hid_t space = H5Dget_space(dataset);
    const hid_t have = H5Dget_type(dataset);
    const H5T_class_t class = have >= 0 ? H5Tget_class(have) : H5T_NO_CLASS;
    hsize_t extent[8] = {0}, start[8] = {rows.first}, count[8] = {rows.n}, width = 1;
    const int dims = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    bool good = (class == H5T_FLOAT || class == H5T_INTEGER) && dims >= 1 && dims <= 8 &&
                H5Sget_simple_extent_dims(space, extent, NULL) == dims && rows.first <= extent[0] &&
                rows.n <= extent[0] - rows.first;
    for (int d = 1; good && d < dims; ++d) {
        good = extent[d] > 0 && extent[d] <= rows.width / width; /* the product can't overflow */
        count[d] = extent[d];
        width *= extent[d];
    }
    good = good && width == rows.width;
    const hid_t memory = good ? H5Screate_simple(dims, count, NULL) : -1;
    good = good && memory >= 0 &&
           H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
           H5Dread(dataset, type, memory, space, H5P_DEFAULT, out) >= 0;
    chirp_hdf_close(memory);
    chirp_hdf_close(have);
    chirp_hdf_close(space);
    if (!good)
        return chirp_fail(
            CHIRP_ERR_FORMAT, "%s: /%s can't be read at rows %llu to %llu: truncated or damaged",
            path, name, (unsigned long long)rows.first, (unsigned long long)(rows.first + rows.n));
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
                : chirp_fail(CHIRP_ERR_IO, "%s: attribute %s can't be written: %s", path, name,
                             chirp_hdf_reason());
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

chirp_status chirp_hdf_put_fixed_text(hid_t object, const char *path, const char *name,
                                      const char *text)
{
    const hid_t type = text_type(text);
    const chirp_status st = put_attribute(object, path, name, type, text);
    chirp_hdf_close(type);
    return st;
}

chirp_status chirp_hdf_put_array(hid_t group, const char *path, const char *name,
                                 const chirp_hdf_array *array, const void *values)
{
    chirp_hdf_quiet();
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    const hid_t space = array->dims > 0 ? H5Screate_simple(array->dims, array->extent, NULL)
                                        : H5Screate(H5S_SCALAR);
    const hid_t id =
        links >= 0 && space >= 0 && H5Pset_create_intermediate_group(links, 1) >= 0
            ? H5Dcreate2(group, name, array->file_type, space, links, H5P_DEFAULT, H5P_DEFAULT)
            : -1;
    const bool written =
        id >= 0 && H5Dwrite(id, array->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    const bool good = (id < 0 || H5Dclose(id) >= 0) && written;
    chirp_hdf_close(space);
    chirp_hdf_close(links);
    return good ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_IO, "%s: /%s can't be written: %s", path, name,
                             chirp_hdf_reason());
}

chirp_status chirp_hdf_put_scalar(hid_t group, const char *path, const char *name, int64_t value)
{
    const chirp_hdf_array scalar = {H5T_NATIVE_INT64, H5T_NATIVE_INT64, 0, {0}};
    return chirp_hdf_put_array(group, path, name, &scalar, &value);
}

chirp_status chirp_hdf_put_string(hid_t group, const char *path, const char *name, const char *text)
{
    const hid_t type = text_type(text);
    const chirp_hdf_array scalar = {type, type, 0, {0}};
    const chirp_status st = chirp_hdf_put_array(group, path, name, &scalar, text);
    chirp_hdf_close(type);
    return st;
}

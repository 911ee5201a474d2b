#include "model/training/cut.h"

#include "model/signal/hdf.h"

/*
 * /cut/width  int64 [layers of the root]: filters of each
 * /cut/leaf   int64 [leaves]: which leaves of the named network these are, counted from 0, rising
 */
static const char *const GROUP = "cut";
static const char *const WIDTH = "cut/width";
static const char *const LEAF = "cut/leaf";

static chirp_status put(hid_t file, const char *path, const char *name, int n,
                        const int64_t *values)
{
    const hsize_t extent = (hsize_t)n;
    const chirp_hdf_array array = {H5T_STD_I64LE, H5T_NATIVE_INT64, 1, {extent}};
    return chirp_hdf_put_array(file, path, name, &array, values);
}

chirp_status chirp_cut_put(hid_t file, const char *path, const chirp_cut *cut)
{
    int64_t leaf[CHIRP_MAX_LEAVES];
    for (int i = 0; i < cut->n_leaves; ++i)
        leaf[i] = cut->leaf[i];
    const chirp_status st = put(file, path, WIDTH, cut->n_layers, cut->width);
    return st == CHIRP_OK ? put(file, path, LEAF, cut->n_leaves, leaf) : st;
}

static chirp_status read(hid_t file, const char *path, const char *name, int most, int *n,
                         int64_t *values)
{
    hsize_t extent = 0;
    hid_t set = H5I_INVALID_HID;
    chirp_status st = chirp_hdf_dataset(file, path, name, 1, &extent, &set);
    if (st == CHIRP_OK && (extent < 1 || extent > (hsize_t)most))
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: %s has %llu numbers, expected 1 to %d", path, name,
                        (unsigned long long)extent, most);
    if (st == CHIRP_OK)
        st = chirp_hdf_read_rows(set, path, name, H5T_NATIVE_INT64, (chirp_hdf_rows){0, extent, 1},
                                 values);
    chirp_hdf_close(set);
    *n = (int)extent;
    return st;
}

chirp_status chirp_cut_read(const char *path, bool *found, chirp_cut *cut)
{
    hid_t file = H5I_INVALID_HID;
    int64_t leaf[CHIRP_MAX_LEAVES] = {0};
    chirp_status st = chirp_hdf_open(path, false, &file);
    *found = st == CHIRP_OK && chirp_hdf_has(file, GROUP);
    if (*found)
        st = read(file, path, WIDTH, CHIRP_MAX_ROOT_LAYERS, &cut->n_layers, cut->width);
    if (*found && st == CHIRP_OK)
        st = read(file, path, LEAF, CHIRP_MAX_LEAVES, &cut->n_leaves, leaf);
    chirp_hdf_close(file);
    for (int i = 0; *found && st == CHIRP_OK && i < cut->n_leaves; ++i)
        cut->leaf[i] = leaf[i] >= 0 && leaf[i] < CHIRP_MAX_LEAVES ? (int)leaf[i] : -1;
    return st;
}

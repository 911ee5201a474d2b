#include "model/training/feature_distance.h"

#include "harness/base/memory.h"
#include "model/signal/hdf.h"

#include <math.h>

/*
 * /feature_distance/mean    float32 [width]
 * /feature_distance/factor  float32 [width (width + 1) / 2], rows of the lower Cholesky factor behind each other
 * /feature_distance/limit   float64 scalar: what 99 % of training signals stay below
 * /feature_distance         attribute signals: behind mean and covariance, and as many again behind the limit
 */
static const char *const MEAN = CHIRP_FEATURE_DISTANCE_GROUP "/mean";
static const char *const FACTOR = CHIRP_FEATURE_DISTANCE_GROUP "/factor";
static const char *const LIMIT = CHIRP_FEATURE_DISTANCE_GROUP "/limit";

static chirp_status bad(const char *path, const char *name)
{
    return chirp_fail(CHIRP_ERR_FORMAT,
                      "%s: %s holds an impossible size or number: measure it again with chirpbench "
                      "export",
                      path, name);
}

static chirp_status read_floats(hid_t file, const char *path, const char *name, int64_t n,
                                float **values)
{
    hsize_t extent = 0;
    hid_t set = H5I_INVALID_HID;
    chirp_status st = chirp_hdf_dataset(file, path, name, 1, &extent, &set);
    if (st == CHIRP_OK && extent != (hsize_t)n)
        st = bad(path, name);
    if (st == CHIRP_OK && !(*values = chirp_calloc((size_t)n, sizeof **values)))
        st = CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_hdf_read_rows(set, path, name, H5T_NATIVE_FLOAT,
                                 (chirp_hdf_rows){0, (hsize_t)n, 1}, *values);
    chirp_hdf_close(set);
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i)
        if (!isfinite((*values)[i]))
            st = bad(path, name);
    return st;
}

static chirp_status read_group(hid_t file, const char *path, int64_t width, chirp_distance *d)
{
    chirp_status st = read_floats(file, path, MEAN, width, &d->mean);
    if (st == CHIRP_OK)
        st = read_floats(file, path, FACTOR, chirp_distance_triangle(width), &d->factor);
    for (int64_t i = 0; st == CHIRP_OK && i < width; ++i)
        if (!(d->factor[chirp_distance_triangle(i) + i] > 0))
            st = bad(path, FACTOR);
    if (st == CHIRP_OK)
        st = chirp_hdf_number(file, path, LIMIT, &d->limit);
    if (st == CHIRP_OK && !(d->limit > 0 && isfinite(d->limit)))
        st = bad(path, LIMIT);
    if (st != CHIRP_OK)
        return st;
    const hid_t group = H5Oopen(file, CHIRP_FEATURE_DISTANCE_GROUP, H5P_DEFAULT);
    st = group < 0 ? bad(path, CHIRP_FEATURE_DISTANCE_GROUP)
                   : chirp_hdf_integer_attribute(group, path, "signals", &d->signals);
    chirp_hdf_close(group);
    d->width = width;
    return st;
}

chirp_status chirp_feature_distance_read(const char *path, int64_t width, chirp_distance *d)
{
    hid_t file = H5I_INVALID_HID;
    *d = (chirp_distance){0};
    chirp_status st = chirp_hdf_open(path, false, &file);
    if (st == CHIRP_OK && chirp_hdf_has(file, CHIRP_FEATURE_DISTANCE_GROUP))
        st = read_group(file, path, width, d);
    chirp_hdf_close(file);
    return st;
}

chirp_status chirp_feature_distance_put(hid_t file, const char *path, const chirp_distance *d)
{
    chirp_hdf_array array = {H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, {(hsize_t)d->width}};
    chirp_status st = chirp_hdf_put_array(file, path, MEAN, &array, d->mean);
    array.extent[0] = (hsize_t)chirp_distance_triangle(d->width);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_array(file, path, FACTOR, &array, d->factor);
    const chirp_hdf_array scalar = {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0, {0}};
    if (st == CHIRP_OK)
        st = chirp_hdf_put_array(file, path, LIMIT, &scalar, &d->limit);
    if (st != CHIRP_OK)
        return st;
    const hid_t group = H5Oopen(file, CHIRP_FEATURE_DISTANCE_GROUP, H5P_DEFAULT);
    st = group < 0 ? chirp_fail(CHIRP_ERR_IO, "%s: can't open group %s", path,
                                CHIRP_FEATURE_DISTANCE_GROUP)
                   : chirp_hdf_put_integer(group, path, "signals", d->signals);
    chirp_hdf_close(group);
    return st;
}

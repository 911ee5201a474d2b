#include "model/training/export.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "model/signal/hdf.h"
#include "model/training/checkpoint.h"
#include "model/training/feature_distance.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DEFLATE_LEVEL = 9 };

/* HDF5 has no name for it. Numbers come to it rounded: HDF5 1.10 turns some that round up to a power of two into zero. */
static hid_t half_type(void)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    if (type >= 0 && H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(type, 2) >= 0 &&
        H5Tset_ebias(type, 15) >= 0)
        return type;
    chirp_hdf_close(type);
    return H5I_INVALID_HID;
}

/* To nearest, ties to even. Below 2^-14 the spacing is 2^-24, above it 13 bits fewer than a float's. */
static float half_round(float x)
{
    uint32_t bits;
    if (fabsf(x) < 0x1p-14F)
        return rintf(x * 0x1p24F) * 0x1p-24F;
    memcpy(&bits, &x, sizeof bits);
    bits += 0xfffU + (bits >> 13 & 1U);
    bits &= ~UINT32_C(0x1fff);
    memcpy(&x, &bits, sizeof x);
    return x;
}

chirp_status chirp_half_round(const char *what, float *x, int64_t n)
{
    static const float LARGEST = 65504;
    for (int64_t i = 0; i < n; ++i) {
        if (!(fabsf(x[i]) <= LARGEST))
            return chirp_fail(CHIRP_ERR_RANGE,
                              "%s: holds %g, which half precision can't: %g at most", what,
                              (double)x[i], (double)LARGEST);
        x[i] = half_round(x[i]);
    }
    return CHIRP_OK;
}

static chirp_status put_tensor(hid_t file, const char *path, const chirp_tensor *tensor,
                               const float *values)
{
    hsize_t extent[3];
    chirp_hdf_quiet();
    for (int d = 0; d < tensor->rank; ++d)
        extent[d] = (hsize_t)tensor->extent[d];
    const hid_t type = half_type();
    const hid_t space = H5Screate_simple(tensor->rank, extent, NULL);
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    const bool ready = type >= 0 && space >= 0 && links >= 0 && create >= 0 &&
                       H5Pset_create_intermediate_group(links, 1) >= 0 &&
                       H5Pset_chunk(create, tensor->rank, extent) >= 0 &&
                       H5Pset_shuffle(create) >= 0 && H5Pset_deflate(create, DEFLATE_LEVEL) >= 0;
    const hid_t set =
        ready ? H5Dcreate2(file, tensor->name, type, space, links, create, H5P_DEFAULT) : -1;
    const bool written =
        set >= 0 && H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    const bool good = (set < 0 || H5Dclose(set) >= 0) && written;
    chirp_hdf_close(create);
    chirp_hdf_close(links);
    chirp_hdf_close(space);
    chirp_hdf_close(type);
    return good ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_IO, "%s: /%s can't be written: %s", path, tensor->name,
                             chirp_hdf_reason());
}

/* What is written anew or left out: the groups of parameters, and what only a training needs that goes on. */
typedef struct left_out {
    const chirp_tensor *tensors;
    int n_tensors;
    hid_t to;
} left_out;

static bool is_left_out(const left_out *l, const char *name)
{
    const size_t length = strlen(name);
    for (int t = 0; t < l->n_tensors; ++t)
        if (strncmp(l->tensors[t].name, name, length) == 0 && l->tensors[t].name[length] == '/')
            return true;
    return strcmp(name, "optimizer") == 0 || strcmp(name, "trained") == 0 ||
           strcmp(name, "export") == 0 || strcmp(name, CHIRP_FEATURE_DISTANCE_GROUP) == 0;
}

static herr_t copy_object(hid_t from, const char *name, const H5L_info_t *info, void *context)
{
    const left_out *l = context;
    (void)info;
    return is_left_out(l, name) || H5Ocopy(from, name, l->to, name, H5P_DEFAULT, H5P_DEFAULT) >= 0
               ? 0
               : -1;
}

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *context)
{
    const hid_t to = *(const hid_t *)context;
    const hid_t old = H5Aopen(from, name, H5P_DEFAULT);
    const hid_t type = old >= 0 ? H5Aget_type(old) : -1;
    const hid_t space = old >= 0 ? H5Aget_space(old) : -1;
    const bool whole = type >= 0 && space >= 0 && H5Tis_variable_str(type) == 0;
    void *bytes = whole ? chirp_alloc(info->data_size + 1) : NULL;
    const hid_t fresh = bytes && H5Aread(old, type, bytes) >= 0
                            ? H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT)
                            : -1;
    const bool good = fresh >= 0 && H5Awrite(fresh, type, bytes) >= 0;
    chirp_free(bytes);
    chirp_hdf_close(fresh);
    chirp_hdf_close(space);
    chirp_hdf_close(type);
    chirp_hdf_close(old);
    return good ? 0 : -1;
}

static chirp_status put_texts(hid_t file, const char *path, const char *const *text)
{
    const hid_t group = H5Gcreate2(file, "export", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    chirp_status st =
        group < 0 ? chirp_fail(CHIRP_ERR_IO, "%s: can't make group export", path) : CHIRP_OK;
    for (int i = 0; text[i] && st == CHIRP_OK; i += 2)
        st = chirp_hdf_put_fixed_text(group, path, text[i], text[i + 1]);
    chirp_hdf_close(group);
    return st;
}

/* Whether the file gives back what it was given. */
static chirp_status check(const char *written, const char *path, const chirp_trained *trained,
                          const float *parameters)
{
    int n = 0;
    chirp_checkpoint state = {0};
    const chirp_tensor *tensors = chirp_network_tensors(trained->net, &n);
    const size_t bytes = (size_t)chirp_network_parameter_count(trained->net) * sizeof *parameters;
    float *back = chirp_calloc(1, bytes);
    if (!back)
        return CHIRP_ERR_NOMEM;
    chirp_status st = chirp_checkpoint_read(written, &state, tensors, n, back);
    for (int t = 0; t < n && st == CHIRP_OK; ++t)
        if (memcmp(back + tensors[t].offset, parameters + tensors[t].offset,
                   (size_t)tensors[t].count * sizeof *back) != 0)
            st = chirp_fail(CHIRP_ERR_LIBRARY, "%s: /%s is not what was written", path,
                            tensors[t].name);
    chirp_free(state.configuration);
    chirp_free(back);
    return st;
}

static chirp_status fill(hid_t from, hid_t to, const char *const path[2],
                         const chirp_trained *trained, const float *parameters)
{
    left_out rest = {.to = to};
    hsize_t at = 0;
    rest.tensors = chirp_network_tensors(trained->net, &rest.n_tensors);
    if (H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, &at, copy_attribute, (void *)&rest.to) < 0)
        return chirp_fail(CHIRP_ERR_IO, "%s: can't copy the attributes of %s", path[1], path[0]);
    at = 0;
    if (H5Literate(from, H5_INDEX_NAME, H5_ITER_INC, &at, copy_object, &rest) < 0)
        return chirp_fail(CHIRP_ERR_IO, "%s: can't copy the objects of %s", path[1], path[0]);
    chirp_status st = CHIRP_OK;
    for (int t = 0; t < rest.n_tensors && st == CHIRP_OK; ++t)
        st = put_tensor(to, path[1], &rest.tensors[t], parameters + rest.tensors[t].offset);
    if (st == CHIRP_OK && trained->distance.width)
        st = chirp_feature_distance_put(to, path[1], &trained->distance);
    return st;
}

chirp_status chirp_trained_export(const char *from, const char *to, const chirp_trained *trained,
                                  const float *parameters, const char *const *text)
{
    const char *const path[2] = {from, to};
    char *temporary = NULL;
    hid_t source = H5I_INVALID_HID;
    chirp_status st = chirp_file_temporary(to, &temporary);
    if (st == CHIRP_OK)
        st = chirp_hdf_open(from, false, &source);
    const hid_t file =
        st == CHIRP_OK ? H5Fcreate(temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT) : -1;
    if (st == CHIRP_OK && file < 0)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't create the file", to);
    if (st == CHIRP_OK)
        st = fill(source, file, path, trained, parameters);
    if (st == CHIRP_OK)
        st = put_texts(file, to, text);
    if (file >= 0 && H5Fclose(file) < 0 && st == CHIRP_OK)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't finish the file: %s", to, chirp_hdf_reason());
    chirp_hdf_close(source);
    if (st == CHIRP_OK)
        st = check(temporary, to, trained, parameters);
    if (st == CHIRP_OK)
        return chirp_file_commit(temporary, to);
    chirp_file_discard(temporary);
    return st;
}

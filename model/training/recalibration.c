#include "model/training/recalibration.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "model/signal/hdf.h"

#include <math.h>
#include <string.h>

/*
 * /recalibration/factor  float64 [leaves]
 * /recalibration         attribute note: how they were found
 * Training knows nothing of it, so that a resumed training, which changes the network, writes checkpoints without.
 */
static const char *const GROUP = "recalibration";
static const char *const FACTOR = "recalibration/factor";

static chirp_status read_factors(hid_t file, const char *path, int n, double *factor, char **note)
{
    hsize_t extent = 0;
    hid_t set = H5I_INVALID_HID;
    chirp_status st = chirp_hdf_dataset(file, path, FACTOR, 1, &extent, &set);
    if (st != CHIRP_OK)
        return st;
    if (extent != (hsize_t)n)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: %s has %llu numbers, the network %d outputs", path,
                        FACTOR, (unsigned long long)extent, n);
    if (st == CHIRP_OK)
        st = chirp_hdf_read_rows(set, path, FACTOR, H5T_NATIVE_DOUBLE,
                                 (chirp_hdf_rows){0, (hsize_t)n, 1}, factor);
    chirp_hdf_close(set);
    for (int i = 0; st == CHIRP_OK && i < n; ++i)
        if (!(factor[i] > 1e-6 && factor[i] < 1e6))
            st = chirp_fail(CHIRP_ERR_FORMAT,
                            "%s: %s holds %g: write it again with chirpbench calibrate "
                            "--recalibrate",
                            path, FACTOR, factor[i]);
    if (st != CHIRP_OK)
        return st;
    const hid_t group = H5Oopen(file, GROUP, H5P_DEFAULT);
    st = group < 0 ? chirp_fail(CHIRP_ERR_FORMAT, "%s: can't open group %s", path, GROUP)
                   : chirp_hdf_text_attribute(group, path, "note", note);
    chirp_hdf_close(group);
    return st;
}

chirp_status chirp_recalibration_read(const char *path, int n, double *factor, char **note)
{
    hid_t file = H5I_INVALID_HID;
    *note = NULL;
    memset(factor, 0, (size_t)n * sizeof *factor);
    chirp_status st = chirp_hdf_open(path, false, &file);
    if (st == CHIRP_OK && chirp_hdf_has(file, GROUP))
        st = read_factors(file, path, n, factor, note);
    chirp_hdf_close(file);
    return st;
}

static chirp_status put_factors(hid_t file, const char *path, int n, const double *factor,
                                const char *note)
{
    const chirp_hdf_array array = {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, {(hsize_t)n}};
    if (chirp_hdf_has(file, GROUP) && H5Ldelete(file, GROUP, H5P_DEFAULT) < 0)
        return chirp_fail(CHIRP_ERR_IO, "%s: can't replace group %s", path, GROUP);
    chirp_status st = chirp_hdf_put_array(file, path, FACTOR, &array, factor);
    if (st != CHIRP_OK)
        return st;
    const hid_t group = H5Oopen(file, GROUP, H5P_DEFAULT);
    st = group < 0 ? chirp_fail(CHIRP_ERR_IO, "%s: can't open group %s", path, GROUP)
                   : chirp_hdf_put_fixed_text(group, path, "note", note);
    chirp_hdf_close(group);
    return st;
}

chirp_status chirp_recalibration_write(const char *from, const char *to, int n,
                                       const double *factor, const char *note)
{
    char *temporary = NULL;
    char *bytes = NULL;
    size_t length = 0;
    hid_t file = H5I_INVALID_HID;
    chirp_status st = chirp_file_temporary(to, &temporary);
    if (st == CHIRP_OK)
        st = chirp_file_read(from, &bytes, &length);
    if (st == CHIRP_OK)
        st = chirp_file_write(temporary, bytes, length);
    chirp_free(bytes);
    if (st == CHIRP_OK)
        st = chirp_hdf_open(temporary, true, &file);
    if (st == CHIRP_OK)
        st = put_factors(file, to, n, factor, note);
    if (file >= 0 && H5Fclose(file) < 0 && st == CHIRP_OK)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't finish the file: %s", to, chirp_hdf_reason());
    if (st == CHIRP_OK)
        return chirp_file_commit(temporary, to);
    chirp_file_discard(temporary);
    return st;
}

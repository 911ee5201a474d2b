#include "model/training/checkpoint.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "model/signal/hdf.h"
#include "model/training/checkpoint_curves.h"
#include "model/training/cut.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#ifndef CHIRP_VERSION
#error "CHIRP_VERSION must be defined by the build"
#endif

/* 2: labels may be standardised, which readers of 1 would not know; 1 is still read. */
static const char *const FORMAT = "chirpbench checkpoint 2";
static const char *const TRAINED = "trained";
static const char *const EARLIER_FORMAT = "chirpbench checkpoint 1";

static chirp_status write_tensors(hid_t file, const char *path, const char *prefix,
                                  const chirp_tensor *tensors, int n_tensors, const float *arena)
{
    chirp_status st = CHIRP_OK;
    for (int t = 0; t < n_tensors && st == CHIRP_OK; ++t) {
        char name[96];
        const chirp_tensor *tensor = &tensors[t];
        const chirp_hdf_array array = {
            H5T_IEEE_F32LE,
            H5T_NATIVE_FLOAT,
            tensor->rank,
            {(hsize_t)tensor->extent[0], (hsize_t)tensor->extent[1], (hsize_t)tensor->extent[2]}};
        (void)snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "/" : "", tensor->name);
        st = chirp_hdf_put_array(file, path, name, &array, arena + tensor->offset);
    }
    return st;
}

/* Of a run that is not over. */
static chirp_status write_course(hid_t file, const char *path, const chirp_checkpoint *state)
{
    chirp_status st = chirp_hdf_put_real(file, path, "progress", state->course.progress);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_real(file, path, "typical_norm", state->course.typical_norm);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_real(file, path, "best_score", state->course.best_score);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_integer(file, path, "crossings", state->course.crossings);
    return st;
}

static chirp_status read_course(hid_t file, const char *path, chirp_checkpoint *state)
{
    static const char *const name[3] = {"progress", "typical_norm", "best_score"};
    double value[3] = {0};
    bool found = false;
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < 3 && st == CHIRP_OK; ++i) {
        st = chirp_hdf_attribute(file, path, "/", name[i], &value[i], &found);
        if (st == CHIRP_OK && !(isfinite(value[i]) && (i == 2 || value[i] >= 0)))
            st = chirp_fail(CHIRP_ERR_FORMAT, "%s: %s is %g", path, name[i], value[i]);
    }
    state->course.crossings = -1;
    if (st == CHIRP_OK && H5Aexists(file, "crossings") > 0)
        st = chirp_hdf_integer_attribute(file, path, "crossings", &state->course.crossings);
    state->course.progress = fmin(value[0], 1);
    state->course.typical_norm = value[1];
    state->course.best_score = value[2];
    return st;
}

chirp_status chirp_checkpoint_write(const char *path, const chirp_checkpoint *state,
                                    const chirp_tensor *tensors, int n_tensors,
                                    const float *parameters)
{
    char *temporary = NULL;
    char sentence[400];
    chirp_status st = chirp_file_temporary(path, &temporary);
    if (st != CHIRP_OK)
        return st;
    chirp_hdf_quiet();
    const hid_t file = H5Fcreate(temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0) {
        chirp_file_discard(temporary);
        return chirp_fail(CHIRP_ERR_IO, "%s: can't create the checkpoint: %s", path,
                          chirp_hdf_reason());
    }
    st = chirp_hdf_put_fixed_text(file, path, "format", FORMAT);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_fixed_text(file, path, "software_version", "chirpbench " CHIRP_VERSION);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_fixed_text(file, path, "configuration", state->configuration);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_integer(file, path, "iteration", state->iteration);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_integer(file, path, "seed", (int64_t)state->seed);
    if (st == CHIRP_OK)
        st = write_course(file, path, state);
    if (st == CHIRP_OK)
        st = write_tensors(file, path, "", tensors, n_tensors, parameters);
    if (st == CHIRP_OK && state->trained)
        st = write_tensors(file, path, TRAINED, tensors, n_tensors, state->trained);
    if (st == CHIRP_OK && state->first)
        st = write_tensors(file, path, "optimizer/first", tensors, n_tensors, state->first);
    if (st == CHIRP_OK && state->second)
        st = write_tensors(file, path, "optimizer/second", tensors, n_tensors, state->second);
    if (st == CHIRP_OK && state->curves)
        st = chirp_checkpoint_curves_write(file, path, state->curves, state->band);
    if (st == CHIRP_OK && state->cut)
        st = chirp_cut_put(file, path, state->cut);
    if (H5Fclose(file) < 0 && st == CHIRP_OK)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't finish the file: %s", path, chirp_hdf_reason());
    if (st != CHIRP_OK) {
        (void)snprintf(sentence, sizeof sentence, "%s", chirp_error_message());
        chirp_file_discard(temporary);
        return chirp_fail(st, "%s; the previous checkpoint, if any, is untouched", sentence);
    }
    return chirp_file_commit(temporary, path);
}

static chirp_status open_checkpoint(const char *path, hid_t *file)
{
    const chirp_status st = chirp_hdf_open(path, false, file);
    return st == CHIRP_ERR_FORMAT
               ? chirp_fail(st,
                            "%s: not an HDF5 file, or truncated; expected a checkpoint of "
                            "chirpbench train",
                            path)
               : st;
}

static chirp_status read_header(const char *path, hid_t file, chirp_checkpoint *state)
{
    int64_t iteration = 0;
    int64_t seed = 0;
    char *format = NULL;
    char *configuration = NULL;
    if (H5Aexists(file, "format") <= 0)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: not a chirpbench checkpoint: it has no attribute 'format'; "
                          "`chirpbench train --checkpoint FILE` writes one",
                          path);
    chirp_status st = chirp_hdf_text_attribute(file, path, "format", &format);
    if (st == CHIRP_OK && strcmp(format, FORMAT) != 0 && strcmp(format, EARLIER_FORMAT) != 0)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: format '%.60s', this version reads '%s' and '%s'",
                        path, format, EARLIER_FORMAT, FORMAT);
    chirp_free(format);
    if (st == CHIRP_OK && H5Lexists(file, "exchange", H5P_DEFAULT) > 0)
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: holds a gradient of --exchange delayed, which no longer exists; "
                        "start a new training, or use a checkpoint of another exchange",
                        path);
    if (st == CHIRP_OK)
        st = chirp_hdf_integer_attribute(file, path, "iteration", &iteration);
    if (st == CHIRP_OK)
        st = chirp_hdf_integer_attribute(file, path, "seed", &seed);
    if (st == CHIRP_OK && iteration < 0)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: iteration %lld is negative", path,
                        (long long)iteration);
    if (st == CHIRP_OK)
        st = chirp_hdf_text_attribute(file, path, "configuration", &configuration);
    if (st != CHIRP_OK)
        return st;
    state->iteration = iteration;
    state->seed = (uint64_t)seed;
    state->configuration = configuration;
    return CHIRP_OK;
}

chirp_status chirp_checkpoint_read_header(const char *path, chirp_checkpoint *state)
{
    hid_t file = H5I_INVALID_HID;
    chirp_status st = open_checkpoint(path, &file);
    if (st != CHIRP_OK)
        return st;
    st = read_header(path, file, state);
    (void)H5Fclose(file);
    return st;
}

/* Floats, in the shape that the table says: H5Dread() writes as many numbers as the file has. */
static chirp_status check_dataset(const char *path, const char *name, hid_t set,
                                  const chirp_tensor *tensor)
{
    hsize_t extent[8] = {0};
    const hid_t type = H5Dget_type(set);
    const hid_t space = H5Dget_space(set);
    const bool floats = type >= 0 && H5Tget_class(type) == H5T_FLOAT;
    const int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    bool same = rank == tensor->rank && H5Sget_simple_extent_dims(space, extent, NULL) == rank;
    for (int d = 0; same && d < rank; ++d)
        same = extent[d] == (hsize_t)tensor->extent[d];
    chirp_hdf_close(type);
    chirp_hdf_close(space);
    if (!same)
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: %s has another shape than this network's; was it trained with other layers?", path,
            name);
    if (!floats)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: %s holds no floating-point numbers", path, name);
    return CHIRP_OK;
}

static chirp_status read_tensors(const char *path, hid_t file, const char *prefix,
                                 const chirp_tensor *tensors, int n_tensors, float *arena)
{
    for (int t = 0; t < n_tensors; ++t) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "/" : "", tensors[t].name);
        hid_t set = H5I_INVALID_HID;
        float *values = arena + tensors[t].offset;
        if (!chirp_hdf_has(file, name))
            return chirp_fail(
                CHIRP_ERR_FORMAT,
                *prefix
                    ? "%s: dataset %s is missing: no optimiser state, as in files of chirpbench "
                      "export: resume from the checkpoint it was made of"
                    : "%s: dataset %s is missing: a checkpoint of another network or variant",
                path, name);
        chirp_status st = chirp_hdf_open_dataset(file, path, name, &set);
        if (st != CHIRP_OK)
            return st;
        const hsize_t rows = (hsize_t)tensors[t].extent[0];
        st = check_dataset(path, name, set, &tensors[t]);
        if (st == CHIRP_OK)
            st = chirp_hdf_read_rows(set, path, name, H5T_NATIVE_FLOAT,
                                     (chirp_hdf_rows){0, rows, (hsize_t)tensors[t].count / rows},
                                     values);
        (void)H5Dclose(set);
        for (int64_t i = 0; st == CHIRP_OK && i < tensors[t].count; ++i)
            if (!isfinite(values[i]))
                st = chirp_fail(CHIRP_ERR_NUMERIC,
                                "%s: %s holds a NaN or infinity at %lld; use an earlier checkpoint",
                                path, name, (long long)i);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

static int64_t arena_length(const chirp_tensor *tensors, int n_tensors)
{
    int64_t n = 0;
    for (int t = 0; t < n_tensors; ++t)
        if (tensors[t].offset + tensors[t].count > n)
            n = tensors[t].offset + tensors[t].count;
    return n;
}

chirp_status chirp_checkpoint_read(const char *path, chirp_checkpoint *state,
                                   const chirp_tensor *tensors, int n_tensors, float *parameters)
{
    enum { ARENAS = 4 };
    const char *const prefix[ARENAS] = {"", "optimizer/first", "optimizer/second", TRAINED};
    float *target[ARENAS] = {parameters, state->first, state->second, state->trained};
    const size_t n = (size_t)arena_length(tensors, n_tensors);
    hid_t file = H5I_INVALID_HID;
    float *copy[ARENAS] = {NULL}; /* so that a bad file changes nothing */
    chirp_checkpoint header = {0};
    chirp_status st = open_checkpoint(path, &file);
    if (st != CHIRP_OK)
        return st;
    st = read_header(path, file, &header);
    if (st == CHIRP_OK)
        st = read_course(file, path, &header);
    header.has_trained = chirp_hdf_has(file, TRAINED);
    if (!header.has_trained)
        target[3] = NULL;
    for (int i = 0; i < ARENAS && st == CHIRP_OK; ++i) {
        if (!target[i])
            continue;
        copy[i] = chirp_alloc(n * sizeof(float));
        st = copy[i] ? read_tensors(path, file, prefix[i], tensors, n_tensors, copy[i])
                     : CHIRP_ERR_NOMEM;
    }
    (void)H5Fclose(file);
    for (int i = 0; i < ARENAS; ++i) {
        if (st == CHIRP_OK && target[i])
            memcpy(target[i], copy[i], n * sizeof(float));
        chirp_free(copy[i]);
    }
    if (st != CHIRP_OK) {
        chirp_free(header.configuration);
        return st;
    }
    header.first = state->first;
    header.second = state->second;
    header.trained = state->trained;
    *state = header;
    return CHIRP_OK;
}

chirp_status chirp_checkpoint_read_curves(const char *path, chirp_curves *curves)
{
    hid_t file = H5I_INVALID_HID;
    *curves = (chirp_curves){0};
    chirp_status st = open_checkpoint(path, &file);
    if (st != CHIRP_OK)
        return st;
    st = chirp_checkpoint_curves_read(file, path, curves);
    (void)H5Fclose(file);
    return st;
}

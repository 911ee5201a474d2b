#include "harness/base/memory.h"
#include "model/signal/dataset.h"
#include "model/signal/dataset_internal.h"
#include "model/signal/hdf.h"
#include "model/signal/parameters.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const chirp_dataset_field[CHIRP_DATASET_FIELDS] = {"strain", "label", "snr",
                                                               "parameters"};

struct chirp_dataset_writer {
    char *path;
    hid_t file, field[CHIRP_DATASET_FIELDS];
    int64_t rows, length;
    int n_detectors;
    uint64_t first_index;
};

static chirp_status put_attributes(const chirp_dataset_writer *w, const chirp_generator *generator,
                                   const char *version)
{
    const chirp_signal_config *c = chirp_generator_config(generator);
    const hid_t file = w->file;
    chirp_status st = chirp_hdf_put_text(file, w->path, "format", CHIRP_DATASET_FORMAT);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(file, w->path, "software", "chirpbench");
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(file, w->path, "version", version ? version : "unknown");
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(file, w->path, "noise", chirp_generator_noise_name(generator));
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(file, w->path, "detector", "simulated");
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(file, w->path, "label_names", "m1,m2,a_f,omega_R,omega_I");
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(file, w->path, "parameter_names", "m1,m2,chi1,chi2");
    if (st == CHIRP_OK)
        st = chirp_hdf_put_text(file, w->path, "snr_of", "the window, in the band");
    if (st == CHIRP_OK)
        st = chirp_hdf_put_integer(file, w->path, "seed", (int64_t)c->seed);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_integer(file, w->path, "first_index", (int64_t)w->first_index);
    if (st == CHIRP_OK)
        st = chirp_hdf_put_integer(file, w->path, "rows", 0);
    for (int i = 0; st == CHIRP_OK && i < CHIRP_SIGNAL_OPTIONS; ++i) {
        const chirp_option *row = &chirp_signal_option[i];
        const char *name = chirp_signal_attribute(row);
        if (name)
            st = chirp_hdf_put_real(file, w->path, name,
                                    chirp_option_number(row, chirp_option_value(row, c)));
    }
    return st;
}

static int field_shape(const chirp_dataset_writer *w, int field, hsize_t extent[3])
{
    switch (field) {
    case CHIRP_DATASET_STRAIN:
        extent[1] = w->n_detectors > 1 ? (hsize_t)w->n_detectors : (hsize_t)w->length;
        extent[2] = (hsize_t)w->length;
        return w->n_detectors > 1 ? 3 : 2;
    case CHIRP_DATASET_LABEL:
        extent[1] = CHIRP_LABELS;
        return 2;
    case CHIRP_DATASET_PARAMETERS:
        extent[1] = CHIRP_PARAMETERS;
        return 2;
    default:
        return 1;
    }
}

static chirp_status create_field(chirp_dataset_writer *w, int field, const chirp_dataset_options *o)
{
    hsize_t extent[3] = {0}, most[3], chunk[3];
    const int dims = field_shape(w, field, extent);
    for (int d = 0; d < dims; ++d)
        most[d] = chunk[d] = extent[d];
    most[0] = H5S_UNLIMITED;
    chunk[0] = (hsize_t)(field == CHIRP_DATASET_STRAIN ? o->chunk_rows : 64 * o->chunk_rows);
    const hid_t space = H5Screate_simple(dims, extent, most),
                create = H5Pcreate(H5P_DATASET_CREATE);
    bool good = space >= 0 && create >= 0 && H5Pset_chunk(create, dims, chunk) >= 0;
    if (good && o->compress > 0)
        good = H5Pset_shuffle(create) >= 0 && H5Pset_deflate(create, (unsigned)o->compress) >= 0;
    if (good)
        w->field[field] = H5Dcreate2(w->file, chirp_dataset_field[field], H5T_IEEE_F32LE, space,
                                     H5P_DEFAULT, create, H5P_DEFAULT);
    good = good && w->field[field] >= 0;
    chirp_hdf_close(create);
    chirp_hdf_close(space);
    return good ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_IO, "%s: dataset /%s can't be created", w->path,
                             chirp_dataset_field[field]);
}

static chirp_dataset_writer *writer_new(const char *path, const chirp_generator *generator)
{
    const chirp_signal_config *c = chirp_generator_config(generator);
    chirp_dataset_writer *w = chirp_calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->file = -1;
    for (int f = 0; f < CHIRP_DATASET_FIELDS; ++f)
        w->field[f] = -1;
    w->length = c->length;
    w->n_detectors = c->n_detectors;
    w->path = chirp_strdup(path);
    if (!w->path) {
        (void)chirp_dataset_finish(w);
        return NULL;
    }
    return w;
}

chirp_status chirp_dataset_create(const char *path, const chirp_generator *generator,
                                  const chirp_dataset_options *options,
                                  chirp_dataset_writer **writer)
{
    if (options->compress < 0 || options->compress > 9)
        return chirp_fail(CHIRP_ERR_ARG, "compression level %d: expected 0 to 9",
                          options->compress);
    if (options->chunk_rows < 1 || options->chunk_rows > 65536)
        return chirp_fail(CHIRP_ERR_ARG, "chunks of %lld rows: expected 1 to 65536",
                          (long long)options->chunk_rows);
    chirp_dataset_writer *w = writer_new(path, generator);
    if (!w)
        return CHIRP_ERR_NOMEM;
    w->first_index = options->first_index;
    chirp_hdf_quiet();
    w->file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    chirp_status st = w->file >= 0 ? CHIRP_OK
                                   : chirp_fail(CHIRP_ERR_IO, "%s: HDF5 can't create it: %s", path,
                                                chirp_hdf_reason());
    for (int f = 0; st == CHIRP_OK && f < CHIRP_DATASET_FIELDS; ++f)
        st = create_field(w, f, options);
    if (st == CHIRP_OK)
        st = put_attributes(w, generator, options->version);
    if (st != CHIRP_OK) {
        (void)chirp_dataset_finish(w);
        return st;
    }
    *writer = w;
    return CHIRP_OK;
}

static chirp_status read_attribute(hid_t file, const char *path, const char *name, double *value)
{
    bool found = false;
    const chirp_status st = chirp_hdf_attribute(file, path, "/", name, value, &found);
    if (st == CHIRP_OK && !found)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: attribute %s is missing: not a data set of chirpbench", path, name);
    return st;
}

/* The file must hold rows of the same configuration: else the next rows would be of another kind. */
static chirp_status check_same(const chirp_dataset_writer *w, const chirp_generator *generator)
{
    const chirp_signal_config *c = chirp_generator_config(generator);
    char noise[256];
    double value;
    chirp_status st =
        chirp_hdf_string_attribute(w->file, w->path, "/", "noise", noise, sizeof noise);
    if (st == CHIRP_OK &&
        strncmp(noise, chirp_generator_noise_name(generator), sizeof noise - 1) != 0)
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s was made with noise '%s', not '%s': append with the same", w->path,
                          noise, chirp_generator_noise_name(generator));
    if (st == CHIRP_OK)
        st = read_attribute(w->file, w->path, "seed", &value);
    if (st == CHIRP_OK && value != (double)c->seed)
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s was made with seed %.0f, not %llu: append with the same", w->path,
                          value, (unsigned long long)c->seed);
    /* rows belong together when these numbers are the same */
    for (int i = 0; st == CHIRP_OK && i < CHIRP_SIGNAL_OPTIONS; ++i) {
        const chirp_option *row = &chirp_signal_option[i];
        const char *name = chirp_signal_attribute(row);
        const double ours = chirp_option_number(row, chirp_option_value(row, c));
        if (!name)
            continue;
        st = read_attribute(w->file, w->path, name, &value);
        if (st == CHIRP_OK && value != ours)
            return chirp_fail(CHIRP_ERR_ARG, "%s was made with %s %g, not %g: append with the same",
                              w->path, name, value, ours);
    }
    return st;
}

static chirp_status open_rows(const char *path, const chirp_generator *generator, bool writable,
                              chirp_dataset_writer **writer)
{
    chirp_dataset_writer *w = writer_new(path, generator);
    if (!w)
        return CHIRP_ERR_NOMEM;
    double rows = 0, first = 0;
    chirp_status st = chirp_hdf_open(path, writable, &w->file);
    if (st == CHIRP_OK)
        st = read_attribute(w->file, path, "rows", &rows);
    if (st == CHIRP_OK)
        st = read_attribute(w->file, path, "first_index", &first);
    if (st == CHIRP_OK)
        st = check_same(w, generator);
    for (int f = 0; st == CHIRP_OK && f < CHIRP_DATASET_FIELDS; ++f) {
        hsize_t extent[3], want[3] = {0};
        const int dims = field_shape(w, f, want);
        st = chirp_hdf_dataset(w->file, path, chirp_dataset_field[f], dims, extent, &w->field[f]);
        if (st == CHIRP_OK && extent[0] < (hsize_t)rows)
            st = chirp_fail(CHIRP_ERR_FORMAT, "%s: /%s has %llu rows, but attribute rows says %.0f",
                            path, chirp_dataset_field[f], (unsigned long long)extent[0], rows);
    }
    if (st != CHIRP_OK) {
        (void)chirp_dataset_finish(w);
        return st;
    }
    w->rows = (int64_t)rows;
    w->first_index = (uint64_t)first;
    *writer = w;
    return CHIRP_OK;
}

chirp_status chirp_dataset_append(const char *path, const chirp_generator *generator,
                                  chirp_dataset_writer **writer)
{
    return open_rows(path, generator, true, writer);
}

chirp_status chirp_dataset_count(const char *path, const chirp_generator *generator, int64_t *rows)
{
    chirp_dataset_writer *w = NULL;
    const chirp_status st = open_rows(path, generator, false, &w);
    if (st != CHIRP_OK)
        return st;
    *rows = w->rows;
    return chirp_dataset_finish(w);
}

int64_t chirp_dataset_written(const chirp_dataset_writer *w, uint64_t *next_index)
{
    if (next_index)
        *next_index = w->first_index + (uint64_t)w->rows;
    return w->rows;
}

static chirp_status write_rows(const chirp_dataset_writer *w, int field, int64_t n,
                               const float *values)
{
    hsize_t extent[3] = {0}, start[3] = {(hsize_t)w->rows};
    const int dims = field_shape(w, field, extent);
    extent[0] = (hsize_t)(w->rows + n);
    const hid_t id = w->field[field];
    bool good = H5Dset_extent(id, extent) >= 0;
    hsize_t count[3] = {(hsize_t)n, extent[1], extent[2]};
    const hid_t space = good ? H5Dget_space(id) : -1, memory = H5Screate_simple(dims, count, NULL);
    good = good && space >= 0 && memory >= 0 &&
           H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
           H5Dwrite(id, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, values) >= 0;
    chirp_hdf_close(memory);
    chirp_hdf_close(space);
    return good ? CHIRP_OK
                : chirp_fail(chirp_hdf_blame(), "%s: /%s can't be extended to %lld rows: %s",
                             w->path, chirp_dataset_field[field], (long long)(w->rows + n),
                             chirp_hdf_reason());
}

chirp_status chirp_dataset_write(chirp_dataset_writer *w, int64_t n, const float *strain,
                                 const float *label, const float *snr, const float *parameters)
{
    const float *const values[CHIRP_DATASET_FIELDS] = {strain, label, snr, parameters};
    chirp_hdf_quiet();
    chirp_status st = CHIRP_OK;
    for (int f = 0; st == CHIRP_OK && f < CHIRP_DATASET_FIELDS; ++f)
        st = write_rows(w, f, n, values[f]);
    if (st == CHIRP_OK && H5Fflush(w->file, H5F_SCOPE_LOCAL) < 0)
        st = chirp_fail(chirp_hdf_blame(), "%s: HDF5 can't flush it: %s", w->path,
                        chirp_hdf_reason());
    if (st == CHIRP_OK)
        st = chirp_hdf_put_integer(w->file, w->path, "rows", w->rows + n);
    if (st == CHIRP_OK && H5Fflush(w->file, H5F_SCOPE_LOCAL) < 0)
        st = chirp_fail(chirp_hdf_blame(), "%s: HDF5 can't flush it: %s", w->path,
                        chirp_hdf_reason());
    if (st == CHIRP_OK)
        w->rows += n;
    return st;
}

chirp_status chirp_dataset_finish(chirp_dataset_writer *w)
{
    if (!w)
        return CHIRP_OK;
    chirp_hdf_quiet();
    chirp_status st = CHIRP_OK;
    for (int f = 0; f < CHIRP_DATASET_FIELDS; ++f)
        chirp_hdf_close(w->field[f]);
    if (w->file >= 0 && H5Fclose(w->file) < 0)
        st = chirp_fail(chirp_hdf_blame(), "%s: HDF5 can't finish it: %s", w->path,
                        chirp_hdf_reason());
    chirp_free(w->path);
    chirp_free(w);
    return st;
}

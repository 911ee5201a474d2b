#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/signal/dataset.h"
#include "model/signal/dataset_internal.h"
#include "model/signal/hdf.h"
#include "model/signal/parameters.h"

#include <math.h>
#include <string.h>

enum { GROUP_ROWS = 2048 };

struct chirp_dataset {
    char *path;
    hid_t file, field[CHIRP_DATASET_FIELDS];
    chirp_dataset_info info;
    int64_t width[CHIRP_DATASET_FIELDS]; /* floats of a row */
    int64_t chunk_rows;
    int64_t first, n; /* rows in use */
    int64_t blocks, group_blocks;
    /* of the order in memory: epoch, seed, the shuffled blocks; of the group in memory: its rows */
    bool has_order, has_group;
    uint64_t seed, epoch;
    int64_t group, group_rows;
    int64_t short_group,
        missing;    /* which group holds the last block, and the rows that block lacks */
    int32_t *block; /* [blocks] */
    int32_t *order; /* [group_rows] */
    float *cache[CHIRP_DATASET_FIELDS]; /* [group_blocks * chunk_rows][width] */
};

void chirp_dataset_close(chirp_dataset *d)
{
    if (!d)
        return;
    for (int f = 0; f < CHIRP_DATASET_FIELDS; ++f) {
        chirp_hdf_close(d->field[f]);
        chirp_free(d->cache[f]);
    }
    chirp_hdf_close(d->file);
    chirp_free(d->block);
    chirp_free(d->order);
    chirp_free(d->path);
    chirp_free(d);
}

static chirp_status number(const chirp_dataset *d, const char *name, double least, double most,
                           double *value)
{
    bool found = false;
    const chirp_status st = chirp_hdf_attribute(d->file, d->path, "/", name, value, &found);
    if (st != CHIRP_OK)
        return st;
    if (!found)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: attribute %s is missing: not a data set of chirpbench", d->path,
                          name);
    if (!(*value >= least) || !(*value <= most))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: attribute %s is %g: expected %g to %g", d->path,
                          name, *value, least, most);
    return CHIRP_OK;
}

static chirp_status read_settings(chirp_dataset *d, chirp_signal_config *signal)
{
    *signal = chirp_signal_config_default();
    for (int i = 0; i < CHIRP_SIGNAL_OPTIONS; ++i) {
        const chirp_option *row = &chirp_signal_option[i];
        const char *name = chirp_signal_attribute(row);
        const bool flag = row->kind == CHIRP_OPTION_UNFLAG;
        double value = 0;
        if (!name)
            continue;
        bool found = true;
        chirp_status st = CHIRP_OK;
        if (row->kind == CHIRP_OPTION_ENUM && row->later) /* 0, its first name, without it */
            st = chirp_hdf_attribute(d->file, d->path, "/", name, &value, &found);
        if (st == CHIRP_OK && found)
            st = number(d, name, row->min, flag ? 1 : row->max, &value);
        if (st != CHIRP_OK)
            return st;
        if (!chirp_option_set_number(row, chirp_option_value(row, signal), value))
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s: attribute %s is %g: a whole number is expected", d->path, name,
                              value);
    }
    return CHIRP_OK;
}

static chirp_status read_info(chirp_dataset *d)
{
    double rows, seed, first;
    chirp_dataset_info *i = &d->info;
    chirp_status st = number(d, "rows", 0, 1e12, &rows);
    if (st == CHIRP_OK)
        st = number(d, "seed", -1e19, 1e19, &seed);
    if (st == CHIRP_OK)
        st = number(d, "first_index", 0, 1e13, &first);
    if (st == CHIRP_OK)
        st = read_settings(d, &i->signal);
    if (st == CHIRP_OK)
        st = chirp_hdf_string_attribute(d->file, d->path, "/", "noise", i->noise, sizeof i->noise);
    if (st == CHIRP_OK)
        st = chirp_hdf_string_attribute(d->file, d->path, "/", "version", i->version,
                                        sizeof i->version);
    if (st != CHIRP_OK)
        return st;
    i->rows = (int64_t)rows;
    i->seed = (uint64_t)(int64_t)seed;
    i->first_index = (uint64_t)first;
    return i->rows > 0 ? CHIRP_OK
                       : chirp_fail(CHIRP_ERR_FORMAT, "%s: the data set has no rows", d->path);
}

static chirp_status open_field(chirp_dataset *d, int f)
{
    const int64_t width[CHIRP_DATASET_FIELDS] = {d->info.signal.length * d->info.signal.n_detectors,
                                                 CHIRP_LABELS, 1, CHIRP_PARAMETERS};
    const int dims = f == CHIRP_DATASET_SNR                                        ? 1
                     : f == CHIRP_DATASET_STRAIN && d->info.signal.n_detectors > 1 ? 3
                                                                                   : 2;
    const char *name = chirp_dataset_field[f];
    hsize_t extent[3];
    chirp_status st = chirp_hdf_dataset(d->file, d->path, name, dims, extent, &d->field[f]);
    if (st != CHIRP_OK)
        return st;
    int64_t have = 1;
    for (int k = 1; k < dims; ++k) /* extents of a damaged file must not overflow */
        have = extent[k] <= 1 << 30 && have <= 1 << 30 ? have * (int64_t)extent[k] : -1;
    if (have != width[f] || (int64_t)extent[0] < d->info.rows)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: /%s has %lld rows of %lld numbers: expected %lld of %lld", d->path,
                          name, (long long)extent[0], (long long)have, (long long)d->info.rows,
                          (long long)width[f]);
    d->width[f] = width[f];
    if (f == CHIRP_DATASET_STRAIN) {
        hsize_t chunk[3] = {0};
        const hid_t create = H5Dget_create_plist(d->field[f]);
        const bool chunked = create >= 0 && H5Pget_layout(create) == H5D_CHUNKED &&
                             H5Pget_chunk(create, 3, chunk) == dims;
        chirp_hdf_close(create);
        d->chunk_rows = chunked && chunk[0] <= GROUP_ROWS ? (int64_t)chunk[0] : 16;
    }
    return CHIRP_OK;
}

chirp_status chirp_dataset_restrict(chirp_dataset *d, int64_t first, int64_t n)
{
    if (first < 0 || n < 1 || first > d->info.rows - n)
        return chirp_fail(CHIRP_ERR_RANGE, "%s: rows %lld to %lld: it has %lld", d->path,
                          (long long)first, (long long)(first + n), (long long)d->info.rows);
    const int64_t blocks = (n + d->chunk_rows - 1) / d->chunk_rows;
    int32_t *block = chirp_calloc((size_t)blocks, sizeof *block);
    if (!block)
        return CHIRP_ERR_NOMEM;
    chirp_free(d->block);
    d->block = block;
    d->blocks = blocks;
    d->first = first;
    d->n = n;
    d->has_order = d->has_group = false;
    return CHIRP_OK;
}

chirp_status chirp_dataset_open(const char *path, chirp_dataset **dataset)
{
    chirp_dataset *d = chirp_calloc(1, sizeof *d);
    if (!d)
        return CHIRP_ERR_NOMEM;
    d->file = -1;
    for (int f = 0; f < CHIRP_DATASET_FIELDS; ++f)
        d->field[f] = -1;
    d->path = chirp_strdup(path);
    chirp_status st = d->path ? chirp_hdf_open(path, false, &d->file) : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = read_info(d);
    for (int f = 0; st == CHIRP_OK && f < CHIRP_DATASET_FIELDS; ++f)
        st = open_field(d, f);
    if (st == CHIRP_OK) {
        d->group_blocks = GROUP_ROWS / d->chunk_rows;
        st = chirp_dataset_restrict(d, 0, d->info.rows);
    }
    if (st != CHIRP_OK) {
        chirp_dataset_close(d);
        return st;
    }
    *dataset = d;
    return CHIRP_OK;
}

const chirp_dataset_info *chirp_dataset_describe(const chirp_dataset *d) { return &d->info; }

chirp_status chirp_dataset_rows(chirp_dataset *d, int64_t first, int64_t n, float *strain,
                                float *label, float *snr, float *parameters)
{
    float *const out[CHIRP_DATASET_FIELDS] = {strain, label, snr, parameters};
    if (first < 0 || n < 0 || first > d->n - n)
        return chirp_fail(CHIRP_ERR_RANGE, "%s: rows %lld to %lld: %lld are in use", d->path,
                          (long long)first, (long long)(first + n), (long long)d->n);
    chirp_status st = CHIRP_OK;
    for (int f = 0; n > 0 && st == CHIRP_OK && f < CHIRP_DATASET_FIELDS; ++f)
        if (out[f])
            st = chirp_hdf_read_rows(
                d->field[f], d->path, chirp_dataset_field[f], H5T_NATIVE_FLOAT,
                (chirp_hdf_rows){(hsize_t)(d->first + first), (hsize_t)n, (hsize_t)d->width[f]},
                out[f]);
    return st;
}

chirp_status chirp_dataset_check_labels(chirp_dataset *d)
{
    float label[64 * CHIRP_LABELS];
    for (int64_t first = 0; first < d->n; first += 64) {
        const int64_t n = d->n - first < 64 ? d->n - first : 64;
        const chirp_status st = chirp_dataset_rows(d, first, n, NULL, label, NULL, NULL);
        if (st != CHIRP_OK)
            return st;
        for (int64_t i = 0; i < n * CHIRP_LABELS; ++i) {
            const int which = (int)(i % CHIRP_LABELS);
            const float size = which == CHIRP_LABEL_FINAL_SPIN ? fabsf(label[i]) : label[i];
            if (!isfinite(size) || !(size > 0))
                return chirp_fail(CHIRP_ERR_FORMAT,
                                  "%s: /label of row %lld: %s is %g, which no signal has: generate "
                                  "the data set again",
                                  d->path, (long long)(d->first + first + i / CHIRP_LABELS),
                                  chirp_label_name[which], (double)label[i]);
        }
    }
    return CHIRP_OK;
}

/* Fisher-Yates with draws 0 .. n-2 of a stream: the same on every machine. */
static void shuffle(chirp_rng rng, int64_t n, int32_t *list)
{
    for (int64_t i = 0; i < n; ++i)
        list[i] = (int32_t)i;
    for (int64_t i = n - 1; i > 0; --i) {
        int64_t j = (int64_t)(chirp_rng_uniform_double(rng, (uint64_t)i) * (double)(i + 1));
        j = j > i ? i : j;
        const int32_t swap = list[i];
        list[i] = list[j];
        list[j] = swap;
    }
}

static int64_t rows_of_block(const chirp_dataset *d, int64_t block)
{
    const int64_t left = d->n - block * d->chunk_rows;
    return left < d->chunk_rows ? left : d->chunk_rows;
}

static void make_order(chirp_dataset *d, uint64_t seed, uint64_t epoch)
{
    shuffle(chirp_rng_stream(seed, CHIRP_RNG_SHUFFLE, 0, epoch), d->blocks, d->block);
    d->missing = d->chunk_rows - rows_of_block(d, d->blocks - 1);
    for (int64_t i = 0; i < d->blocks; ++i)
        if (d->block[i] == d->blocks - 1)
            d->short_group = i / d->group_blocks;
    d->seed = seed;
    d->epoch = epoch;
    d->has_order = true;
    d->has_group = false;
}

/* Which group of the order a row of the epoch belongs to, and where in it: groups are full but for the one that holds the
 * file's last, short block. */
static int64_t find_group(const chirp_dataset *d, int64_t *row)
{
    const int64_t full = d->group_blocks * d->chunk_rows,
                  short_ends = (d->short_group + 1) * full - d->missing;
    const int64_t at = *row < short_ends ? *row : *row + d->missing;
    *row = at % full;
    return at / full;
}

static chirp_status load_group(chirp_dataset *d, int64_t group)
{
    for (int f = 0; f < CHIRP_DATASET_FIELDS; ++f)
        if (!d->cache[f]) {
            d->cache[f] = chirp_alloc((size_t)(d->group_blocks * d->chunk_rows * d->width[f]) *
                                      sizeof(float));
            if (!d->cache[f])
                return CHIRP_ERR_NOMEM;
        }
    if (!d->order) {
        d->order = chirp_alloc((size_t)(d->group_blocks * d->chunk_rows) * sizeof *d->order);
        if (!d->order)
            return CHIRP_ERR_NOMEM;
    }
    int64_t at = 0;
    chirp_status st = CHIRP_OK;
    d->has_group = false;
    for (int64_t b = group * d->group_blocks;
         st == CHIRP_OK && b < (group + 1) * d->group_blocks && b < d->blocks; ++b) {
        const int64_t rows = rows_of_block(d, d->block[b]);
        st = chirp_dataset_rows(d, d->block[b] * d->chunk_rows, rows,
                                d->cache[0] + at * d->width[0], d->cache[1] + at * d->width[1],
                                d->cache[2] + at * d->width[2], d->cache[3] + at * d->width[3]);
        at += rows;
    }
    if (st != CHIRP_OK)
        return st;
    shuffle(chirp_rng_stream(d->seed, CHIRP_RNG_SHUFFLE, 1, (d->epoch << 20) + (uint64_t)group), at,
            d->order);
    d->group = group;
    d->group_rows = at;
    d->has_group = true;
    return CHIRP_OK;
}

chirp_status chirp_dataset_batch(chirp_dataset *d, uint64_t seed, uint64_t first, int64_t n,
                                 float *strain, float *label, float *snr, float *parameters)
{
    float *const out[CHIRP_DATASET_FIELDS] = {strain, label, snr, parameters};
    for (int64_t i = 0; i < n; ++i) {
        const uint64_t position = first + (uint64_t)i, epoch = position / (uint64_t)d->n;
        int64_t row = (int64_t)(position % (uint64_t)d->n);
        if (!d->has_order || d->seed != seed || d->epoch != epoch)
            make_order(d, seed, epoch);
        const int64_t group = find_group(d, &row);
        if (!d->has_group || d->group != group) {
            const chirp_status st = load_group(d, group);
            if (st != CHIRP_OK)
                return st;
        }
        const int64_t from = d->order[row];
        for (int f = 0; f < CHIRP_DATASET_FIELDS; ++f)
            if (out[f])
                memcpy(out[f] + i * d->width[f], d->cache[f] + from * d->width[f],
                       (size_t)d->width[f] * sizeof(float));
    }
    return CHIRP_OK;
}

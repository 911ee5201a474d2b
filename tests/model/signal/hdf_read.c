/* Reads dataset NAME of FILE as COUNT numbers by model/signal/hdf and prints their sum; for test_hdf.py. */
#include "harness/base/memory.h"
#include "model/signal/hdf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static chirp_status read_sum(const char *path, const char *name, size_t n)
{
    hid_t file = -1, dataset = -1;
    float *x = chirp_calloc(n, sizeof *x);
    chirp_status st = x ? chirp_hdf_open(path, false, &file) : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_hdf_open_dataset(file, path, name, &dataset);
    if (st == CHIRP_OK)
        st = chirp_hdf_read_rows(dataset, path, name, H5T_NATIVE_FLOAT,
                                 (chirp_hdf_rows){0, n / 3, 3}, x);
    double sum = 0;
    for (size_t i = 0; st == CHIRP_OK && i < n; ++i)
        sum += (double)x[i];
    if (st == CHIRP_OK)
        (void)printf("%g\n", sum);
    chirp_hdf_close(dataset);
    chirp_hdf_close(file);
    chirp_free(x);
    return st;
}

/* The reader of attributes: "@real NAME", "@text NAME", "@integer NAME" of the root. */
static chirp_status read_attribute(const char *path, const char *kind, const char *name)
{
    hid_t file = -1;
    char *text = NULL;
    double real = 0;
    int64_t integer = 0;
    bool found = false;
    chirp_status st = chirp_hdf_open(path, false, &file);
    if (st == CHIRP_OK && strcmp(kind, "@real") == 0) {
        st = chirp_hdf_attribute(file, path, "/", name, &real, &found);
        (void)printf("%g\n", real);
    } else if (st == CHIRP_OK && strcmp(kind, "@integer") == 0) {
        st = chirp_hdf_integer_attribute(file, path, name, &integer);
        (void)printf("%lld\n", (long long)integer);
    } else if (st == CHIRP_OK) {
        st = chirp_hdf_text_attribute(file, path, name, &text);
        (void)printf("%s\n", text ? text : "");
    }
    chirp_free(text);
    chirp_hdf_close(file);
    return st;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const chirp_status st = argv[2][0] == '@'
                                ? read_attribute(argv[1], argv[2], argv[3])
                                : read_sum(argv[1], argv[2], strtoul(argv[3], NULL, 10));
    if (st != CHIRP_OK)
        (void)fprintf(stderr, "%s\n", chirp_error_message());
    return st == CHIRP_OK ? 0 : 2;
}

/* Where the samples of a strain file are: layouts of GWOSC, gwpy and pycbc; files that are no strain, with the remedy. */
#include "harness/base/memory.h"
#include "model/signal/strain.h"
#include "model/signal/strain_internal.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Whether a name without its end means something to read; on the stack, so that the answer needs no memory. */
static bool is_kind(const char *path, size_t length, bool (*kind)(const char *name, mode_t mode))
{
    struct stat info;
    char name[PATH_MAX];
    if (length >= sizeof name)
        return false; /* for the system too */
    memcpy(name, path, length);
    name[length] = '\0';
    return stat(name, &info) == 0 && kind(name, info.st_mode);
}

static bool no_folder(const char *name, mode_t mode)
{
    (void)name;
    return !S_ISDIR(mode);
}

static bool hdf5(const char *name, mode_t mode)
{
    chirp_hdf_quiet();
    return S_ISREG(mode) && H5Fis_hdf5(name) > 0;
}

static bool is_file(const char *path, size_t length) { return is_kind(path, length, no_folder); }

/* Length of the file's name in "FILE:SERIES"; all of it where the whole is a file, or nothing is. */
static size_t file_length(const char *path, size_t length)
{
    if (is_file(path, length))
        return length;
    for (size_t i = length; i-- > 1;)
        if (path[i] == ':' && is_file(path, i))
            return i;
    return length;
}

bool chirp_strain_is_hdf5(const char *path)
{
    return is_kind(path, file_length(path, strlen(path)), hdf5);
}

chirp_status chirp_strain_next(const char **list, char **path)
{
    const char *text = *list;
    *path = NULL;
    if (!text || !*text)
        return CHIRP_OK;
    /* the longest beginning that is a file: a name may hold commas itself */
    size_t end = strlen(text), first = strcspn(text, ",");
    while (end > first) {
        const size_t file = file_length(text, end);
        if (is_file(text, file) && !memchr(text + file, ',', end - file))
            break;
        do
            --end;
        while (end > first && text[end] != ',');
    }
    if (end == 0)
        return chirp_fail(CHIRP_ERR_ARG, "'%s': expected strain files with commas between", text);
    *path = chirp_alloc(end + 1);
    if (!*path)
        return CHIRP_ERR_NOMEM;
    memcpy(*path, text, end);
    (*path)[end] = '\0';
    *list = text[end] ? text + end + 1 : text + end;
    return CHIRP_OK;
}

/* What an unreadable file seems to be, and how to make it readable. */
static chirp_status foreign(const char *path)
{
    unsigned char head[256] = {0};
    FILE *file = fopen(path, "rb");
    const size_t n = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        (void)fclose(file);
    bool text = n > 0;
    for (size_t i = 0; i < n; ++i)
        text = text && (isprint(head[i]) || isspace(head[i]));
    if (n == 0)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: not an HDF5 file: it is empty; fetch it again",
                          path);
    if (memcmp(head, "IGWD", 4) == 0)
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: not an HDF5 file but a frame file (GWF); convert it with gwpy: python3 -c "
            "\"from gwpy.timeseries import TimeSeries as T; T.read('IN.gwf', "
            "'H1:CHANNEL').write('OUT.hdf5', path='strain')\"",
            path);
    if (head[0] == 0x1f && head[1] == 0x8b)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: not an HDF5 file but packed by gzip; unpack it with gunzip", path);
    if (text && head[0] == '<')
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: not an HDF5 file but a web page; fetch the HDF5 file itself from gwosc.org", path);
    if (text)
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: not an HDF5 file but text; convert it: python3 -c \"import numpy, h5py; d = "
            "h5py.File('OUT.hdf5', 'w').create_dataset('strain/Strain', data=numpy.loadtxt('IN.txt'"
            ")); d.attrs.update(Xstart=GPS, Xspacing=1/4096)\"",
            path);
    return chirp_fail(
        CHIRP_ERR_FORMAT,
        "%s: not an HDF5 file; strain comes from GWOSC's HDF5 files, or from gwpy or pycbc "
        "written as HDF5",
        path);
}

/* Attributes that make a dataset a time series, by who wrote it. */
static const struct {
    const char *start, *spacing;
    bool gwosc;
} kinds[] = {{"Xstart", "Xspacing", true}, {"x0", "dx", false}, {"start_time", "delta_t", false}};

typedef struct search {
    const char *select; /* NULL: any */
    int found;
    chirp_strain_source *source;
    char names[200]; /* of all that were found, for a message */
} search;

/* "H1" of "H1/strain/Strain", "H1:STRAIN" or "H1"; empty when the text begins otherwise. */
static void detector_of(const char *text, char detector[16])
{
    if (isupper((unsigned char)text[0]) && isdigit((unsigned char)text[1]) &&
        !isalnum((unsigned char)text[2]))
        (void)snprintf(detector, 16, "%.2s", text);
}

/* Seconds, or no unit at all: a spectrum has x0 and dx too. */
static bool counts_seconds(hid_t file, const char *name)
{
    char unit[32] = "s";
    if (H5Aexists_by_name(file, name, "xunit", H5P_DEFAULT) > 0 &&
        chirp_hdf_string_attribute(file, "", name, "xunit", unit, sizeof unit) != CHIRP_OK)
        return false;
    return strcmp(unit, "s") == 0 || strcmp(unit, "sec") == 0 || strcmp(unit, "second") == 0;
}

static bool holds_numbers(hid_t file, const char *name)
{
    const hid_t id = H5Dopen2(file, name, H5P_DEFAULT);
    const hid_t type = id >= 0 ? H5Dget_type(id) : -1, space = id >= 0 ? H5Dget_space(id) : -1;
    const bool good = type >= 0 && space >= 0 && H5Tget_class(type) == H5T_FLOAT &&
                      H5Sget_simple_extent_ndims(space) == 1;
    chirp_hdf_close(space);
    chirp_hdf_close(type);
    chirp_hdf_close(id);
    return good;
}

static bool is_selected(const char *select, const char *name, const char *detector)
{
    return !select || strcmp(select, name) == 0 || strcmp(select, detector) == 0 ||
           (select[0] == '/' && strcmp(select + 1, name) == 0);
}

static void take(search *s, const char *name, size_t kind, const char *detector)
{
    chirp_strain_source *source = s->source;
    const size_t used = strlen(s->names);
    const int written =
        snprintf(s->names + used, sizeof s->names - used, "%s%s", used ? ", " : "", name);
    if (written >= (int)(sizeof s->names - used))
        memcpy(s->names + sizeof s->names - 4, "...", 4);
    if (!is_selected(s->select, name, detector) || s->found++)
        return;
    (void)snprintf(source->dataset, sizeof source->dataset, "%s", name);
    (void)snprintf(source->detector, sizeof source->detector, "%s", detector);
    source->start = kinds[kind].start;
    source->spacing = kinds[kind].spacing;
    source->gwosc = kinds[kind].gwosc;
    const char *tail = strstr(name, "strain/");
    if (source->gwosc && tail)
        (void)snprintf(source->group, sizeof source->group, "%.*s", (int)(tail - name), name);
}

static herr_t visit(hid_t file, const char *name, const H5O_info_t *info, void *context)
{
    search *s = context;
    if (info->type != H5O_TYPE_DATASET || strlen(name) >= sizeof s->source->dataset)
        return 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; ++k) {
        if (H5Aexists_by_name(file, name, kinds[k].start, H5P_DEFAULT) <= 0 ||
            H5Aexists_by_name(file, name, kinds[k].spacing, H5P_DEFAULT) <= 0 ||
            !counts_seconds(file, name) || !holds_numbers(file, name))
            continue;
        char text[64] = "", detector[16] = "";
        detector_of(name, detector);
        static const char *const attributes[] = {"channel", "name", "detector", "ifo"};
        for (size_t a = 0; a < sizeof attributes / sizeof attributes[0] && !detector[0]; ++a)
            if (H5Aexists_by_name(file, name, attributes[a], H5P_DEFAULT) > 0 &&
                chirp_hdf_string_attribute(file, "", name, attributes[a], text, sizeof text) ==
                    CHIRP_OK)
                detector_of(text, detector);
        take(s, name, k, detector);
        break;
    }
    return 0;
}

static chirp_status find_series(const char *select, chirp_strain_source *source)
{
    search s = {.select = select, .source = source};
    const size_t refused = chirp_memory_refusals();
    if (H5Ovisit(source->file, H5_INDEX_NAME, H5_ITER_NATIVE, visit, &s) < 0)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: its groups can't be read: damaged", source->name);
    if (chirp_memory_refusals() !=
        refused) /* a name or a unit was not read, which looks as if there were none */
        return chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory to look for its series", source->name);
    if (s.found == 1)
        return CHIRP_OK;
    if (s.found > 1)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: holds several series (%s): choose one as %s:SERIES, by its name or "
                          "detector",
                          source->name, s.names, source->name);
    if (s.names[0])
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: has no series '%s', but %s", source->name, select,
                          s.names);
    return chirp_fail(CHIRP_ERR_FORMAT,
                      "%s: no strain in it: neither /strain/Strain of GWOSC nor a series of gwpy "
                      "(x0, dx) or pycbc (start_time, delta_t); save it with gwpy: "
                      "TimeSeries.write('OUT.hdf5', path='strain')",
                      source->name);
}

chirp_status chirp_strain_source_open(const char *path, chirp_strain_source *source)
{
    const size_t length = strlen(path), file = file_length(path, length);
    const char *select = file < length ? path + file + 1 : NULL;
    struct stat info;
    *source = (chirp_strain_source){.file = -1, .start = "Xstart", .spacing = "Xspacing"};
    source->name = chirp_strdup(path);
    if (!source->name)
        return CHIRP_ERR_NOMEM;
    source->name[file] = '\0';
    chirp_status st = CHIRP_OK;
    if (stat(source->name, &info) == 0 && S_ISREG(info.st_mode) &&
        !chirp_strain_is_hdf5(source->name))
        st = foreign(source->name);
    if (st == CHIRP_OK)
        st = chirp_hdf_open(source->name, false, &source->file);
    if (st == CHIRP_OK && !select && chirp_hdf_has(source->file, "strain/Strain")) {
        (void)snprintf(source->dataset, sizeof source->dataset, "strain/Strain");
        source->gwosc = true;
    } else if (st == CHIRP_OK) {
        st = find_series(select, source);
    }
    char detector[sizeof source->dataset + 16];
    (void)snprintf(detector, sizeof detector, "%smeta/Detector", source->group);
    if (st == CHIRP_OK && source->gwosc && chirp_hdf_has(source->file, detector))
        st = chirp_hdf_string(source->file, source->name, detector, source->detector,
                              sizeof source->detector);
    for (char *c = source->detector; *c; ++c) /* it is shown on terminals */
        if (iscntrl((unsigned char)*c))
            *c = '?';
    if (st == CHIRP_OK && !source->detector[0])
        (void)snprintf(source->detector, sizeof source->detector, "unknown");
    if (st != CHIRP_OK)
        chirp_strain_source_close(source);
    return st;
}

void chirp_strain_source_close(chirp_strain_source *source)
{
    chirp_hdf_close(source->file);
    chirp_free(source->name);
    source->file = -1;
    source->name = NULL;
}

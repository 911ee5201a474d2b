#include "suites/commands/libraries.h"

#include <hdf5.h>
#include <mpi.h>
#ifdef CHIRP_HAVE_PAPI
#include <papi.h>
#endif
#include <stdio.h>
#include <string.h>

#ifdef CHIRP_WITH_ONEDNN
#include <dnnl_version.h> /* numbers only: naming a peer must not load it */
#endif

static bool mpi(char *text, size_t room)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    /* callable before MPI_Init, and without it */
    if (MPI_Get_library_version(version, &length) != MPI_SUCCESS) {
        (void)snprintf(text, room, "present, but doesn't tell its version");
        return false;
    }
    version[strcspn(version, "\n")] = '\0';
    for (char *p = version; *p; ++p)
        *p = *p == '\t' ? ' ' : *p;
    (void)snprintf(text, room, "%.150s", version);
    return true;
}

static bool hdf5(char *text, size_t room)
{
    unsigned major = 0;
    unsigned minor = 0;
    unsigned release = 0;
    if (H5get_libversion(&major, &minor, &release) < 0) {
        (void)snprintf(text, room, "present, but doesn't tell its version");
        return false;
    }
    (void)snprintf(text, room, "%u.%u.%u", major, minor, release);
    return true;
}

static bool papi(char *text, size_t room)
{
#ifdef CHIRP_HAVE_PAPI
    (void)snprintf(text, room, "%d.%d.%d", PAPI_VERSION_MAJOR(PAPI_VERSION),
                   PAPI_VERSION_MINOR(PAPI_VERSION), PAPI_VERSION_REVISION(PAPI_VERSION));
    return true;
#else
    (void)snprintf(text, room,
                   "not built in, so hardware events can't be counted: install Debian package "
                   "libpapi-dev and configure with CHIRP_PAPI=ON");
    return false;
#endif
}

static bool onednn(char *text, size_t room)
{
#ifdef CHIRP_WITH_ONEDNN
    (void)snprintf(text, room, "%d.%d.%d, peer of the convolution benchmarks", DNNL_VERSION_MAJOR,
                   DNNL_VERSION_MINOR, DNNL_VERSION_PATCH);
    return true;
#else
    (void)snprintf(
        text, room,
        "not built in: install Debian package libdnnl-dev and configure with CHIRP_ONEDNN=ON");
    return false;
#endif
}

static bool simgrid(char *text, size_t room)
{
#ifdef CHIRP_WITH_SIMGRID
    (void)snprintf(text, room, "%s, for chirpbench project", CHIRP_WITH_SIMGRID);
    return true;
#else
    (void)snprintf(
        text, room,
        "not built in: install Debian package libsimgrid-dev and configure with CHIRP_SIMGRID=ON");
    return false;
#endif
}

const chirp_library chirp_libraries[] = {
    {"mpi", mpi},       {"hdf5", hdf5},       {"papi", papi},
    {"onednn", onednn}, {"simgrid", simgrid}, {NULL, NULL},
};

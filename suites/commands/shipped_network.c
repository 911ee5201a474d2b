#include "suites/commands/shipped_network.h"

#include "harness/base/shipped.h"
#include "model/network/layers.h"

#include <stdio.h>

chirp_status chirp_shipped_network(const char *command, const char *name, char *path, size_t size)
{
    static const chirp_shipped where = {"CHIRPBENCH_NETWORKS", "networks", CHIRP_NETWORKS_SOURCE};
    /* the same labels from fewer samples, where nobody trained the study's table */
    static const char *const endings[] = {"", "-2048"};
    const chirp_network_spec *spec = NULL;
    char file[64];
    const chirp_status st = chirp_network_spec_find(name, &spec);
    if (st != CHIRP_OK)
        return st;
    for (int i = 0; i < 2; ++i) {
        (void)snprintf(file, sizeof file, "%.50s%s.h5", name, endings[i]);
        if (chirp_shipped_find(&where, file, path, size))
            return CHIRP_OK;
    }
    return chirp_fail(
        CHIRP_ERR_ARG,
        "%s: --network %s: %s.h5 is neither in $CHIRPBENCH_NETWORKS nor installed nor in "
        "%s: train one and name it with --checkpoint",
        command, name, name, where.source);
}

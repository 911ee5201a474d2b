#include "suites/commands/shipped_network.h"

#include "harness/base/shipped.h"
#include "model/network/layers.h"

#include <stdio.h>

chirp_status chirp_choose_network(const char *command, const char *option, const char *name,
                                  const char **checkpoint, char found[CHIRP_NETWORK_PATH])
{
    static const chirp_shipped where = {"CHIRPBENCH_NETWORKS", "networks", CHIRP_NETWORKS_SOURCE};
    /* the same labels from fewer samples, where nobody trained the study's table */
    static const char *const endings[] = {"", "-2048"};
    const chirp_network_spec *spec = NULL;
    char file[64];
    if (!name == !*checkpoint)
        return chirp_fail(CHIRP_ERR_ARG, "%s: give either --%s FILE or --network NAME", command,
                          option);
    const chirp_status st = name ? chirp_network_spec_find(name, &spec) : CHIRP_OK;
    if (st != CHIRP_OK || !name)
        return st;
    for (int i = 0; i < 2; ++i) {
        (void)snprintf(file, sizeof file, "%.50s%s.h5", name, endings[i]);
        if (chirp_shipped_find(&where, file, found, CHIRP_NETWORK_PATH)) {
            *checkpoint = found;
            return CHIRP_OK;
        }
    }
    return chirp_fail(
        CHIRP_ERR_ARG,
        "%s: --network %s: %s.h5 is neither in $CHIRPBENCH_NETWORKS nor installed nor in "
        "%s: train one and name it with --%s",
        command, name, name, where.source, option);
}

/** The trained networks that come with the program (model/networks), for commands that take --network. */
#ifndef CHIRP_SUITES_COMMANDS_SHIPPED_NETWORK_H
#define CHIRP_SUITES_COMMANDS_SHIPPED_NETWORK_H

#include "harness/base/status.h"

#include <stddef.h>

/**
 * Finds NAME.h5, or where there is none NAME-2048.h5, in $CHIRPBENCH_NETWORKS, the installation, or the source tree.
 * @param command  for messages
 * @param name     of a network: see chirp_network_spec_find()
 * @param path     [size] of the checkpoint
 * @return CHIRP_ERR_ARG when there is no such network, or no file of it
 */
chirp_status chirp_shipped_network(const char *command, const char *name, char *path, size_t size);

#endif

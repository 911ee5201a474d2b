/** The trained networks that come with the program (model/networks), for commands that take --network. */
#ifndef CHIRP_SUITES_COMMANDS_SHIPPED_NETWORK_H
#define CHIRP_SUITES_COMMANDS_SHIPPED_NETWORK_H

#include "harness/base/status.h"

enum { CHIRP_NETWORK_PATH = 4096 };

/**
 * Takes the checkpoint that was named, or else finds NAME.h5, or where there is none NAME-2048.h5, in $CHIRPBENCH_NETWORKS, the installation, or the source tree.
 * @param command     for messages
 * @param option      that names a checkpoint: "checkpoint"
 * @param name        of --network, see chirp_network_spec_find(); NULL: a checkpoint was named
 * @param checkpoint  what was named or NULL; receives the path, which is then in `found`
 * @return CHIRP_ERR_ARG when neither or both were given, there is no such network, or no file of it
 */
chirp_status chirp_choose_network(const char *command, const char *option, const char *name,
                                  const char **checkpoint, char found[CHIRP_NETWORK_PATH]);

#endif

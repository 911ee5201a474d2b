/** Loads kernels of others (chirpbench_plugin.h) as a suite. */
#ifndef CHIRP_SUITES_PLUGIN_PLUGIN_H
#define CHIRP_SUITES_PLUGIN_PLUGIN_H

#include "harness/bench/bench.h"

/**
 * Loads a shared library once in a child process, since it may crash, and then here, where it stays. The head of result files then
 * tells its name, version and flags.
 * @param suite  its entries are for chirp_families_free()
 * @return CHIRP_OK, CHIRP_ERR_NOMEM, CHIRP_ERR_LIBRARY (it can't be loaded, or crashes), CHIRP_ERR_FORMAT (it has no entry, another
 *         ABI, or a kernel that lacks something)
 */
chirp_status chirp_plugin_load(const char *path, chirp_bench_suite *suite);

#endif

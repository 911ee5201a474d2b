/** Shared by the files of harness/machine. */
#ifndef CHIRP_HARNESS_MACHINE_MACHINE_INTERNAL_H
#define CHIRP_HARNESS_MACHINE_MACHINE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/** First line of a file without its end; false and "" when it can't be read. */
bool chirp_read_line(const char *path, char *text, size_t room);

/** The number a file starts with, or `otherwise`. */
double chirp_read_number(const char *path, double otherwise);

/**
 * Processors that the cgroups grant to this process: the tightest limit of its group and those above it, in version 2 and
 * version 1, wherever they are mounted; 0: no limit. @param prefix  "", or a folder that stands for the root of the file system
 */
double chirp_cpu_quota(const char *prefix);

struct chirp_host;
struct hwloc_topology;

/** Fills counts of processors, cores, packages and NUMA nodes, memory, and the caches with their source. */
void chirp_topology_read(struct chirp_host *m);

/** Loads an initialised topology with all that chirp_topology_facts() needs; false when it can't be. */
bool chirp_topology_load(struct hwloc_topology *topology);

/** What a loaded topology says, this machine's or a synthetic one. */
void chirp_topology_facts(struct chirp_host *m, struct hwloc_topology *topology);

/** Fills affinity and affinity_count. */
void chirp_affinity_read(struct chirp_host *m);

/**
 * AMD's older leaves, which hypervisors leave when they hide 0x8000001D: registers c and d of 0x80000005, then of
 * 0x80000006. Its third level is that of the whole package, so no core's cache: l3_package_bytes. m->smt must be known.
 */
void chirp_caches_decode_amd(unsigned data, unsigned instruction, unsigned second, unsigned third,
                             struct chirp_host *m);

/** The name of the hypervisor that signs cpuid leaf 0x40000000 with these (up to 12) characters. */
void chirp_hypervisor_name(const char *signature, char *name, size_t room);

/** What the project's own SIMD code is compiled for, a word of chirp_host.simd: from the compiler's macros under its flags. */
extern const char chirp_built_simd[];

/** Commit of the sources that were built, with "-dirty" when they differed; "" outside a repository. */
extern const char chirp_git_commit[];

#endif

/**
 * A machine to project to (harness/machine describes the one at hand): a JSON file that names a SimGrid platform file and
 * holds the numbers that platform files can't (software costs, compute rates, jitter), each with its unit, its kind and where it
 * comes from.
 *
 * A user adds a machine with two files in one folder: NAME.json and its platform file; see machines/theta.json.
 */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_MACHINE_H
#define CHIRP_SUITES_SCALING_PROJECTED_MACHINE_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

/** What a machine file says in numbers. */
typedef enum chirp_machine_number {
    CHIRP_MACHINE_BANDWIDTH = 0,     /**< [B/s] between two nodes, per direction */
    CHIRP_MACHINE_LATENCY,           /**< [s] between two nodes */
    CHIRP_MACHINE_LOCAL_BANDWIDTH,   /**< [B/s] between ranks of one node; default: bandwidth */
    CHIRP_MACHINE_LOCAL_LATENCY,     /**< [s]; default: latency */
    CHIRP_MACHINE_SOFTWARE_FIXED,    /**< [s] of the CPU per exchange with one partner */
    CHIRP_MACHINE_SOFTWARE_PER_BYTE, /**< [s/B] of the CPU per byte sent: copying and adding */
    CHIRP_MACHINE_REDUCE_BANDWIDTH, /**< [B/s] of sums a = a + b by all threads of a rank, in bytes of result */
    CHIRP_MACHINE_COPY_BANDWIDTH, /**< [B/s] into and out of the fusion buffer */
    CHIRP_MACHINE_CYCLE,          /**< [s] period of the study's communication thread */
    CHIRP_MACHINE_FLOPS_FAST,     /**< [flop/s] of one rank, optimistic */
    CHIRP_MACHINE_FLOPS_SLOW,     /**< [flop/s] of one rank, pessimistic */
    CHIRP_MACHINE_JITTER_RELATIVE, /**< [1] standard deviation of a rank's step time; absent when it is calibrated */
    CHIRP_MACHINE_JITTER_FRESH, /**< [1] standard deviation of one rank's step times; the rest of the spread stays with ranks */
    CHIRP_MACHINE_CORES, /**< [1] of a rank; absent: a core left to communication is free */
    CHIRP_MACHINE_SHARED_PROCESSORS, /**< [1] all ranks exchange on these few, in turns; absent: each has its own */
    CHIRP_MACHINE_NUMBERS
} chirp_machine_number;

typedef struct chirp_machine_value {
    double value;
    bool given;
    char kind[12]; /**< "measured", "derived" or "assumed" */
    char unit[12];
    char *source;
} chirp_machine_value;

enum { CHIRP_MAX_OBSERVATIONS = 16, CHIRP_MAX_OBSERVED_NETWORKS = 4 };

/** Extra seconds per step that somebody measured on few nodes: what calibration.h fits. */
typedef struct chirp_observed_network {
    char name[24];
    int n;
    int nodes[CHIRP_MAX_OBSERVATIONS];
    double extra_s[CHIRP_MAX_OBSERVATIONS]; /**< over the one-node step */
} chirp_observed_network;

typedef struct chirp_machine {
    char name[48];
    char *title;
    char *platform_path; /**< beside the JSON file */
    char host_prefix[16];
    int hosts;          /**< ranks the platform has room for */
    int ranks_per_node; /**< consecutive hosts form a node */
    chirp_machine_value value[CHIRP_MACHINE_NUMBERS];

    struct chirp_machine_runs {
        char network[16], variant[16], exchange[16]; /**< names as in options */
        double batch;
        int n;
        int ranks[CHIRP_MAX_OBSERVATIONS];
        double seconds[CHIRP_MAX_OBSERVATIONS]; /**< of a step */
    } runs; /**< real training on this machine: what rows are compared with */

    int published_nodes; /**< 0: nothing was published */
    double published_efficiency;
    double published_seconds; /**< of a whole training; 0: not published */
    char *published_source;

    char *observed_what; /**< NULL: no observations */
    double observed_one_node_s, observed_bytes;
    int fit_nodes_max; /**< observations up to here are fitted first, the rest is held out */
    int n_observed;
    chirp_observed_network observed[CHIRP_MAX_OBSERVED_NETWORKS];
} chirp_machine;

/** Key of a number in the file: "bandwidth", ... */
const char *chirp_machine_key(chirp_machine_number number);

/**
 * Reads a machine.
 * @param name  a built-in machine ("theta") or a path of a JSON file (holds a '/' or ends in ".json")
 * @param machine  filled on success; release with chirp_machine_release()
 * @return CHIRP_ERR_ARG for an unknown name (the sentence lists the known ones), CHIRP_ERR_FORMAT with file and field
 *
 * Built-in machines are looked for in $CHIRPBENCH_MACHINES, then beside the installed program
 * (../share/chirpbench/machines), then in the source folder the program was built from.
 */
chirp_status chirp_machine_read(const char *name, chirp_machine *machine);

/** How many of the numbers that it gives are assumed. Most of them: what is projected to it is an assumption too, and says so. */
int chirp_machine_assumed(const chirp_machine *machine, int *given);

/** Accepts a zeroed machine. */
void chirp_machine_release(chirp_machine *machine);

#endif

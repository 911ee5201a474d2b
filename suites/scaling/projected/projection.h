/** Weak scaling projected to a machine: rows of step time and efficiency, and why. `chirpbench project` is this. */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_PROJECTION_H
#define CHIRP_SUITES_SCALING_PROJECTED_PROJECTION_H

#include "suites/scaling/projected/calibration.h"
#include "suites/scaling/projected/engine.h"
#include "suites/scaling/projected/forecast.h"
#include "suites/scaling/projected/waiting.h"

#include <stdint.h>

struct cJSON;

enum { CHIRP_MAX_ROWS = 64, CHIRP_MAP_SPREADS = 4, CHIRP_MAP_CONDITIONS = 6 };

/** What load balancing depends on: for how long a node keeps its speed, and events that no sharing foresees. */
typedef struct chirp_map_condition {
    const char *title;
    double correlation_steps; /**< 0: for good */
    double event_rate;        /**< per node and step; each lengthens a step by a tenth */
} chirp_map_condition;

extern const double chirp_map_spread[CHIRP_MAP_SPREADS]; /**< [1] between nodes */
extern const chirp_map_condition chirp_map_conditions[CHIRP_MAP_CONDITIONS];

typedef struct chirp_projection_options {
    const char *machine; /**< name or file */
    int n_rows;
    int nodes[CHIRP_MAX_ROWS];
    const char *network;
    chirp_variant variant;
    bool shared_noise;     /**< one number per variational weight travels */
    const char *workload;  /**< another network, by name or file; NULL: `network` */
    const char *calibrate; /**< NULL, or jobs measured on some nodes: rows predict more of them */
    const char *profile;   /**< measured layer times, or NULL: by operations */
    const char *engine;    /**< chirp_engine_choices(); NULL: "auto" */
    chirp_plan_settings settings;
} chirp_projection_options;

typedef struct chirp_projection_row {
    int nodes, ranks, steps;
    chirp_step_terms terms;       /**< by the engine asked for */
    chirp_step_terms closed_form; /**< always, as a cross-check */
    double efficiency;            /**< chirp_plan_efficiency(): never above 1 */
    double measured_s; /**< [s] a step of real training, from the machine's runs; 0: none */
    double band[2];    /**< efficiency under the laws of waiting, 5 and 95 % of their weight */
    chirp_forecast
        forecast; /**< with options.calibrate: of the measured program; `terms` are zeroed */
} chirp_projection_row;

typedef struct chirp_projection {
    chirp_projection_options options;
    chirp_machine machine;
    chirp_workload workload;
    const chirp_engine *engine;    /**< of the rows */
    chirp_calibration calibration; /**< n = 0: the machine has no observations */
    chirp_waiting_laws laws;       /**< that the band is over */
    /** [1] with shares: efficiency of the last row by the closed form, for other spreads and conditions */
    double map[CHIRP_MAP_SPREADS][CHIRP_MAP_CONDITIONS];
    chirp_jobs jobs; /**< n = 0: no options.calibrate */
    chirp_plan plan; /**< of the last row: what machine and settings came to */
    int n_rows;
    chirp_projection_row row[CHIRP_MAX_ROWS];
} chirp_projection;

/** Called after each row, for progress; may be NULL. */
typedef void (*chirp_projection_progress)(void *context, int done, int of,
                                          const chirp_projection_row *row);

/** @param projection  large; filled on success, release with chirp_projection_release() */
chirp_status chirp_project(const chirp_projection_options *options,
                           chirp_projection_progress progress, void *context,
                           chirp_projection *projection);
void chirp_projection_release(chirp_projection *projection);

/** The result as JSON; NULL when out of memory. */
struct cJSON *chirp_projection_object(const chirp_projection *projection);

#endif

/** Weak scaling projected to a machine: rows of step time and efficiency, and why. `chirpbench project` is this. */
#ifndef CHIRP_SUITES_SCALING_PROJECTION_H
#define CHIRP_SUITES_SCALING_PROJECTION_H

#include "suites/scaling/calibration.h"
#include "suites/scaling/plan.h"

#include <stdint.h>

enum { CHIRP_MAX_ROWS = 64, CHIRP_MAX_SCENARIOS = 256 };

typedef enum chirp_engine {
    CHIRP_ENGINE_AUTO = 0, /**< SimGrid when the build has it, else the closed form */
    CHIRP_ENGINE_SIMGRID,
    CHIRP_ENGINE_CLOSED_FORM,
} chirp_engine;

typedef struct chirp_projection_options {
    const char *machine; /**< name or file */
    int n_rows;
    int nodes[CHIRP_MAX_ROWS];
    const char *network;
    chirp_plan_exchange exchange;
    chirp_variant variant;
    int64_t batch;        /**< per rank */
    double flops;         /**< [flop/s] of a rank; 0: the machine's fast rate, -1: its slow rate */
    double jitter;        /**< relative; negative: calibrated or the machine's own */
    int64_t bucket_bytes; /**< overlap */
    int micro_steps;      /**< passes per exchange */
    bool shared_noise;    /**< one number per variational weight travels */
    bool half;            /**< bf16 on the wire: half the bytes */
    bool shares;     /**< ranks share the signals of a pass by measured speed, in whole signals */
    int speed_steps; /**< steps whose times tell the speeds of ranks */
    double
        fresh_jitter; /**< the part of the jitter that is new in every pass; negative: the machine's */
    bool simulate_ladder; /**< the ladder's lines that are built on, beside the closed form */
    chirp_engine engine;
    uint64_t seed;
    int steps;           /**< simulated per row; 0: 32 up to 256 ranks, fewer beyond */
    const char *profile; /**< measured layer times, or NULL: by operations */
} chirp_projection_options;

typedef struct chirp_projection_row {
    int nodes, ranks, steps;
    chirp_step_terms terms;       /**< by the engine asked for */
    chirp_step_terms closed_form; /**< always, as a cross-check */
    double efficiency;            /**< one rank's step over this one's */
    double measured_s; /**< [s] a step of real training, from the machine's runs; 0: none */
    double
        band[2]; /**< efficiency over the fits of calibration, lowest and highest; relative form */
} chirp_projection_row;

/** One combination of what is not known, by closed form at one node count. */
typedef struct chirp_scenario {
    int64_t batch;
    bool slow;
    chirp_variant variant;
    const char *form;   /**< "none", "relative", "absolute" */
    char fitted_on[24]; /**< network of the calibration, "" for none */
    double hidden;      /**< share of copy and reduction behind the backward pass */
    double efficiency;
} chirp_scenario;

/** One measure after the other on the way from the study's mode to ours, each on top of those before it. */
typedef struct chirp_rung {
    const char *name;       /**< what was changed */
    const char *price;      /**< in signals to the same loss, as measured: "none" or a factor */
    const char *assumes;    /**< what has to be true for the line */
    bool left_out;          /**< the lines below don't build on it */
    chirp_step_terms terms; /**< closed form, of one exchange: all its passes */
    double efficiency;      /**< the step of one rank with all its cores over this one */
    double of_capacity;     /**< the step of ranks that all compute all the time over this one */
    bool has_simulated;
    chirp_step_terms simulated;
} chirp_rung;
enum { CHIRP_MAX_RUNGS = 12 };

/** The ladder's last line by closed form, when what is known least is something else. */
typedef struct chirp_sensitivity {
    const char *spread_of; /**< network of the calibration, or "pooled" */
    double spread, fresh;
    int64_t batch;
    bool slow;
    double efficiency, of_capacity;
} chirp_sensitivity;
enum { CHIRP_MAX_SENSITIVITIES = 128 };

typedef struct chirp_projection {
    chirp_projection_options options;
    chirp_target machine;
    chirp_workload workload;
    bool simulated; /**< by SimGrid, else closed form */
    const char *engine_version;
    double flops;
    double jitter_relative, cycles; /**< used for the rows */
    bool calibrated;
    chirp_calibration calibration;
    int n_rows;
    chirp_projection_row row[CHIRP_MAX_ROWS];
    int n_scenarios, scenario_nodes;
    chirp_scenario scenario[CHIRP_MAX_SCENARIOS];
    int n_rungs; /**< at the published node count, batch 64, fast compute, last2 */
    chirp_rung rung[CHIRP_MAX_RUNGS];
    int n_sensitivities; /**< around the last rung */
    chirp_sensitivity sensitivity[CHIRP_MAX_SENSITIVITIES];
    bool has_headline;
    double points_lost; /**< published: 100 (1 - efficiency) */
    double
        points_bytes; /**< what cycle, agreement, copies and reduction explain at the study's batch of 64, fast compute */
    double
        relative_needed; /**< the relative jitter that would give exactly the published efficiency */
} chirp_projection;

/** Called after each row, for progress; may be NULL. */
typedef void (*chirp_projection_progress)(void *context, int done, int of,
                                          const chirp_projection_row *row);

/** @param projection  large; filled on success, release with chirp_projection_release() */
chirp_status chirp_project(const chirp_projection_options *options,
                           chirp_projection_progress progress, void *context,
                           chirp_projection *projection);
void chirp_projection_release(chirp_projection *projection);

/** Jitter of a row's simulated steps: [steps * micro_steps][ranks], free with chirp_free(). */
chirp_status chirp_projection_draw(const chirp_projection *projection, const chirp_plan *plan,
                                   int steps, float **factor);

/** Plan of one rank count; what rows, scenarios and tests are made from. */
chirp_status chirp_plan_make(const chirp_projection *projection, int ranks, chirp_plan *plan);

/** Simulates a plan with the projection's draws; the closed form where one rank is alone. */
chirp_status chirp_projection_simulate(const chirp_projection *projection, const chirp_plan *plan,
                                       int steps, chirp_step_terms *terms);
/** Simulated steps of a plan when nobody asks for a number: fewer on many ranks. */
int chirp_projection_steps(const chirp_plan *plan);

/** Fills the rungs and the sensitivities; used by chirp_project(). */
chirp_status chirp_projection_ladder(chirp_projection *projection);

/** The result as JSON text; free with chirp_free(). */
chirp_status chirp_projection_json(const chirp_projection *projection, char **text);

#endif

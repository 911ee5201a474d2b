/** Weak scaling projected to a machine: rows of step time and efficiency, and why. `chirpbench project` is this. */
#ifndef CHIRP_SUITES_SCALING_PROJECTION_H
#define CHIRP_SUITES_SCALING_PROJECTION_H

#include "suites/scaling/calibration.h"
#include "suites/scaling/plan.h"

#include <stdint.h>

enum { CHIRP_MAX_ROWS = 64 };

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
    const char *exchange; /**< an engine of model/parallel/exchange.h */
    chirp_variant variant;
    int64_t batch;        /**< per rank */
    double flops;         /**< [flop/s] of a rank; 0: the machine's fast rate, -1: its slow rate */
    double jitter;        /**< relative; negative: calibrated or the machine's own */
    int64_t bucket_bytes; /**< as the exchange takes it; 0: its own */
    int micro_steps;      /**< passes per exchange */
    bool shared_noise;    /**< one number per variational weight travels */
    bool half;            /**< bf16 on the wire: half the bytes */
    bool shares;     /**< ranks share the signals of a pass by measured speed, in whole signals */
    int speed_steps; /**< steps whose times tell the speeds of ranks */
    double
        fresh_jitter; /**< the part of the jitter that is new in every pass; negative: the machine's */
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

/** The result as JSON text; free with chirp_free(). */
chirp_status chirp_projection_json(const chirp_projection *projection, char **text);

#endif

/**
 * Time to solution: how long a whole training takes on N nodes, from the time of a step. What is no step is assumed: every such number
 * has a kind, a source and a range, can be replaced (`project --assume NAME=VALUE`), and is written beside the result.
 *
 *     seconds(N) = start_up(N) + input(N) + steps(N) * step(N)
 *
 * steps:    divided     the iterations of one rank divided by the ranks, as the study counts: the same signals, another level of error
 *           weak        to the level that those iterations reach on one rank, every rank with its whole batch
 *           strong      to the same level, one batch divided over the ranks
 *           The level costs S = S_min (1 + B_noise / B) steps of B signals (McCandlish et al. 2018, arXiv:1812.06162).
 * start_up: a power of N through two measured points, the few nodes' value below the first.
 * input:    opening files, and each rank's bytes at its own bandwidth or its part of the file system's; nothing where no files are read.
 * step:     the projection's; strong rows by the closed form, where a pass of b signals takes as long as b + pass_overhead.
 *
 * A range takes all numbers at their best, and at their worst, at once: it holds more than an interval of 90 %.
 */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_SOLUTION_H
#define CHIRP_SUITES_SCALING_PROJECTED_SOLUTION_H

#include "suites/scaling/projected/projection.h"

/** Where a training came to its error: --curve and --level. */
typedef struct chirp_solution_level {
    double error; /**< held-out mean relative error; 0: none was asked for */
    double steps; /**< after so many of */
    double batch; /**< so many signals */
} chirp_solution_level;

typedef struct chirp_solution_options {
    const char
        *assume; /**< "NAME=VALUE,...": numbers that differ from the usual ones; NULL: none */
    int64_t global_batch; /**< signals of a step in strong rows; 0: those of one rank */
    const char *
        curve; /**< log of a training that reached `level`; NULL: the assumed iterations of one rank */
    double level; /**< held-out mean relative error */
} chirp_solution_options;

typedef enum chirp_assumption {
    CHIRP_ASSUME_ITERATIONS = 0, /**< [1] steps of one rank */
    CHIRP_ASSUME_NOISE_SCALE,    /**< [signals] B_noise */
    CHIRP_ASSUME_PASS_OVERHEAD,  /**< [signals] */
    CHIRP_ASSUME_START_UP_8,     /**< [s] on 8 nodes */
    CHIRP_ASSUME_START_UP_512,   /**< [s] on 512 nodes */
    CHIRP_ASSUME_FILES,          /**< [1] that each rank opens one after the other; 0: no input */
    CHIRP_ASSUME_FILE_OPEN,      /**< [s] each */
    CHIRP_ASSUME_SIGNAL_BYTES,   /**< [B] */
    CHIRP_ASSUME_DATA_BYTES,     /**< [B] of all files */
    CHIRP_ASSUME_WHOLE,          /**< [1] share of all files that every rank reads */
    CHIRP_ASSUME_READ_RANK,      /**< [B/s] */
    CHIRP_ASSUME_READ_ALL,       /**< [B/s] of the file system */
    CHIRP_ASSUMPTIONS
} chirp_assumption;

/** What a number of the table is taken to be. */
typedef struct chirp_assumed {
    double value, least, most;
    bool given; /**< by --assume: no range */
} chirp_assumed;

/** Static facts of a number: name as --assume spells it, unit, "measured", ... and where it comes from. */
typedef struct chirp_assumption_rule {
    const char *name, *unit, *kind, *source;
    chirp_assumed usual;
    double min, max; /**< that --assume takes */
} chirp_assumption_rule;

const chirp_assumption_rule *chirp_assumption_at(int i); /**< NULL behind the last */

typedef enum chirp_solution_scaling {
    CHIRP_SOLUTION_DIVIDED = 0,
    CHIRP_SOLUTION_WEAK,
    CHIRP_SOLUTION_STRONG,
    CHIRP_SOLUTION_SCALINGS
} chirp_solution_scaling;
extern const char *const chirp_solution_name[CHIRP_SOLUTION_SCALINGS];

/** One number of nodes. Index 0: as assumed; 1 and 2: at the best and at the worst of all ranges. */
typedef struct chirp_solution_row {
    chirp_solution_scaling scaling;
    int nodes, ranks;
    double batch;      /**< signals of a step of all ranks */
    double step_s[3];  /**< [s] */
    double steps[3];   /**< whole numbers */
    double start_s[3]; /**< [s] */
    double input_s[3]; /**< [s] */
    double seconds[3]; /**< [s] the whole training */
} chirp_solution_row;

enum { CHIRP_SOLUTION_MAX_ROWS = CHIRP_SOLUTION_SCALINGS * CHIRP_MAX_ROWS };

typedef struct chirp_solution {
    chirp_assumed assumed[CHIRP_ASSUMPTIONS];
    double one_rank;  /**< signals of a step of one rank */
    double reference; /**< signals of the steps that iterations are of: one_rank, or the log\'s */
    chirp_solution_level level;
    int64_t divided;    /**< strong: signals of a step, whatever the ranks */
    int64_t rank_batch; /**< of the measured rate */
    int n;
    chirp_solution_row row[CHIRP_SOLUTION_MAX_ROWS]; /**< scaling by scaling, in --nodes' order */
    /** [s] the last weak row's whole time with one number at its least and at its most, all else as assumed */
    double effect[CHIRP_ASSUMPTIONS][2];
} chirp_solution;

/** Steps to the level that `iterations` steps of `reference` signals reach, in steps of `batch`: McCandlish et al., eq. 2.11. */
double chirp_solution_steps(double iterations, double reference, double batch, double noise_scale);

/**
 * Takes "NAME=VALUE,NAME=VALUE".
 * @param files  whether the program reads files at all; --assume files=N says otherwise
 * @return CHIRP_ERR_ARG with the name and what it should be
 */
chirp_status chirp_solution_assume(const char *text, bool files, chirp_solution *solution);

/**
 * The first held-out check of a training log at which the mean relative error is `error` or less.
 * @return CHIRP_ERR_FORMAT for no log or one without checks, CHIRP_ERR_ARG when it is of another network, CHIRP_ERR_RANGE when it never
 *         came so far
 */
chirp_status chirp_solution_read_level(const char *path, const char *network, double error,
                                       chirp_solution_level *level);

/** Whether these options allow it: learn it before anything is simulated. CHIRP_ERR_ARG, CHIRP_ERR_RANGE */
chirp_status chirp_solution_check(const chirp_projection_options *projection,
                                  const chirp_solution_options *options);

/** From the rows of a projection whose options were checked. */
chirp_status chirp_solution_make(const chirp_projection *p, const chirp_solution_options *options,
                                 chirp_solution *solution);

/** Beside the rows: tables on stdout, and a member time_to_solution of `root`. */
void chirp_solution_print(const chirp_projection *p, const chirp_solution *solution);
void chirp_solution_json(const chirp_projection *p, const chirp_solution *solution,
                         struct cJSON *root);

#endif

/** What turns a plan into terms. An engine is a file and a row of the table in engine.c. */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_ENGINE_H
#define CHIRP_SUITES_SCALING_PROJECTED_ENGINE_H

#include "suites/scaling/projected/plan.h"

/** Mean seconds of one step (all micro_steps) by term; the four add up to `seconds`. */
typedef struct chirp_step_terms {
    double seconds;
    double compute; /**< nominal: what one rank of mean speed needs alone */
    double
        straggler; /**< waiting for the slowest rank; with shares less what faster ranks take over, so it may be negative */
    double negotiation;       /**< cycle and agreement; the sum of the loss */
    double exposed_allreduce; /**< copies and reductions that nothing hides */
} chirp_step_terms;

typedef struct chirp_engine {
    const char *name;  /**< as --engine spells it */
    const char *title; /**< as files spell it */
    const char *needs; /**< what a build lacks where the engine is not available */
    bool simulates;    /**< moves every message; else a formula */
    /** Whether this build has it. @param version  may be NULL; receives "3.32.0" or "" */
    bool (*available)(const char **version);
    /**
     * Mean terms of a step.
     * @return CHIRP_ERR_UNSUPPORTED where it is not available, CHIRP_ERR_LIBRARY with the library's own words when it failed
     */
    chirp_status (*run)(const chirp_plan *plan, chirp_step_terms *terms);
} chirp_engine;

/**
 * By formula; see README.md of this folder. And by SimGrid on the plan's platform file, where two actors a rank compute and
 * communicate: in a child process, as SimGrid starts once per process and ends it on its own errors. Memory is about 60 kB a
 * rank; 1024 ranks take some seconds a step.
 */
extern const chirp_engine chirp_engine_closed_form, chirp_engine_simgrid;

/** Decides how long the passes of a step take while a simulation runs: the load balancer, for example. */
typedef struct chirp_pass_driver {
    void *context;
    /**
     * Called before the first step and whenever the last rank has computed a step.
     * @param seconds  [ranks] that the passes of the step just computed took by the simulated clock; NULL before the first
     * @param factor   [ranks] receives the time of a pass of the coming step over plan->micro_s
     */
    void (*next)(void *context, const double *seconds, double *factor);
} chirp_pass_driver;

/**
 * SimGrid's terms of plan->steps steps that a driver decides, in place of the plan's jitter and shares. The driver runs in a child process:
 * what it changes is lost with it.
 * @param plan  of two ranks or more that exchange
 */
chirp_status chirp_simulate_driven(const chirp_plan *plan, const chirp_pass_driver *driver,
                                   chirp_step_terms *terms);

/** "auto|...": all names. Static memory. */
const char *chirp_engine_choices(void);
/** The engine of this name, or for "auto" the first one that this build has. CHIRP_ERR_UNSUPPORTED when it lacks it. */
chirp_status chirp_engine_find(const char *name, const chirp_engine **engine);

/** The closed form's terms: it never fails. */
void chirp_closed_form(const chirp_plan *plan, chirp_step_terms *terms);

#endif

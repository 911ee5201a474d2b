/**
 * Where ranks run: computers, the processors they may use, and whether these are enough. Gathered once at the start of what
 * needs it, for logs and results that say where numbers come from.
 */
#ifndef CHIRP_MODEL_PARALLEL_PLACES_H
#define CHIRP_MODEL_PARALLEL_PLACES_H

#include "harness/base/status.h"

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

typedef struct chirp_place {
    char host[56];   /**< name of the computer */
    int32_t threads; /**< of the rank */
    int32_t
        computer; /**< its number, in the order of their first ranks; set by chirp_places_number() */
    int64_t pid;  /**< process on the computer */
    cpu_set_t processors; /**< that the rank may use; empty where the system doesn't say */
} chirp_place;

/**
 * Collective.
 * @param threads  of this rank; 0: omp_get_max_threads()
 * @param places   receives [ranks] on rank 0, numbered, for the caller to free; NULL elsewhere
 */
chirp_status chirp_places_gather(int threads, chirp_place **places);

/** Numbers the computers of n ranks by their names. O(n log n). @return how many there are; 0 without memory */
int chirp_places_number(chirp_place *places, int n);

/**
 * Threads for each processor on the fullest computer, with as many threads on each of n ranks; above 1 they take turns. Ranks of
 * one computer that may use the same processors share them. 0 where no computer says what may be used, or without memory.
 */
double chirp_places_crowd(const chirp_place *places, int n, int threads);

/** A set of processors as "0-3,8". @return text, cut to its size when there is no room for all */
const char *chirp_processors_text(const cpu_set_t *processors, char *text, size_t size);

/** The MPI library in its own words, on one line. */
const char *chirp_parallel_library(void);

#endif

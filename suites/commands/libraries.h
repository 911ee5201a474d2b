/** The libraries that chirpbench was built with, in their own words. */
#ifndef CHIRP_SUITES_COMMANDS_LIBRARIES_H
#define CHIRP_SUITES_COMMANDS_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct chirp_library {
    const char *name;
    /** Writes a version, or why the library is missing; false when it is missing. */
    bool (*describe)(char *text, size_t room);
} chirp_library;

/** NULL-name terminated; libxsmm isn't among them (kernels/gemm speaks for it). */
extern const chirp_library chirp_libraries[];

#endif

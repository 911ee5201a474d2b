/**
 * Kernels of your own for `chirpbench bench --plugin ./mine.so`. This header needs no library:
 *
 *     static const char *const shapes[] = {"m64n64k64", "m512n512k512", NULL};
 *     static const chirp_plugin_kernel kernels[] = {
 *         {"gemm/forward/blocked", shapes, setup, run, check, work, teardown},
 *         {NULL, NULL, NULL, NULL, NULL, NULL, NULL}};
 *     static const chirp_plugin plugin = {CHIRP_PLUGIN_ABI, "mine", "1.0 (commit 1234abc)", "gcc -O3 -march=native", kernels, NULL};
 *
 *     const chirp_plugin *chirp_plugin_entry(void) { return &plugin; }
 *
 *     cc -O3 -march=native -shared -fPIC mine.c -o mine.so -I$(prefix)/include
 *
 * Rows are named kernel/shape: "gemm/forward/blocked/m64n64k64/threads:2". Kernels whose names differ in their third part only
 * stand side by side. Each row runs in a process of its own; what a kernel prints on standard output goes to standard error.
 */
#ifndef CHIRPBENCH_PLUGIN_H
#define CHIRPBENCH_PLUGIN_H

#ifdef __cplusplus
extern "C" {
#endif

/** Counts changes of the structures below. A plugin of another number is refused. */
#define CHIRP_PLUGIN_ABI 1

typedef struct chirp_plugin_kernel {
    /** "family/pass/algorithm", printable ASCII without spaces; NULL ends the list */
    const char *name;
    /** the shapes to run, NULL-terminated, in words of your own; printable ASCII without spaces */
    const char *const *shapes;
    /**
     * Allocates and fills what a shape needs, for a run on `threads` threads; omp_get_max_threads() is the same.
     * @param state  what the other functions get
     * @return 0, or a number that the error row shows
     */
    int (*setup)(const char *shape, int threads, void **state);
    /** What is timed: it runs thousands of times on one state, and must do the same work each time. */
    void (*run)(void *state);
    /**
     * After one run: the relative error of its result against a reference of your own. NULL: never checked.
     * @return 0, or a number that the error row shows; an error above --max-relative-error makes an error row, too
     */
    int (*check)(void *state, double *relative_error);
    /** Operations, and bytes moved at least, of one run; 0: not known. NULL: neither is. */
    void (*work)(const void *state, double *flops, double *bytes);
    /** Frees the state. NULL: nothing to free. */
    void (*teardown)(void *state);
} chirp_plugin_kernel;

typedef struct chirp_plugin {
    int abi;             /**< CHIRP_PLUGIN_ABI */
    const char *name;    /**< for result files */
    const char *version; /**< of your code, its commit; NULL: not told */
    const char *flags;   /**< compiler and flags; NULL: not told */
    const chirp_plugin_kernel *kernels;
    /** A sentence about the failure of setup or check; NULL: the number alone is shown. */
    const char *(*explain)(int number);
} chirp_plugin;

/** The one symbol that is looked for. What it returns stays valid while the library is loaded. */
const chirp_plugin *chirp_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif

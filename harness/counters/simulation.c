#include "harness/counters/simulation.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/process.h"
#include "harness/base/scratch.h"
#include "harness/base/signals.h"
#include "harness/base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tells the program inside where its counts go. */
static const char variable[] = "CHIRPBENCH_SIMULATION";

/* Of valgrind.h and callgrind.h; they are part of valgrind's interface and don't change. */
enum {
    RUNNING_ON_VALGRIND = 0x1001,
    DUMP_STATS = 'C' << 24 | 'T' << 16,
    TOGGLE_COLLECT = DUMP_STATS + 2,
    START_INSTRUMENTATION = DUMP_STATS + 4,
    STOP_INSTRUMENTATION = DUMP_STATS + 5
};

#if defined(__x86_64__)
static const bool architecture_known = true;

/* Four rotations and an exchange that change nothing: valgrind takes them for a request, a processor passes over them. */
static uint64_t request(uint64_t code)
{
    volatile uint64_t args[6] = {code};
    uint64_t result = 0;
    __asm__ volatile("rolq $3, %%rdi\n\trolq $13, %%rdi\n\trolq $61, %%rdi\n\trolq $51, %%rdi\n\t"
                     "xchgq %%rbx, %%rbx"
                     : "+d"(result)
                     : "a"(&args[0])
                     : "cc", "memory");
    return result;
}
#else
static const bool architecture_known = false;

static uint64_t request(uint64_t code)
{
    (void)code;
    return 0;
}
#endif

bool chirp_simulating(void) { return getenv(variable) && request(RUNNING_ON_VALGRIND) > 0; }

void chirp_simulation_warm(void) { (void)request(START_INSTRUMENTATION); }

void chirp_simulation_start(void) { (void)request(TOGGLE_COLLECT); }

void chirp_simulation_stop(void) { (void)request(TOGGLE_COLLECT); }

/* ---- counts ---- */

/* The number below `event`, in the lines "events: Ir Dr ..." and "totals: 12 3 ..." of a file of counts. */
static bool find_count(const char *text, const char *event, double *count)
{
    const char *names = strstr(text, "\nevents: ");
    const char *numbers = strstr(text, "\ntotals: ");
    if (!names || !numbers)
        return false;
    names += strlen("\nevents: ");
    numbers += strlen("\ntotals: ");
    const size_t length = strlen(event);
    for (;;) {
        char *end = NULL;
        const double value = strtod(numbers, &end);
        const size_t span = strcspn(names, " \n");
        if (end == numbers || *numbers == '\n')
            return false;
        if (span == length && strncmp(names, event, length) == 0) {
            *count = value;
            return true;
        }
        names += span;
        if (*names != ' ')
            return false;
        ++names;
        numbers = end;
    }
}

static chirp_status read_counts(const char *path, chirp_simulated counts[CHIRP_N_SIMULATED])
{
    enum { IR, DR, DW, I1MR, D1MR, D1MW, ILMR, DLMR, DLMW, BC, BCM, BI, BIM, N };
    static const char *const events[N] = {"Ir",   "Dr",   "Dw", "I1mr", "D1mr", "D1mw", "ILmr",
                                          "DLmr", "DLmw", "Bc", "Bcm",  "Bi",   "Bim"};
    char *text = NULL;
    double n[N];
    chirp_status st = chirp_file_read(path, &text, NULL);
    for (int i = 0; i < N && st == CHIRP_OK; ++i)
        if (!find_count(text, events[i], &n[i]))
            st = chirp_fail(CHIRP_ERR_FORMAT,
                            "%s: callgrind wrote no count of %s: this valgrind can't be used", path,
                            events[i]);
    chirp_free(text);
    if (st != CHIRP_OK)
        return st;
    const double branch_misses = n[BCM] + n[BIM];
    const double l1_misses = n[I1MR] + n[D1MR] + n[D1MW];
    const double last_misses = n[ILMR] + n[DLMR] + n[DLMW];
    const chirp_simulated all[CHIRP_N_SIMULATED] = {
        {"PAPI_TOT_INS", n[IR]},
        {"PAPI_BR_INS", n[BC] + n[BI]},
        {"PAPI_BR_MSP", branch_misses},
        {"PAPI_L1_DCA", n[DR] + n[DW]},
        {"PAPI_L1_DCM", n[D1MR] + n[D1MW]},
        {"PAPI_L1_ICM", n[I1MR]},
        {"PAPI_L3_TCM", last_misses},
        {"estimated_cycles", n[IR] + 10 * (branch_misses + l1_misses) + 100 * last_misses}};
    memcpy(counts, all, sizeof all);
    return CHIRP_OK;
}

chirp_status chirp_simulation_end(chirp_simulated counts[CHIRP_N_SIMULATED])
{
    static int64_t dumps; /* callgrind numbers its files by process, from 1 */
    static pid_t process;
    const char *stem = getenv(variable);
    dumps = process == getpid() ? dumps + 1 : 1;
    process = getpid();
    (void)request(DUMP_STATS);
    (void)request(STOP_INSTRUMENTATION);
    char *path = chirp_format("%s.%lld", stem ? stem : "", (long long)dumps);
    if (!path)
        return CHIRP_ERR_NOMEM;
    const chirp_status st = read_counts(path, counts);
    (void)unlink(path);
    chirp_free(path);
    return st;
}

/* ---- the launch ---- */

/* This process's own command line behind valgrind's. Texts point into `own`. */
static char **inner_command(char *own, size_t length, char *self, char *counts)
{
    static char valgrind[] = "valgrind", tool[] = "--tool=callgrind",
                quiet[] = "--log-file=/dev/null", wait[] = "--instr-atstart=no",
                off[] = "--collect-atstart=no", caches[] = "--cache-sim=yes",
                branches[] = "--branch-sim=yes", i1[] = "--I1=32768,8,64", d1[] = "--D1=32768,8,64",
                ll[] = "--LL=8388608,16,64";
    char *const front[] = {valgrind, tool, quiet, wait, off,    caches,
                           branches, i1,   d1,    ll,   counts, self};
    enum { FRONT = sizeof front / sizeof front[0] };
    size_t words = 0;
    for (size_t i = 0; i < length; ++i)
        words += own[i] == '\0';
    char **argv = chirp_calloc(FRONT + words + 1, sizeof *argv);
    if (!argv)
        return NULL;
    memcpy(argv, front, sizeof front);
    size_t n = FRONT;
    for (size_t at = strlen(own) + 1; at < length; at += strlen(own + at) + 1)
        argv[n++] = own + at;
    return argv;
}

static chirp_status no_proc(void)
{
    return chirp_fail(CHIRP_ERR_IO, "bench: --simulate needs /proc to start the program again");
}

/* /proc gives no size beforehand. */
static chirp_status read_command_line(char **bytes, size_t *length)
{
    chirp_text t = {0};
    char piece[4096];
    size_t got = 0;
    FILE *file = fopen("/proc/self/cmdline", "rb");
    if (!file)
        return no_proc();
    while ((got = fread(piece, 1, sizeof piece, file)) > 0)
        chirp_text_append_bytes(&t, piece, got);
    (void)fclose(file);
    *bytes = t.bytes;
    *length = t.used;
    return t.failed || t.used == 0 ? CHIRP_ERR_NOMEM : CHIRP_OK;
}

/* A vector library that compiles at run time must not take instructions that the simulated processor lacks. */
static bool set_environment(const char *counts)
{
    return setenv(variable, counts, 1) == 0 && setenv("LIBXSMM_TARGET", "hsw", 0) == 0 &&
           setenv("OMP_NUM_THREADS", "1", 1) == 0 &&
           setenv("HWLOC_COMPONENTS", "-x86", 0) == 0; /* or it complains about valgrind */
}

static bool has_more_than_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") != 0;
#else
    return false;
#endif
}

static volatile sig_atomic_t child_pid;

static void pass_on(int number)
{
    if (child_pid > 0)
        (void)kill((pid_t)child_pid, number);
}

static chirp_status run_inside(char **argv, int *exit_code)
{
    const chirp_command_line line = {
        .argv = argv, .in = STDIN_FILENO, .out = STDOUT_FILENO, .err = STDERR_FILENO};
    chirp_process child;
    chirp_signals before;
    if (has_more_than_avx2())
        (void)fprintf(stderr, "bench: --simulate: valgrind knows no AVX-512: AVX2 code is counted, "
                              "also of libraries that compile at run time\n");
    (void)fflush(NULL);
    if (chirp_process_start(&line, &child) != CHIRP_OK)
        return chirp_fail(CHIRP_ERR_UNSUPPORTED,
                          "bench: --simulate needs valgrind, which can't be run: install the "
                          "package valgrind");
    child_pid = child.pid;
    chirp_stop_begin(&before, pass_on);
    *exit_code = chirp_process_exit_code(chirp_process_wait(&child));
    child_pid = 0;
    chirp_stop_end(&before);
    return CHIRP_OK;
}

chirp_status chirp_simulation_launch(int *exit_code)
{
    char *own = NULL, *stem = NULL, *counts = NULL;
    char **argv = NULL;
    size_t length = 0;
    char target[4096];
    if (!architecture_known)
        return chirp_fail(CHIRP_ERR_UNSUPPORTED, "bench: --simulate works on x86-64 only");
    chirp_status st = read_command_line(&own, &length);
    if (st == CHIRP_OK && !chirp_program_path(target, sizeof target))
        st = no_proc();
    if (st == CHIRP_OK)
        st = chirp_scratch_path(".counts", &stem);
    if (st == CHIRP_OK) {
        counts = chirp_format("--callgrind-out-file=%s", stem);
        argv = counts ? inner_command(own, length, target, counts) : NULL;
        st = argv && set_environment(stem) ? run_inside(argv, exit_code) : CHIRP_ERR_NOMEM;
        (void)unlink(stem);
    }
    chirp_free(argv);
    chirp_free(counts);
    chirp_free(stem);
    chirp_free(own);
    return st;
}

/* The numbers that a projection of steps doesn't have: what they are taken to be, and why. */
#include "harness/base/options.h"
#include "suites/scaling/projected/solution.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIXED(x)                                                                                   \
    {                                                                                              \
        (x), (x), (x), false                                                                       \
    }

static const chirp_assumption_rule rules[CHIRP_ASSUMPTIONS] = {
    [CHIRP_ASSUME_ITERATIONS] = {"iterations", "steps", "published",
                                 "Shen et al., arXiv:1903.01998v2: 120,000 iterations; its public "
                                 "code divides them by the number of ranks",
                                 FIXED(120000), 1, 1e12},
    [CHIRP_ASSUME_NOISE_SCALE] =
        {"noise_scale",
         "signals",
         "measured, range assumed",
         "gradient noise scale of network mass: 130 after 192,000 signals, 7 after 200 steps "
         "(reports/measurements/2026-11-25-sample-cost.md); the most is 130 grown in proportion to "
         "signals up to 120,000 steps of 64, which nobody measured",
         {130, 7, 5200, false},
         0,
         1e12},
    [CHIRP_ASSUME_PASS_OVERHEAD] =
        {"pass_overhead", "signals", "measured elsewhere",
         "passes of 16, 8, 4, 2 and 1 signals took 1.15, 1.33, 1.8, 2.4 and 3.5 times as long a "
         "signal as passes of 64, on 2 processors (2026-11-25-sample-cost.md)",
         FIXED(3), 0, 1e6},
    [CHIRP_ASSUME_START_UP_8] = {"start_up_8", "s", "derived",
                                 "what the public runs on 1 to 8 nodes of Theta take beyond their "
                                 "steps; TensorFlow and Horovod, not chirpbench",
                                 FIXED(7.6), 0, 1e6},
    [CHIRP_ASSUME_START_UP_512] =
        {"start_up_512",
         "s",
         "measured elsewhere",
         "ten jobs on 512 nodes of Cori (MLPerf HPC v0.7, CosmoFlow): median 73.5, slowest 433.8; "
         "another program, and Python's imports come before it",
         {73.5, 72.9, 433.8, false},
         0,
         1e6},
    [CHIRP_ASSUME_FILES] =
        {"files", "files", "published",
         "six files, one after the other, in the study's public code (--exchange "
         "horovod); none otherwise, as train makes its signals",
         FIXED(6), 0, 1e9},
    [CHIRP_ASSUME_FILE_OPEN] = {"file_open",
                                "s",
                                "assumed",
                                "opening a file on all ranks at once; nothing was measured",
                                {1, 0.1, 10, false},
                                0,
                                1e6},
    [CHIRP_ASSUME_SIGNAL_BYTES] = {"signal_bytes", "B", "derived", "8192 numbers of 4 bytes",
                                   FIXED(32768), 0, 1e12},
    [CHIRP_ASSUME_DATA_BYTES] =
        {"data_bytes", "B", "assumed",
         "\"over 10^7 waveforms\" of 8192 numbers of 4 bytes, if all of them "
         "were stored",
         FIXED(3.3e11), 0, 1e18},
    [CHIRP_ASSUME_WHOLE] =
        {"read_whole",
         "1",
         "assumed",
         "0: a rank reads the signals that it trains with; 1: every rank reads all files. The "
         "study does not say",
         {0, 0, 1, false},
         0,
         1},
    [CHIRP_ASSUME_READ_RANK] =
        {"read_rank",
         "B/s",
         "assumed",
         "one reading process of a parallel file system; nothing was measured",
         {1e9, 3e8, 3e9, false},
         1,
         1e15},
    [CHIRP_ASSUME_READ_ALL] =
        {"read_all", "B/s", "published",
         "theta-fs0, Theta's Lustre: 240 GB/s in aggregate (ALCF, storage and "
         "networking); a file on one storage target has far less",
         FIXED(2.4e11), 1, 1e18},
};

const chirp_assumption_rule *chirp_assumption_at(int i)
{
    return i >= 0 && i < CHIRP_ASSUMPTIONS ? &rules[i] : NULL;
}

static chirp_status unknown(const char *name)
{
    const char *names[CHIRP_ASSUMPTIONS + 1] = {NULL};
    for (int i = 0; i < CHIRP_ASSUMPTIONS; ++i)
        names[i] = rules[i].name;
    const char *near = chirp_nearest_name(name, names);
    return chirp_fail(CHIRP_ERR_ARG, "--assume %.60s: no such number; %s%s%s", name,
                      near ? "did you mean " : "project --time-to-solution prints all",
                      near ? near : "", near ? "?" : "");
}

static chirp_status take(const char *text, size_t length, chirp_solution *s)
{
    char item[96];
    char what[64];
    double value = 0;
    int i = 0;
    (void)snprintf(item, sizeof item, "%.*s", (int)length, text);
    char *equals = strchr(item, '=');
    if (length >= sizeof item || !equals)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--assume %.60s: should be NAME=VALUE, several separated by commas",
                          text);
    *equals = '\0';
    while (i < CHIRP_ASSUMPTIONS && strcmp(rules[i].name, item) != 0)
        ++i;
    if (i == CHIRP_ASSUMPTIONS)
        return unknown(item);
    (void)snprintf(what, sizeof what, "--assume %s", rules[i].name);
    const chirp_status st = chirp_parse_real(what, equals + 1, &value);
    if (st != CHIRP_OK)
        return st;
    if (value < rules[i].min || value > rules[i].max)
        return chirp_fail(CHIRP_ERR_RANGE, "%s: should be from %g to %g %s", what, rules[i].min,
                          rules[i].max, rules[i].unit);
    s->assumed[i] = (chirp_assumed){value, value, value, true};
    return CHIRP_OK;
}

chirp_status chirp_solution_assume(const char *text, bool files, chirp_solution *s)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < CHIRP_ASSUMPTIONS; ++i)
        s->assumed[i] = rules[i].usual;
    if (!files)
        s->assumed[CHIRP_ASSUME_FILES] = (chirp_assumed){0};
    for (const char *at = text; st == CHIRP_OK && at;) {
        const size_t length = strcspn(at, ",");
        st = take(at, length, s);
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    return st;
}

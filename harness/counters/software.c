#include "harness/counters/software.h"

#include "harness/base/clock.h"
#include "harness/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAGE_FAULTS, MAJOR_FAULTS, CONTEXT_SWITCHES, INVOLUNTARY, TASK_CLOCK, JOULES };

static const char *const names[CHIRP_N_SOFTWARE] = {
    [PAGE_FAULTS] = "page-faults",           [MAJOR_FAULTS] = "major-faults",
    [CONTEXT_SWITCHES] = "context-switches", [INVOLUNTARY] = "involuntary-switches",
    [TASK_CLOCK] = "task-clock-ns",          [JOULES] = "package-joules",
};

int chirp_software_index(const char *name)
{
    return chirp_name_index(names, CHIRP_N_SOFTWARE, name);
}

const char *chirp_software_name(int index) { return names[index]; }

static void rapl_path(char *path, size_t room, int package, const char *leaf)
{
    (void)snprintf(path, room, "/sys/class/powercap/intel-rapl:%d/%s", package, leaf);
}

static bool read_microjoules(int package, const char *leaf, double *value)
{
    char path[96];
    rapl_path(path, sizeof path, package, leaf);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    const bool ok = fscanf(file, "%lf", value) == 1;
    (void)fclose(file); /* only read from */
    return ok;
}

/*
 * Joules of all packages since the first call. The hardware's counter wraps after some minutes at full load, so each
 * package keeps what it showed last and adds the range when it went backwards.
 */
static double read_joules(void)
{
    enum { PACKAGES = 16 };
    static double last[PACKAGES];
    static double total[PACKAGES];
    static bool seen[PACKAGES];
    double sum = 0;
    for (int i = 0; i < PACKAGES; ++i) {
        double now = 0;
        double range = 0;
        if (!read_microjoules(i, "energy_uj", &now))
            break;
        double step = seen[i] ? now - last[i] : 0;
        if (step < 0 && read_microjoules(i, "max_energy_range_uj", &range))
            step += range;
        total[i] += step > 0 ? step : 0;
        last[i] = now;
        seen[i] = true;
        sum += 1e-6 * total[i];
    }
    return sum;
}

const char *chirp_software_reason(int index)
{
    static char text[256];
    char path[96];
    double value = 0;
    if (index != JOULES || read_microjoules(0, "energy_uj", &value))
        return NULL;
    rapl_path(path, sizeof path, 0, "energy_uj");
    (void)snprintf(text, sizeof text, "RAPL energy can't be read, %s: %s", path,
                   access(path, R_OK) == 0 ? "not a number" : strerror(errno));
    return text;
}

double chirp_software_read(int index)
{
    struct rusage use = {0};
    if (index == JOULES)
        return read_joules();
    if (index == TASK_CLOCK)
        return (double)chirp_process_cpu_ns();
    (void)getrusage(RUSAGE_SELF, &use); /* fails only for a bad address */
    switch (index) {
    case PAGE_FAULTS:
        return (double)(use.ru_minflt + use.ru_majflt);
    case MAJOR_FAULTS:
        return (double)use.ru_majflt;
    case CONTEXT_SWITCHES:
        return (double)(use.ru_nvcsw + use.ru_nivcsw);
    default:
        return (double)use.ru_nivcsw;
    }
}

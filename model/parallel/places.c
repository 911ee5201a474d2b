#include "model/parallel/places.h"

#include "harness/base/memory.h"
#include "harness/machine/team.h"
#include "model/parallel/parallel.h"

#include <mpi.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_host(const void *a, const void *b)
{
    const chirp_place *const *left = a;
    const chirp_place *const *right = b;
    const int order = strcmp((*left)->host, (*right)->host);
    return order != 0 ? order : (*left > *right) - (*left < *right);
}

int chirp_places_number(chirp_place *places, int n)
{
    chirp_place **sorted = chirp_calloc((size_t)n, sizeof *sorted);
    if (!sorted)
        return 0;
    for (int r = 0; r < n; ++r)
        sorted[r] = &places[r];
    qsort(sorted, (size_t)n, sizeof *sorted, by_host);
    /* first by the number of the first rank there, then these numbers without gaps */
    for (int i = 0; i < n; ++i) {
        const bool same = i > 0 && strcmp(sorted[i]->host, sorted[i - 1]->host) == 0;
        sorted[i]->computer = same ? sorted[i - 1]->computer : (int32_t)(sorted[i] - places);
    }
    int computers = 0;
    for (int r = 0; r < n; ++r)
        places[r].computer =
            places[r].computer == r ? computers++ : places[places[r].computer].computer;
    chirp_free(sorted);
    return computers;
}

chirp_status chirp_places_gather(int threads, chirp_place **places)
{
    const int n = chirp_parallel_size();
    const bool first = chirp_parallel_rank() == 0;
    chirp_place mine = {.pid = (int64_t)getpid(),
                        .threads = threads > 0 ? threads : omp_get_max_threads()};
    if (gethostname(mine.host, sizeof mine.host - 1) != 0)
        (void)strcpy(mine.host, "unknown");
    if (!chirp_team_processors(&mine.processors))
        CPU_ZERO(&mine.processors);
    chirp_place *all = first ? chirp_calloc((size_t)n, sizeof *all) : NULL;
    chirp_status st = chirp_parallel_agree(all || !first ? CHIRP_OK : CHIRP_ERR_NOMEM);
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(&mine, (int64_t)sizeof mine, all, 0);
    if (st == CHIRP_OK)
        st = chirp_parallel_agree(!all || chirp_places_number(all, n) > 0 ? CHIRP_OK
                                                                          : CHIRP_ERR_NOMEM);
    if (st != CHIRP_OK) {
        chirp_free(all);
        return st;
    }
    *places = all;
    return CHIRP_OK;
}

double chirp_places_crowd(const chirp_place *places, int n, int threads)
{
    struct computer {
        cpu_set_t processors;
        int ranks;
    } *computer = chirp_calloc((size_t)n, sizeof *computer);
    double most = 0;
    if (!computer)
        return 0;
    for (int r = 0; r < n; ++r) {
        struct computer *here = &computer[places[r].computer];
        CPU_OR(&here->processors, &here->processors, &places[r].processors);
        ++here->ranks;
    }
    for (int i = 0; i < n; ++i) {
        const int processors = CPU_COUNT(&computer[i].processors);
        const double crowd = processors > 0 ? (double)computer[i].ranks * threads / processors : 0;
        most = crowd > most ? crowd : most;
    }
    chirp_free(computer);
    return most;
}

const char *chirp_processors_text(const cpu_set_t *processors, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int cpu = 0; cpu < CPU_SETSIZE && used < size; ++cpu) {
        int last = cpu;
        if (!CPU_ISSET((size_t)cpu, processors))
            continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET((size_t)last + 1, processors))
            ++last;
        const int more =
            last > cpu ? snprintf(text + used, size - used, "%s%d-%d", used ? "," : "", cpu, last)
                       : snprintf(text + used, size - used, "%s%d", used ? "," : "", cpu);
        used += more > 0 ? (size_t)more : size;
        cpu = last;
    }
    return text;
}

const char *chirp_parallel_library(void)
{
    static char text[MPI_MAX_LIBRARY_VERSION_STRING + 1];
    int length = 0;
    if (MPI_Get_library_version(text, &length) != MPI_SUCCESS)
        return "unknown";
    text[strcspn(text, "\n")] = '\0';
    return text;
}

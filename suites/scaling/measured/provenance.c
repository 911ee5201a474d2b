/* Where the numbers of a result come from: computers, processors, MPI library, job, and settings that change times. */
#include "harness/json/json.h"
#include "suites/scaling/measured/measure_internal.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* Of OpenMP and of MPI libraries and what they send with. */
static const char *const prefixes[] = {"OMP_",  "GOMP_",       "KMP_",  "MPICH_",
                                       "MPIR_", "OMPI_MCA_",   "I_MPI", "UCX_",
                                       "FI_",   "CHIRPBENCH_", "PALS_"};

/* What launchers call a job: Slurm, PBS, Cobalt, LSF, Grid Engine. */
static const char *const jobs[] = {"SLURM_JOB_ID", "PBS_JOBID", "COBALT_JOBID", "LSB_JOBID",
                                   "JOB_ID"};

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void add_environment(cJSON *root)
{
    cJSON *object = cJSON_AddObjectToObject(root, "environment");
    for (char **entry = environ; entry && *entry; ++entry) {
        const char *value = strchr(*entry, '=');
        char name[128];
        bool wanted = false;
        for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; ++i)
            wanted = wanted || starts(*entry, prefixes[i]);
        if (!wanted || !value || (size_t)(value - *entry) >= sizeof name)
            continue;
        memcpy(name, *entry, (size_t)(value - *entry));
        name[value - *entry] = '\0';
        (void)chirp_json_add_text(object, name, value + 1);
    }
}

static void add_job(cJSON *root)
{
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; ++i)
        if (getenv(jobs[i])) {
            (void)chirp_json_add_text(root, "job", getenv(jobs[i]));
            return;
        }
}

void chirp_scale_provenance(cJSON *root, const chirp_place *places, int ranks)
{
    cJSON *list = cJSON_AddArrayToObject(root, "places");
    int computers = 0;
    for (int r = 0; places && r < ranks; ++r) {
        char text[256];
        cJSON *place = cJSON_CreateObject();
        (void)chirp_json_add_text(place, "host", places[r].host);
        (void)cJSON_AddStringToObject(
            place, "processors", chirp_processors_text(&places[r].processors, text, sizeof text));
        (void)cJSON_AddItemToArray(list, place);
        computers = places[r].computer >= computers ? places[r].computer + 1 : computers;
    }
    (void)cJSON_AddNumberToObject(root, "computers", computers);
    (void)chirp_json_add_text(root, "mpi", chirp_parallel_library());
    add_job(root);
    add_environment(root);
}

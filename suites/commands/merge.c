/* chirpbench merge: results of several jobs of scale as one curve. */
#include "harness/base/options.h"
#include "harness/results/document.h"
#include "suites/command.h"
#include "suites/scaling/measured/merge.h"

#include <cjson/cJSON.h>
#include <stddef.h>

static int run(int argc, char **argv)
{
    const char *json = NULL;
    const chirp_option table[] = {
        {"json", CHIRP_OPTION_STRING, &json, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .required = true, .help = "the curve, a file like those of scale --json"},
    };
    const chirp_usage usage = {
        "merge", "RESULT RESULT...",
        "Merges results of chirpbench scale --json into one curve: jobs on different numbers of "
        "ranks that agree in all\nelse. Each efficiency compares with the one-rank step of its own "
        "job.",
        table, sizeof table / sizeof table[0]};
    int n = 0;
    cJSON *merged = NULL;
    chirp_status st = chirp_options_parse(&usage, argc, argv, &n);
    if (st == CHIRP_OK)
        st = chirp_scale_merge(argv + argc - n, n, &merged);
    if (st == CHIRP_OK) {
        cJSON *written = cJSON_Duplicate(merged, true);
        st = chirp_document_write(written, json);
    }
    if (st == CHIRP_OK)
        chirp_scale_merge_print(merged);
    cJSON_Delete(merged);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_merge = {"merge", "results of several scale jobs as one curve",
                                           run};

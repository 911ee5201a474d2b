/*
 * A job in which one rank goes wrong; test_faults.sh looks at how it ends.
 *     faulty early|stall|kill|crash|error|write RANK overlap|halving
 * The others wait for the gradient, as in training; `early` stops before MPI is started. A whole job would end with code 0 and "not stopped".
 */
#include "model/parallel/exchange.h"
#include "model/parallel/parallel.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void go_wrong(const char *how)
{
    if (strcmp(how, "stall") == 0)
        (void)raise(SIGSTOP);
    if (strcmp(how, "kill") == 0)
        (void)raise(SIGKILL);
    if (strcmp(how, "write") ==
        0) /* to a file system that is busy with others: longer than any rank may stall */
        (void)sleep(10);
    if (strcmp(how, "crash") == 0)
        abort();
    if (strcmp(how, "error") == 0) {
        (void)chirp_fail(CHIRP_ERR_IO, "the disk is full");
        chirp_parallel_abort(2);
    }
}

/* Whether this process will be that rank, by its launcher's word: MPI isn't started. */
static int launched_as(const char *rank)
{
    const char *told = getenv("PMI_RANK") ? getenv("PMI_RANK") : getenv("OMPI_COMM_WORLD_RANK");
    return told && strcmp(told, rank) == 0;
}

int main(int argc, char **argv)
{
    static float grad[200000]; /* too many for messages that leave before they are received */
    const chirp_exchange_tensor tensor = {"weight", 0, sizeof grad / sizeof grad[0]};
    chirp_exchange_config config = {0};
    chirp_exchange *x = NULL;
    chirp_parallel_stall_limit(2);
    if (argc == 4 && strcmp(argv[3], "halving") == 0)
        config = (chirp_exchange_config){.engine = "halving", .bucket_bytes = 65536};
    if (argc == 4 && strcmp(argv[1], "early") == 0 && launched_as(argv[2]))
        go_wrong("stall");
    if (argc != 4 || chirp_parallel_init() != CHIRP_OK ||
        chirp_exchange_create(&config, &tensor, 1, &x) != CHIRP_OK)
        return 3;
    for (int step = 0; step < 3; ++step) {
        if (step == 2 && chirp_parallel_rank() == atoi(argv[2]))
            go_wrong(argv[1]);
        if (strcmp(argv[1], "write") == 0) {
            chirp_parallel_patience(true);
            if (chirp_parallel_agree(CHIRP_OK) != CHIRP_OK)
                return 5;
            chirp_parallel_patience(false);
        }
        if (chirp_exchange_begin(x, grad) != CHIRP_OK || chirp_exchange_ready(x, 0) != CHIRP_OK ||
            chirp_exchange_finish(x, NULL) != CHIRP_OK)
            return 4;
    }
    chirp_exchange_destroy(x);
    chirp_parallel_finalize();
    printf("not stopped\n");
    return 0;
}

/** One convolution benchmark of another library: the counterpart of suites/benchmarks/kernels/conv1d_cases.h. */
#ifndef CHIRP_SUITES_BENCHMARKS_PEERS_PEER_CASES_H
#define CHIRP_SUITES_BENCHMARKS_PEERS_PEER_CASES_H

#include "harness/bench/bench.h"
#include "kernels/conv1d/conv1d.h"

/** The three passes and "forward_pool", forward with the library's max pool behind it; NULL behind the last. */
extern const char *const peer_pass_names[];

typedef struct peer_case {
    chirp_conv1d_desc desc;
    chirp_conv1d_pass pass;
    bool pooled; /**< forward and the max pool behind it */
} peer_case;

/** @param pass  index in peer_pass_names. @return false: a pool is asked for and the shape has none */
bool peer_case_make(const chirp_conv1d_desc *desc, int pass, peer_case *c);

/** Times a peer_case. */
chirp_status peer_case_run(chirp_bench *bench, const void *arg);

/** As conv1d_case_check(). */
chirp_status peer_case_check(const void *arg, double *relative_error);

#endif

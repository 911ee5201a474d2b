#include "model/training/shares.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double WORTH_A_CHANGE = 0.98;

chirp_status chirp_shares_parse(const char *text, int64_t parts, int ranks, int64_t *share)
{
    int64_t sum = 0;
    int n = 0;
    if (strcmp(text, "equal") == 0 || strcmp(text, "measured") == 0) {
        for (int r = 0; r < ranks; ++r)
            share[r] = parts / ranks;
        return CHIRP_OK;
    }
    for (const char *at = text;; ++n) {
        char *end = NULL;
        errno = 0;
        const long long value = strtoll(at, &end, 10);
        if (end == at || errno != 0 || value < 1 || value > parts || (*end != ',' && *end != '\0'))
            return chirp_fail(CHIRP_ERR_ARG,
                              "--shares %s is neither equal, measured nor a list such as 5,3",
                              text);
        if (n < ranks)
            share[n] = value;
        sum += value;
        if (*end == '\0')
            break;
        at = end + 1;
    }
    if (n + 1 != ranks || sum != parts)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--shares %s gives %d ranks %" PRId64
                          " batches; there are %d ranks and %" PRId64
                          " batches a step (ranks times --accumulate)",
                          text, n + 1, sum, ranks, parts);
    return CHIRP_OK;
}

static double last_done(const double *seconds, int ranks, const int64_t *share)
{
    double last = 0;
    for (int r = 0; r < ranks; ++r)
        last = fmax(last, (double)share[r] * seconds[r]);
    return last;
}

bool chirp_shares_balance(const double *seconds, int64_t parts, int ranks, const int64_t *share,
                          int64_t *wanted)
{
    for (int r = 0; r < ranks; ++r)
        wanted[r] = 1;
    for (int64_t left = parts - ranks; left > 0; --left) {
        int next = 0;
        for (int r = 1; r < ranks; ++r)
            if ((double)(wanted[r] + 1) * seconds[r] < (double)(wanted[next] + 1) * seconds[next])
                next = r;
        ++wanted[next];
    }
    return last_done(seconds, ranks, wanted) < WORTH_A_CHANGE * last_done(seconds, ranks, share);
}

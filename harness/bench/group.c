/* Jobs in rounds: alone, side by side with their peers, or all shuffled. */
#include "harness/bench/bench_internal.h"

#include "harness/base/hash.h"
#include "harness/base/memory.h"

chirp_status chirp_group_run(const chirp_run *run, chirp_job **jobs, size_t n, bool shuffle,
                             const chirp_group_observer *observer)
{
    uint64_t seed = 7;
    size_t *order = chirp_alloc((n + 1) * sizeof *order);
    chirp_status st = order ? CHIRP_OK : CHIRP_ERR_NOMEM;
    bool more = st == CHIRP_OK;
    for (size_t i = 0; i < n && more; ++i)
        order[i] = i;
    for (bool reverse = false; more && st == CHIRP_OK && !*run->interrupted; reverse = !reverse) {
        more = false;
        for (size_t i = n; i > 1;
             --i) { /* shuffled, or forward and reverse: none always follows the same one */
            const size_t other = shuffle ? (size_t)(chirp_splitmix64(&seed) % i) : i - 1;
            const size_t swap = order[i - 1];
            order[i - 1] = order[other];
            order[other] = swap;
        }
        for (size_t i = 0; i < n && st == CHIRP_OK && !*run->interrupted; ++i) {
            const size_t at = order[!shuffle && reverse ? n - 1 - i : i];
            if (!chirp_job_wants_more(run, jobs[at]))
                continue;
            if (observer)
                observer->started(observer->state, at);
            st = chirp_job_repeat(run, jobs[at]);
            more = true;
            if (st != CHIRP_OK)
                break;
            if (observer)
                observer->measured(observer->state, at);
            else if (run->journal)
                run->journal(run->journal_state, jobs, n);
        }
    }
    chirp_free(order);
    for (size_t i = 0; i < n && st == CHIRP_OK; ++i)
        st = jobs[i]->rows.count > 0 ? chirp_job_finish(run, jobs[i]) : CHIRP_OK;
    if (st == CHIRP_OK && run->flags->interleave_peers && n > 1)
        st = chirp_jobs_ratios(run, jobs, n);
    return st;
}

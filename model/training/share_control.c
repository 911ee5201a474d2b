#include "model/training/share_control.h"

#include "harness/base/memory.h"
#include "model/parallel/parallel.h"
#include "model/training/balancer.h"
#include "model/training/shares.h"

#include <string.h>

struct chirp_share_control {
    bool follows;
    int64_t passes;
    chirp_share own[2]; /* of the coming step and of the one after it */
    /* rank 0, NULL elsewhere */
    int64_t *now, *last;      /* [ranks] of the coming step and of the one before */
    chirp_share *share;       /* [ranks] to be sent */
    double *seconds;          /* [ranks] of a signal */
    chirp_balancer *balancer; /* when it follows */
};

/* Rank 0 sends everybody the part that begins where the one before ends. */
static chirp_status deal(chirp_share_control *c, const int64_t *signals)
{
    int64_t first = 0;
    for (int r = 0; c->share && r < chirp_parallel_size(); ++r) {
        c->share[r] = (chirp_share){first, signals[r]};
        first += c->passes * signals[r];
    }
    c->own[0] = c->own[1];
    return chirp_parallel_scatter(c->share, (int64_t)sizeof *c->share, &c->own[1], 0);
}

static chirp_status make_first(chirp_share_control *c, const char *text, int64_t batch)
{
    const int ranks = chirp_parallel_size();
    c->now = chirp_calloc((size_t)ranks, sizeof *c->now);
    c->last = chirp_calloc((size_t)ranks, sizeof *c->last);
    c->share = chirp_calloc((size_t)ranks, sizeof *c->share);
    c->seconds = chirp_calloc((size_t)ranks, sizeof *c->seconds);
    if (!c->now || !c->last || !c->share || !c->seconds)
        return CHIRP_ERR_NOMEM;
    const chirp_status st = chirp_shares_parse(text, batch, ranks, c->now);
    return st == CHIRP_OK && c->follows ? chirp_balancer_create(ranks, batch, &c->balancer) : st;
}

chirp_status chirp_share_control_create(const char *text, int64_t batch, int64_t passes,
                                        chirp_share_control **control)
{
    chirp_share_control *c = chirp_calloc(1, sizeof *c);
    chirp_status st = c ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (c) {
        c->follows = strcmp(text, "measured") == 0 && chirp_parallel_size() > 1;
        c->passes = passes;
        if (chirp_parallel_rank() == 0)
            st = make_first(c, text, batch);
    }
    st = chirp_parallel_agree(st);
    for (int ahead = 0; st == CHIRP_OK && ahead < 2; ++ahead)
        st = deal(c, c->now);
    if (st != CHIRP_OK) {
        chirp_share_control_destroy(c);
        return st;
    }
    *control = c;
    return CHIRP_OK;
}

void chirp_share_control_destroy(chirp_share_control *c)
{
    if (!c)
        return;
    chirp_balancer_destroy(c->balancer);
    chirp_free(c->now);
    chirp_free(c->last);
    chirp_free(c->share);
    chirp_free(c->seconds);
    chirp_free(c);
}

chirp_share chirp_share_control_share(const chirp_share_control *c, int ahead)
{
    return c->own[ahead];
}

chirp_status chirp_share_control_step(chirp_share_control *c, double seconds)
{
    if (!c->follows)
        return CHIRP_OK;
    const chirp_status st = chirp_parallel_gather(&seconds, (int64_t)sizeof seconds, c->seconds, 0);
    if (st != CHIRP_OK)
        return st;
    if (c->balancer) { /* a report may still show the step before: its numbers stay */
        int64_t *before = c->now;
        c->now = c->last;
        c->last = before;
        chirp_balancer_step(c->balancer, c->seconds);
        memcpy(c->now, chirp_balancer_shares(c->balancer, 0),
               (size_t)chirp_parallel_size() * sizeof *c->now);
    }
    return deal(c, c->balancer ? chirp_balancer_shares(c->balancer, 1) : NULL);
}

bool chirp_share_control_follows(const chirp_share_control *c) { return c->follows; }

const int64_t *chirp_share_control_all(const chirp_share_control *c) { return c->now; }

/* Rows of a projection acted out by the ranks of this job. */
#include "harness/base/memory.h"
#include "model/parallel/parallel.h"
#include "suites/scaling/enact.h"
#include "suites/scaling/projection.h"

/* On members of the group only. */
static chirp_status enact_row(const chirp_projection *p, chirp_projection_row *row)
{
    chirp_plan plan;
    float *factor = NULL;
    chirp_status st = chirp_plan_make(p, row->ranks, &plan);
    if (st == CHIRP_OK)
        st = chirp_projection_draw(p, &plan, row->steps, &factor);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = chirp_enact(&plan, row->steps, factor, &row->enacted, &row->enacted_bytes);
    row->has_enacted = st == CHIRP_OK;
    chirp_free(factor);
    return st;
}

chirp_status chirp_projection_enact(chirp_projection *p)
{
    chirp_status st = CHIRP_OK;
    bool some = false;
    for (int i = 0; st == CHIRP_OK && i < p->n_rows; ++i) {
        chirp_projection_row *row = &p->row[i];
        if (row->ranks < 2 || row->ranks > chirp_parallel_size())
            continue;
        some = true;
        st = chirp_parallel_group(row->ranks);
        if (st == CHIRP_OK && chirp_parallel_member())
            st = enact_row(p, row);
        const chirp_status everyone = chirp_parallel_everyone();
        st = chirp_parallel_agree(st == CHIRP_OK ? everyone : st);
    }
    if (st == CHIRP_OK && !some)
        st = chirp_fail(CHIRP_ERR_ARG,
                        "--enact: none of --nodes has 2 to %d ranks, which this job could act out; "
                        "start more with mpiexec -n N",
                        chirp_parallel_size());
    return st;
}

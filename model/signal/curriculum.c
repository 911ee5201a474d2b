#include "model/signal/curriculum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char study[] =
    "0:60-100,9000:50-80,18000:40-65,27000:30-50,36000:20-40,48000:15-35,60000:10-30";

chirp_status chirp_curriculum_parse(const char *text, chirp_curriculum *curriculum)
{
    chirp_curriculum made = {0};
    const char *at = strcmp(text, "study") == 0 ? study : text;
    while (*at) {
        if (made.n == CHIRP_CURRICULUM_STAGES)
            return chirp_fail(CHIRP_ERR_ARG, "curriculum '%.80s': more than %d stages", text,
                              CHIRP_CURRICULUM_STAGES);
        char *end;
        const char *const start = at;
        const double first = strtod(at, &end);
        double low = (double)NAN, high = (double)NAN;
        if (*end == ':') {
            low = strtod(end + 1, &end);
            if (*end == '-')
                high = strtod(end + 1, &end);
        }
        if ((*end != ',' && *end != '\0') || !(first >= 0) || !(first <= 1e12) ||
            first != floor(first) || !(low > 0) || !(high >= low) || !isfinite(high))
            return chirp_fail(
                CHIRP_ERR_ARG,
                "curriculum stage '%.40s': expected ITERATION:LEAST-LARGEST SNR, e.g. 9000:40-80",
                start);
        const uint64_t iteration = (uint64_t)first;
        if (made.n == 0 ? iteration != 0 : iteration <= made.stage[made.n - 1].first)
            return chirp_fail(CHIRP_ERR_ARG,
                              "curriculum '%.80s': iterations must begin at 0 and rise", text);
        made.stage[made.n].first = iteration;
        made.stage[made.n].snr_min = low;
        made.stage[made.n++].snr_max = high;
        at = *end == ',' ? end + 1 : end;
    }
    if (made.n == 0)
        return chirp_fail(CHIRP_ERR_ARG, "curriculum: it is empty; expected "
                                         "ITERATION:LEAST-LARGEST SNR, e.g. 0:60-100,9000:40-80");
    *curriculum = made;
    return CHIRP_OK;
}

void chirp_curriculum_signals(chirp_curriculum *curriculum, uint64_t per_iteration)
{
    for (int i = 0; i < curriculum->n; ++i)
        curriculum->stage[i].first *= per_iteration;
}

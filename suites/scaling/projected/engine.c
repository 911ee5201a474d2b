#include "suites/scaling/projected/engine.h"

#include "harness/base/text.h"

#include <stdio.h>
#include <string.h>

/* In the order in which "auto" takes them. */
static const chirp_engine *const engines[] = {&chirp_engine_simgrid, &chirp_engine_closed_form};

enum { N_ENGINES = sizeof engines / sizeof engines[0] };

const char *chirp_engine_choices(void)
{
    static char text[128];
    (void)snprintf(text, sizeof text, "auto");
    for (int i = 0; i < N_ENGINES; ++i)
        chirp_join(text, sizeof text, "|", engines[i]->name);
    return text;
}

chirp_status chirp_engine_find(const char *name, const chirp_engine **engine)
{
    const bool any = strcmp(name, "auto") == 0;
    for (int i = 0; i < N_ENGINES; ++i) {
        const bool available = engines[i]->available(NULL);
        if (!any && strcmp(engines[i]->name, name) != 0)
            continue;
        *engine = engines[i];
        if (available)
            return CHIRP_OK;
        if (!any)
            return chirp_fail(CHIRP_ERR_UNSUPPORTED, "--engine %s: this build has no %s", name,
                              engines[i]->needs);
    }
    return chirp_fail(CHIRP_ERR_ARG, "--engine %s: is none of %s", name, chirp_engine_choices());
}

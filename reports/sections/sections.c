#include "reports/sections/sections.h"

extern const chirp_section chirp_section_machine;
extern const chirp_section chirp_section_kernels;
extern const chirp_section chirp_section_ledger;
extern const chirp_section chirp_section_roofline;
extern const chirp_section chirp_section_training;
extern const chirp_section chirp_section_posterior;
extern const chirp_section chirp_section_calibration;
extern const chirp_section chirp_section_impact;
extern const chirp_section chirp_section_signal;
extern const chirp_section chirp_section_scaling;
extern const chirp_section chirp_section_other;
extern const chirp_section chirp_section_steps;

const chirp_section *const chirp_sections[] = {
    &chirp_section_machine,
    &chirp_section_kernels,
    &chirp_section_ledger,
    &chirp_section_roofline,
    &chirp_section_training,
    &chirp_section_posterior,
    &chirp_section_calibration,
    &chirp_section_impact,
    &chirp_section_signal,
    &chirp_section_scaling,
    &chirp_section_other,
    &chirp_section_steps,
    NULL,
};

void chirp_sections_draw(chirp_report *r)
{
    unsigned present = 0;
    unsigned taken = 0;
    for (size_t i = 0; i < r->results.count; ++i)
        if (r->results.file[i].root)
            present |= CHIRP_NEEDS(r->results.file[i].document.kind);
    for (size_t i = 0; chirp_sections[i]; ++i)
        taken |= chirp_sections[i]->needs | chirp_sections[i]->also;
    for (size_t i = 0; i < r->results.count; ++i)
        r->results.file[i].other = !(taken & CHIRP_NEEDS(r->results.file[i].document.kind));
    for (size_t i = 0; chirp_sections[i]; ++i) {
        const chirp_section *s = chirp_sections[i];
        if (!(present & (s->needs ? s->needs : ~taken)))
            continue;
        const chirp_section_place place = chirp_section_begin(r, s->id, s->title);
        s->draw(r);
        chirp_section_end(r, place);
    }
}

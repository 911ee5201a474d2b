/** The sections of the page. A new one is a file with its row, and that row's name in sections.c. */
#ifndef CHIRP_REPORTS_SECTIONS_SECTIONS_H
#define CHIRP_REPORTS_SECTIONS_SECTIONS_H

#include "reports/draw/draw.h"

/** A bit for a kind of document. */
#define CHIRP_NEEDS(kind) (1U << (kind))

typedef struct chirp_section {
    const char *id, *title;
    /** any of these kinds makes the section worth drawing (CHIRP_NEEDS); 0: it is about the kinds that no other section shows */
    unsigned needs;
    unsigned also; /**< kinds that it shows beside them */
    /** writes between heading and end; a section that writes nothing leaves no heading either */
    void (*draw)(chirp_report *r);
} chirp_section;

/** In the order of the page; NULL ends them. */
extern const chirp_section *const chirp_sections[];

/** Draws those that have files. */
void chirp_sections_draw(chirp_report *r);

#endif

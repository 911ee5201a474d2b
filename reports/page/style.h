/** The page's own style sheet: light and dark by the reader's setting, tables that scroll, figures that scale, print. */
#ifndef CHIRP_REPORTS_PAGE_STYLE_H
#define CHIRP_REPORTS_PAGE_STYLE_H

extern const char chirp_page_style[];

#endif

// Flame graphs as SVG: boxes with tooltips, and a small script for zoom and search. Works as a
// picture without the script.
#ifndef TACHO_RENDER_FLAME_SVG_H
#define TACHO_RENDER_FLAME_SVG_H

#include <stdint.h>

#include "base/out.h"

#define TACHO_FLAME_LEAST_SHARE 0.0001 // narrower boxes cannot be seen and are left out

struct tacho_flame {
    struct tacho_out *out;
};

struct tacho_flame_box {
    double begin, width; // shares of the whole, 0..1
    unsigned row;        // 0: the outermost, at the top
    const char *name;    // drawn in the box, cut to fit
    const char *detail;  // behind the name in the tooltip
    uint32_t colour;     // 0xrrggbb
};

void tacho_flame_begin(struct tacho_flame *flame, struct tacho_out *out, unsigned rows,
                       const char *title, const char *subtitle);
void tacho_flame_box(struct tacho_flame *flame, const struct tacho_flame_box *box);
void tacho_flame_end(struct tacho_flame *flame);
// Text with <, >, &, " escaped, control characters left out.
void tacho_xml_text(struct tacho_out *out, const char *text);
// A calm colour for a function: its module chooses the hue, its name the shade; `flags` of the
// frame.
uint32_t tacho_flame_colour(const char *name, const char *module, uint32_t flags);

#endif

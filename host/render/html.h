// The frame of an HTML page that carries its data, style and script; internal to host/render.
#ifndef TACHO_RENDER_HTML_H
#define TACHO_RENDER_HTML_H

#include "base/out.h"
#include "render/flame_svg.h"

struct tacho_html_script {
    const void *text;
    size_t size;
};

// Writes the page: `json` becomes the element #data, the scripts draw it into <main>.
void tacho_html_page(struct tacho_out *out, const char *title, const struct tacho_buffer *json,
                     const struct tacho_html_script *scripts, size_t script_count);
void tacho_html_write_script_data(struct tacho_out *out, const struct tacho_buffer *json);

#endif

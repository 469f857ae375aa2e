// The members of a difference in JSON, shared with the HTML page; internal to host/render.
#ifndef TACHO_RENDER_DIFF_JSON_H
#define TACHO_RENDER_DIFF_JSON_H

#include "base/json_writer.h"
#include "render/diff_report.h"

// Into an open object: before, after, metrics, functions (at most `top`, 0: all), zones.
void tacho_diff_json_members(struct tacho_json *json, const struct tacho_diff *diff, size_t top);

#endif

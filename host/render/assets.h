// The files of html/ that reports carry, embedded at build time (see embed.cmake).
#ifndef TACHO_RENDER_ASSETS_H
#define TACHO_RENDER_ASSETS_H

#include <stddef.h>

extern const unsigned char tacho_asset_flame_js[]; // zoom and search of an SVG flame graph
extern const size_t tacho_asset_flame_js_size;
extern const unsigned char tacho_asset_report_css[];
extern const size_t tacho_asset_report_css_size;
// The pages, part by part.
extern const unsigned char tacho_asset_page_js[];
extern const size_t tacho_asset_page_js_size;
extern const unsigned char tacho_asset_flame_graph_js[];
extern const size_t tacho_asset_flame_graph_js_size;
extern const unsigned char tacho_asset_timeline_js[];
extern const size_t tacho_asset_timeline_js_size;
extern const unsigned char tacho_asset_report_js[];
extern const size_t tacho_asset_report_js_size;
extern const unsigned char tacho_asset_diff_js[];
extern const size_t tacho_asset_diff_js_size;

#endif

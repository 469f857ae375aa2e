// Flat rankings of a call tree: functions by self or total weight, who calls a function, whom it
// calls.
#ifndef TACHO_ANALYZE_HOTSPOTS_H
#define TACHO_ANALYZE_HOTSPOTS_H

#include "analyze/calltree.h"

enum tacho_hotspot_order { TACHO_BY_SELF, TACHO_BY_TOTAL };

struct tacho_hotspot {
    uint32_t function; // index; TACHO_NO_INDEX: the root, that is "nothing calls it"
    int64_t self, total;
    uint64_t samples;
};

struct tacho_hotspots {
    TACHO_ARRAY(struct tacho_hotspot) items; // heaviest first; equal weights by name
    size_t found;                            // before `top` cut the list
};

// Functions with weight whose name matches (NULL: all), at most `top` (0: all).
void tacho_hotspots_build(struct tacho_hotspots *hotspots, const struct tacho_calltree *tree,
                          enum tacho_hotspot_order order, const char *pattern, size_t top);
// The functions that call, or are called by, those that match `pattern`: `total` is the weight that
// passes through the call, recursion counted once, `self` is 0 for callers and the callee's own
// weight below the caller for callees.
void tacho_callers_build(struct tacho_hotspots *callers, const struct tacho_calltree *tree,
                         const char *pattern);
void tacho_callees_build(struct tacho_hotspots *callees, const struct tacho_calltree *tree,
                         const char *pattern);
void tacho_hotspots_release(struct tacho_hotspots *hotspots);

// One caller-callee pair of the call graph.
struct tacho_call_edge {
    uint32_t caller, callee; // functions
    int64_t total;           // recursion counted once
};
struct tacho_call_edges {
    TACHO_ARRAY(struct tacho_call_edge) items; // heaviest first
};
void tacho_call_edges_build(struct tacho_call_edges *edges, const struct tacho_calltree *tree);
void tacho_call_edges_release(struct tacho_call_edges *edges);

#endif

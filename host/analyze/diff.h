// Two runs side by side: functions, metrics and zones, matched by name, and the two call trees laid
// over each other.
#ifndef TACHO_ANALYZE_DIFF_H
#define TACHO_ANALYZE_DIFF_H

#include "analyze/calltree.h"
#include "analyze/metric_summary.h"
#include "analyze/zones.h"

struct tacho_diff_function {
    const char *name, *module;
    int64_t before_self, after_self, before_total, after_total;
    double share_before, share_after; // of self in the whole profile, 0..1
    double share_delta;
};

struct tacho_diff_metric {
    const char *name, *subject, *unit;
    uint8_t direction;
    double before, after, delta,
        relative; // gauges: means; counters: totals; relative NaN: before is 0
};

struct tacho_diff_zone {
    const char *name;
    struct tacho_statistics before, after; // count 0: not there
};

struct tacho_diff_node {
    const char *name, *module;
    uint32_t parent, first_child, next_sibling, depth, flags;
    int64_t before_self, after_self, before_total, after_total;
};

struct tacho_diff {
    const struct tacho_run *before, *after;
    struct tacho_calltree before_tree, after_tree;
    TACHO_ARRAY(struct tacho_diff_function) functions; // greatest change of share first
    TACHO_ARRAY(struct tacho_diff_metric) metrics;     // subject "run" and "host"
    TACHO_ARRAY(struct tacho_diff_zone) zones;         // in the order of the run after
    TACHO_ARRAY(struct tacho_diff_node) nodes;         // node 0 is the root
    struct tacho_zones before_zones, after_zones;
};

// `profile` as for tacho_profile_find; a run without it takes part with an empty tree. `filter` may
// be NULL. The runs must outlive the difference.
void tacho_diff_build(struct tacho_diff *diff, const struct tacho_run *before,
                      const struct tacho_run *after, const char *profile,
                      const struct tacho_profile_filter *filter);
void tacho_diff_release(struct tacho_diff *diff);

// As tacho_calltree_next, over diff->nodes.
uint32_t tacho_diff_next(const struct tacho_diff *diff, uint32_t at);

#endif

// The zones of a run with their threads merged.
#ifndef TACHO_ANALYZE_ZONES_H
#define TACHO_ANALYZE_ZONES_H

#include "analyze/statistics.h"
#include "run/model.h"

struct tacho_zone_summary {
    uint32_t zone; // index
    uint32_t threads, sampled_one_in;
    double total_ns, self_ns;
    struct tacho_statistics time_ns; // of one execution, in nanoseconds
    uint32_t sub_bucket_bits;
    TACHO_ARRAY(struct tacho_histogram_bucket) buckets; // ascending
};

struct tacho_zones {
    TACHO_ARRAY(struct tacho_zone_summary) items; // greatest total time first
};

// From the statistics where the run has them, else from the spans. `pid` and `tid` 0: all.
void tacho_zones_build(struct tacho_zones *zones, const struct tacho_run *run, uint32_t pid,
                       uint32_t tid);
void tacho_zones_release(struct tacho_zones *zones);

#endif

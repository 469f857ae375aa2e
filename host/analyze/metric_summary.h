// One metric series in a few numbers.
#ifndef TACHO_ANALYZE_METRIC_SUMMARY_H
#define TACHO_ANALYZE_METRIC_SUMMARY_H

#include "analyze/statistics.h"
#include "run/model.h"

struct tacho_metric_summary {
    const struct tacho_run_series *series;
    struct tacho_statistics values; // gauges: of the samples; counters: of the rates between them
    double first, last;             // the first and last sample that is a number
    double increase;                // counters: last - first, drops (a restart) left out; else NaN
    double rate;                    // counters: increase per second of time covered; else NaN
    double growth; // gauges: median of the last quarter - median of the first; NaN: < 8 samples
    double slope;  // gauges: robust (Theil-Sen) slope per second; NaN: < 8 samples
    int64_t max_time_ns; // when the maximum was seen
};

void tacho_metric_summary_build(struct tacho_metric_summary *summary,
                                const struct tacho_run_series *series);

// The robust slope per second: the median of the slopes between all pairs, of at most 128 points
// evenly taken; NaN for fewer than two instants.
double tacho_slope_robust(const int64_t *time_ns, const double *value, size_t count);

#endif

// Where a metric's history changed its level, where single values stick out, and whether the last
// change was for the worse.
//
// Change points by E-divisive: the split of a stretch that sets the two sides farthest apart in
// energy distance, tested by shuffling the stretch; then the same within each side. No distribution
// is assumed, and a change of spread is found as well as one of level. It looks at history offline:
// a gate compares two samples (compare.h), as a change point needs values after it.
// Sources: Matteson and James, JASA 109, 2014; spikes: Hampel, JASA 69, 1974 (median and median
// deviation of the neighbours).
#ifndef TACHO_ANALYZE_CHANGE_POINTS_H
#define TACHO_ANALYZE_CHANGE_POINTS_H

#include <stddef.h>
#include <stdint.h>

#include "run/record.h"

#define TACHO_CHANGE_HISTORY_MAX 200 // of longer histories only the last values are looked at

struct tacho_change_rule { // zero is the default of each
    double probability;    // of such a split by chance: 0.001
    size_t stretch_min;    // values on each side of a change: 5, and never fewer than 3
    double change_min;     // relative change of the median that is reported: 0
    uint64_t seed;         // of the shuffles
};

struct tacho_change_point {
    size_t index;         // of the first value after the change, in what was given
    double before, after; // medians of the stretches on both sides
    double change;        // relative: 0.1 is 10 % more; infinite from 0
    double probability;   // upper bound, from the shuffles
};

// Writes up to `room` change points in ascending order and returns how many were written; 0 also if
// there are fewer than 10 finite values or 2 stretches (T19). NaN and infinity are left
// out. The same seed gives the same points. Time: O(n^2) for each shuffle; a stretch
// without a change needs a few, each change 2,000.
size_t tacho_change_points_find(const double *values, size_t count,
                                const struct tacho_change_rule *rule,
                                struct tacho_change_point *points, size_t room);

struct tacho_spike {
    size_t index;
    double value, usual; // the median of its neighbours
};

// Single values that are more than `deviations` (0: 5) scaled median deviations from the median of
// the `reach` (0: 5) values on each side and themselves. Neighbours that are all equal make any
// other value a spike. Writes up to `room`, returns how many were written. Time: O(n reach).
size_t tacho_spikes_find(const double *values, size_t count, size_t reach, double deviations,
                         struct tacho_spike *spikes, size_t room);

enum tacho_degradation {
    TACHO_DEGRADATION_INSUFFICIENT, // fewer than 10 finite values
    TACHO_DEGRADATION_NONE,
    TACHO_DEGRADATION_STEP,  // the last change point was for the worse
    TACHO_DEGRADATION_DRIFT, // no step, but a steady trend for the worse
};

// Whether the history ends worse than it was by more than `share` (0: 0.02) of its level; `change`
// is by how much (+ is more), NaN if insufficient. `direction` is enum tacho_direction.
enum tacho_degradation tacho_degradation_find(const double *values, size_t count, uint8_t direction,
                                              double share, double *change);

#endif

// What grew: whether a series rises as a leak does, rather than warms up, saws or wanders.
//
// The idea: collectors, caches and allocators make a healthy series saw, so its floor is looked at,
// not its values. The run is cut into 12 windows of equal length and the lowest value of each is
// taken; the floors must rise steadily (Mann-Kendall, one-sided, p < 0.01), by more than 3 % and an
// absolute floor, and the second half must rise at least half as fast as the whole (else it is
// warm-up). Bound: O(n + 12^2). Sources: Theil-Sen and Mann-Kendall as in any text on robust
// trends; floors instead of values after Machida et al., ISSREW 2013.
#ifndef TACHO_ANALYZE_GROWTH_H
#define TACHO_ANALYZE_GROWTH_H

#include "run/model.h"

enum tacho_growth_verdict {
    TACHO_GROWTH_UNKNOWN, // not enough data: see `samples`
    TACHO_GROWTH_NONE,
    TACHO_GROWTH_SETTLED, // it rose, and then it stopped rising
    TACHO_GROWTH_STEADY,
};

#define TACHO_GROWTH_WINDOWS     12
#define TACHO_GROWTH_SAMPLES_MIN 24

struct tacho_growth {
    const struct tacho_run_series *series;
    enum tacho_growth_verdict verdict;
    size_t samples;
    double from, to;              // the first and last floor
    double slope;                 // per second, of the floors
    double slope_low, slope_high; // the middle 90 % of the slopes between pairs of floors
    double probability;           // of floors rising so by chance (Mann-Kendall)
};

// `least` is the smallest increase worth a word, in the series' unit.
void tacho_growth_build(struct tacho_growth *growth, const struct tacho_run_series *series,
                        double least);

#endif

// Whether memory leaks: whether the floor of a series rises steadily, and goes on doing so.
//
// The idea: collectors, caches and allocators make a healthy series saw, so its floor is looked at,
// not its values. One horizon is cut into windows of equal length, each at least one full cycle of
// reclaiming, and the lowest value of each is taken. The horizon rises if its floors rise
// (Mann-Kendall, one-sided), by more than a share and an absolute floor, and its second half at
// least half as fast as the whole, else it is warm-up. It is a leak if the next horizon rises, too.
// Sources: Machida et al., ISSREW 2013 (raw Mann-Kendall is prone to false alarms); Matias et al.,
// 2016 (heap in use tells more than resident memory).
#ifndef TACHO_ANALYZE_LEAK_H
#define TACHO_ANALYZE_LEAK_H

#include <stddef.h>

#define TACHO_LEAK_WINDOWS 12
#define TACHO_LEAK_SAMPLES 24 // of a horizon at least: two a window

enum tacho_leak_verdict {
    TACHO_LEAK_INSUFFICIENT, // see samples
    TACHO_LEAK_NONE,
    TACHO_LEAK_SETTLED,   // it rose, and then stopped
    TACHO_LEAK_SUSPECTED, // one horizon rises, the next is not known or has yet to agree
    TACHO_LEAK_FOUND,     // two horizons in a row rise
};

struct tacho_leak_rule { // zero is the default of each
    size_t windows;      // of a horizon: 12, and never fewer
    double probability;  // one-sided: 0.01
    double growth_min;   // over a horizon, relative: 0.03
    double units_min;    // and in the series' unit: 0
    double late_share;   // slope of the second half to the whole: 0.5
    double limit;        // where it ends, for the time left; 0 or NaN: not known
};

// One horizon, or the whole of a series.
struct tacho_leak {
    enum tacho_leak_verdict verdict;
    size_t samples;
    double from, to;              // the line through the floors, at its ends
    double growth;                // relative to from
    double slope, late_slope;     // per unit of x: of the floors, of their second half
    double slope_low, slope_high; // the slope's interval, 95 %
    double probability;           // of floors rising so by chance
    double time_to_limit, time_to_limit_low, time_to_limit_high; // from the last x; NaN: no limit
};

// One horizon: none, settled, suspected. NaN and infinity are left out.
void tacho_leak_horizon(const double *x, const double *y, size_t count,
                        const struct tacho_leak_rule *rule, struct tacho_leak *leak);

// The whole series as two horizons in a row; a series too short for two is one horizon, which can
// only be suspected. The figures are those of the whole. `x` ascends.
void tacho_leak_build(const double *x, const double *y, size_t count,
                      const struct tacho_leak_rule *rule, struct tacho_leak *leak);

const char *tacho_leak_verdict_name(enum tacho_leak_verdict verdict);

#endif

// Whether a series rises or falls, how fast, and how sure that is.
//
// Theil-Sen slope (the median of the slopes of all pairs) and the Mann-Kendall test (how often the
// later of two values is the larger): no distribution is assumed, one bad value changes little.
// Plain Mann-Kendall takes neighbouring values for independent and calls wandering series trends;
// use tacho_leak_build() for memory, or `autocorrelated`.
// Sources: Sen, JASA 63, 1968; Kendall, Rank Correlation Methods; Hamed and Rao, J. Hydrology 204,
// 1998; Machida et al., ISSREW 2013, on false alarms.
#ifndef TACHO_ANALYZE_TREND_H
#define TACHO_ANALYZE_TREND_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/ranks.h"

#define TACHO_TREND_COUNT_MIN 10   // fewer values are insufficient data (T19)
#define TACHO_TREND_COUNT_MAX 1000 // more are taken together: medians of neighbours

enum tacho_trend_verdict {
    TACHO_TREND_INSUFFICIENT,
    TACHO_TREND_NONE,
    TACHO_TREND_RISING,
    TACHO_TREND_FALLING,
};

struct tacho_trend_rule { // zero is the default of each
    double probability;   // two-sided significance: 0.01
    double level;         // of the slope's interval: 0.95
    bool autocorrelated;  // widen the variance after Hamed and Rao; never exact then
};

struct tacho_trend {
    enum tacho_trend_verdict verdict;
    size_t count;                 // values that were finite
    size_t used;                  // after taking neighbours together
    double slope;                 // per unit of x; NaN: fewer than two different x
    double slope_low, slope_high; // NaN where the values bound nothing
    double intercept;             // of the line at x = 0
    double first, last;           // the line at the first and the last x
    double score;                 // Kendall's S: pairs that rise less pairs that fall
    double probability;           // of such an S without a trend, two-sided
    double probability_rising;    // of an S at least so large
    double variance_factor;       // by autocorrelation; 1 without
    enum tacho_rank_method method;
};

// `x` need not ascend and `y` may hold NaN and infinity, which are left out. The figures are set
// from two values up; below TACHO_TREND_COUNT_MIN the verdict is insufficient all the same. Exact
// up to TACHO_RANK_EXACT_MAX values with different x. Time: O(n^2 log n), n at most
// TACHO_TREND_COUNT_MAX.
void tacho_trend_build(const double *x, const double *y, size_t count,
                       const struct tacho_trend_rule *rule, struct tacho_trend *trend);

// How long until the line through `level` reaches `limit` at `slope`: 0 if it is there, infinite if
// it never will.
double tacho_trend_time_to(double level, double limit, double slope);

const char *tacho_trend_verdict_name(enum tacho_trend_verdict verdict); // "insufficient data"

#endif

// Whether a sample got worse than its base: effect and significance together make the verdict.
//
// A regression needs all of: enough values, a rank test below `probability`, and a shift beyond
// max(threshold, 2 x the machine's own noise). No change needs the whole interval inside that
// limit. All else is inconclusive, with the reason: a verdict is never better than the data.
#ifndef TACHO_ANALYZE_COMPARE_H
#define TACHO_ANALYZE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/ranks.h"
#include "run/record.h"

enum tacho_comparison_verdict {
    TACHO_COMPARISON_INCONCLUSIVE, // zero: an unset result claims nothing
    TACHO_COMPARISON_NO_CHANGE,
    TACHO_COMPARISON_IMPROVEMENT,
    TACHO_COMPARISON_REGRESSION,
};

// Why a verdict is what it is.
enum tacho_comparison_reason {
    TACHO_REASON_NO_VALUES,     // a side has none
    TACHO_REASON_TOO_FEW,       // fewer than count_min on a side
    TACHO_REASON_LOST,          // too many values are missing: NaN or infinite
    TACHO_REASON_UNREACHABLE,   // so few values, or so many equal ones, cannot be significant
    TACHO_REASON_NOISY,         // neither a difference nor its absence is shown
    TACHO_REASON_BELOW_LIMIT,   // it differs, but perhaps by no more than the limit
    TACHO_REASON_NO_DIRECTION,  // it changed, and neither direction is better
    TACHO_REASON_MANY,          // not significant among so many comparisons (Holm)
    TACHO_REASON_NOT_CONFIRMED, // the rerun says otherwise
    TACHO_REASON_WITHIN_LIMIT,  // no change: the whole interval is inside the limit
    TACHO_REASON_EQUAL,         // no change: an exact metric has the same value
    TACHO_REASON_EXACT,         // an exact metric differs by more than its threshold
    TACHO_REASON_EXACT_BELOW,   // no change: an exact metric differs, by no more than that
    TACHO_REASON_SIGNIFICANT,   // significant and beyond the limit
};

enum tacho_comparison_flag {
    TACHO_COMPARISON_CHANGED = 1 << 0,           // an exact metric differs at all
    TACHO_COMPARISON_CONSTANT = 1 << 1,          // a side has no variance: is the clock too coarse?
    TACHO_COMPARISON_NOT_DETERMINISTIC = 1 << 2, // said to be exact, but it varies: tested instead
    TACHO_COMPARISON_SOME_LOST = 1 << 3,         // values that are not finite were left out
    TACHO_COMPARISON_NOISE_UNKNOWN = 1 << 4,     // the machine's own noise was not measured
};

// How samples are judged; zero is the default of each.
struct tacho_compare_rule {
    uint8_t direction;      // enum tacho_direction
    bool exact;             // a deterministic count: any difference is real
    double threshold;       // relative change that matters: 0.02, exact 0.001; negative: none
    double threshold_units; // and the change in the metric's unit that matters: 0
    double noise;           // relative A/A noise of this machine; 0 or NaN: not measured
    double probability;     // significance: 0.01
    size_t count_min;       // values a side: 5 and never fewer; exact 2
    double lost_share_max;  // of values that are not finite: 0.1
};

struct tacho_comparison {
    enum tacho_comparison_verdict verdict;
    enum tacho_comparison_reason reason;
    unsigned flags;                 // enum tacho_comparison_flag
    size_t base_count, new_count;   // finite values
    size_t base_lost, new_lost;     // the others
    double base_median, new_median; // NaN: no values
    double difference;              // Hodges-Lehmann shift, in the metric's unit; + is more
    double difference_low, difference_high;
    double change;                  // relative: 0.05 is 5 % more; infinite from a base of 0
    double change_low, change_high; // NaN where the sample bounds nothing
    double limit;                   // the relative change that had to be exceeded
    double probability;             // of the rank test; NaN for exact metrics
    double probability_adjusted;    // after tacho_compare_holm(), else the same
    double probability_limit;       // that it had to be below
    double probability_smallest;    // that this sample could reach at best
    enum tacho_rank_method method;
};

// Holds `new` against `base`. If all values are positive the change is that of the ratios (shift of
// the logarithms), else the shift relative to the base's median. Never fails; whatever the values
// are, the result is set. Time: as tacho_rank_test_build().
void tacho_compare_samples(const double *base, size_t base_count, const double *new_values,
                           size_t new_count, const struct tacho_compare_rule *rule,
                           struct tacho_comparison *result);

// Many comparisons at once: adjusts their probabilities (Holm, Scand. J. Stat. 6, 1979) and takes
// back the verdicts that are not significant any more. Exact metrics do not count. Choose the
// family with care: with n values a side nothing below 2 / C(2n, n) can be reached, so 10 and 10
// values support at most 923 comparisons.
void tacho_compare_holm(struct tacho_comparison *results, size_t count);

// A verdict after a rerun: a regression or improvement stays only if the rerun says the same, or is
// merely noisy while its shift is beyond the limit the same way at p < 0.05. It keeps most
// true findings; simulated, two of 10,000 comparisons of a program with itself passed.
void tacho_compare_confirm(struct tacho_comparison *first, const struct tacho_comparison *rerun);

// The machine's own noise from the changes that comparisons of a program with itself showed: the
// median of their sizes. NaN if fewer than 5 are finite.
double tacho_compare_noise(const double *changes, size_t count);

struct tacho_compare_summary {
    size_t regressions, improvements, no_changes, inconclusive;
    double ratio; // geometric mean of 1 + change; NaN: none has a ratio
    size_t ratio_count;
};
void tacho_compare_summarise(const struct tacho_comparison *results, size_t count,
                             struct tacho_compare_summary *summary);

const char *tacho_comparison_verdict_name(enum tacho_comparison_verdict verdict); // "no change"
// One sentence without a full stop.
const char *tacho_comparison_reason_text(enum tacho_comparison_reason reason);

#endif

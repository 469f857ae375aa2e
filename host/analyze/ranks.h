// Two samples held against each other by rank: are they different, by how much, how sure is that.
//
// No distribution is assumed: times have long tails, and one bad value must not decide. All
// functions take finite values (leave out NaN and infinity before), copy what they need, and are
// deterministic.
// Sources: Mann and Whitney, Ann. Math. Stat. 18, 1947; Hodges and Lehmann, Ann. Math. Stat. 34,
// 1963; the interval by ranks: Hollander, Wolfe, Chicken, Nonparametric Statistical Methods, 4.3.
#ifndef TACHO_ANALYZE_RANKS_H
#define TACHO_ANALYZE_RANKS_H

#include <stddef.h>
#include <stdint.h>

// Up to this many values a side the distribution is counted, beyond it is approximated.
#define TACHO_RANK_EXACT_MAX      50
#define TACHO_RANK_EXACT_TIED_MAX 30 // with ties: counting them takes longer

enum tacho_rank_method {
    TACHO_RANK_NONE,   // a side is empty
    TACHO_RANK_EXACT,  // every arrangement counted, ties as they are
    TACHO_RANK_NORMAL, // normal approximation, corrected for ties and continuity
};

struct tacho_rank_test {
    double u;           // pairs in which b is larger, and half of those that are equal
    double probability; // two-sided; NaN: a side is empty
    double smallest;    // the smallest probability that samples of these sizes and ties can reach
    enum tacho_rank_method method;
    size_t tied; // values that have an equal one
};

// Whether `a` and `b` come from the same distribution (Mann-Whitney). Two-sided: the share of the
// arrangements in which U is at least as far from its mean. Time: exact without ties O(n^2 m),
// with ties O((n + m) n^2 m), under a millisecond for 30 and 30; beyond O(n log n).
void tacho_rank_test_build(const double *a, size_t a_count, const double *b, size_t b_count,
                           struct tacho_rank_test *test);

struct tacho_shift {
    double value;     // the median of all differences b - a (Hodges-Lehmann); NaN: a side is empty
    double low, high; // its interval; NaN where so few values bound nothing at this level
    double level;     // of the interval, as asked
    enum tacho_rank_method method;
};

// By how much `b` is larger than `a`. `level` is 0.5 to 1, as 0.99. The interval without ties is
// the exact inversion of the test: it excludes 0 exactly if probability <= 1 - level; with ties it
// is wider. Time: O((n + m) log); no table of differences is made.
void tacho_shift_build(const double *a, size_t a_count, const double *b, size_t b_count,
                       double level, struct tacho_shift *shift);

// What a bootstrap repeats: a figure of two samples, which the function may reorder.
typedef double tacho_bootstrap_figure(double *a, size_t a_count, double *b, size_t b_count);

double tacho_figure_of_medians(double *a, size_t a_count, double *b, size_t b_count); // b - a
double tacho_figure_of_means(double *a, size_t a_count, double *b, size_t b_count);   // b - a

struct tacho_bootstrap {
    double value, low, high; // NaN: a side has fewer than two values
};

// The percentile interval of `figure` over `rounds` resamplings (Efron, Ann. Stat. 7, 1979). The
// same seed gives the same interval. Time: O(rounds (n + m)).
void tacho_bootstrap_build(const double *a, size_t a_count, const double *b, size_t b_count,
                           tacho_bootstrap_figure *figure, double level, size_t rounds,
                           uint64_t seed, struct tacho_bootstrap *bootstrap);

// The standard normal distribution: the share above `z`, and the z that has `share` above it.
double tacho_normal_above(double z);
double tacho_normal_quantile_above(double share);

#endif

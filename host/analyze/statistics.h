// Statistics of a sample, from its raw values or from a log-linear histogram.
//
// A quantile that the sample cannot support is NaN, which every renderer shows as n/a: p90 needs 10
// values, p95 20, p99 100, p99.9 1,000 (that is 1 / (1 - q)). p50 needs one.
#ifndef TACHO_ANALYZE_STATISTICS_H
#define TACHO_ANALYZE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/record.h"

enum tacho_quantile {
    TACHO_P50,
    TACHO_P90,
    TACHO_P95,
    TACHO_P99,
    TACHO_P999,
    TACHO_QUANTILE_COUNT,
};

extern const double tacho_quantile_value[TACHO_QUANTILE_COUNT];
extern const char *const tacho_quantile_name[TACHO_QUANTILE_COUNT]; // "p50" ... "p99_9"

struct tacho_statistics {
    uint64_t count, errors;
    double mean, deviation, min, max, last; // NaN when there is no value; deviation needs two
    double quantile[TACHO_QUANTILE_COUNT];
};

// Whether `count` values say anything about the quantile `q`.
bool tacho_quantile_supported(double q, uint64_t count);

// NaN values are left out. Time: O(n log n); takes memory for a copy.
void tacho_statistics_of_values(const double *values, size_t count, struct tacho_statistics *out);

// What is known of a sample besides its histogram.
struct tacho_histogram_totals {
    uint64_t count, errors;
    double sum, min, max, last; // NaN: not known
};
// Quantiles and deviation come from the buckets' middles (their error is half a bucket), count,
// mean, extremes from `totals`; quantiles are kept within [min, max]. `buckets` ascending.
void tacho_statistics_of_histogram(const struct tacho_histogram_bucket *buckets,
                                   size_t bucket_count, uint32_t sub_bucket_bits,
                                   const struct tacho_histogram_totals *totals,
                                   struct tacho_statistics *out);

// The median of `values`, which is reordered; NaN for none.
double tacho_median(double *values, size_t count);

#endif

// Statistics of a sample, from its raw values or from a log-linear histogram.
#include "analyze/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "tacho/histogram.h"

const double tacho_quantile_value[TACHO_QUANTILE_COUNT] = {0.50, 0.90, 0.95, 0.99, 0.999};
const char *const tacho_quantile_name[TACHO_QUANTILE_COUNT] = {"p50", "p90", "p95", "p99", "p99_9"};

bool tacho_quantile_supported(double q, uint64_t count)
{
    // One value in 1 / (1 - q) lies beyond the quantile; with fewer values it would be the maximum.
    return count > 0 && (q <= 0.5 || (double)count * (1 - q) >= 1 - 1e-9);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void statistics_clear(struct tacho_statistics *out)
{
    memset(out, 0, sizeof *out);
    out->mean = out->deviation = out->min = out->max = out->last = NAN;
    for (int i = 0; i < TACHO_QUANTILE_COUNT; i++)
        out->quantile[i] = NAN;
}

// The smallest value that at least the share q of the sample does not exceed (nearest rank).
static size_t rank_of(double q, uint64_t count)
{
    double rank = ceil(q * (double)count - 1e-9);

    return rank < 1 ? 0 : (size_t)rank - 1;
}

void tacho_statistics_of_values(const double *values, size_t count, struct tacho_statistics *out)
{
    double *sorted, mean = 0, squares = 0;
    size_t n = 0, capacity = 0;

    statistics_clear(out);
    sorted = tacho_array_grow(NULL, &capacity, count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        sorted[n++] = values[i];
        // Welford's update: no cancellation for large values with little spread.
        double delta = values[i] - mean;
        mean += delta / (double)n;
        squares += delta * (values[i] - mean);
        out->last = values[i];
    }
    out->count = n;
    if (n > 0) {
        qsort(sorted, n, sizeof *sorted, by_value);
        out->mean = mean;
        out->min = sorted[0];
        out->max = sorted[n - 1];
        if (n > 1)
            out->deviation = sqrt(squares / (double)(n - 1));
        for (int i = 0; i < TACHO_QUANTILE_COUNT; i++) {
            if (tacho_quantile_supported(tacho_quantile_value[i], n))
                out->quantile[i] = sorted[rank_of(tacho_quantile_value[i], n)];
        }
    }
    free(sorted);
}

static double bucket_middle(uint32_t bucket, uint32_t bits)
{
    double low = (double)tacho_histogram_low(bits, bucket);
    double high = (double)tacho_histogram_low(bits, bucket + 1);

    return high > low + 1 ? (low + high) / 2 : low;
}

static double within(double value, double low, double high)
{
    if (value < low)
        return low;
    return value > high ? high : value;
}

void tacho_statistics_of_histogram(const struct tacho_histogram_bucket *buckets,
                                   size_t bucket_count, uint32_t sub_bucket_bits,
                                   const struct tacho_histogram_totals *totals,
                                   struct tacho_statistics *out)
{
    uint64_t counted = 0, seen = 0;
    double squares = 0;
    int next = 0;

    statistics_clear(out);
    out->count = totals->count;
    out->errors = totals->errors;
    if (totals->count == 0)
        return;
    out->mean = totals->sum / (double)totals->count;
    out->min = totals->min;
    out->max = totals->max;
    out->last = totals->last;
    for (size_t i = 0; i < bucket_count; i++)
        counted += buckets[i].count;
    // A run may come from a damaged file: bits that no histogram has.
    if (sub_bucket_bits < 1 || sub_bucket_bits > 16 || counted == 0)
        return;
    for (size_t i = 0; i < bucket_count; i++) {
        double middle = bucket_middle(buckets[i].bucket, sub_bucket_bits);

        middle = within(middle, totals->min, totals->max);
        squares += (double)buckets[i].count * (middle - out->mean) * (middle - out->mean);
        seen += buckets[i].count;
        while (next < TACHO_QUANTILE_COUNT && seen > rank_of(tacho_quantile_value[next], counted)) {
            if (tacho_quantile_supported(tacho_quantile_value[next], counted))
                out->quantile[next] = middle;
            next++;
        }
    }
    if (counted > 1)
        out->deviation = sqrt(squares / (double)(counted - 1));
}

double tacho_median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof *values, by_value);
    if (count % 2 == 1)
        return values[count / 2];
    return (values[count / 2 - 1] + values[count / 2]) / 2;
}

// What grew: whether a series rises as a leak does, rather than warms up, saws or wanders.
#include "analyze/growth.h"

#include <math.h>
#include <string.h>

#include "analyze/statistics.h"

#define WINDOWS TACHO_GROWTH_WINDOWS
#define PAIRS   (WINDOWS * (WINDOWS - 1) / 2)

struct floors {
    double value[WINDOWS], seconds[WINDOWS];
    size_t count;
};

static void floors_find(struct floors *floors, const struct tacho_run_series *series)
{
    double begin = (double)series->time_ns[0];
    double span = (double)series->time_ns[series->count - 1] - begin;

    floors->count = 0;
    for (size_t i = 0, window = 0; window < WINDOWS; window++) {
        double end = begin + span * (double)(window + 1) / WINDOWS;
        double lowest = NAN;
        int64_t at = 0;

        for (; i < series->count && ((double)series->time_ns[i] < end || window == WINDOWS - 1);
             i++) {
            double value =
                series->reduced && series->low != NULL ? series->low[i] : series->value[i];

            if (!isnan(value) && (isnan(lowest) || value < lowest)) {
                lowest = value;
                at = series->time_ns[i];
            }
        }
        if (!isnan(lowest)) {
            floors->value[floors->count] = lowest;
            floors->seconds[floors->count++] = ((double)at - begin) / 1e9;
        }
    }
}

// The chance that values without a trend rise at least so often (normal approximation, ties
// corrected).
static double rising_probability(const double *value, size_t count)
{
    double n = (double)count, variance = n * (n - 1) * (2 * n + 5) / 18;
    int score = 0;

    for (size_t i = 0; i < count; i++) {
        size_t equal = 1;
        bool first = true;

        for (size_t j = 0; j < i; j++)
            first = first && !(value[j] >= value[i] && value[j] <= value[i]);
        for (size_t j = i + 1; j < count; j++) {
            score += (value[j] > value[i]) - (value[j] < value[i]);
            equal += value[j] >= value[i] && value[j] <= value[i];
        }
        if (first && equal > 1) {
            double t = (double)equal;

            variance -= t * (t - 1) * (2 * t + 5) / 18;
        }
    }
    if (score <= 0 || variance <= 0)
        return 1;
    return 0.5 * erfc((score - 1) / sqrt(variance) / sqrt(2));
}

static double slope_between(const struct floors *floors, size_t begin, size_t end, double *low,
                            double *high)
{
    double slopes[PAIRS], median;
    size_t count = 0;

    for (size_t i = begin; i < end; i++) {
        for (size_t j = i + 1; j < end; j++) {
            double seconds = floors->seconds[j] - floors->seconds[i];

            if (seconds > 0)
                slopes[count++] = (floors->value[j] - floors->value[i]) / seconds;
        }
    }
    median = tacho_median(slopes, count);
    if (count > 0 && low != NULL && high != NULL) {
        *low = slopes[count / 20];
        *high = slopes[count - 1 - count / 20];
    }
    return median;
}

void tacho_growth_build(struct tacho_growth *growth, const struct tacho_run_series *series,
                        double least)
{
    struct floors floors;
    double late, rise;

    memset(growth, 0, sizeof *growth);
    growth->series = series;
    growth->from = growth->to = growth->slope = NAN;
    growth->slope_low = growth->slope_high = growth->probability = NAN;
    for (size_t i = 0; i < series->count; i++)
        growth->samples += isnan(series->value[i]) ? 0 : 1;
    if (growth->samples < TACHO_GROWTH_SAMPLES_MIN ||
        series->time_ns[series->count - 1] <= series->time_ns[0])
        return;
    floors_find(&floors, series);
    if (floors.count < WINDOWS / 2)
        return;
    growth->from = floors.value[0];
    growth->to = floors.value[floors.count - 1];
    growth->slope =
        slope_between(&floors, 0, floors.count, &growth->slope_low, &growth->slope_high);
    growth->probability = rising_probability(floors.value, floors.count);
    late = slope_between(&floors, floors.count / 2, floors.count, NULL, NULL);
    rise = growth->slope * (floors.seconds[floors.count - 1] - floors.seconds[0]);
    if (growth->probability >= 0.01 || rise < least || rise <= 0.03 * fabs(growth->from))
        growth->verdict = growth->to - growth->from >= fmax(least, 0.03 * fabs(growth->from))
                              ? TACHO_GROWTH_SETTLED
                              : TACHO_GROWTH_NONE;
    else
        growth->verdict = late >= 0.5 * growth->slope ? TACHO_GROWTH_STEADY : TACHO_GROWTH_SETTLED;
}

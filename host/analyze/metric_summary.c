// One metric series in a few numbers.
#include "analyze/metric_summary.h"

#include <math.h>
#include <string.h>

#define SLOPE_POINTS_MAX  128
#define GROWTH_POINTS_MIN 8

double tacho_slope_robust(const int64_t *time_ns, const double *value, size_t count)
{
    size_t step = count > SLOPE_POINTS_MAX ? (count + SLOPE_POINTS_MAX - 1) / SLOPE_POINTS_MAX : 1;
    TACHO_ARRAY(double) slopes = {0};
    double slope;

    for (size_t i = 0; i < count; i += step) {
        for (size_t j = i + step; j < count; j += step) {
            if (time_ns[j] > time_ns[i] && !isnan(value[i]) && !isnan(value[j]))
                tacho_array_push(&slopes, (value[j] - value[i]) /
                                              (((double)time_ns[j] - (double)time_ns[i]) / 1e9));
        }
    }
    slope = tacho_median(slopes.items, slopes.count);
    tacho_array_release(&slopes);
    return slope;
}

static double quarter_median(const double *value, size_t begin, size_t end)
{
    TACHO_ARRAY(double) values = {0};
    double median;

    for (size_t i = begin; i < end; i++) {
        if (!isnan(value[i]))
            tacho_array_push(&values, value[i]);
    }
    median = tacho_median(values.items, values.count);
    tacho_array_release(&values);
    return median;
}

static void summarise_counter(struct tacho_metric_summary *summary)
{
    const struct tacho_run_series *series = summary->series;
    TACHO_ARRAY(double) rates = {0};
    size_t before = SIZE_MAX;
    int64_t begin_ns = 0, end_ns = 0;

    summary->increase = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (isnan(series->value[i]))
            continue;
        if (before == SIZE_MAX) {
            begin_ns = series->time_ns[i];
        } else if (series->time_ns[i] > series->time_ns[before]) {
            double step = series->value[i] - series->value[before];
            double seconds = ((double)series->time_ns[i] - (double)series->time_ns[before]) / 1e9;

            if (step >= 0)
                summary->increase += step;
            tacho_array_push(&rates, step >= 0 ? step / seconds : NAN);
        }
        before = i;
        end_ns = series->time_ns[i];
    }
    tacho_statistics_of_values(rates.items, rates.count, &summary->values);
    summary->rate =
        end_ns > begin_ns ? summary->increase / (((double)end_ns - (double)begin_ns) / 1e9) : NAN;
    tacho_array_release(&rates);
}

static void summarise_gauge(struct tacho_metric_summary *summary)
{
    const struct tacho_run_series *series = summary->series;
    size_t quarter = series->count / 4;

    tacho_statistics_of_values(series->value, series->count, &summary->values);
    if (series->reduced && series->low != NULL && series->high != NULL) {
        for (size_t i = 0; i < series->count; i++) {
            summary->values.min = fmin(summary->values.min, series->low[i]);
            summary->values.max = fmax(summary->values.max, series->high[i]);
        }
    }
    if (summary->values.count < GROWTH_POINTS_MIN)
        return;
    summary->growth = quarter_median(series->value, series->count - quarter, series->count) -
                      quarter_median(series->value, 0, quarter);
    summary->slope = tacho_slope_robust(series->time_ns, series->value, series->count);
}

void tacho_metric_summary_build(struct tacho_metric_summary *summary,
                                const struct tacho_run_series *series)
{
    double max = -INFINITY;

    memset(summary, 0, sizeof *summary);
    summary->series = series;
    summary->first = summary->last = summary->increase = summary->rate = NAN;
    summary->growth = summary->slope = NAN;
    for (size_t i = 0; i < series->count; i++) {
        double value = series->value[i], high = value;

        if (isnan(value))
            continue;
        if (series->reduced && series->high != NULL)
            high = series->high[i];
        if (isnan(summary->first))
            summary->first = value;
        summary->last = value;
        if (high > max) {
            max = high;
            summary->max_time_ns = series->time_ns[i];
        }
    }
    if (series->kind == TACHO_METRIC_COUNTER)
        summarise_counter(summary);
    else
        summarise_gauge(summary);
}

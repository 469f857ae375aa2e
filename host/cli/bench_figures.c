// What the runs of one command say: statistics, outliers, and how noisy the machine is.
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "cli/bench.h"

static void statistics_of(const struct tacho_bench_runs *runs, size_t offset, double *values,
                          struct tacho_statistics *out)
{
    for (size_t i = 0; i < runs->count; i++)
        values[i] = *(const double *)(const void *)((const char *)&runs->items[i] + offset);
    tacho_statistics_of_values(values, runs->count, out);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t outliers(double *values, size_t count)
{
    if (count < 4)
        return 0;
    qsort(values, count, sizeof *values, by_value);
    double low = values[count / 4], high = values[count - 1 - count / 4];
    double reach = 1.5 * (high - low);
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += values[i] < low - reach || values[i] > high + reach;
    return found;
}

void tacho_bench_figures_build(const struct tacho_bench_command *command,
                               struct tacho_bench_figures *figures)
{
    const struct tacho_bench_runs *runs = &command->runs;
    TACHO_ARRAY(double) values = {0};
    tacho_array_reserve(&values, runs->count + 1);
    statistics_of(runs, offsetof(struct tacho_bench_run, user_seconds), values.items,
                  &figures->user);
    statistics_of(runs, offsetof(struct tacho_bench_run, system_seconds), values.items,
                  &figures->system);
    statistics_of(runs, offsetof(struct tacho_bench_run, rss_peak_bytes), values.items,
                  &figures->rss);
    statistics_of(runs, offsetof(struct tacho_bench_run, wall_seconds), values.items,
                  &figures->wall);
    figures->outliers = outliers(values.items, runs->count);
    figures->wall_median = tacho_median(values.items, runs->count);
    tacho_array_release(&values);
}

// Seven ways to cut the runs into halves that take turns: by the parity of the bits of the run's
// number that are in a mask. Each half saw early and late, so what differs is chance.
double tacho_bench_noise(const struct tacho_bench_runs *runs)
{
    double changes[7];
    TACHO_ARRAY(double) halves[2] = {{0}, {0}};
    if (runs->count < 10)
        return NAN;
    for (unsigned mask = 1; mask <= 7; mask++) {
        halves[0].count = halves[1].count = 0;
        for (size_t i = 0; i < runs->count; i++) {
            unsigned bits = (unsigned)i & mask;
            unsigned half = (bits ^ (bits >> 1) ^ (bits >> 2)) & 1U;
            tacho_array_push(&halves[half], runs->items[i].wall_seconds);
        }
        struct tacho_shift shift;
        tacho_shift_build(halves[0].items, halves[0].count, halves[1].items, halves[1].count, 0.99,
                          &shift);
        double median = tacho_median(halves[0].items, halves[0].count);
        changes[mask - 1] = median > 0 ? shift.value / median : (double)NAN;
    }
    tacho_array_release(&halves[0]);
    tacho_array_release(&halves[1]);
    return tacho_compare_noise(changes, 7);
}

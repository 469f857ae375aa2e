// Prints what the rank statistics say of samples on standard input, for test_statistics.py to hold
// against its own figures.
//
//   ranks N a... M b...  ->  u probability method shift low high     (interval: 99 %)
//   trend N y...         ->  score rising method slope
//   ways N groups... K   ->  share of arrangements with at most K inversions
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/inversions.h"
#include "analyze/ranks.h"
#include "analyze/trend.h"

enum { ROOM = 4000 };

static size_t read_values(double *values)
{
    size_t count = 0;

    if (scanf("%zu", &count) != 1 || count > ROOM)
        exit(3);
    for (size_t i = 0; i < count; i++) {
        if (scanf("%lf", &values[i]) != 1)
            exit(3);
    }
    return count;
}

static void ranks(void)
{
    static double a[ROOM], b[ROOM];
    size_t n = read_values(a), m = read_values(b);
    struct tacho_rank_test test;
    struct tacho_shift shift;

    tacho_rank_test_build(a, n, b, m, &test);
    tacho_shift_build(a, n, b, m, 0.99, &shift);
    printf("%.17g %.17g %d %.17g %.17g %.17g\n", test.u, test.probability, (int)test.method,
           shift.value, shift.low, shift.high);
}

static void trend(void)
{
    static double x[ROOM], y[ROOM];
    const struct tacho_trend_rule rule = {0};
    size_t count = read_values(y);
    struct tacho_trend trend;

    for (size_t i = 0; i < count; i++)
        x[i] = (double)i;
    tacho_trend_build(x, y, count, &rule, &trend);
    printf("%.17g %.17g %d %.17g\n", trend.score, trend.probability_rising, (int)trend.method,
           trend.slope);
}

static void shares(void)
{
    static double given[ROOM], counted[ROOM];
    static size_t groups[ROOM];
    size_t count = read_values(given), most = 0;
    double sum = 0, all;

    for (size_t i = 0; i < count; i++)
        groups[i] = (size_t)given[i];
    if (scanf("%zu", &most) != 1 || most >= ROOM)
        exit(3);
    all = tacho_inversions_ways(groups, count, counted, most + 1);
    for (size_t i = 0; i <= most; i++)
        sum += counted[i];
    printf("%.17g\n", sum / all);
}

int main(void)
{
    char word[16];

    while (scanf("%15s", word) == 1) {
        if (strcmp(word, "ranks") == 0)
            ranks();
        else if (strcmp(word, "trend") == 0)
            trend();
        else
            shares();
    }
    return 0;
}

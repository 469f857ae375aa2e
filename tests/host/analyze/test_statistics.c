// Tests of statistics: figures known on paper, and quantiles that a sample cannot support (T6,
// G15).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyze/statistics.h"
#include "tacho/histogram.h"

static void near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.9g is not within %.9g of %.9g", value, tolerance, wanted);
}

static void one_to_n_gives_the_figures_of_the_textbook(void **state)
{
    double values[1000];
    struct tacho_statistics s;

    (void)state;
    for (int i = 0; i < 1000; i++)
        values[i] = (double)((i * 7) % 1000 + 1); // 1..1000 in another order
    tacho_statistics_of_values(values, 1000, &s);
    assert_int_equal(s.count, 1000);
    near(s.mean, 500.5, 1e-9);
    near(s.deviation, 288.8194360957494, 1e-9);
    near(s.min, 1, 0);
    near(s.max, 1000, 0);
    near(s.last, values[999], 0);
    near(s.quantile[TACHO_P50], 500, 0);
    near(s.quantile[TACHO_P90], 900, 0);
    near(s.quantile[TACHO_P95], 950, 0);
    near(s.quantile[TACHO_P99], 990, 0);
    near(s.quantile[TACHO_P999], 999, 0);
}

static void a_quantile_without_enough_values_is_not_available(void **state)
{
    static const struct {
        size_t count;
        int supported; // how many of the quantiles
    } cases[] = {{0, 0},  {1, 1},  {9, 1},   {10, 2},  {19, 2},
                 {20, 3}, {99, 3}, {100, 4}, {999, 4}, {1000, 5}};
    double values[1000] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tacho_statistics s;

        tacho_statistics_of_values(values, cases[i].count, &s);
        for (int q = 0; q < TACHO_QUANTILE_COUNT; q++)
            assert_int_equal(!isnan(s.quantile[q]), q < cases[i].supported);
    }
}

static void values_that_are_not_numbers_are_left_out(void **state)
{
    double values[] = {NAN, 3, NAN, 5, NAN};
    struct tacho_statistics s;

    (void)state;
    tacho_statistics_of_values(values, 5, &s);
    assert_int_equal(s.count, 2);
    near(s.mean, 4, 1e-12);
    near(s.last, 5, 0);
    tacho_statistics_of_values(values, 1, &s);
    assert_int_equal(s.count, 0);
    assert_true(isnan(s.mean) && isnan(s.min) && isnan(s.deviation));
}

static void a_histogram_gives_the_quantiles_of_its_values(void **state)
{
    enum { COUNT = 20000, BITS = 7 };
    static double values[COUNT];
    static uint64_t counts[TACHO_HISTOGRAM_BUCKETS(BITS, 64)];
    static struct tacho_histogram_bucket buckets[TACHO_HISTOGRAM_BUCKETS(BITS, 64)];
    struct tacho_histogram_totals totals = {.min = INFINITY, .last = 1};
    struct tacho_statistics exact, estimated;
    size_t used = 0;

    (void)state;
    srand(1);
    for (int i = 0; i < COUNT; i++) {
        uint64_t value = (uint64_t)(100 * exp((double)(rand() % 10000) / 1000));

        values[i] = (double)value;
        counts[tacho_histogram_bucket(BITS, value)]++;
        totals.count++;
        totals.sum += (double)value;
        totals.min = fmin(totals.min, (double)value);
        totals.max = fmax(totals.max, (double)value);
    }
    for (uint32_t i = 0; i < TACHO_HISTOGRAM_BUCKETS(BITS, 64); i++) {
        if (counts[i] > 0)
            buckets[used++] = (struct tacho_histogram_bucket){i, counts[i]};
    }
    tacho_statistics_of_values(values, COUNT, &exact);
    tacho_statistics_of_histogram(buckets, used, BITS, &totals, &estimated);
    near(estimated.mean, exact.mean, exact.mean * 1e-9);
    near(estimated.deviation, exact.deviation, exact.deviation * 0.01);
    for (int q = 0; q < TACHO_QUANTILE_COUNT; q++)
        near(estimated.quantile[q], exact.quantile[q], exact.quantile[q] * 0.005);
}

static void a_histogram_of_impossible_bits_gives_no_quantiles(void **state)
{
    struct tacho_histogram_bucket bucket = {UINT32_MAX, UINT64_MAX};
    struct tacho_histogram_totals totals = {.count = 5000, .sum = 1, .min = 0, .max = 1};
    struct tacho_statistics s;

    (void)state;
    for (uint32_t bits = 0; bits < 70; bits++)
        tacho_statistics_of_histogram(&bucket, 1, bits, &totals, &s);
    assert_true(isnan(s.quantile[TACHO_P50]));
    assert_int_equal(s.count, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_n_gives_the_figures_of_the_textbook),
        cmocka_unit_test(a_quantile_without_enough_values_is_not_available),
        cmocka_unit_test(values_that_are_not_numbers_are_left_out),
        cmocka_unit_test(a_histogram_gives_the_quantiles_of_its_values),
        cmocka_unit_test(a_histogram_of_impossible_bits_gives_no_quantiles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

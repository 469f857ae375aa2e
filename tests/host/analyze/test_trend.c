// Tests of trends and leaks: published tables, every order counted, and series of known shape (T19,
// I11, I18).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyze/leak.h"
#include "analyze/random.h"
#include "analyze/trend.h"

enum { LONG = 480 };

static void near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.12g is not within %.9g of %.12g", value, tolerance, wanted);
}

static struct tacho_trend trend_of(const double *y, size_t count, bool autocorrelated)
{
    const struct tacho_trend_rule rule = {.autocorrelated = autocorrelated};
    struct tacho_trend trend;
    double x[2000];

    for (size_t i = 0; i < count; i++)
        x[i] = (double)i;
    tacho_trend_build(x, y, count, &rule, &trend);
    return trend;
}

// The numbers 0 .. count - 1 with so many pairs the wrong way round.
static void order_with(size_t count, size_t inversions, double *y)
{
    double left[16];

    for (size_t i = 0; i < count; i++)
        left[i] = (double)i;
    for (size_t i = 0; i < count; i++) {
        size_t rest = count - i - 1, take = inversions < rest ? inversions : rest;

        y[i] = left[take];
        inversions -= take;
        for (size_t k = take; k < rest; k++)
            left[k] = left[k + 1];
    }
}

// Kendall's table of upper tails, as in Gilbert, Statistical Methods for Environmental Pollution
// Monitoring, table A18.
static void tails_are_those_of_the_published_table(void **state)
{
    static const struct {
        size_t count;
        int score;
        double tail, digit;
    } table[] = {{4, 6, 0.042, 5e-4},   {5, 8, 0.042, 5e-4},   {5, 10, 0.0083, 5e-5},
                 {6, 11, 0.028, 5e-4},  {6, 15, 0.0014, 5e-5}, {7, 15, 0.015, 5e-4},
                 {8, 16, 0.031, 5e-4},  {8, 20, 0.0071, 5e-5}, {9, 20, 0.022, 5e-4},
                 {10, 21, 0.036, 5e-4}, {10, 23, 0.023, 5e-4}, {10, 25, 0.014, 5e-4}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t n = table[i].count, pairs = n * (n - 1) / 2;
        struct tacho_trend trend;
        double y[16];

        order_with(n, (pairs - (size_t)table[i].score) / 2, y);
        trend = trend_of(y, n, false);
        near(trend.score, table[i].score, 0);
        near(trend.probability_rising, table[i].tail, table[i].digit);
        assert_int_equal(trend.method, TACHO_RANK_EXACT);
    }
}

static double score_of(const double *y, size_t count)
{
    double score = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++)
            score += (y[j] > y[i]) - (y[j] < y[i]);
    }
    return score;
}

static void count_orders(double *y, size_t count, size_t fixed, double least, double *all,
                         double *reach)
{
    if (fixed == count) {
        *all += 1;
        *reach += score_of(y, count) >= least;
        return;
    }
    for (size_t i = fixed; i < count; i++) {
        double kept = y[fixed];

        y[fixed] = y[i];
        y[i] = kept;
        count_orders(y, count, fixed + 1, least, all, reach);
        y[i] = y[fixed];
        y[fixed] = kept;
    }
}

static void tails_with_ties_agree_with_counting_every_order(void **state)
{
    struct tacho_random random;

    (void)state;
    tacho_random_init(&random, 1);
    for (int round = 0; round < 60; round++) {
        size_t count = 2 + tacho_random_below(&random, 6);
        double y[8], copy[8], all = 0, reach = 0;
        struct tacho_trend trend;

        for (size_t i = 0; i < count; i++)
            copy[i] = y[i] = (double)tacho_random_below(&random, 5);
        count_orders(copy, count, 0, score_of(y, count), &all, &reach);
        trend = trend_of(y, count, false);
        near(trend.probability_rising, reach / all, 1e-12);
        assert_int_equal(trend.verdict, TACHO_TREND_INSUFFICIENT);
    }
}

// Sen's own measure of the slope: one wild value does not move it.
static void a_line_gives_its_slope_whatever_one_value_does(void **state)
{
    struct tacho_trend trend;
    double y[20];

    (void)state;
    for (int i = 0; i < 20; i++)
        y[i] = 5 + 3 * i;
    y[10] = 1e9;
    trend = trend_of(y, 20, false);
    near(trend.slope, 3, 1e-12);
    near(trend.intercept, 5, 1e-9);
    near(trend.first, 5, 1e-9);
    near(trend.last, 62, 1e-9);
    assert_int_equal(trend.verdict, TACHO_TREND_RISING);
    assert_true(trend.slope_low <= 3 && 3 <= trend.slope_high);
    near(tacho_trend_time_to(62, 92, trend.slope), 10, 1e-9);
    near(tacho_trend_time_to(62, 60, trend.slope), 0, 0);
    assert_true(isinf(tacho_trend_time_to(62, 92, -1)));
    assert_true(isnan(tacho_trend_time_to(62, NAN, 1)));
}

static void the_interval_covers_the_slope_as_often_as_it_says(void **state)
{
    struct tacho_random random;
    int covered = 0, alarms = 0;

    (void)state;
    tacho_random_init(&random, 2);
    for (int round = 0; round < 400; round++) {
        struct tacho_trend trend;
        double y[30];

        for (int i = 0; i < 30; i++)
            y[i] = 0.1 * i + tacho_random_unit(&random);
        trend = trend_of(y, 30, false);
        covered += trend.slope_low <= 0.1 && 0.1 <= trend.slope_high;
        for (int i = 0; i < 30; i++)
            y[i] = tacho_random_unit(&random);
        trend = trend_of(y, 30, false);
        alarms += trend.verdict != TACHO_TREND_NONE;
    }
    assert_in_range(covered, 365, 398);
    assert_in_range(alarms, 0, 12);
}

static void a_wandering_series_alarms_less_with_the_wider_variance(void **state)
{
    struct tacho_random random;
    int plain = 0, wide = 0;

    (void)state;
    tacho_random_init(&random, 3);
    for (int round = 0; round < 100; round++) {
        double y[100], at = 0;

        for (int i = 0; i < 100; i++)
            y[i] = at = 0.8 * at + tacho_random_unit(&random) - 0.5;
        plain += trend_of(y, 100, false).verdict != TACHO_TREND_NONE;
        wide += trend_of(y, 100, true).verdict != TACHO_TREND_NONE;
    }
    assert_true(plain >= 15 && wide < plain / 2 + 1);
}

static void fewer_than_ten_values_are_insufficient(void **state)
{
    double y[2000] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, NAN, INFINITY};
    struct tacho_trend trend;

    (void)state;
    for (size_t n = 0; n < 10; n++)
        assert_int_equal(trend_of(y, n, false).verdict, TACHO_TREND_INSUFFICIENT);
    assert_true(isnan(trend_of(y, 1, false).slope));
    trend = trend_of(y, 12, false);
    assert_int_equal(trend.verdict, TACHO_TREND_RISING);
    assert_int_equal(trend.count, 10);
    for (size_t i = 0; i < 2000; i++)
        y[i] = (double)i;
    trend = trend_of(y, 2000, false);
    assert_int_equal(trend.used, TACHO_TREND_COUNT_MAX);
    near(trend.slope, 1, 1e-9);
}

static void values_at_one_instant_have_no_trend(void **state)
{
    const struct tacho_trend_rule rule = {0};
    double x[20] = {0}, y[20];
    struct tacho_trend trend;

    (void)state;
    for (int i = 0; i < 20; i++)
        y[i] = i;
    tacho_trend_build(x, y, 20, &rule, &trend);
    assert_int_equal(trend.verdict, TACHO_TREND_INSUFFICIENT);
    for (int i = 0; i < 20; i++)
        x[i] = -i; // a clock that runs backwards is put in order
    tacho_trend_build(x, y, 20, &rule, &trend);
    assert_int_equal(trend.verdict, TACHO_TREND_FALLING);
}

enum shape { FLAT, SAW, WARM_UP, STEP, LEAK, LEAK_UNDER_SAW };

// Two horizons of 100 MB with 0.5 % of noise.
static void make(enum shape shape, struct tacho_random *random, double *x, double *y)
{
    for (int i = 0; i < LONG; i++) {
        double t = (double)i / LONG * 2, saw = (double)(i % 15) / 15 * 0.12;
        double level = 1 + 0.005 * tacho_random_unit(random);

        level += shape == SAW || shape == LEAK_UNDER_SAW ? saw : 0;
        level += shape == WARM_UP ? 0.2 * (1 - exp(-t * 12)) : 0;
        level += shape == STEP && t > 0.6 ? 0.1 : 0;
        level += shape == LEAK || shape == LEAK_UNDER_SAW ? 0.06 * t : 0;
        x[i] = i;
        y[i] = level * 100e6;
    }
}

static int count_verdict(enum shape shape, enum tacho_leak_verdict verdict, int rounds)
{
    const struct tacho_leak_rule rule = {.units_min = 1e6, .limit = 200e6};
    static double x[LONG], y[LONG];
    struct tacho_random random;
    struct tacho_leak leak;
    int count = 0;

    tacho_random_init(&random, (uint64_t)shape + 10);
    for (int i = 0; i < rounds; i++) {
        make(shape, &random, x, y);
        tacho_leak_build(x, y, LONG, &rule, &leak);
        count += leak.verdict == verdict;
        if (shape == LEAK) {
            near(leak.slope, 12e6 / LONG, 2e6 / LONG);
            near(leak.time_to_limit, (200e6 - leak.to) / leak.slope, 1);
            assert_true(leak.time_to_limit_low <= leak.time_to_limit);
            assert_true(leak.time_to_limit <= leak.time_to_limit_high);
        }
    }
    return count;
}

static void a_leak_is_told_from_flat_saw_warm_up_and_step(void **state)
{
    (void)state;
    assert_int_equal(count_verdict(FLAT, TACHO_LEAK_NONE, 50), 50);
    assert_int_equal(count_verdict(SAW, TACHO_LEAK_NONE, 50), 50);
    assert_int_equal(count_verdict(WARM_UP, TACHO_LEAK_FOUND, 50), 0);
    assert_int_equal(count_verdict(STEP, TACHO_LEAK_FOUND, 50), 0);
    assert_in_range(count_verdict(LEAK, TACHO_LEAK_FOUND, 50), 48, 50);
    assert_in_range(count_verdict(LEAK_UNDER_SAW, TACHO_LEAK_FOUND, 50), 43, 50);
}

// Peaks that grow are load, not leaks; a rise that only begins is yet to agree with the next one.
static void growing_peaks_and_late_rises_are_not_found(void **state)
{
    const struct tacho_leak_rule rule = {0};
    static double x[LONG], peaks[LONG], late[LONG], early[LONG];
    struct tacho_leak leak;

    (void)state;
    for (int i = 0; i < LONG; i++) {
        double rise = 0.5 * (i % (LONG / 2)) / (LONG / 2);

        x[i] = i;
        peaks[i] = 100 + (i % 10) * 0.01 * i;
        late[i] = i < LONG / 2 ? 100 : 100 * (1 + rise);
        early[i] = i < LONG / 2 ? 100 * (1 + rise) : 150;
    }
    tacho_leak_build(x, peaks, LONG, &rule, &leak);
    assert_int_equal(leak.verdict, TACHO_LEAK_NONE);
    near(leak.slope, 0, 0);
    tacho_leak_build(x, late, LONG, &rule, &leak);
    assert_int_equal(leak.verdict, TACHO_LEAK_SUSPECTED);
    tacho_leak_build(x, early, LONG, &rule, &leak);
    assert_int_equal(leak.verdict, TACHO_LEAK_SETTLED);
}

static void one_horizon_alone_is_only_suspected(void **state)
{
    const struct tacho_leak_rule rule = {0}, high = {.units_min = 50};
    double x[30], y[30];
    struct tacho_leak leak;

    (void)state;
    for (int i = 0; i < 30; i++) {
        x[i] = i;
        y[i] = 100 + i;
    }
    tacho_leak_build(x, y, 30, &rule, &leak);
    assert_int_equal(leak.verdict, TACHO_LEAK_SUSPECTED);
    near(leak.slope, 1, 0.01);
    assert_true(isnan(leak.time_to_limit));
    tacho_leak_build(x, y, 30, &high, &leak);
    assert_int_equal(leak.verdict, TACHO_LEAK_NONE);
    tacho_leak_build(x, y, 23, &rule, &leak);
    assert_int_equal(leak.verdict, TACHO_LEAK_INSUFFICIENT);
    assert_int_equal(leak.samples, 23);
    tacho_leak_build(x, y, 0, &rule, &leak);
    assert_int_equal(leak.verdict, TACHO_LEAK_INSUFFICIENT);
}

static void hostile_series_are_taken(void **state)
{
    static const double odd[] = {0, NAN, INFINITY, -INFINITY, 1.7e308, -1.7e308, 5e-324, 1, -1};
    struct tacho_random random;

    (void)state;
    tacho_random_init(&random, 9);
    for (int round = 0; round < 500; round++) {
        size_t count = tacho_random_below(&random, 80);
        const struct tacho_leak_rule rule = {.limit = odd[round % 9],
                                             .windows = (size_t)(round % 30)};
        const struct tacho_trend_rule trend_rule = {.autocorrelated = round % 2 == 0};
        struct tacho_trend trend;
        struct tacho_leak leak;
        double x[80], y[80];

        for (size_t i = 0; i < 80; i++) {
            x[i] = round % 3 ? (double)i : odd[tacho_random_below(&random, 9)];
            y[i] = odd[tacho_random_below(&random, 9)];
        }
        tacho_trend_build(x, y, count, &trend_rule, &trend);
        tacho_leak_build(x, y, count, &rule, &leak);
        assert_true(leak.verdict != TACHO_LEAK_FOUND);
        assert_non_null(tacho_leak_verdict_name(leak.verdict));
        assert_non_null(tacho_trend_verdict_name(trend.verdict));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tails_are_those_of_the_published_table),
        cmocka_unit_test(tails_with_ties_agree_with_counting_every_order),
        cmocka_unit_test(a_line_gives_its_slope_whatever_one_value_does),
        cmocka_unit_test(the_interval_covers_the_slope_as_often_as_it_says),
        cmocka_unit_test(a_wandering_series_alarms_less_with_the_wider_variance),
        cmocka_unit_test(fewer_than_ten_values_are_insufficient),
        cmocka_unit_test(values_at_one_instant_have_no_trend),
        cmocka_unit_test(a_leak_is_told_from_flat_saw_warm_up_and_step),
        cmocka_unit_test(growing_peaks_and_late_rises_are_not_found),
        cmocka_unit_test(one_horizon_alone_is_only_suspected),
        cmocka_unit_test(hostile_series_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

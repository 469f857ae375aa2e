// Tests of a metric's history: steps are found where they are, chance is not, spikes and drifts are
// told apart from them (I18).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyze/change_points.h"
#include "analyze/random.h"

enum { COUNT = 60, ROOM = 8 };

static void near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.12g is not within %.9g of %.12g", value, tolerance, wanted);
}

// Values within 3 % of `level`, with a long upper tail.
static void fill(double *values, size_t begin, size_t end, double level,
                 struct tacho_random *random)
{
    for (size_t i = begin; i < end; i++) {
        double u = tacho_random_unit(random);

        values[i] = level * (1 + 0.03 * u * u);
    }
}

static void a_step_is_found_where_it_is(void **state)
{
    const struct tacho_change_rule rule = {0};
    struct tacho_random random;
    int found = 0;

    (void)state;
    tacho_random_init(&random, 1);
    for (int round = 0; round < 20; round++) {
        struct tacho_change_point points[ROOM];
        double values[COUNT];

        fill(values, 0, 35, 100, &random);
        fill(values, 35, COUNT, 105, &random);
        if (tacho_change_points_find(values, COUNT, &rule, points, ROOM) != 1)
            continue;
        near((double)points[0].index, 35, 1);
        near(points[0].change, 0.05, 0.015);
        assert_true(points[0].probability <= 0.001);
        found++;
    }
    assert_in_range(found, 19, 20);
}

static void two_steps_are_two(void **state)
{
    const struct tacho_change_rule rule = {0}, large = {.change_min = 0.3};
    struct tacho_change_point points[ROOM];
    struct tacho_random random;
    double values[COUNT];

    (void)state;
    tacho_random_init(&random, 2);
    fill(values, 0, 20, 100, &random);
    fill(values, 20, 40, 110, &random);
    fill(values, 40, COUNT, 50, &random);
    values[7] = NAN;
    values[30] = INFINITY;
    assert_int_equal(tacho_change_points_find(values, COUNT, &rule, points, ROOM), 2);
    assert_int_equal(points[0].index, 20);
    assert_int_equal(points[1].index, 40);
    near(points[1].change, -0.545, 0.01);
    assert_int_equal(tacho_change_points_find(values, COUNT, &rule, points, 1), 1);
    assert_int_equal(tacho_change_points_find(values, COUNT, &large, points, ROOM), 1);
    assert_int_equal(points[0].index, 40);
}

static void chance_makes_no_change_points(void **state)
{
    const struct tacho_change_rule rule = {0};
    struct tacho_random random;
    size_t found = 0;

    (void)state;
    tacho_random_init(&random, 3);
    for (int round = 0; round < 200; round++) {
        struct tacho_change_point points[ROOM];
        double values[COUNT];

        fill(values, 0, COUNT, 100, &random);
        found += tacho_change_points_find(values, COUNT, &rule, points, ROOM);
    }
    assert_in_range(found, 0, 3);
}

static void little_or_equal_history_has_none(void **state)
{
    const struct tacho_change_rule rule = {0}, wide = {.stretch_min = 40};
    double values[500] = {1, 1, 1, 1, 1, 9, 9, 9, 9};
    struct tacho_change_point points[ROOM];

    (void)state;
    assert_int_equal(tacho_change_points_find(values, 9, &rule, points, ROOM), 0);
    assert_int_equal(tacho_change_points_find(NULL, 0, &rule, points, ROOM), 0);
    for (size_t i = 0; i < 500; i++)
        values[i] = 7;
    assert_int_equal(tacho_change_points_find(values, 500, &rule, points, ROOM), 0);
    for (size_t i = 450; i < 500; i++)
        values[i] = 8;
    assert_int_equal(tacho_change_points_find(values, 500, &rule, points, ROOM), 1);
    assert_int_equal(points[0].index, 450);
    assert_int_equal(tacho_change_points_find(values + 430, 60, &wide, points, ROOM), 0);
}

static void spikes_are_single_values_that_stick_out(void **state)
{
    struct tacho_spike spikes[ROOM];
    struct tacho_random random;
    double values[COUNT], equal[COUNT];

    (void)state;
    tacho_random_init(&random, 4);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = 100 + tacho_random_unit(&random) + (i >= 40 ? 50 : 0);
        equal[i] = 3;
    }
    assert_int_equal(tacho_spikes_find(values, COUNT, 0, 8, spikes, ROOM), 0); // a step is none
    values[10] = 120;
    values[22] = NAN;
    assert_int_equal(tacho_spikes_find(values, COUNT, 0, 8, spikes, ROOM), 1);
    assert_int_equal(spikes[0].index, 10);
    near(spikes[0].usual, 100.5, 0.5);
    assert_int_equal(tacho_spikes_find(equal, COUNT, 0, 0, spikes, ROOM), 0);
    equal[30] = 4;
    assert_int_equal(tacho_spikes_find(equal, COUNT, 0, 0, spikes, ROOM), 1);
    assert_int_equal(spikes[0].index, 30);
    assert_int_equal(tacho_spikes_find(values, 3, 0, 0, spikes, ROOM), 0);
}

static void a_step_a_drift_and_neither_are_told_apart(void **state)
{
    struct tacho_random random;
    double step[COUNT], drift[COUNT], flat[COUNT], change;

    (void)state;
    tacho_random_init(&random, 5);
    fill(flat, 0, COUNT, 100, &random);
    fill(step, 0, 30, 100, &random);
    fill(step, 30, COUNT, 110, &random);
    for (size_t i = 0; i < COUNT; i++)
        drift[i] = flat[i] * (1 + 0.003 * (double)i);
    assert_int_equal(tacho_degradation_find(flat, COUNT, TACHO_DIRECTION_LOWER, 0, &change),
                     TACHO_DEGRADATION_NONE);
    assert_int_equal(tacho_degradation_find(step, COUNT, TACHO_DIRECTION_LOWER, 0, &change),
                     TACHO_DEGRADATION_STEP);
    near(change, 0.10, 0.02);
    assert_int_equal(tacho_degradation_find(drift, COUNT, TACHO_DIRECTION_LOWER, 0, &change),
                     TACHO_DEGRADATION_DRIFT);
    near(change, 0.177, 0.02);
    assert_int_equal(tacho_degradation_find(step, COUNT, TACHO_DIRECTION_HIGHER, 0, &change),
                     TACHO_DEGRADATION_NONE);
    assert_int_equal(tacho_degradation_find(step, 9, TACHO_DIRECTION_LOWER, 0, &change),
                     TACHO_DEGRADATION_INSUFFICIENT);
    assert_true(isnan(change));
}

static void hostile_histories_are_taken(void **state)
{
    static const double odd[] = {0, NAN, INFINITY, -INFINITY, 1.7e308, -1.7e308, 5e-324, 1, -1};
    struct tacho_random random;

    (void)state;
    tacho_random_init(&random, 6);
    for (int round = 0; round < 300; round++) {
        size_t count = tacho_random_below(&random, COUNT);
        const struct tacho_change_rule rule = {.probability = odd[round % 9],
                                               .stretch_min = (size_t)round,
                                               .change_min = odd[(round + 1) % 9]};
        struct tacho_change_point points[ROOM];
        struct tacho_spike spikes[ROOM];
        double values[COUNT], change;

        for (size_t i = 0; i < COUNT; i++)
            values[i] = odd[tacho_random_below(&random, 9)];
        assert_true(tacho_change_points_find(values, count, &rule, points, ROOM) <= ROOM);
        assert_true(tacho_spikes_find(values, count, (size_t)round, odd[round % 9], spikes, ROOM) <=
                    ROOM);
        (void)tacho_degradation_find(values, count, (uint8_t)(round % 4), odd[round % 9], &change);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_found_where_it_is),
        cmocka_unit_test(two_steps_are_two),
        cmocka_unit_test(chance_makes_no_change_points),
        cmocka_unit_test(little_or_equal_history_has_none),
        cmocka_unit_test(spikes_are_single_values_that_stick_out),
        cmocka_unit_test(a_step_a_drift_and_neither_are_told_apart),
        cmocka_unit_test(hostile_histories_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

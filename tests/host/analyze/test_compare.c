// Tests of the verdict of a comparison: effect and significance together, and samples that prove
// nothing (I13, T24, I20).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/compare.h"
#include "analyze/random.h"

static const struct tacho_compare_rule lower = {.direction = TACHO_DIRECTION_LOWER};

static void near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.12g is not within %.9g of %.12g", value, tolerance, wanted);
}

// `count` values around `middle`, all different, within `spread` of it (relative).
static void fill(double *values, size_t count, double middle, double spread)
{
    for (size_t i = 0; i < count; i++) {
        double place = ((double)((i * 7) % count) + 0.5) / (double)count; // 0..1 in another order

        values[i] = middle * (1 + spread * (2 * place - 1));
    }
}

static struct tacho_comparison compare(const double *base, size_t n, const double *now, size_t m,
                                       const struct tacho_compare_rule *rule)
{
    struct tacho_comparison result;

    tacho_compare_samples(base, n, now, m, rule, &result);
    return result;
}

static void verdict_is(const struct tacho_comparison *result, enum tacho_comparison_verdict verdict,
                       enum tacho_comparison_reason reason)
{
    if (result->verdict != verdict || result->reason != reason)
        fail_msg("%s (%s), p %g, change %g [%g, %g], limit %g",
                 tacho_comparison_verdict_name(result->verdict),
                 tacho_comparison_reason_text(result->reason), result->probability, result->change,
                 result->change_low, result->change_high, result->limit);
}

static void a_shift_beyond_the_limit_is_judged_by_its_direction(void **state)
{
    struct tacho_compare_rule rule = lower;
    struct tacho_comparison result;
    double base[10], now[10];

    (void)state;
    fill(base, 10, 100, 0.01);
    fill(now, 10, 105, 0.01);
    result = compare(base, 10, now, 10, &rule);
    verdict_is(&result, TACHO_COMPARISON_REGRESSION, TACHO_REASON_SIGNIFICANT);
    near(result.change, 0.05, 1e-3);
    near(result.difference, 5, 0.1);
    near(result.probability, 2.0 / 184756, 1e-12);
    assert_true(result.change_low > 0.02 && result.change_high < 0.08);
    result = compare(now, 10, base, 10, &rule);
    verdict_is(&result, TACHO_COMPARISON_IMPROVEMENT, TACHO_REASON_SIGNIFICANT);
    rule.direction = TACHO_DIRECTION_HIGHER;
    result = compare(base, 10, now, 10, &rule);
    verdict_is(&result, TACHO_COMPARISON_IMPROVEMENT, TACHO_REASON_SIGNIFICANT);
    rule.direction = TACHO_DIRECTION_NONE;
    result = compare(base, 10, now, 10, &rule);
    verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NO_DIRECTION);
}

static void the_noise_of_the_machine_raises_the_limit(void **state)
{
    struct tacho_compare_rule rule = lower;
    struct tacho_comparison result;
    double base[10], now[10];

    (void)state;
    fill(base, 10, 100, 0.01);
    fill(now, 10, 105, 0.01);
    rule.noise = 0.0255;
    result = compare(base, 10, now, 10, &rule);
    near(result.limit, 0.051, 1e-12);
    verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_BELOW_LIMIT);
    rule.noise = 0.05;
    result = compare(base, 10, now, 10, &rule);
    verdict_is(&result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_WITHIN_LIMIT);
    rule.noise = 0.02;
    result = compare(base, 10, now, 10, &rule);
    verdict_is(&result, TACHO_COMPARISON_REGRESSION, TACHO_REASON_SIGNIFICANT);
    rule.threshold_units = 20;
    result = compare(base, 10, now, 10, &rule);
    verdict_is(&result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_WITHIN_LIMIT);
}

static void the_same_is_no_change_only_if_the_interval_says_so(void **state)
{
    struct tacho_comparison result;
    double base[20], now[20];

    (void)state;
    fill(base, 20, 100, 0.01);
    fill(now, 20, 100.1, 0.01);
    result = compare(base, 20, now, 20, &lower);
    verdict_is(&result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_WITHIN_LIMIT);
    fill(base, 20, 100, 0.3);
    fill(now, 20, 100.1, 0.3);
    result = compare(base, 20, now, 20, &lower);
    verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NOISY);
}

static void too_few_values_prove_nothing(void **state)
{
    struct tacho_compare_rule rule = lower;
    struct tacho_comparison result;
    double base[10], now[10];

    (void)state;
    fill(base, 10, 100, 0.01);
    fill(now, 10, 200, 0.01);
    for (size_t n = 1; n < 5; n++) {
        result = compare(base, n, now, 10, &rule);
        verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_TOO_FEW);
        near(result.change, 1, 0.05);
    }
    rule.count_min = 1; // five is the least, whatever the rule says
    result = compare(base, 4, now, 10, &rule);
    verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_TOO_FEW);
    result = compare(base, 0, now, 10, &rule);
    verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NO_VALUES);
    assert_true(isnan(result.base_median) && isnan(result.change));
    rule.probability = 0.001; // 2 / 252 is the best that 5 and 5 can do
    result = compare(base, 5, now, 5, &rule);
    verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_UNREACHABLE);
    near(result.probability_smallest, 2.0 / 252, 1e-12);
    result = compare(base, 5, now, 5, &lower);
    verdict_is(&result, TACHO_COMPARISON_REGRESSION, TACHO_REASON_SIGNIFICANT);
}

static void values_without_variance_are_compared_and_marked(void **state)
{
    const double base[] = {7, 7, 7, 7, 7, 7}, now[] = {8, 8, 8, 8, 8, 8}, zero[6] = {0};
    struct tacho_comparison result;

    (void)state;
    result = compare(base, 6, base, 6, &lower);
    verdict_is(&result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_WITHIN_LIMIT);
    assert_true(result.flags & TACHO_COMPARISON_CONSTANT);
    near(result.probability, 1, 0);
    result = compare(base, 6, now, 6, &lower);
    verdict_is(&result, TACHO_COMPARISON_REGRESSION, TACHO_REASON_SIGNIFICANT);
    result = compare(zero, 6, zero, 6, &lower);
    verdict_is(&result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_WITHIN_LIMIT);
    result = compare(zero, 6, now, 6, &lower);
    verdict_is(&result, TACHO_COMPARISON_REGRESSION, TACHO_REASON_SIGNIFICANT);
    assert_true(isinf(result.change));
}

static void values_that_are_missing_weaken_the_verdict(void **state)
{
    struct tacho_comparison result;
    double base[20], now[20];

    (void)state;
    fill(base, 20, 100, 0.01);
    fill(now, 20, 110, 0.01);
    now[3] = NAN;
    result = compare(base, 20, now, 20, &lower);
    verdict_is(&result, TACHO_COMPARISON_REGRESSION, TACHO_REASON_SIGNIFICANT);
    assert_true(result.flags & TACHO_COMPARISON_SOME_LOST);
    assert_int_equal(result.new_lost, 1);
    for (size_t i = 0; i < 10; i++)
        now[2 * i] = i % 2 ? INFINITY : -INFINITY;
    result = compare(base, 20, now, 20, &lower); // fails half of the time
    verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_LOST);
    for (size_t i = 0; i < 20; i++)
        now[i] = NAN;
    result = compare(base, 20, now, 20, &lower);
    assert_int_equal(result.verdict, TACHO_COMPARISON_INCONCLUSIVE);
}

static void exact_metrics_are_compared_exactly(void **state)
{
    struct tacho_compare_rule rule = {.direction = TACHO_DIRECTION_LOWER, .exact = true};
    const double base[] = {100000, 100000}, little[] = {100050, 100050};
    const double more[] = {100200, 100200}, less[] = {99000, 99000}, varies[] = {100000, 100001};
    struct tacho_comparison result;

    (void)state;
    result = compare(base, 2, base, 2, &rule);
    verdict_is(&result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_EQUAL);
    assert_false(result.flags & TACHO_COMPARISON_CHANGED);
    result = compare(base, 2, little, 2, &rule);
    verdict_is(&result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_EXACT_BELOW);
    assert_true(result.flags & TACHO_COMPARISON_CHANGED);
    result = compare(base, 2, more, 2, &rule);
    verdict_is(&result, TACHO_COMPARISON_REGRESSION, TACHO_REASON_EXACT);
    near(result.change, 0.002, 1e-12);
    result = compare(base, 2, less, 2, &rule);
    verdict_is(&result, TACHO_COMPARISON_IMPROVEMENT, TACHO_REASON_EXACT);
    result = compare(base, 1, more, 1, &rule);
    verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_TOO_FEW);
    result = compare(base, 2, varies, 2, &rule);
    verdict_is(&result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_TOO_FEW);
    assert_true(result.flags & TACHO_COMPARISON_NOT_DETERMINISTIC);
    rule.threshold = -1; // any difference
    result = compare(base, 2, little, 2, &rule);
    verdict_is(&result, TACHO_COMPARISON_REGRESSION, TACHO_REASON_EXACT);
}

static void holm_takes_back_what_chance_explains(void **state)
{
    static const double probabilities[] = {0.01, 0.04, 0.03, 0.005, NAN};
    static const double adjusted[] = {0.03, 0.06, 0.06, 0.02};
    struct tacho_comparison results[5] = {0};

    (void)state;
    for (int i = 0; i < 5; i++) {
        results[i].probability = probabilities[i];
        results[i].probability_limit = 0.05;
        results[i].verdict = TACHO_COMPARISON_REGRESSION;
    }
    tacho_compare_holm(results, 5);
    for (int i = 0; i < 4; i++) {
        near(results[i].probability_adjusted, adjusted[i], 1e-12);
        assert_int_equal(results[i].verdict, adjusted[i] < 0.05 ? TACHO_COMPARISON_REGRESSION
                                                                : TACHO_COMPARISON_INCONCLUSIVE);
    }
    assert_int_equal(results[1].reason, TACHO_REASON_MANY);
    assert_int_equal(results[4].verdict, TACHO_COMPARISON_REGRESSION); // exact: not of the family
    tacho_compare_holm(NULL, 0);
}

static void a_rerun_that_disagrees_takes_the_verdict_back(void **state)
{
    struct tacho_comparison first = {.verdict = TACHO_COMPARISON_REGRESSION};
    struct tacho_comparison rerun = {.verdict = TACHO_COMPARISON_REGRESSION};

    (void)state;
    tacho_compare_confirm(&first, &rerun);
    assert_int_equal(first.verdict, TACHO_COMPARISON_REGRESSION);
    first.change = 0.05;
    rerun = (struct tacho_comparison){
        .reason = TACHO_REASON_NOISY, .change = 0.04, .limit = 0.02, .probability = 0.03};
    tacho_compare_confirm(&first, &rerun);
    assert_int_equal(first.verdict, TACHO_COMPARISON_REGRESSION);
    rerun.change = -0.04;
    tacho_compare_confirm(&first, &rerun);
    verdict_is(&first, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NOT_CONFIRMED);
    first.verdict = TACHO_COMPARISON_REGRESSION;
    rerun.change = 0.01;
    tacho_compare_confirm(&first, &rerun);
    verdict_is(&first, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NOT_CONFIRMED);
    first.verdict = TACHO_COMPARISON_REGRESSION;
    rerun.verdict = TACHO_COMPARISON_NO_CHANGE;
    tacho_compare_confirm(&first, &rerun);
    verdict_is(&first, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NOT_CONFIRMED);
}

static void the_summary_is_the_geometric_mean(void **state)
{
    struct tacho_comparison results[4] = {
        {.change = 1, .verdict = TACHO_COMPARISON_REGRESSION},
        {.change = -0.5, .verdict = TACHO_COMPARISON_IMPROVEMENT},
        {.change = INFINITY, .verdict = TACHO_COMPARISON_INCONCLUSIVE},
        {.change = 0, .verdict = TACHO_COMPARISON_NO_CHANGE},
    };
    struct tacho_compare_summary summary;

    (void)state;
    tacho_compare_summarise(results, 4, &summary);
    near(summary.ratio, 1, 1e-12);
    assert_int_equal(summary.ratio_count, 3);
    assert_int_equal(
        summary.regressions + summary.improvements + summary.no_changes + summary.inconclusive, 4);
    tacho_compare_summarise(results, 0, &summary);
    assert_true(isnan(summary.ratio));
}

static void noise_is_the_median_of_enough_changes(void **state)
{
    const double changes[] = {0.01, -0.02, 0.03, NAN, -0.04, 0.05, INFINITY};

    (void)state;
    near(tacho_compare_noise(changes, 7), 0.03, 1e-12);
    assert_true(isnan(tacho_compare_noise(changes, 4)));
}

// Whatever the values are: a verdict, and never a claim from samples of one program.
static void hostile_values_never_make_a_claim(void **state)
{
    static const double odd[] = {0,        -0.0,   NAN,     INFINITY, -INFINITY, 1.7e308,
                                 -1.7e308, 5e-324, -1e-300, 1,        -1,        1e-9};
    struct tacho_random random;
    int claims = 0;

    (void)state;
    tacho_random_init(&random, 5);
    for (int round = 0; round < 2000; round++) {
        size_t n = tacho_random_below(&random, 12), m = tacho_random_below(&random, 12);
        struct tacho_compare_rule rule = {.direction = TACHO_DIRECTION_LOWER};
        double a[12], b[12];
        struct tacho_comparison result;

        for (size_t i = 0; i < 12; i++) {
            a[i] = odd[tacho_random_below(&random, sizeof odd / sizeof odd[0])];
            b[i] = odd[tacho_random_below(&random, sizeof odd / sizeof odd[0])];
        }
        rule.exact = round % 2 == 0;
        rule.threshold = odd[tacho_random_below(&random, 12)];
        rule.noise = odd[tacho_random_below(&random, 12)];
        rule.probability = odd[tacho_random_below(&random, 12)];
        result = compare(a, n, b, m, &rule);
        claims += result.verdict == TACHO_COMPARISON_REGRESSION;
        assert_non_null(tacho_comparison_reason_text(result.reason));
    }
    assert_in_range(claims, 0, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shift_beyond_the_limit_is_judged_by_its_direction),
        cmocka_unit_test(the_noise_of_the_machine_raises_the_limit),
        cmocka_unit_test(the_same_is_no_change_only_if_the_interval_says_so),
        cmocka_unit_test(too_few_values_prove_nothing),
        cmocka_unit_test(values_without_variance_are_compared_and_marked),
        cmocka_unit_test(values_that_are_missing_weaken_the_verdict),
        cmocka_unit_test(exact_metrics_are_compared_exactly),
        cmocka_unit_test(holm_takes_back_what_chance_explains),
        cmocka_unit_test(a_rerun_that_disagrees_takes_the_verdict_back),
        cmocka_unit_test(the_summary_is_the_geometric_mean),
        cmocka_unit_test(noise_is_the_median_of_enough_changes),
        cmocka_unit_test(hostile_values_never_make_a_claim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

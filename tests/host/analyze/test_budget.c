// Tests of budgets: the alert's states, and verdicts that are never better than the data.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/budget.h"

#define SECOND INT64_C(1000000000)

static struct tacho_run run, baseline;
static struct tacho_budget budget;
static struct tacho_budget_check check;

static void begin(void)
{
    tacho_run_init(&run);
    tacho_run_init(&baseline);
    run.info.target = baseline.info.target = "exec:x";
    memset(&budget, 0, sizeof budget);
    memset(&check, 0, sizeof check);
}

static void end(void)
{
    tacho_budget_check_release(&check);
    tacho_budget_release(&budget);
    tacho_run_release(&run);
    tacho_run_release(&baseline);
}

static void add_series(struct tacho_run *to, const char *name, const char *unit, uint8_t kind,
                       const double *values, size_t count)
{
    struct tacho_run_series *series = tacho_run_series_add(to);

    series->name = name;
    series->subject = "run";
    series->unit = unit;
    series->kind = kind;
    for (size_t i = 0; i < count; i++)
        tacho_run_series_push(series, (int64_t)i * SECOND, values[i]);
}

static struct tacho_budget_rule limit(const char *name, const char *unit, double bound)
{
    return (struct tacho_budget_rule){.id = "rule",
                                      .name = name,
                                      .unit = unit,
                                      .kind = TACHO_BUDGET_LIMIT,
                                      .direction = TACHO_DIRECTION_LOWER,
                                      .warning = NAN,
                                      .critical = bound};
}

static const struct tacho_budget_result *judge(struct tacho_budget_rule rule, bool with_baseline)
{
    tacho_budget_check_release(&check);
    tacho_array_release(&budget.rules);
    tacho_array_push(&budget.rules, rule);
    tacho_budget_check_build(&check, &budget, &run, with_baseline ? &baseline : NULL);
    return &check.results.items[0];
}

static void expect_states(const struct tacho_alert_rule *rule, const double *values, size_t count,
                          const char *states, struct tacho_alert *alert)
{
    static const char letters[] = {'i', 'p', 'F', 'r', 'a'};

    tacho_alert_init(alert, rule);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(letters[tacho_alert_step(alert, (int64_t)i * SECOND, values[i])],
                         states[i]);
    tacho_alert_finish(alert, (int64_t)count * SECOND);
}

static void test_an_alert_waits_before_it_fires_and_counts_from_the_first_value(void **state)
{
    static const double values[] = {1, 9, 1, 9, 9, 9, 9, 1, 1};
    struct tacho_alert_rule rule = {.bound = 5, .for_ns = 2 * SECOND};
    struct tacho_alert alert;

    (void)state;
    expect_states(&rule, values, 9, "ipippFFrr", &alert);
    assert_int_equal(alert.fired, 1);
    assert_true(alert.first_ns == 3 * SECOND && alert.total_ns == 4 * SECOND);
}

static void test_hysteresis_keeps_an_alert_until_the_value_is_well_back(void **state)
{
    static const double values[] = {6, 4.9, 4.6, 4.4, 4.9, 6};
    struct tacho_alert_rule rule = {.bound = 5, .hysteresis = 0.1};
    struct tacho_alert alert;

    (void)state;
    expect_states(&rule, values, 6, "FFFrrF", &alert);
    assert_int_equal(alert.fired, 2);
    assert_true(alert.total_ns == 4 * SECOND && alert.longest_ns == 3 * SECOND);
}

static void test_keeping_and_cooldown_join_what_flutters(void **state)
{
    static const double values[] = {6, 1, 6, 1, 1, 6, 6, 6, 6};
    struct tacho_alert_rule keep = {.bound = 5, .keep_ns = 2 * SECOND};
    struct tacho_alert_rule cool = {.bound = 5, .cooldown_ns = 4 * SECOND};
    struct tacho_alert alert;

    (void)state;
    expect_states(&keep, values, 9, "FFFFFFFFF", &alert);
    expect_states(&cool, values, 9, "FrrrrFFFF", &alert);
    assert_int_equal(alert.fired, 2);
}

static void test_absent_data_is_a_state_and_ends_what_was(void **state)
{
    static const double values[] = {6, NAN, 1, 6, NAN, 6, 6};
    struct tacho_alert_rule rule = {.bound = 5, .for_ns = SECOND};
    struct tacho_alert alert;

    (void)state;
    expect_states(&rule, values, 7, "paipapF", &alert);
    assert_int_equal(alert.absent, 2);
    rule.for_ns = 0;
    expect_states(&rule, values, 7, "FaiFaFF", &alert);
    assert_int_equal(alert.fired, 3);
    assert_string_equal(tacho_alert_state_name(TACHO_ALERT_ABSENT), "absent");
}

static void test_lower_is_worse_where_higher_is_better(void **state)
{
    static const double values[] = {0.9, 0.6, 0.72, 0.8};
    struct tacho_alert_rule rule = {.bound = 0.7, .higher = true, .hysteresis = 0.1};
    struct tacho_alert alert;

    (void)state;
    expect_states(&rule, values, 4, "iFFr", &alert);
    assert_true(alert.worst == 0.6);
}

static void test_a_limit_holds_up_to_its_bound(void **state)
{
    static const double values[] = {10, 20, 30};
    const struct tacho_budget_result *result;
    struct tacho_budget_rule rule = limit("depth", "", 20);

    (void)state;
    begin();
    add_series(&run, "depth", "count", TACHO_METRIC_GAUGE, values, 3);
    result = judge(rule, false);
    assert_int_equal(result->verdict, TACHO_VERDICT_OK);
    assert_true(result->measured == 20 && !tacho_budget_check_fails(&check, true));
    rule.statistic = TACHO_BUDGET_MAX;
    result = judge(rule, false);
    assert_int_equal(result->verdict, TACHO_VERDICT_CRITICAL);
    assert_true(result->alert.fired == 1 && result->alert.first_ns == 2 * SECOND);
    assert_non_null(strstr(result->evidence, "beyond it from 2.00 s on"));
    rule.warning = 20;
    rule.critical = 40;
    rule.kind = TACHO_BUDGET_BAND;
    result = judge(rule, false);
    assert_int_equal(result->verdict, TACHO_VERDICT_WARNING);
    assert_false(tacho_budget_check_fails(&check, false));
    assert_true(tacho_budget_check_fails(&check, true));
    end();
}

static void test_what_the_data_cannot_say_is_no_data(void **state)
{
    static const double values[] = {1, 2, 3}, nothing[] = {NAN, INFINITY};
    struct tacho_budget_rule rule = limit("depth", "", 20);

    (void)state;
    begin();
    add_series(&run, "depth", "count", TACHO_METRIC_GAUGE, values, 3);
    add_series(&run, "broken", "count", TACHO_METRIC_GAUGE, nothing, 2);
    add_series(&run, "rss_bytes", "bytes", TACHO_METRIC_GAUGE, &(double){0}, 1);
    add_series(&run, "empty", "count", TACHO_METRIC_GAUGE, values, 0);
    rule.statistic = TACHO_BUDGET_P99;
    assert_int_equal(judge(rule, false)->verdict, TACHO_VERDICT_NO_DATA);
    assert_true(tacho_budget_check_fails(&check, false)); // not one rule has data
    rule.statistic = TACHO_BUDGET_RATE;
    assert_int_equal(judge(rule, false)->verdict, TACHO_VERDICT_NO_DATA);
    assert_int_equal(judge(limit("depth", "seconds", 20), false)->verdict, TACHO_VERDICT_NO_DATA);
    assert_int_equal(judge(limit("broken", "", 20), false)->verdict, TACHO_VERDICT_NO_DATA);
    assert_int_equal(judge(limit("empty", "", 20), false)->verdict, TACHO_VERDICT_NO_DATA);
    assert_int_equal(judge(limit("rss_bytes", "bytes", 20), false)->verdict,
                     TACHO_VERDICT_NO_DATA); // it ended too early
    assert_int_equal(judge(limit("never", "", 20), false)->verdict, TACHO_VERDICT_NO_DATA);
    assert_string_equal(check.results.items[0].evidence, "the run has no such metric");
    end();
}

static void test_counters_are_held_by_total_and_by_rate(void **state)
{
    static const double values[] = {100, 300, 500};
    struct tacho_budget_rule rule = limit("orders", "", 499);

    (void)state;
    begin();
    add_series(&run, "orders", "count", TACHO_METRIC_COUNTER, values, 3);
    assert_int_equal(judge(rule, false)->verdict, TACHO_VERDICT_CRITICAL);
    rule = limit("orders", "count/s", 200);
    rule.statistic = TACHO_BUDGET_RATE;
    rule.direction = TACHO_DIRECTION_HIGHER;
    assert_int_equal(judge(rule, false)->verdict, TACHO_VERDICT_OK);
    rule.critical = 201;
    assert_int_equal(judge(rule, false)->verdict, TACHO_VERDICT_CRITICAL);
    end();
}

static void test_a_rule_with_a_time_forgives_what_is_short(void **state)
{
    static const double values[] = {10, 90, 10, 90, 90, 90, 10};
    struct tacho_budget_rule rule = limit("latency", "seconds", 0.05);

    (void)state;
    begin();
    add_series(&run, "latency", "milliseconds", TACHO_METRIC_GAUGE, values, 7);
    rule.is_timed = true;
    rule.statistic = TACHO_BUDGET_EACH;
    rule.for_ns = 3 * SECOND;
    assert_int_equal(judge(rule, false)->verdict, TACHO_VERDICT_OK);
    rule.for_ns = 2 * SECOND;
    assert_int_equal(judge(rule, false)->verdict, TACHO_VERDICT_CRITICAL);
    assert_true(check.results.items[0].alert.first_ns == 3 * SECOND);
    end();
}

static void test_change_is_held_against_the_baseline(void **state)
{
    static const double now[] = {112}, before[] = {100}, zero[] = {0};
    struct tacho_budget_rule rule = limit("size", "", 0.1);
    const struct tacho_budget_result *result;

    (void)state;
    begin();
    add_series(&run, "size", "bytes", TACHO_METRIC_GAUGE, now, 1);
    add_series(&run, "from_zero", "bytes", TACHO_METRIC_GAUGE, now, 1);
    add_series(&run, "new", "bytes", TACHO_METRIC_GAUGE, now, 1);
    add_series(&baseline, "size", "bytes", TACHO_METRIC_GAUGE, before, 1);
    add_series(&baseline, "from_zero", "bytes", TACHO_METRIC_GAUGE, zero, 1);
    rule.kind = TACHO_BUDGET_CHANGE;
    assert_int_equal(judge(rule, false)->verdict, TACHO_VERDICT_NO_DATA);
    result = judge(rule, true);
    assert_int_equal(result->verdict, TACHO_VERDICT_CRITICAL);
    assert_true(fabs(result->change - 0.12) < 1e-9 && result->base == 100);
    rule.critical = 0.15;
    assert_int_equal(judge(rule, true)->verdict, TACHO_VERDICT_OK);
    rule.direction = TACHO_DIRECTION_HIGHER; // more is better: no regression
    rule.critical = 0.01;
    assert_int_equal(judge(rule, true)->verdict, TACHO_VERDICT_OK);
    rule.name = "from_zero";
    assert_int_equal(judge(rule, true)->verdict, TACHO_VERDICT_NO_DATA);
    rule.name = "new";
    assert_int_equal(judge(rule, true)->verdict, TACHO_VERDICT_NO_DATA);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_alert_waits_before_it_fires_and_counts_from_the_first_value),
        cmocka_unit_test(test_hysteresis_keeps_an_alert_until_the_value_is_well_back),
        cmocka_unit_test(test_keeping_and_cooldown_join_what_flutters),
        cmocka_unit_test(test_absent_data_is_a_state_and_ends_what_was),
        cmocka_unit_test(test_lower_is_worse_where_higher_is_better),
        cmocka_unit_test(test_a_limit_holds_up_to_its_bound),
        cmocka_unit_test(test_what_the_data_cannot_say_is_no_data),
        cmocka_unit_test(test_counters_are_held_by_total_and_by_rate),
        cmocka_unit_test(test_a_rule_with_a_time_forgives_what_is_short),
        cmocka_unit_test(test_change_is_held_against_the_baseline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

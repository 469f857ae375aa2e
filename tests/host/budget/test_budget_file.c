// Tests of budgets as files: what is right is read, what is wrong is named with its place.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "budget/budget_file.h"
#include "budget/presets.h"

static const char *failure(const char *text)
{
    static struct tacho_fail fail;
    struct tacho_budget budget;

    fail = (struct tacho_fail){0};
    assert_int_equal(tacho_budget_read_text("b.yaml", text, strlen(text), &budget, &fail),
                     TACHO_ERR_USAGE);
    tacho_budget_release(&budget);
    return fail.text;
}

static void test_every_kind_of_rule_is_read(void **state)
{
    static const char text[] =
        "name: mine\n"
        "rules:\n"
        "  - {id: a, zone: serve, statistic: p95, target: 50 ms}\n"
        "  - {id: b, metric: rss_bytes, limit: 4 GiB, for: 5 s, hysteresis: 10 %, cooldown: 1 "
        "min}\n"
        "  - {id: c, metric: hits, subject: 'process *', band: {warning: 90 %, critical: 70 %}}\n"
        "  - {id: d, summary: memory_peak_bytes, change: memory, severity: warning}\n"
        "  - {id: e, metric: load, unit: ms, limit: 20}\n";
    struct tacho_fail fail = {0};
    struct tacho_budget budget;
    const struct tacho_budget_rule *rules;

    (void)state;
    assert_int_equal(tacho_budget_read_text("b.yaml", text, sizeof text - 1, &budget, &fail), 0);
    rules = budget.rules.items;
    assert_int_equal(budget.rules.count, 5);
    assert_string_equal(budget.name, "mine");
    assert_true(rules[0].kind == TACHO_BUDGET_TARGET && rules[0].statistic == TACHO_BUDGET_P95);
    assert_true(fabs(rules[0].warning - 0.05) < 1e-12 && isnan(rules[0].critical));
    assert_true(rules[1].is_timed && rules[1].for_ns == 5000000000 && rules[1].hysteresis == 0.1);
    assert_true(rules[1].critical == 4294967296.0 && rules[1].cooldown_ns == 60000000000);
    assert_int_equal(rules[2].direction, TACHO_DIRECTION_HIGHER);
    assert_string_equal(rules[2].subject, "process *");
    assert_true(rules[3].warning == 0.10 && isnan(rules[3].critical));
    assert_true(fabs(rules[4].critical - 0.02) < 1e-12);
    assert_string_equal(rules[4].unit, "seconds");
    assert_int_equal(rules[4].line, 7);
    tacho_budget_release(&budget);
}

static void test_what_is_wrong_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", "b.yaml:1:1: it is empty"},
        {"rules: [", "b.yaml:2:1: not YAML"},
        {"rule: []", "b.yaml:1:1: 'rule' is not a key of a budget; did you mean 'rules'?"},
        {"name: x", "expected 'rules:'"},
        {"rules: []", "b.yaml:1:8: expected a list of rules"},
        {"rules:\n- {id: a, zone: z, limt: 1 s}",
         "b.yaml:2:20: 'limt' is not a key of a rule; did you mean 'limit'?"},
        {"rules:\n- {id: a, zone: z, limit: 1 s, limit: 2 s}",
         "b.yaml:2:32: 'limit' is given twice"},
        {"rules:\n- {zone: z, limit: 1 s}", "b.yaml:2:3: expected 'id: NAME'"},
        {"rules:\n- {id: a, zone: z}", "expected one of target, limit, band, change"},
        {"rules:\n- {id: a, limit: 1 s}", "expected one of metric, zone, summary"},
        {"rules:\n- {id: a, zone: z, metric: m, limit: 1 s}", "'zone' beside 'metric'"},
        {"rules:\n- {id: a, zone: z, limit: 1 s, target: 1 s}", "'limit' beside 'target'"},
        {"rules:\n- {id: a, zone: z, limit: 4 GiB}",
         "b.yaml:2:27: '4 GiB' is no value for 'z', which is in seconds; write for example 50 ms"},
        {"rules:\n- {id: a, zone: z, limit: 50}", "'50' is no value for 'z'"},
        {"rules:\n- {id: a, metric: m, limit: 5 parsec}", "'parsec' is not a unit"},
        {"rules:\n- {id: a, metric: m, limit: much}", "'much' is not a number"},
        {"rules:\n- {id: a, metric: m, limit: .nan}", "'.nan' is not a number"},
        {"rules:\n- {id: a, metric: rss_bytes, limit: 5 s}", "which is in bytes"},
        {"rules:\n- {id: a, zone: z, statistic: p98, limit: 1 s}", "did you mean 'p9"},
        {"rules:\n- {id: a, metric: m, statistic: errors, limit: 1}", "is not a statistic"},
        {"rules:\n- {id: a, summary: memory_peak_byte, limit: 1 GB}",
         "did you mean 'memory_peak_bytes'?"},
        {"rules:\n- {id: a, zone: z, band: {warning: 5 s, critical: 5 s}}",
         "b.yaml:2:51: impossible band: warning and critical are the same"},
        {"rules:\n- {id: a, metric: rss_bytes, band: {warning: 5 GB, critical: 4 GB}}",
         "impossible band: lower values of 'rss_bytes' are better, so critical must be above"},
        {"rules:\n- {id: a, metric: m, band: {warning: 5 GB, critical: 6 s}}",
         "the two bounds of a band have different units"},
        {"rules:\n- {id: a, metric: m, band: 5 GB}", "expected keys and values"},
        {"rules:\n- {id: a, metric: m, band: {warning: 5 GB}}", "a band has two bounds"},
        {"rules:\n- {id: a, zone: z, limit: 1 s, for: 5 s}", "'for' needs a metric"},
        {"rules:\n- {id: a, metric: m, limit: 1 s, for: 5 %}", "expected a time with its unit"},
        {"rules:\n- {id: a, metric: m, limit: 1 s, for: 5 s, statistic: p95}",
         "judges each sample and has no statistic"},
        {"rules:\n- {id: a, metric: m, change: some}", "expected a share such as 10 %"},
        {"rules:\n- {id: a, zone: z, limit: 1 s}\n- {id: a, zone: z, limit: 1 s}",
         "b.yaml:3:3: the id 'a' is taken by the rule of line 2"},
        {"rules:\n- 5", "b.yaml:2:3: expected keys and values"},
        {"rules:\n- {id: a, zone: z, limit: 1 s}\n---\nrules: 1\n", "something follows"},
        {"rules: &r\n- *r\n", "expected keys and values"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = failure(rows[i].text);

        if (strstr(text, rows[i].expected) == NULL)
            fail_msg("%s\ngave: %s\nnot:  %s", rows[i].text, text, rows[i].expected);
    }
}

static void test_any_prefix_of_a_budget_is_read_or_refused(void **state)
{
    const struct tacho_preset *preset = tacho_presets;

    (void)state;
    for (size_t size = 0; size <= preset->size; size++) {
        struct tacho_fail fail = {0};
        struct tacho_budget budget;
        int status = tacho_budget_read_text("b.yaml", preset->text, size, &budget, &fail);

        assert_true(status == 0 || fail.text[0] != '\0');
        tacho_budget_release(&budget);
    }
}

static void test_every_preset_is_a_budget_that_says_where_it_is_from(void **state)
{
    size_t rules = 0;

    (void)state;
    for (const struct tacho_preset *preset = tacho_presets; preset->name; preset++) {
        struct tacho_fail fail = {0};
        struct tacho_budget budget;

        if (tacho_budget_read_text(preset->name, preset->text, preset->size, &budget, &fail) < 0)
            fail_msg("%s", fail.text);
        assert_string_equal(budget.name, preset->name);
        assert_non_null(budget.note);
        for (size_t i = 0; i < budget.rules.count; i++)
            assert_non_null(budget.rules.items[i].source);
        rules += budget.rules.count;
        tacho_budget_release(&budget);
    }
    assert_int_equal(rules, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_rule_is_read),
        cmocka_unit_test(test_what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(test_any_prefix_of_a_budget_is_read_or_refused),
        cmocka_unit_test(test_every_preset_is_a_budget_that_says_where_it_is_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Verdicts on the rules of a budget: see budget.h.
#include "analyze/budget.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyze/budget_measure.h"
#include "base/units.h"

const char *tacho_budget_kind_name(enum tacho_budget_kind kind)
{
    static const char *const names[] = {"target", "limit", "band", "change"};

    return names[kind];
}

const char *tacho_budget_statistic_name(enum tacho_budget_statistic statistic)
{
    static const char *const names[TACHO_BUDGET_STATISTICS] = {
        "value", "mean", "min",   "max",  "p50",   "p90",         "p95",
        "p99",   "last", "total", "rate", "count", "error_ratio", "each sample"};

    return names[statistic];
}

const char *tacho_budget_verdict_name(enum tacho_budget_verdict verdict)
{
    static const char *const names[] = {"no data", "ok", "warning", "critical"};

    return names[verdict];
}

static enum tacho_budget_verdict judge_value(const struct tacho_budget_rule *rule, double value)
{
    struct tacho_alert_rule alert = {.bound = rule->critical,
                                     .higher = rule->direction == TACHO_DIRECTION_HIGHER};

    if (tacho_alert_is_beyond(&alert, value)) // false where the bound is NaN
        return TACHO_VERDICT_CRITICAL;
    alert.bound = rule->warning;
    return tacho_alert_is_beyond(&alert, value) ? TACHO_VERDICT_WARNING : TACHO_VERDICT_OK;
}

static double bound_of(const struct tacho_budget_rule *rule, enum tacho_budget_verdict verdict)
{
    if (verdict == TACHO_VERDICT_CRITICAL)
        return rule->critical;
    return isnan(rule->warning) ? rule->critical : rule->warning;
}

// Follows all series of the rule past one bound: the alert that fired longest, else was worst.
static const struct tacho_run_series *follow_all(const struct tacho_budget_rule *rule,
                                                 const struct tacho_run *run, double bound,
                                                 struct tacho_alert *worst)
{
    struct tacho_alert_rule alert_rule = {.bound = bound,
                                          .higher = rule->direction == TACHO_DIRECTION_HIGHER,
                                          .hysteresis = rule->hysteresis,
                                          .for_ns = rule->for_ns,
                                          .keep_ns = rule->keep_ns,
                                          .cooldown_ns = rule->cooldown_ns};
    const struct tacho_run_series *found = NULL;

    for (size_t i = 0; i < run->series.count; i++) {
        const struct tacho_run_series *series = &run->series.items[i];
        struct tacho_alert alert;

        if (!tacho_budget_means(rule, series))
            continue;
        tacho_budget_follow(series, &alert_rule, &alert);
        if (found == NULL || (alert.fired > 0 && worst->fired == 0) ||
            (alert.fired > 0 && alert.total_ns > worst->total_ns)) {
            *worst = alert;
            found = series;
        }
    }
    return found;
}

static void judge_timed(const struct tacho_budget_rule *rule, const struct tacho_run *run,
                        struct tacho_budget_result *result)
{
    static const enum tacho_budget_verdict levels[] = {TACHO_VERDICT_CRITICAL,
                                                       TACHO_VERDICT_WARNING};

    result->verdict = TACHO_VERDICT_OK;
    for (size_t i = 0; i < 2 && result->verdict == TACHO_VERDICT_OK; i++) {
        double bound = i == 0 ? rule->critical : rule->warning;
        const struct tacho_run_series *series;

        if (isnan(bound))
            continue;
        series = follow_all(rule, run, bound, &result->alert);
        if (series != NULL && result->alert.fired > 0) {
            result->verdict = levels[i];
            result->subject = series->subject;
            result->measured = result->alert.worst;
        }
    }
}

// Whether a bound in `wanted` can be held against a value in `unit`. A bare number is a count or a
// ratio.
static bool units_agree(const char *wanted, const char *unit)
{
    if (*wanted == '\0')
        return strcmp(unit, "count") == 0 || strcmp(unit, "ratio") == 0;
    return strcmp(wanted, unit) == 0;
}

static void say_times(struct tacho_budget_check *check, struct tacho_budget_result *result)
{
    char begin[TACHO_UNIT_TEXT_MAX], total[TACHO_UNIT_TEXT_MAX];
    const struct tacho_alert *alert = &result->alert;

    if (alert->fired == 0)
        return;
    result->evidence = tacho_arena_printf(
        &check->arena, "%s; beyond it from %s on, for %s in all (%llu %s)", result->evidence,
        tacho_format_seconds((double)alert->first_ns * 1e-9, begin),
        tacho_format_seconds((double)alert->total_ns * 1e-9, total),
        (unsigned long long)alert->fired, alert->fired == 1 ? "time" : "times");
}

static void judge_change(struct tacho_budget_check *check, const struct tacho_budget_rule *rule,
                         const struct tacho_run *baseline, struct tacho_budget_result *result)
{
    struct tacho_budget_measure base;
    char text[TACHO_UNIT_TEXT_MAX];
    double worse;

    if (baseline == NULL) {
        result->evidence = "there is no baseline; name one with --baseline RUN";
        return;
    }
    tacho_budget_measure(rule, baseline, &base);
    if (base.missing || strcmp(base.unit, result->unit) != 0) {
        result->evidence = tacho_arena_printf(&check->arena, "in the baseline: %s",
                                              base.missing ? base.missing : "it has another unit");
        return;
    }
    result->base = base.value;
    if (base.value == 0 && result->measured != 0) {
        result->evidence = "the baseline is 0, which leaves no relative change";
        return;
    }
    result->change = base.value == 0 ? 0 : (result->measured - base.value) / fabs(base.value);
    worse = rule->direction == TACHO_DIRECTION_HIGHER ? -result->change : result->change;
    result->verdict = worse > rule->critical  ? TACHO_VERDICT_CRITICAL
                      : worse > rule->warning ? TACHO_VERDICT_WARNING
                                              : TACHO_VERDICT_OK;
    result->bound = bound_of(rule, result->verdict);
    result->evidence =
        tacho_arena_printf(&check->arena, "%+.1f %% against %s, one run each", result->change * 100,
                           tacho_format_unit(base.value, result->unit, text));
}

static const char *basis(struct tacho_budget_check *check, const struct tacho_budget_rule *rule,
                         const struct tacho_budget_measure *measure,
                         const struct tacho_budget_result *result)
{
    const char *noun = rule->what == TACHO_BUDGET_ZONE ? "execution" : "sample";

    if (rule->what == TACHO_BUDGET_SUMMARY)
        return "of the whole run";
    return tacho_arena_printf(
        &check->arena, "%s of %llu %s%s%s%s", tacho_budget_statistic_name(measure->statistic),
        (unsigned long long)measure->count, noun, measure->count == 1 ? "" : "s",
        *result->subject ? ", " : "", result->subject);
}

static void judge(struct tacho_budget_check *check, const struct tacho_budget_rule *rule,
                  const struct tacho_run *run, const struct tacho_run *baseline,
                  struct tacho_budget_result *result)
{
    struct tacho_budget_measure measure;

    tacho_budget_measure(rule, run, &measure);
    *result = (struct tacho_budget_result){.rule = rule,
                                           .statistic = measure.statistic,
                                           .measured = measure.value,
                                           .bound = bound_of(rule, TACHO_VERDICT_OK),
                                           .base = NAN,
                                           .change = NAN,
                                           .unit = measure.unit,
                                           .subject = measure.subject};
    if (measure.missing) {
        result->unit = rule->kind == TACHO_BUDGET_CHANGE ? "" : rule->unit;
        result->evidence = measure.missing;
        return;
    }
    if (rule->kind == TACHO_BUDGET_CHANGE) {
        judge_change(check, rule, baseline, result);
        return;
    }
    if (!units_agree(rule->unit, measure.unit)) {
        result->measured = NAN;
        result->unit = rule->unit;
        result->evidence =
            tacho_arena_printf(&check->arena, "it is measured in %s, the rule is in %s",
                               measure.unit, *rule->unit ? rule->unit : "numbers without a unit");
        return;
    }
    if (rule->is_timed)
        judge_timed(rule, run, result);
    else
        result->verdict = judge_value(rule, measure.value);
    result->bound = bound_of(rule, result->verdict);
    if (!rule->is_timed && result->verdict > TACHO_VERDICT_OK && measure.in_time)
        follow_all(rule, run, result->bound, &result->alert);
    result->evidence = basis(check, rule, &measure, result);
    say_times(check, result);
}

void tacho_budget_check_build(struct tacho_budget_check *check, const struct tacho_budget *budget,
                              const struct tacho_run *run, const struct tacho_run *baseline)
{
    memset(check, 0, sizeof *check);
    for (size_t i = 0; i < budget->rules.count; i++) {
        struct tacho_budget_result result;

        judge(check, &budget->rules.items[i], run, baseline, &result);
        tacho_array_push(&check->results, result);
        check->count[result.verdict]++;
    }
}

void tacho_budget_check_release(struct tacho_budget_check *check)
{
    tacho_array_release(&check->results);
    tacho_arena_release(&check->arena);
}

void tacho_budget_release(struct tacho_budget *budget)
{
    tacho_array_release(&budget->rules);
    tacho_arena_release(&budget->arena);
}

bool tacho_budget_verdict_fails(enum tacho_budget_verdict verdict, bool strict)
{
    return verdict == TACHO_VERDICT_CRITICAL || (strict && verdict != TACHO_VERDICT_OK);
}

bool tacho_budget_check_fails(const struct tacho_budget_check *check, bool strict)
{
    for (size_t i = 0; i < check->results.count; i++)
        if (tacho_budget_verdict_fails(check->results.items[i].verdict, strict))
            return true;
    return check->count[TACHO_VERDICT_NO_DATA] == check->results.count;
}

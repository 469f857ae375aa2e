// What a run says about one rule: see budget_measure.h.
#include "analyze/budget_measure.h"

#include <fnmatch.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "analyze/facts.h"
#include "analyze/metric_summary.h"
#include "analyze/zones.h"
#include "run/metrics.h"

#define FACT(name, unit, direction)                                                                \
    {                                                                                              \
#name, unit, TACHO_DIRECTION_##direction, offsetof(struct tacho_facts, name)               \
    }

const struct tacho_budget_fact tacho_budget_facts[] = {
    FACT(wall_seconds, "seconds", LOWER),
    FACT(cpu_user_seconds, "seconds", LOWER),
    FACT(cpu_system_seconds, "seconds", LOWER),
    FACT(cpu_wait_seconds, "seconds", LOWER),
    FACT(cpu_ratio_core, "ratio", LOWER),
    FACT(cpu_ratio_machine, "ratio", LOWER),
    FACT(memory_peak_bytes, "bytes", LOWER),
    FACT(memory_together_peak_bytes, "bytes", LOWER),
    FACT(memory_mean_bytes, "bytes", LOWER),
    FACT(swap_peak_bytes, "bytes", LOWER),
    FACT(page_faults_minor, "count", LOWER),
    FACT(page_faults_major, "count", LOWER),
    FACT(switches_voluntary, "count", LOWER),
    FACT(switches_involuntary, "count", LOWER),
    FACT(io_read_bytes, "bytes", LOWER),
    FACT(io_write_bytes, "bytes", LOWER),
    FACT(io_wait_seconds, "seconds", LOWER),
    FACT(start_exec_seconds, "seconds", LOWER),
    FACT(start_loading_seconds, "seconds", LOWER),
    FACT(start_first_output_seconds, "seconds", LOWER),
    FACT(overhead_seconds, "seconds", LOWER),
    FACT(overhead_ratio, "ratio", LOWER),
    FACT(host_cpu_ratio_machine, "ratio", LOWER),
    FACT(host_steal_ratio, "ratio", LOWER),
    FACT(pressure_cpu_ratio, "ratio", LOWER),
    FACT(pressure_memory_ratio, "ratio", LOWER),
    FACT(pressure_io_ratio, "ratio", LOWER),
    FACT(processes, "count", LOWER),
    FACT(threads_peak, "count", LOWER),
    FACT(open_files_peak, "count", LOWER),
    {NULL, NULL, 0, 0},
};

const struct tacho_budget_fact *tacho_budget_fact_find(const char *name)
{
    for (const struct tacho_budget_fact *fact = tacho_budget_facts; fact->name; fact++)
        if (strcmp(fact->name, name) == 0)
            return fact;
    return NULL;
}

// Units of a program's own metrics that differ from a base unit by a factor.
static const char *base_unit(const char *unit, double *scale)
{
    static const struct {
        const char *name, *base;
        double scale;
    } rows[] = {{"nanoseconds", "seconds", 1e-9},
                {"ns", "seconds", 1e-9},
                {"microseconds", "seconds", 1e-6},
                {"us", "seconds", 1e-6},
                {"milliseconds", "seconds", 1e-3},
                {"ms", "seconds", 1e-3},
                {"s", "seconds", 1},
                {"percent", "ratio", 0.01},
                {"%", "ratio", 0.01},
                {"", "count", 1},
                {"milliwatts", "watts", 1e-3}};

    *scale = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(unit, rows[i].name) == 0) {
            *scale = rows[i].scale;
            return rows[i].base;
        }
    }
    return unit;
}

static const char *per_second(const char *unit)
{
    if (strcmp(unit, "seconds") == 0) // CPU seconds a second
        return "ratio";
    if (strcmp(unit, "bytes") == 0)
        return "bytes/s";
    return strcmp(unit, "count") == 0 ? "count/s" : "per second";
}

bool tacho_budget_means(const struct tacho_budget_rule *rule, const struct tacho_run_series *series)
{
    const char *subject = rule->subject;

    if (rule->what != TACHO_BUDGET_METRIC || strcmp(rule->name, series->name) != 0)
        return false;
    if (subject == NULL && tacho_metric_row_find(rule->name) != NULL)
        subject = strncmp(rule->name, "host_", 5) == 0 ? "host" : "run";
    return subject == NULL || fnmatch(subject, series->subject, 0) == 0;
}

static double of_statistics(const struct tacho_statistics *values,
                            enum tacho_budget_statistic statistic)
{
    switch (statistic) {
    case TACHO_BUDGET_MIN:
        return values->min;
    case TACHO_BUDGET_MAX:
        return values->max;
    case TACHO_BUDGET_P50:
        return values->quantile[TACHO_P50];
    case TACHO_BUDGET_P90:
        return values->quantile[TACHO_P90];
    case TACHO_BUDGET_P95:
        return values->quantile[TACHO_P95];
    case TACHO_BUDGET_P99:
        return values->quantile[TACHO_P99];
    case TACHO_BUDGET_LAST:
        return values->last;
    default:
        return values->mean;
    }
}

static bool is_quantile(enum tacho_budget_statistic statistic)
{
    return statistic >= TACHO_BUDGET_P50 && statistic <= TACHO_BUDGET_P99;
}

static void measure_series(const struct tacho_budget_rule *rule, const struct tacho_run *run,
                           const struct tacho_run_series *series,
                           struct tacho_budget_measure *measure)
{
    enum tacho_budget_statistic statistic = rule->statistic;
    bool is_counter = series->kind == TACHO_METRIC_COUNTER;
    struct tacho_metric_summary summary;
    double scale;

    tacho_metric_summary_build(&summary, series);
    measure->unit = base_unit(series->unit, &scale);
    measure->subject = series->subject;
    measure->count = summary.values.count;
    if (statistic == TACHO_BUDGET_DEFAULT)
        statistic = is_counter ? TACHO_BUDGET_TOTAL : TACHO_BUDGET_MEAN;
    measure->statistic = statistic;
    if (statistic == TACHO_BUDGET_EACH)
        statistic = rule->direction == TACHO_DIRECTION_HIGHER ? TACHO_BUDGET_MIN : TACHO_BUDGET_MAX;
    if (is_counter && (statistic == TACHO_BUDGET_TOTAL || statistic == TACHO_BUDGET_LAST)) {
        bool whole = strncmp(run->info.target, "pid:", 4) != 0;
        measure->count = series->count;
        measure->value = whole ? summary.last : summary.increase;
    } else if (is_counter) {
        measure->unit = per_second(measure->unit);
        measure->in_time = true;
        measure->value = statistic == TACHO_BUDGET_RATE ? summary.rate
                                                        : of_statistics(&summary.values, statistic);
    } else if (statistic == TACHO_BUDGET_TOTAL || statistic == TACHO_BUDGET_RATE) {
        measure->missing = "a gauge has no total and no rate";
    } else if (statistic == TACHO_BUDGET_COUNT || statistic == TACHO_BUDGET_ERRORS) {
        measure->missing = "only zones have a count and errors";
    } else if (is_quantile(statistic) && series->reduced) {
        measure->missing = "the run was read reduced, which leaves no quantiles";
    } else {
        measure->in_time = true;
        measure->value = statistic == TACHO_BUDGET_LAST ? summary.last
                                                        : of_statistics(&summary.values, statistic);
    }
    measure->value *= scale;
    if (!measure->missing && !isfinite(measure->value))
        measure->missing = series->count == 0       ? "there is not one sample"
                           : is_quantile(statistic) ? "too few samples for this quantile"
                                                    : "the samples give no finite number";
}

// Whether `a` is worse than `b` for the rule; any value is worse than none.
static bool is_worse(const struct tacho_budget_rule *rule, const struct tacho_budget_measure *a,
                     const struct tacho_budget_measure *b)
{
    if (a->missing || b->missing)
        return !a->missing && b->missing;
    return rule->direction == TACHO_DIRECTION_HIGHER ? a->value < b->value : a->value > b->value;
}

static void measure_metric(const struct tacho_budget_rule *rule, const struct tacho_run *run,
                           struct tacho_budget_measure *measure)
{
    size_t matches = 0;

    measure->missing = "the run has no such metric";
    for (size_t i = 0; i < run->series.count; i++) {
        struct tacho_budget_measure one = {.value = NAN, .unit = ""};

        if (!tacho_budget_means(rule, &run->series.items[i]))
            continue;
        measure_series(rule, run, &run->series.items[i], &one);
        if (matches++ == 0 || is_worse(rule, &one, measure))
            *measure = one;
    }
    measure->matches = matches;
}

static void measure_zone(const struct tacho_budget_rule *rule, const struct tacho_run *run,
                         struct tacho_budget_measure *measure)
{
    enum tacho_budget_statistic statistic =
        rule->statistic == TACHO_BUDGET_DEFAULT ? TACHO_BUDGET_MEAN : rule->statistic;
    struct tacho_zones zones;

    measure->missing = "the run has no such zone";
    measure->statistic = statistic;
    tacho_zones_build(&zones, run, 0, 0);
    for (size_t i = 0; i < zones.items.count; i++) {
        const struct tacho_zone_summary *zone = &zones.items.items[i];
        double count = (double)zone->time_ns.count;
        struct tacho_budget_measure one = {
            .unit = "seconds", .subject = "", .count = zone->time_ns.count, .statistic = statistic};

        if (strcmp(run->zones.items[zone->zone].name, rule->name) != 0)
            continue;
        measure->matches++;
        if (statistic == TACHO_BUDGET_TOTAL) {
            one.value = zone->total_ns * 1e-9;
        } else if (statistic == TACHO_BUDGET_RATE) {
            one.unit = "count/s";
            one.value = count / ((double)run->info.duration_ns * 1e-9);
        } else if (statistic == TACHO_BUDGET_COUNT) {
            one.unit = "count";
            one.value = count;
        } else if (statistic == TACHO_BUDGET_ERRORS) {
            one.unit = "ratio";
            one.value = (double)zone->time_ns.errors / count;
        } else {
            one.value = of_statistics(&zone->time_ns, statistic) * 1e-9;
        }
        if (!isfinite(one.value))
            one.missing = is_quantile(statistic) ? "too few executions for this quantile"
                                                 : "its executions give no finite number";
        one.matches = measure->matches;
        if (measure->matches == 1 || is_worse(rule, &one, measure))
            *measure = one;
    }
    tacho_zones_release(&zones);
}

// A process that lives has memory: zero is what is left of one that ended before it was looked at.
static bool is_unseen(const struct tacho_budget_rule *rule, double value)
{
    static const char *const names[] = {"rss_bytes",         "rss_peak_bytes",
                                        "pss_bytes",         "memory_peak_bytes",
                                        "memory_mean_bytes", "memory_together_peak_bytes"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(rule->name, names[i]) == 0 && rule->what != TACHO_BUDGET_ZONE)
            return value <= 0;
    return false;
}

void tacho_budget_measure(const struct tacho_budget_rule *rule, const struct tacho_run *run,
                          struct tacho_budget_measure *measure)
{
    *measure = (struct tacho_budget_measure){
        .value = NAN, .unit = "", .subject = "", .statistic = rule->statistic};
    if (rule->what == TACHO_BUDGET_METRIC) {
        measure_metric(rule, run, measure);
    } else if (rule->what == TACHO_BUDGET_ZONE) {
        measure_zone(rule, run, measure);
    } else {
        const struct tacho_budget_fact *fact = tacho_budget_fact_find(rule->name);
        struct tacho_facts facts;

        measure->missing = "the run has no such fact";
        if (fact == NULL)
            return;
        tacho_facts_build(&facts, run);
        memcpy(&measure->value, (const char *)&facts + fact->offset, sizeof measure->value);
        measure->unit = fact->unit;
        measure->count = measure->matches = 1;
        measure->missing = isfinite(measure->value) ? NULL : "it was not measured";
    }
    if (!measure->missing && is_unseen(rule, measure->value))
        measure->missing = "the program ended before its memory was looked at";
    if (measure->missing)
        measure->value = NAN;
}

void tacho_budget_follow(const struct tacho_run_series *series,
                         const struct tacho_alert_rule *alert_rule, struct tacho_alert *alert)
{
    bool is_counter = series->kind == TACHO_METRIC_COUNTER;
    int64_t end_ns = 0;
    double scale;

    base_unit(series->unit, &scale);
    tacho_alert_init(alert, alert_rule);
    for (size_t i = is_counter ? 1 : 0; i < series->count; i++) {
        double value = series->value[i] * scale;

        if (is_counter) {
            double step = value - series->value[i - 1] * scale;
            int64_t took_ns = series->time_ns[i] - series->time_ns[i - 1];

            if (took_ns <= 0)
                continue;
            value = step >= 0 ? step / ((double)took_ns * 1e-9) : NAN; // a restart
        }
        end_ns = series->time_ns[i];
        tacho_alert_step(alert, end_ns, value);
    }
    tacho_alert_finish(alert, end_ns);
}

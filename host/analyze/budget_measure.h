// What a run says about one rule of a budget: the measured value, its unit, and where it is from.
#ifndef TACHO_ANALYZE_BUDGET_MEASURE_H
#define TACHO_ANALYZE_BUDGET_MEASURE_H

#include "analyze/budget.h"

struct tacho_budget_measure {
    double value;        // in `unit`; NaN: there is none
    const char *unit;    // as in run/metrics.def, a rate with "/s"
    const char *subject; // of the series it is from, "" if none
    uint64_t count;      // values it rests on
    size_t matches;      // series that the rule means
    enum tacho_budget_statistic statistic;
    bool in_time;        // its samples, one by one, are in the same unit
    const char *missing; // why there is no value; NULL: there is one
};

// The worst value, by the rule's direction, of all series that the rule means.
void tacho_budget_measure(const struct tacho_budget_rule *rule, const struct tacho_run *run,
                          struct tacho_budget_measure *measure);
// Whether the rule means this series.
bool tacho_budget_means(const struct tacho_budget_rule *rule,
                        const struct tacho_run_series *series);
// Follows one series in time, a counter by its rate between samples, in the unit that
// tacho_budget_measure gives.
void tacho_budget_follow(const struct tacho_run_series *series,
                         const struct tacho_alert_rule *alert_rule, struct tacho_alert *alert);

#endif

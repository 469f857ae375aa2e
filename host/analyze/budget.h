// Budgets: rules about what a run may cost, and the verdict on each. Pure functions over runs.
//
// A verdict is never better than the data: what was not measured, what is in another unit, and a
// quantile that the sample does not support are "no data", never "ok".
#ifndef TACHO_ANALYZE_BUDGET_H
#define TACHO_ANALYZE_BUDGET_H

#include "analyze/budget_alert.h"
#include "base/arena.h"
#include "run/model.h"

enum tacho_budget_kind {
    TACHO_BUDGET_TARGET, // wanted: to miss it is a warning
    TACHO_BUDGET_LIMIT,  // must hold: to break it is critical
    TACHO_BUDGET_BAND,   // ok, warning, critical
    TACHO_BUDGET_CHANGE, // against a baseline run
};

enum tacho_budget_source {
    TACHO_BUDGET_METRIC,
    TACHO_BUDGET_ZONE,
    TACHO_BUDGET_SUMMARY,
};

enum tacho_budget_statistic {
    TACHO_BUDGET_DEFAULT, // by what is measured: see tacho_budget_statistic_of
    TACHO_BUDGET_MEAN,
    TACHO_BUDGET_MIN,
    TACHO_BUDGET_MAX,
    TACHO_BUDGET_P50,
    TACHO_BUDGET_P90,
    TACHO_BUDGET_P95,
    TACHO_BUDGET_P99,
    TACHO_BUDGET_LAST,
    TACHO_BUDGET_TOTAL,  // counters: over the run; zones: their time together
    TACHO_BUDGET_RATE,   // counters: per second; zones: executions per second
    TACHO_BUDGET_COUNT,  // zones: executions
    TACHO_BUDGET_ERRORS, // zones: share of executions that failed
    TACHO_BUDGET_EACH,   // every sample: what rules with times are held against
    TACHO_BUDGET_STATISTICS,
};

enum tacho_budget_verdict {
    TACHO_VERDICT_NO_DATA, // zero: an unset result claims nothing
    TACHO_VERDICT_OK,
    TACHO_VERDICT_WARNING,
    TACHO_VERDICT_CRITICAL,
};

struct tacho_budget_rule {
    const char *id;
    const char *name;    // of the metric, zone or fact
    const char *subject; // pattern of a metric's subject; NULL: by the metric
    const char *unit;    // of the bounds, as in run/metrics.def; "" for a number without one
    const char *source;  // where the rule comes from, may be NULL
    const char *note;    // a sentence for the reader, may be NULL
    enum tacho_budget_kind kind;
    enum tacho_budget_source what;
    enum tacho_budget_statistic statistic;
    uint8_t direction;        // enum tacho_direction: LOWER or HIGHER
    double warning, critical; // bounds; NaN: none. CHANGE: relative, 0.1 is 10 % worse
    bool is_timed;            // judged sample by sample, with the four below
    double hysteresis;
    int64_t for_ns, keep_ns, cooldown_ns;
    unsigned line; // in the budget's file
};

struct tacho_budget {
    const char *path; // the file, or "preset NAME"
    bool is_file;     // the path is that of a file, which a reader can be sent to
    const char *name; // "" if it has none
    const char *note; // may be NULL
    TACHO_ARRAY(struct tacho_budget_rule) rules;
    struct tacho_arena arena; // owner of every string above
};

struct tacho_budget_result {
    const struct tacho_budget_rule *rule;
    enum tacho_budget_verdict verdict;
    enum tacho_budget_statistic statistic; // that was taken
    double measured;                       // in `unit`; NaN: no data
    double bound;                          // the one that was broken, else the first that would be
    double base, change;                   // CHANGE: of the baseline, and relative; else NaN
    const char *unit;
    const char *subject;      // of the metric that was the worst; "" if there is none
    const char *evidence;     // one line: what the verdict rests on, or why there is no data
    struct tacho_alert alert; // of the verdict's bound; values 0: nothing was followed in time
};

struct tacho_budget_check {
    TACHO_ARRAY(struct tacho_budget_result) results; // in the order of the rules
    size_t count[TACHO_VERDICT_CRITICAL + 1];        // by verdict
    struct tacho_arena arena;                        // owner of the evidence
};

// Holds `run` against every rule. `baseline` NULL: rules of change have no data. The check refers
// to the budget and the run. Time: linear in the samples of the metrics that rules name, times
// their rules. Never fails.
void tacho_budget_check_build(struct tacho_budget_check *check, const struct tacho_budget *budget,
                              const struct tacho_run *run, const struct tacho_run *baseline);
void tacho_budget_check_release(struct tacho_budget_check *check);
void tacho_budget_release(struct tacho_budget *budget);

// Whether a gate fails: something critical, or no rule has data; `strict`: a warning or one rule
// without data is enough.
bool tacho_budget_check_fails(const struct tacho_budget_check *check, bool strict);
bool tacho_budget_verdict_fails(enum tacho_budget_verdict verdict, bool strict);

// The facts of a run that rules may name (summary: NAME), and their units; NULL past the end.
struct tacho_budget_fact {
    const char *name, *unit;
    uint8_t direction;
    size_t offset; // in struct tacho_facts
};
extern const struct tacho_budget_fact tacho_budget_facts[];
const struct tacho_budget_fact *tacho_budget_fact_find(const char *name);

const char *tacho_budget_kind_name(enum tacho_budget_kind kind);                // "band"
const char *tacho_budget_statistic_name(enum tacho_budget_statistic statistic); // "p95"
const char *tacho_budget_verdict_name(enum tacho_budget_verdict verdict);       // "no data"

#endif

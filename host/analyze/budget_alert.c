// An alert as a state machine: see budget_alert.h.
#include "analyze/budget_alert.h"

#include <math.h>
#include <string.h>

void tacho_alert_init(struct tacho_alert *alert, const struct tacho_alert_rule *rule)
{
    memset(alert, 0, sizeof *alert);
    alert->rule = *rule;
    alert->back_ns = alert->resolved_ns = alert->last_ns = INT64_MIN;
    alert->worst = NAN;
}

bool tacho_alert_is_beyond(const struct tacho_alert_rule *rule, double value)
{
    return rule->higher ? value < rule->bound : value > rule->bound;
}

// Whether a value is not only within the bound, but by the hysteresis.
static bool is_back(const struct tacho_alert_rule *rule, double value)
{
    double margin = fabs(rule->bound) * rule->hysteresis;

    return rule->higher ? value >= rule->bound + margin : value <= rule->bound - margin;
}

static void close_episode(struct tacho_alert *alert, int64_t end_ns)
{
    int64_t took_ns = end_ns - alert->since_ns;

    alert->total_ns += took_ns;
    if (took_ns > alert->longest_ns)
        alert->longest_ns = took_ns;
    alert->resolved_ns = end_ns;
}

static void fire(struct tacho_alert *alert)
{
    alert->state = TACHO_ALERT_FIRING;
    alert->back_ns = INT64_MIN;
    if (alert->fired++ == 0)
        alert->first_ns = alert->since_ns;
}

static void step_firing(struct tacho_alert *alert, int64_t time_ns, double value)
{
    if (!is_back(&alert->rule, value)) {
        alert->back_ns = INT64_MIN;
        return;
    }
    if (alert->back_ns == INT64_MIN)
        alert->back_ns = time_ns;
    if (time_ns - alert->back_ns < alert->rule.keep_ns)
        return;
    close_episode(alert, time_ns);
    alert->state = TACHO_ALERT_RESOLVED;
}

static void step_quiet(struct tacho_alert *alert, int64_t time_ns, double value)
{
    bool cooling =
        alert->resolved_ns != INT64_MIN && time_ns - alert->resolved_ns < alert->rule.cooldown_ns;

    if (!tacho_alert_is_beyond(&alert->rule, value) || cooling) {
        // Resolved stays resolved; what was pending or absent is inactive now.
        if (alert->state != TACHO_ALERT_RESOLVED)
            alert->state = TACHO_ALERT_INACTIVE;
        return;
    }
    if (alert->state != TACHO_ALERT_PENDING) {
        alert->state = TACHO_ALERT_PENDING;
        alert->since_ns = time_ns;
    }
    if (time_ns - alert->since_ns >= alert->rule.for_ns)
        fire(alert);
}

enum tacho_alert_state tacho_alert_step(struct tacho_alert *alert, int64_t time_ns, double value)
{
    if (time_ns < alert->last_ns)
        time_ns = alert->last_ns;
    alert->last_ns = time_ns;
    if (isnan(value)) {
        alert->absent++;
        if (alert->state == TACHO_ALERT_FIRING)
            close_episode(alert, time_ns);
        alert->state = TACHO_ALERT_ABSENT;
        return alert->state;
    }
    alert->values++;
    alert->worst = alert->rule.higher ? fmin(alert->worst, value) : fmax(alert->worst, value);
    if (alert->state == TACHO_ALERT_FIRING)
        step_firing(alert, time_ns, value);
    else
        step_quiet(alert, time_ns, value);
    return alert->state;
}

void tacho_alert_finish(struct tacho_alert *alert, int64_t time_ns)
{
    if (time_ns < alert->last_ns)
        time_ns = alert->last_ns;
    if (alert->state == TACHO_ALERT_FIRING)
        close_episode(alert, time_ns);
}

const char *tacho_alert_state_name(enum tacho_alert_state state)
{
    static const char *const names[] = {"inactive", "pending", "firing", "resolved", "absent"};

    return names[state];
}

// An alert as a state machine over one series in time order: pure, no clock of its own.
//
//   inactive --beyond--> pending --for--> firing --back--> resolved --beyond, after cooldown--> ...
//
// A value that is not a number is absent data: it ends what was pending, closes what was firing,
// and is a state of its own, never "fine".
#ifndef TACHO_ANALYZE_BUDGET_ALERT_H
#define TACHO_ANALYZE_BUDGET_ALERT_H

#include <stdbool.h>
#include <stdint.h>

enum tacho_alert_state {
    TACHO_ALERT_INACTIVE,
    TACHO_ALERT_PENDING, // beyond the bound, but not yet for long enough
    TACHO_ALERT_FIRING,
    TACHO_ALERT_RESOLVED, // it fired, and is over
    TACHO_ALERT_ABSENT,   // no data at this instant
};

struct tacho_alert_rule { // zero is "at once" for each of the times
    double bound;         // a value beyond it is bad; the bound itself is not
    bool higher;          // higher is better: beyond is below
    double hysteresis;    // share of the bound by which a value must be back before it is over
    int64_t for_ns;       // beyond for so long before it fires
    int64_t keep_ns;      // back for so long before it is over (keep_firing_for)
    int64_t cooldown_ns;  // after it was over, nothing begins for so long
};

struct tacho_alert {
    struct tacho_alert_rule rule;
    enum tacho_alert_state state;
    int64_t since_ns;    // pending, firing: since when the values are beyond
    int64_t back_ns;     // firing: since when they are back; INT64_MIN: they are not
    int64_t resolved_ns; // when the last episode ended; INT64_MIN: there was none
    int64_t last_ns;     // time of the last step; INT64_MIN: there was none
    // What happened so far.
    uint64_t values, absent; // steps with a value, and without
    uint64_t fired;          // episodes
    int64_t first_ns;        // begin of the first episode
    int64_t longest_ns, total_ns;
    double worst; // of all values; NaN: none
};

void tacho_alert_init(struct tacho_alert *alert, const struct tacho_alert_rule *rule);
// The next value; a time before the last one is taken as the last one.
enum tacho_alert_state tacho_alert_step(struct tacho_alert *alert, int64_t time_ns, double value);
// The series ends here: an episode that is open is counted up to `time_ns`.
void tacho_alert_finish(struct tacho_alert *alert, int64_t time_ns);
bool tacho_alert_is_beyond(const struct tacho_alert_rule *rule, double value);
const char *tacho_alert_state_name(enum tacho_alert_state state); // "pending"

#endif

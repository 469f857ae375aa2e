// Whether memory leaks: whether the floor of a series rises steadily, and goes on doing so.
#include "analyze/leak.h"

#include <math.h>
#include <string.h>

#include "analyze/trend.h"
#include "base/array.h"

static struct tacho_leak_rule rule_complete(const struct tacho_leak_rule *given)
{
    struct tacho_leak_rule rule = *given;

    if (rule.windows < TACHO_LEAK_WINDOWS)
        rule.windows = TACHO_LEAK_WINDOWS;
    if (!(rule.probability > 0 && rule.probability < 1))
        rule.probability = 0.01;
    if (!(rule.growth_min > 0))
        rule.growth_min = 0.03;
    if (!(rule.units_min > 0))
        rule.units_min = 0;
    if (!(rule.late_share > 0))
        rule.late_share = 0.5;
    return rule;
}

static void leak_clear(struct tacho_leak *leak)
{
    memset(leak, 0, sizeof *leak);
    leak->from = leak->to = leak->growth = leak->slope = leak->late_slope = NAN;
    leak->slope_low = leak->slope_high = leak->probability = NAN;
    leak->time_to_limit = leak->time_to_limit_low = leak->time_to_limit_high = NAN;
}

// The lowest value of each window and where it was; returns how many windows had one.
static size_t floors_find(const double *x, const double *y, size_t count, size_t windows,
                          double *floor_x, double *floor_y)
{
    size_t found = 0, last = SIZE_MAX;
    double begin = x[0], span = x[count - 1] - x[0];

    for (size_t i = 0; i < count; i++) {
        double place = (x[i] - begin) / span * (double)windows;
        size_t window = place < 0 || isnan(place) ? 0 : (size_t)fmin(place, (double)windows - 1);

        if (!isfinite(x[i]) || !isfinite(y[i]))
            continue;
        if (found == 0 || (window > last && found < windows)) {
            floor_x[found] = x[i];
            floor_y[found++] = y[i];
            last = window;
        } else if (y[i] < floor_y[found - 1]) {
            floor_x[found - 1] = x[i];
            floor_y[found - 1] = y[i];
        }
    }
    return found;
}

static void horizon_judge(struct tacho_leak *leak, const struct tacho_trend *trend,
                          const struct tacho_leak_rule *rule)
{
    double rise = leak->to - leak->from, share = rule->growth_min * fabs(leak->from);
    bool large = rise > share && rise > rule->units_min;

    if (!large || !(trend->probability_rising < rule->probability))
        leak->verdict = TACHO_LEAK_NONE;
    else if (leak->late_slope >= rule->late_share * leak->slope)
        leak->verdict = TACHO_LEAK_SUSPECTED;
    else
        leak->verdict = TACHO_LEAK_SETTLED;
}

static void time_left(struct tacho_leak *leak, double limit)
{
    if (!(fabs(limit) > 0))
        return;
    leak->time_to_limit = tacho_trend_time_to(leak->to, limit, leak->slope);
    leak->time_to_limit_low = tacho_trend_time_to(leak->to, limit, leak->slope_high);
    leak->time_to_limit_high = tacho_trend_time_to(leak->to, limit, leak->slope_low);
}

static size_t finite_count(const double *x, const double *y, size_t count)
{
    size_t finite = 0;

    for (size_t i = 0; i < count; i++)
        finite += isfinite(x[i]) && isfinite(y[i]);
    return finite;
}

void tacho_leak_horizon(const double *x, const double *y, size_t count,
                        const struct tacho_leak_rule *given, struct tacho_leak *leak)
{
    struct tacho_leak_rule rule = rule_complete(given);
    const struct tacho_trend_rule trend_rule = {0};
    struct tacho_trend trend, late;
    size_t found, capacity = 0;
    double *floors;

    leak_clear(leak);
    leak->samples = finite_count(x, y, count);
    if (leak->samples < 2 * rule.windows || !(x[count - 1] > x[0]))
        return;
    floors = tacho_array_grow(NULL, &capacity, 2 * rule.windows, sizeof *floors);
    found = floors_find(x, y, count, rule.windows, floors, floors + rule.windows);
    // A gap may cost some windows, but not so many that the test has nothing to go by.
    if (found >= TACHO_TREND_COUNT_MIN) {
        size_t half = found / 2;

        tacho_trend_build(floors, floors + rule.windows, found, &trend_rule, &trend);
        tacho_trend_build(floors + half, floors + rule.windows + half, found - half, &trend_rule,
                          &late);
        leak->slope = trend.slope;
        leak->slope_low = trend.slope_low;
        leak->slope_high = trend.slope_high;
        leak->late_slope = late.slope;
        leak->probability = trend.probability_rising;
        leak->from = trend.first;
        leak->to = trend.last;
        leak->growth = (trend.last - trend.first) / fabs(trend.first);
        horizon_judge(leak, &trend, &rule);
        time_left(leak, rule.limit);
    }
    free(floors);
}

void tacho_leak_build(const double *x, const double *y, size_t count,
                      const struct tacho_leak_rule *rule, struct tacho_leak *leak)
{
    struct tacho_leak first, next;
    size_t half = 0;

    tacho_leak_horizon(x, y, count, rule, leak);
    if (leak->verdict == TACHO_LEAK_INSUFFICIENT)
        return;
    while (half < count && x[half] - x[0] < (x[count - 1] - x[0]) / 2)
        half++;
    if (half == 0 || half >= count)
        return;
    tacho_leak_horizon(x, y, half, rule, &first);
    tacho_leak_horizon(x + half, y + half, count - half, rule, &next);
    if (first.verdict == TACHO_LEAK_INSUFFICIENT || next.verdict == TACHO_LEAK_INSUFFICIENT)
        return;
    if (first.verdict == TACHO_LEAK_SUSPECTED && next.verdict == TACHO_LEAK_SUSPECTED)
        leak->verdict = TACHO_LEAK_FOUND;
    else if (next.verdict == TACHO_LEAK_SUSPECTED)
        leak->verdict = TACHO_LEAK_SUSPECTED;
    else if (first.verdict == TACHO_LEAK_SUSPECTED || leak->verdict != TACHO_LEAK_NONE)
        leak->verdict = TACHO_LEAK_SETTLED;
}

const char *tacho_leak_verdict_name(enum tacho_leak_verdict verdict)
{
    static const char *const name[] = {"insufficient data", "none", "settled", "suspected", "leak"};

    return (unsigned)verdict < sizeof name / sizeof name[0] ? name[verdict] : "unknown";
}

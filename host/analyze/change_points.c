// Where a metric's history changed its level, where single values stick out, and whether the last
// change was for the worse.
#include "analyze/change_points.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "analyze/random.h"
#include "analyze/statistics.h"
#include "analyze/trend.h"
#include "base/array.h"

#define STRETCH_DEFAULT   5
#define STRETCH_MIN       3
#define HISTORY_MIN       10
#define REACH_DEFAULT     5
#define REACH_MAX         50
#define DEVIATION_DEFAULT 5
#define LEVEL_PROBABILITY 0.05
#define NORMAL_FROM_MAD   1.4826 // the standard deviation of normal values over their MAD
#define NORMAL_FROM_MEAN  1.2533 // the same over their mean absolute deviation

struct history {
    double values[TACHO_CHANGE_HISTORY_MAX]; // finite
    size_t index[TACHO_CHANGE_HISTORY_MAX];  // where they stood
    size_t count;
    bool ends[TACHO_CHANGE_HISTORY_MAX + 1]; // a stretch begins here, by now
    double probability[TACHO_CHANGE_HISTORY_MAX];
};

static void history_build(struct history *history, const double *values, size_t count)
{
    size_t finite = 0, skip;

    memset(history, 0, sizeof *history);
    for (size_t i = 0; i < count; i++)
        finite += isfinite(values[i]) != 0;
    skip = finite > TACHO_CHANGE_HISTORY_MAX ? finite - TACHO_CHANGE_HISTORY_MAX : 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        history->values[history->count] = values[i];
        history->index[history->count++] = i;
    }
}

// Twice the mean distance between the sides less the mean distances within, weighted by the sizes.
static double energy(double between, double within_a, double within_b, double a, double b)
{
    double distance = 2 * between / (a * b) - within_a / (a * (a - 1) / 2);

    return (distance - within_b / (b * (b - 1) / 2)) * a * b / (a + b);
}

// The split of values[0..count) that sets its sides farthest apart, and how far.
static double split_find(const double *values, size_t count, size_t stretch, size_t *split)
{
    double within_a = 0, within_b = 0, between = 0, best = -INFINITY;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++)
            within_b += fabs(values[i] - values[j]);
    }
    for (size_t at = 0; at + stretch < count; at++) {
        double to_a = 0, to_b = 0, far;

        for (size_t i = 0; i < at; i++)
            to_a += fabs(values[at] - values[i]);
        for (size_t i = at + 1; i < count; i++)
            to_b += fabs(values[at] - values[i]);
        within_a += to_a;
        within_b -= to_b;
        between += to_b - to_a;
        if (at + 1 < stretch)
            continue;
        far = energy(between, within_a, within_b, (double)(at + 1), (double)(count - at - 1));
        if (far > best) {
            best = far;
            *split = at + 1;
        }
    }
    return best;
}

static void shuffle(double *values, size_t count, struct tacho_random *random)
{
    for (size_t i = count; i-- > 1;) {
        size_t j = tacho_random_below(random, i + 1);
        double kept = values[i];

        values[i] = values[j];
        values[j] = kept;
    }
}

// The share of shuffles that are split as far apart; stops as soon as it cannot stay below `limit`.
static double split_probability(const double *values, size_t count, size_t stretch, double far,
                                double limit, struct tacho_random *random)
{
    size_t rounds = (size_t)fmin(9999, ceil(1 / limit) * 2 - 1), beyond = 0, unused;
    double shuffled[TACHO_CHANGE_HISTORY_MAX];

    memcpy(shuffled, values, count * sizeof *values);
    for (size_t i = 0; i < rounds; i++) {
        shuffle(shuffled, count, random);
        beyond += split_find(shuffled, count, stretch, &unused) >= far;
        if ((double)(beyond + 1) > limit * (double)(rounds + 1))
            return 1;
    }
    return (double)(beyond + 1) / (double)(rounds + 1);
}

static void split_stretches(struct history *history, size_t stretch, double limit,
                            struct tacho_random *random)
{
    struct {
        size_t begin, end;
    } open[TACHO_CHANGE_HISTORY_MAX];
    size_t depth = 1;

    open[0].begin = 0;
    open[0].end = history->count;
    while (depth > 0) {
        size_t begin = open[--depth].begin, end = open[depth].end, split = 0;
        const double *values = history->values + begin;
        double far, probability;

        if (end - begin < 2 * stretch)
            continue;
        far = split_find(values, end - begin, stretch, &split);
        if (!(far > 0) || !isfinite(far))
            continue;
        probability = split_probability(values, end - begin, stretch, far, limit, random);
        if (probability > limit)
            continue;
        history->ends[begin + split] = true;
        history->probability[begin + split] = probability;
        open[depth].begin = begin;
        open[depth++].end = begin + split;
        open[depth].begin = begin + split;
        open[depth++].end = end;
    }
}

static double stretch_median(const struct history *history, size_t begin, size_t end)
{
    double copy[TACHO_CHANGE_HISTORY_MAX];

    memcpy(copy, history->values + begin, (end - begin) * sizeof copy[0]);
    return tacho_median(copy, end - begin);
}

static double relative(double before, double after)
{
    if (fabs(before) > 0)
        return (after - before) / fabs(before);
    return fabs(after) > 0 ? copysign(INFINITY, after) : 0;
}

static size_t next_end(const struct history *history, size_t begin)
{
    size_t end = begin + 1;

    while (end < history->count && !history->ends[end])
        end++;
    return end;
}

size_t tacho_change_points_find(const double *values, size_t count,
                                const struct tacho_change_rule *rule,
                                struct tacho_change_point *points, size_t room)
{
    size_t stretch = rule->stretch_min > 0 ? rule->stretch_min : STRETCH_DEFAULT, found = 0;
    double limit = rule->probability > 0 && rule->probability < 1 ? rule->probability : 0.001;
    struct tacho_random random;
    struct history history;

    if (stretch < STRETCH_MIN)
        stretch = STRETCH_MIN;
    history_build(&history, values, count);
    if (history.count < HISTORY_MIN || history.count / 2 < stretch)
        return 0;
    tacho_random_init(&random, rule->seed);
    split_stretches(&history, stretch, limit, &random);
    for (size_t begin = 0, end = next_end(&history, 0); end < history.count && found < room;) {
        size_t after = next_end(&history, end);
        struct tacho_change_point point = {.index = history.index[end],
                                           .before = stretch_median(&history, begin, end),
                                           .after = stretch_median(&history, end, after),
                                           .probability = history.probability[end]};

        point.change = relative(point.before, point.after);
        if (fabs(point.change) >= rule->change_min || !(rule->change_min > 0))
            points[found++] = point;
        begin = end;
        end = after;
    }
    return found;
}

// What is usual around `at`, and how far values usually are from it (as a standard deviation).
static double usual_around(const double *values, size_t count, size_t at, size_t reach,
                           double *deviation)
{
    double near[2 * REACH_MAX + 1], usual, sum = 0;
    size_t begin = at > reach ? at - reach : 0,
           end = at + reach + 1 < count ? at + reach + 1 : count;
    size_t n = 0;

    for (size_t i = begin; i < end; i++) {
        if (isfinite(values[i]))
            near[n++] = values[i];
    }
    usual = tacho_median(near, n);
    for (size_t i = 0; i < n; i++) {
        near[i] = fabs(near[i] - usual);
        sum += near[i];
    }
    *deviation = NORMAL_FROM_MAD * tacho_median(near, n);
    // More than half of the neighbours are equal: the mean deviation is left to go by.
    if (!(*deviation > 0))
        *deviation = NORMAL_FROM_MEAN * sum / (double)n;
    return n > 4 ? usual : NAN;
}

size_t tacho_spikes_find(const double *values, size_t count, size_t reach, double deviations,
                         struct tacho_spike *spikes, size_t room)
{
    size_t found = 0;

    reach = reach == 0 ? REACH_DEFAULT : reach > REACH_MAX ? REACH_MAX : reach;
    if (!(deviations > 0))
        deviations = DEVIATION_DEFAULT;
    for (size_t i = 0; i < count && found < room; i++) {
        double deviation, usual;

        if (!isfinite(values[i]))
            continue;
        usual = usual_around(values, count, i, reach, &deviation);
        if (fabs(values[i] - usual) > deviations * deviation)
            spikes[found++] = (struct tacho_spike){i, values[i], usual};
    }
    return found;
}

static bool worse(double change, uint8_t direction, double share)
{
    return direction == TACHO_DIRECTION_LOWER    ? change > share
           : direction == TACHO_DIRECTION_HIGHER ? change < -share
                                                 : false;
}

static void trend_over(const double *values, size_t count, bool autocorrelated,
                       struct tacho_trend *trend)
{
    const struct tacho_trend_rule rule = {.autocorrelated = autocorrelated};
    size_t capacity = 0;
    double *places = tacho_array_grow(NULL, &capacity, count + 1, sizeof *places);

    for (size_t i = 0; i < count; i++)
        places[i] = (double)i;
    tacho_trend_build(places, values, count, &rule, trend);
    free(places);
}

// A drift looks like a staircase to the search for steps: a step has level ground on both sides.
static bool level_beside(const double *values, size_t count, size_t step)
{
    struct tacho_trend before, after;

    trend_over(values, step, false, &before);
    trend_over(values + step, count - step, false, &after);
    return !(before.probability < LEVEL_PROBABILITY) && !(after.probability < LEVEL_PROBABILITY);
}

enum tacho_degradation tacho_degradation_find(const double *values, size_t count, uint8_t direction,
                                              double share, double *change)
{
    const struct tacho_change_rule rule = {0};
    struct tacho_change_point points[TACHO_CHANGE_HISTORY_MAX];
    struct tacho_trend trend;
    bool drifts;
    size_t found;

    *change = NAN;
    if (!(share > 0))
        share = 0.02;
    trend_over(values, count, true, &trend);
    if (trend.verdict == TACHO_TREND_INSUFFICIENT)
        return TACHO_DEGRADATION_INSUFFICIENT;
    found = tacho_change_points_find(values, count, &rule, points, TACHO_CHANGE_HISTORY_MAX);
    drifts = trend.verdict != TACHO_TREND_NONE;
    if (drifts && (found != 1 || !level_beside(values, count, points[0].index))) {
        *change = relative(trend.first, trend.last);
        return worse(*change, direction, share) ? TACHO_DEGRADATION_DRIFT : TACHO_DEGRADATION_NONE;
    }
    *change = found > 0 ? points[found - 1].change : 0;
    return worse(*change, direction, share) ? TACHO_DEGRADATION_STEP : TACHO_DEGRADATION_NONE;
}

// Whether a series rises or falls, how fast, and how sure that is.
#include "analyze/trend.h"

#include <math.h>
#include <string.h>

#include "analyze/inversions.h"
#include "analyze/statistics.h"
#include "base/array.h"

struct point {
    double x, y;
};

static void *room(size_t count, size_t size)
{
    size_t capacity = 0;

    return tacho_array_grow(NULL, &capacity, count + 1, size);
}

static int by_x(const void *a, const void *b)
{
    const struct point *p = a, *q = b;

    return (p->x > q->x) - (p->x < q->x);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

// Medians of neighbours, in place, so that at most TACHO_TREND_COUNT_MAX points stay.
static size_t points_thin(struct point *points, size_t count)
{
    size_t kept = TACHO_TREND_COUNT_MAX, longest = count / kept + 2;
    double *x, *y;

    if (count <= kept)
        return count;
    x = room(longest, sizeof *x);
    y = room(longest, sizeof *y);
    for (size_t i = 0; i < kept; i++) {
        size_t begin = i * count / kept, end = (i + 1) * count / kept;

        for (size_t k = begin; k < end; k++) {
            x[k - begin] = points[k].x;
            y[k - begin] = points[k].y;
        }
        points[i] = (struct point){tacho_median(x, end - begin), tacho_median(y, end - begin)};
    }
    free(x);
    free(y);
    return kept;
}

static size_t points_build(struct point *points, const double *x, const double *y, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (isfinite(x[i]) && isfinite(y[i]))
            points[kept++] = (struct point){x[i], y[i]};
    }
    qsort(points, kept, sizeof *points, by_x);
    return kept;
}

// What the Mann-Kendall test counts.
struct pairs {
    size_t rising, falling;
    bool equal_x;
    size_t *groups, group_count; // of equal y
};

static void pairs_build(struct pairs *pairs, const struct point *points, size_t count)
{
    double *values = room(count, sizeof *values);

    memset(pairs, 0, sizeof *pairs);
    pairs->groups = room(count, sizeof *pairs->groups);
    for (size_t i = 0; i < count; i++) {
        values[i] = points[i].y;
        for (size_t j = i + 1; j < count; j++) {
            if (!(points[j].x > points[i].x)) {
                pairs->equal_x = true;
                continue;
            }
            pairs->rising += points[j].y > points[i].y;
            pairs->falling += points[j].y < points[i].y;
        }
    }
    qsort(values, count, sizeof *values, by_value);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && values[i] <= values[i - 1])
            pairs->groups[pairs->group_count - 1]++;
        else
            pairs->groups[pairs->group_count++] = 1;
    }
    free(values);
}

static double score_variance(const struct pairs *pairs, size_t count)
{
    double n = (double)count, variance = n * (n - 1) * (2 * n + 5);

    for (size_t i = 0; i < pairs->group_count; i++) {
        double t = (double)pairs->groups[i];

        variance -= t * (t - 1) * (2 * t + 5);
    }
    return variance / 18;
}

// The chance of at most `inversions` pairs the wrong way round.
static double exact_tail(const struct pairs *pairs, size_t inversions)
{
    double *ways = room(inversions + 1, sizeof *ways), sum = 0, all;

    all = tacho_inversions_ways(pairs->groups, pairs->group_count, ways, inversions + 1);
    for (size_t i = 0; i <= inversions; i++)
        sum += ways[i];
    free(ways);
    return fmin(1, sum / all);
}

static double normal_tail(double score, double variance)
{
    if (!(variance > 0))
        return 1;
    // Continuity: S moves in steps of two, and the tail includes the value itself.
    return tacho_normal_above((score - 1) / sqrt(variance));
}

// Ranks of what is left when the line is taken away, less their mean.
static void residual_ranks(const struct point *points, size_t count, double slope, double *ranks)
{
    for (size_t i = 0; i < count; i++) {
        double mine = points[i].y - slope * points[i].x;

        ranks[i] = -((double)count - 1) / 2;
        for (size_t j = 0; j < count; j++) {
            double other = points[j].y - slope * points[j].x;

            ranks[i] += other < mine ? 1 : (j != i && other <= mine) ? 0.5 : 0;
        }
    }
}

// By how much neighbours that resemble each other widen the variance of S (Hamed and Rao), from the
// lags that are significant at 5 %. Never below 1.
static double autocorrelation_factor(const struct point *points, size_t count, double slope)
{
    double n = (double)count, squares = 0, sum = 0;
    double *ranks = room(count, sizeof *ranks);

    residual_ranks(points, count, slope, ranks);
    for (size_t i = 0; i < count; i++)
        squares += ranks[i] * ranks[i];
    for (size_t lag = 1; squares > 0 && lag + 2 < count; lag++) {
        double products = 0, left = n - (double)lag;

        for (size_t i = 0; i + lag < count; i++)
            products += ranks[i] * ranks[i + lag];
        if (fabs(products / squares) > 1.96 / sqrt(n))
            sum += left * (left - 1) * (left - 2) * products / squares;
    }
    free(ranks);
    return count > 2 ? fmax(1, 1 + 2 / (n * (n - 1) * (n - 2)) * sum) : 1;
}

static void slope_build(struct tacho_trend *trend, const struct point *points, size_t count,
                        double variance, double level)
{
    double *slopes = room(count * (count - 1) / 2, sizeof *slopes), width, low, high;
    double *rests = room(count, sizeof *rests);
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            double slope = (points[j].y - points[i].y) / (points[j].x - points[i].x);

            if (points[j].x > points[i].x && !isnan(slope))
                slopes[used++] = slope;
        }
    }
    trend->slope = tacho_median(slopes, used); // sorts them
    width = tacho_normal_quantile_above((1 - level) / 2) * sqrt(fmax(0, variance));
    low = floor(((double)used - width) / 2);
    high = ceil(((double)used + width) / 2);
    if (used > 0 && low >= 1 && high <= (double)used) {
        trend->slope_low = slopes[(size_t)low - 1];
        trend->slope_high = slopes[(size_t)high - 1];
    }
    for (size_t i = 0; i < count; i++)
        rests[i] = points[i].y - trend->slope * points[i].x;
    trend->intercept = tacho_median(rests, count);
    trend->first = trend->intercept + trend->slope * points[0].x;
    trend->last = trend->intercept + trend->slope * points[count - 1].x;
    free(slopes);
    free(rests);
}

static void test_build(struct tacho_trend *trend, const struct pairs *pairs, double variance)
{
    double falling;

    trend->score = (double)pairs->rising - (double)pairs->falling;
    if (trend->method == TACHO_RANK_EXACT) {
        trend->probability_rising = exact_tail(pairs, pairs->falling);
        falling = exact_tail(pairs, pairs->rising);
    } else {
        trend->probability_rising = normal_tail(trend->score, variance);
        falling = normal_tail(-trend->score, variance);
    }
    trend->probability = fmin(1, 2 * fmin(trend->probability_rising, falling));
}

static void trend_fill(struct tacho_trend *trend, const struct point *points,
                       const struct tacho_trend_rule *rule, double level)
{
    size_t count = trend->used;
    struct pairs pairs;
    double variance;

    pairs_build(&pairs, points, count);
    variance = score_variance(&pairs, count);
    slope_build(trend, points, count, variance, level);
    if (rule->autocorrelated) {
        trend->variance_factor = autocorrelation_factor(points, count, trend->slope);
        variance *= trend->variance_factor;
        slope_build(trend, points, count, variance, level);
    }
    trend->method = count <= TACHO_RANK_EXACT_MAX && !pairs.equal_x && !rule->autocorrelated
                        ? TACHO_RANK_EXACT
                        : TACHO_RANK_NORMAL;
    test_build(trend, &pairs, variance);
    free(pairs.groups);
}

void tacho_trend_build(const double *x, const double *y, size_t count,
                       const struct tacho_trend_rule *rule, struct tacho_trend *trend)
{
    double limit = rule->probability > 0 && rule->probability < 1 ? rule->probability : 0.01;
    double level = rule->level > 0 && rule->level < 1 ? rule->level : 0.95;
    struct point *points = room(count, sizeof *points);

    memset(trend, 0, sizeof *trend);
    trend->slope = trend->slope_low = trend->slope_high = trend->intercept = NAN;
    trend->first = trend->last = trend->score = NAN;
    trend->probability = trend->probability_rising = NAN;
    trend->variance_factor = 1;
    trend->count = points_build(points, x, y, count);
    trend->used = points_thin(points, trend->count);
    if (trend->used >= 2 && points[trend->used - 1].x > points[0].x)
        trend_fill(trend, points, rule, level);
    if (trend->count >= TACHO_TREND_COUNT_MIN && !isnan(trend->probability)) {
        trend->verdict = TACHO_TREND_NONE;
        if (trend->probability < limit)
            trend->verdict = trend->score > 0 ? TACHO_TREND_RISING : TACHO_TREND_FALLING;
    }
    free(points);
}

double tacho_trend_time_to(double level, double limit, double slope)
{
    double distance = limit - level;

    if (isnan(distance) || isnan(slope))
        return NAN;
    if (distance <= 0)
        return 0;
    return slope > 0 ? distance / slope : INFINITY;
}

const char *tacho_trend_verdict_name(enum tacho_trend_verdict verdict)
{
    static const char *const name[] = {"insufficient data", "none", "rising", "falling"};

    return (unsigned)verdict < sizeof name / sizeof name[0] ? name[verdict] : "unknown";
}

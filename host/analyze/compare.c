// Whether a sample got worse than its base: effect and significance together make the verdict.
#include "analyze/compare.h"

#include <math.h>
#include <string.h>

#include "analyze/statistics.h"
#include "base/array.h"

#define PROBABILITY_DEFAULT     0.01
#define PROBABILITY_CONFIRMS    0.05
#define THRESHOLD_DEFAULT       0.02
#define THRESHOLD_EXACT_DEFAULT 0.001
#define COUNT_MIN               5
#define COUNT_MIN_EXACT_DEFAULT 2
#define LOST_SHARE_DEFAULT      0.1
#define NOISE_FACTOR            2
#define NOISE_COUNT_MIN         5

struct sample {
    double *values; // finite
    size_t count, lost;
    double median, low, high;
};

static void sample_build(struct sample *sample, const double *values, size_t count)
{
    size_t capacity = 0;

    memset(sample, 0, sizeof *sample);
    sample->values = tacho_array_grow(NULL, &capacity, count + 1, sizeof *sample->values);
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i]))
            sample->values[sample->count++] = values[i];
    }
    sample->lost = count - sample->count;
    sample->median = tacho_median(sample->values, sample->count);
    sample->low = sample->count > 0 ? sample->values[0] : NAN;
    sample->high = sample->count > 0 ? sample->values[sample->count - 1] : NAN;
}

static bool constant(const struct sample *sample)
{
    return sample->count > 0 && !(sample->low < sample->high);
}

static bool too_many_lost(const struct sample *sample, double share_max)
{
    double all = (double)(sample->count + sample->lost);

    return all > 0 && (double)sample->lost > share_max * all;
}

static struct tacho_compare_rule rule_complete(const struct tacho_compare_rule *given)
{
    struct tacho_compare_rule rule = *given;

    if (!(rule.probability > 0 && rule.probability < 1))
        rule.probability = PROBABILITY_DEFAULT;
    if (isnan(rule.threshold) || fabs(rule.threshold) <= 0)
        rule.threshold = rule.exact ? THRESHOLD_EXACT_DEFAULT : THRESHOLD_DEFAULT;
    rule.threshold = fmax(0, rule.threshold);
    rule.threshold_units = fmax(0, rule.threshold_units); // fmax: NaN is 0
    rule.noise = fmax(0, rule.noise);
    if (rule.count_min == 0)
        rule.count_min = rule.exact ? COUNT_MIN_EXACT_DEFAULT : COUNT_MIN;
    if (!(rule.lost_share_max > 0))
        rule.lost_share_max = LOST_SHARE_DEFAULT;
    return rule;
}

static void conclude(struct tacho_comparison *result, enum tacho_comparison_verdict verdict,
                     enum tacho_comparison_reason reason)
{
    result->verdict = verdict;
    result->reason = reason;
}

// The verdict of a change that is real and large enough.
static void conclude_direction(struct tacho_comparison *result, uint8_t direction,
                               enum tacho_comparison_reason reason)
{
    bool more = result->difference > 0;

    if (direction == TACHO_DIRECTION_LOWER || direction == TACHO_DIRECTION_HIGHER)
        conclude(result,
                 more == (direction == TACHO_DIRECTION_HIGHER) ? TACHO_COMPARISON_IMPROVEMENT
                                                               : TACHO_COMPARISON_REGRESSION,
                 reason);
    else
        conclude(result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NO_DIRECTION);
}

static double relative(double difference, double base)
{
    if (fabs(base) > 0)
        return difference / fabs(base);
    if (fabs(difference) > 0)
        return copysign(INFINITY, difference);
    return difference;
}

static void compare_exactly(const struct sample *base, const struct sample *now,
                            const struct tacho_compare_rule *rule, struct tacho_comparison *result)
{
    result->difference = result->difference_low = result->difference_high = now->low - base->low;
    result->change = relative(result->difference, base->low);
    result->change_low = result->change_high = result->change;
    if (!(fabs(result->difference) > 0)) {
        conclude(result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_EQUAL);
        return;
    }
    result->flags |= TACHO_COMPARISON_CHANGED;
    if (fabs(result->change) > result->limit && fabs(result->difference) > rule->threshold_units)
        conclude_direction(result, rule->direction, TACHO_REASON_EXACT);
    else
        conclude(result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_EXACT_BELOW);
}

// The shift of the logarithms is that of the ratios; values turn into their logarithms.
static void change_of_ratios(struct sample *base, struct sample *now, double level,
                             struct tacho_comparison *result)
{
    struct tacho_shift shift;

    for (size_t i = 0; i < base->count; i++)
        base->values[i] = log(base->values[i]);
    for (size_t i = 0; i < now->count; i++)
        now->values[i] = log(now->values[i]);
    tacho_shift_build(base->values, base->count, now->values, now->count, level, &shift);
    result->change = expm1(shift.value);
    result->change_low = expm1(shift.low);
    result->change_high = expm1(shift.high);
}

static void measure_shift(struct sample *base, struct sample *now, double level,
                          struct tacho_comparison *result)
{
    struct tacho_shift shift;

    tacho_shift_build(base->values, base->count, now->values, now->count, level, &shift);
    result->difference = shift.value;
    result->difference_low = shift.low;
    result->difference_high = shift.high;
    if (base->low > 0 && now->low > 0) {
        change_of_ratios(base, now, level, result);
    } else {
        result->change = relative(shift.value, base->median);
        result->change_low = relative(shift.low, base->median);
        result->change_high = relative(shift.high, base->median);
    }
}

static bool interval_inside(double low, double high, double limit)
{
    return low >= -limit && high <= limit; // false for NaN
}

static void compare_by_rank(struct sample *base, struct sample *now,
                            const struct tacho_compare_rule *rule, struct tacho_comparison *result)
{
    size_t count_min = rule->count_min > COUNT_MIN ? rule->count_min : COUNT_MIN;
    struct tacho_rank_test test;
    bool significant, large;

    tacho_rank_test_build(base->values, base->count, now->values, now->count, &test);
    result->probability = result->probability_adjusted = test.probability;
    result->probability_smallest = test.smallest;
    result->method = test.method;
    result->limit = fmax(rule->threshold, NOISE_FACTOR * rule->noise);
    measure_shift(base, now, 1 - rule->probability, result);
    significant = test.probability < rule->probability;
    large =
        fabs(result->change) > result->limit && fabs(result->difference) > rule->threshold_units;
    if (base->count < count_min || now->count < count_min)
        conclude(result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_TOO_FEW);
    else if (significant && large)
        conclude_direction(result, rule->direction, TACHO_REASON_SIGNIFICANT);
    else if (interval_inside(result->change_low, result->change_high, result->limit) ||
             interval_inside(result->difference_low, result->difference_high,
                             rule->threshold_units))
        conclude(result, TACHO_COMPARISON_NO_CHANGE, TACHO_REASON_WITHIN_LIMIT);
    else if (significant)
        conclude(result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_BELOW_LIMIT);
    else if (!(test.smallest < rule->probability))
        conclude(result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_UNREACHABLE);
    else
        conclude(result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NOISY);
}

static void result_clear(struct tacho_comparison *result)
{
    memset(result, 0, sizeof *result);
    result->base_median = result->new_median = NAN;
    result->difference = result->difference_low = result->difference_high = NAN;
    result->change = result->change_low = result->change_high = NAN;
    result->probability = result->probability_adjusted = result->probability_smallest = NAN;
}

static void compare_judge(struct sample *base, struct sample *now,
                          const struct tacho_compare_rule *rule, struct tacho_comparison *result)
{
    bool steady = constant(base) && constant(now);

    if (base->lost + now->lost > 0)
        result->flags |= TACHO_COMPARISON_SOME_LOST;
    if (rule->exact && !steady)
        result->flags |= TACHO_COMPARISON_NOT_DETERMINISTIC;
    if (!rule->exact && (constant(base) || constant(now)))
        result->flags |= TACHO_COMPARISON_CONSTANT;
    if (!(rule->noise > 0) && !rule->exact)
        result->flags |= TACHO_COMPARISON_NOISE_UNKNOWN;
    if (base->count == 0 || now->count == 0) {
        conclude(result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NO_VALUES);
        return;
    }
    if (rule->exact && steady && base->count >= rule->count_min && now->count >= rule->count_min)
        compare_exactly(base, now, rule, result);
    else
        compare_by_rank(base, now, rule, result);
    // What was measured is shown, but no verdict rests on the survivors.
    if (too_many_lost(base, rule->lost_share_max) || too_many_lost(now, rule->lost_share_max))
        conclude(result, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_LOST);
}

void tacho_compare_samples(const double *base, size_t base_count, const double *new_values,
                           size_t new_count, const struct tacho_compare_rule *rule,
                           struct tacho_comparison *result)
{
    struct tacho_compare_rule complete = rule_complete(rule);
    struct sample before, now;

    result_clear(result);
    sample_build(&before, base, base_count);
    sample_build(&now, new_values, new_count);
    result->base_count = before.count;
    result->new_count = now.count;
    result->base_lost = before.lost;
    result->new_lost = now.lost;
    result->base_median = before.median;
    result->new_median = now.median;
    result->limit = complete.threshold;
    result->probability_limit = complete.probability;
    compare_judge(&before, &now, &complete, result);
    free(before.values);
    free(now.values);
}

static int by_probability(const void *a, const void *b)
{
    const struct tacho_comparison *x = *(struct tacho_comparison *const *)a;
    const struct tacho_comparison *y = *(struct tacho_comparison *const *)b;

    return (x->probability > y->probability) - (x->probability < y->probability);
}

static bool has_verdict(const struct tacho_comparison *result)
{
    return result->verdict == TACHO_COMPARISON_REGRESSION ||
           result->verdict == TACHO_COMPARISON_IMPROVEMENT;
}

void tacho_compare_holm(struct tacho_comparison *results, size_t count)
{
    struct tacho_comparison **order;
    size_t family = 0, capacity = 0;
    double largest = 0;

    order = tacho_array_grow(NULL, &capacity, count + 1, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        if (!isnan(results[i].probability))
            order[family++] = &results[i];
    }
    qsort(order, family, sizeof(*order), by_probability);
    for (size_t i = 0; i < family; i++) {
        largest = fmax(largest, fmin(1, (double)(family - i) * order[i]->probability));
        order[i]->probability_adjusted = largest;
        if (has_verdict(order[i]) && !(largest < order[i]->probability_limit))
            conclude(order[i], TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_MANY);
    }
    free(order);
}

// A rerun has one question left, so it need not be as sure as the search among many was.
static bool agrees(const struct tacho_comparison *first, const struct tacho_comparison *rerun)
{
    bool same_way = (rerun->change > 0) == (first->change > 0);

    if (rerun->verdict != TACHO_COMPARISON_INCONCLUSIVE)
        return rerun->verdict == first->verdict;
    return rerun->reason == TACHO_REASON_NOISY && same_way &&
           rerun->probability < PROBABILITY_CONFIRMS && fabs(rerun->change) > rerun->limit;
}

void tacho_compare_confirm(struct tacho_comparison *first, const struct tacho_comparison *rerun)
{
    if (has_verdict(first) && !agrees(first, rerun))
        conclude(first, TACHO_COMPARISON_INCONCLUSIVE, TACHO_REASON_NOT_CONFIRMED);
}

double tacho_compare_noise(const double *changes, size_t count)
{
    size_t finite = 0, capacity = 0;
    double *sizes = tacho_array_grow(NULL, &capacity, count + 1, sizeof *sizes);
    double noise;

    for (size_t i = 0; i < count; i++) {
        if (isfinite(changes[i]))
            sizes[finite++] = fabs(changes[i]);
    }
    noise = finite >= NOISE_COUNT_MIN ? tacho_median(sizes, finite) : NAN;
    free(sizes);
    return noise;
}

void tacho_compare_summarise(const struct tacho_comparison *results, size_t count,
                             struct tacho_compare_summary *summary)
{
    double sum = 0;

    memset(summary, 0, sizeof *summary);
    for (size_t i = 0; i < count; i++) {
        summary->regressions += results[i].verdict == TACHO_COMPARISON_REGRESSION;
        summary->improvements += results[i].verdict == TACHO_COMPARISON_IMPROVEMENT;
        summary->no_changes += results[i].verdict == TACHO_COMPARISON_NO_CHANGE;
        summary->inconclusive += results[i].verdict == TACHO_COMPARISON_INCONCLUSIVE;
        if (results[i].change > -1 && isfinite(results[i].change)) {
            sum += log1p(results[i].change);
            summary->ratio_count++;
        }
    }
    summary->ratio = summary->ratio_count > 0 ? exp(sum / (double)summary->ratio_count) : NAN;
}

const char *tacho_comparison_verdict_name(enum tacho_comparison_verdict verdict)
{
    switch (verdict) {
    case TACHO_COMPARISON_REGRESSION:
        return "regression";
    case TACHO_COMPARISON_IMPROVEMENT:
        return "improvement";
    case TACHO_COMPARISON_NO_CHANGE:
        return "no change";
    case TACHO_COMPARISON_INCONCLUSIVE:
        break;
    }
    return "inconclusive";
}

const char *tacho_comparison_reason_text(enum tacho_comparison_reason reason)
{
    static const char *const text[] = {
        [TACHO_REASON_NO_VALUES] = "one side has no values",
        [TACHO_REASON_TOO_FEW] = "one side has too few values",
        [TACHO_REASON_LOST] = "too many values are missing or infinite",
        [TACHO_REASON_UNREACHABLE] = "so few values cannot be significant; measure more",
        [TACHO_REASON_NOISY] = "too noisy to show a change or its absence; measure more",
        [TACHO_REASON_BELOW_LIMIT] = "it differs, but perhaps by no more than the limit",
        [TACHO_REASON_NO_DIRECTION] = "it changed, and neither direction is better",
        [TACHO_REASON_MANY] = "not significant among so many comparisons",
        [TACHO_REASON_NOT_CONFIRMED] = "the rerun did not confirm it",
        [TACHO_REASON_WITHIN_LIMIT] = "the whole interval is within the limit",
        [TACHO_REASON_EQUAL] = "the values are equal",
        [TACHO_REASON_EXACT] = "an exact value changed beyond its threshold",
        [TACHO_REASON_EXACT_BELOW] = "an exact value changed within its threshold",
        [TACHO_REASON_SIGNIFICANT] = "significant and beyond the limit",
    };

    return (unsigned)reason < sizeof text / sizeof text[0] ? text[reason] : "unknown";
}

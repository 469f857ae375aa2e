// Two samples held against each other by rank: are they different, by how much, how sure is that.
#include "analyze/ranks.h"

#include <math.h>
#include <string.h>

#include "analyze/inversions.h"
#include "analyze/random.h"
#include "analyze/statistics.h"
#include "base/array.h"

double tacho_normal_above(double z)
{
    return 0.5 * erfc(z / sqrt(2));
}

double tacho_normal_quantile_above(double share)
{
    double low = -40, high = 40;

    if (!(share > 0 && share < 1))
        return share <= 0 ? INFINITY : -INFINITY;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;

        if (tacho_normal_above(middle) > share)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void *room(size_t count, size_t size)
{
    size_t capacity = 0;

    return tacho_array_grow(NULL, &capacity, count + 1, size);
}

static double *sorted_copy(const double *values, size_t count)
{
    double *copy = room(count, sizeof *copy);
    bool ascends = true;

    for (size_t i = 0; i < count; i++) {
        copy[i] = values[i];
        ascends = ascends && (i == 0 || copy[i - 1] <= copy[i]);
    }
    if (!ascends)
        qsort(copy, count, sizeof *copy, by_value);
    return copy;
}

// The two samples in one order. Ranks are doubled, so that the middle rank of a tie is whole.
struct pooled {
    size_t a_count, b_count, total;
    size_t *doubled_rank; // of every value, ascending
    size_t a_sum;         // of the doubled ranks of a
    size_t tied;
    double tie_cubes; // sum of t^3 - t over the ties
};

static void pooled_build(struct pooled *pooled, const double *a, size_t a_count, const double *b,
                         size_t b_count)
{
    size_t i = 0, j = 0, done = 0;

    memset(pooled, 0, sizeof *pooled);
    pooled->a_count = a_count;
    pooled->b_count = b_count;
    pooled->total = a_count + b_count;
    pooled->doubled_rank = room(pooled->total, sizeof *pooled->doubled_rank);
    while (i < a_count || j < b_count) {
        double value = j >= b_count || (i < a_count && a[i] < b[j]) ? a[i] : b[j];
        size_t from_a = 0, from_b = 0, rank;

        for (; i < a_count && a[i] <= value; i++)
            from_a++;
        for (; j < b_count && b[j] <= value; j++)
            from_b++;
        rank = 2 * done + from_a + from_b + 1;
        for (size_t k = 0; k < from_a + from_b; k++)
            pooled->doubled_rank[done++] = rank;
        pooled->a_sum += from_a * rank;
        if (from_a + from_b > 1) {
            double t = (double)(from_a + from_b);

            pooled->tied += from_a + from_b;
            pooled->tie_cubes += t * t * t - t;
        }
    }
}

static void test_without_ties(const struct pooled *pooled, struct tacho_rank_test *test)
{
    size_t groups[2] = {pooled->b_count, pooled->a_count};
    size_t pairs = pooled->a_count * pooled->b_count;
    size_t a_below = (pooled->a_sum - pooled->a_count * (pooled->a_count + 1)) / 2;
    size_t near = a_below < pairs - a_below ? a_below : pairs - a_below;
    double *ways = room(near + 1, sizeof *ways), tail = 0, all;

    all = tacho_inversions_ways(groups, 2, ways, near + 1);
    for (size_t k = 0; k <= near; k++)
        tail += ways[k];
    test->probability = fmin(1, 2 * tail / all);
    test->smallest = fmin(1, 2 / all);
    free(ways);
}

static size_t distance(size_t x, size_t y)
{
    return x > y ? x - y : y - x;
}

// Adds the choices with value k to those without it. A row is touched only from the sum of its j
// lowest to the sum of the j highest of the values up to k, and if enough values are left to fill
// it up.
static void choose_or_not(double *ways, size_t width, const struct pooled *pooled, size_t k)
{
    size_t n = pooled->a_count, left = pooled->total - k - 1, low[TACHO_RANK_EXACT_MAX + 1];
    size_t high[TACHO_RANK_EXACT_MAX + 1], rank = pooled->doubled_rank[k];
    size_t most = k + 1 < n ? k + 1 : n;

    low[0] = high[0] = 0;
    for (size_t j = 1; j < most; j++) {
        low[j] = low[j - 1] + pooled->doubled_rank[j - 1];
        high[j] = high[j - 1] + pooled->doubled_rank[k - j];
    }
    for (size_t j = most; j >= 1 && j + left >= n; j--) {
        double *to = ways + j * width + rank;
        const double *from = ways + (j - 1) * width;

        for (size_t s = low[j - 1]; s <= high[j - 1]; s++)
            to[s] += from[s];
    }
}

// Counts the ways to choose a_count of the pooled values by the sum of their doubled ranks: row j
// of the table holds the choices of j values.
static void test_with_ties(const struct pooled *pooled, struct tacho_rank_test *test)
{
    size_t n = pooled->a_count, total = pooled->total, width = 1, lowest = 0;
    size_t mean = n * (total + 1), far, farthest;
    double *ways, all = 0, tail = 0, extreme = 0;

    for (size_t k = 0; k < n; k++) {
        width += pooled->doubled_rank[total - 1 - k];
        lowest += pooled->doubled_rank[k];
    }
    ways = room((n + 1) * width, sizeof *ways);
    memset(ways, 0, (n + 1) * width * sizeof *ways);
    ways[0] = 1;
    for (size_t k = 0; k < total; k++)
        choose_or_not(ways, width, pooled, k);
    far = distance(pooled->a_sum, mean);
    farthest = distance(lowest, mean);
    if (distance(width - 1, mean) > farthest)
        farthest = distance(width - 1, mean);
    for (size_t s = 0; s < width; s++) {
        double count = ways[n * width + s];

        all += count;
        tail += distance(s, mean) >= far ? count : 0;
        extreme += distance(s, mean) >= farthest ? count : 0;
    }
    test->probability = fmin(1, tail / all);
    test->smallest = fmin(1, extreme / all);
    free(ways);
}

static double normal_two_sided(double from_mean, double variance)
{
    if (!(variance > 0) || from_mean <= 0.5)
        return 1;
    return fmin(1, 2 * tacho_normal_above((from_mean - 0.5) / sqrt(variance)));
}

static void test_approximately(const struct pooled *pooled, struct tacho_rank_test *test)
{
    double n = (double)pooled->a_count, m = (double)pooled->b_count, all = n + m;
    double variance = n * m / 12 * (all + 1 - pooled->tie_cubes / (all * (all - 1)));

    test->probability = normal_two_sided(fabs(test->u - n * m / 2), variance);
    test->smallest = normal_two_sided(n * m / 2, variance);
}

void tacho_rank_test_build(const double *a, size_t a_count, const double *b, size_t b_count,
                           struct tacho_rank_test *test)
{
    double *sorted_a, *sorted_b;
    struct pooled pooled;
    size_t most;

    memset(test, 0, sizeof *test);
    test->u = test->probability = test->smallest = NAN;
    if (a_count == 0 || b_count == 0)
        return;
    sorted_a = sorted_copy(a, a_count);
    sorted_b = sorted_copy(b, b_count);
    pooled_build(&pooled, sorted_a, a_count, sorted_b, b_count);
    test->tied = pooled.tied;
    test->u = (double)a_count * (double)b_count -
              ((double)pooled.a_sum - (double)a_count * ((double)a_count + 1)) / 2;
    most = pooled.tied > 0 ? TACHO_RANK_EXACT_TIED_MAX : TACHO_RANK_EXACT_MAX;
    test->method = a_count <= most && b_count <= most ? TACHO_RANK_EXACT : TACHO_RANK_NORMAL;
    if (test->method == TACHO_RANK_NORMAL)
        test_approximately(&pooled, test);
    else if (pooled.tied > 0)
        test_with_ties(&pooled, test);
    else
        test_without_ties(&pooled, test);
    free(pooled.doubled_rank);
    free(sorted_a);
    free(sorted_b);
}

// Doubles in their order as integers, so that a search by halves ends after 64 steps at a double.
static int64_t order_of(double value)
{
    int64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

static double value_at(int64_t order)
{
    double value;

    if (order < 0)
        order = INT64_MIN - order;
    memcpy(&value, &order, sizeof value);
    return value;
}

struct differences {
    const double *a, *b; // ascending
    size_t a_count, b_count;
};

// How the differences lie around a bound.
struct divide {
    size_t count;        // not above it
    double below, above; // the largest of those, the smallest of the others
};

static void differences_divide(const struct differences *d, double bound, struct divide *divide)
{
    size_t count = 0, i = 0;
    double below = -INFINITY, above = INFINITY;

    for (size_t j = 0; j < d->b_count; j++) {
        while (i < d->a_count && d->b[j] - d->a[i] > bound)
            i++;
        if (i > 0 && d->b[j] - d->a[i - 1] < above)
            above = d->b[j] - d->a[i - 1];
        if (i < d->a_count && d->b[j] - d->a[i] > below)
            below = d->b[j] - d->a[i];
        count += d->a_count - i;
    }
    *divide = (struct divide){count, below, above};
}

// The difference with `rank` (from 1) in ascending order, exactly: the bounds are differences
// themselves. Every other step looks where the rank would be if they were spread evenly, which
// mostly takes a dozen steps; the steps between halve the doubles in between, at most 64 times.
static double difference_of_rank(const struct differences *d, size_t rank)
{
    double low = d->b[0] - d->a[d->a_count - 1], high = d->b[d->b_count - 1] - d->a[0];
    size_t before = 0, up_to = d->a_count * d->b_count; // differences below low, up to high

    for (bool even = true; low < high; even = !even) {
        int64_t from = order_of(low), to = order_of(high);
        double share = ((double)(rank - before) - 0.5) / (double)(up_to - before);
        double bound = low + (high - low) * share;
        struct divide divide;

        if (!even || !(bound >= low && bound < high))
            bound = value_at(from + (int64_t)(((uint64_t)to - (uint64_t)from) / 2));
        differences_divide(d, bound, &divide);
        if (divide.count >= rank) {
            high = divide.below;
            up_to = divide.count;
        } else {
            low = divide.above;
            before = divide.count;
        }
    }
    return low + 0.0; // no negative zero
}

// How many of the smallest and of the largest differences lie outside of the interval, plus one: 0
// if the level cannot be had.
static size_t interval_rank_find(size_t n, size_t m, double level, enum tacho_rank_method method)
{
    double tail = (1 - level) / 2, sum = 0, all, pairs = (double)n * (double)m, rank;
    size_t groups[2] = {m, n}, length = n * m / 2 + 1, count = 0;
    double *ways;

    if (method == TACHO_RANK_NORMAL) {
        rank = floor(pairs / 2 - tacho_normal_quantile_above(tail) *
                                     sqrt(pairs * ((double)n + (double)m + 1) / 12));
        return rank >= 1 ? (size_t)rank : 0;
    }
    ways = room(length, sizeof *ways);
    all = tacho_inversions_ways(groups, 2, ways, length);
    for (; count < length; count++) {
        sum += ways[count];
        if (sum / all > tail * (1 + 1e-12))
            break;
    }
    free(ways);
    return count;
}

// Many comparisons in a row are of the same sizes: the last answer is kept.
static size_t interval_rank(size_t n, size_t m, double level, enum tacho_rank_method method)
{
    static _Thread_local struct {
        size_t n, m, rank;
        double level;
    } last;

    if (last.n != n || last.m != m || last.level < level || last.level > level) {
        last.rank = interval_rank_find(n, m, level, method);
        last.n = n;
        last.m = m;
        last.level = level;
    }
    return last.rank;
}

void tacho_shift_build(const double *a, size_t a_count, const double *b, size_t b_count,
                       double level, struct tacho_shift *shift)
{
    bool few = a_count <= TACHO_RANK_EXACT_MAX && b_count <= TACHO_RANK_EXACT_MAX;
    size_t pairs = a_count * b_count, rank;
    double *sorted_a, *sorted_b;
    struct differences d;

    memset(shift, 0, sizeof *shift);
    shift->value = shift->low = shift->high = NAN;
    shift->level = level;
    if (pairs == 0)
        return;
    sorted_a = sorted_copy(a, a_count);
    sorted_b = sorted_copy(b, b_count);
    d = (struct differences){sorted_a, sorted_b, a_count, b_count};
    shift->method = few ? TACHO_RANK_EXACT : TACHO_RANK_NORMAL;
    shift->value = difference_of_rank(&d, (pairs + 1) / 2);
    if (pairs % 2 == 0)
        shift->value += (difference_of_rank(&d, pairs / 2 + 1) - shift->value) / 2;
    rank = level > 0 && level < 1 ? interval_rank(a_count, b_count, level, shift->method) : 0;
    if (rank > 0) {
        shift->low = difference_of_rank(&d, rank);
        shift->high = difference_of_rank(&d, pairs + 1 - rank);
    }
    free(sorted_a);
    free(sorted_b);
}

double tacho_figure_of_medians(double *a, size_t a_count, double *b, size_t b_count)
{
    return tacho_median(b, b_count) - tacho_median(a, a_count);
}

static double mean_of(const double *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

double tacho_figure_of_means(double *a, size_t a_count, double *b, size_t b_count)
{
    return mean_of(b, b_count) - mean_of(a, a_count);
}

static void resample(struct tacho_random *random, const double *from, double *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from[tacho_random_below(random, count)];
}

void tacho_bootstrap_build(const double *a, size_t a_count, const double *b, size_t b_count,
                           tacho_bootstrap_figure *figure, double level, size_t rounds,
                           uint64_t seed, struct tacho_bootstrap *bootstrap)
{
    double *copy_a, *copy_b, *figures;
    struct tacho_random random;
    size_t out;

    bootstrap->value = bootstrap->low = bootstrap->high = NAN;
    if (a_count < 2 || b_count < 2 || rounds == 0 || !(level > 0 && level < 1))
        return;
    tacho_random_init(&random, seed);
    copy_a = sorted_copy(a, a_count);
    copy_b = sorted_copy(b, b_count);
    figures = room(rounds, sizeof *figures);
    bootstrap->value = figure(copy_a, a_count, copy_b, b_count);
    for (size_t i = 0; i < rounds; i++) {
        resample(&random, a, copy_a, a_count);
        resample(&random, b, copy_b, b_count);
        figures[i] = figure(copy_a, a_count, copy_b, b_count);
    }
    qsort(figures, rounds, sizeof *figures, by_value);
    out = (size_t)((1 - level) / 2 * (double)rounds);
    bootstrap->low = figures[out];
    bootstrap->high = figures[rounds - 1 - out];
    free(copy_a);
    free(copy_b);
    free(figures);
}

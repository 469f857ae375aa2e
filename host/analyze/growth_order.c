// How time or memory grows with the size of the input: O(1), O(log n), O(n), O(n log n), O(n^2).
#include "analyze/growth_order.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

#define WEIGHT_CLEAR   0.9
#define WEIGHT_DECIDES 0.95
#define ERROR_FLOOR    1e-4 // relative; below it fits are equally good
#define NOTICEABLE     0.05 // growth over the measured sizes that is not O(1)
#define NONE           SIZE_MAX

struct point {
    double n, value;
};

struct fit {
    double constant, factor;
};

static double term(enum tacho_order order, double n)
{
    switch (order) {
    case TACHO_ORDER_LOG:
        return log2(n);
    case TACHO_ORDER_LINEAR:
        return n;
    case TACHO_ORDER_LINEAR_LOG:
        return n * log2(n);
    case TACHO_ORDER_SQUARE:
        return n * n;
    case TACHO_ORDER_BEYOND:
        return n * n * n;
    case TACHO_ORDER_CONSTANT:
    case TACHO_ORDER_COUNT:
        break;
    }
    return 0;
}

// The sums of the normal equations of constant * u + factor * v = 1, where u and v are the constant
// and the term over the value: that is least squares of the relative error.
struct sums {
    double uu, uv, vv, u, v;
};

static double squares(const struct sums *s, double count, struct fit fit)
{
    return fit.constant * fit.constant * s->uu + 2 * fit.constant * fit.factor * s->uv +
           fit.factor * fit.factor * s->vv - 2 * fit.constant * s->u - 2 * fit.factor * s->v +
           count;
}

// The best fit with neither part below zero; `scale` is the term at the largest size.
static struct fit fit_without(const struct point *points, size_t count, enum tacho_order order,
                              double scale, size_t left_out)
{
    struct sums s = {0};
    struct fit best, other;
    double all = 0, determinant;

    for (size_t i = 0; i < count; i++) {
        double u = 1 / points[i].value, v = term(order, points[i].n) / scale / points[i].value;

        if (i == left_out)
            continue;
        s.uu += u * u;
        s.uv += u * v;
        s.vv += v * v;
        s.u += u;
        s.v += v;
        all++;
    }
    best = (struct fit){s.u / s.uu, 0};
    if (order == TACHO_ORDER_CONSTANT || !(s.vv > 0))
        return best;
    other = (struct fit){0, s.v / s.vv};
    if (squares(&s, all, other) < squares(&s, all, best))
        best = other;
    determinant = s.uu * s.vv - s.uv * s.uv;
    other.constant = (s.u * s.vv - s.v * s.uv) / determinant;
    other.factor = (s.v * s.uu - s.u * s.uv) / determinant;
    if (determinant > 1e-12 * s.uu * s.vv && other.constant >= 0 && other.factor >= 0)
        best = other;
    best.factor /= scale;
    return best;
}

static double fitted(const struct fit *fit, enum tacho_order order, double n)
{
    return fit->constant + fit->factor * term(order, n);
}

// The mean square of the relative errors at points that were left out. Points of one size are left
// out one by one: repeats tell the noise.
static double left_out_error(const struct point *points, size_t count, enum tacho_order order,
                             double scale)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        struct fit fit = fit_without(points, count, order, scale, i);
        double error = fitted(&fit, order, points[i].n) / points[i].value - 1;

        sum += error * error;
    }
    return sum / (double)count;
}

static int by_size(const void *a, const void *b)
{
    const struct point *p = a, *q = b;

    return (p->n > q->n) - (p->n < q->n);
}

static size_t points_build(struct point *points, const double *n, const double *value, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (isfinite(n[i]) && isfinite(value[i]) && n[i] >= 1 && n[i] < 1e100 &&
            value[i] > 1e-100 && value[i] < 1e100)
            points[kept++] = (struct point){n[i], value[i]};
    }
    qsort(points, kept, sizeof *points, by_size);
    return kept;
}

// The slope between the mean logarithms of the two largest sizes.
static double last_exponent(const struct point *points, size_t count)
{
    double sum[2] = {0}, number[2] = {0}, size[2] = {0};
    int side = 0;

    for (size_t i = count; i-- > 0;) {
        if (i + 1 < count && points[i].n < points[i + 1].n && ++side > 1)
            break;
        size[side] = log(points[i].n);
        sum[side] += log(points[i].value);
        number[side]++;
    }
    return (sum[0] / number[0] - sum[1] / number[1]) / (size[0] - size[1]);
}

static bool grows(const struct fit *fit, enum tacho_order order, const struct point *points,
                  size_t count, double error)
{
    double first = fitted(fit, order, points[0].n);
    double last = fitted(fit, order, points[count - 1].n);

    return last - first > fmax(NOTICEABLE, 2 * error) * first;
}

static void weigh(const struct point *points, size_t count, struct tacho_growth_order *result)
{
    struct fit fits[TACHO_ORDER_COUNT];
    double error[TACHO_ORDER_COUNT], score[TACHO_ORDER_COUNT], best = INFINITY, all = 0;

    for (int i = 0; i < TACHO_ORDER_COUNT; i++) {
        enum tacho_order order = (enum tacho_order)i;
        double scale = i == 0 ? 1 : term(order, points[count - 1].n);

        fits[i] = fit_without(points, count, order, scale, NONE);
        error[i] = left_out_error(points, count, order, scale);
        score[i] = (double)count * log(error[i] + ERROR_FLOOR * ERROR_FLOOR);
        best = fmin(best, score[i]);
    }
    for (int i = 0; i < TACHO_ORDER_COUNT; i++) {
        double weight = exp((best - score[i]) / 2);
        bool real = i > 0 && grows(&fits[i], (enum tacho_order)i, points, count, sqrt(error[i]));

        result->weight[real ? i : TACHO_ORDER_CONSTANT] += weight;
        all += weight;
    }
    for (int i = 0; i < TACHO_ORDER_COUNT; i++) {
        result->weight[i] /= all;
        if (result->weight[i] > result->weight[result->order])
            result->order = (enum tacho_order)i;
    }
    result->confidence = result->weight[result->order];
    result->constant = fits[result->order].constant;
    result->factor = fits[result->order].factor;
    result->error = sqrt(error[result->order]);
    result->verdict = result->confidence >= WEIGHT_CLEAR ? TACHO_ORDER_CLEAR : TACHO_ORDER_UNCLEAR;
}

void tacho_growth_order_build(const double *n, const double *value, size_t count,
                              struct tacho_growth_order *result)
{
    size_t capacity = 0, kept;
    struct point *points = tacho_array_grow(NULL, &capacity, count + 1, sizeof *points);

    memset(result, 0, sizeof *result);
    result->confidence = result->constant = result->factor = NAN;
    result->error = result->exponent = NAN;
    kept = points_build(points, n, value, count);
    result->points = kept;
    result->dropped = count - kept;
    for (size_t i = 0; i < kept; i++)
        result->sizes += i == 0 || points[i].n > points[i - 1].n;
    if (result->sizes >= 2)
        result->exponent = last_exponent(points, kept);
    if (result->sizes >= TACHO_ORDER_SIZES_MIN &&
        points[kept - 1].n >= TACHO_ORDER_SPAN_MIN * points[0].n)
        weigh(points, kept, result);
    free(points);
}

enum tacho_order_check tacho_growth_order_check(const struct tacho_growth_order *result,
                                                enum tacho_order most)
{
    double within = 0;

    if (result->verdict == TACHO_ORDER_INSUFFICIENT)
        return TACHO_ORDER_UNDECIDED;
    for (int i = 0; i <= (int)most && i < TACHO_ORDER_COUNT; i++)
        within += result->weight[i];
    if (within >= WEIGHT_DECIDES)
        return TACHO_ORDER_HOLDS;
    return within <= 1 - WEIGHT_DECIDES ? TACHO_ORDER_EXCEEDED : TACHO_ORDER_UNDECIDED;
}

static const struct {
    const char *name, *word;
} order_names[TACHO_ORDER_COUNT] = {
    {"O(1)", "constant"},           {"O(log n)", "logarithmic"}, {"O(n)", "linear"},
    {"O(n log n)", "linearithmic"}, {"O(n^2)", "quadratic"},     {"worse than O(n^2)", "beyond"},
};

const char *tacho_order_name(enum tacho_order order)
{
    return (unsigned)order < TACHO_ORDER_COUNT ? order_names[order].name : "unknown";
}

enum tacho_order tacho_order_of_name(const char *name)
{
    for (int i = 0; i < TACHO_ORDER_COUNT; i++) {
        const char *full = order_names[i].name;
        size_t inner = strlen(full) > 3 ? strlen(full) - 3 : 0;
        bool bare =
            full[0] == 'O' && strlen(name) == inner && strncasecmp(name, full + 2, inner) == 0;

        if (strcasecmp(name, full) == 0 || strcasecmp(name, order_names[i].word) == 0 || bare)
            return (enum tacho_order)i;
    }
    return TACHO_ORDER_COUNT;
}

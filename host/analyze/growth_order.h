// How time or memory grows with the size of the input: O(1), O(log n), O(n), O(n log n), O(n^2).
//
// Each order is fitted as a constant plus one term, neither below zero, to the relative error, and
// judged by the error at points that were left out of the fit (leave-one-out cross-validation). The
// weights of the orders say how clearly one of them wins; an order whose term adds nothing
// noticeable over the measured sizes counts as O(1). What is said holds for the sizes measured.
// Sources: cross-validation: Stone, J. R. Stat. Soc. B 36, 1974; weights as Akaike's, Burnham and
// Anderson, Model Selection and Multimodel Inference, 2.9.
#ifndef TACHO_ANALYZE_GROWTH_ORDER_H
#define TACHO_ANALYZE_GROWTH_ORDER_H

#include <stddef.h>

enum tacho_order {
    TACHO_ORDER_CONSTANT,
    TACHO_ORDER_LOG,
    TACHO_ORDER_LINEAR,
    TACHO_ORDER_LINEAR_LOG,
    TACHO_ORDER_SQUARE,
    TACHO_ORDER_BEYOND, // worse than O(n^2), fitted as n^3
    TACHO_ORDER_COUNT,
};

#define TACHO_ORDER_SIZES_MIN 5 // different sizes
#define TACHO_ORDER_SPAN_MIN  8 // the largest to the smallest

enum tacho_order_verdict {
    TACHO_ORDER_INSUFFICIENT, // too few sizes, or too close together
    TACHO_ORDER_UNCLEAR,      // no order has the confidence
    TACHO_ORDER_CLEAR,
};

struct tacho_growth_order {
    enum tacho_order_verdict verdict;
    enum tacho_order order;           // the one with the largest weight
    double confidence;                // its weight, 0..1; NaN: insufficient
    double weight[TACHO_ORDER_COUNT]; // sum to 1
    double constant, factor;          // value = constant + factor * term(n), of `order`
    double error;                     // relative, root mean square, of points left out
    double exponent;                  // slope of log value over log n between the largest sizes
    size_t points, sizes;             // that were usable: n >= 1, value > 0
    size_t dropped;                   // that were not
};

// `value[i]` was measured at size `n[i]`; sizes may repeat and need no order. Time: O(points^2).
void tacho_growth_order_build(const double *n, const double *value, size_t count,
                              struct tacho_growth_order *result);

enum tacho_order_check {
    TACHO_ORDER_UNDECIDED, // insufficient, or both are possible
    TACHO_ORDER_HOLDS,     // at most `most`: 95 % of the weight
    TACHO_ORDER_EXCEEDED,  // larger: 95 % of the weight
};
enum tacho_order_check tacho_growth_order_check(const struct tacho_growth_order *result,
                                                enum tacho_order most);

const char *tacho_order_name(enum tacho_order order); // "O(n log n)"
// The order of a name as "O(n^2)", "n log n", "linear"; TACHO_ORDER_COUNT if there is none.
enum tacho_order tacho_order_of_name(const char *name);

#endif

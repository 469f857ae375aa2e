// How often chance alone gives a certain order: the exact null distribution behind the rank tests.
//
// Arrange n values at random, of which groups are equal. The number of pairs that stand the wrong
// way round has the Gaussian multinomial coefficients as its distribution. Two groups of m and n
// give the Mann-Whitney U; the groups of ties in a series give Kendall's S = pairs - 2 inversions.
//
// The idea: the coefficients are a product of (1 - q^(p+i)) / (1 - q^i); each factor is one pass
// over the array. Bound: O(n length). Doubles are exact up to 2^53 ways and within 1e-14 beyond
// (all sums but one are of positive terms). Source: Andrews, The Theory of Partitions, chapter 3.
#ifndef TACHO_ANALYZE_INVERSIONS_H
#define TACHO_ANALYZE_INVERSIONS_H

#include <stddef.h>

// Pairs of values from different groups: the largest possible number of inversions.
size_t tacho_inversions_pairs(const size_t *groups, size_t group_count);

// Writes into ways[0..length) in how many arrangements there are 0, 1, 2 ... inversions; returns
// how many arrangements there are. Up to about 150 values in all (the result is a double).
double tacho_inversions_ways(const size_t *groups, size_t group_count, double *ways, size_t length);

#endif

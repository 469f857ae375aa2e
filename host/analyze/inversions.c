// How often chance alone gives a certain order: the exact null distribution behind the rank tests.
#include "analyze/inversions.h"

size_t tacho_inversions_pairs(const size_t *groups, size_t group_count)
{
    size_t pairs = 0, before = 0;

    for (size_t i = 0; i < group_count; i++) {
        pairs += before * groups[i];
        before += groups[i];
    }
    return pairs;
}

double tacho_inversions_ways(const size_t *groups, size_t group_count, double *ways, size_t length)
{
    double arrangements = 1;
    size_t before = 0;

    for (size_t k = 0; k < length; k++)
        ways[k] = k == 0;
    for (size_t g = 0; g < group_count; g++) {
        // The first group alone has one arrangement: its factors cancel.
        for (size_t i = 1; before > 0 && i <= groups[g]; i++) {
            size_t step = before + i;

            for (size_t k = i; k < length; k++)
                ways[k] += ways[k - i];
            for (size_t k = length; k-- > step;)
                ways[k] -= ways[k - step];
            arrangements = arrangements * (double)step / (double)i;
        }
        before += groups[g];
    }
    return arrangements;
}

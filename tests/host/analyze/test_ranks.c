// Tests of the rank statistics: published tables, and every arrangement counted one by one (L8,
// T6).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/inversions.h"
#include "analyze/random.h"
#include "analyze/ranks.h"

static void near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.12g is not within %.9g of %.12g", value, tolerance, wanted);
}

static double u_of(const double *a, size_t n, const double *b, size_t m)
{
    double u = 0;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++)
            u += b[j] > a[i] ? 1 : b[j] < a[i] ? 0 : 0.5;
    }
    return u;
}

// The definition itself: deal the pooled values out in every possible way.
static double probability_by_enumeration(const double *a, size_t n, const double *b, size_t m)
{
    double pooled[16], mean = (double)(n * m) / 2, far = fabs(u_of(a, n, b, m) - mean);
    unsigned all = 0, beyond = 0;

    memcpy(pooled, a, n * sizeof *a);
    memcpy(pooled + n, b, m * sizeof *b);
    for (unsigned chosen = 0; chosen < 1u << (n + m); chosen++) {
        double first[16], second[16];
        size_t x = 0, y = 0;

        for (size_t i = 0; i < n + m; i++) {
            if (chosen >> i & 1)
                first[x++] = pooled[i];
            else
                second[y++] = pooled[i];
        }
        if (x != n)
            continue;
        all++;
        beyond += fabs(u_of(first, n, second, m) - mean) >= far - 1e-9;
    }
    return (double)beyond / all;
}

static void the_test_agrees_with_counting_every_arrangement(void **state)
{
    struct tacho_random random;

    (void)state;
    tacho_random_init(&random, 1);
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + tacho_random_below(&random, 6), m = 1 + tacho_random_below(&random, 6);
        size_t kinds = round % 3 == 0 ? 1000000 : 1 + tacho_random_below(&random, 8);
        double a[6], b[6];
        struct tacho_rank_test test;

        for (size_t i = 0; i < n; i++)
            a[i] = (double)tacho_random_below(&random, kinds);
        for (size_t i = 0; i < m; i++)
            b[i] = (double)tacho_random_below(&random, kinds);
        tacho_rank_test_build(a, n, b, m, &test);
        assert_int_equal(test.method, TACHO_RANK_EXACT);
        near(test.u, u_of(a, n, b, m), 0);
        near(test.probability, probability_by_enumeration(a, n, b, m), 1e-12);
        assert_true(test.smallest <= test.probability + 1e-12);
    }
}

// Two samples of `n` without ties whose U is `u`.
static void samples_with_u(size_t n, size_t u, double *a, double *b)
{
    for (size_t i = 0; i < n; i++) {
        size_t above = u > n ? n : u; // of a that this b exceeds

        u -= above;
        a[i] = (double)(i * 1000);
        b[i] = (double)above * 1000 - 500 + (double)i / 100;
    }
}

// The largest U that is significant, two-sided: as in the tables of any textbook.
static void critical_values_are_those_of_the_published_table(void **state)
{
    static const struct {
        size_t n, at_5_percent, at_1_percent;
    } table[] = {{5, 2, 0},    {6, 5, 2},    {7, 8, 4},     {8, 13, 7},
                 {9, 17, 11},  {10, 23, 16}, {11, 30, 21},  {12, 37, 27},
                 {13, 45, 34}, {14, 55, 42}, {15, 64, 51},  {16, 75, 60},
                 {17, 87, 70}, {18, 99, 81}, {19, 113, 93}, {20, 127, 105}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        static const double levels[2] = {0.05, 0.01};

        for (int level = 0; level < 2; level++) {
            size_t critical = level == 0 ? table[i].at_5_percent : table[i].at_1_percent;
            struct tacho_rank_test at, after;
            double a[20], b[20];

            samples_with_u(table[i].n, critical, a, b);
            tacho_rank_test_build(a, table[i].n, b, table[i].n, &at);
            near(at.u, (double)critical, 0);
            samples_with_u(table[i].n, critical + 1, a, b);
            tacho_rank_test_build(a, table[i].n, b, table[i].n, &after);
            assert_true(at.probability <= levels[level]);
            assert_true(after.probability > levels[level]);
        }
    }
}

// Hollander, Wolfe: permeability of the chorioamnion, examples 4.1, 4.3, 4.4.
static void the_textbook_example_gives_its_shift_and_interval(void **state)
{
    const double term[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    const double early[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    struct tacho_rank_test test;
    struct tacho_shift shift;

    (void)state;
    tacho_rank_test_build(early, 5, term, 10, &test);
    near(test.u, 35, 0);
    near(test.probability, 2 * 0.1272, 1e-4);
    tacho_shift_build(term, 10, early, 5, 0.96, &shift);
    near(shift.value, -0.305, 1e-12);
    near(shift.low, -0.76, 1e-12);
    near(shift.high, 0.15, 1e-12);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void the_shift_is_the_median_of_all_differences(void **state)
{
    struct tacho_random random;
    static double all[60 * 60];

    (void)state;
    tacho_random_init(&random, 2);
    for (int round = 0; round < 200; round++) {
        size_t n = 1 + tacho_random_below(&random, 60), m = 1 + tacho_random_below(&random, 60);
        double a[60], b[60], middle;
        struct tacho_shift shift;
        size_t count = 0;

        for (size_t i = 0; i < n; i++)
            a[i] = tacho_random_unit(&random) * 10 - 5;
        for (size_t i = 0; i < m; i++)
            b[i] = floor(tacho_random_unit(&random) * 10) - 5;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < m; j++)
                all[count++] = b[j] - a[i];
        }
        qsort(all, count, sizeof all[0], by_value);
        middle = (all[(count - 1) / 2] + all[count / 2]) / 2;
        tacho_shift_build(a, n, b, m, 0.99, &shift);
        near(shift.value, middle, 1e-12);
        assert_true(isnan(shift.low) || (shift.low <= middle && middle <= shift.high));
    }
}

static void the_interval_excludes_zero_exactly_when_the_test_is_significant(void **state)
{
    struct tacho_random random;
    int significant = 0;

    (void)state;
    tacho_random_init(&random, 3);
    for (int round = 0; round < 500; round++) {
        size_t n = 5 + tacho_random_below(&random, 20), m = 5 + tacho_random_below(&random, 20);
        double a[25], b[25], moved = tacho_random_unit(&random);
        struct tacho_rank_test test;
        struct tacho_shift shift;

        for (size_t i = 0; i < n; i++)
            a[i] = tacho_random_unit(&random);
        for (size_t i = 0; i < m; i++)
            b[i] = tacho_random_unit(&random) + moved;
        tacho_rank_test_build(a, n, b, m, &test);
        tacho_shift_build(a, n, b, m, 0.99, &shift);
        assert_int_equal(test.probability <= 0.01, shift.low > 0 || shift.high < 0);
        significant += test.probability <= 0.01;
    }
    assert_in_range(significant, 50, 450);
}

static void five_values_bound_at_99_percent_and_four_do_not(void **state)
{
    const double a[] = {1, 2, 3, 4, 5}, b[] = {11, 12, 13, 14, 15};
    struct tacho_rank_test test;
    struct tacho_shift shift;

    (void)state;
    tacho_rank_test_build(a, 5, b, 5, &test);
    near(test.probability, 2.0 / 252, 1e-15);
    near(test.smallest, 2.0 / 252, 1e-15);
    tacho_shift_build(a, 5, b, 5, 0.99, &shift);
    near(shift.low, 6, 0);
    near(shift.high, 14, 0);
    tacho_rank_test_build(a, 4, b, 4, &test);
    near(test.smallest, 2.0 / 70, 1e-15);
    tacho_shift_build(a, 4, b, 4, 0.99, &shift);
    near(shift.value, 10, 0);
    assert_true(isnan(shift.low) && isnan(shift.high));
}

static void many_values_are_approximated_near_the_exact_figure(void **state)
{
    static double ways[51 * 51 + 1];
    const size_t groups[2] = {51, 51};
    double a[51], b[51], tail = 0, all;
    struct tacho_rank_test normal;
    struct tacho_shift few, many;

    (void)state;
    for (int i = 0; i < 51; i++) {
        a[i] = i;
        b[i] = i + 8.5;
    }
    tacho_rank_test_build(b, 51, a, 51, &normal);
    assert_int_equal(normal.method, TACHO_RANK_NORMAL);
    all = tacho_inversions_ways(groups, 2, ways, 51 * 51 + 1);
    for (size_t i = 0; i <= (size_t)normal.u; i++)
        tail += ways[i];
    near(normal.probability, 2 * tail / all, 0.1 * normal.probability);
    tacho_shift_build(a, 50, b, 50, 0.99, &few);
    tacho_shift_build(a, 51, b, 51, 0.99, &many);
    assert_int_equal(few.method, TACHO_RANK_EXACT);
    assert_int_equal(many.method, TACHO_RANK_NORMAL);
    near(many.low, few.low, 1);
    near(many.high, few.high, 1);
}

static void inversions_are_counted_exactly(void **state)
{
    static const size_t ones[] = {1, 1, 1, 1}, ties[] = {2, 1, 2};
    static const double permutations[] = {1, 3, 5, 6, 5, 3, 1};
    static const double multiset[] = {1, 2, 4, 5, 6, 5, 4, 2, 1}; // 5! / (2! 2!) = 30
    double ways[9];

    (void)state;
    assert_int_equal(tacho_inversions_pairs(ones, 4), 6);
    near(tacho_inversions_ways(ones, 4, ways, 7), 24, 1e-12);
    for (size_t i = 0; i < 7; i++)
        near(ways[i], permutations[i], 0);
    assert_int_equal(tacho_inversions_pairs(ties, 3), 8);
    near(tacho_inversions_ways(ties, 3, ways, 9), 30, 1e-12);
    for (size_t i = 0; i < 9; i++)
        near(ways[i], multiset[i], 0);
}

static void a_bootstrap_repeats_with_its_seed_and_covers_the_shift(void **state)
{
    struct tacho_random random;
    struct tacho_bootstrap first, again, other;
    int covered = 0;

    (void)state;
    tacho_random_init(&random, 4);
    for (int round = 0; round < 100; round++) {
        double a[40], b[40];

        for (int i = 0; i < 40; i++) {
            a[i] = tacho_random_unit(&random);
            b[i] = tacho_random_unit(&random) + 1;
        }
        tacho_bootstrap_build(a, 40, b, 40, tacho_figure_of_medians, 0.95, 200, 7, &first);
        tacho_bootstrap_build(a, 40, b, 40, tacho_figure_of_medians, 0.95, 200, 7, &again);
        tacho_bootstrap_build(a, 40, b, 40, tacho_figure_of_means, 0.95, 200, 8, &other);
        near(first.low, again.low, 0);
        near(first.high, again.high, 0);
        near(other.value, 1, 0.3);
        covered += first.low <= 1 && 1 <= first.high;
    }
    assert_in_range(covered, 85, 100);
}

static void empty_and_extreme_samples_are_taken(void **state)
{
    const double one[] = {1}, huge[] = {-1.7e308, 1.7e308, 1.7e308, 0, 5e-324};
    struct tacho_rank_test test;
    struct tacho_shift shift;
    struct tacho_bootstrap bootstrap;

    (void)state;
    tacho_rank_test_build(NULL, 0, one, 1, &test);
    assert_true(isnan(test.probability) && test.method == TACHO_RANK_NONE);
    tacho_shift_build(one, 1, NULL, 0, 0.99, &shift);
    assert_true(isnan(shift.value) && isnan(shift.low));
    tacho_rank_test_build(one, 1, one, 1, &test);
    near(test.probability, 1, 0);
    near(test.smallest, 1, 0);
    tacho_shift_build(huge, 5, huge, 5, 0.99, &shift);
    near(shift.value, 0, 0);
    assert_true(isinf(shift.low) && shift.low < 0);
    tacho_bootstrap_build(one, 1, one, 1, tacho_figure_of_means, 0.95, 100, 1, &bootstrap);
    assert_true(isnan(bootstrap.low));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_test_agrees_with_counting_every_arrangement),
        cmocka_unit_test(critical_values_are_those_of_the_published_table),
        cmocka_unit_test(the_textbook_example_gives_its_shift_and_interval),
        cmocka_unit_test(the_shift_is_the_median_of_all_differences),
        cmocka_unit_test(the_interval_excludes_zero_exactly_when_the_test_is_significant),
        cmocka_unit_test(five_values_bound_at_99_percent_and_four_do_not),
        cmocka_unit_test(many_values_are_approximated_near_the_exact_figure),
        cmocka_unit_test(inversions_are_counted_exactly),
        cmocka_unit_test(a_bootstrap_repeats_with_its_seed_and_covers_the_shift),
        cmocka_unit_test(empty_and_extreme_samples_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

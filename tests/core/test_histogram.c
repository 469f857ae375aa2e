// The histogram's layout: every value in the bucket that covers it, no bucket wider than promised.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tacho/histogram.h"

static void check_value(uint32_t bits, uint64_t value)
{
    uint32_t bucket = tacho_histogram_bucket(bits, value);
    uint64_t low = tacho_histogram_low(bits, bucket), next = tacho_histogram_low(bits, bucket + 1);
    assert_true(low <= value);
    assert_true(value < next || next == UINT64_MAX);
    // Not wider than a part in 2^bits of its values.
    assert_true(next == UINT64_MAX || next - low <= (low >> bits) + 1);
    assert_int_equal(tacho_histogram_bucket(bits, low), bucket);
}

static void every_value_is_in_its_bucket(void **state)
{
    (void)state;
    for (uint32_t bits = 1; bits <= 16; bits++) {
        for (uint64_t value = 0; value < 5000; value++)
            check_value(bits, value);
        for (uint32_t shift = 12; shift < 64; shift++)
            for (int64_t around = -3; around <= 3; around++)
                check_value(bits, (UINT64_C(1) << shift) + (uint64_t)around);
        check_value(bits, UINT64_MAX);
    }
}

static void buckets_have_no_gap_and_no_overlap(void **state)
{
    (void)state;
    for (uint32_t bits = 1; bits <= 8; bits++) {
        uint32_t last = tacho_histogram_bucket(bits, UINT64_MAX);
        for (uint32_t bucket = 0; bucket < last; bucket++)
            assert_int_equal(
                tacho_histogram_bucket(bits, tacho_histogram_low(bits, bucket + 1) - 1), bucket);
    }
}

static void the_range_needs_as_many_buckets_as_stated(void **state)
{
    (void)state;
    for (uint32_t bits = 3; bits <= 8; bits++)
        for (uint32_t range = bits + 1; range < 63; range++)
            assert_int_equal(tacho_histogram_bucket(bits, (UINT64_C(1) << range) - 1) + 1,
                             TACHO_HISTOGRAM_BUCKETS(bits, range));
}

static void the_middle_is_off_by_at_most_the_bound(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < UINT64_C(1) << 50; value += value / 3 + 1) {
        uint64_t middle = tacho_histogram_middle(5, tacho_histogram_bucket(5, value));
        double error = ((double)middle - (double)value) / (double)value;
        assert_true(error <= 1.0 / 64 && error >= -1.0 / 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_in_its_bucket),
        cmocka_unit_test(buckets_have_no_gap_and_no_overlap),
        cmocka_unit_test(the_range_needs_as_many_buckets_as_stated),
        cmocka_unit_test(the_middle_is_off_by_at_most_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

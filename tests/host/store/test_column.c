// Columns give back exactly what was put, take few bytes, and refuse what no encoder wrote.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample_run.h"
#include "store/column.h"

#define COUNT 5000

static size_t check_i64(const int64_t *values, size_t count)
{
    struct tacho_buffer bytes = {0};
    int64_t *back = calloc(count + 1, sizeof *back);
    back[count] = 77;
    tacho_column_i64_put(&bytes, values, count);
    struct tacho_bytes from = {(uint8_t *)bytes.data, (uint8_t *)bytes.data + bytes.size};
    assert_int_equal(tacho_column_i64_take(&from, back, count), 0);
    assert_true(from.at == from.end);
    assert_memory_equal(values, back, count * sizeof *values);
    assert_int_equal(back[count], 77);
    free(back);
    size_t size = bytes.size;
    tacho_buffer_release(&bytes);
    return size;
}

static size_t check_double(const double *values, size_t count)
{
    struct tacho_buffer bytes = {0};
    double *back = calloc(count + 1, sizeof *back);
    tacho_column_double_put(&bytes, values, count);
    struct tacho_bytes from = {(uint8_t *)bytes.data, (uint8_t *)bytes.data + bytes.size};
    assert_int_equal(tacho_column_double_take(&from, back, count), 0);
    assert_true(from.at == from.end);
    assert_memory_equal(values, back, count * sizeof *values);
    assert_true(back[count] == 0);
    free(back);
    size_t size = bytes.size;
    tacho_buffer_release(&bytes);
    return size;
}

static void integers_of_every_shape_come_back(void **state)
{
    (void)state;
    int64_t values[COUNT];
    uint64_t random = 1;
    static const size_t counts[] = {1, 2, 3, 4, 5, 127, 128, 129, 130, 131, 132, 1000, COUNT};
    for (unsigned shape = 0; shape < 12; shape++) {
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t noise = sample_random(&random), more = sample_random(&random) << 40;
            const int64_t shapes[] = {
                -5,
                (int64_t)i * 1000000000,
                (int64_t)(i * i * i),
                (int64_t)(noise % 100),
                (int64_t)((noise | more) - (noise << 30)),
                i % 2 ? INT64_MIN : INT64_MAX,
                (int64_t)(noise % 7) * 4096 - 4096,
                i % 100 ? 5 : (int64_t)more,
                (int64_t)i * 1000000000 + (int64_t)(noise % 50000),
                i < 3 ? (int64_t)noise : 0,
                i % 2 ? -1 : 1000,
                (int64_t)(more ^ more << 20 ^ noise),
            };
            values[i] = shapes[shape];
        }
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            check_i64(values, counts[i]);
    }
    assert_int_equal(check_i64(values, 0), 0);
}

static void numbers_of_every_shape_come_back(void **state)
{
    (void)state;
    double values[COUNT];
    uint64_t random = 1;
    static const size_t counts[] = {1, 2, 3, 7, 128, 129, COUNT};
    for (unsigned shape = 0; shape < 11; shape++) {
        for (size_t i = 0; i < COUNT; i++) {
            double noise = (double)sample_random(&random) / 1e6;
            const double shapes[] = {
                0.0,
                -0.0,
                NAN,
                i % 9 ? 4096.0 * floor(noise) : NAN,
                i % 2 ? NAN : noise,
                sin((double)i / 100) * noise,
                i % 50    ? (double)i
                : i % 100 ? INFINITY
                          : -INFINITY,
                (double)(i % 1000) / 10000,
                i % 2 ? 1e308 : -1e308,
                5e-324 * (double)i,
                i % 7 ? 0.1 + 0.2 * (double)i : 9007199254740993.0,
            };
            values[i] = shapes[shape];
        }
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            check_double(values, counts[i]);
    }
}

static void not_a_number_keeps_its_bits(void **state)
{
    (void)state;
    uint64_t bits[64];
    double values[64];
    for (size_t i = 0; i < 64; i++)
        bits[i] = i % 8 ? UINT64_C(0x4000000000000000) : UINT64_C(0x7ff8000000000123) + i;
    memcpy(values, bits, sizeof bits);
    check_double(values, 64);
}

static void regular_columns_cost_next_to_nothing(void **state)
{
    (void)state;
    int64_t times[COUNT], outliers[COUNT];
    double constant[COUNT], pages[COUNT], ratios[COUNT];
    uint64_t random = 3;
    double page = 100, ratio = 0.5;
    for (size_t i = 0; i < COUNT; i++) {
        times[i] = 123456789 + (int64_t)i * 1000000000;
        outliers[i] = i % 250 ? (int64_t)(sample_random(&random) % 16) : INT64_C(1) << 50;
        constant[i] = 0.3;
        page += (double)(sample_random(&random) % 7) - 3;
        pages[i] = 4096 * page;
        ratio += ((double)(sample_random(&random) % 21) - 10) / 10000;
        ratios[i] = round(ratio * 10000) / 10000;
    }
    assert_in_range(check_i64(times, COUNT), 1, 20);
    assert_in_range(check_double(constant, COUNT), 1, 20);
    assert_in_range(check_double(pages, COUNT), 1, COUNT / 2);      // 3 bits and what leads a group
    assert_in_range(check_double(ratios, COUNT), 1, COUNT * 3 / 4); // 5 bits
    assert_in_range(check_i64(outliers, COUNT), 1, COUNT * 3 / 4);  // 20 outliers are exceptions
}

// Mutated bytes may decode to other values (a chunk's checksum finds that), but never make the
// decoder read or write outside its bounds; the address sanitiser's build shows it.
static void mutated_bytes_are_harmless(void **state)
{
    (void)state;
    uint64_t random = 9;
    double values[700], back[701];
    for (unsigned round = 0; round < 3000; round++) {
        struct tacho_buffer bytes = {0};
        for (size_t i = 0; i < 700; i++)
            values[i] = round % 3 == 0   ? 0.1 * (double)(sample_random(&random) % 100)
                        : round % 3 == 1 ? sin((double)i) * (double)round
                                         : (i % 20 ? 1.5 : NAN);
        tacho_column_double_put(&bytes, values, 700);
        for (unsigned i = 0; i < 1 + round % 4; i++)
            bytes.data[sample_random(&random) % bytes.size] = (char)sample_random(&random);
        size_t size = round % 2 ? bytes.size : sample_random(&random) % (bytes.size + 1);
        uint8_t *exact = malloc(size ? size : 1); // so that a byte too far is seen
        memcpy(exact, bytes.data, size);
        struct tacho_bytes from = {exact, exact + size};
        back[700] = 77;
        tacho_column_double_take(&from, back, 700);
        assert_true(from.at <= from.end);
        assert_true(back[700] == 77);
        free(exact);
        tacho_buffer_release(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_every_shape_come_back),
        cmocka_unit_test(numbers_of_every_shape_come_back),
        cmocka_unit_test(not_a_number_keeps_its_bits),
        cmocka_unit_test(regular_columns_cost_next_to_nothing),
        cmocka_unit_test(mutated_bytes_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

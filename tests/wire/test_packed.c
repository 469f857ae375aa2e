// Packed spans: what was written is read, in at most ten bytes for what programs do, never past the
// end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tacho/errors.h"
#include "wire/packed.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void check_round(struct tacho_packed *write, struct tacho_packed *read,
                        const struct tacho_packed_span *span)
{
    uint8_t bytes[TACHO_PACKED_SPAN_MAX + 1];
    struct tacho_packed_span back;
    struct tacho_packed before = *read;
    bytes[TACHO_PACKED_SPAN_MAX] = 0xa5;
    size_t size = tacho_packed_write(write, span, bytes);
    assert_true(size <= TACHO_PACKED_SPAN_MAX);
    assert_int_equal(bytes[TACHO_PACKED_SPAN_MAX], 0xa5);
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(tacho_packed_read(read, bytes, cut, &back), 0);
        assert_memory_equal(read, &before, sizeof before);
    }
    assert_int_equal(tacho_packed_read(read, bytes, size, &back), size);
    assert_int_equal(back.start, span->start);
    assert_int_equal(back.duration, span->duration);
    assert_int_equal(back.series, span->series);
    assert_int_equal(back.depth, span->depth);
    assert_int_equal(back.error, span->error);
}

static void any_span_comes_back(void **state)
{
    (void)state;
    struct tacho_packed write = {0}, read = {0};
    for (int i = 0; i < 20000; i++) {
        const struct tacho_packed_span span = {
            .start = random_u64() >> (random_u64() % 64),
            .duration = random_u64() >> (random_u64() % 64),
            .series = (uint32_t)(random_u64() >> (32 + random_u64() % 32)),
            .depth = (uint32_t)(random_u64() >> (32 + random_u64() % 32)),
            .error = random_u64() & 1,
        };
        check_round(&write, &read, &span);
    }
}

static void spans_of_a_program_take_at_most_ten_bytes(void **state)
{
    (void)state;
    struct tacho_packed write = {0};
    uint8_t bytes[TACHO_PACKED_SPAN_MAX];
    uint64_t now = UINT64_C(1) << 50;
    const struct tacho_packed_span first = {now, 1, 1, 0, 0};
    tacho_packed_write(&write, &first, bytes);
    for (int i = 0; i < 10000; i++) {
        // Up to 100 ms long at 2.6 GHz, up to 3 ms apart, 1,000 zones, depth one up or down.
        uint64_t gap = random_u64() % (UINT64_C(1) << 23), length = random_u64() % (1u << 28);
        const struct tacho_packed_span span = {
            now + gap - length, length, (uint32_t)(random_u64() % 1000), (uint32_t)(i % 2), 0};
        now += gap;
        assert_true(tacho_packed_write(&write, &span, bytes) <= 10);
    }
}

static void damaged_bytes_are_refused_or_read_as_something(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[40];
        struct tacho_packed read = {random_u64(), (uint32_t)random_u64()};
        struct tacho_packed_span span;
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)(random_u64() | (i % 2 ? 0x80 : 0));
        size_t size = random_u64() % (sizeof bytes + 1);
        int took = tacho_packed_read(&read, bytes, size, &span);
        assert_true(took <= (int)size);
        assert_true(took >= 0 || took == TACHO_ERR_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_span_comes_back),
        cmocka_unit_test(spans_of_a_program_take_at_most_ten_bytes),
        cmocka_unit_test(damaged_bytes_are_refused_or_read_as_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

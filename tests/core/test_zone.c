// Zones with a counter that the test moves: exact times, nesting, errors, sampling, limits,
// records.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "mock/mock.h"
#include "tacho/tacho.h"

#define MEMORY_BYTES (1 << 20)

static _Alignas(TACHO_RING_UNIT) char memory[MEMORY_BYTES];
static struct tacho_zone outer, inner;
static struct tacho_counter counter;

static int begin(void **state)
{
    (void)state;
    outer = (struct tacho_zone){TACHO_SERIES_INIT("outer", "", TACHO_SERIES_ZONE, "f")};
    inner = (struct tacho_zone){TACHO_SERIES_INIT("inner", "", TACHO_SERIES_ZONE, "f")};
    counter = (struct tacho_counter){TACHO_SERIES_INIT("n", "count", TACHO_SERIES_COUNTER, NULL)};
    tacho_mock_begin(memory, MEMORY_BYTES, MEMORY_BYTES, 4096);
    return 0;
}

static void start(uint32_t mode, uint32_t one_in)
{
    const struct tacho_config config = {.mode = mode, .sample_one_in = one_in};
    assert_int_equal(tacho_start(&config), 0);
}

static void pass(uint64_t ticks)
{
    tacho_mock_ticks += ticks;
}

static const struct tacho_ring_block *block_of(const struct tacho_series *series)
{
    uint32_t reference = tacho_block_find(&tacho_local, series->id);
    assert_true(reference != 0);
    return tacho_at(reference);
}

static const struct tacho_ring_record *record_at(uint64_t index)
{
    return &tacho_local.ring[index & tacho_local.ring_mask];
}

static void run(struct tacho_zone *zone, uint64_t ticks)
{
    struct tacho_scope scope = tacho_zone_begin(zone);
    pass(ticks);
    tacho_zone_end(zone, scope);
}

static void self_time_is_what_the_zones_inside_left(void **state)
{
    (void)state;
    start(TACHO_MODE_STATISTICS, 1);
    struct tacho_scope scope = tacho_zone_begin(&outer);
    pass(100);
    run(&inner, 30);
    run(&inner, 50);
    pass(7);
    tacho_zone_end(&outer, scope);
    const struct tacho_ring_block *out = block_of(&outer.series), *in = block_of(&inner.series);
    assert_int_equal(out->count, 1);
    assert_int_equal(out->total, 187);
    assert_int_equal(out->inside, 80);
    assert_int_equal(in->count, 2);
    assert_int_equal(in->total, 80);
    assert_int_equal(in->min, 30);
    assert_int_equal(in->max, 50);
    assert_int_equal(in->last, 50);
    assert_int_equal(in->inside, 0);
    assert_int_equal(tacho_local.slot->depth, 0);
}

static void recursion_counts_its_total_once(void **state)
{
    (void)state;
    start(TACHO_MODE_STATISTICS, 1);
    struct tacho_scope first = tacho_zone_begin(&outer);
    pass(10);
    tacho_mock_stack -= 5; // called from within
    struct tacho_scope second = tacho_zone_begin(&outer);
    pass(5);
    tacho_zone_end(&outer, second);
    tacho_mock_stack += 5;
    tacho_zone_end(&outer, first);
    const struct tacho_ring_block *block = block_of(&outer.series);
    assert_int_equal(block->count, 2);
    assert_int_equal(block->total, 15);
    assert_int_equal(block->nested, 5);
    assert_int_equal(block->inside, 5);
    run(&outer, 3); // after recursion it is outermost again
    assert_int_equal(block->total, 18);
}

static void an_error_is_of_the_innermost_zone(void **state)
{
    (void)state;
    start(TACHO_MODE_DETAILED, 1);
    struct tacho_scope out = tacho_zone_begin(&outer), in = tacho_zone_begin(&inner);
    tacho_zone_fail();
    tacho_zone_fail();
    tacho_zone_end(&inner, in);
    tacho_zone_end(&outer, out);
    assert_int_equal(block_of(&inner.series)->errors, 1);
    assert_int_equal(block_of(&outer.series)->errors, 0);
    assert_int_equal(record_at(0)->detail >> 16 & 1, 1);
    assert_int_equal(record_at(1)->detail >> 16 & 1, 0);
}

static void a_span_is_sixteen_bytes_with_all_it_needs(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct tacho_ring_record), 16);
    start(TACHO_MODE_TRACE, 1);
    struct tacho_scope out = tacho_zone_begin(&outer);
    pass(11);
    run(&inner, 22);
    tacho_zone_end(&outer, out);
    assert_int_equal(tacho_local.slot->head, 2);
    assert_int_equal(record_at(0)->time >> 8, 1011);
    assert_int_equal(record_at(0)->time & 0xff, 1);
    assert_int_equal(record_at(0)->detail & 0xffff, inner.series.id);
    assert_int_equal(record_at(0)->detail >> 17 & 7, TACHO_RING_SPAN);
    assert_int_equal(record_at(0)->detail >> 20, 22);
    assert_int_equal(record_at(1)->time >> 8, 1000);
    assert_int_equal(record_at(1)->time & 0xff, 0);
}

static void a_span_that_took_hours_has_its_full_duration(void **state)
{
    (void)state;
    start(TACHO_MODE_TRACE, 1);
    run(&outer, UINT64_C(1) << TACHO_RING_DURATION_BITS);
    assert_int_equal(tacho_local.slot->head, 2);
    assert_int_equal(record_at(0)->detail >> 17 & 7, TACHO_RING_SPAN_LONG);
    assert_int_equal(record_at(1)->detail >> 17 & 7, TACHO_RING_DATA);
    assert_int_equal(record_at(1)->time, UINT64_C(1) << TACHO_RING_DURATION_BITS);
}

static void the_ring_keeps_the_newest(void **state)
{
    (void)state;
    start(TACHO_MODE_TRACE, 1);
    for (unsigned i = 0; i < 1000; i++)
        run(&outer, i);
    assert_int_equal(tacho_local.slot->ring_records, 4096 / 16);
    assert_int_equal(tacho_local.slot->head, 1000);
    for (uint64_t i = 1000 - 256; i < 1000; i++)
        assert_int_equal(record_at(i)->detail >> 20, i);
}

static void what_is_off_records_nothing_and_takes_no_lock(void **state)
{
    (void)state;
    run(&outer, 10);
    tacho_counter_add(&counter, 1);
    tacho_zone_fail();
    assert_int_equal(tacho_mock.locks, 0);
    assert_int_equal(outer.series.id, 0);
    assert_int_equal(tacho_core.header->series_count, 0);
}

static void the_hot_path_takes_no_lock(void **state)
{
    (void)state;
    start(TACHO_MODE_DETAILED, 1);
    run(&outer, 1);
    tacho_counter_add(&counter, 1);
    unsigned locks = tacho_mock.locks;
    for (int i = 0; i < 1000; i++) {
        run(&outer, 1);
        tacho_counter_add(&counter, 1);
    }
    assert_int_equal(tacho_mock.locks, locks);
    assert_int_equal(tacho_mock.held, 0);
    assert_int_equal(block_of(&counter.series)->total, 1001);
}

static void a_mode_that_changes_inside_a_zone_keeps_the_stack_straight(void **state)
{
    (void)state;
    struct tacho_scope never = tacho_zone_begin(&outer);
    start(TACHO_MODE_STATISTICS, 1);
    struct tacho_scope in = tacho_zone_begin(&inner);
    tacho_stop();
    tacho_zone_end(&inner, in);
    assert_int_equal(block_of(&inner.series)->count, 1);
    start(TACHO_MODE_DETAILED, 1);
    tacho_zone_end(&outer, never);
    assert_int_equal(tacho_local.slot->depth, 0);
    run(&inner, 1);
    assert_int_equal(block_of(&inner.series)->count, 2);
}

static void a_zone_that_was_left_without_an_end_is_closed_by_the_next(void **state)
{
    (void)state;
    start(TACHO_MODE_STATISTICS, 1);
    struct tacho_scope out = tacho_zone_begin(&outer);
    tacho_zone_begin(&inner);
    tacho_zone_begin(&inner);
    tacho_zone_end(&outer, out);
    assert_int_equal(tacho_local.slot->depth, 0);
    run(&inner, 9);
    assert_int_equal(block_of(&inner.series)->count, 1);
    assert_int_equal(block_of(&inner.series)->total, 9); // not taken for a nested one
}

static void too_deep_is_counted(void **state)
{
    (void)state;
    struct tacho_scope scopes[TACHO_RING_DEPTH_MAX + 5];
    start(TACHO_MODE_STATISTICS, 1);
    for (size_t i = 0; i < TACHO_RING_DEPTH_MAX + 5; i++) {
        scopes[i] = tacho_zone_begin(&outer);
        tacho_mock_stack--;
    }
    for (size_t i = TACHO_RING_DEPTH_MAX + 5; i-- > 0;)
        tacho_zone_end(&outer, scopes[i]);
    assert_int_equal(tacho_local.slot->lost_depth, 5);
    assert_int_equal(tacho_local.slot->depth, 0);
    assert_int_equal(block_of(&outer.series)->count, TACHO_RING_DEPTH_MAX);
}

// A server's loop that catches by setjmp, inside a zone that never ends: what was left in earlier
// rounds must neither be taken for a zone around the next round's nor fill the stack for good.
static void zones_left_in_a_loop_without_end_do_not_pile_up(void **state)
{
    (void)state;
    struct tacho_zone loop = {TACHO_SERIES_INIT("loop", "", TACHO_SERIES_ZONE, "f")};
    start(TACHO_MODE_STATISTICS, 1);
    tacho_zone_begin(&loop);
    tacho_mock_stack -= 10;
    for (int round = 0; round < 1000; round++) {
        struct tacho_scope scope = tacho_zone_begin(&outer);
        tacho_mock_stack -= 10;
        tacho_zone_begin(&inner); // and longjmp, every other time
        pass(3);
        tacho_mock_stack += 10;
        if (round % 2)
            tacho_zone_end(&outer, scope);
    }
    const struct tacho_ring_block *block = block_of(&outer.series);
    assert_true(tacho_local.slot->depth < TACHO_RING_DEPTH_MAX);
    assert_in_range(tacho_local.slot->lost_depth, 0, 20);
    assert_int_equal(block->count, 500);
    assert_int_equal(block->total, 1500); // none is nested in another
    assert_int_equal(block->nested, 0);
}

static void sampling_times_one_in_n_and_counts_every_call(void **state)
{
    (void)state;
    start(TACHO_MODE_STATISTICS | TACHO_MODE_SAMPLED, 10);
    for (int i = 0; i < 100000; i++)
        run(&outer, 5);
    const struct tacho_ring_block *block = block_of(&outer.series);
    assert_int_equal(block->count + block->untimed, 100000);
    assert_in_range(block->count, 9700, 10300);
    assert_int_equal(block->total, block->count * 5);
}

static void sampled_self_time_is_right_on_average(void **state)
{
    (void)state;
    start(TACHO_MODE_STATISTICS | TACHO_MODE_SAMPLED, 5);
    for (int i = 0; i < 100000; i++) {
        struct tacho_scope scope = tacho_zone_begin(&outer);
        pass(10);
        run(&inner, 30);
        tacho_zone_end(&outer, scope);
    }
    const struct tacho_ring_block *block = block_of(&outer.series);
    double total = (double)block->total / (double)block->count;
    double inside = (double)block->inside / (double)block->count;
    assert_true(total == 40);
    assert_true(inside > 28 && inside < 32); // 30 on average, though few children were timed
}

static void a_limit_that_was_passed_is_counted_and_told(void **state)
{
    (void)state;
    start(TACHO_MODE_TRACE | TACHO_MODE_LIMITS, 1);
    run(&outer, 1);
    struct tacho_ring_series *entry = tacho_series_at(outer.series.id);
    entry->limit_ticks = 100;
    run(&outer, 100);
    assert_int_equal(tacho_mock.over_limit_count, 0);
    run(&outer, 101);
    assert_int_equal(tacho_mock.over_limit_count, 1);
    assert_int_equal(tacho_mock.over_limit, outer.series.id);
    assert_int_equal(entry->over_limit, 1);
}

static void a_wrapped_bucket_loses_nothing(void **state)
{
    (void)state;
    start(TACHO_MODE_STATISTICS, 1);
    run(&outer, 5);
    struct tacho_ring_block *block = (struct tacho_ring_block *)block_of(&outer.series);
    block->buckets[5] = UINT32_MAX;
    run(&outer, 5);
    assert_int_equal(block->buckets[5], 0);
    assert_int_equal(block->carry_bucket[0], 5);
    assert_int_equal(block->carry_count[0], 1);
    static struct tacho_ring_block sum;
    memset(&sum, 0, sizeof sum);
    sum.buckets[5] = UINT32_MAX;
    block->buckets[5] = 2;
    tacho_block_merge(&sum, block, true);
    assert_int_equal(sum.buckets[5], 1);
    assert_int_equal(sum.carry_count[0], 2);
}

static void a_value_beyond_the_range_is_in_the_last_bucket(void **state)
{
    (void)state;
    start(TACHO_MODE_STATISTICS, 1);
    run(&outer, UINT64_C(1) << 50);
    const struct tacho_ring_block *block = block_of(&outer.series);
    assert_int_equal(block->buckets[TACHO_RING_BUCKETS - 1], 1);
    assert_int_equal(block->max, UINT64_C(1) << 50);
}

static void functions_pair_up_by_address_not_by_order(void **state)
{
    (void)state;
    start(TACHO_MODE_STATISTICS, 1);
    run(&outer, 1);
    run(&inner, 1);
    uint32_t a = outer.series.id, b = inner.series.id;
    tacho_function_enter(a, TACHO_MODE_STATISTICS);
    tacho_function_enter(b, TACHO_MODE_STATISTICS); // left by longjmp
    pass(10);
    tacho_function_leave(a);
    tacho_function_leave(b); // an exit whose entry was not recorded
    assert_int_equal(block_of(&outer.series)->count, 2);
    assert_int_equal(block_of(&outer.series)->total, 11);
    assert_int_equal(block_of(&inner.series)->count, 1);
    assert_int_equal(tacho_local.slot->depth, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define FRESH(test) cmocka_unit_test_setup(test, begin)
        FRESH(self_time_is_what_the_zones_inside_left),
        FRESH(recursion_counts_its_total_once),
        FRESH(an_error_is_of_the_innermost_zone),
        FRESH(a_span_is_sixteen_bytes_with_all_it_needs),
        FRESH(a_span_that_took_hours_has_its_full_duration),
        FRESH(the_ring_keeps_the_newest),
        FRESH(what_is_off_records_nothing_and_takes_no_lock),
        FRESH(the_hot_path_takes_no_lock),
        FRESH(a_mode_that_changes_inside_a_zone_keeps_the_stack_straight),
        FRESH(a_zone_that_was_left_without_an_end_is_closed_by_the_next),
        FRESH(too_deep_is_counted),
        FRESH(zones_left_in_a_loop_without_end_do_not_pile_up),
        FRESH(sampling_times_one_in_n_and_counts_every_call),
        FRESH(sampled_self_time_is_right_on_average),
        FRESH(a_limit_that_was_passed_is_counted_and_told),
        FRESH(a_wrapped_bucket_loses_nothing),
        FRESH(a_value_beyond_the_range_is_in_the_last_bucket),
        FRESH(functions_pair_up_by_address_not_by_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

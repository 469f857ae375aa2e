// The region: what happens when memory, lock or directory cannot be had, and when threads come and
// go.
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

#define MEMORY_BYTES (8 << 20)

static _Alignas(TACHO_RING_UNIT) char memory[MEMORY_BYTES];

static int begin(void **state)
{
    (void)state;
    tacho_mock_begin(memory, MEMORY_BYTES, MEMORY_BYTES, 65536);
    return tacho_start(&(struct tacho_config){.mode = TACHO_MODE_DETAILED});
}

static void begin_with(size_t bytes, size_t bytes_max, size_t ring_bytes)
{
    tacho_mock_begin(memory, bytes, bytes_max, ring_bytes);
    tacho_start(&(struct tacho_config){.mode = TACHO_MODE_DETAILED});
}

static struct tacho_zone zone_named(const char *name)
{
    const struct tacho_zone zone = {TACHO_SERIES_INIT(name, "", TACHO_SERIES_ZONE, NULL)};
    return zone;
}

static void run(struct tacho_zone *zone)
{
    tacho_zone_end(zone, tacho_zone_begin(zone));
}

static void without_memory_nothing_is_recorded_and_it_is_counted(void **state)
{
    (void)state;
    struct tacho_zone zone = zone_named("z");
    begin_with(TACHO_RING_HEADER_SIZE, TACHO_RING_HEADER_SIZE, 65536);
    for (int i = 0; i < 10; i++)
        run(&zone);
    assert_true(tacho_core.header->lost_memory > 0);
    assert_int_equal(tacho_core.header->lost_threads, 1);
    assert_int_equal(tacho_mock.held, 0);
    assert_int_equal(tacho_mock.locks, 1); // it does not ask again at every zone
}

static void a_region_that_cannot_grow_keeps_what_it_has(void **state)
{
    (void)state;
    struct tacho_zone zones[4];
    begin_with(16384, MEMORY_BYTES, 65536);
    tacho_mock.grow_refused = true;
    for (int i = 0; i < 4; i++) {
        zones[i] = zone_named("z");
        zones[i].series.line = (uint32_t)i;
        run(&zones[i]);
        run(&zones[i]);
    }
    assert_true(tacho_core.header->lost_memory > 0);
    assert_true(tacho_core.header->used_bytes <= 16384);
    assert_int_equal(tacho_local.slot->depth, 0);
}

static void a_lock_that_cannot_be_had_loses_the_zone_only(void **state)
{
    (void)state;
    struct tacho_zone zone = zone_named("z");
    tacho_mock.lock_refused = true;
    run(&zone);
    assert_int_equal(zone.series.id, 0);
    assert_int_equal(tacho_core.header->lost_busy, 1);
    tacho_mock.lock_refused = false;
    run(&zone);
    assert_int_equal(zone.series.id, 1);
    assert_int_equal(tacho_local.slot->head, 1);
}

static void the_same_place_has_one_number(void **state)
{
    (void)state;
    struct tacho_zone first = zone_named("z"), second = first, other = zone_named("other");
    run(&first);
    run(&second); // the library was unloaded and loaded again
    run(&other);
    assert_int_equal(first.series.id, second.series.id);
    assert_int_not_equal(first.series.id, other.series.id);
    assert_string_equal((char *)tacho_at(tacho_series_at(other.series.id)->name), "other");
}

static void a_full_directory_is_counted(void **state)
{
    (void)state;
    static const struct tacho_series series = {"", "", "", "", 0, TACHO_SERIES_FUNCTION, 0, 0};
    struct tacho_zone zone = zone_named("z");
    for (uint32_t i = 1; i <= TACHO_RING_SERIES_MAX; i++)
        assert_int_equal(tacho_series_add(&series, i), i);
    assert_int_equal(tacho_series_add(&series, 1), 0);
    uint64_t lost = tacho_core.header->lost_series;
    run(&zone);
    run(&zone);
    assert_int_equal(tacho_core.header->lost_series, lost + 2);
}

static uint64_t count_all(uint32_t id)
{
    uint64_t count = 0;
    for (uint32_t at = tacho_core.header->slot_first; at != 0;) {
        const struct tacho_ring_slot *slot = tacho_at(at);
        const uint32_t *blocks = slot->leaf[0] ? tacho_at(slot->leaf[0]) : NULL;
        if (blocks && blocks[id])
            count += ((struct tacho_ring_block *)tacho_at(blocks[id]))->count;
        at = slot->next;
    }
    return count;
}

static void slots_are_reused_and_no_count_is_lost(void **state)
{
    (void)state;
    struct tacho_zone zone = zone_named("z");
    for (int thread = 0; thread < 500; thread++) {
        run(&zone);
        run(&zone);
        tacho_mock_thread_end();
        tacho_mock_ticks++;
    }
    assert_true(tacho_core.header->slot_count <= 66);
    assert_int_equal(count_all(zone.series.id), 1000);
    assert_true(tacho_core.header->departed != 0);
    assert_int_equal(tacho_core.header->lost_memory, 0);
}

static void a_reused_slot_says_where_its_new_thread_begins(void **state)
{
    (void)state;
    struct tacho_zone zone = zone_named("z");
    struct tacho_ring_slot *slot = NULL;
    for (int thread = 0; thread < 65; thread++) {
        run(&zone);
        if (thread == 0)
            slot = tacho_local.slot;
        if (thread < 64)
            tacho_mock_thread_end();
        tacho_mock_ticks++;
    }
    assert_ptr_equal(tacho_local.slot, slot); // the oldest
    assert_int_equal(slot->ring_first, 1);
    assert_int_equal(slot->head, 2);
    assert_int_equal(slot->previous_tid, 1);
    assert_int_equal(slot->tid, 65);
    assert_int_equal(slot->generation & 1, 0);
}

static void rings_take_a_share_of_what_is_left(void **state)
{
    (void)state;
    struct tacho_zone zone = zone_named("z");
    begin_with(MEMORY_BYTES, MEMORY_BYTES, 4 << 20);
    for (int thread = 0; thread < 60; thread++) {
        run(&zone);
        assert_true(tacho_local.slot->ring_records > 0);
        tacho_mock_thread_next();
    }
    assert_int_equal(tacho_core.header->lost_memory, 0);
}

static void a_forked_child_goes_on_with_open_zones_in_memory_of_its_own(void **state)
{
    (void)state;
    struct tacho_zone outer = zone_named("outer"), inner = zone_named("inner");
    static struct tacho_ring_slot spare;
    struct tacho_scope out = tacho_zone_begin(&outer);
    run(&inner);
    uint64_t parents = tacho_local.slot->head;
    struct tacho_ring_slot *parent = tacho_local.slot;
    tacho_slot_park(&spare);
    struct tacho_scope parked = tacho_zone_begin(&inner); // makes a slot, here in the same region
    assert_ptr_not_equal(tacho_local.slot, parent);
    assert_int_equal(tacho_local.slot->depth, 2);
    tacho_zone_end(&inner, parked);
    tacho_zone_end(&outer, out);
    assert_int_equal(tacho_local.slot->depth, 0);
    assert_int_equal(tacho_local.slot->head, 2);
    assert_int_equal(parent->head, parents);
    assert_int_equal(parent->depth, 1);
}

static void a_scope_that_ends_before_the_child_records_harms_nothing(void **state)
{
    (void)state;
    struct tacho_zone zone = zone_named("z");
    static struct tacho_ring_slot spare;
    struct tacho_scope scope = tacho_zone_begin(&zone);
    struct tacho_ring_slot *parent = tacho_local.slot;
    uint64_t used = tacho_core.header->used_bytes;
    tacho_slot_park(&spare);
    tacho_zone_end(&zone, scope);
    assert_int_equal(parent->head, 0);
    assert_int_equal(parent->depth, 1);
    assert_int_equal(spare.depth, 0);
    assert_int_equal(tacho_core.header->used_bytes, used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define FRESH(test) cmocka_unit_test_setup(test, begin)
        FRESH(without_memory_nothing_is_recorded_and_it_is_counted),
        FRESH(a_region_that_cannot_grow_keeps_what_it_has),
        FRESH(a_lock_that_cannot_be_had_loses_the_zone_only),
        FRESH(the_same_place_has_one_number),
        FRESH(a_full_directory_is_counted),
        FRESH(slots_are_reused_and_no_count_is_lost),
        FRESH(a_reused_slot_says_where_its_new_thread_begins),
        FRESH(rings_take_a_share_of_what_is_left),
        FRESH(a_forked_child_goes_on_with_open_zones_in_memory_of_its_own),
        FRESH(a_scope_that_ends_before_the_child_records_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
